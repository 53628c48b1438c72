// What a page may cost in the long run, and what data of strange shape do to it. Each server is the test's own.
import type { CDPSession, Page } from '@playwright/test';
import { awake, chart, farthest, series } from './charts';
import { Own, record } from './servers';
import { column, expect, main, mark, names, number, open, rail, settled, stayed, table, test, tiles } from './support';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How many times as long `make soak` goes on. */
const SOAK = Number(process.env.GF_SOAK || 1);

test('a hundred changes of page give back what they took: heap, charts, WebAssembly memory', async ({ page }, info) => {
  test.setTimeout(400_000 * SOAK);
  await page.addInitScript(() => {
    const seen = window as unknown as { __memory?: WebAssembly.Memory };
    const keep = (instance: WebAssembly.Instance) => {
      if (instance.exports.memory instanceof WebAssembly.Memory) seen.__memory = instance.exports.memory;
    };
    const { instantiate, instantiateStreaming } = WebAssembly;
    WebAssembly.instantiate = async function (this: unknown, ...given: unknown[]) {
      const made = await (instantiate as (...x: unknown[]) => Promise<WebAssembly.WebAssemblyInstantiatedSource | WebAssembly.Instance>).apply(this, given);
      keep('instance' in made ? made.instance : made);
      return made;
    } as typeof instantiate;
    WebAssembly.instantiateStreaming = async function (this: unknown, ...given: Parameters<typeof instantiateStreaming>) {
      const made = await instantiateStreaming.apply(this, given);
      keep(made.instance);
      return made;
    };
  });
  await open(page, '/?refresh=off');
  await mark(page);
  const cdp: CDPSession = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  const used = async () => {
    for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await cdp.send('Runtime.getHeapUsage');
    const wasm = await page.evaluate(() => (window as unknown as { __memory?: WebAssembly.Memory }).__memory?.buffer.byteLength ?? 0);
    const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters');
    return { heap: usedSize, wasm, nodes, listeners: jsEventListeners };
  };
  const pages = [['Trends', '/trends'], ['Compare', '/compare'], ['Overview', '/']] as const;
  let turns = 0;
  const turn = async () => {
    const [name, url] = pages[turns++ % pages.length]!;
    await rail(page).getByRole('link', { name }).click();
    await expect(page).toHaveURL((u) => u.pathname === url);
    await settled(page);
    await awake(chart(page));
  };
  const go = async (n: number) => { for (let i = 0; i < n; i++) await turn(); };
  await go(30);
  await go(12);
  const before = await used();
  await go(90 * SOAK);
  const after = await used();
  const mb = (x: number) => `${(x / 1048576).toFixed(2)} MB`;
  const said = `JS heap ${mb(before.heap)} → ${mb(after.heap)}, WebAssembly ${mb(before.wasm)} → ${mb(after.wasm)}, nodes ${before.nodes} → ${after.nodes}, listeners ${before.listeners} → ${after.listeners}`;
  info.annotations.push({ type: 'memory', description: said });
  console.log(`      memory over ${90 * SOAK} changes of page: ${said}`);
  const living = await page.evaluate(() => [(window as unknown as { __gfCharts: number }).__gfCharts, document.querySelectorAll('gf-chart[alive]').length]);
  expect(living[0], 'living ECharts instances').toBe(living[1]);
  expect(before.wasm).toBeGreaterThan(0);
  expect(after.heap / before.heap, said).toBeLessThan(1.1);
  expect(after.wasm / before.wasm, said).toBeLessThanOrEqual(1.1);
  await stayed(page);
});

test('two hundred refreshes of one page give back what they took', async ({ page }, info) => {
  test.setTimeout(200_000 * SOAK);
  await open(page, '/trends?refresh=off');
  await awake(chart(page));
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  const used = async () => {
    for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
    return (await cdp.send('Runtime.getHeapUsage')).usedSize;
  };
  // Within the page: each look from outside leaves something of its own in the heap.
  const refresh = (n: number) => page.evaluate(async (n) => {
    const at = () => document.querySelector('gf-live')!.getAttribute('data-at');
    for (let i = 0; i < n; i++) {
      const before = at();
      window.dispatchEvent(new CustomEvent('gf:refresh'));
      while (at() === before) await new Promise((done) => setTimeout(done, 5));
    }
  }, n);
  // Until then the browser still compiles what runs often, which it counts with the heap.
  await refresh(280);
  const before = await used();
  await refresh(200 * SOAK);
  const after = await used();
  const said = `JS heap ${(before / 1048576).toFixed(2)} → ${(after / 1048576).toFixed(2)} MB over ${200 * SOAK} refreshes`;
  info.annotations.push({ type: 'memory', description: said });
  console.log(`      ${said}`);
  await expect.poll(() => page.evaluate(() => (window as unknown as { __gfCharts: number }).__gfCharts)).toBe(1);
  expect(after / before, said).toBeLessThan(1.1);
});

test.describe('strange shapes', () => {
  const readable = async (page: Page) => {
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      // A chart follows the width once it has been told of it.
      await expect.poll(() => page.evaluate(() => document.scrollingElement!.scrollWidth), `at ${width} px`).toBeLessThanOrEqual(width);
    }
  };

  test('five thousand zones of one site are paged, sorted and searched', async ({ page }) => {
    test.setTimeout(180_000);
    const now = Date.now();
    const own = await Own.start(Array.from({ length: 5_000 }, (_, i) => [0, 1].map((k) => record(now - HOUR - k * HOUR - i, 0.5 + (i % 400) / 1_000, { zone: `Zone-${String(i).padStart(4, '0')}` }))).flat());
    const response = await open(page, `${own.url}/customers/Own/sites/Site?refresh=off`);
    expect(response!.status()).toBe(200);
    await mark(page);
    await expect(page.getByText('1–25 of 5,000')).toBeVisible();
    const zones = table(page, /^Zones, worst/);
    const first = await names(zones);
    await page.getByRole('link', { name: 'Next', exact: true }).click();
    await expect(page.getByText('26–50 of 5,000')).toBeVisible();
    expect((await names(zones)).filter((n) => first.includes(n))).toEqual([]);
    await zones.getByRole('columnheader', { name: 'mAP50', exact: true }).getByRole('link').click();
    await expect(page).toHaveURL(/sort=-value/);
    await settled(page);
    expect(number((await column(zones, 'mAP50'))[0]!)).toBeCloseTo(0.899, 3);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('zone-4321');
    await expect(page.getByRole('option').first()).toContainText('Zone-4321');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Zone-4321');
    await readable(page);
    await stayed(page);
  });

  test('two hundred models: some are offered, the others folded, eight at most side by side', async ({ page, guard }) => {
    const now = Date.now();
    const version = (i: number) => `1.${i}.0`;
    const own = await Own.start(Array.from({ length: 200 }, (_, i) => [1, 2, 3].map((k) => record(now - k * HOUR - i, 0.5 + i / 500, { model_version: version(i), run_id: `r${i}`, site: `S${k}` }))).flat());
    await open(page, `${own.url}/compare?refresh=off`);
    await expect(page.getByText(/^18\d more models$/)).toBeVisible();
    const list = (n: number) => Array.from({ length: n }, (_, i) => `yolov8m:${version(i)}`).join(',');
    await page.goto(`${own.url}/compare?refresh=off&models=${list(8)}`);
    const side = table(page, 'Side by side');
    await expect(side.getByRole('columnheader')).toHaveCount(9);
    await expect(page.getByRole('link', { name: /Put .* beside$/ }), 'a ninth is not offered').toHaveCount(0);
    await awake(chart(page));
    const colours = await page.getByRole('figure').first().locator('ul.legend line').evaluateAll((all) => all.map((l) => getComputedStyle(l).stroke));
    expect(new Set(colours).size, 'one colour a model').toBe(8);
    await readable(page);
    guard.allow(/status of 400/);
    const response = await page.goto(`${own.url}/compare?refresh=off&models=${list(9)}`);
    expect(response!.status()).toBe(400);
    await expect(main(page)).toContainText('at most 8 models can be put side by side');
  });

  test('a baseline beside eight named models is refused as a ninth', async ({ page, guard }) => {
    guard.allow(/status of 400/);
    const now = Date.now();
    const own = await Own.start(Array.from({ length: 10 }, (_, i) => [1, 2].map((k) => record(now - k * HOUR - i, 0.5 + i / 50, { model_version: `1.${i}.0`, run_id: `r${i}` }))).flat());
    const list = Array.from({ length: 8 }, (_, i) => `yolov8m:1.${i}.0`).join(',');
    const response = await page.goto(`${own.url}/compare?refresh=off&models=${list}&baseline=yolov8m:1.9.0`);
    const columns = await page.getByRole('region', { name: 'Side by side' }).getByRole('columnheader').count();
    expect(columns, 'columns of models').toBeLessThanOrEqual(9);
    expect([200, 400]).toContain(response!.status());
  });

  test('one point alone is drawn, said and led to', async ({ page }) => {
    const own = await Own.start([record(Date.now() - 2 * HOUR, 0.75)]);
    await open(page, `${own.url}/?refresh=off`);
    await expect(tiles(page).first().locator('.tile-value')).toContainText('0.750');
    const c = chart(page);
    await awake(c);
    const [line] = await series(c);
    expect(line!.points).toHaveLength(1);
    expect((await farthest(c)).away).toBeLessThanOrEqual(1);
    await page.locator('gf-chart .plane').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/\/records\?/);
    await expect(main(page).locator('.lead')).toHaveText(/^1 records? of/);
    await open(page, `${own.url}/compare?refresh=off`);
    await expect(table(page, 'Side by side')).toContainText('0.750');
    await readable(page);
  });

  test('values that are all equal make a level line within its chart', async ({ page }) => {
    const own = await Own.start(Array.from({ length: 48 }, (_, i) => record(Date.now() - i * HOUR - 60_000, 0.8)));
    await open(page, `${own.url}/?refresh=off`);
    const c = chart(page);
    await awake(c);
    expect((await farthest(c)).away).toBeLessThanOrEqual(1);
    const { low, high } = await c.evaluate((e) => {
      const { min, max } = (JSON.parse((e as HTMLElement).dataset.option!) as { yAxis: { min: number; max: number } }).yAxis;
      return { low: min, high: max };
    });
    expect(low).toBeLessThanOrEqual(0.8);
    expect(high).toBeGreaterThanOrEqual(0.8);
    expect(high).toBeGreaterThan(low);
    expect(await c.evaluate((e) => e.querySelector('path.line')!.getAttribute('d'))).not.toMatch(/NaN|inf/i);
    for (const url of ['/trends', '/compare', '/customers/Own']) {
      await open(page, `${own.url}${url}?refresh=off`);
      expect(await main(page).innerText()).not.toMatch(/NaN|\binf|undefined|null/);
    }
  });

  test('three years are drawn in steps that can be seen, and the table says which', async ({ page }) => {
    test.setTimeout(120_000);
    const now = Date.now();
    const own = await Own.start(Array.from({ length: 3 * 365 }, (_, i) => record(now - i * DAY - HOUR, 0.7 + (i % 50) / 500)));
    const from = new Date(now - 3 * 365 * DAY).toISOString().slice(0, 10);
    for (const url of ['/', '/trends', '/customers/Own', '/compare']) {
      const response = await open(page, `${own.url}${url}?from=${from}&to=now&refresh=off`);
      expect(response!.status()).toBe(200);
      expect(await main(page).innerText()).not.toMatch(/NaN|\binf|undefined/);
    }
    await open(page, `${own.url}/trends?from=${from}&to=now&refresh=off`);
    const c = chart(page);
    await awake(c);
    expect((await farthest(c)).away).toBeLessThanOrEqual(1);
    const ticks = await c.locator('.tick').allTextContents();
    expect(ticks.some((t) => /20\d\d/.test(t)), `a year on the axis: ${ticks.join(' ')}`).toBe(true);
    await expect(page.getByRole('figure').first().locator('figcaption')).toContainText('1,095 records');
    await readable(page);
  });

  test('days without records are gaps: no cell in the heat strip, a dash in its table', async ({ page }) => {
    const midnight = Math.floor(Date.now() / DAY) * DAY;
    const at = (site: string, days: number[]) => days.flatMap((d) => [2, 3].map((h) => record(midnight - d * DAY + h * HOUR, 0.6 + d / 50, { site })));
    const own = await Own.start([...at('Full', [1, 2, 3, 4, 5, 6]), ...at('Holes', [1, 2, 5, 6])]);
    await open(page, `${own.url}/customers/Own?refresh=off&from=now-7d`);
    const figure = page.getByRole('figure').filter({ has: page.getByRole('heading', { name: 'mAP50 by site and day' }) });
    const says = await figure.locator('svg.heat title').allTextContents();
    expect(says.filter((s) => s.startsWith('Full'))).toHaveLength(6);
    expect(says.filter((s) => s.startsWith('Holes'))).toHaveLength(4);
    await figure.locator('details.behind > summary').click();
    const holes = (await figure.getByRole('row', { name: /^Holes/ }).getByRole('cell').allInnerTexts()).map((x) => x.trim());
    expect(holes.filter((x) => /^0\.\d/.test(x))).toHaveLength(4);
    const row = figure.getByRole('row', { name: /^Full/ }).getByRole('cell').allInnerTexts();
    expect((await row).filter((x) => /^0\.\d/.test(x.trim()))).toHaveLength(6);
    const line = await figure.locator('svg.heat').innerHTML();
    expect(line).not.toMatch(/NaN/);
  });
});
