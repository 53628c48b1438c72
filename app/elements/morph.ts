// Turns what an element holds into other HTML by changing only what differs. Loaded when a page is first drawn anew.
import { Idiomorph } from 'idiomorph';

/** What stands in forms that write: the server does not know of it before it is sent. */
function typed(element: HTMLElement): HTMLInputElement[] {
  return [...element.querySelectorAll<HTMLInputElement>('form[method="post"] input[id]:not([type="hidden"])')];
}

export function morph(element: HTMLElement, html: string): void {
  const before = new Map(typed(element).map((field) => [field.id, field.value]));
  Idiomorph.morph(element, html, {
    morphStyle: 'innerHTML',
    ignoreActiveValue: true,
    restoreFocus: true,
    callbacks: {
      // What somebody opened stays open; the server does not know of it.
      beforeAttributeUpdated: (name: string, node: Element) => !(name === 'open' && node instanceof HTMLDetailsElement),
    },
  });
  for (const field of typed(element)) {
    if (field.value === '') field.value = before.get(field.id) ?? '';
  }
}
