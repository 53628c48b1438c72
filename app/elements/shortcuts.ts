// The sheet of keys: what each key does, in the server's words. It explains the keys; keys.ts does them.

import { open, type Dialog } from './dialog';
import { make } from './dom';
import { cachedListing, listing, labels, type Listing } from './source';

let sheet: Dialog | null = null;

export function openSheet(): void {
  if (sheet) return;
  const known = cachedListing();
  const words = known?.words ?? labels();
  const title = make('h2', {}, words.keys_title);
  const close = make('button', { type: 'button', class: 'shut' }, words.close);
  const body = make('div', { class: 'body', tabindex: '-1' });
  // Opened by a key, a sheet needs no ring around its button: the focus begins on what there is to read, without one.
  body.autofocus = true;
  close.addEventListener('click', closeSheet);
  sheet = open('sheet', words.keys_title, [make('header', {}, title, close), body], () => { sheet = null; });
  const mine = sheet;
  if (known) fill(body, known);
  void listing().then((fresh) => {
    if (mine !== sheet) return;
    if (fresh) {
      title.textContent = fresh.words.keys_title;
      close.textContent = fresh.words.close;
      mine.node.ariaLabel = fresh.words.keys_title;
      fill(body, fresh);
    } else if (!known) body.replaceChildren(make('p', { role: 'status' }, words.failed));
  });
}

export function closeSheet(): void {
  sheet?.close();
}

/** Two lists: the keys that go to pages, which have names of pages, and the rest. */
function fill(body: HTMLElement, { keys }: Listing): void {
  const goes = keys.filter(([key]) => key.startsWith('g '));
  const rest = keys.filter(([key]) => !key.startsWith('g '));
  body.replaceChildren(...[rest, goes].filter((list) => list.length > 0).map((list) => make('dl', {}, ...list.map(line))));
}

function line([key, does]: [string, string]): HTMLElement {
  return make('div', {}, make('dt', {}, ...caps(key)), make('dd', {}, does));
}

/** "Ctrl+K" and "g o" as keys: after each other with a space, together with a plus. */
export function caps(keys: string): HTMLElement[] {
  const mac = /Mac|iPhone|iPad/u.test(navigator.platform);
  return keys.split(' ').filter((key) => key !== '').flatMap((chord) => {
    const parts = chord.length > 1 ? chord.split('+') : [chord];
    return parts.map((part) => make('kbd', {}, mac && part === 'Ctrl' ? '⌘' : part));
  });
}
