// Small helpers of the scripts for building and finding nodes. Not a framework: they keep no state but one status line.

/** An element with attributes and children. Text goes in as text, never as HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The first element on an event's way that fits, also through shadow roots, where `closest` would stop. */
export function closestInPath(event: Event, fits: (element: Element) => boolean): HTMLElement | null {
  for (const step of event.composedPath()) if (step instanceof HTMLElement && fits(step)) return step;
  return null;
}

let line: HTMLElement | undefined;

/** Says a word to people who do not see it appear. The line stands before it speaks: readers miss lines that come with their text. */
export function say(text: string): void {
  line ??= make('div', { class: 'said', role: 'status', 'aria-live': 'polite' });
  const status = line;
  if (!status.isConnected) document.body.append(status);
  status.textContent = '';
  setTimeout(() => { status.textContent = text; }, 50);
}

/** Writes to the clipboard; on plain http outside this machine there is no `navigator.clipboard`, and the old way does it. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyTheOldWay(text);
  }
}

function copyTheOldWay(text: string): boolean {
  const before = document.activeElement;
  const area = make('textarea', { class: 'said', readonly: '', 'aria-hidden': 'true', tabindex: '-1' });
  area.value = text;
  // Inside an open dialog: what lies outside of it is inert and cannot be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch { /* then it is not copied, and the caller says so */ }
  area.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return done;
}
