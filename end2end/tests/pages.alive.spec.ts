// Pages after hydration: everything happens in place, nothing blanks, choices stay, keys reach everything.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import {
  CUSTOMER, DRAWN, KINDS, MORE, SITE, address, alive, at, chartIsDrawn, column, crumbs, expect, main, mark, names, number, open, path,
  picker, rail, range, settled, stayed, steady, table, test, tiles, zone,
} from './support';
import { ODD, PERCENT } from './servers';

const SITES = /^Sites, worst/;
const heading = (page: Page) => page.getByRole('heading', { level: 1 });
async function preset(page: Page, label: string) {
  await picker(page).click();
  await range(page).getByRole('link', { name: label }).click();
}
/** Holds answers of server functions back until `let go` is called. */
async function hold(page: Page) {
  let go!: () => void;
  const gate = new Promise<void>((done) => { go = done; });
  await page.route('**/sf/**', async (route) => { await gate; await route.continue(); });
  return go;
}

test.describe('hydration', () => {
  for (const kind of [...KINDS, ...MORE, ...DRAWN]) {
    test(`${kind}: hydration changes nothing that the server wrote`, async ({ page }) => {
      // Ages are counted anew with every refresh.
      const where = await address(kind);
      const response = await open(page, `${where}${where.includes('?') ? '&' : '?'}refresh=off`);
      const html = await response!.text();
      const [server, browser] = await page.evaluate((text) => {
        const words = (d: Document) => {
          const body = d.body.cloneNode(true) as HTMLElement;
          // What is for browsers without scripts is read in two ways, and shown here in none.
          for (const s of body.querySelectorAll('script, template, noscript')) s.remove();
          return body.textContent!.replace(/\s+/g, ' ').trim();
        };
        return [words(new DOMParser().parseFromString(text, 'text/html')), words(document)];
      }, html);
      expect(browser).toBe(server);
    });
  }

  test('the first visit tells the server the time zone and shows times in it without a page load', async ({ browser, guard }) => {
    void guard;
    const context = await browser.newContext({ timezoneId: 'Asia/Seoul', baseURL: at.demo, locale: 'en-US' });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (m) => { if (m.type() === 'error') complaints.push(m.text()); });
    page.on('pageerror', (e) => complaints.push(e.message));
    const loads: string[] = [];
    page.on('request', (r) => { if (r.isNavigationRequest()) loads.push(r.url()); });
    const first = await page.goto('/');
    expect(await first!.text()).toContain('Times in UTC');
    await picker(page).click();
    await expect(range(page)).toContainText(/Times in .*Seoul/);
    expect(decodeURIComponent((await context.cookies()).find((c) => c.name === 'gf_tz')!.value)).toBe('Asia/Seoul');
    expect(loads).toHaveLength(1);
    const second = await page.goto('/');
    expect(await second!.text()).toMatch(/Times in .*Seoul/);
    expect(complaints).toEqual([]);
    await context.close();
  });
});

test.describe('in place', () => {
  test('a preset changes address, numbers and chart without a page load', async ({ page }) => {
    await open(page, '/');
    await mark(page);
    const before = [await tiles(page).first().innerText(), await page.getByRole('figure').getByRole('img').first().getAttribute('aria-label')];
    await preset(page, 'Last 30 days');
    await expect(page).toHaveURL('/?from=now-30d');
    await expect(picker(page)).toHaveText('Last 30 days');
    await expect(tiles(page).first()).toContainText(/vs .*30 days/);
    expect(await tiles(page).first().innerText()).not.toBe(before[0]);
    expect(await page.getByRole('figure').getByRole('img').first().getAttribute('aria-label')).not.toBe(before[1]);
    await chartIsDrawn(page);
    await stayed(page);
  });

  test('a custom range is applied without a page load and keeps the sort', async ({ page }) => {
    await open(page, `${path.customer()}?sort=-value`);
    await mark(page);
    await picker(page).click();
    const day = (back: number) => `${new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10)}T00:00`;
    await range(page).getByLabel('From').fill(day(20));
    await range(page).getByLabel('To', { exact: true }).fill(day(10));
    await range(page).getByRole('button', { name: 'Apply' }).click();
    await expect(picker(page)).toHaveText(/ to /);
    const asked = new URL(page.url()).searchParams;
    expect(Object.fromEntries(asked)).toEqual({ sort: '-value', from: day(20), to: day(10) });
    await expect(range(page).locator('details')).not.toHaveAttribute('open');
    await stayed(page);
  });

  test('a head sorts without a page load, and the page stays where it was scrolled to', async ({ page }) => {
    await open(page, path.customer());
    await mark(page);
    const sites = table(page, SITES);
    const head = sites.getByRole('columnheader', { name: 'mAP50', exact: true }).getByRole('link');
    await page.evaluate(() => window.scrollTo(0, 200));
    const scrolled = await page.evaluate(() => window.scrollY);
    expect(scrolled).toBeGreaterThan(100);
    await head.click();
    await expect(sites.locator('th[aria-sort]')).toHaveAttribute('aria-sort', 'descending');
    await expect(page).toHaveURL(/sort=-value/);
    const down = (await column(sites, 'mAP50')).map(number);
    expect(down).toEqual([...down].sort((a, b) => b - a));
    await stayed(page);
    expect(Math.abs((await page.evaluate(() => window.scrollY)) - scrolled), 'scrolled away by sorting').toBeLessThan(30);
  });

  test('sorting by the keyboard leaves the focus on the head', async ({ page }) => {
    await open(page, path.customer());
    const head = table(page, SITES).getByRole('columnheader', { name: 'n', exact: true }).getByRole('link');
    await head.focus();
    await page.keyboard.press('Enter');
    await expect(table(page, SITES).locator('th[aria-sort]')).toHaveCount(1);
    await settled(page);
    await expect(table(page, SITES).locator('th[aria-sort] a')).toBeFocused();
  });

  test('paging turns the rows without a page load', async ({ page }) => {
    await open(page, `${at.wide}/customers/Wide`);
    await mark(page);
    const first = await names(table(page, SITES));
    await page.getByRole('link', { name: 'Next', exact: true }).click();
    await expect(page.getByText('26–50 of 60')).toBeVisible();
    const second = await names(table(page, SITES));
    expect(second.filter((n) => first.includes(n))).toEqual([]);
    await page.getByRole('link', { name: 'Previous', exact: true }).click();
    await expect(page.getByText('1–25 of 60')).toBeVisible();
    expect(await names(table(page, SITES))).toEqual(first);
    await stayed(page);
  });

  test('filters of trends are applied without a page load', async ({ page }) => {
    await open(page, '/trends');
    await mark(page);
    const form = page.getByRole('form', { name: 'Filter' });
    await form.getByRole('combobox', { name: 'Metric' }).selectOption('fps');
    await form.getByRole('combobox', { name: 'Type' }).selectOption('all');
    await form.getByRole('button', { name: 'Show' }).click();
    await expect(page.getByRole('figure').getByRole('img').first()).toHaveAccessibleName(/^FPS of Fleet/);
    expect(new URL(page.url()).searchParams.get('metric')).toBe('fps');
    expect(new URL(page.url()).searchParams.get('type')).toBe('all');
    await expect(form.getByRole('combobox', { name: 'Metric' })).toHaveValue('fps');
    await chartIsDrawn(page);
    await stayed(page);
  });

  test('drill-down to a zone and up again loads no page, keeps the range and starts at the top', async ({ page }) => {
    await open(page, '/?from=now-30d');
    await mark(page);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await table(page, /^Customers, worst/).getByRole('link', { name: CUSTOMER }).click();
    await expect(heading(page)).toHaveText(CUSTOMER);
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(0);
    await table(page, SITES).getByRole('link', { name: SITE, exact: true }).click();
    await expect(heading(page)).toHaveText(SITE);
    await expect(page).toHaveTitle(`${SITE} · GuardianFlow`);
    const name = await zone();
    await table(page, /^Zones, worst/).getByRole('link', { name, exact: true }).click();
    await expect(heading(page)).toHaveText(name);
    await expect(picker(page)).toHaveText('Last 30 days');
    await crumbs(page).getByRole('link', { name: 'Fleet' }).click();
    await expect(heading(page)).toHaveText('Fleet');
    await expect(page).toHaveURL('/?from=now-30d');
    await stayed(page);
  });

  test('the way from place to trends and sources and back loads no page', async ({ page }) => {
    await open(page, path.site());
    await mark(page);
    await page.getByRole('link', { name: 'Explore this trend' }).click();
    await expect(page.getByRole('form', { name: 'Filter' })).toBeVisible();
    await expect(heading(page)).toHaveText(SITE);
    await rail(page).getByRole('link', { name: 'Sources' }).click();
    await expect(heading(page)).toHaveText('Sources');
    await expect(rail(page).getByRole('link', { name: 'Sources' })).toHaveAttribute('aria-current', 'page');
    await page.getByRole('link', { name: 'GuardianFlow' }).click();
    await expect(heading(page)).toHaveText('Fleet');
    await stayed(page);
  });

  test('names that need escaping lead to their pages in place, by links and by forms', async ({ page }) => {
    await open(page, at.wide);
    await mark(page);
    await table(page, /^Customers, worst/).getByRole('link', { name: ODD, exact: true }).click();
    await expect(heading(page)).toHaveText(ODD);
    await table(page, SITES).getByRole('link', { name: 'موقع 🚧' }).click();
    await expect(heading(page)).toHaveText('موقع 🚧');
    await table(page, /^Zones, worst/).getByRole('link', { name: '"Gate" <1>' }).click();
    await expect(heading(page)).toHaveText('"Gate" <1>');
    await preset(page, 'Last 24 hours');
    await expect(picker(page)).toHaveText('Last 24 hours');
    await expect(heading(page)).toHaveText('"Gate" <1>');
    await crumbs(page).getByRole('link', { name: ODD, exact: true }).click();
    await expect(heading(page)).toHaveText(ODD);
    await page.goBack();
    await expect(heading(page)).toHaveText('"Gate" <1>');
    await stayed(page);
    await page.reload();
    await expect(heading(page)).toHaveText('"Gate" <1>');
  });

  test('a name that looks escaped already is not unescaped twice in place', async ({ page }) => {
    await open(page, at.wide);
    await mark(page);
    await table(page, /^Customers, worst/).getByRole('link', { name: PERCENT, exact: true }).click();
    await expect(heading(page)).toHaveText(PERCENT);
    await page.getByRole('link', { name: 'Explore this trend' }).click();
    await expect(page.getByRole('form', { name: 'Filter' })).toBeVisible();
    await expect(heading(page)).toHaveText(PERCENT);
    await stayed(page);
  });

  test('back and forward restore address, content and title', async ({ page }) => {
    await open(page, '/');
    await mark(page);
    await preset(page, 'Last 30 days');
    await expect(picker(page)).toHaveText('Last 30 days');
    await table(page, /^Customers, worst/).getByRole('link', { name: CUSTOMER }).click();
    await expect(heading(page)).toHaveText(CUSTOMER);
    await table(page, SITES).getByRole('columnheader', { name: 'mAP50', exact: true }).getByRole('link').click();
    await expect(page).toHaveURL(/sort=-value/);
    await expect(table(page, SITES).locator('th[aria-sort]')).toHaveCount(1);
    await page.goBack();
    await expect(table(page, SITES).locator('th[aria-sort]')).toHaveCount(0);
    await expect(page).toHaveURL(`${path.customer()}?from=now-30d`);
    await page.goBack();
    await expect(heading(page)).toHaveText('Fleet');
    await expect(page).toHaveTitle('Fleet · GuardianFlow');
    await page.goBack();
    await expect(picker(page)).toHaveText('Last 7 days');
    await expect(page).toHaveURL('/');
    await page.goForward();
    await expect(picker(page)).toHaveText('Last 30 days');
    await page.goForward();
    await expect(heading(page)).toHaveText(CUSTOMER);
    await expect(page).toHaveTitle(`${CUSTOMER} · GuardianFlow`);
    await page.goForward();
    await expect(table(page, SITES).locator('th[aria-sort]')).toHaveAttribute('aria-sort', 'descending');
    await stayed(page);
  });

  test('while an answer is on its way the old content stays, dimmed and marked busy', async ({ page }) => {
    await open(page, '/');
    await mark(page);
    const before = steady(await tiles(page).first().innerText());
    const go = await hold(page);
    await preset(page, 'Last 30 days');
    const busy = page.locator('[aria-busy=true]');
    await expect(busy).toHaveCount(1);
    expect(steady(await tiles(page).first().innerText())).toBe(before);
    await chartIsDrawn(page);
    await expect(page.getByText('Loading', { exact: true })).toHaveCount(0);
    await expect.poll(() => main(page).evaluate((e) => Number(getComputedStyle(e).opacity))).toBeLessThan(1);
    await expect(page.locator('.progress')).toHaveCSS('visibility', 'visible');
    go();
    await settled(page);
    await expect(tiles(page).first()).toContainText(/vs .*30 days/);
    await expect(main(page)).toHaveCSS('opacity', '1');
    await stayed(page);
  });

  test('of two changes in quick succession the last one is shown', async ({ page }) => {
    await open(page, '/');
    let n = 0;
    // The first answer comes later than the second.
    await page.route('**/sf/**', async (route) => { if (n++ === 0) await new Promise((done) => setTimeout(done, 1_500)); await route.continue(); });
    await preset(page, 'Last 90 days');
    await expect(page).toHaveURL(/now-90d/);
    await preset(page, 'Last 30 days');
    await expect(page).toHaveURL(/now-30d/);
    await page.waitForTimeout(2_500);
    await settled(page);
    await expect(picker(page)).toHaveText('Last 30 days');
    await expect(tiles(page).first()).toContainText(/vs .*30 days/);
  });

  test('when the server cannot be reached a sentence says so, and the next click recovers', async ({ page, guard }) => {
    guard.allow(/ERR_(FAILED|CONNECTION|INTERNET)/);
    await open(page, '/');
    await mark(page);
    await page.route('**/sf/**', (route) => route.abort());
    await preset(page, 'Last 30 days');
    await expect(heading(page)).toHaveText('This cannot be shown');
    await page.unroute('**/sf/**');
    await rail(page).getByRole('link', { name: 'Trends' }).click();
    await chartIsDrawn(page);
    await stayed(page);
  });

  test('an error of ours that is met in place names the request to quote', async ({ page, guard }) => {
    guard.allow(/\b503\b/);
    await open(page, '/');
    await mark(page);
    await page.route('**/sf/**', (route) => route.fulfill({
      status: 503, contentType: 'application/json',
      body: JSON.stringify({ kind: 'unavailable', message: { en: 'cannot read it', ko: null }, request: '00c0ffee00c0ffee' }),
    }));
    await preset(page, 'Last 30 days');
    await expect(main(page)).toContainText('cannot read it');
    await expect(main(page)).toContainText('Request ID 00c0ffee00c0ffee');
    await stayed(page);
  });

  test('an error met in place says what is wrong and leads on', async ({ page, guard }) => {
    guard.allow(/status of 4\d\d/);
    await open(page, '/trends');
    await mark(page);
    await picker(page).click();
    await range(page).getByLabel('From').fill('2026-01-10T00:00');
    await range(page).getByLabel('To', { exact: true }).fill('2026-01-01T00:00');
    await range(page).getByRole('button', { name: 'Apply' }).click();
    await expect(heading(page)).toHaveText('This question cannot be answered');
    await main(page).getByRole('link').click();
    await expect(heading(page)).toHaveText('Fleet');
    await stayed(page);
    await page.goBack();
    await expect(heading(page)).toHaveText('This question cannot be answered');
    await page.goBack();
    await chartIsDrawn(page);
  });

  test('downloads stay downloads', async ({ page }) => {
    await open(page, '/');
    await mark(page);
    for (const [name, file] of [['CSV of this table', 'children.csv'], ['SVG', 'mAP50.svg']] as const) {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).first().click()]);
      expect(download.suggestedFilename()).toBe(file);
    }
    await expect(heading(page)).toHaveText('Fleet');
    await stayed(page);
  });

  test('twenty changes of page and range leave no complaint and the right content', async ({ page }) => {
    test.slow();
    await open(page, '/');
    await mark(page);
    for (let i = 0; i < 4; i++) {
      await preset(page, i % 2 ? 'Last 7 days' : 'Last 24 hours');
      await expect(picker(page)).toHaveText(i % 2 ? 'Last 7 days' : 'Last 24 hours');
      await table(page, /^Customers, worst/).getByRole('rowheader').nth(i).getByRole('link').click();
      await expect(table(page, SITES)).toBeVisible();
      await rail(page).getByRole('link', { name: 'Trends' }).click();
      await expect(page.getByRole('form', { name: 'Filter' })).toBeVisible();
      await rail(page).getByRole('link', { name: 'Sources' }).click();
      await expect(heading(page)).toHaveText('Sources');
      await rail(page).getByRole('link', { name: 'Overview' }).click();
      await expect(heading(page)).toHaveText('Fleet');
      await chartIsDrawn(page);
    }
    await stayed(page);
  });
});

test.describe('choices', () => {
  test('the language turns the whole page into Korean in place and survives a reload', async ({ page }) => {
    await open(page, `${path.customer()}?from=now-30d`);
    await mark(page);
    await page.getByRole('button', { name: '한국어' }).click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
    await expect(rail(page, '주 메뉴').getByRole('link', { name: '개요' })).toBeVisible();
    await expect(page.getByRole('group', { name: '기간' }).locator('summary')).toHaveText('최근 30일');
    await settled(page);
    const english = /\b(Overview|Trends|Sources|Last|days|hours|ago|worse|better|simulated|records|Latency|late|stale|of|Show|Newest|State|Theme|Language)\b/;
    expect((await page.locator('body').innerText()).match(english)?.[0]).toBeUndefined();
    await expect(page).toHaveURL(`${path.customer()}?from=now-30d`);
    await stayed(page);
    await page.reload();
    await alive(page);
    await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
    await page.getByRole('button', { name: 'English' }).click();
    await expect(table(page, SITES)).toBeVisible();
  });

  test('the theme changes in place, and the server writes it into the first HTML from then on', async ({ page }) => {
    await open(page, '/trends');
    await mark(page);
    const background = () => page.locator('html').evaluate((e) => getComputedStyle(e).backgroundColor);
    const light = await background();
    await page.getByRole('button', { name: 'Dark' }).click();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await expect(page.getByRole('button', { name: 'Dark' })).toHaveAttribute('aria-pressed', 'true');
    const dark = await background();
    expect(dark).not.toBe(light);
    await stayed(page);
    const again = await page.reload();
    expect(await again!.text()).toMatch(/<html[^>]+data-theme="dark"/);
    expect(await background()).toBe(dark);
    await alive(page);
    expect(await background()).toBe(dark);
    await rail(page).getByRole('link', { name: 'Overview' }).click();
    await expect(heading(page)).toHaveText('Fleet');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  });

  test('without a choice the theme follows the system, charts included', async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await open(page, '/');
    const look = () => page.evaluate(() => [
      getComputedStyle(document.documentElement).backgroundColor,
      getComputedStyle(document.querySelector('figure path.line')!).stroke,
      getComputedStyle(document.querySelector('.chart-svg text')!).fill,
    ]);
    const dark = await look();
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await look();
    for (const i of [0, 1, 2]) expect(light[i]).not.toBe(dark[i]);
  });
});

test.describe('menus and keys', () => {
  test('a menu closes when one of its links has led somewhere', async ({ page }) => {
    await open(page, path.site());
    const menus = page.locator('details.menu[open]');
    await crumbs(page).locator('summary').last().click();
    await expect(menus).toHaveCount(1);
    await crumbs(page).locator('details').last().getByRole('link').filter({ hasNotText: SITE }).first().click();
    await expect(heading(page)).not.toHaveText(SITE);
    await expect(menus).toHaveCount(0);
    await preset(page, 'Last 24 hours');
    await expect(picker(page)).toHaveText('Last 24 hours');
    await expect(menus).toHaveCount(0);
  });

  test('Tab reaches the skip link first, then the rail, the choices, the breadcrumb, the picker and the content', async ({ page }) => {
    await open(page, path.customer());
    const reached: string[] = [];
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => {
        const e = document.activeElement as HTMLElement;
        return `${e.closest('.skip,.rail ul,.choices,.crumbs,.range,main')?.className.split(' ')[0] || e.closest('ul,main')?.tagName || e.tagName}:${e.getAttribute('aria-label') ?? e.innerText.trim().slice(0, 20)}`;
      }));
    }
    expect(reached[0]).toBe('skip:Skip to content');
    const order = ['Overview', 'Trends', 'Sources', 'Dark', '한국어', 'Fleet', 'Switch', 'Earlier', 'Last 7 days'];
    const positions = order.map((word) => reached.findIndex((r) => r.includes(word)));
    expect(Math.min(...positions), reached.join('\n')).toBeGreaterThan(0);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(reached.filter((r) => r.startsWith('MAIN') || r.startsWith('main')).length).toBeGreaterThan(5);
  });

  test('the skip link is seen when focused and leads to the content', async ({ page }) => {
    await open(page, '/');
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to content' });
    await expect(skip).toBeFocused();
    expect((await skip.boundingBox())!.x).toBeGreaterThanOrEqual(0);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/#main$/);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => !!document.activeElement!.closest('main')), 'the next stop is in the content').toBe(true);
  });

  test('the focus is seen wherever Tab leads', async ({ page }) => {
    await open(page, path.customer());
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate(() => { const s = getComputedStyle(document.activeElement!); return `${s.outlineStyle} ${s.outlineWidth}`; });
      expect(outline).toMatch(/^(solid|auto) [1-9]/);
    }
  });

  test('menus open, lead and close by the keyboard alone', async ({ page }) => {
    await open(page, '/');
    await mark(page);
    await picker(page).focus();
    await page.keyboard.press('Enter');
    await expect(range(page).getByRole('link', { name: 'Last 24 hours' })).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(range(page).getByRole('link', { name: 'Last 24 hours' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(picker(page)).toHaveText('Last 24 hours');
    await stayed(page);
  });
});

test.describe('an address that cannot be read', () => {
  for (const [url, sentence] of [
    ['/?days=1&days=2', '“days” is given twice'],
    ['/compare?customer=%ff', 'the address is not UTF-8'],
    ['/customers/%ff', 'the address is not UTF-8'],
  ] as const) {
    test(`${url} is said to be none by server and browser alike, and one gets on`, async ({ page, guard }) => {
      guard.allow(/status of 400/);
      await open(page, url);
      await mark(page);
      await expect(main(page).getByText(sentence)).toBeVisible();
      await page.getByRole('link', { name: 'Back to the overview' }).click();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Fleet');
      await page.goBack();
      await expect(main(page).getByText(sentence)).toBeVisible();
      await stayed(page);
    });
  }
});

test.describe('for everybody', () => {
  const all: [string, () => Promise<string>][] = [
    ...[...KINDS, ...MORE, ...DRAWN].map((k): [string, () => Promise<string>] => [k, () => address(k)]),
    ['404', async () => '/nowhere'],
    ['empty', async () => at.empty],
    ['sign-in', async () => `${at.guarded}/signin`],
    ['long tables', async () => `${at.wide}/customers/Wide`],
  ];
  for (const [name, where] of all) {
    for (const colorScheme of ['light', 'dark'] as const) {
      test(`${name}: axe finds nothing serious in ${colorScheme}, wide and on a phone`, async ({ page, guard }) => {
        test.slow();
        if (name === '404') guard.allow(/status of 404/);
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        // A refresh dims the page for a moment, and what is dimmed has less contrast.
        const url = await where();
        await page.goto(`${url}${url.includes('?') ? '&' : '?'}refresh=off`);
        if (name !== 'sign-in') await alive(page);
        const found: string[] = [];
        for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
          await page.setViewportSize(viewport);
          // What lies behind charts is looked at too, and on a wide screen what lies in menus.
          await page.evaluate(() => {
            for (const d of document.querySelectorAll('details')) d.open = innerWidth > 1000 || !d.matches('.menu');
          });
          const { violations } = await new AxeBuilder({ page }).analyze();
          for (const v of violations.filter((x) => x.impact === 'serious' || x.impact === 'critical')) {
            const nodes = v.nodes.slice(0, 4).map((n) => `${n.target}: ${n.failureSummary?.split('\n')[1]?.trim() ?? ''}`);
            found.push(`${v.id} (${v.impact}) at ${viewport.width} px, ${v.nodes.length}: ${v.help}; ${nodes.join('; ')}`);
          }
        }
        expect(found).toEqual([]);
      });
    }

    test(`${name}: nothing is wider than a phone, a tablet or a desk`, async ({ page, guard }) => {
      if (name === '404') guard.allow(/status of 404/);
      await page.goto(await where());
      for (const width of [320, 390, 768, 1000, 1440]) {
        await page.setViewportSize({ width, height: 844 });
        // A chart follows the width once it has been told of it.
        await expect.poll(() => page.evaluate(() => document.scrollingElement!.scrollWidth), `at ${width} px`).toBeLessThanOrEqual(width);
      }
    });
  }

  test('a long state beside a label neither covers the number nor leaves its tile', async ({ page }) => {
    await open(page, '/?refresh=off');
    for (const width of [390, 900, 1280, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      const wrong = await page.locator('.tile').evaluateAll((all) => all.flatMap((tile) => {
        const state = tile.querySelector('.tile-head .state')!;
        state.lastChild!.textContent = 'source error';
        const label = tile.querySelector('.tile-label')!.getBoundingClientRect();
        const [value, beside, around] = [tile.querySelector('.tile-value')!, state, tile].map((e) => e.getBoundingClientRect());
        const top = value!.top + 1;
        return label.bottom > top || beside!.bottom > top || beside!.right > around!.right ? [tile.textContent] : [];
      }));
      expect(wrong, `at ${width} px`).toEqual([]);
    }
  });

  test('on a phone the picker and the sibling switcher open inside of the screen', async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, path.site());
    for (const opener of [picker(page), crumbs(page).locator('summary').first(), crumbs(page).locator('summary').last()]) {
      await opener.click();
      const panel = (await page.locator('details.menu[open] > :not(summary)').boundingBox())!;
      expect(panel.x).toBeGreaterThanOrEqual(0);
      expect(panel.x + panel.width).toBeLessThanOrEqual(390);
      await opener.click();
    }
  });

  test('on a phone the rail lies at the bottom and hides nothing at the end of the page', async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, '/');
    const bar = (await rail(page).boundingBox())!;
    expect(Math.round(bar.y + bar.height)).toBe(844);
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    const last = (await main(page).locator('> *').last().boundingBox())!;
    expect(last.y + last.height).toBeLessThanOrEqual(bar.y);
  });

  test('long tables keep their head and first column in sight', async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, `${at.wide}/customers/Wide`);
    const region = page.getByRole('region', { name: SITES });
    await region.evaluate((e) => e.scrollTo(200, 300));
    const box = (await region.boundingBox())!;
    const head = (await region.getByRole('columnheader').first().boundingBox())!;
    const row = (await region.getByRole('rowheader').nth(12).boundingBox())!;
    expect(Math.abs(head.y - box.y)).toBeLessThan(3);
    expect(row.x).toBeGreaterThanOrEqual(box.x - 1);
    expect(row.x).toBeLessThan(box.x + 30);
  });
});
