// What is looked at, by pointer, keys or another chart: the crosshair, the dots on the lines and the tooltip. It knows where things
// are drawn, and neither events nor ECharts.

import { beyond, covered, nearest, type Data, type Known, type Reading, type Series } from './data';
import { fill, place } from './tooltip';
import { element, token, type Parts } from './parts';
import { range, sentence } from './words';
import { timeAt, xOf, yOf, type Box } from './box';

/** A point within so many pixels can be meant. */
const MAX_DISTANCE = 24;

export interface Scene {
  readonly data: Data;
  readonly box: Box;
  /** Names of hidden series. */
  readonly off: ReadonlySet<string>;
}

export function visible(scene: Scene): Series[] {
  return scene.data.series.filter((s) => !scene.off.has(s.name));
}

/** The time that a pointer at `x` means: of the nearest point, or in a gap its own. */
export function timeOfPointer(scene: Scene, x: number): number {
  const { data, box } = scene;
  const t = timeAt(data, box, x);
  const slack = Math.max(data.step, MAX_DISTANCE * (data.to - data.from) / box.width);
  const series = visible(scene).filter((s) => covered(s, t, slack));
  const near = series.map((s) => nearest(s, t)?.t).filter((n) => n !== undefined);
  if (near.length > 0) return near.reduce((a, b) => (Math.abs(b - t) < Math.abs(a - t) ? b : a));
  return Math.min(data.from + (Math.floor((t - data.from) / data.step) + 0.5) * data.step, data.to);
}

/** Each visible series at a time; points of an earlier period may lie half a step beside. */
export function readings(scene: Scene, t: number): Reading[] {
  return visible(scene).map((s) => [s, nearest(s, t, scene.data.step / 2)]);
}

/** The point whose rows a click at this place asks for. */
export function target(scene: Scene, x: number, y: number): Reading | undefined {
  const t = timeOfPointer(scene, x);
  if (Math.abs(xOf(scene.data, scene.box, t) - x) > MAX_DISTANCE) return undefined;
  const away = ([, p]: Reading) => (p ? Math.abs(yOf(scene.data, scene.box, p.v) - y) : Infinity);
  return readings(scene, t).filter(([, p]) => p !== undefined).sort((a, b) => away(a) - away(b))[0];
}

/** The next time with a value; `undefined` at the ends. */
export function step(scene: Scene, from: number, direction: 1 | -1): number | undefined {
  return beyond(visible(scene), from, direction);
}

/** Crosshair and dots. Nothing for a time that the axis does not have. */
export function showCrosshair(parts: Parts, scene: Scene, t: number): boolean {
  const { data, box } = scene;
  if (t < data.from || t > data.to) {
    hide(parts);
    return false;
  }
  parts.crosshair.hidden = false;
  parts.crosshair.style.transform = `translateX(${(xOf(data, box, t) - 0.5).toFixed(2)}px)`;
  const known = readings(scene, t).filter((r): r is readonly [Series, Known] => r[1] !== undefined);
  const dots = [...parts.points.children] as HTMLElement[];
  while (dots.length < known.length) dots.push(parts.points.appendChild(element('div', 'point')));
  dots.forEach((dot, i) => {
    const reading = known[i];
    dot.hidden = !reading;
    if (!reading) return;
    const [s, p] = reading;
    dot.style.background = token(s.colour);
    dot.style.transform = `translate(${xOf(data, box, p.t).toFixed(2)}px, ${yOf(data, box, p.v).toFixed(2)}px)`;
  });
  return true;
}

/** With the tooltip, beside a pointer at `x`, `y` of the plot. */
export function showTooltip(parts: Parts, host: HTMLElement, scene: Scene, t: number, x: number, y: number): void {
  if (!showCrosshair(parts, scene, t)) return;
  const { data, box } = scene;
  fill(parts.tooltip, data, t, readings(scene, t));
  place(parts.tooltip, host, box, box.left + xOf(data, box, t), box.left + x, box.top + y);
}

export function announce(parts: Parts, scene: Scene, t: number): void {
  parts.speech.textContent = sentence(scene.data, t, readings(scene, t));
}

export function hide(parts: Parts): void {
  parts.crosshair.hidden = parts.tooltip.hidden = true;
  for (const dot of parts.points.children) (dot as HTMLElement).hidden = true;
}

/** The range between two places, while it is dragged; its times stand in the tooltip. */
export function showSelectedRange(parts: Parts, host: HTMLElement, scene: Scene, a: number, b: number, y: number): void {
  hide(parts);
  const { data, box } = scene;
  const [left, right] = [Math.min(a, b), Math.max(a, b)];
  parts.selection.hidden = false;
  parts.selection.style.transform = `translateX(${left}px)`;
  parts.selection.style.width = `${right - left}px`;
  parts.tooltip.replaceChildren(element('div', '', range(data, timeAt(data, box, left), timeAt(data, box, right))));
  place(parts.tooltip, host, box, box.left + b, box.left + b, box.top + y);
}
