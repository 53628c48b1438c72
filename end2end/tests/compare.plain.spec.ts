// Models side by side, earlier periods laid over, and the heat strip, without a script.
import type { Page } from '@playwright/test';
import { CUSTOMER, chartIsDrawn, column, expect, main, names, number, path, picker, range, steady, table, test } from './support';
import { Own, record } from './servers';

const finding = (page: Page) => main(page).getByRole('heading', { level: 2 }).first();
const chips = (page: Page) => page.getByRole('list', { name: 'Models' }).getByRole('listitem');
const chosen = (page: Page) => page.getByRole('list', { name: 'Models' }).locator('li.chosen');
const side = (page: Page) => table(page, 'Side by side');
const heads = async (page: Page) => (await side(page).getByRole('columnheader').allInnerTexts()).slice(1);
const DAY = 86_400_000;
const [A, B, C] = ['detector-medium 2', 'detector-medium 3', 'detector-transformer 1'];
const THREE = '/compare?models=yolov10m:1.1.0,yolov10m:1.2.0,rtdetr-r50:1.0.0&from=now-30d';
/** The change of a metric in a column of the table, with its sign. */
async function delta(page: Page, metric: string, head: string | RegExp): Promise<number> {
  const row = (await names(side(page))).indexOf(metric);
  const cell = (await column(side(page), head))[row]!;
  const found = /([↑↓±])([\d.]+)/.exec(cell);
  expect(found, `a change in “${cell}”`).not.toBeNull();
  return (found![1] === '↓' ? -1 : 1) * Number(found![2]);
}

test.describe('models side by side', () => {
  test('without a choice the models that meet most often stand side by side, with a finding that the table bears out', async ({ page }) => {
    await page.goto('/compare?from=now-30d');
    await expect(finding(page)).toHaveText(/^\S+ [\d.]+ against \S+ [\d.]+: mAP50 [↑↓±][\d.]+ (better|worse|unchanged|negligible|within noise), at \d+ zones where both ran$/);
    const [, model, baseline, said] = /^(\S+ \S+) against (\S+ \S+): mAP50 [↑↓±]([\d.]+)/.exec(await finding(page).innerText())!;
    expect((await heads(page))[0]).toBe(`${baseline} · baseline`);
    expect(Math.abs(await delta(page, 'mAP50', model!))).toBe(Number(said));
    await expect(chosen(page).first()).toContainText('baseline');
    for (const cell of await column(side(page), model!)) if (/^\d+\.\d/.test(cell)) expect(cell).toMatch(/n [\d,]+/);
  });

  test('a model is taken out and put beside again by its name', async ({ page }) => {
    await page.goto(THREE);
    expect(await heads(page)).toEqual([`${A} · baseline`, B, C]);
    await page.getByRole('link', { name: `Take ${C} out` }).click();
    expect(await heads(page)).toEqual([`${A} · baseline`, B]);
    await expect(picker(page)).toHaveText('Last 30 days');
    await page.getByRole('link', { name: `Put ${C} beside` }).click();
    expect(await heads(page)).toEqual([`${A} · baseline`, B, C]);
    await page.getByRole('link', { name: `Take ${B} out` }).click();
    await page.getByRole('link', { name: `Take ${C} out` }).click();
    expect(await heads(page)).toEqual([`${A} · baseline`]);
    await expect(finding(page)).toHaveText(`mAP50: no other model ran where ${A} did`);
  });

  test('the baseline can be another one, and every change turns round', async ({ page }) => {
    await page.goto(THREE);
    const before = await delta(page, 'mAP50', B);
    await page.getByRole('link', { name: `Make ${B} the baseline` }).click();
    expect((await heads(page))[0]).toBe(`${B} · baseline`);
    expect(await delta(page, 'mAP50', A)).toBeCloseTo(-before, 3);
    await expect(page.getByRole('link', { name: `Make ${A} the baseline` })).toBeVisible();
  });

  test('same places and everywhere are told apart in words and numbers', async ({ page }) => {
    await page.goto('/compare?models=yolov10m:1.1.0,yolov8m:1.0.0&from=now-90d');
    const group = page.getByRole('group', { name: 'Places' });
    await expect(group.locator('[aria-current]')).toHaveText('same places');
    const same = await side(page).innerText();
    await group.getByRole('link', { name: 'everywhere' }).click();
    await expect(page).toHaveURL(/places=all/);
    await expect(group.locator('[aria-current]')).toHaveText('everywhere');
    await expect(finding(page)).toContainText('over all places of either');
    expect(await side(page).innerText()).not.toBe(same);
    await group.getByRole('link', { name: 'same places' }).click();
    await expect(page).not.toHaveURL(/places=/);
  });

  test('who is better in every zone leads, however the samples lie; the rest is said to be where they ran', async ({ stranger }) => {
    const at = Date.now() - 3_600_000;
    const ran = (model: string, zone: string, mAP50: number, samples: number) => record(at, mAP50, {
      zone, samples, model_architecture: model, model_version: '1', detection: { mAP50, recall: mAP50 - 0.1 },
    });
    const own = await Own.start([ran('left', 'easy', 0.9, 90), ran('left', 'hard', 0.5, 10), ran('right', 'easy', 0.92, 10), ran('right', 'hard', 0.52, 90)]);
    const page = await stranger(own.url);
    await page.goto('/compare?models=left:1,right:1&from=now-24h');
    await expect(finding(page)).toHaveText('right 1 against left 1: mAP50 ↑0.020 too few to tell, at 2 zones where both ran');
    await expect(main(page)).toContainText('↓0.300 everywhere. The rest (↓0.320) is where they ran.');
    const cell = (await column(side(page), 'right 1'))[(await names(side(page))).indexOf('mAP50')]!;
    expect(cell).toMatch(/^0\.560 ↑0\.020.*same places 0\.720, baseline 0\.700.*where they ran ↓0\.320/);
    expect(await column(table(page, 'mAP50 by site'), 'Best here')).toEqual(['right 1']);
    await page.getByRole('link', { name: 'everywhere' }).click();
    await expect(finding(page)).toHaveText('right 1 against left 1: mAP50 ↓0.300 not judged, over all places of either');
    expect(await column(table(page, 'mAP50 by site'), 'Best here')).toEqual(['left 1']);
  });

  test('architectures are put together', async ({ page }) => {
    await page.goto('/compare?from=now-90d');
    await page.getByRole('group', { name: 'Group by' }).getByRole('link', { name: 'architecture' }).click();
    await expect(page).toHaveURL(/by=architecture/);
    const labels = await chips(page).locator('bdi').allInnerTexts();
    expect(labels.length).toBeGreaterThan(2);
    for (const label of labels) expect(label).toMatch(/^\S+$/);
    expect(new Set(labels).size).toBe(labels.length);
  });

  test('only differences leaves out what is the same', async ({ page }) => {
    await page.goto(THREE);
    const all = await names(side(page));
    await page.getByRole('link', { name: 'only differences' }).click();
    await expect(page).toHaveURL(/diff=1/);
    const rest = await names(side(page));
    expect(rest.every((n) => all.includes(n))).toBe(true);
    // Where they ran, and what made them, always stand there.
    for (const row of (await side(page).locator('tbody tr').allInnerTexts()).slice(2)) expect(row).toMatch(/[↑↓]/);
  });

  test('a model beside itself has no difference, and the page says so', async ({ page }) => {
    await page.goto('/compare?models=yolov10m:1.1.0&diff=1&from=now-30d');
    await expect(main(page)).toContainText('No metric differs.');
  });

  test('the metric by site is chosen by a form that keeps the models; sites lead on, and the leader is named', async ({ page }) => {
    await page.goto(THREE);
    await page.getByRole('combobox', { name: 'Metric by site' }).selectOption('inference_time_ms');
    await page.getByRole('button', { name: 'Show' }).click();
    const asked = new URL(page.url()).searchParams;
    expect([asked.get('metric'), asked.get('models'), asked.get('from')]).toEqual(['inference_time_ms', 'yolov10m:1.1.0,yolov10m:1.2.0,rtdetr-r50:1.0.0', 'now-30d']);
    await expect(finding(page)).toContainText('Latency');
    const sites = table(page, 'Latency by site');
    const best = await column(sites, 'Best here');
    // At the same places who leads is said by the differences to the baseline, whose own is zero; not by the values.
    const change = (cell: string) => {
      const found = /([↑↓±])([\d.]+)/.exec(cell.replace(/same places.*/, ''));
      return found ? (found[1] === '↓' ? -1 : 1) * Number(found[2]) : NaN;
    };
    const [a, b, c] = [await column(sites, A), await column(sites, B), await column(sites, C)];
    for (const [i, leader] of best.entries()) {
      const here = ([[A, Number.isNaN(parseFloat(a[i]!)) ? NaN : 0], [B, change(b[i]!)], [C, change(c[i]!)]] as const).filter(([, d]) => !Number.isNaN(d));
      const [least, next] = here.map(([, d]) => d).sort((x, y) => x - y);
      // A lead of less than 2 % of the baseline's value is none; differences are shown to a tenth.
      const [lead, needed] = [next! - least!, parseFloat(a[i]!) * 0.02];
      if (here.length < 2) expect(leader, `row ${i}: nobody to compare with`).toBe('–');
      else if (lead > needed + 0.1) expect(leader, `row ${i}: ${here.join(' | ')}`).toBe(here.find(([, d]) => d === least)![0]);
      else if (lead < needed - 0.1) expect(leader, `row ${i}: ${here.join(' | ')}`).toBe('–');
    }
    const first = sites.getByRole('rowheader').first().getByRole('link');
    const [customer, site] = (await first.innerText()).split(' · ');
    await first.click();
    expect([...new URL(page.url()).searchParams]).toEqual(expect.arrayContaining([['customer', customer], ['site', site]]));
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(site!);
  });

  test('the files hold what the tables show', async ({ page, request }) => {
    const day = (back: number) => `${new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`;
    await page.goto(`/compare?models=yolov10m:1.1.0,yolov10m:1.2.0&from=${day(8)}&to=${day(1)}`);
    const [models, sites] = await page.getByRole('link', { name: 'CSV of this table' }).evaluateAll((all) => all.map((a) => a.getAttribute('href')!));
    const rows = async (href: string) => (await (await request.get(href)).text()).trim().split(/\r?\n/).map((l) => l.split(','));
    const [head, ...lines] = await rows(models!);
    const at = (name: string) => head!.indexOf(name);
    const filed = lines.find((l) => l[at('registered_version')] === '3' && l[at('metric')] === 'mAP50')!;
    expect(await delta(page, 'mAP50', B)).toBeCloseTo(Number(filed[at('delta_same_places')]), 3);
    expect(Number(filed[at('value_same_places')]) - Number(filed[at('baseline_same_places')])).toBe(Number(filed[at('delta_same_places')]));
    const shown = (await column(side(page), B))[(await names(side(page))).indexOf('mAP50')]!;
    expect(number(shown)).toBeCloseTo(Number(filed[at('value')]), 3);
    expect(shown).toContain(`n ${Number(filed[at('n')]).toLocaleString('en')}`);
    const [, ...bySite] = await rows(sites!);
    const places = await names(table(page, 'mAP50 by site'));
    expect(new Set(bySite.map((l) => `${l[0]} · ${l[1]}`))).toEqual(new Set(places));
  });

  test('pictures are drawn by the server: dots and lines in the colours of the legend', async ({ page }) => {
    await page.goto(THREE);
    for (const name of [/^mAP50 against Latency, one dot per site: \d+ dots/, /^One line per model/]) {
      const picture = page.getByRole('img', { name });
      await expect(picture).toBeVisible();
      const marks = picture.locator('.mark-dot, path.line, polyline.line, circle');
      expect(await marks.count()).toBeGreaterThan(1);
      for (const mark of (await marks.all()).slice(0, 5)) {
        const look = await mark.evaluate((e) => ({ stroke: getComputedStyle(e).stroke, seen: getComputedStyle(e).visibility, box: e.getBoundingClientRect().width }));
        expect(look.stroke).toMatch(/^rgb/);
        expect(look.seen).toBe('visible');
        expect(look.box).toBeGreaterThan(0);
      }
    }
  });

  test('a customer’s models are compared within the customer', async ({ page }) => {
    await page.goto(`/compare?customer=${encodeURIComponent(CUSTOMER)}&from=now-90d`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(CUSTOMER);
    for (const name of await names(table(page, /by site$/))) expect(name).not.toContain('·');
  });

  for (const [what, query, status, words] of [
    ['an unknown model', 'models=nope:1', 404, /no record names the model “nope:1”/],
    ['an unknown baseline', 'baseline=nope', 404, /no record names the model “nope”/],
    ['an unknown version', 'models=yolov10m:9.9', 404, /“yolov10m:9.9”/],
    ['a baseline that did not run', 'baseline=yolov8m:1.0.0&from=now-1h', 400, /“models:\/detector-medium\/1” has no record in this range/],
    ['unknown places', 'places=moon', 400, /same or all/],
    ['an unknown metric', 'metric=wisdom', 400, /no metric is called “wisdom”/],
  ] as const) {
    test(`${what} is answered with a sentence and a way on`, async ({ page, guard }) => {
      guard.allow(/status of 4\d\d/);
      const response = await page.goto(`/compare?${query}`);
      expect(response!.status()).toBe(status);
      await expect(main(page)).toContainText(words);
      await expect(main(page).getByRole('link', { name: 'Back to the overview' })).toBeVisible();
    });
  }
});

test.describe('in Korean', () => {
  test.use({ locale: 'ko-KR' });
  for (const [url, words] of [
    ['/customers/%EC%97%86%EC%9D%8C', '이름이 “없음”인 고객이 없습니다'],
    ['/compare?models=nope:1', '모델이 “nope:1”인 레코드가 없습니다'],
    ['/trends?from=tomorrow', '“tomorrow”: 시각이 아닙니다'],
    ['/?from=now&to=now-1d', '기간이 거꾸로이거나 비어 있습니다'],
    ['/nowhere', '이 주소에는 페이지가 없습니다'],
  ] as const) {
    test(`${url} is refused with a Korean sentence`, async ({ page, guard }) => {
      guard.allow(/status of 4\d\d/);
      await page.goto(url);
      await expect(main(page)).toContainText(words);
    });
  }
});

test.describe('an earlier period laid over', () => {
  for (const [key, label, name] of [
    ['previous', 'The period before', 'the period before'], ['week', 'A week earlier', 'a week earlier'],
  ] as const) {
    test(`${key}: a dashed line, a column of the table, and the title, by link without a script`, async ({ page }) => {
      await page.goto('/trends');
      await page.locator('details.against > summary').click();
      await page.getByRole('link', { name: label, exact: true }).click();
      await expect(page).toHaveURL((u) => u.pathname === '/trends' && u.searchParams.get('compare') === key);
      await expect(page.locator('details.against > summary')).toHaveText(name);
      const figure = page.getByRole('figure').first();
      const earlier = figure.locator('path.line.earlier');
      await expect(earlier).toHaveCSS('stroke-dasharray', /4(px)?, 3/);
      expect((await earlier.getAttribute('d'))!.length).toBeGreaterThan(200);
      await expect(figure.getByRole('heading')).toContainText(`against ${name}`);
      await expect(figure.locator('figcaption')).toContainText(new RegExp(`Beside it, ${name}: lowest [\\d.]+, highest [\\d.]+\\.`));
      await figure.locator('details.behind > summary').click();
      const cells = await column(figure.getByRole('table'), name);
      expect(cells.filter((c) => /^0\.\d+$/.test(c)).length).toBeGreaterThan(10);
      await chartIsDrawn(page);
    });
  }

  test('the earlier values are those of their own time: a week earlier is the value of a week ago', async ({ page }) => {
    const rows = async (url: string, head: string) => {
      await page.goto(url);
      const figure = page.getByRole('figure').first();
      await figure.locator('details.behind > summary').click();
      const [times, values] = [await column(figure.getByRole('table'), 'Time'), await column(figure.getByRole('table'), head)];
      return times.map((t, i) => [Date.parse(`${t.replace(' ', 'T')}Z`), values[i]!] as const);
    };
    const end = Math.floor(Date.now() / DAY) * DAY;
    const link = (from: number, to: number, more = '') => `/trends?from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}${more}`;
    const then = await rows(link(end - DAY, end, '&compare=week'), 'a week earlier');
    const real = new Map(await rows(link(end - 8 * DAY, end - 7 * DAY), 'Mean'));
    expect(then.length).toBeGreaterThan(10);
    for (const [t, value] of then) expect(value, new Date(t).toISOString()).toBe(real.get(t - 7 * DAY));
  });

  test('a year before, of which there are no records, is said and not drawn', async ({ page }) => {
    await page.goto('/trends?compare=year');
    const figure = page.getByRole('figure').first();
    await expect(figure.locator('figcaption')).toContainText(/no records.* 52 weeks earlier/);
    await expect(page.locator('details.against > summary')).toHaveText('52 weeks earlier');
    await chartIsDrawn(page);
  });

  test('a year before is 52 weeks before, on the same day of the week, with its own values', async ({ stranger }) => {
    const hour = 3_600_000;
    const day = (shift: number, base: number) => Array.from({ length: 24 }, (_, i) => record(Date.now() - shift - i * hour - hour / 2, base + i / 1_000));
    const own = await Own.start([...day(0, 0.8), ...day(364 * DAY, 0.6)]);
    const page = await stranger(own.url);
    await page.goto('/trends?from=now-24h&compare=year&step=1h');
    const figure = page.getByRole('figure').first();
    await expect(figure.locator('path.line.earlier')).toHaveCount(1);
    await expect(page.locator('.change-line')).toContainText('Against 52 weeks earlier: ↑0.200 too few to tell');
    // Of which nobody can tell is not said to be steady.
    await expect(figure.getByRole('heading')).not.toContainText('steady');
    await expect(figure.locator('figcaption')).toContainText('Beside it, 52 weeks earlier: lowest 0.600, highest 0.623.');
    await figure.locator('details.behind > summary').click();
    const [now, then] = [await column(figure.getByRole('table'), 'Mean'), await column(figure.getByRole('table'), '52 weeks earlier')];
    const both = now.map((v, i) => [Number(v), Number(then[i])] as const).filter(([a, b]) => a > 0 && b > 0);
    expect(both.length).toBeGreaterThan(20);
    for (const [a, b] of both) expect(a - b).toBeCloseTo(0.2, 3);
  });

  test('tiles and tables compare with the same period', async ({ page }) => {
    await page.goto('/?compare=week&from=now-24h');
    await expect(page.getByRole('region', { name: 'Headline numbers' }).getByRole('link').first()).toContainText('vs a week earlier');
  });

  test('an unknown period is refused with a sentence', async ({ page, guard }) => {
    guard.allow(/status of 400/);
    const response = await page.goto('/trends?compare=yesterday');
    expect(response!.status()).toBe(400);
    await expect(main(page)).toContainText(/compare/);
  });
});

test.describe('the heat strip of a customer', () => {
  const strip = (page: Page) => page.getByRole('figure').filter({ has: page.getByRole('heading', { name: 'mAP50 by site and day' }) });

  test('a cell leads to its site on its day, and says which value it stands for', async ({ page }) => {
    await page.goto(path.customer());
    const figure = strip(page);
    const cells = figure.locator('svg.heat a');
    expect(await cells.count()).toBeGreaterThan(100);
    const cell = cells.nth(40);
    const says = steady((await cell.locator('title').textContent())!);
    const [, site, value] = /^(\S+) · \d+ \w+ · mAP50 (0\.\d+)$/.exec(says)!;
    await cell.click();
    const url = new URL(page.url());
    expect(decodeURIComponent(url.pathname)).toBe(`/customers/${CUSTOMER}/sites/${site}`);
    expect(Date.parse(url.searchParams.get('to')!) - Date.parse(url.searchParams.get('from')!)).toBe(86_400_000);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(site!);
    const tile = await page.getByRole('region', { name: 'Headline numbers' }).getByRole('link').first().locator('.tile-value').innerText();
    expect(number(tile), 'the same number on the page of the day').toBe(number(value!));
  });

  test('a row leads to its site with the range, and a table lies behind', async ({ page }) => {
    await page.goto(`${path.customer()}?from=now-30d`);
    const figure = strip(page);
    await figure.locator('details.behind > summary').click();
    const behind = figure.getByRole('table');
    await expect(behind).toBeVisible();
    const rows = await names(behind);
    expect(rows).toEqual(await figure.locator('.strip li').allInnerTexts());
    expect(await behind.getByRole('columnheader').count()).toBe(15);
    await figure.locator('.strip li a').first().click();
    await expect(page).toHaveURL(`${path.site(CUSTOMER, rows[0]!)}?from=now-30d`);
  });

  test('days in the visitor’s zone: a cell begins at its midnight', async ({ page }) => {
    await page.goto(`${path.customer()}?tz=Asia/Seoul`);
    const href = (await strip(page).locator('svg.heat a').nth(3).getAttribute('href'))!;
    expect(new URL(href, 'http://x').searchParams.get('from')).toMatch(/T15:00:00Z$/);
  });

  test('the range menu keeps what is laid over', async ({ page }) => {
    await page.goto('/trends?compare=week');
    await picker(page).click();
    await range(page).getByRole('link', { name: 'Last 30 days' }).click();
    expect(new URL(page.url()).searchParams.get('compare')).toBe('week');
  });
});
