// The tooltip beside the crosshair: fills it and finds its place. It decides nothing about what is looked at. Text goes in
// as text, never as HTML.

import { swatch, element } from './parts';
import { count, span, value } from './words';
import type { Box } from './box';
import type { Data, Reading } from './data';

/** Distance from crosshair and pointer, in pixels. */
const OFFSET = 14;

/** Series in a moment. */
export function fill(tooltip: HTMLElement, data: Data, t: number, readings: readonly Reading[]): void {
  const rows = element('div', 'rows');
  const nothing = readings.every(([, p]) => p === undefined);
  for (const [s, p] of nothing ? [] : readings) {
    rows.append(swatch(s.colour, s.dashed), element('span', 'name', s.name));
    if (p === undefined) rows.append(element('span', 'nothing', data.words.none));
    else rows.append(element('span', 'value', value(data, p.v)), element('span', 'n', count(data, p)));
    // A line of an earlier period is drawn over this one; its own time must be said.
    if (s.shift !== 0) rows.append(element('span', 'then', span(data, p?.t ?? t, s.shift)));
  }
  tooltip.replaceChildren(element('div', 'when', span(data, t)), nothing ? element('div', 'when', data.words.none) : rows);
}

/** Names and values, for charts that are not lines over time. */
export function fillPairs(tooltip: HTMLElement, title: string, pairs: readonly (readonly [string, string])[]): void {
  const rows = element('div', 'rows');
  for (const [name, written] of pairs) {
    rows.append(element('span', ''), element('span', 'name', name), element('span', 'value', written), element('span', ''));
  }
  tooltip.replaceChildren(element('div', title === '' ? '' : 'name', title), rows);
}

/**
 * Puts the tooltip beside the crosshair: right of it, else left of it, and where neither has room (phones) above or below the
 * pointer, inside of the element and of the window. `x` and `y` are the pointer's, `crosshair` the crosshair's, from the upper left
 * corner of the element.
 */
export function place(tooltip: HTMLElement, host: HTMLElement, box: Box, crosshair: number, x: number, y: number): void {
  tooltip.hidden = false;
  const [width, height] = [tooltip.offsetWidth, tooltip.offsetHeight];
  const outer = host.getBoundingClientRect();
  const least = Math.max(0, 4 - outer.left);
  const most = Math.min(box.outerWidth, document.documentElement.clientWidth - 4 - outer.left);
  const right = Math.max(crosshair, x) + OFFSET;
  const left = Math.min(crosshair, x) - OFFSET - width;
  let [atX, atY] = [right, box.top + 4];
  if (right + width > most && left >= least) atX = left;
  else if (right + width > most) {
    atX = Math.max(Math.min(x - width / 2, most - width), least);
    atY = y - height - 2 * OFFSET;
    if (atY + outer.top < 4) atY = y + 2 * OFFSET;
  }
  tooltip.style.transform = `translate(${Math.round(atX)}px, ${Math.round(atY)}px)`;
}
