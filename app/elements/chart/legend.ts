// Buttons that show and hide the lines of a chart. They keep no state: the chart does, and is asked to change it.

import { element, swatch } from './parts';
import type { Box } from './box';
import type { Data } from './data';

/** Only where there is something to choose from. */
export function renew(legend: HTMLElement, data: Data, off: ReadonlySet<string>, toggle: (name: string) => void): void {
  legend.hidden = data.series.length < 2;
  const names = legend.hidden ? [] : data.series;
  const buttons = [...legend.children].filter((b) => b instanceof HTMLButtonElement);
  // A live page comes with new values every few seconds: who has the focus on a button keeps it.
  const same = names.length === buttons.length && names.every((s, i) => buttons[i]?.textContent === s.name);
  if (!same) {
    legend.replaceChildren(...names.map((s) => {
      const button = element('button', '', swatch(s.colour, s.dashed), element('span', 'name', s.name));
      button.setAttribute('type', 'button');
      button.title = s.name;
      button.addEventListener('click', () => { toggle(s.name); });
      return button;
    }));
  }
  [...legend.children].forEach((button, i) => {
    button.setAttribute('aria-pressed', String(!off.has(names[i]?.name ?? '')));
  });
}

/** Above the plot at its right, up to the words of the axis. What finds no room there goes on to the edge, and then scrolls. */
export function place(legend: HTMLElement, host: HTMLElement, box: Box): void {
  if (legend.hidden) return;
  const outer = host.getBoundingClientRect();
  const label = host.querySelector('.chart-axis-label')?.getBoundingClientRect();
  const beside = label !== undefined && label.width > 0 && label.top - outer.top < legend.offsetHeight - 4;
  const from = beside ? label.right - outer.left + 12 : 0;
  const margin = box.outerWidth - box.left - box.width;
  const fits = (right: number) => {
    legend.style.right = `${right}px`;
    legend.style.maxWidth = `${Math.max(box.outerWidth - right - from, 96)}px`;
    return legend.scrollWidth <= legend.clientWidth;
  };
  legend.classList.remove('more');
  // The end of a row that goes on fades, so that it is seen to go on.
  if (!fits(margin) && !fits(0)) legend.classList.add('more');
}
