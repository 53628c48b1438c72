// Turns what an element holds into other HTML by changing only what differs. Loaded when a page is first drawn anew.
import { Idiomorph } from 'idiomorph';

export function morph(element: HTMLElement, html: string): void {
  Idiomorph.morph(element, html, {
    morphStyle: 'innerHTML',
    ignoreActiveValue: true,
    restoreFocus: true,
    callbacks: {
      // What somebody opened stays open; the server does not know of it.
      beforeAttributeUpdated: (name: string, node: Element) => !(name === 'open' && node instanceof HTMLDetailsElement),
    },
  });
}
