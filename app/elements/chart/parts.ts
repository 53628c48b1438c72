// What stands in a chart's shadow root: the page's picture in a slot, and the layers over it. The picture itself belongs to
// the page's framework and is never touched.

import { style } from './style';

export interface Parts {
  /** Around everything: its classes say in which state the chart is. */
  readonly frame: HTMLElement;
  /** ECharts draws in it. */
  readonly canvas: HTMLElement;
  /** Lies on the plot and takes pointer and keys. */
  readonly plane: HTMLElement;
  readonly crosshair: HTMLElement;
  readonly points: HTMLElement;
  readonly selection: HTMLElement;
  readonly tooltip: HTMLElement;
  readonly legend: HTMLElement;
  /** Read aloud when it changes. */
  readonly speech: HTMLElement;
  /** Resolves the colours of tokens, which a canvas cannot. */
  readonly probe: HTMLElement;
}

export function element(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function hidden(className: string): HTMLElement {
  const made = element('div', className);
  made.hidden = true;
  return made;
}

export function build(root: ShadowRoot): Parts {
  const parts = {
    canvas: element('div', 'canvas'), crosshair: hidden('crosshair'), points: element('div', 'points'),
    selection: hidden('selection'), tooltip: hidden('tip'), legend: hidden('legend'),
    speech: element('div', 'speech'), probe: element('span', 'probe'),
  };
  const plane = element('div', 'plane', parts.selection, parts.crosshair, parts.points);
  plane.tabIndex = 0;
  // Screen readers hand arrow keys on to applications only; the points are spoken by `speech`.
  plane.setAttribute('role', 'application');
  parts.canvas.setAttribute('aria-hidden', 'true');
  parts.tooltip.setAttribute('aria-hidden', 'true');
  parts.legend.setAttribute('role', 'group');
  parts.speech.setAttribute('aria-live', 'polite');
  const over = element('div', 'over', plane, parts.tooltip);
  const frame = element('div', 'frame', element('slot', ''), parts.canvas, over, parts.legend, parts.speech, parts.probe);
  root.adoptedStyleSheets = [style()];
  root.append(frame);
  return { ...parts, frame, plane };
}

/** A short line in a series' colour. */
export function swatch(colour: number, dashed: boolean): HTMLElement {
  const made = element('span', dashed ? 'swatch dashed' : 'swatch');
  made.style.borderColor = token(colour);
  return made;
}

export function token(colour: number): string {
  return `var(--series-${colour})`;
}
