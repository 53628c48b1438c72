// The element <gf-chart>: lets people look into a chart that the server drew as SVG, and has ECharts draw its data once it
// is in sight. Without this script, or when anything fails, the SVG stays as it is. What is inside the element belongs to
// the page's framework: everything added here lives in the shadow root.

import type { EChartsType } from 'echarts/core';
import { SelectionTooltip } from './chart/selection_tooltip';
import { Inspector } from './chart/inspect';
import { build } from './chart/parts';
import { countInstances, joinGroup, leaveGroup, type Member } from './chart/chart_group';
import { hide, showCrosshair, type Scene } from './chart/crosshair';
import { measure, same, type Box } from './chart/box';
import { read, type Data } from './chart/data';
import * as legend from './chart/legend';

type Drawer = typeof import('./chart/echarts');
type Selection = import('./chart/echarts').Selection;

export class GfChart extends HTMLElement implements Member {
  static observedAttributes = ['data-option', 'data-meta'];

  /** For tests; `undefined` while the SVG is all there is. */
  chart: EChartsType | undefined;

  #parts = build(this.attachShadow({ mode: 'open' }));
  #data: Data | undefined;
  #box: Box | undefined;
  #off = new Set<string>();
  #inspector = new Inspector(this, this.#parts, () => this.#scene());
  #brushed = new SelectionTooltip(this, this.#parts, () => (this.#data?.kind === 'raw' ? this.#box : undefined));
  #drawer: Drawer | undefined;
  #ratio = 0;
  #life: AbortController | undefined;
  #due = false;
  /** What `#data` was read from. */
  #texts = '';
  #drawn: Data | undefined;
  /** What was selected when a raw chart was given up to be drawn anew. */
  #selected: Selection | undefined;

  connectedCallback(): void {
    // Moved within the page: everything still runs.
    if (this.#life) return;
    const life = this.#life = new AbortController();
    joinGroup(this);
    const resizes = new ResizeObserver(() => { this.#fit(); });
    resizes.observe(this);
    // The framework replaces the picture in place.
    const changes = new MutationObserver(() => { this.#later(); });
    changes.observe(this, { childList: true, subtree: true });
    const sight = new IntersectionObserver((seen) => {
      if (!seen.some((s) => s.isIntersecting)) return;
      sight.disconnect();
      void this.#wake(life.signal);
    }, { rootMargin: '200px' });
    if (!savesData()) sight.observe(this);
    life.signal.addEventListener('abort', () => { for (const o of [resizes, changes, sight]) o.disconnect(); });
    this.#inspector.listen(life.signal);
    this.#later();
  }

  disconnectedCallback(): void {
    // A move takes it out and puts it in again before this comes to its turn.
    queueMicrotask(() => { if (!this.isConnected) this.#end(); });
  }

  attributeChangedCallback(): void {
    this.#later();
  }

  /** Another chart is looked at. */
  showTime(t: number | undefined): void {
    const scene = this.#scene();
    if (t === undefined || !scene) hide(this.#parts);
    else {
      this.#parts.tooltip.hidden = true;
      showCrosshair(this.#parts, scene, t);
    }
  }

  repaint(): void {
    if (this.#data?.kind === 'raw') this.#give();
    this.#draw();
  }

  /** Attributes and picture change together: once for all of them. */
  #later(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.#life) this.#refresh();
    });
  }

  #refresh(): void {
    const [option, meta] = [this.getAttribute('data-option'), this.getAttribute('data-meta')];
    if (this.#texts !== `${option} ${meta}`) this.#data = read(option, meta);
    this.#texts = `${option} ${meta}`;
    const { frame, plane, canvas, tooltip } = this.#parts;
    const summary = this.querySelector('svg[aria-label]')?.getAttribute('aria-label') ?? '';
    plane.setAttribute('aria-label', [summary, this.#data?.words.hint].filter(Boolean).join(' '));
    // A raw chart's picture is hidden, and with it the sentence that stands for it: the canvas takes it over.
    const raw = this.#data?.kind === 'raw';
    frame.classList.toggle('raw', raw);
    canvas.ariaHidden = raw ? null : 'true';
    canvas.role = raw ? 'img' : null;
    canvas.ariaLabel = raw ? summary : null;
    if (raw) tooltip.hidden = true;
    this.#fit(true);
  }

  #fit(changed = false): void {
    const box = measure(this);
    if (!changed && same(box, this.#box)) return;
    this.#box = box;
    const { plane } = this.#parts;
    plane.hidden = !box;
    if (box) {
      plane.style.left = `${box.left}px`;
      plane.style.top = `${box.top}px`;
      plane.style.width = `${box.width}px`;
      plane.style.height = `${box.height}px`;
    }
    this.#draw();
    this.#inspector.again();
  }

  async #wake(signal: AbortSignal): Promise<void> {
    try {
      const drawer = await import('./chart/echarts');
      if (signal.aborted) return;
      this.#drawer = drawer;
      this.#draw();
    } catch (error) {
      console.debug('the chart stays as the server drew it', error);
    }
  }

  #draw(): void {
    const [drawer, data, box] = [this.#drawer, this.#data, this.#box];
    if (!data) this.#give();
    if (!drawer || !data || !box) return;
    const { canvas, probe, frame } = this.#parts;
    try {
      const raw = data.kind === 'raw';
      if (this.chart && this.#isStale(drawer, this.chart, data, box)) this.#give();
      const chart = this.chart ?? drawer.open(canvas, box, raw ? drawer.theme(data, this, probe) : undefined);
      if (!this.chart) countInstances(1);
      this.chart = chart;
      this.#ratio = window.devicePixelRatio;
      drawer.resize(chart, box);
      if (!raw) drawer.drawLines(chart, data, box, this.#off, this, probe);
      else if (this.#drawn !== data) {
        drawer.drawRaw(chart, data, probe, this.#brushed, this.#selected);
        this.#brushed.offer(data.words.reset, () => { drawer.forgetSelection(chart); });
      }
      this.#drawn = data;
      // From here on the page hides the lines of the SVG, and no others: see style/components/chart.css.
      this.setAttribute('alive', '');
      frame.classList.add('alive');
      if (data.kind === 'lines') this.#choose(data);
    } catch (error) {
      this.#give();
      console.debug('the chart stays as the server drew it', error);
    }
  }

  /** Whether drawing must begin anew: lines over time need that for another screen only. */
  #isStale(drawer: Drawer, chart: EChartsType, data: Data, box: Box): boolean {
    if (this.#ratio !== window.devicePixelRatio) return true;
    if (data.kind !== 'raw' && this.#drawn?.kind !== 'raw') return false;
    // ECharts 6.1 forgets the colours of selections on parallel axes when it is resized, and covers the axes with white.
    return this.#drawn !== data || (data.option['parallelAxis'] !== undefined && !drawer.fits(chart, box));
  }

  /** Gives ECharts back; the SVG shows again. */
  #give(): void {
    if (!this.chart) return;
    this.#selected = this.#drawer?.selectionOf(this.chart);
    this.chart.dispose();
    this.chart = this.#drawn = undefined;
    countInstances(-1);
    this.removeAttribute('alive');
    this.removeAttribute('off');
    this.#parts.frame.classList.remove('alive');
    this.#parts.legend.hidden = true;
  }

  #end(): void {
    this.#inspector.leave();
    this.#life?.abort();
    this.#life = this.#drawer = undefined;
    leaveGroup(this);
    this.#give();
  }

  #scene(): Scene | undefined {
    const [data, box] = [this.#data, this.#box];
    return data?.kind === 'lines' && box ? { data, box, off: this.#off } : undefined;
  }

  #toggle(name: string): void {
    if (!this.#off.delete(name)) this.#off.add(name);
    this.#draw();
    this.#inspector.again();
  }

  /** The legend; and since bands and end labels are the page's, it is told of which colours no line is left. */
  #choose(data: Data): void {
    legend.renew(this.#parts.legend, data, this.#off, (name) => { this.#toggle(name); });
    if (this.#box) legend.place(this.#parts.legend, this, this.#box);
    const left = new Set(data.series.filter((s) => !this.#off.has(s.name)).map((s) => s.colour));
    const off = new Set(data.series.map((s) => s.colour).filter((c) => !left.has(c)));
    if (off.size > 0) this.setAttribute('off', [...off].map((c) => `s${c}`).join(' '));
    else this.removeAttribute('off');
  }
}

/** Whoever pays by the byte keeps the SVG. */
function savesData(): boolean {
  const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } };
  return connection?.saveData === true || matchMedia('(prefers-reduced-data: reduce)').matches;
}

countInstances(0);
if (!customElements.get('gf-chart')) customElements.define('gf-chart', GfChart);
