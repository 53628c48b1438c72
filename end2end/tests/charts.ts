// What the tests see of a chart: the element <gf-chart>, what is inside of its shadow root, and where its points lie.
import { expect, type Locator, type Page } from '@playwright/test';

export interface Known { readonly t: number; readonly v: number; readonly n: number }
export interface Meta { readonly from: number; readonly to: number; readonly step: number; readonly records: string | null }

export const chart = (page: Page, n = 0) => page.locator('gf-chart').nth(n);
export const part = (c: Locator, name: string) => c.locator(`.${name}`);

/** Waits until ECharts has taken over. */
export async function awake(c: Locator) {
  await c.scrollIntoViewIfNeeded();
  await expect(c).toHaveAttribute('alive', '');
}

export const meta = (c: Locator) => c.evaluate((e) => JSON.parse((e as HTMLElement).dataset.meta!) as Meta);

/** The names of the series, and those of their points that have a value. */
export const series = (c: Locator) => c.evaluate((e) => {
  const option = JSON.parse((e as HTMLElement).dataset.option!) as { series: { name: string; data: [number, number | '-', number][] }[] };
  return option.series.map((s) => ({
    name: s.name, points: s.data.filter((p) => typeof p[1] === 'number').map(([t, v, n]) => ({ t, v: v as number, n })),
  }));
});

/** Where ECharts draws a value, in pixels of the window. */
export const spot = (c: Locator, p: Known) => c.evaluate((e, [t, v]) => {
  interface Charted extends HTMLElement { chart: { convertToPixel(finder: object, at: number[]): number[] } }
  const { left, top } = e.getBoundingClientRect();
  const [x, y] = (e as Charted).chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [t, v]);
  return { x: left + x!, y: top + y! };
}, [p.t, p.v] as const);

/** The farthest that one of up to twenty points a line is drawn by ECharts from where the SVG of the server has it, in pixels. */
export async function farthest(c: Locator): Promise<{ lines: number; points: number; away: number }> {
  return c.evaluate((e) => {
    interface Charted extends HTMLElement { chart: { convertToPixel(finder: object, at: number[]): number[] } }
    const element = e as Charted;
    const option = JSON.parse(element.dataset.option!) as { series: { data: [number, number | '-'][] }[] };
    const { colours } = JSON.parse(element.dataset.meta!) as { colours: number[] };
    const outer = element.getBoundingClientRect();
    let [lines, points, away] = [0, 0, 0];
    option.series.forEach((s, i) => {
      const path = element.querySelector<SVGPathElement>(`.drawing path.line.s${colours[i]}`)!;
      // Points between two gaps are dots, in a path of their own.
      const dots = element.querySelector(`.drawing path.dot.s${colours[i]}`);
      const d = `${path.getAttribute('d')!}${dots?.getAttribute('d') ?? ''}`;
      const drawn = [...d.matchAll(/[ML]\s*(-?[\d.]+)[ ,](-?[\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])] as const);
      drawn.sort((a, b) => a[0] - b[0]);
      const known = s.data.filter((p) => typeof p[1] === 'number') as [number, number][];
      if (drawn.length !== known.length) throw new Error(`line ${i} has ${drawn.length} points, its option ${known.length}`);
      // The view box of the lines is stretched over the plot.
      const box = path.ownerSVGElement!.viewBox.baseVal;
      const matrix = path.getScreenCTM()!;
      if (box.width !== 1000) throw new Error('the plot is not where it was expected');
      lines++;
      for (let k = 0; k < 20; k++) {
        const at = Math.round((k / 19) * (known.length - 1));
        const server = new DOMPoint(...drawn[at]!).matrixTransform(matrix);
        const [x, y] = element.chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, known[at]!);
        points++;
        away = Math.max(away, Math.abs(outer.left + x! - server.x), Math.abs(outer.top + y! - server.y));
      }
    });
    return { lines, points, away };
  });
}

/** The canvas has a line where one is: some pixel close to the place is painted. */
export const painted = (c: Locator, p: Known) => c.evaluate((e, [t, v]) => {
  interface Charted extends HTMLElement { chart: { convertToPixel(finder: object, at: number[]): number[]; getWidth(): number } }
  const canvas = e.shadowRoot!.querySelector<HTMLCanvasElement>('.canvas canvas')!;
  const { chart } = e as Charted;
  const scale = canvas.width / chart.getWidth();
  const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [t, v]);
  const { data } = canvas.getContext('2d')!.getImageData(Math.round(x! * scale) - 2, Math.round(y! * scale) - 2, 5, 5);
  return data.some((byte, i) => i % 4 === 3 && byte > 60);
}, [p.t, p.v] as const);

/** Moves the pointer to a point of a line. */
export async function point(page: Page, c: Locator, p: Known) {
  const at = await spot(c, p);
  await page.mouse.move(at.x + 1, at.y);
  await page.mouse.move(at.x, at.y, { steps: 3 });
  return at;
}

/** Drags over the plot, from one part of its width to another. */
export async function drag(page: Page, c: Locator, from: number, to: number) {
  const box = (await part(c, 'plane').boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, y, { steps: 8 });
  await page.mouse.up();
}

/** Draws a rectangle around everything in a scatter plot. */
export async function rectangle(page: Page, c: Locator) {
  const plot = await c.evaluate((e) => {
    interface Charted extends HTMLElement { chart: { convertToPixel(finder: object, at: number[]): number[] } }
    const { xAxis, yAxis } = JSON.parse((e as HTMLElement).dataset.option!) as Record<'xAxis' | 'yAxis', { min: number; max: number }>;
    const { left, top } = e.getBoundingClientRect();
    const at = (x: number, y: number) => (e as Charted).chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [x, y]);
    const [[x1, y1], [x2, y2]] = [at(xAxis.min, yAxis.max), at(xAxis.max, yAxis.min)];
    return { x1: left + x1! + 3, y1: top + y1! + 3, x2: left + x2! - 3, y2: top + y2! - 3 };
  });
  await page.mouse.move(plot.x1, plot.y1);
  await page.mouse.down();
  await page.mouse.move(plot.x2, plot.y2, { steps: 10 });
  await page.mouse.up();
}

/** The words that ECharts writes on its canvas, with where each stands. */
export const written = (c: Locator) => c.evaluate((e) => {
  interface Rect { x: number; y: number; width: number; height: number; clone(): Rect; applyTransform(m: unknown): void }
  interface Shown { type: string; style: { text?: string }; transform: unknown; getBoundingRect(): Rect; ignore: boolean; invisible: boolean }
  interface Charted extends HTMLElement { chart: { getZr(): { storage: { getDisplayList(update: boolean): Shown[] } } } }
  return (e as Charted).chart.getZr().storage.getDisplayList(true).filter((s) => s.type === 'tspan' && s.style.text && !s.ignore && !s.invisible).map((s) => {
    const rect = s.getBoundingRect().clone();
    if (s.transform) rect.applyTransform(s.transform);
    return { text: s.style.text!, x: rect.x, y: rect.y, width: rect.width, height: rect.height };
  });
});
