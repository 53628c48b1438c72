// Draws any other chart as the server's option says: parallel coordinates, and scatter plots in which one draws a
// rectangle. Colours come from the page; what is selected is told to the page, which decides what follows from it.

import type { ECElementEvent, EChartsCoreOption, EChartsType } from 'echarts/core';
import { first, list, object, type Data, type Json } from './data';
import { paint, type Paint } from './paint';
import { select, watch, type Selection } from './selection';

export interface Handlers {
  /** The point under the pointer, with names and values, in pixels of the element; `undefined`: none. */
  hover(what: { title: string; pairs: [string, string][]; x: number; y: number } | undefined): void;
  /** What lies in the selection; empty: nothing is selected. */
  select(indices: number[], names: string[]): void;
}

/** On a new instance, since a theme given later does not reach everything; what was selected in the old one is selected again. */
export function drawRaw(chart: EChartsType, data: Data, probe: HTMLElement, handlers: Handlers, before?: Selection): void {
  const colour = paint(probe);
  const option = object(resolved(data.option, colour));
  chart.setOption(withBrush(option, colour));
  const brushes = option['brush'] !== undefined || isScatter(option);
  if (brushes) {
    chart.dispatchAction({ type: 'takeGlobalCursor', key: 'brush', brushOption: { brushType: 'rect', brushMode: 'single' } });
  }
  chart.on('mouseover', (event) => { handlers.hover(hovered(data, option, event)); });
  chart.on('mouseout', () => { handlers.hover(undefined); });
  chart.on('globalout', () => { handlers.hover(undefined); });
  if (brushes) {
    chart.on('brushselected', (event) => {
      const batch = first(object(event)['batch']);
      tell(list(batch['selected']).map((s) => list(object(s)['dataIndex']) as number[]), option, handlers);
    });
  } else {
    chart.on('axisareaselected', () => { tell(inAreas(chart, option), option, handlers); });
  }
  handlers.hover(undefined);
  watch(chart, option);
  if (!select(chart, option, before)) handlers.select([], []);
}

function isScatter(option: Json): boolean {
  return list(option['series']).some((s) => object(s)['type'] === 'scatter');
}

/** `"var(--bad)"` anywhere in the option is that token's colour. */
function resolved(x: unknown, colour: Paint): unknown {
  if (Array.isArray(x)) return x.map((y) => resolved(y, colour));
  if (typeof x === 'object' && x !== null) {
    return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, resolved(v, colour)]));
  }
  const token = typeof x === 'string' ? /^var\((--[\w-]+)\)$/.exec(x)?.[1] : undefined;
  return token === undefined ? x : colour(token);
}

/** What an option does not say itself. */
export function theme(data: Data, host: HTMLElement, probe: HTMLElement): Json {
  const colour = paint(probe);
  const [ink, quiet, lineColour, card] = [colour('--ink'), colour('--quiet'), colour('--line'), colour('--card')];
  const line = { lineStyle: { color: lineColour } };
  const fontSize = small();
  const axis = {
    axisLine: { lineStyle: { color: quiet } }, axisTick: { lineStyle: { color: quiet } }, splitLine: line, minorSplitLine: line,
    // Lines run through the labels of parallel axes.
    axisLabel: { color: quiet, fontSize, textBorderColor: card, textBorderWidth: 3 }, nameTextStyle: { color: ink, fontSize },
  };
  const palette = data.colours.length > 0 ? data.colours : [1, 2, 3, 4, 5, 6, 7, 8];
  return {
    color: palette.map((c) => colour(`--series-${c}`)), backgroundColor: 'transparent',
    textStyle: { color: quiet, fontFamily: getComputedStyle(host).fontFamily, fontSize },
    valueAxis: axis, categoryAxis: axis, timeAxis: axis, logAxis: axis,
  };
}

/** The size of small text in px, as `--text-12`: a canvas does not grow with the browser's text by itself. */
function small(): number {
  return 0.75 * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);
}

/** Selections in the colour of links; what lies outside of them steps back. */
function withBrush(option: Json, colour: Paint): EChartsCoreOption {
  const link = colour('--link');
  const area = { color: link, borderColor: link, borderWidth: 1, opacity: 0.15 };
  const brush = {
    toolbox: [], xAxisIndex: 'all', yAxisIndex: 'all', throttleType: 'debounce', throttleDelay: 80,
    brushStyle: { ...area, color: link.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)'), opacity: 1 }, outOfBrush: { colorAlpha: 0.2 },
  };
  const axes = list(option['parallelAxis']).map((a) => ({ areaSelectStyle: { ...area, width: 18 }, ...object(a) }));
  return {
    ...option, animation: false,
    // The option says where the plot is: exactly where the SVG has it.
    ...(option['grid'] === undefined ? {} : { grid: { outerBoundsMode: 'none', ...first(option['grid']) } }),
    ...(option['brush'] || isScatter(option) ? { brush: { ...brush, ...first(option['brush']) } } : {}),
    ...(axes.length > 0 ? { parallelAxis: axes } : {}),
  };
}

function hovered(data: Data, option: Json, event: ECElementEvent): Parameters<Handlers['hover']>[0] {
  const values = Array.isArray(event.value) ? event.value : list(event.value);
  const axes = list(option['parallelAxis']);
  const dimensions = axes.length > 0 ? axes.map(object) : [first(option['xAxis']), first(option['yAxis'])];
  const number = new Intl.NumberFormat('en', { maximumFractionDigits: data.digits });
  const written = (v: unknown) => (typeof v === 'number' ? number.format(v) : String(v ?? '–'));
  const pairs = dimensions.map((d, i): [string, string] => [String(d['name'] ?? ''), written(values[i])]);
  const { offsetX = 0, offsetY = 0 } = object(event.event) as { offsetX?: number; offsetY?: number };
  return { title: event.name || (event.seriesName ?? ''), pairs, x: offsetX, y: offsetY };
}

/** Parallel coordinates keep what is selected to themselves; the series' model knows. */
function inAreas(chart: EChartsType, option: Json): number[][] {
  interface Model { getSeriesByIndex(i: number): { getRawIndicesByActiveState?(state: 'active'): number[] } | undefined }
  const model = (chart as unknown as { getModel(): Model }).getModel();
  return list(option['series']).map((_, i) => model.getSeriesByIndex(i)?.getRawIndicesByActiveState?.('active') ?? []);
}

function tell(bySeries: number[][], option: Json, handlers: Handlers): void {
  const names = bySeries.flatMap((indices, s) => {
    const data = list(object(list(option['series'])[s])['data']);
    return indices.map((i) => String(object(data[i])['name'] ?? ''));
  });
  handlers.select(bySeries.flat(), names);
}
