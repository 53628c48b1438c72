// Runs side by side without a script: differences from a baseline, what differs, both layouts, order, curves, ranges and relations.
import type { Page } from '@playwright/test';
import { type Run, comparison, expect, main, number, several, table, test } from './support';

const side = (page: Page) => table(page, 'Runs side by side');
const facet = (page: Page, name: RegExp | string) => page.locator('.facets').getByRole('link', { name });
/** Names of the runs in the order of the table, whichever way it lies. */
const order = (page: Page) => side(page).locator('.run-head > a bdi').allInnerTexts();
/** The row of a metric, a parameter or a tag, where each is a row. */
const row = (page: Page, column: string) => side(page).locator('tbody tr').filter({ has: page.locator(`th a[title="${column}"]`) });
const parallel = (page: Page) => page.locator('.parallel');
const ranges = (page: Page) => main(page).getByRole('status').filter({ hasText: 'within all ranges' });
const greyed = (page: Page) => parallel(page).locator('path.line.s9');

/** Ranks with ties in the middle, and the correlation of two of them. */
function spearman(xs: number[], ys: number[]): number {
  const ranks = (v: number[]) => v.map((x) => v.filter((y) => y < x).length + (v.filter((y) => y === x).length + 1) / 2);
  const [a, b] = [ranks(xs), ranks(ys)];
  const mean = (xs.length + 1) / 2;
  const sum = (f: (i: number) => number) => xs.reduce((all, _, i) => all + f(i), 0);
  return sum((i) => (a[i]! - mean) * (b[i]! - mean)) / Math.sqrt(sum((i) => (a[i]! - mean) ** 2) * sum((i) => (b[i]! - mean) ** 2));
}

test('every number is held against the baseline by arrow and word, and another run can be the baseline', async ({ page }) => {
  const chosen = await several(3);
  await page.goto(comparison(chosen));
  const check = async (base: Run) => {
    await expect(side(page).locator('thead th.baseline bdi')).toHaveText(base.run_name);
    for (const [metric, up] of [['val/mAP50', 'better'], ['system/inference_time_ms', 'worse']] as const) {
      const cells = row(page, `metrics.${metric}`).locator('td');
      for (const [i, run] of chosen.entries()) {
        const by = run.metrics[metric]! - base.metrics[metric]!;
        await expect(cells.nth(i)).toHaveAttribute('title', String(run.metrics[metric]));
        const told = cells.nth(i).locator('.delta');
        if (by === 0) { await expect(told).toHaveCount(0); continue; }
        const word = by > 0 ? up : up === 'better' ? 'worse' : 'better';
        await expect(told, `${metric} of ${run.run_name}`).toHaveText(new RegExp(`^${by > 0 ? '↑' : '↓'}[\\d.,]+ \\([+−][\\d.]+ %\\) ${word}$`));
        // To the digits of the value, and to two at least.
        const shown = number((await told.innerText()).slice(1));
        expect(Math.abs(shown - Math.abs(by)) / Math.abs(by), `${metric} of ${run.run_name}`).toBeLessThan(0.06);
        await expect(told).toHaveClass(`delta ${word}`);
      }
    }
  };
  await check(chosen[0]!);
  await side(page).locator('thead th.run-head').nth(1).getByText('as baseline').click();
  await expect(page).toHaveURL(new RegExp(`baseline=${chosen[1]!.run_id}`));
  await check(chosen[1]!);
  await main(page).getByRole('combobox', { name: 'Baseline' }).selectOption(chosen[2]!.run_name);
  await page.getByRole('form', { name: 'What is compared' }).getByRole('button', { name: 'Apply' }).click();
  await check(chosen[2]!);
});

test('only differences hides exactly the rows on which all runs agree', async ({ page }) => {
  await page.goto(comparison(await several(3)));
  const items = side(page).locator('tbody tr').filter({ has: page.locator('th a[title]') });
  const read = () => items.evaluateAll((all) => all.map((tr) => {
    const values = [...tr.querySelectorAll('td')].map((td) => td.getAttribute('title') ?? td.textContent!.trim());
    return { key: tr.querySelector('th a')!.getAttribute('title')!, differs: new Set(values).size > 1 };
  }));
  const all = await read();
  expect(all.length).toBe(number((await facet(page, /^all/).innerText()).replace(/\D/g, '')));
  const differing = all.filter((r) => r.differs).map((r) => r.key);
  expect(differing.length).toBeGreaterThan(3);
  expect(differing.length).toBeLessThan(all.length);
  await facet(page, /^that differ/).click();
  await expect(page).toHaveURL(/diff=1/);
  expect((await read()).map((r) => r.key)).toEqual(differing);
  await expect(facet(page, /^that differ/)).toHaveText(new RegExp(`${differing.length}$`));
  await facet(page, /^all/).click();
  expect((await read()).map((r) => r.key)).toEqual(all.map((r) => r.key));
});

test('names that are looked for are left, and the rest of what is asked for stays', async ({ page }) => {
  await page.goto(`${comparison(await several(3))}&diff=1`);
  await main(page).getByRole('searchbox', { name: 'Names that contain' }).fill('map50');
  await page.getByRole('form', { name: 'What is compared' }).getByRole('button', { name: 'Apply' }).click();
  expect(await side(page).locator('tbody th:has(small) bdi').allInnerTexts()).toEqual(['val/mAP50', 'val/mAP50_95']);
  expect(new URL(page.url()).searchParams.get('diff')).toBe('1');
});

test('few runs are columns and many are rows, and either way has the same numbers', async ({ page }) => {
  const chosen = await several(7);
  await page.goto(comparison(chosen));
  await expect(facet(page, 'rows')).toHaveAttribute('aria-current', 'true');
  await expect(side(page).locator('tbody th.run-head')).toHaveCount(7);
  const heads = await side(page).locator('thead th').evaluateAll((all) => all.map((th) => th.querySelector('a')?.title ?? ''));
  const at = heads.indexOf('metrics.val/mAP50');
  const across = await side(page).locator('tbody tr').evaluateAll((all, i) => all.map((tr) => (tr.children[i] as HTMLElement).innerText), at);
  await facet(page, 'columns').click();
  await expect(page).toHaveURL(/layout=columns/);
  await expect(side(page).locator('thead th.run-head')).toHaveCount(7);
  expect(await row(page, 'metrics.val/mAP50').locator('td').allInnerTexts()).toEqual(across);
  await page.goto(comparison(chosen.slice(0, 3)));
  await expect(facet(page, 'columns')).toHaveAttribute('aria-current', 'true');
});

test('a head sorts the runs, the better way first and then the other, in both layouts', async ({ page }) => {
  const chosen = await several(7);
  const by = (metric: string, up: boolean) => [...chosen].sort((a, b) => (a.metrics[metric]! - b.metrics[metric]!) * (up ? 1 : -1)).map((r) => r.run_name);
  await page.goto(comparison(chosen));
  expect(await order(page)).toEqual(chosen.map((r) => r.run_name));
  const map = side(page).locator('thead th').filter({ has: page.locator('a[title="metrics.val/mAP50"]') });
  await map.getByRole('link').click();
  await expect(map).toHaveAttribute('aria-sort', 'descending');
  expect(await order(page)).toEqual(by('val/mAP50', false));
  await map.getByRole('link').click();
  await expect(map).toHaveAttribute('aria-sort', 'ascending');
  expect(await order(page)).toEqual(by('val/mAP50', true));
  // Less time is better.
  await side(page).locator('thead a[title="metrics.system/inference_time_ms"]').click();
  expect(await order(page)).toEqual(by('system/inference_time_ms', true));
  await facet(page, 'columns').click();
  expect(await order(page)).toEqual(by('system/inference_time_ms', true));
  await row(page, 'metrics.val/mAP50').getByRole('link').click();
  expect(await order(page)).toEqual(by('val/mAP50', false));
});

test('a run is left out, and two always stay', async ({ page }) => {
  const [a, b, c] = await several(3);
  await page.goto(comparison([a!, b!, c!]));
  await page.getByRole('button', { name: `Leave out ${b!.run_name}` }).click();
  expect(await order(page)).toEqual([a!.run_name, c!.run_name]);
  await expect(page.getByRole('button', { name: /^Leave out/ })).toHaveCount(0);
});

test('curves of one metric lie in one picture, in the colours of the runs, and another metric is chosen', async ({ page }) => {
  const chosen = await several(4);
  const section = page.getByRole('region', { name: 'Curves' });
  const drawn = async (metric: string) => {
    // Histories are read when they are first asked for.
    await expect(async () => {
      await page.reload();
      await expect(section.getByRole('figure').locator('path.line')).toHaveCount(4, { timeout: 1_000 });
    }).toPass();
    await expect(section.getByRole('figure').getByRole('img').first()).toHaveAccessibleName(new RegExp(`^${metric} by `));
  };
  await page.goto(comparison(chosen));
  await drawn('val/mAP50');
  const colours = (all: Element[]) => all.map((e) => [...e.querySelector('line')!.classList].find((c) => /^s\d$/.test(c))!);
  const inTable = await side(page).locator('thead th.run-head').evaluateAll(colours);
  expect(new Set(inTable).size).toBe(4);
  expect(await section.locator('.legend li').evaluateAll(colours)).toEqual(inTable);
  expect(await section.locator('.legend li').allInnerTexts()).toEqual(chosen.map((r) => r.run_name));
  const lines = await section.getByRole('figure').locator('path.line').evaluateAll((all) => all.map((e) => [...e.classList].find((c) => /^s\d$/.test(c))!));
  expect([...lines].sort()).toEqual([...inTable].sort());
  await section.getByRole('combobox', { name: 'Metric' }).selectOption('train/box_loss');
  await section.getByRole('combobox', { name: 'Scale' }).selectOption('logarithmic');
  await section.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/curve=train%2Fbox_loss|curve=train\/box_loss/);
  await expect(page).toHaveURL(/scale=log/);
  await drawn('train/box_loss');
});

test('parallel axes end with the metric that counts; a range in numbers greys the runs outside, and can be removed', async ({ page }) => {
  const chosen = await several(10);
  await page.goto(comparison(chosen));
  await expect(parallel(page).locator('path.line')).toHaveCount(10);
  expect((await parallel(page).locator('.axis-name').allTextContents()).at(-1)).toBe('val/mAP50');
  // Of metrics the better end is on top.
  const axes = JSON.parse((await parallel(page).getAttribute('data-axes'))!) as [string, [number, number]][];
  const ends = new Map(axes);
  expect(ends.get('metrics.val/mAP50')![0]).toBeLessThan(ends.get('metrics.val/mAP50')![1]);
  expect(ends.get('metrics.system/inference_time_ms')![0]).toBeGreaterThan(ends.get('metrics.system/inference_time_ms')![1]);
  const range = async (name: string, low: string, high: string) => {
    await page.getByText('Ranges in numbers').click();
    await page.getByRole('spinbutton', { name: `${name} from` }).fill(low);
    await page.getByRole('spinbutton', { name: `${name} to` }).fill(high);
    await page.locator('.brushes form', { hasText: name }).first().getByRole('button', { name: 'Apply' }).click();
  };
  await range('lr', '0.002', '0.012');
  const slow = chosen.filter((r) => Number(r.params.lr) >= 0.002 && Number(r.params.lr) <= 0.012);
  expect(slow.length).toBeGreaterThan(2);
  expect(slow.length).toBeLessThan(10);
  await expect(ranges(page)).toContainText(`${slow.length} of 10 runs lie within all ranges`);
  await expect(greyed(page)).toHaveCount(10 - slow.length);
  await range('system/inference_time_ms', '', '12');
  const both = slow.filter((r) => r.metrics['system/inference_time_ms']! <= 12);
  expect(both.length).toBeGreaterThanOrEqual(2);
  expect(both.length).toBeLessThan(slow.length);
  await expect(ranges(page)).toContainText(`${both.length} of 10 runs`);
  await expect(greyed(page)).toHaveCount(10 - both.length);
  const shared = page.url();
  await page.getByRole('link', { name: 'Compare only these' }).click();
  expect((await order(page)).sort()).toEqual(both.map((r) => r.run_name).sort());
  await expect(greyed(page)).toHaveCount(0);
  await page.goto(shared);
  await expect(greyed(page)).toHaveCount(10 - both.length);
  await page.getByRole('link', { name: 'Remove ranges' }).click();
  await expect(greyed(page)).toHaveCount(0);
  await expect(ranges(page)).toHaveCount(0);
});

test('two columns are set against each other: a dot for each run, at its place', async ({ page }) => {
  const chosen = await several(10);
  await page.goto(comparison(chosen));
  const card = page.locator('section.card').filter({ has: page.getByRole('combobox', { name: 'Across' }) });
  await card.getByRole('combobox', { name: 'Across' }).selectOption('metrics.system/inference_time_ms');
  await card.getByRole('button', { name: 'Apply' }).click();
  await expect(card.getByRole('heading')).toHaveText('val/mAP50 by system/inference_time_ms');
  const dots = card.locator('.mark-dot');
  await expect(dots).toHaveCount(10);
  const titles = await card.locator('svg title').allTextContents();
  for (const run of chosen) expect(titles.some((t) => t.startsWith(`${run.run_name} · system/inference_time_ms `)), `${run.run_name}: ${titles}`).toBe(true);
});

test('what goes with the metric is ranked by Spearman, with its n and what it does not say', async ({ page }) => {
  const chosen = await several(10);
  await page.goto(comparison(chosen));
  const rows = table(page, 'What goes with val/mAP50').locator('tbody tr');
  const told = await rows.evaluateAll((all) => all.map((tr) => [...tr.children].map((c) => (c as HTMLElement).innerText.trim())));
  expect(told.map(([name]) => name)).toEqual(expect.arrayContaining(['seed', 'lr', 'batch']));
  for (const [name, rho, , n] of told) {
    const having = chosen.filter((r) => r.params[name!] !== undefined && r.metrics['val/mAP50'] !== undefined);
    expect(number(n!), name).toBe(having.length);
    expect(number(rho!.replace('+', '')), name).toBeCloseTo(spearman(having.map((r) => Number(r.params[name!])), having.map((r) => r.metrics['val/mAP50']!)), 2);
  }
  const strength = told.map(([, rho]) => Math.abs(number(rho!.replace('+', ''))));
  expect(strength).toEqual([...strength].sort((a, b) => b - a));
  await expect(main(page)).toContainText(/rank correlation over at most 10 runs.*not that one causes the other.*by chance/);
  // A parameter leads to its picture.
  await rows.filter({ hasText: 'batch' }).getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'val/mAP50 by batch' })).toBeVisible();
});

test('the link holds all of it: baseline, judged metric, differences, layout, order and ranges', async ({ page, stranger }) => {
  const chosen = await several(5);
  await page.goto(comparison(chosen));
  await side(page).locator('thead th.run-head').nth(2).getByText('as baseline').click();
  await main(page).getByRole('combobox', { name: 'Judged by' }).selectOption('val/recall');
  await page.getByRole('form', { name: 'What is compared' }).getByRole('button', { name: 'Apply' }).click();
  await facet(page, /^that differ/).click();
  await facet(page, 'rows').click();
  await side(page).locator('thead a[title="metrics.val/recall"]').click();
  await page.getByText('Ranges in numbers').click();
  await page.getByRole('spinbutton', { name: 'lr to' }).fill('0.015');
  await page.locator('.brushes form').filter({ has: page.getByRole('spinbutton', { name: 'lr to' }) }).getByRole('button', { name: 'Apply' }).click();
  await expect(ranges(page)).toBeVisible();
  const seen = async (p: Page) => ({
    order: await order(p), baseline: await side(p).locator('tbody th.baseline bdi').allInnerTexts(), table: await side(p).innerText(),
    grey: await greyed(p).count(), title: await p.getByRole('heading', { level: 2 }).allInnerTexts(),
  });
  const other = await stranger();
  await other.goto(page.url());
  const [mine, theirs] = [await seen(page), await seen(other)];
  expect(mine.baseline).toEqual([chosen[2]!.run_name]);
  expect(mine.grey).toBeGreaterThan(0);
  expect(mine.title.join()).toContain('What goes with val/recall');
  expect(theirs).toEqual(mine);
});

test('fewer than two runs, and what of an address cannot be read, are said', async ({ page }) => {
  const [a, b] = await several(2);
  await page.goto(comparison([a!]));
  await expect(main(page).getByRole('heading', { name: 'Select two runs or more' })).toBeVisible();
  await expect(main(page).getByRole('link', { name: 'Search all runs' })).toHaveAttribute('href', '/experiments/all');
  for (const [query, words] of [
    ['brush=params.lr', /brush is a column with a range/], ['layout=heap', /layout is columns or rows/], ['diff=2', /diff is 1 to hide what is equal/],
    ['baseline=nobody', /baseline/], ['metric=wisdom', /wisdom/],
  ] as const) {
    const response = await page.goto(`${comparison([a!, b!])}&${query}`);
    expect(response!.status(), query).toBe(200);
    await expect(page.getByRole('alert')).toContainText(words);
    expect(await order(page), query).toEqual([a!.run_name, b!.run_name]);
  }
});
