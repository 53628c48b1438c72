// Charts that ECharts took over: on the SVG to the pixel, looked at, walked, zoomed, clicked, saved.
import type { Page } from '@playwright/test';
import { awake, chart, drag, farthest, meta, painted, part, point, series, spot } from './charts';
import { expect, mark, open, path, picker, stayed, steady, test } from './support';

const note = (page: Page) => page.getByRole('figure').first().locator('figcaption');
// No refresh meanwhile: what a refresh leaves as it was is live.alive.spec.ts.
const LATENCY = '/trends?metric=inference_time_ms&refresh=off';

test.describe('taking over', () => {
  for (const [name, url] of [
    ['trends', '/trends'], ['the overview', '/'], ['two lines', LATENCY], ['a customer', path.customer()],
    ['an earlier period', '/trends?compare=week'], ['two lines and an earlier period', `${LATENCY}&compare=week`],
    ['half a day', '/trends?from=now-12h'], ['ninety days', '/trends?from=now-90d'], ['another zone', '/trends?tz=Asia/Seoul'],
  ] as const) {
    for (const width of [1440, 390]) {
      test(`${name} at ${width} px: what ECharts draws lies on the line of the server`, async ({ page }) => {
        await page.setViewportSize({ width, height: 844 });
        await open(page, url);
        const c = chart(page);
        await awake(c);
        const found = await farthest(c);
        expect(found.lines).toBe((await series(c)).length);
        expect(found.points).toBe(found.lines * 20);
        expect(found.away, 'px between the picture of the server and ECharts').toBeLessThanOrEqual(1);
        const lines = await series(c);
        for (const s of lines) expect(await painted(c, s.points[Math.floor(s.points.length / 2)]!), `${s.name} is on the canvas`).toBe(true);
        await expect(c.locator('path.line').first()).toHaveCSS('visibility', 'hidden');
        await expect(c.locator('.tick').first()).toHaveCSS('visibility', 'visible');
      });
    }
  }

  test('the line stays on the line of the server when the window changes its width', async ({ page }) => {
    await open(page, '/trends?refresh=off');
    const c = chart(page);
    await awake(c);
    for (const width of [900, 500, 1300]) {
      await page.setViewportSize({ width, height: 800 });
      await expect.poll(async () => (await farthest(c)).away, `at ${width} px`).toBeLessThanOrEqual(1);
    }
  });

  test('nothing moves when ECharts takes over', async ({ page }) => {
    await page.route('**/elements/**', async (route) => { await new Promise((done) => setTimeout(done, 1_500)); await route.continue(); });
    await open(page, LATENCY);
    // The buttons of scripts are shown with the first of them; ECharts itself is still on its way.
    await expect(page.locator('html')).toHaveClass(/\bjs\b/);
    const places = () => page.getByRole('figure').first().evaluate((e) => [...e.querySelectorAll('h2, .drawing, .tick, .end-label, figcaption, footer')].filter((x) => x.checkVisibility()).map((x) => {
      const { x: left, y, width, height } = x.getBoundingClientRect();
      return [left, y, width, height].map(Math.round).join(' ');
    }));
    const before = await places();
    await awake(chart(page));
    expect(await places()).toEqual(before);
  });

  test('without WebAssembly the chart is alive all the same', async ({ page, guard }) => {
    guard.allow(/wasm|ERR_FAILED|Failed to fetch|fetch/i);
    await page.route('**/pkg/*.wasm', (route) => route.abort());
    await page.goto('/trends?refresh=off');
    const c = chart(page);
    await awake(c);
    expect((await farthest(c)).away).toBeLessThanOrEqual(1);
    const [s] = await series(c);
    await point(page, c, s!.points[40]!);
    await expect(part(c, 'tip')).toBeVisible();
    await drag(page, c, 0.3, 0.6);
    await expect(page).toHaveURL(/from=.*to=/);
    await awake(chart(page));
  });

  test('whoever saves data keeps the picture of the server and loads no ECharts', async ({ page }) => {
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'connection', { value: { saveData: true }, configurable: true });
    });
    const loaded: string[] = [];
    page.on('request', (r) => { if (/elements\/.*echarts/i.test(r.url())) loaded.push(r.url()); });
    await open(page, '/trends?refresh=off');
    const c = chart(page);
    await page.waitForTimeout(1_500);
    await expect(c).not.toHaveAttribute('alive');
    await expect(c.locator('path.line').first()).toHaveCSS('visibility', 'visible');
    expect(loaded).toEqual([]);
    const box = (await part(c, 'plane').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await expect(part(c, 'tip'), 'one can look into it all the same').toBeVisible();
  });

  test('when ECharts cannot be loaded the picture of the server stays', async ({ page, guard }) => {
    guard.allow(/ERR_FAILED/);
    await page.route(/elements\/.*echarts.*\.js/i, (route) => route.abort());
    await open(page, '/trends?refresh=off');
    await page.waitForTimeout(1_000);
    await expect(chart(page)).not.toHaveAttribute('alive');
    await expect(chart(page).locator('path.line').first()).toHaveCSS('visibility', 'visible');
  });

  test('another theme repaints the canvas in the colours of the page', async ({ page }) => {
    await open(page, '/trends?refresh=off');
    const c = chart(page);
    await awake(c);
    const picture = () => c.evaluate((e) => e.shadowRoot!.querySelector<HTMLCanvasElement>('.canvas canvas')!.toDataURL());
    const light = await picture();
    await page.getByRole('button', { name: 'Dark' }).click();
    await expect.poll(picture).not.toBe(light);
    expect((await farthest(c)).away).toBeLessThanOrEqual(1);
  });
});

test.describe('looking', () => {
  test('the crosshair stands on the point and the tooltip says every line with its value and n', async ({ page }) => {
    await open(page, LATENCY);
    const c = chart(page);
    await awake(c);
    const lines = await series(c);
    const wanted = lines[0]!.points[60]!;
    const at = await point(page, c, wanted);
    await expect(part(c, 'tip')).toBeVisible();
    const crosshair = (await part(c, 'crosshair').boundingBox())!;
    expect(Math.abs(crosshair.x + crosshair.width / 2 - at.x)).toBeLessThanOrEqual(1);
    const said = steady(await part(c, 'tip').innerText());
    for (const s of lines) {
      const p = s.points.find((x) => x.t === wanted.t)!;
      expect(said).toContain(s.name);
      expect(said).toContain(`${p.v.toFixed(1)} ms`);
      expect(said).toContain(`n ${p.n.toLocaleString('en')}`);
    }
    await expect(part(c, 'point').filter({ visible: true })).toHaveCount(lines.length);
    const box = (await part(c, 'tip').boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(1440);
    await page.mouse.move(at.x, 5);
    await expect(part(c, 'tip')).toBeHidden();
    await expect(part(c, 'crosshair')).toBeHidden();
  });

  test('the earlier period is said with its own time', async ({ page }) => {
    await open(page, '/trends?compare=week&refresh=off');
    const c = chart(page);
    await awake(c);
    const [, earlier] = await series(c);
    await point(page, c, earlier!.points[80]!);
    const said = steady(await part(c, 'tip').innerText());
    expect(said).toContain('a week earlier');
    expect(said.match(/\d{1,2} [A-Z][a-z]{2}/g)!.length, said).toBeGreaterThanOrEqual(2);
  });

  test('one crosshair goes through all charts of a page at the same time', async ({ page }) => {
    await open(page, '/trends?refresh=off');
    await awake(chart(page));
    // No page has two charts of lines yet.
    await chart(page).evaluate((e) => {
      const other = e.cloneNode(true) as HTMLElement;
      other.removeAttribute('alive');
      other.classList.add('second');
      e.closest('figure')!.after(other);
    });
    const other = page.locator('gf-chart.second');
    await awake(other);
    const [line] = await series(chart(page));
    const p = line!.points[50]!;
    await point(page, chart(page), p);
    await expect(part(other, 'crosshair')).toBeVisible();
    await expect(part(other, 'tip'), 'only the one that is looked at has a tooltip').toBeHidden();
    const crosshair = (await part(other, 'crosshair').boundingBox())!;
    expect(Math.abs(crosshair.x + crosshair.width / 2 - (await spot(other, p)).x)).toBeLessThanOrEqual(1);
    await page.mouse.move(5, 5);
    await expect(part(other, 'crosshair')).toBeHidden();
    expect(await page.evaluate(() => (window as unknown as { __gfCharts: number }).__gfCharts)).toBe(2);
    await other.evaluate((e) => e.remove());
    await expect.poll(() => page.evaluate(() => (window as unknown as { __gfCharts: number }).__gfCharts)).toBe(1);
  });

  test('the legend hides a line, its words and its band, and shows them again', async ({ page }) => {
    await open(page, LATENCY);
    const c = chart(page);
    await awake(c);
    const [, p95] = await series(c);
    const p = p95!.points[30]!;
    const button = c.getByRole('button', { name: 'p95' });
    await expect(button).toHaveAttribute('aria-pressed', 'true');
    expect(await painted(c, p)).toBe(true);
    await button.click();
    await expect(button).toHaveAttribute('aria-pressed', 'false');
    await expect.poll(() => painted(c, p)).toBe(false);
    await expect(c.locator('.end-label.s2')).toHaveCSS('visibility', 'hidden');
    await expect(c.locator('.end-label.s1')).toHaveCSS('visibility', 'visible');
    await point(page, c, p);
    await expect(part(c, 'tip')).not.toContainText('p95');
    await button.click();
    await expect.poll(() => painted(c, p)).toBe(true);
    await expect(c.locator('.end-label.s2')).toHaveCSS('visibility', 'visible');
  });

  test('one line needs no legend', async ({ page }) => {
    await open(page, '/trends?refresh=off');
    await awake(chart(page));
    await expect(part(chart(page), 'legend')).toBeHidden();
  });
});

test.describe('zooming', () => {
  test('a drag narrows the range in place, the step becomes finer, a double click widens it, and back returns', async ({ page }) => {
    // Low enough to be scrolled, however few models a narrower range has.
    await page.setViewportSize({ width: 1440, height: 640 });
    await open(page, '/trends?from=now-30d&refresh=off');
    await mark(page);
    const c = chart(page);
    await awake(c);
    await expect(note(page)).toContainText('One point is 3 hours.');
    const before = await meta(c);
    await page.evaluate(() => window.scrollTo(0, 60));
    const scrolled = await page.evaluate(() => window.scrollY);
    await drag(page, c, 0.5, 0.6);
    await expect(page).toHaveURL(/from=\d{4}-.*&to=\d{4}-/);
    const asked = new URL(page.url()).searchParams;
    const [from, to] = [Date.parse(asked.get('from')!), Date.parse(asked.get('to')!)];
    const length = before.to - before.from;
    expect(Math.abs(from - (before.from + 0.5 * length)) / length).toBeLessThan(0.01);
    expect(Math.abs(to - (before.from + 0.6 * length)) / length).toBeLessThan(0.01);
    await expect(note(page)).not.toContainText('One point is 3 hours.');
    await expect(note(page)).toContainText(/One point is (\d+ minutes|1 hour)\./);
    await awake(chart(page));
    expect((await farthest(chart(page))).away).toBeLessThanOrEqual(1);
    expect(await page.evaluate(() => window.scrollY), 'the page stays where it was scrolled to').toBe(scrolled);
    const box = (await part(chart(page), 'plane').boundingBox())!;
    await page.mouse.dblclick(box.x + box.width / 2, box.y + 10);
    await expect.poll(() => {
      const now = new URL(page.url()).searchParams;
      return (Date.parse(now.get('to')!) - Date.parse(now.get('from')!)) / (to - from);
    }).toBeCloseTo(2, 1);
    await page.goBack();
    await expect(page).toHaveURL((u) => u.searchParams.get('from') === asked.get('from'));
    await page.goBack();
    await expect(page).toHaveURL('/trends?from=now-30d&refresh=off');
    await expect(note(page)).toContainText('One point is 3 hours.');
    await stayed(page);
  });

  test('a drag given up with Escape changes nothing', async ({ page }) => {
    await open(page, '/trends?refresh=off');
    const c = chart(page);
    await awake(c);
    const box = (await part(c, 'plane').boundingBox())!;
    await page.mouse.move(box.x + 100, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 400, box.y + 50, { steps: 5 });
    await expect(part(c, 'selection')).toBeVisible();
    await page.keyboard.press('Escape');
    await page.mouse.up();
    await expect(part(c, 'selection')).toBeHidden();
    await page.waitForTimeout(500);
    await expect(page).toHaveURL('/trends?refresh=off');
  });

  test('on a page of a place a drag narrows its range and keeps the sort', async ({ page }) => {
    await open(page, `${path.customer()}?sort=-value&refresh=off`);
    await mark(page);
    await awake(chart(page));
    await drag(page, chart(page), 0.2, 0.7);
    await expect(page).toHaveURL(/from=.*to=/);
    expect(new URL(page.url()).searchParams.get('sort')).toBe('-value');
    await expect(picker(page)).toHaveText(/ to /);
    await stayed(page);
  });
});
