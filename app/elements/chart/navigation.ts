// Addresses that a chart leads to, and going there. Not a router: a click on a link is what Leptos' router takes over.

import type { Data, Point, Series } from './data';

/** No range is shorter. */
const MIN_RANGE = 60_000;

/**
 * Clicks a link that is there for a moment: the router goes there in place once it runs, before that it is a page load.
 * `stay`: the page is the same with another range, and shall not jump to its top.
 */
export function follow(href: string, stay: boolean): void {
  const link = document.createElement('a');
  link.href = href;
  if (stay) link.setAttribute('data-noscroll', '');
  document.body.append(link);
  link.click();
  link.remove();
}

/** This page with another range. What hung on the old one goes: its days, its step, the page of its tables. */
export function ranged(from: number, to: number): string {
  const short = Math.max(MIN_RANGE - (to - from), 0) / 2;
  const url = new URL(location.href);
  for (const name of ['days', 'page', 'step']) url.searchParams.delete(name);
  url.searchParams.set('from', seconds(from - short));
  url.searchParams.set('to', seconds(to + short));
  return url.pathname + url.search;
}

/** Twice the range around its middle, but not into the future; half of it, around `centre` but never beyond its ends. */
export function zoomed(data: Data, out: boolean, centre = (data.from + data.to) / 2): string {
  const length = data.to - data.from;
  if (!out) {
    const from = Math.min(Math.max(centre - length / 4, data.from), data.to - length / 2);
    return ranged(from, from + length / 2);
  }
  const from = centre - length;
  return ranged(from, Math.max(Math.min(centre + length, Date.now()), from + MIN_RANGE));
}

/** The rows behind a point. */
export function records(data: Data, series: Series, p: Point): string | undefined {
  if (data.records === undefined) return undefined;
  const from = p.t - data.step / 2 - series.shift;
  const join = data.records.includes('?') ? '&' : '?';
  return `${data.records}${join}from=${millis(from)}&to=${millis(from + data.step)}`;
}

function seconds(t: number): string {
  return new Date(Math.round(t / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

function millis(t: number): string {
  return new Date(Math.round(t)).toISOString();
}
