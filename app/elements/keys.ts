// The keys of every page, and the buttons that open what they open. What they open is loaded when it is first wanted.

import { anyOpen } from './dialog';
import { closestInPath } from './dom';

/** How long a first key waits for its second. */
const GO = 1_200;
const SHIFT = 1_500;

let after: { key: 'g' | 't'; until: number } | null = null;

type Module = typeof import('./palette');
let module: Module | null = null;
let loading: Promise<Module | null> | null = null;
/** What is typed while the palette is being loaded is meant for it. */
let typed: string | null = null;

function load(): Promise<Module | null> {
  loading ??= import('./palette').catch(() => {
    loading = null; // the next key tries again
    return null;
  });
  return loading.then((loaded) => (module = loaded));
}

function show(what: 'palette' | 'keys'): void {
  if (module) return open(module, what);
  typed = '';
  void load().then((loaded) => {
    if (loaded && typed !== null && !anyOpen()) open(loaded, what);
    typed = null;
  });
}

function open(loaded: Module, what: 'palette' | 'keys'): void {
  if (what === 'palette') loaded.openPalette(typed ?? '');
  else loaded.openSheet();
}

/** Where keys are letters, none of them is ours. */
function typing(event: Event): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}

/** The letter on the key, also while it would give a Hangul one. */
function letter(event: KeyboardEvent): string {
  if (/^[a-z]$/iu.test(event.key)) return event.key.toLowerCase();
  return event.key.length === 1 && event.key > '\x7f' && event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : event.key;
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && letter(event) === 'k') {
    event.preventDefault();
    if (!event.repeat) palette();
    return;
  }
  // Whoever holds these may want the palette next.
  if (event.key === 'Control' || event.key === 'Meta') void load();
  if (event.ctrlKey || event.altKey || event.metaKey || typing(event) || anyOpen()) return;
  // Whoever talks to their computer, or rests a hand on the keys, can have them off.
  if (document.documentElement.dataset['keys'] === 'off') return;
  if (plain(event)) event.preventDefault();
});

/** Ctrl+K opens the palette, from the sheet as well, and closes it. A dialog of somebody else stays as it is. */
function palette(): void {
  if (document.querySelector('dialog[open]:not(.over)')) return;
  if (document.querySelector('dialog.palette[open]')) return module?.closePalette();
  module?.closeSheet();
  show('palette');
}

/** A key without Ctrl, Alt or Meta. True when it was one of ours. */
function plain(event: KeyboardEvent): boolean {
  const now = Date.now();
  if (typed !== null) {
    if (event.key === 'Escape') typed = null;
    else if (event.key.length === 1) typed += event.key;
    else return false;
    return true;
  }
  const first = after !== null && now < after.until ? after.key : null;
  const key = letter(event);
  if (first === 't' && (key === 'ArrowLeft' || key === 'ArrowRight')) {
    if (event.shiftKey || closestInPath(event, (element) => element.localName === 'gf-chart')) return false;
    after = { key: 't', until: now + SHIFT };
    document.querySelector<HTMLElement>(`[data-key="${key === 'ArrowLeft' ? 'earlier' : 'later'}"]`)?.click();
    return true;
  }
  if (event.repeat || ['Shift', 'CapsLock', 'Process', 'Unidentified'].includes(key)) return false;
  after = null;
  if (first === 'g' && /^[a-z0-9]$/u.test(key) && !event.shiftKey) {
    void load().then((module) => module?.goByKey(key));
    return true;
  }
  if (key === '?') show('keys');
  else if (key === '/') show('palette');
  else if (key === '.') return table();
  else if (event.shiftKey) return false;
  else if (key === 'g') {
    after = { key, until: now + GO };
    void load(); // it takes its time; the second key comes soon
  } else if (key === 't') after = { key, until: now + SHIFT };
  else return false;
  return true;
}

/** Opens or closes the table behind a chart: the one that has the focus, else the first that can be seen. */
function table(): boolean {
  const charts = [...document.querySelectorAll<HTMLElement>('figure.chart')].filter((chart) => chart.querySelector('details.behind'));
  const visible = (chart: HTMLElement): boolean => {
    const { top, bottom } = chart.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  const chart = charts.find((one) => one.contains(document.activeElement)) ?? charts.find(visible) ?? charts[0];
  const behind = chart?.querySelector<HTMLDetailsElement>('details.behind');
  if (!behind) return false;
  behind.open = !behind.open;
  if (behind.open) behind.scrollIntoView({ block: 'nearest' });
  return true;
}

document.addEventListener('click', (event) => {
  const act = closestInPath(event, (element) => element.matches('[data-act="palette"], [data-act="keys"]'))?.dataset['act'];
  if (act !== 'palette' && act !== 'keys') return;
  event.preventDefault();
  show(act);
});
