// Pages that follow new records by themselves, and what stays as it was while they do. Each test has a server of its own.
import type { Page } from '@playwright/test';
import { awake, chart, drag, part, point, rectangle, series } from './charts';
import { Own, record } from './servers';
import { expect, mark, open as visit, picker, range, settled, stayed, tiles, test as base } from './support';

const HOUR = 3_600_000;
/** Two days of one record an hour, the last one half an hour ago. */
const past = (more?: Record<string, unknown>) => Array.from({ length: 48 }, (_, i) => record(Date.now() - i * HOUR - HOUR / 2, 0.8 + (i % 5) / 100, more));

const test = base.extend<{ own: Own }>({
  own: async ({}, use) => {
    const own = await Own.start(past());
    await use(own);
    await own.stop();
  },
  baseURL: async ({ own }, use) => use(own.url),
});

const first = (page: Page) => tiles(page).first();
type Following = { state: string; refreshes: number };
/** What the page says of how it follows; its script may still be loading when a test asks. */
const seen = async (page: Page) => {
  await page.waitForFunction(() => '__gfLive' in window);
  return page.evaluate(() => (window as unknown as { __gfLive: Following }).__gfLive);
};
const words = (page: Page) => page.locator('gf-live .state');
/** Opens a page and waits until it hears of new records. */
async function open(page: Page, url: string) {
  await visit(page, url);
  await expect.poll(async () => (await seen(page)).state).toBe('live');
  await page.waitForTimeout(1_200);
}

test.describe('new records', () => {
  test('a line appended to the watched folder changes the number within three seconds, in place', async ({ page, own }) => {
    await open(page, '/');
    await mark(page);
    await expect(first(page)).toContainText('n 48');
    own.append(record(Date.now(), 0.5));
    await expect(first(page)).toContainText('n 49', { timeout: 3_000 });
    await expect(page.locator('gf-live .age')).toHaveText(/updated (just now|\d s ago)/);
    own.append(record(Date.now(), 0.5, { zone: 'Other' }), record(Date.now() + 1, 0.5, { zone: 'Other' }));
    await expect(first(page)).toContainText('n 51', { timeout: 3_000 });
    await stayed(page);
  });

  test('records sent by a program are shown as well', async ({ page, own }) => {
    await open(page, '/');
    await mark(page);
    const answer = await own.post(record(Date.now(), 0.6), record(Date.now() + 1, 0.7));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ taken: 2, refused_total: 0 });
    await expect(first(page)).toContainText('n 50', { timeout: 3_000 });
    await stayed(page);
  });

  test('a customer that was never seen before appears in the table', async ({ page, own }) => {
    await open(page, '/');
    own.append(record(Date.now(), 0.6, { customer: 'Newcomer' }));
    await expect(page.getByRole('row', { name: 'Newcomer' })).toBeVisible({ timeout: 4_000 });
  });

  test('an empty installation fills itself when the first record comes', async ({ stranger }) => {
    const own = await Own.start();
    const page = await stranger(own.url);
    await open(page, '/');
    await expect(page.getByRole('heading', { name: 'No records yet' })).toBeVisible();
    own.append(record(Date.now() - 60_000, 0.6), record(Date.now(), 0.7));
    await expect(first(page)).toContainText('n 2', { timeout: 8_000 });
  });
});

test.describe('what stays as it was', () => {
  test('scroll position, an open menu and an open table behind the chart', async ({ page, own }) => {
    await open(page, '/');
    await mark(page);
    const behind = page.getByRole('figure').first().locator('details.behind');
    await behind.locator('summary').click();
    await picker(page).click();
    await page.evaluate(() => window.scrollTo(0, 150));
    const scrolled = await page.evaluate(() => window.scrollY);
    expect(scrolled).toBeGreaterThan(100);
    own.append(record(Date.now(), 0.5));
    await expect(first(page)).toContainText('n 49');
    await settled(page);
    expect(await page.evaluate(() => window.scrollY)).toBe(scrolled);
    await expect(behind).toHaveAttribute('open', '');
    await expect(range(page).locator('details')).toHaveAttribute('open', '');
    await expect(behind.getByRole('row').nth(1)).toContainText(/0\.\d{3}/);
    await stayed(page);
  });

  test('what is typed into the time picker is not thrown away', async ({ page, own }) => {
    await open(page, '/');
    await picker(page).click();
    await range(page).getByLabel('From').fill('2026-01-02T03:04');
    own.append(record(Date.now(), 0.5));
    await expect(first(page)).toContainText('n 49');
    await expect(range(page).getByLabel('From')).toHaveValue('2026-01-02T03:04');
    await expect(range(page).getByLabel('From')).toBeFocused();
  });

  test('focus and choice in a filter that is not applied yet', async ({ page, own }) => {
    await open(page, '/trends');
    await mark(page);
    const metric = page.getByRole('form', { name: 'Filter' }).getByRole('combobox', { name: 'Metric' });
    await metric.focus();
    await metric.selectOption('precision');
    own.append(record(Date.now(), 0.5));
    await expect(page.getByRole('figure').first().locator('figcaption')).toContainText('49 records');
    await expect(metric).toBeFocused();
    await expect(metric).toHaveValue('precision');
    await stayed(page);
  });

  test('a line switched off stays off, the crosshair stays on its point, and ECharts is not made anew', async ({ page, own }) => {
    await open(page, '/trends?metric=inference_time_ms');
    const c = chart(page);
    await awake(c);
    const [mean] = await series(c);
    await c.getByRole('button', { name: 'p95' }).click();
    await c.evaluate((e) => { (e as HTMLElement & { chart: object; __was: object }).__was = (e as HTMLElement & { chart: object }).chart; });
    await point(page, c, mean!.points[20]!);
    const tooltip = part(c, 'tip').locator('.when').first();
    const before = await tooltip.innerText();
    own.append(record(Date.now(), 0.5));
    await expect(page.getByRole('figure').first().locator('figcaption')).toContainText('49 records');
    await expect(c.getByRole('button', { name: 'p95' })).toHaveAttribute('aria-pressed', 'false');
    await expect(tooltip).toHaveText(before);
    expect(await c.evaluate((e) => (e as HTMLElement & { chart: object; __was: object }).__was === (e as HTMLElement & { chart: object }).chart)).toBe(true);
  });

  test('a drag that is under way is not broken off', async ({ page, own }) => {
    await open(page, '/trends');
    const c = chart(page);
    await awake(c);
    const box = (await part(c, 'plane').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.75, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 5 });
    own.append(record(Date.now(), 0.5));
    await expect(page.getByRole('figure').first().locator('figcaption')).toContainText('49 records');
    await expect(part(c, 'selection')).toBeVisible();
    await page.mouse.up();
    await expect(page).toHaveURL(/from=.*to=/);
  });

  test('what is selected among the dots of a comparison', async ({ page, own }) => {
    const sites = ['1.0.0', '1.1.0-x'].flatMap((version) => ['A', 'B', 'C', 'D'].flatMap((site, i) => past({
      site, model_version: version, system: { inference_time_ms: 10 + 5 * i + version.length }, run_id: version,
    })));
    own.append(...sites);
    await open(page, '/compare');
    const c = chart(page);
    await awake(c);
    const selected = () => c.evaluate((e) => {
      interface Brush { areas: { coordRange: number[][] }[] }
      interface Charted extends HTMLElement { chart: { getModel(): { getComponent(what: string): Brush } } }
      const { areas } = (e as Charted).chart.getModel().getComponent('brush');
      return JSON.stringify(areas.map((a) => a.coordRange.map((ends) => ends.map((v) => v.toFixed(6)))));
    });
    await rectangle(page, c);
    const reset = c.getByRole('button', { name: 'Clear the selection' });
    await expect(reset).toBeVisible();
    const before = await selected();
    const data = await c.getAttribute('data-option');
    own.append(...past({ site: 'A', model_version: '1.0.0', zone: 'New', system: { inference_time_ms: 11 }, detection: { mAP50: 0.7 } }));
    await expect.poll(() => c.getAttribute('data-option')).not.toBe(data);
    await settled(page);
    await page.waitForTimeout(500);
    await expect(reset, 'the selection survived the refresh').toBeVisible();
    expect(await selected()).toBe(before);
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.waitForTimeout(500);
    await expect(reset, 'the selection survived the other theme').toBeVisible();
    expect(await selected()).toBe(before);
    await reset.click();
    await expect(reset).toBeHidden();
    expect(await selected()).toBe('[]');
  });
});

test.describe('when nothing is to follow', () => {
  test('refresh=off leaves the page as it is and says so', async ({ page, own }) => {
    await visit(page, '/?refresh=off');
    await expect(words(page)).toHaveText('not refreshing');
    own.append(record(Date.now(), 0.5));
    await page.waitForTimeout(4_000);
    await expect(first(page)).toContainText('n 48');
    expect((await seen(page)).state).toBe('off');
    await page.reload();
    await expect(first(page)).toContainText('n 49');
  });

  test('a range that is over is not loaded again', async ({ page, own }) => {
    const at = (back: number) => new Date(Date.now() - back * HOUR).toISOString().slice(0, 19) + 'Z';
    await visit(page, `/?from=${at(30)}&to=${at(2)}`);
    const before = await first(page).innerText();
    own.append(record(Date.now() - 5 * HOUR, 0.5));
    await page.waitForTimeout(4_000);
    expect(await first(page).innerText()).toBe(before);
    expect((await seen(page)).refreshes).toBe(0);
  });

  test('a tab in the background rests, and catches up when it is looked at', async ({ page, own }) => {
    await open(page, '/');
    const hide = (hidden: boolean) => page.evaluate((h) => {
      Object.defineProperty(document, 'hidden', { value: h, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await hide(true);
    await expect.poll(async () => (await seen(page)).state).toBe('paused');
    own.append(record(Date.now(), 0.5));
    await page.waitForTimeout(3_000);
    await expect(first(page)).toContainText('n 48');
    await hide(false);
    await expect(first(page)).toContainText('n 49', { timeout: 3_000 });
  });

  test('the menu changes how the page follows, in place', async ({ page, own }) => {
    await open(page, '/');
    await mark(page);
    await page.locator('details.follow > summary').click();
    await page.getByRole('link', { name: 'Off', exact: true }).click();
    await expect(page).toHaveURL('/?refresh=off');
    await expect(words(page)).toHaveText('not refreshing');
    own.append(record(Date.now(), 0.5));
    await page.locator('details.follow > summary').click();
    await page.getByRole('link', { name: 'Every 5 s' }).click();
    await expect(page).toHaveURL('/?refresh=5s');
    await expect(first(page)).toContainText('n 49');
    await stayed(page);
  });
});

test.describe('when the connection fails', () => {
  test('without the stream of events the page follows by the clock', async ({ page, own, guard }) => {
    guard.allow(/ERR_FAILED/);
    await page.route('**/api/events*', (route) => route.abort());
    await visit(page, '/');
    await expect.poll(async () => (await seen(page)).state).toBe('blind');
    await mark(page);
    own.append(record(Date.now(), 0.5));
    await expect(first(page)).toContainText('n 49', { timeout: 9_000 });
    await expect(words(page)).toHaveText('live');
    await stayed(page);
  });

  test('an answer that is none, as of a proxy or a server that gave up, leaves the page as it was, and it is asked again', async ({ page, own, guard }) => {
    guard.allow(/status of 503|^503: .*\/sf\/place/);
    await open(page, '/');
    await mark(page);
    let refused = 0;
    await page.route('**/sf/place**', async (route) => {
      if (refused++ < 2) await route.fulfill({ status: 503, body: '' });
      else await route.continue();
    });
    own.append(record(Date.now(), 0.5));
    await expect(first(page)).toContainText('n 49', { timeout: 15_000 });
    expect(refused).toBeGreaterThan(2);
    await expect(words(page)).toHaveText('live');
    await stayed(page);
  });

  test('a stopped server leaves the page as it was, with a word; the page recovers when it comes back', async ({ page, own, guard }) => {
    test.setTimeout(180_000);
    guard.allow(/ERR_(CONNECTION|EMPTY|INCOMPLETE|FAILED|NETWORK|SOCKET)/);
    await open(page, '/');
    await mark(page);
    const content = await first(page).innerText();
    await own.kill();
    await expect(words(page)).toHaveText('cannot reach the server, trying again', { timeout: 60_000 });
    expect(await first(page).innerText()).toBe(content);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Fleet');
    await own.up();
    own.append(record(Date.now(), 0.5));
    await expect(first(page)).toContainText('n 49', { timeout: 45_000 });
    await expect(words(page)).toHaveText('live');
    await stayed(page);
  });
});

test.describe('answers in the wrong order', () => {
  test('of filters changed in quick succession the last one is shown', async ({ page }) => {
    await visit(page, '/trends?refresh=off');
    let n = 0;
    const givenUp: string[] = [];
    page.on('requestfailed', (request) => { if (request.url().includes('/sf/trends')) givenUp.push(new URL(request.url()).search); });
    await page.route('**/sf/trends**', async (route) => {
      if (n++ === 0) await new Promise((done) => setTimeout(done, 1_500));
      await route.continue().catch(() => undefined);
    });
    const form = page.getByRole('form', { name: 'Filter' });
    for (const metric of ['inference_time_ms', 'precision']) {
      await form.getByRole('combobox', { name: 'Metric' }).selectOption(metric);
      await form.getByRole('button', { name: 'Show' }).click();
      await expect(page).toHaveURL((u) => u.searchParams.get('metric') === metric);
    }
    await page.waitForTimeout(2_500);
    await settled(page);
    expect(n).toBe(2);
    expect(givenUp, 'the first request was given up for the second').toHaveLength(1);
    expect(givenUp[0]).toContain('inference_time_ms');
    await expect(page.getByRole('figure').first().getByRole('img').first()).toHaveAccessibleName(/^Precision of/);
    await expect(form.getByRole('combobox', { name: 'Metric' })).toHaveValue('precision');
  });

  test('of two drags in quick succession the last one is shown', async ({ page }) => {
    await visit(page, '/trends?refresh=off&from=now-2d');
    await awake(chart(page));
    let n = 0;
    await page.route('**/sf/trends**', async (route) => {
      if (n++ === 0) await new Promise((done) => setTimeout(done, 1_500));
      await route.continue().catch(() => undefined);
    });
    await drag(page, chart(page), 0.1, 0.9);
    await expect(page).toHaveURL(/from=\d{4}/);
    const one = page.url();
    await drag(page, chart(page), 0.3, 0.6);
    await expect(page).not.toHaveURL(one);
    const asked = new URL(page.url()).searchParams;
    await page.waitForTimeout(2_500);
    await settled(page);
    const shown = JSON.parse((await chart(page).getAttribute('data-meta'))!) as { from: number };
    expect(Math.abs(shown.from - Date.parse(asked.get('from')!))).toBeLessThan(2_000);
  });
});
