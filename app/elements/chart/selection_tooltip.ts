// What a raw chart tells while someone points at it or selects in it: the tooltip, the event for the page, and the button that
// gives the selection up.

import { element, type Parts } from './parts';
import { fillPairs, place } from './tooltip';
import type { Box } from './box';
import type { Handlers } from './raw';

/** ms */
const REST = 80;

export class SelectionTooltip implements Handlers {
  #last = '[]';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: HTMLElement, private readonly parts: Parts, private readonly box: () => Box | undefined) {}

  hover(what: Parameters<Handlers['hover']>[0]): void {
    const box = this.box();
    if (!box || !what) {
      this.parts.tooltip.hidden = true;
      return;
    }
    fillPairs(this.parts.tooltip, what.title, what.pairs);
    place(this.parts.tooltip, this.host, box, what.x, what.x, what.y);
  }

  /** While a selection is drawn ECharts tells each pixel of it, and also what has not changed: the page hears where it rests. */
  select(indices: number[], names: string[]): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#tell(indices, names); }, REST);
  }

  #tell(indices: number[], names: string[]): void {
    const now = JSON.stringify(indices);
    if (now === this.#last) return;
    this.#last = now;
    this.parts.legend.hidden = indices.length === 0;
    this.host.dispatchEvent(new CustomEvent('gf-brush', { bubbles: true, composed: true, detail: { indices, names } }));
  }

  /** Above the chart, while something is selected. */
  offer(words: string, reset: () => void): void {
    const { legend } = this.parts;
    const button = element('button', '', words);
    button.setAttribute('type', 'button');
    button.addEventListener('click', reset);
    legend.replaceChildren(button);
    legend.hidden = this.#last === '[]';
  }
}
