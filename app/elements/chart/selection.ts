// What is selected in a raw chart, in the values of its axes, so that the same region is selected when it is drawn again.

import type { EChartsType } from 'echarts/core';
import { first, list, object, type Json } from './data';

type Range = [number, number];

export interface Selection {
  /** Between which names the selection is: it means nothing to other axes. */
  axes: string;
  /** Of a scatter plot: the rectangle. */
  rect?: [Range, Range];
  /** Of parallel coordinates: the selected stretches of each axis, by its place. */
  stretches?: Range[][];
}

const known = new WeakMap<EChartsType, Selection>();

export function selectionOf(chart: EChartsType): Selection | undefined {
  const selection = known.get(chart);
  return selection && { ...selection, stretches: axesOf(chart).map((axis) => axis.activeIntervals) };
}

/** Remembers what is selected in the chart from now on. */
export function watch(chart: EChartsType, option: Json): void {
  const selection: Selection = { axes: namesOf(option) };
  known.set(chart, selection);
  chart.on('brush', (event) => {
    const [range] = list(object(event)['areas']).map((area) => object(area)['coordRange'] as [Range, Range] | undefined);
    if (range) selection.rect = range;
    else delete selection.rect;
  });
}

/** Whether there was something to select again. */
export function select(chart: EChartsType, option: Json, before: Selection | undefined): boolean {
  if (before?.axes !== namesOf(option)) return false;
  if (before.rect) {
    chart.dispatchAction({ type: 'brush', areas: [{ brushType: 'rect', xAxisIndex: 0, yAxisIndex: 0, coordRange: before.rect }] });
  }
  const axes = axesOf(chart);
  const stretches = (before.stretches ?? []).map((intervals, i) => ({ intervals, parallelAxisId: axes[i]?.id })).filter((s) => s.intervals.length > 0);
  for (const stretch of stretches) chart.dispatchAction({ type: 'axisAreaSelect', ...stretch });
  return before.rect !== undefined || stretches.length > 0;
}

export function forget(chart: EChartsType): void {
  chart.dispatchAction({ type: 'brush', areas: [] });
  for (const { id } of axesOf(chart)) chart.dispatchAction({ type: 'axisAreaSelect', parallelAxisId: id, intervals: [] });
}

/** Parallel axes with what is selected on them, which no option tells; none of a scatter plot. */
function axesOf(chart: EChartsType): { id: string; activeIntervals: Range[] }[] {
  interface Model { queryComponents(what: { mainType: string }): { id: string; activeIntervals: Range[] }[] }
  return (chart as unknown as { getModel(): Model }).getModel().queryComponents({ mainType: 'parallelAxis' });
}

function namesOf(option: Json): string {
  const axes = list(option['parallelAxis']);
  return JSON.stringify((axes.length > 0 ? axes.map(object) : [first(option['xAxis']), first(option['yAxis'])]).map((a) => a['name']));
}
