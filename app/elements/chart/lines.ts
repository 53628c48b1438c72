// Draws lines over time exactly over the page's SVG. Axes, ticks, labels, bands, thresholds and flags stay those of the
// SVG: they are text one can select, and they keep the take-over without a jump.

import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { first, object, type Data, type Json, type Point, type Series } from './data';
import { lineWidth, paint } from './paint';
import type { Box } from './box';

/** As `stroke-dasharray` in `domain::chart::svg`. */
const DASHES = [4, 3];
const DOT = 5;

export function drawLines(
  chart: EChartsType, data: Data, box: Box, off: ReadonlySet<string>, host: HTMLElement, probe: HTMLElement,
): void {
  const colour = paint(probe);
  const width = lineWidth(host);
  const series = data.series.filter((s) => !off.has(s.name)).flatMap((s) => {
    const points = s.points.map((p) => place(data, p));
    // What it is compared with lies beneath the present.
    const z = s.shift !== 0 ? 2 : 3;
    const stroke = colour(`--series-${s.colour}`);
    return [line(s, points, stroke, width, z), dots(s, points, stroke, z)];
  });
  const option: EChartsCoreOption = {
    ...data.option,
    animation: false,
    grid: { left: box.left, top: box.top, width: box.width, height: box.height, outerBoundsMode: 'none' },
    xAxis: axis(first(data.option['xAxis']), data.from, data.to),
    yAxis: axis(first(data.option['yAxis']), data.low, data.high),
    series,
  };
  chart.setOption(option, { notMerge: true, silent: true });
}

function axis(given: Json, min: number, max: number): Json {
  return { ...given, type: 'value', show: false, min, max };
}

type Placed = [number, number | '-'];

/** The SVG draws what is far off 5 % beyond its axes, and so does this. */
function place(data: Data, p: Point): Placed {
  if (p.v === undefined) return [p.t, '-'];
  const beyond = (data.high - data.low) * 0.05;
  const within = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
  return [within(p.t, data.from, data.to), within(p.v, data.low - beyond, data.high + beyond)];
}

function line(s: Series, data: Placed[], color: string, width: number, z: number): Json {
  return {
    type: 'line', name: s.name, data, z,
    showSymbol: false, silent: true, clip: false, connectNulls: false, smooth: false, emphasis: { disabled: true },
    lineStyle: { ...object(s.raw['lineStyle']), color, width, type: s.dashed ? DASHES : 'solid', cap: 'round', join: 'round' },
    itemStyle: { color },
  };
}

/** A point between two gaps has no line but a dot, as large as `.dot` in `style/components/chart.css`. */
function dots(s: Series, points: Placed[], color: string, z: number): Json {
  const gap = (p: Placed | undefined) => p === undefined || p[1] === '-';
  return {
    type: 'scatter', name: s.name, z, data: points.filter((p, i) => !gap(p) && gap(points[i - 1]) && gap(points[i + 1])),
    symbol: 'circle', symbolSize: DOT, silent: true, clip: false, emphasis: { disabled: true }, itemStyle: { color, opacity: 1 },
  };
}
