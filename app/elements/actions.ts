// What buttons of a page do by script alone: copy a link, save a picture. Not the palette and the keys; those are keys.ts.

import { copy, closestInPath, say } from './dom';

const SHOWN = 1_500;
const busy = new WeakSet<Element>();

// The page's style sheet hides these buttons until somebody is there to answer.
document.documentElement.classList.add('js');

document.addEventListener('click', (event) => {
  const button = closestInPath(event, (element) => element.matches('[data-act="copy-link"], [data-act="png"]'));
  if (!button) return;
  event.preventDefault();
  if (busy.has(button)) return;
  busy.add(button);
  void (button.dataset['act'] === 'png' ? savePicture(button) : copyLink(button)).finally(() => busy.delete(button));
});

async function copyLink(button: HTMLElement): Promise<void> {
  const done = await copy(new URL(button.dataset['href'] ?? location.href, location.href).href);
  await flash(button, done ? button.dataset['done'] : button.dataset['failed']);
}

async function savePicture(button: HTMLElement): Promise<void> {
  const address = new URL(button.dataset['href'] ?? '', location.href);
  if (address.origin !== location.origin) return;
  const module = await import('./png').catch(() => null);
  const file = await module?.png(address.href);
  if (!module || !file) return flash(button, button.dataset['failed']);
  module.save(file, `${(button.dataset['name'] || 'chart').replace(/\.png$/iu, '')}.png`);
}

/** Shows another word on the button for a while. The text node stays the same one: the framework may hold it. */
async function flash(button: HTMLElement, word: string | undefined): Promise<void> {
  if (!word) return;
  const label = button.querySelector('span:not([aria-hidden])');
  const text = [...(label?.childNodes ?? [])].find((node) => node instanceof Text && node.data.trim() !== '');
  say(word);
  if (!(text instanceof Text)) return;
  const before = text.data;
  text.data = word;
  await new Promise((done) => setTimeout(done, SHOWN));
  // Whoever wrote another word meanwhile knows better.
  if (text.data === word) text.data = before;
}
