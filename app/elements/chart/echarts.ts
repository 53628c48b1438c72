// The lazily loaded part: ECharts, cut down to what charts here use, and how it draws them. Pages that show no chart, or
// save data, never load it; the entry must not import it.
/*! Apache ECharts and zrender, https://echarts.apache.org, Apache License 2.0 and BSD 3-Clause */

import { LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import { BrushComponent, GridComponent, ParallelComponent } from 'echarts/components';
import { init, use, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { Box } from './box';

export { drawLines } from './lines';
export { drawRaw, theme } from './raw';
export { forget as forgetSelection, selectionOf, type Selection } from './selection';

use([LineChart, ScatterChart, ParallelChart, GridComponent, ParallelComponent, BrushComponent, CanvasRenderer]);

export function open(canvas: HTMLElement, box: Box, colours?: object): EChartsType {
  return init(canvas, colours, { renderer: 'canvas', devicePixelRatio: window.devicePixelRatio, ...size(box) });
}

export function fits(chart: EChartsType, box: Box): boolean {
  const { width, height } = size(box);
  return chart.getWidth() === width && chart.getHeight() === height;
}

export function resize(chart: EChartsType, box: Box): void {
  if (!fits(chart, box)) chart.resize(size(box));
}

/** Whole pixels: a canvas has no others, and would be stretched to a broken size. */
function size(box: Box): { width: number; height: number } {
  return { width: Math.ceil(box.outerWidth), height: Math.ceil(box.outerHeight) };
}
