// Parallel coordinates of runs (app/src/run_compare/parallel.rs): dragging along an axis asks for the page with that range. The server
// greys what lies outside, so the address tells all of it; a click on an axis takes its range away.

import { follow } from './follow';

/** Of each axis its column, and the values at its bottom and at its top. */
type Axes = [string, [number, number]][];

/** How near an axis a drag begins, in px. */
const NEAR = 28;
/** A shorter drag is a click, in px. */
const CLICK = 4;

let began: { picture: HTMLElement; axis: number; y: number; mark: HTMLElement } | undefined;

function axesOf(picture: HTMLElement): Axes {
  return JSON.parse(picture.dataset['axes'] ?? '[]') as Axes;
}

/** The plot within its margins. */
function plot(picture: HTMLElement): DOMRect {
  return (picture.querySelector('svg svg') ?? picture).getBoundingClientRect();
}

document.addEventListener('pointerdown', (event) => {
  const picture = event.target instanceof Element ? event.target.closest<HTMLElement>('.parallel[data-axes]') : null;
  if (!picture || event.button !== 0) return;
  const axes = axesOf(picture);
  const box = picture.querySelector('svg')?.getBoundingClientRect();
  if (!box || axes.length < 2) return;
  const axis = Math.round(((event.clientX - box.left) / box.width) * (axes.length - 1));
  const x = box.left + (axis / (axes.length - 1)) * box.width;
  if (axis < 0 || axis >= axes.length || Math.abs(event.clientX - x) > NEAR) return;
  event.preventDefault();
  const mark = document.createElement('div');
  mark.className = 'brushing';
  mark.style.left = `${String(x - picture.getBoundingClientRect().left)}px`;
  picture.append(mark);
  began = { picture, axis, y: event.clientY, mark };
  draw(event.clientY);
});

function draw(y: number): void {
  if (!began) return;
  const top = began.picture.getBoundingClientRect().top;
  began.mark.style.top = `${String(Math.min(began.y, y) - top)}px`;
  began.mark.style.height = `${String(Math.abs(began.y - y))}px`;
}

document.addEventListener('pointermove', (event) => { draw(event.clientY); });

// The browser took the finger to scroll: nothing was asked for.
document.addEventListener('pointercancel', () => {
  began?.mark.remove();
  began = undefined;
});

document.addEventListener('pointerup', (event) => {
  if (!began) return;
  const { picture, axis, y, mark } = began;
  began = undefined;
  mark.remove();
  const chosen = axesOf(picture)[axis];
  if (!chosen) return;
  const [column, [bottom, top]] = chosen;
  const box = plot(picture);
  const value = (at: number): number => {
    const part = Math.min(1, Math.max(0, (box.bottom - at) / box.height));
    return bottom + (top - bottom) * part;
  };
  // As many digits as a pixel is worth.
  const digits = Math.max(0, Math.min(15, 3 - Math.floor(Math.log10(Math.abs(top - bottom) || 1))));
  const ends = [value(y), value(event.clientY)].sort((a, b) => a - b).map((v) => Number(v.toFixed(digits)));
  const to = new URL(location.href);
  // A range that was asked for by the fields of a form is one like the others.
  const [of, low, high] = ['brush_of', 'brush_low', 'brush_high'].map((key) => to.searchParams.get(key) ?? '');
  const all = to.searchParams.getAll('brush');
  if (low || high) all.push(`${of}:${low}..${high}`);
  const others = all.filter((text) => text.slice(0, text.lastIndexOf(':')) !== column);
  for (const key of ['brush', 'brush_of', 'brush_low', 'brush_high']) to.searchParams.delete(key);
  for (const text of others) to.searchParams.append('brush', text);
  if (Math.abs(event.clientY - y) > CLICK) to.searchParams.append('brush', `${column}:${String(ends[0])}..${String(ends[1])}`);
  follow(to.href);
});
