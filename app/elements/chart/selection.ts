// What is selected in a raw chart, in the values of its axes, so that the same region is selected when it is drawn anew.

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
  return known.get(chart);
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
  chart.on('axisareaselected', (event) => {
    const { parallelAxisId, intervals } = object(event);
    const place = idsOf(chart).indexOf(parallelAxisId);
    selection.stretches ??= [];
    if (place >= 0) selection.stretches[place] = list(intervals) as Range[];
  });
}

/** Whether there was something to select again. */
export function select(chart: EChartsType, option: Json, before: Selection | undefined): boolean {
  if (before?.axes !== namesOf(option)) return false;
  if (before.rect) {
    chart.dispatchAction({ type: 'brush', areas: [{ brushType: 'rect', xAxisIndex: 0, yAxisIndex: 0, coordRange: before.rect }] });
  }
  const ids = idsOf(chart);
  const stretches = (before.stretches ?? []).map((intervals, i) => ({ intervals, parallelAxisId: ids[i] })).filter((s) => s.intervals.length > 0);
  for (const stretch of stretches) chart.dispatchAction({ type: 'axisAreaSelect', ...stretch });
  return before.rect !== undefined || stretches.length > 0;
}

export function forget(chart: EChartsType): void {
  chart.dispatchAction({ type: 'brush', areas: [] });
  for (const parallelAxisId of idsOf(chart)) chart.dispatchAction({ type: 'axisAreaSelect', parallelAxisId, intervals: [] });
}

function idsOf(chart: EChartsType): unknown[] {
  return list((chart.getOption() as Json)['parallelAxis']).map((axis) => object(axis)['id']);
}

function namesOf(option: Json): string {
  const axes = list(option['parallelAxis']);
  return JSON.stringify((axes.length > 0 ? axes.map(object) : [first(option['xAxis']), first(option['yAxis'])]).map((a) => a['name']));
}
