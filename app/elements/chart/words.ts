// Times and numbers of the tooltip as `app::ui::fmt` writes them elsewhere on the page. It holds no words of its own:
// those come with the chart.

import type { Data, Point, Reading } from './data';

const DAY = 86_400_000;

/** The time that a point stands for: a day by its date, anything else from its beginning to its end. */
export function span(data: Data, middle: number, shift = 0): string {
  if (data.steps) return data.words.step.replace('{n}', (middle * data.steps[1] + data.steps[0]).toLocaleString('en'));
  const from = Math.max(middle - data.step / 2, data.from);
  const to = Math.min(middle + data.step / 2, data.to);
  if (data.step === DAY) return range(data, middle - shift, middle - shift);
  // A week ends with its last day, not with the first of the next.
  return range(data, from - shift, Math.max(to - (data.step > DAY ? 1 : 0), from) - shift);
}

/** From one moment to another, in the chart's language and zone. */
export function range(data: Data, from: number, to: number): string {
  const years = [from, to, Date.now()].map((t) => new Date(t).getUTCFullYear());
  const options: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', timeZone: data.zone };
  if (new Set(years).size > 1) options.year = 'numeric';
  if (data.step < DAY) Object.assign(options, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  if (data.step < 60_000) options.second = '2-digit';
  const written = formatter(data.lang, options).formatRange(from, to);
  // "30 Sep 12:00", as the axis has it, where Intl says "30 Sept, 12:00".
  return data.lang === 'en' ? written.replaceAll('Sept', 'Sep').replaceAll(',', '') : written;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making one takes longer than all that is done with it while a pointer moves. */
function formatter(lang: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang + JSON.stringify(options);
  const made = formatters.get(key) ?? make(lang, options);
  formatters.set(key, made);
  return made;
}

function make(lang: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, options);
  } catch {
    // A zone or language that this browser does not know.
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
  }
}

/** A value with its unit; a real minus sign. */
export function value(data: Data, v: number): string {
  const written = v.toLocaleString('en', { minimumFractionDigits: data.digits, maximumFractionDigits: data.digits });
  const signed = /[1-9]/.test(written) ? written.replace('-', '−') : written.replace('-', '');
  return data.unit === '' ? signed : signed + (data.unit === '%' || data.unit === '×' ? '' : ' ') + data.unit;
}

/** How many records lie behind a point. */
export function count(data: Data, p: Point): string {
  return p.n === undefined || data.words.n === '' ? '' : data.words.n.replace('{n}', p.n.toLocaleString('en'));
}

/** One moment, spoken. */
export function sentence(data: Data, t: number, readings: readonly Reading[]): string {
  const parts = readings.map(([s, p]) => {
    if (p === undefined) return `${s.name} ${data.words.none}`;
    const when = s.shift === 0 ? '' : ` (${span(data, p.t, s.shift)})`;
    return `${s.name}${when} ${value(data, p.v)}, ${count(data, p)}`;
  });
  return `${span(data, t)}: ${parts.join('; ')}`;
}
