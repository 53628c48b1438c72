// Every page without a script: content, links, forms, files.
import {
  CUSTOMER, DRAWN, KINDS, MORE, SITE, address, at, chartIsDrawn, column, crumbs, expect, main, names, number, path, picker, rail, range,
  settled, steady, table, test, tiles, zone,
} from './support';
import { ODD, PERCENT, TOKEN, WIDE_SITES } from './servers';

const CHILDREN = { overview: /^Customers, worst/, customer: /^Sites, worst/, site: /^Zones, worst/ };

test.describe('content is in the first HTML', () => {
  for (const kind of KINDS) {
    test(`${kind}: numbers, a chart with its line, and the way here are visible without a script`, async ({ page }) => {
      const response = await page.goto(await address(kind));
      expect(response!.status()).toBe(200);
      await settled(page);
      await expect(page.getByText('Loading', { exact: true })).toHaveCount(0);
      await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
      await expect(crumbs(page).getByRole('listitem').first()).toBeVisible();
      await expect(page).toHaveTitle(/\S.* · GuardianFlow$/);
      await chartIsDrawn(page);
      const cells = (await main(page).getByRole('table').first().getByRole('cell').allInnerTexts()).filter((c) => /\d/.test(c));
      expect(cells.length, 'numbers in the first table').toBeGreaterThan(3);
      if (kind !== 'trends' && kind !== 'sources') {
        expect(await tiles(page).count()).toBe(6);
        for (const tile of await tiles(page).all()) {
          await expect(tile).toBeVisible();
          await expect(tile.locator('.tile-value')).toHaveText(/^\d/);
        }
      }
    });
  }

  test('every headline number says its n, freshness, coverage, state, and that it is simulated', async ({ page }) => {
    await page.goto('/');
    for (const tile of (await tiles(page).all()).slice(0, 5)) {
      const text = steady(await tile.innerText());
      expect(text).toMatch(/\bn [\d,]+/);
      expect(text).toMatch(/\d+ of \d+ sites/);
      expect(text).toMatch(/just now|\d+ (seconds?|minutes?|hours?|days?|min|h|s|d).* ago/);
      expect(text).toMatch(/\b(ok|late|stale|no data expected|source error)\b/);
      expect(text).toContain('simulated');
    }
  });

  test('the change to the previous period stands beside a headline number with its word', async ({ page }) => {
    await page.goto('/');
    await expect(tiles(page).first()).toContainText(/[↑↓±]?[\d.]+ +(better|worse|unchanged|changed|negligible|within noise)[−+]\d.* … [−+]\d\S*( · mix [−+][\d.]+)?\s+vs .*7 days/);
  });

  test('the chart is summed up in one sentence, and its table lies behind it', async ({ page }) => {
    await page.goto(path.customer());
    const figure = page.getByRole('figure').first();
    await expect(figure).toContainText(/mAP50 of Customer B from .+ to .+: lowest [\d.]+, highest [\d.]+, last [\d.]+; [\d,]+ records\./);
    const behind = figure.getByRole('table');
    await expect(behind).toBeHidden();
    await figure.locator('summary').click();
    await expect(behind).toBeVisible();
    expect(await behind.getByRole('row').count()).toBeGreaterThan(10);
  });

  test('simulated records are announced with the command that removes them', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByText('guardianflow demo remove')).toBeVisible();
  });

  test('no page writes a style attribute, an event handler, or a script without its nonce', async ({ page }) => {
    for (const kind of [...KINDS, ...MORE, ...DRAWN]) {
      const response = await page.goto(await address(kind));
      const policy = response!.headers()['content-security-policy']!;
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'/);
      const html = await response!.text();
      expect(html).not.toMatch(/<[^>]+\s(style|on[a-z]+)=/);
      for (const script of html.match(/<script[^>]*>/g) ?? []) expect(script).toMatch(/nonce=|src="\/(pkg|elements)\//);
    }
  });

  test('a state is never said by colour alone', async ({ page }) => {
    await page.goto('/');
    for (const state of await page.locator('.state').all()) expect(await state.innerText()).toMatch(/[●◐○–✕]\s*.*[a-z]{2,}/s);
  });
});

test.describe('links lead on', () => {
  test('drill-down from the fleet to a zone and back by the breadcrumb keeps the range', async ({ page }) => {
    await page.goto('/?from=now-30d');
    await table(page, CHILDREN.overview).getByRole('link', { name: CUSTOMER }).click();
    await expect(page).toHaveURL(`${path.customer()}?from=now-30d`);
    await table(page, CHILDREN.customer).getByRole('link', { name: SITE, exact: true }).click();
    await expect(page).toHaveURL(`${path.site()}?from=now-30d`);
    const name = await zone();
    await table(page, CHILDREN.site).getByRole('link', { name, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
    await expect(picker(page)).toHaveText('Last 30 days');
    for (const [label, url] of [[SITE, path.site()], [CUSTOMER, path.customer()], ['Fleet', '/']] as const) {
      await crumbs(page).getByRole('link', { name: label, exact: true }).click();
      await expect(page).toHaveURL(`${url}?from=now-30d`);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(label);
    }
  });

  test('the rail leads to every page that exists and marks the one that is open', async ({ page }) => {
    await page.goto(path.site());
    await expect(rail(page).getByRole('link', { name: 'Overview' })).toHaveAttribute('aria-current', 'page');
    for (const [name, url] of [
      ['Trends', '/trends'], ['Compare', '/compare'], ['Experiments', '/experiments'], ['Records', '/records'], ['Sources', '/sources'], ['Views', '/views'], ['Overview', '/'],
    ] as const) {
      await rail(page).getByRole('link', { name }).click();
      await expect(page).toHaveURL(url);
      await expect(rail(page).getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
      await expect(rail(page).locator('[aria-current]')).toHaveCount(1);
    }
  });

  test('no link of any page leads to an error', async ({ page, request }) => {
    test.slow();
    const links = new Set<string>();
    for (const kind of [...KINDS, ...MORE, ...DRAWN]) {
      await page.goto(await address(kind));
      for (const a of await page.locator('a[href^="/"]').all()) links.add((await a.getAttribute('href'))!);
    }
    expect(links.size).toBeGreaterThan(40);
    // One of each shape is enough: names and moments are put aside.
    const shapes = new Map([...links].map((l) => [l.replace(/\/(customers|sites|zones|experiments|runs)\/[^/?]+/g, '/$1/x').replace(/=[^&]+/g, '='), l]));
    for (const link of shapes.values()) expect((await request.get(link)).status(), link).toBe(200);
  });

  test('a tile leads to the trend of its metric in the same scope', async ({ page }) => {
    await page.goto(`${path.customer()}?from=now-30d`);
    await tiles(page).filter({ hasText: 'FPS' }).click();
    await expect(page).toHaveURL(/\/trends\?/);
    const url = new URL(page.url());
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ customer: CUSTOMER, metric: 'fps', from: 'now-30d' });
    await expect(page.getByRole('combobox', { name: 'Metric' })).toHaveValue('fps');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(CUSTOMER);
  });

  test('the number of a child leads to its trend, and a model to the trend of that model', async ({ page }) => {
    await page.goto('/');
    await table(page, CHILDREN.overview).getByRole('row', { name: CUSTOMER }).getByRole('cell').nth(1).getByRole('link').click();
    expect(new URL(page.url()).searchParams.get('customer')).toBe(CUSTOMER);
    await page.goto('/');
    const model = table(page, 'Models in the field').getByRole('rowheader').first().getByRole('link');
    const name = (await model.innerText()).trim();
    await model.click();
    await expect(page).toHaveURL(/\/trends\?.*model=/);
    await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue(`models:/${name.replace(' ', '/')}`);
    await chartIsDrawn(page);
  });

  test('what needs attention names the place and leads to it', async ({ page }) => {
    await page.goto('/');
    const first = page.getByRole('region', { name: 'Needs attention' }).getByRole('link').first();
    const [place] = (await first.innerText()).replace(/^[^\p{L}]+/u, '').split(' ');
    await first.click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(place!);
  });

  test('the sibling switcher opens without a script and leads to the neighbour in the same range', async ({ page }) => {
    await page.goto(`${path.site()}?from=now-30d`);
    const menu = crumbs(page).locator('details').last();
    const list = menu.getByRole('list');
    await expect(list).toBeHidden();
    await menu.locator('summary').click();
    await expect(list).toBeVisible();
    await expect(menu.locator('[aria-current]')).toHaveText(SITE);
    const other = menu.getByRole('link').filter({ hasNotText: SITE }).first();
    const name = await other.innerText();
    await other.click();
    await expect(page).toHaveURL(`${path.site(CUSTOMER, name)}?from=now-30d`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  });

  test('names that need escaping are shown as they are and lead to their pages', async ({ page }) => {
    await page.goto(at.wide);
    await table(page, CHILDREN.overview).getByRole('link', { name: ODD, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(ODD);
    await table(page, CHILDREN.customer).getByRole('link', { name: 'موقع 🚧' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('موقع 🚧');
    await table(page, CHILDREN.site).getByRole('link', { name: '"Gate" <1>' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('"Gate" <1>');
    await chartIsDrawn(page);
    await page.getByRole('link', { name: 'Explore this trend' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('"Gate" <1>');
    await crumbs(page).getByRole('link', { name: ODD, exact: true }).click();
    expect(new URL(page.url()).searchParams.get('customer')).toBe(ODD);
  });

  test('a name that looks escaped already is not unescaped twice', async ({ page }) => {
    await page.goto(at.wide);
    await table(page, CHILDREN.overview).getByRole('link', { name: PERCENT, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(PERCENT);
    await page.getByRole('link', { name: 'Explore this trend' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(PERCENT);
  });
});

test.describe('tables', () => {
  test('a head sorts by its column, again turns it round, and the address says so', async ({ page }) => {
    await page.goto(path.customer());
    const sites = table(page, CHILDREN.customer);
    const head = sites.getByRole('columnheader', { name: 'mAP50', exact: true });
    await head.getByRole('link').click();
    await expect(page).toHaveURL(/[?&]sort=-value/);
    await expect(sites.locator('th[aria-sort]')).toHaveAttribute('aria-sort', 'descending');
    const down = (await column(sites, 'mAP50')).map(number);
    expect(down).toEqual([...down].sort((a, b) => b - a));
    expect(new Set(down).size).toBeGreaterThan(1);
    await sites.locator('th[aria-sort] a').click();
    await expect(page).toHaveURL(/[?&]sort=value/);
    const up = (await column(sites, 'mAP50')).map(number);
    expect(up).toEqual([...up].sort((a, b) => a - b));
    await sites.getByRole('columnheader', { name: 'Site', exact: true }).getByRole('link').click();
    const sorted = (await names(sites)).map((n) => n.replace(/^\W+/, ''));
    expect(sorted).toEqual([...sorted].sort());
  });

  test('places come worst first by default: troubled ones before the others', async ({ page }) => {
    await page.goto('/');
    const rank = (state: string) => ['ok', 'no data expected', 'late', 'stale', 'source error'].findIndex((w) => state.endsWith(w));
    const states = (await column(table(page, CHILDREN.overview), 'State')).map(rank);
    expect(Math.min(...states)).toBeGreaterThanOrEqual(0);
    expect(states).toEqual([...states].sort((a, b) => b - a));
  });

  test('more than 25 rows are paged, pages do not overlap, and sorting goes over all of them', async ({ page }) => {
    await page.goto(`${at.wide}/customers/Wide`);
    const sites = table(page, CHILDREN.customer);
    const seen = new Set<string>();
    for (const [label, rows] of [['1–25 of 60', 25], ['26–50 of 60', 25], ['51–60 of 60', 10]] as const) {
      await expect(page.getByRole('navigation', { name: label })).toBeVisible();
      const here = await names(sites);
      expect(here).toHaveLength(rows);
      for (const n of here) seen.add(n);
      if (rows === 25) await page.getByRole('link', { name: 'Next', exact: true }).click();
    }
    expect(seen.size).toBe(WIDE_SITES);
    await expect(page.getByRole('link', { name: 'Next', exact: true })).toHaveCount(0);
    await sites.getByRole('columnheader', { name: 'mAP50', exact: true }).getByRole('link').click();
    await expect(page).not.toHaveURL(/page=/);
    expect((await names(sites))[0]).toContain('Site-60');
    await page.getByRole('link', { name: 'Next', exact: true }).click();
    await expect(page).toHaveURL(/sort=-value.*page=2/);
    expect((await names(sites))[0]).toContain('Site-35');
    await page.getByRole('link', { name: 'Previous', exact: true }).click();
    await expect(page).not.toHaveURL(/page=/);
    expect((await names(sites))[0]).toContain('Site-60');
  });

  for (const kind of [...KINDS, ...MORE]) {
    test(`${kind}: every CSV link gives a CSV with a head and rows`, async ({ page, request }) => {
      await page.goto(await address(kind));
      const links = page.getByRole('link', { name: 'CSV of this table', includeHidden: true });
      expect(await links.count()).toBeGreaterThan(0);
      for (const link of await links.all()) {
        const href = (await link.getAttribute('href'))!;
        const file = await request.get(href);
        expect(file.status(), href).toBe(200);
        expect(file.headers()['content-type']).toContain('text/csv');
        expect(file.headers()['content-disposition']).toMatch(/attachment.*\.csv/);
        const lines = (await file.text()).trim().split('\n');
        expect(lines.length, href).toBeGreaterThan(1);
        expect(lines[0]).toMatch(/^[a-z_0-9,]+\r?$/i);
      }
    });
  }

  test('the CSV of a paged table holds every row', async ({ page, request }) => {
    await page.goto(`${at.wide}/customers/Wide?page=2&sort=-value`);
    const href = await table(page, CHILDREN.customer).locator('xpath=ancestor::section').getByRole('link', { name: 'CSV of this table' }).getAttribute('href');
    const text = await (await request.get(at.wide + href!)).text();
    expect(new Set(text.match(/Site-\d\d/g)).size).toBe(WIDE_SITES);
  });

  test('the SVG of a chart is a picture that stands alone', async ({ page, request }) => {
    await page.goto(path.site());
    const href = await page.getByRole('figure').getByRole('link', { name: 'SVG' }).getAttribute('href');
    const file = await request.get(href!);
    expect(file.headers()['content-type']).toContain('image/svg+xml');
    const svg = await file.text();
    expect(svg).toMatch(/^<svg[^>]+xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toMatch(/<path [^>]*stroke="#[0-9a-f]{6}"[^>]* d="M[^"]{20,}"/);
    expect(svg).not.toContain('class="line');
  });
});

test.describe('the time picker', () => {
  test('presets change the range, the numbers, and say which one is chosen', async ({ page }) => {
    await page.goto('/');
    await expect(picker(page)).toHaveText('Last 7 days');
    const before = await tiles(page).first().innerText();
    for (const [label, from] of [['Last 24 hours', 'now-24h'], ['Last 30 days', 'now-30d'], ['Last 90 days', 'now-90d']] as const) {
      await picker(page).click();
      await range(page).getByRole('link', { name: label }).click();
      await expect(page).toHaveURL(`/?from=${from}`);
      await expect(picker(page)).toHaveText(label);
      expect(await tiles(page).first().innerText()).not.toBe(before);
      await expect(range(page).locator('[aria-current]')).toHaveText(label);
    }
  });

  test('a custom range is a form that keeps the sort and leaves the page where it was', async ({ page }) => {
    await page.goto(`${path.customer()}?sort=-value`);
    await picker(page).click();
    const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    await range(page).getByLabel('From').fill(`${day(20)}T00:00`);
    await range(page).getByLabel('To', { exact: true }).fill(`${day(10)}T00:00`);
    await range(page).getByRole('button', { name: 'Apply' }).click();
    const url = new URL(page.url());
    expect(url.pathname).toBe(path.customer());
    expect(Object.fromEntries(url.searchParams)).toEqual({ sort: '-value', from: `${day(20)}T00:00`, to: `${day(10)}T00:00` });
    await expect(picker(page)).toHaveText(/ to /);
    await expect(range(page).getByLabel('From')).toHaveValue(`${day(20)}T00:00`);
    await chartIsDrawn(page);
    await expect(tiles(page).first()).toContainText(/vs .*10 days/);
  });

  test('earlier and later step by the length of the range, and later ends at now', async ({ page }) => {
    await page.goto('/');
    await expect(range(page).getByRole('link', { name: 'Later' })).toHaveCount(0);
    await range(page).getByRole('link', { name: 'Earlier' }).click();
    const url = new URL(page.url());
    const ends = [Date.parse(url.searchParams.get('from')!), Date.parse(url.searchParams.get('to')!)];
    expect(ends[1]! - ends[0]!).toBe(7 * 86_400_000);
    await expect(picker(page)).not.toHaveText('Last 7 days');
    await chartIsDrawn(page);
    await range(page).getByRole('link', { name: 'Later' }).click();
    const later = Date.parse(new URL(page.url()).searchParams.get('to')!);
    expect(Math.abs(later - Date.now())).toBeLessThan(600_000);
  });

  test('the time zone is named, and tz= chooses another one', async ({ page }) => {
    await page.goto('/');
    await picker(page).click();
    await expect(range(page)).toContainText('Times in UTC');
    const utc = await range(page).getByLabel('To', { exact: true }).inputValue();
    await page.goto('/?tz=Asia/Seoul');
    await picker(page).click();
    await expect(range(page)).toContainText(/Times in .*Seoul/);
    const seoul = await range(page).getByLabel('To', { exact: true }).inputValue();
    const hours = (Date.parse(`${seoul}Z`) - Date.parse(`${utc}Z`)) / 3_600_000;
    expect(Math.round(hours)).toBe(9);
    for (const link of await range(page).locator('a:not(form a)').all()) expect(await link.getAttribute('href')).toContain('tz=Asia');
  });

  test('the zone cookie is honoured', async ({ page, context }) => {
    await context.addCookies([{ name: 'gf_tz', value: 'America/New_York', url: at.demo }]);
    await page.goto(path.site());
    await picker(page).click();
    await expect(range(page)).toContainText(/Times in .*New.York/);
  });
});

test.describe('trends', () => {
  test('the filter form asks for another metric, task and type, and keeps scope and range', async ({ page }) => {
    await page.goto(`/trends?customer=${encodeURIComponent(CUSTOMER)}&from=now-30d`);
    const form = page.getByRole('form', { name: 'Filter' });
    await form.getByRole('combobox', { name: 'Metric' }).selectOption('inference_time_ms');
    await form.getByRole('combobox', { name: 'Task' }).selectOption('detection');
    await form.getByRole('combobox', { name: 'Type' }).selectOption('all');
    await form.getByRole('button', { name: 'Show' }).click();
    const asked = new URL(page.url()).searchParams;
    expect(asked.get('metric')).toBe('inference_time_ms');
    expect(asked.get('task')).toBe('detection');
    expect(asked.get('type')).toBe('all');
    expect(asked.get('customer')).toBe(CUSTOMER);
    expect(asked.get('from')).toBe('now-30d');
    await expect(form.getByRole('combobox', { name: 'Metric' })).toHaveValue('inference_time_ms');
    await expect(form.getByRole('combobox', { name: 'Type' })).toHaveValue('all');
    await expect(page.getByRole('figure').getByRole('img').first()).toHaveAccessibleName(/Latency|Inference/);
    await chartIsDrawn(page);
  });

  test('every metric that can be chosen has a chart', async ({ page }) => {
    test.slow();
    await page.goto('/trends');
    const metrics = await page.getByRole('combobox', { name: 'Metric' }).locator('option').evaluateAll((all) => all.map((o) => (o as HTMLOptionElement).value));
    expect(metrics.length).toBeGreaterThan(5);
    for (const metric of metrics) {
      await page.goto(`/trends?type=all&from=now-90d&metric=${encodeURIComponent(metric)}`);
      await chartIsDrawn(page);
    }
  });

  test('model changes are marked on the chart with their version', async ({ page }) => {
    await page.goto(`/trends?customer=${encodeURIComponent(CUSTOMER)}&site=${encodeURIComponent(SITE)}&from=now-90d`);
    const label = page.getByRole('figure').locator('.marker-label').first();
    await expect(label).toBeVisible();
    await expect(label).toHaveText(/\d/);
  });
});

test.describe('choices', () => {
  test('the language form turns the page into Korean and comes back to the same page', async ({ page }) => {
    await page.goto(`${path.customer()}?from=now-30d&sort=-value`);
    const here = page.url();
    await page.getByRole('button', { name: '한국어' }).click();
    await expect(page).toHaveURL(here);
    await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
    await expect(rail(page, '주 메뉴').getByRole('link', { name: '추세' })).toBeVisible();
    await expect(page.getByRole('button', { name: '한국어' })).toHaveAttribute('aria-pressed', 'true');
    await rail(page, '주 메뉴').getByRole('link', { name: '소스' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('소스');
    await page.getByRole('button', { name: 'English' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sources');
  });

  test('the theme form changes the colours and comes back to the same page', async ({ page }) => {
    await page.goto('/trends?metric=fps');
    const background = () => page.locator('html').evaluate((e) => getComputedStyle(e).backgroundColor);
    const light = await background();
    await page.getByRole('button', { name: 'Dark' }).click();
    await expect(page).toHaveURL('/trends?metric=fps');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    expect(await background()).not.toBe(light);
    await page.getByRole('button', { name: 'Light' }).click();
    expect(await background()).toBe(light);
    await page.getByRole('button', { name: 'System' }).click();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await background()).not.toBe(light);
  });

  test.describe('asked for by the browser', () => {
    test.use({ locale: 'ko-KR' });
    for (const kind of [...KINDS, ...MORE]) {
      test(`${kind}: Accept-Language ko makes the whole page Korean`, async ({ page }) => {
        await page.goto(await address(kind));
        await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
        await expect(rail(page, '주 메뉴').getByRole('link', { name: '개요' })).toBeVisible();
        await expect(page.getByText('본문으로 건너뛰기')).toHaveCount(1);
        const english = /\b(Overview|Trends|Sources|Last|days|hours|ago|worse|better|simulated|records|Latency|late|stale|of|Needs|Show|Filter|Metric|Model|Range|Breadcrumb|Earlier|Later|Newest|State)\b/;
        expect((await page.locator('body').innerText()).match(english)?.[0]).toBeUndefined();
        const labels = await page.locator('[aria-label],[title]').evaluateAll((all) => all.flatMap((e) => [e.getAttribute('aria-label'), e.getAttribute('title')]).filter(Boolean));
        expect(labels.filter((l) => english.test(l!))).toEqual([]);
      });
    }
  });
});

test.describe('when there is nothing, or nothing is right', () => {
  const notFound = /status of 404/;
  for (const [what, url] of [
    ['an address without a page', '/nowhere'],
    ['an unknown customer', '/customers/Nobody'],
    ['an unknown site', path.site(CUSTOMER, 'Nowhere')],
    ['an unknown zone', path.zone('Nowhere')],
    ['an unknown customer on trends', '/trends?customer=Nobody'],
    ['an unknown customer of what changed', '/changes?customer=Nobody'],
    ['an unknown customer of a plan', '/compare/plan?customer=Nobody'],
    ['a page of a table that does not exist', `${path.customer()}?page=99`],
  ] as const) {
    test(`${what} is a 404 page with a sentence and a way on`, async ({ page, guard }) => {
      guard.allow(notFound);
      const response = await page.goto(url);
      expect(response!.status()).toBe(404);
      await expect(page.getByRole('heading', { level: 1, name: 'Nothing is here' })).toBeVisible();
      expect((await main(page).getByRole('paragraph').first().innerText()).length).toBeGreaterThan(15);
      await expect(page).toHaveTitle(/Nothing is here/);
      await main(page).getByRole('link', { name: 'Back to the overview' }).click();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Fleet');
    });
  }

  for (const [what, url] of [
    ['a reversed range', '/?from=now&to=now-7d'],
    ['a range of a hundred years', '/?from=1926-01-01&to=2026-01-01'],
    ['a range that is none', '/trends?from=yesterday-ish'],
    ['an unknown metric', '/trends?metric=wisdom'],
    ['a step of a millisecond', '/trends?step=1ms'],
    ['an unknown column to sort by', `${path.customer()}?sort=beauty`],
    ['an unknown time zone', '/?tz=Mars/Olympus'],
    ['a key given twice', '/trends?metric=mAP50&metric=recall'],
    ['a key given twice on a drawn page', '/compare/plan?effect=1&effect=2'],
    ['an unknown key of registered comparisons', '/compare/registered?moon=1'],
    ['an unknown metric of what changed', '/changes?metric=wisdom'],
    ['a range of what changed that is none', '/changes?from=yesterday-ish'],
    ['a period before that is none', '/changes?compare=yesterday'],
    ['an address that is no UTF-8', '/?customer=%ff'],
    ['a path that is no UTF-8', '/customers/%ff'],
  ] as const) {
    test(`${what} is refused with a sentence and a way on`, async ({ page, guard }) => {
      guard.allow(/status of 4\d\d/);
      const response = await page.goto(url);
      expect(response!.status()).toBeGreaterThanOrEqual(400);
      expect(response!.status()).toBeLessThan(500);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      expect((await main(page).getByRole('paragraph').first().innerText()).length).toBeGreaterThan(15);
      await expect(main(page).getByRole('link')).toBeVisible();
    });
  }

  for (const url of ['/', '/trends', '/sources', '/changes']) {
    test(`an empty folder says at ${url} how to begin`, async ({ page }) => {
      const response = await page.goto(at.empty + url);
      expect(response!.status()).toBe(200);
      await expect(page.getByRole('heading', { name: 'No records yet' })).toBeVisible();
      await expect(page.getByText(/guardianflow ingest \S+/)).toBeVisible();
      await expect(page.getByText(/guardianflow serve --demo 1/)).toBeVisible();
    });
  }

  test('a place without records in the range says when its newest is and leads there', async ({ page }) => {
    await page.goto(`${at.wide}/customers/Quiet`);
    await expect(page.getByRole('heading', { name: 'No records in this range' })).toBeVisible();
    await expect(main(page)).toContainText(/The newest record here is from .*\d/);
    await main(page).getByRole('link', { name: 'Show the range around it' }).click();
    await chartIsDrawn(page);
    await expect(tiles(page).first()).toContainText(/n \d+/);
  });

  test('a trend without records in the range says so and can be widened', async ({ page }) => {
    await page.goto(`${at.wide}/trends?customer=Quiet&metric=mAP50`);
    await expect(page.getByRole('heading', { name: 'No records in this range' })).toBeVisible();
    await main(page).getByRole('link', { name: 'Widen to 90 days' }).click();
    await chartIsDrawn(page);
  });
});

test.describe('sources', () => {
  test('each source says how many rows were taken, refused and why, and how fresh they are', async ({ page }) => {
    await page.goto(`${at.wide}/sources`);
    const sources = table(page, /^Sources/);
    expect((await column(sources, 'Taken')).map(number)).toEqual([WIDE_SITES * 24 + 3 * 24]);
    expect((await column(sources, 'Refused')).map(number)).toEqual([2]);
    expect((await column(sources, 'Reasons'))[0]).toMatch(/[a-z]{3,}.* \d/);
    expect((await column(sources, 'Newest'))[0]).toMatch(/now|ago|\d/);
    await expect(page.getByText(/1,512.*\b2\b/)).toBeVisible();
  });
});

test.describe('signing in', () => {
  test('without a token configured the page says how to set one', async ({ page }) => {
    await page.goto('/signin');
    await expect(page.getByText('GF_OPERATOR_TOKEN')).toBeVisible();
  });

  test('the form has its style sheet, refuses a wrong token with a sentence and takes the right one', async ({ page, guard }) => {
    guard.allow(/status of 403/);
    // On this machine too: what comes through a proxy looks no different.
    await page.goto(`${at.guarded}/trends`);
    await expect(page).toHaveURL(/\/signin\?back=.*trends$/);
    const field = page.getByLabel('Token', { exact: true });
    expect(await field.evaluate((e) => getComputedStyle(e).borderTopStyle), 'the style sheet is applied').toBe('solid');
    expect(await page.locator('body').evaluate((e) => getComputedStyle(e).marginTop), 'the style sheet is applied').toBe('0px');
    await field.fill('not the token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toHaveText('That is not the token.');
    await page.getByLabel('Token', { exact: true }).fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(`${at.guarded}/trends`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(`${at.guarded}/signin`);
  });

  test('after signing out nothing of what was seen comes back, and the browser forgets what it kept', async ({ browser }) => {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: 'en-US' });
    const page = await context.newPage();
    await page.goto(`${at.guarded}/signin?back=/`);
    await page.getByLabel('Token', { exact: true }).fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(main(page)).toContainText('Wide');
    const left = page.waitForResponse((r) => r.url().endsWith('/signout'));
    await page.getByRole('button', { name: 'Sign out' }).click();
    expect((await (await left).allHeaders())['clear-site-data']).toBe('"cache"');
    await expect(page).toHaveURL(`${at.guarded}/signin`);
    await page.goBack();
    await expect(page).toHaveURL(/\/signin\?back=/);
    await expect(page.getByLabel('Token', { exact: true })).toBeVisible();
    await context.close();
  });
});
