// What pointer and keys do on a chart of lines: look, walk, select a range, open the rows behind a point. It remembers
// where someone looks, so that a live page can show the same place after its data has changed.

import { showTooltip, hide, timeOfPointer, readings, showSelectedRange, announce, step, target, type Scene } from './crosshair';
import { follow, ranged, records, zoomed } from './navigation';
import { listen, type Handlers } from './pointer';
import { showInOtherCharts, type Member } from './chart_group';
import { timeAt, xOf, yOf } from './box';
import { listenToKeys, type KeyboardTarget } from './keyboard';
import type { Parts } from './parts';

/** A time, and beside which place of the plot the tooltip stands. */
interface Gaze { readonly t: number; readonly x: number; readonly y: number }

export class Inspector implements Handlers, KeyboardTarget {
  #gaze: Gaze | undefined;

  constructor(
    private readonly host: HTMLElement & Member,
    private readonly parts: Parts,
    private readonly scene: () => Scene | undefined,
  ) {}

  listen(signal: AbortSignal): void {
    listen(this.parts.plane, this, signal);
    listenToKeys(this.parts.plane, this, signal);
    this.parts.plane.addEventListener('blur', () => { this.leave(); }, { signal });
  }

  /** Data, size or visible lines have changed. */
  again(): void {
    const scene = this.scene();
    if (!this.#gaze) return;
    if (scene) showTooltip(this.parts, this.host, scene, this.#gaze.t, this.#gaze.x, this.#gaze.y);
    else this.leave();
  }

  zooms(): boolean {
    return this.scene()?.data.zoom === true;
  }

  look(x: number, y: number): void {
    const scene = this.scene();
    if (!scene) return;
    this.#show(scene, timeOfPointer(scene, x), x, y);
    this.parts.plane.classList.toggle('leads', scene.data.records !== undefined && target(scene, x, y) !== undefined);
  }

  leave(): void {
    if (!this.#gaze) return;
    this.#gaze = undefined;
    hide(this.parts);
    showInOtherCharts(this.host, undefined);
  }

  dragging(a: number, b: number, y: number): void {
    const scene = this.scene();
    this.leave();
    if (scene) showSelectedRange(this.parts, this.host, scene, a, b, y);
  }

  dragged(ends: readonly [number, number] | undefined): void {
    const scene = this.scene();
    this.parts.selection.hidden = this.parts.tooltip.hidden = true;
    if (scene && ends) follow(ranged(timeAt(scene.data, scene.box, ends[0]), timeAt(scene.data, scene.box, ends[1])), true);
  }

  click(x: number, y: number): void {
    const scene = this.scene();
    const [series, point] = (scene && target(scene, x, y)) ?? [];
    const href = scene && series && point && records(scene.data, series, point);
    if (href !== undefined) follow(href, false);
  }

  double(): void {
    const scene = this.scene();
    if (scene) follow(zoomed(scene.data, true), true);
  }

  step(direction: 1 | -1): void {
    const scene = this.scene();
    if (!scene) return;
    const from = this.#gaze?.t ?? (direction > 0 ? -Infinity : Infinity);
    const t = step(scene, from, direction);
    // At the end one stays, and hears where.
    if (t !== undefined || this.#gaze) this.#walkTo(scene, t ?? from);
  }

  end(direction: 1 | -1): void {
    const scene = this.scene();
    const t = scene && step(scene, direction > 0 ? Infinity : -Infinity, direction > 0 ? -1 : 1);
    if (scene && t !== undefined) this.#walkTo(scene, t);
  }

  open(): void {
    const scene = this.scene();
    if (!scene || !this.#gaze) return;
    const [series, point] = readings(scene, this.#gaze.t).find(([, p]) => p !== undefined) ?? [];
    const href = series && point && records(scene.data, series, point);
    if (href !== undefined) follow(href, false);
  }

  zoom(out: boolean): void {
    const scene = this.scene();
    if (!scene || !this.zooms()) return;
    follow(out ? zoomed(scene.data, true) : zoomed(scene.data, false, this.#gaze?.t), true);
  }

  escape(): void {
    this.leave();
    this.parts.speech.textContent = '';
    this.parts.plane.blur();
  }

  #show(scene: Scene, t: number, x: number, y: number): void {
    this.#gaze = { t, x, y };
    showTooltip(this.parts, this.host, scene, t, x, y);
    showInOtherCharts(this.host, t);
  }

  #walkTo(scene: Scene, t: number): void {
    const [, point] = readings(scene, t).find(([, p]) => p !== undefined) ?? [];
    const y = point ? yOf(scene.data, scene.box, point.v) : scene.box.height / 2;
    this.#show(scene, t, xOf(scene.data, scene.box, t), y);
    announce(this.parts, scene, t);
  }
}
