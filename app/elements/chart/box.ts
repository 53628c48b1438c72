// Where the plot lies inside of its element, and which pixel a time or a value is. The same scale as `domain::chart::svg`,
// so that what is laid over the picture falls on it; it changes nothing on the page.

import type { Data } from './data';

/** In pixels, from the upper left corner of the element. */
export interface Box {
  readonly left: number;
  readonly top: number;
  /** Of the plot. */
  readonly width: number;
  readonly height: number;
  /** Of the element. */
  readonly outerWidth: number;
  readonly outerHeight: number;
}

/** The plot is what the padding of `.drawing` leaves; `undefined` while nothing is laid out. */
export function measure(host: HTMLElement): Box | undefined {
  const outer = host.getBoundingClientRect();
  const drawing = host.querySelector('.drawing') ?? host.firstElementChild ?? host;
  const inner = drawing.getBoundingClientRect();
  const css = getComputedStyle(drawing);
  const px = (value: string) => parseFloat(value) || 0;
  const box = {
    left: inner.left - outer.left + px(css.paddingLeft),
    top: inner.top - outer.top + px(css.paddingTop),
    width: inner.width - px(css.paddingLeft) - px(css.paddingRight),
    height: inner.height - px(css.paddingTop) - px(css.paddingBottom),
    outerWidth: outer.width,
    outerHeight: outer.height,
  };
  return box.width > 1 && box.height > 1 ? box : undefined;
}

export function same(a: Box | undefined, b: Box | undefined): boolean {
  return a !== undefined && b !== undefined && (Object.keys(a) as (keyof Box)[]).every((k) => a[k] === b[k]);
}

/** From the left edge of the plot. */
export function xOf(data: Data, box: Box, t: number): number {
  return box.width * Math.min(Math.max((t - data.from) / (data.to - data.from), 0), 1);
}

/** From the upper edge of the plot; what is far off is drawn 5 % beyond the axis, as in the SVG. */
export function yOf(data: Data, box: Box, v: number): number {
  return box.height * (1 - Math.min(Math.max((v - data.low) / (data.high - data.low), -0.05), 1.05));
}

export function timeAt(data: Data, box: Box, x: number): number {
  return data.from + (data.to - data.from) * Math.min(Math.max(x / box.width, 0), 1);
}
