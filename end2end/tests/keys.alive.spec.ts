// Everything by keys: the sheet, the palette, going to pages, shifting time, chart and table, walking a chart.
import type { Page } from '@playwright/test';
import { awake, chart, meta, part, series } from './charts';
import { Own, record } from './servers';
import { CUSTOMER, SITE, expect, main, mark, open, path, picker, settled, stayed, steady, test } from './support';

const palette = (page: Page) => page.getByRole('dialog', { name: 'Go to' });
const field = (page: Page) => palette(page).getByRole('combobox');
const options = (page: Page) => palette(page).getByRole('option');
const sheet = (page: Page) => page.getByRole('dialog', { name: 'Keys' });
const title = (page: Page) => page.getByRole('heading', { level: 1 });
/** One key after another, as fingers do. */
async function press(page: Page, ...keys: string[]) {
  for (const key of keys) await page.keyboard.press(key);
}

test.describe('the sheet of keys', () => {
  test('? opens it, every key stands there with what it does, Escape closes it and the focus returns', async ({ page }) => {
    await open(page, '/');
    await picker(page).focus();
    await press(page, '?');
    await expect(sheet(page)).toBeVisible();
    await expect(sheet(page).locator('dt')).not.toHaveCount(0);
    const lines = (await sheet(page).locator('dl > div').allInnerTexts()).map(steady);
    for (const wanted of [/\? .*Keys/, /Ctrl.*K.*Go to/, /g t .*Trends/, /g c .*Compare/, /t ← .*Earlier/, /\. .*Chart or table/]) {
      expect(lines.some((l) => wanted.test(l)), `${wanted} in ${lines.join(' | ')}`).toBe(true);
    }
    await press(page, 'Escape');
    await expect(sheet(page)).toHaveCount(0);
    await expect(picker(page)).toBeFocused();
  });

  test('it is a dialog that the close button and a click beside it end', async ({ page }) => {
    await open(page, '/');
    await press(page, '?');
    await sheet(page).getByRole('button', { name: 'Close' }).click();
    await expect(sheet(page)).toHaveCount(0);
    await press(page, '?');
    await expect(sheet(page)).toBeVisible();
    await page.mouse.click(5, 5);
    await expect(sheet(page)).toHaveCount(0);
  });
});

test.describe('the palette', () => {
  for (const [what, opener] of [
    ['Ctrl+K', (page: Page) => press(page, 'Control+k')],
    ['/', (page: Page) => press(page, '/')],
    ['the button of the rail', (page: Page) => page.getByRole('button', { name: 'Go to' }).click()],
  ] as const) {
    test(`${what} opens it, a site is found by its name and led to in place with the range`, async ({ page }) => {
      await open(page, '/?from=now-30d');
      await mark(page);
      await opener(page);
      await expect(field(page)).toBeFocused();
      await page.keyboard.type('busan-2');
      await expect(options(page).first()).toContainText(SITE);
      await expect(options(page).first()).toContainText(CUSTOMER);
      await expect(options(page).first()).toHaveAttribute('aria-selected', 'true');
      await press(page, 'Enter');
      await expect(palette(page)).toHaveCount(0);
      await expect(title(page)).toHaveText(SITE);
      await expect(page).toHaveURL(`${path.site()}?from=now-30d`);
      await stayed(page);
    });
  }

  test('what is typed at once after the key is not lost while it is being loaded', async ({ page }) => {
    await page.route(/elements\/.*palette.*\.js/, async (route) => { await new Promise((done) => setTimeout(done, 800)); await route.continue(); });
    await open(page, '/');
    await press(page, '/');
    await page.keyboard.type('ulsan', { delay: 20 });
    await expect(field(page)).toHaveValue('ulsan');
    await expect(options(page).first()).toContainText('Ulsan');
  });

  test('arrows move through the entries, the field says which one, and models and pages are among them', async ({ page }) => {
    await open(page, '/');
    await press(page, 'Control+k');
    await page.keyboard.type('detector-m');
    await expect(options(page).first()).toContainText(/Model/);
    // What the server finds comes a moment later, between what was there.
    await expect(options(page).filter({ hasText: 'Versions and history' })).toHaveCount(1);
    await press(page, 'ArrowDown', 'ArrowDown');
    const third = options(page).nth(2);
    await expect(third).toHaveAttribute('aria-selected', 'true');
    expect(await field(page).getAttribute('aria-activedescendant')).toBe(await third.getAttribute('id'));
    await field(page).fill('trends');
    await expect(options(page).first()).toContainText('Page');
    await press(page, 'Enter');
    await expect(page).toHaveURL('/trends');
  });

  test('an act changes the theme, and nothing found says so', async ({ page }) => {
    await open(page, '/');
    await press(page, 'Control+k');
    await page.keyboard.type('qqqzzz');
    await expect(palette(page).getByRole('status')).toHaveText('Nothing is called “qqqzzz”');
    await field(page).fill('theme dark');
    await press(page, 'Enter');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  });

  test('Ctrl+K again closes it, and Escape does', async ({ page }) => {
    await open(page, '/');
    await press(page, 'Control+k');
    await expect(palette(page)).toBeVisible();
    await press(page, 'Control+k');
    await expect(palette(page)).toHaveCount(0);
    await press(page, '/');
    await expect(palette(page)).toBeVisible();
    await press(page, 'Escape');
    await expect(palette(page)).toHaveCount(0);
  });

  test('when the server does not answer it says so', async ({ page, guard }) => {
    guard.allow(/ERR_FAILED/);
    await page.route('**/api/palette*', (route) => route.abort());
    await open(page, '/');
    await press(page, 'Control+k');
    await expect(page.getByRole('dialog').getByRole('status')).toContainText(/list/);
  });

  test('every one of five thousand zones and two hundred models is found, and the list is light', async ({ page }) => {
    test.slow();
    const zones = Array.from({ length: 5_000 }, (_, i) => record(Date.now() - 60_000, 0.8, {
      customer: `Customer-${Math.floor(i / 100)}`, site: `Site-${Math.floor(i / 5)}`, zone: `Gate-${i}`,
      model_architecture: `arch-${i % 200}`, model_version: '1.0',
    }));
    const own = await Own.start(zones);
    const listing = await (await fetch(`${own.url}/api/palette`, { headers: { 'accept-encoding': 'identity' } })).text();
    expect(listing.length).toBeLessThan(150_000);
    await open(page, own.url);
    await press(page, 'Control+k');
    for (const [text, kind] of [['Gate-0', 'Zone'], ['Gate-2500', 'Zone'], ['Gate-4999', 'Zone'], ['Site-999', 'Site'], ['arch-0 1.0', 'Model'], ['arch-199 1.0', 'Model']] as const) {
      await field(page).fill(text);
      await expect(options(page).first()).toContainText(text);
      await expect(options(page).first()).toContainText(kind);
    }
    await press(page, 'Enter');
    await expect(title(page)).toBeVisible();
    await expect(page).toHaveURL((u) => u.pathname === '/compare' && u.searchParams.get('baseline') === 'arch-199:1.0');
    await expect(page.getByRole('main')).toContainText('arch-199 1.0');
  });

  test('in Korean it speaks Korean and finds the same places', async ({ page }) => {
    await open(page, '/');
    await page.getByRole('button', { name: '한국어' }).click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
    await press(page, 'Control+k');
    const dialog = page.getByRole('dialog');
    await page.keyboard.type('busan-2');
    await expect(dialog.getByRole('option').first()).toContainText('Busan-2');
    expect(await dialog.innerText()).not.toMatch(/\b(Go|Site|Customer|Close)\b(?! [A-D])/);
  });
});

test.describe('keys of the page', () => {
  test('g and a letter lead to pages in place, with the range', async ({ page }) => {
    await open(page, '/?from=now-24h');
    await mark(page);
    for (const [key, url] of [['t', '/trends'], ['c', '/compare'], ['r', '/records'], ['s', '/sources'], ['o', '/']] as const) {
      await press(page, 'g', key);
      await expect(page).toHaveURL((u) => u.pathname === url && u.searchParams.get('from') === 'now-24h');
      await settled(page);
    }
    await stayed(page);
  });

  test('t and the arrows shift the range, again without t', async ({ page }) => {
    await open(page, '/trends?from=now-24h');
    await mark(page);
    await press(page, 't', 'ArrowLeft');
    await expect(page).toHaveURL(/from=\d{4}.*to=\d{4}/);
    const begin = () => Date.parse(new URL(page.url()).searchParams.get('from')!);
    const one = begin();
    await settled(page);
    await press(page, 't', 'ArrowLeft');
    await expect.poll(begin).toBe(one - 86_400_000);
    await settled(page);
    await press(page, 't', 'ArrowRight');
    await expect.poll(begin).toBe(one);
    await stayed(page);
  });

  test('a full stop opens the table behind the chart and closes it', async ({ page }) => {
    await open(page, '/trends');
    const behind = page.getByRole('figure').first().locator('details.behind');
    await press(page, '.');
    await expect(behind).toHaveAttribute('open', '');
    await press(page, '.');
    await expect(behind).not.toHaveAttribute('open');
  });

  test('letters typed into fields are letters', async ({ page }) => {
    await open(page, '/trends');
    const metric = page.getByRole('combobox', { name: 'Metric' });
    await metric.focus();
    await press(page, '/', '?', '.', 'g', 't');
    await page.waitForTimeout(400);
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(page).toHaveURL('/trends');
    await press(page, 'Control+k');
    await expect(palette(page)).toBeVisible();
    await page.keyboard.type('/?.gt');
    await expect(field(page)).toHaveValue('/?.gt');
  });
});

test.describe('a chart by keys', () => {
  test('arrows walk the points and speak them, Home and End jump, Escape leaves', async ({ page }) => {
    await open(page, '/trends?from=now-24h&refresh=off');
    const c = chart(page);
    await awake(c);
    const plane = part(c, 'plane');
    await plane.focus();
    await expect(plane).toBeFocused();
    expect(await plane.getAttribute('aria-label')).toMatch(/mAP50 of Fleet.*Arrow keys walk/);
    const [line] = await series(c);
    const speech = part(c, 'speech');
    await expect(speech).toHaveAttribute('aria-live', 'polite');
    for (const [key, i] of [['Home', 0], ['ArrowRight', 1], ['ArrowRight', 2], ['ArrowLeft', 1], ['End', line!.points.length - 1]] as const) {
      await press(page, key);
      const p = line!.points[i]!;
      await expect(speech).toContainText(`mAP50 ${p.v.toFixed(3)}, n ${p.n.toLocaleString('en')}`);
      await expect(part(c, 'crosshair')).toBeVisible();
    }
    await press(page, 'Escape');
    await expect(part(c, 'crosshair')).toBeHidden();
    await expect(plane).not.toBeFocused();
  });

  test('Enter shows the records of the point, plus and minus zoom', async ({ page }) => {
    await open(page, '/trends?from=now-24h&refresh=off');
    await mark(page);
    const c = chart(page);
    await awake(c);
    const before = await meta(c);
    await part(c, 'plane').focus();
    await press(page, 'Home', ...Array.from({ length: 90 }, () => 'ArrowRight'), '+');
    await expect(page).toHaveURL(/from=\d{4}.*to=\d{4}/);
    const length = () => { const q = new URL(page.url()).searchParams; return Date.parse(q.get('to')!) - Date.parse(q.get('from')!); };
    expect(length() / (before.to - before.from)).toBeCloseTo(0.5, 1);
    /** The chart shows what the address asks for. */
    const shown = () => expect.poll(async () => { const m = await meta(chart(page)); return Math.abs((m.to - m.from) / length() - 1); }).toBeLessThan(0.01);
    await shown();
    await part(chart(page), 'plane').focus();
    await press(page, '-');
    await expect.poll(() => length() / (before.to - before.from)).toBeGreaterThan(0.6);
    await shown();
    await part(chart(page), 'plane').focus();
    await press(page, 'End', 'ArrowLeft', 'ArrowLeft');
    const said = await part(chart(page), 'speech').innerText();
    await press(page, 'Enter');
    await expect(page).toHaveURL(/\/records\?/);
    const n = /n ([\d,]+)/.exec(said)![1]!;
    await expect(main(page).locator('.lead')).toContainText(`${n} records`);
    await stayed(page);
  });

  test('zooming by keys leaves the focus on the chart, so that one can zoom on', async ({ page }) => {
    await open(page, '/trends?from=now-24h&refresh=off');
    await awake(chart(page));
    await part(chart(page), 'plane').focus();
    await press(page, '+');
    await expect(page).toHaveURL(/from=\d{4}.*to=\d{4}/);
    await expect.poll(async () => { const m = await meta(chart(page)); return m.to - m.from; }).toBeLessThan(13 * 3_600_000);
    await expect(part(chart(page), 'plane')).toBeFocused();
    const one = page.url();
    await press(page, '+');
    await expect(page).not.toHaveURL(one);
  });

  test('zooming in at the newest point does not lead into the future', async ({ page }) => {
    await open(page, '/trends?from=now-24h&refresh=off');
    await awake(chart(page));
    await part(chart(page), 'plane').focus();
    await press(page, 'End', '+');
    await expect(page).toHaveURL(/from=\d{4}.*to=\d{4}/);
    const to = Date.parse(new URL(page.url()).searchParams.get('to')!);
    expect((to - Date.now()) / 60_000, 'minutes into the future').toBeLessThan(10);
  });
});
