// Reads what the server wrote on a chart, `data-option` and `data-meta`, into one typed thing, and finds points in it. It
// draws nothing and touches no page; whatever is missing or malformed becomes a harmless default.

export interface Point {
  readonly t: number;
  /** `undefined` is a gap. */
  readonly v: number | undefined;
  readonly n: number | undefined;
}

export interface Series {
  readonly name: string;
  /** Number in the palette: `--series-0` to `--series-8`. */
  readonly colour: number;
  readonly dashed: boolean;
  /** How far its points were moved along the axis: its true time is `t - shift`. */
  readonly shift: number;
  /** In order of time, gaps among them. */
  readonly points: readonly Point[];
  /** Those with a value. */
  readonly known: readonly Known[];
  /** As the server wrote it, for ECharts. */
  readonly raw: Json;
}

export interface Known extends Point { readonly v: number }

/** What a series says at a time. */
export type Reading = readonly [Series, Known | undefined];

export interface Data {
  /** `raw`: any other ECharts chart, drawn as its option says. */
  readonly kind: 'lines' | 'raw';
  readonly option: Json;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
  /** How much time a point stands for, in ms. */
  readonly step: number;
  readonly digits: number;
  readonly unit: string;
  readonly lang: string;
  readonly zone: string;
  readonly series: readonly Series[];
  readonly colours: readonly number[];
  /** Where the rows behind a point are shown, without `from` and `to`. */
  readonly records: string | undefined;
  readonly zoom: boolean;
  /** Where the axis counts steps and not time: the first one, and how many stand for a unit of the axis. */
  readonly steps: readonly [number, number] | undefined;
  readonly words: { readonly n: string; readonly step: string; readonly none: string; readonly hint: string; readonly reset: string };
}

export type Json = Record<string, unknown>;

/** `undefined` when there is no option to draw from. */
export function read(optionText: string | null, metaText: string | null): Data | undefined {
  const option = parse(optionText);
  if (!option) return undefined;
  const meta = parse(metaText) ?? {};
  const words = object(meta['words']);
  const x = first(option['xAxis']);
  const y = first(option['yAxis']);
  const low = number(y['min'], 0);
  const high = number(y['max'], 1);
  const from = number(meta['from'], number(x['min'], 0));
  const to = Math.max(number(meta['to'], number(x['max'], from + 1)), from + 1);
  const colours = list(meta['colours']).map((c) => number(c, 0));
  const series = list(option['series']).map((s, i) => seriesOf(object(s), i, meta, colours));
  return {
    kind: meta['kind'] === 'raw' ? 'raw' : 'lines',
    option, from, to, low, series, colours,
    high: high > low ? high : low + 1,
    step: Math.max(number(meta['step'], stepOf(series)), 1),
    digits: Math.min(Math.max(Math.round(number(meta['digits'], 3)), 0), 20),
    unit: text(meta['unit']),
    lang: text(meta['lang'], 'en'),
    zone: text(meta['zone'], 'UTC'),
    records: text(meta['records']) || undefined,
    zoom: meta['zoom'] !== false,
    steps: meta['steps'] === undefined ? undefined : [number(list(meta['steps'])[0], 0), number(list(meta['steps'])[1], 1)],
    words: {
      n: text(words['n'], 'n {n}'), step: text(words['step'], '{n}'), none: text(words['none'], '–'), hint: text(words['hint']),
      reset: text(words['reset'], '×'),
    },
  };
}

function seriesOf(raw: Json, i: number, meta: Json, colours: readonly number[]): Series {
  const points = list(raw['data']).map(pointOf).filter((p): p is Point => p !== undefined);
  return {
    name: text(raw['name']),
    colour: Math.min(Math.max(colours[i] ?? (i % 8) + 1, 0), 8),
    dashed: list(meta['dashed'])[i] === true,
    shift: number(list(meta['shift'])[i], 0),
    points, raw,
    known: points.filter((p): p is Known => p.v !== undefined),
  };
}

function pointOf(raw: unknown): Point | undefined {
  const parts = Array.isArray(raw) ? raw : list(object(raw)['value']);
  const t = finite(parts[0]);
  return t === undefined ? undefined : { t, v: finite(parts[1]), n: finite(parts[2]) };
}

/** The smallest distance of two points, for pages that do not say what a point stands for. */
function stepOf(series: readonly Series[]): number {
  let least = Infinity;
  for (const s of series) s.points.forEach((p, i) => { least = Math.min(least, p.t - (s.points[i - 1]?.t ?? -Infinity)); });
  return Number.isFinite(least) ? least : 60_000;
}

/** The first index whose time is `t` or later. */
function lower(points: readonly Point[], t: number): number {
  let [a, b] = [0, points.length];
  while (a < b) {
    const middle = (a + b) >> 1;
    if ((points[middle] as Point).t < t) a = middle + 1;
    else b = middle;
  }
  return a;
}

/** The known point of a series nearest to `t`, no farther than `within`. */
export function nearest(series: Series, t: number, within = Infinity): Known | undefined {
  const i = lower(series.known, t);
  const [before, after] = [series.known[i - 1], series.known[i]];
  const best = !before || (after && after.t - t < t - before.t) ? after : before;
  return best && Math.abs(best.t - t) <= within ? best : undefined;
}

/** Whether a line, or a point no farther than `slack`, is drawn at `t`. */
export function covered(series: Series, t: number, slack: number): boolean {
  const i = lower(series.points, t);
  const [before, after] = [series.points[i - 1], series.points[i]];
  const holds = (p: Point | undefined) => p !== undefined && p.v !== undefined;
  return (holds(before) && holds(after)) || nearest(series, t, slack) !== undefined;
}

/** The next time with a value, in a direction; `undefined` at the end. */
export function beyond(series: readonly Series[], t: number, direction: 1 | -1): number | undefined {
  const times = series.map((s) => s.known[direction > 0 ? lower(s.known, t + 1) : lower(s.known, t) - 1]?.t);
  const there = times.filter((x): x is number => x !== undefined);
  return there.length === 0 ? undefined : direction > 0 ? Math.min(...there) : Math.max(...there);
}

export function object(x: unknown): Json {
  return typeof x === 'object' && x !== null && !Array.isArray(x) ? x as Json : {};
}

export function list(x: unknown): unknown[] {
  return Array.isArray(x) ? x : x === undefined || x === null ? [] : [x];
}

/** Axes stand alone or in a list. */
export function first(x: unknown): Json {
  return object(list(x)[0]);
}

function parse(json: string | null): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(json ?? '');
    return typeof parsed === 'object' && parsed !== null ? parsed as Json : undefined;
  } catch {
    return undefined;
  }
}

function finite(x: unknown): number | undefined {
  return typeof x === 'number' && Number.isFinite(x) ? x : undefined;
}

function number(x: unknown, otherwise: number): number {
  return finite(x) ?? otherwise;
}

function text(x: unknown, otherwise = ''): string {
  return typeof x === 'string' ? x : otherwise;
}
