// The comparison after hydration: everything in place, pictures that one can look into, and for everybody.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { awake, chart, part, rectangle, written } from './charts';
import { at, column, expect, main, mark, names, open, settled, stayed, steady, table, test } from './support';

const day = (back: number) => `${new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`;
/** A range that is over: numbers stay as they are. */
const OVER = `from=${day(30)}&to=${day(1)}`;
const THREE = `/compare?models=yolov10m:1.1.0,yolov10m:1.2.0,rtdetr-r50:1.0.0&${OVER}`;
const [A, B, C] = ['detector-medium 2', 'detector-medium 3', 'detector-transformer 1'];
const side = (page: Page) => table(page, 'Side by side');
const heads = async (page: Page) => (await side(page).getByRole('columnheader').allInnerTexts()).slice(1);
const words = async (page: Page) => steady(await main(page).innerText());

test.describe('in place', () => {
  test('models in and out, baseline, places, architecture, differences, metric: no page is loaded and nothing jumps', async ({ page }) => {
    await open(page, THREE);
    await mark(page);
    await page.evaluate(() => window.scrollTo(0, 120));
    const scrolled = await page.evaluate(() => window.scrollY);
    await page.getByRole('link', { name: `Take ${C} out` }).click();
    await expect.poll(() => heads(page)).toEqual([`${A} · baseline`, B]);
    await page.getByRole('link', { name: `Make ${B} the baseline` }).click();
    await expect.poll(() => heads(page)).toEqual([`${B} · baseline`, A]);
    await page.getByRole('link', { name: 'everywhere' }).click();
    await expect(main(page)).toContainText('over all places of either');
    await page.getByRole('link', { name: 'only differences' }).click();
    await expect(page).toHaveURL(/diff=1/);
    expect(await page.evaluate(() => window.scrollY)).toBe(scrolled);
    await page.getByRole('combobox', { name: 'Metric by site' }).selectOption('fps');
    await page.getByRole('button', { name: 'Show' }).click();
    await expect(table(page, 'FPS by site')).toBeVisible();
    await page.getByRole('link', { name: 'architecture' }).click();
    await expect(page).toHaveURL(/by=architecture/);
    await expect(side(page)).not.toContainText('1.1.0');
    await stayed(page);
    await page.goBack();
    await expect.poll(() => heads(page)).toEqual([`${B} · baseline`, A]);
    await stayed(page);
  });

  test('the link of a view shows the same view in another browser', async ({ page, stranger }) => {
    await open(page, THREE);
    await page.getByRole('link', { name: `Make ${C} the baseline` }).click();
    await expect.poll(async () => (await heads(page))[0]).toBe(`${C} · baseline`);
    await page.getByRole('link', { name: 'everywhere' }).click();
    await expect(page).toHaveURL(/places=all/);
    await settled(page);
    const here = await words(page);
    const there = await stranger();
    await open(there, page.url());
    // Tools that need scripts appear when these have come.
    await expect.poll(() => words(there)).toBe(here);
  });

  test('the choice of models lives in the address: back and forward walk through it', async ({ page }) => {
    await open(page, THREE);
    await page.getByRole('link', { name: `Take ${B} out` }).click();
    await expect.poll(() => heads(page)).toEqual([`${A} · baseline`, C]);
    await page.goBack();
    await expect.poll(() => heads(page)).toEqual([`${A} · baseline`, B, C]);
    await page.goForward();
    await expect.poll(() => heads(page)).toEqual([`${A} · baseline`, C]);
  });
});

test.describe('pictures', () => {
  const ink = (page: Page, n: number) => chart(page, n).evaluate((e) => {
    const canvas = e.shadowRoot!.querySelector<HTMLCanvasElement>('.canvas canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i]! > 60) count++;
    return count;
  });

  test('dots and lines come alive with the values of the server, and the picture keeps its sentence', async ({ page }) => {
    await open(page, THREE);
    const counts = [/(\d+) dots/, /One line per model/];
    for (const n of [0, 1]) {
      const c = chart(page, n);
      await awake(c);
      expect(await ink(page, n)).toBeGreaterThan(500);
      await expect(c.locator('.canvas')).toHaveRole('img');
      await expect(c.locator('.canvas')).toHaveAccessibleName(counts[n]!);
      await expect(c.locator('.drawing')).toHaveCSS('visibility', 'hidden');
    }
    const dots = await chart(page, 0).evaluate((e) => (JSON.parse((e as HTMLElement).dataset.option!) as { series: { data: unknown[] }[] }).series.reduce((n, s) => n + s.data.length, 0));
    await expect(page.getByRole('figure').first().locator('figcaption')).toContainText(`${dots} dots`);
    await expect(page.getByRole('figure').first().getByRole('list').getByRole('listitem')).toHaveText([A, B, C]);
  });

  test('a dot under the pointer says its model, its site and its values', async ({ page }) => {
    await open(page, THREE);
    const c = chart(page);
    await awake(c);
    const dot = await c.evaluate((e) => {
      interface Charted extends HTMLElement { chart: { convertToPixel(finder: object, at: number[]): number[] } }
      const option = JSON.parse((e as HTMLElement).dataset.option!) as { series: { data: { name: string; value: number[] }[] }[] };
      const { name, value } = option.series[1]!.data[3]!;
      const [x, y] = (e as Charted).chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, value);
      const { left, top } = e.getBoundingClientRect();
      return { name, x: left + x!, y: top + y! };
    });
    await page.mouse.move(dot.x - 30, dot.y - 30);
    await page.mouse.move(dot.x, dot.y, { steps: 4 });
    await expect(part(c, 'tip')).toBeVisible();
    await expect(part(c, 'tip')).toContainText(/mAP50/);
    await expect(part(c, 'tip')).toContainText(/Latency/);
    await page.mouse.move(5, 5);
    await expect(part(c, 'tip')).toBeHidden();
  });

  test('a rectangle selects dots, tells the page which, and is cleared by its button', async ({ page }) => {
    await open(page, THREE);
    const c = chart(page);
    await awake(c);
    await page.evaluate(() => {
      const heard: string[][] = [];
      (window as unknown as { __heard: string[][] }).__heard = heard;
      document.addEventListener('gf-brush', (e) => heard.push((e as CustomEvent<{ names: string[] }>).detail.names));
    });
    await rectangle(page, c);
    const reset = c.getByRole('button', { name: 'Clear the selection' });
    await expect(reset).toBeVisible();
    const last = () => page.evaluate(() => (window as unknown as { __heard: string[][] }).__heard.at(-1) ?? []);
    await expect.poll(async () => (await last()).length).toBeGreaterThan(5);
    expect((await last())[0]).toMatch(/detector/);
    await reset.click();
    await expect.poll(async () => (await last()).length).toBe(0);
    await expect(reset).toBeHidden();
  });

  test('what is selected on an axis survives another theme and width, and is cleared by its button', async ({ page }) => {
    await open(page, THREE);
    const c = chart(page, 1);
    await awake(c);
    const selected = () => c.evaluate((e) => {
      interface Charted extends HTMLElement { chart: { getModel(): { queryComponents(what: object): { activeIntervals: number[][] }[] } } }
      return JSON.stringify((e as Charted).chart.getModel().queryComponents({ mainType: 'parallelAxis' }).map((a) => a.activeIntervals));
    });
    const nothing = await selected();
    const box = (await c.boundingBox())!;
    // The first axis stands at the left margin of the picture.
    await page.mouse.move(box.x + 52, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 52, box.y + 200, { steps: 8 });
    await page.mouse.up();
    const reset = c.getByRole('button', { name: 'Clear the selection' });
    await expect(reset).toBeVisible();
    const before = await selected();
    expect(before).not.toBe(nothing);
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.setViewportSize({ width: 1100, height: 900 });
    await page.waitForTimeout(800);
    await expect(reset).toBeVisible();
    expect(await selected()).toBe(before);
    await reset.click();
    await expect(reset).toBeHidden();
    expect(await selected()).toBe(nothing);
  });

  for (const [n, name] of [[0, 'dots'], [1, 'lines']] as const) {
    test(`the words at the axes of the ${name} are short, inside of the picture, and none lies on another`, async ({ page }) => {
      await open(page, THREE);
      const c = chart(page, n);
      await awake(c);
      const words = await written(c);
      expect(words.length).toBeGreaterThan(5);
      expect(words.filter((w) => w.text.length > 14).map((w) => w.text), 'long words').toEqual([]);
      const lie = words.flatMap((a, i) => words.slice(i + 1).filter((b) =>
        Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 2 && Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 3,
      ).map((b) => `${a.text} on ${b.text}`));
      expect(lie, 'words that lie on each other').toEqual([]);
      const width = await c.evaluate((e) => e.getBoundingClientRect().width);
      expect(words.filter((w) => w.x < -1 || w.x + w.width > width + 1).map((w) => w.text), 'cut off').toEqual([]);
    });
  }

  test('nothing jumps when the dots come alive: each stays where the server drew it', async ({ page }) => {
    await open(page, THREE);
    const c = chart(page);
    await awake(c);
    const away = await c.evaluate((e) => {
      interface Charted extends HTMLElement { chart: { convertToPixel(finder: object, at: number[]): number[] } }
      const option = JSON.parse((e as HTMLElement).dataset.option!) as { series: { data: { value: number[] }[] }[] };
      const outer = e.getBoundingClientRect();
      const alive = option.series.flatMap((s) => s.data.map((d) => (e as Charted).chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, d.value)));
      const drawn = [...e.querySelectorAll('.mark-dot')].map((d) => d.getBoundingClientRect()).map((r) => [r.x + r.width / 2 - outer.left, r.y + r.height / 2 - outer.top]);
      if (drawn.length !== alive.length) throw new Error(`${drawn.length} dots of the server, ${alive.length} of ECharts`);
      return Math.max(...alive.map(([x, y]) => Math.min(...drawn.map(([a, b]) => Math.hypot(a! - x!, b! - y!)))));
    });
    expect(away, 'px').toBeLessThanOrEqual(3);
  });

  test('pictures follow the theme and the width of the window', async ({ page }) => {
    await open(page, THREE);
    const c = chart(page, 1);
    await awake(c);
    const picture = () => c.evaluate((e) => e.shadowRoot!.querySelector<HTMLCanvasElement>('.canvas canvas')!.toDataURL().length + e.getBoundingClientRect().width);
    const before = await picture();
    await page.getByRole('button', { name: 'Dark' }).click();
    await expect.poll(picture).not.toBe(before);
    await page.setViewportSize({ width: 500, height: 900 });
    await expect.poll(() => c.evaluate((e) => Math.abs((e as HTMLElement & { chart: { getWidth(): number } }).chart.getWidth() - e.getBoundingClientRect().width))).toBeLessThanOrEqual(1);
    expect(await ink(page, 1)).toBeGreaterThan(300);
  });
});

test.describe('for everybody', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1440, 390]) {
      test(`axe finds nothing serious in ${colorScheme} at ${width} px, pictures alive`, async ({ page }) => {
        test.slow();
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: 844 });
        await open(page, THREE);
        await awake(chart(page, 0));
        await awake(chart(page, 1));
        const { violations } = await new AxeBuilder({ page }).analyze();
        const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
        expect(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`)).toEqual([]);
        expect(await page.evaluate(() => document.scrollingElement!.scrollWidth)).toBeLessThanOrEqual(width);
      });
    }
  }

  test('everything of the comparison is reached and done by keys', async ({ page }) => {
    await open(page, THREE);
    await mark(page);
    await page.getByRole('link', { name: `Take ${C} out` }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => heads(page)).toEqual([`${A} · baseline`, B]);
    await page.getByRole('link', { name: `Make ${B} the baseline` }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => heads(page)).toEqual([`${B} · baseline`, A]);
    await stayed(page);
  });

  test('every number of the table leads to the trend of its model', async ({ page }) => {
    await open(page, THREE);
    await mark(page);
    const row = side(page).getByRole('row', { name: /^mAP50 / });
    const shown = (await column(side(page), B))[(await names(side(page))).indexOf('mAP50')]!;
    await row.getByRole('cell').nth(1).getByRole('link').first().click();
    await expect(page).toHaveURL((u) => u.pathname === '/trends' && u.searchParams.get('model') === 'models:/detector-medium/3' && u.searchParams.get('metric') === 'mAP50');
    const n = /n ([\d,]+)/.exec(shown)![1]!;
    await expect(page.getByRole('figure').first().locator('figcaption'), 'the same records').toContainText(`${n} records`);
    await stayed(page);
    expect(page.url().startsWith(at.demo)).toBe(true);
  });
});
