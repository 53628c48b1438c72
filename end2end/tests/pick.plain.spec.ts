// The best of several under limits without a script: of an experiment's runs, and of the fleet's models on each device.
import type { Page } from '@playwright/test';
import { type Run, address, expect, main, number, runs, steady, table, test } from './support';

const enc = encodeURIComponent;
const [MAP, TIME] = ['val/mAP50', 'system/inference_time_ms'];
const candidates = (page: Page) => table(page, 'Candidates').first();
const finding = (page: Page) => page.locator('.finding').first();
/** The sentences of the first answer. */
const told = async (page: Page) => steady(await page.locator('.finding-card').first().innerText());
/** The limits that are in force, as the links say them that remove them. */
const limits = async (page: Page) => (await page.getByRole('link', { name: /^Remove .+ [≤≥] / }).evaluateAll((all) => all.map((a) => a.getAttribute('aria-label')!.slice(7)))).sort();
const offered = async () => (await runs()).filter((r) => MAP in r.metrics && TIME in r.metrics);
const best = (all: Run[]) => [...all].sort((a, b) => b.metrics[MAP]! - a.metrics[MAP]!)[0]!;
const home = async () => (await address('run-pick')).split('?')[0]!;

/** Fills in the fields of another limit. */
async function add(page: Page, metric: string, side: '≤' | '≥', bound: string) {
  await page.getByRole('combobox', { name: /^(A|Another) limit$/ }).selectOption(metric);
  await page.getByRole('combobox', { name: 'At most or at least' }).selectOption(side);
  await page.getByRole('textbox', { name: 'Value' }).fill(bound);
  await page.getByRole('button', { name: 'Add' }).click();
}
interface Row { name: string; kept: string; front: string; quiet: boolean; best: boolean }
const rows = async (page: Page): Promise<Row[]> => candidates(page).locator('tbody tr').evaluateAll((all) => all.map((tr) => ({
  name: tr.querySelector('th bdi')!.textContent!, kept: (tr.children[tr.children.length - 2] as HTMLElement).innerText,
  front: (tr.lastElementChild as HTMLElement).innerText, quiet: tr.classList.contains('quiet'), best: tr.classList.contains('best'),
})));
const names = (all: Run[]) => all.map((r) => r.run_name).sort();
const kept = async (page: Page) => (await rows(page)).filter((r) => r.kept === 'kept').map((r) => r.name).sort();

test('without a limit the best run is chosen, and the sentence says so', async ({ page }) => {
  await page.goto(await home());
  const all = await offered();
  await expect(finding(page)).toContainText(`${best(all).run_name} is the best of ${all.length}: ${MAP} `);
  await expect(finding(page)).toContainText('There is no limit.');
  expect((await rows(page)).filter((r) => r.best).map((r) => r.name)).toEqual([best(all).run_name]);
});

test('what a link to the choice from an experiment filters is all that is chosen from', async ({ page }) => {
  const filter = "params.architecture = 'yolov10m'";
  await page.goto(`${(await address('runs'))}?filter=${enc(filter)}`);
  await main(page).locator('a[href*="/pick"]').first().click();
  expect(new URL(page.url()).searchParams.get('filter')).toBe(filter);
  const all = (await offered()).filter((r) => r.params.architecture === 'yolov10m');
  await expect(finding(page)).toContainText(`${best(all).run_name} is the best of ${all.length}: `);
});

test('a limit that the fields ask for is kept to, and the sentence names what binds and what would be best without it', async ({ page }) => {
  await page.goto(await home());
  const all = await offered();
  await add(page, TIME, '≤', '12');
  expect(await limits(page)).toEqual([`${TIME} ≤ 12`]);
  const fast = all.filter((r) => r.metrics[TIME]! <= 12);
  expect(fast.length).toBeLessThan(all.length);
  await expect(finding(page)).toContainText(`${best(fast).run_name} is the best of the ${fast.length} of ${all.length} that keep to the limits: ${MAP} `);
  expect(await told(page)).toMatch(new RegExp(`${TIME} ≤ 12 ms binds: without it ${best(all).run_name} would be best with [\\d.]+; it has [\\d.]+`));
  expect(await kept(page)).toEqual(names(fast));
  for (const row of await rows(page)) if (row.kept !== 'kept') expect(row.kept).toBe(`breaks ${TIME} ≤ 12 ms`);
  // A second one of the same metric and side takes the place of the first; another side stands beside it.
  await add(page, TIME, '≤', '9');
  expect(await limits(page)).toEqual([`${TIME} ≤ 9`]);
  await add(page, TIME, '≥', '8.6');
  expect(await limits(page)).toEqual([`${TIME} ≤ 9`, `${TIME} ≥ 8.6`]);
  expect(await kept(page)).toEqual(names(all.filter((r) => r.metrics[TIME]! <= 9 && r.metrics[TIME]! >= 8.6)));
});

test('a limit is changed and removed where it stands, and the others stay', async ({ page }) => {
  const all = await offered();
  await page.goto(`${await home()}?limit=${enc(`${TIME}<=12`)}&limit=${enc(`${MAP}>=0.86`)}`);
  const field = page.getByRole('textbox', { name: `${MAP} ≥` });
  await expect(field).toHaveValue('0.86');
  await field.fill('0.87');
  await page.locator('form.limit', { has: field }).getByRole('button', { name: 'Apply' }).click();
  expect(await limits(page)).toEqual([`${TIME} ≤ 12`, `${MAP} ≥ 0.87`].sort());
  expect(await kept(page)).toEqual(names(all.filter((r) => r.metrics[TIME]! <= 12 && r.metrics[MAP]! >= 0.87)));
  await page.getByRole('link', { name: `Remove ${TIME} ≤ 12` }).click();
  expect(await limits(page)).toEqual([`${MAP} ≥ 0.87`]);
  expect(await kept(page)).toEqual(names(all.filter((r) => r.metrics[MAP]! >= 0.87)));
  await page.getByRole('link', { name: `Remove ${MAP} ≥ 0.87` }).click();
  await expect(page).not.toHaveURL(/limit/);
  await expect(finding(page)).toContainText('There is no limit.');
});

test('limits that nothing meets are said in a sentence, with what would have to give; what it names does', async ({ page }) => {
  const all = await offered();
  await page.goto(`${await home()}?limit=${enc(`${MAP}>=0.999`)}`);
  await expect(finding(page)).toHaveText(`None of the ${all.length} keeps to all limits.`);
  const [, bound, name] = new RegExp(`${MAP} ≥ (0\\.\\d+) in the place of 0.999, (\\S+) with`).exec(await told(page))!;
  expect(name).toBe(best(all).run_name);
  expect((await rows(page)).some((r) => r.best)).toBe(false);
  expect(await kept(page)).toEqual([]);
  await page.goto(`${await home()}?limit=${enc(`${MAP}>=${bound}`)}`);
  await expect(finding(page)).toContainText(`${name} is the best of the 1 of ${all.length}`);
});

test('a limit beside the baseline counts from its value; without a baseline it is refused with a sentence', async ({ page }) => {
  const all = await offered();
  await page.goto(await home());
  const base = [...all].sort((a, b) => a.metrics[MAP]! - b.metrics[MAP]!)[Math.floor(all.length * 0.7)]!;
  await page.getByRole('combobox', { name: 'Baseline' }).selectOption(base.run_id);
  await page.locator('form', { has: page.getByRole('combobox', { name: 'Baseline' }) }).getByRole('button', { name: 'Apply' }).click();
  await add(page, MAP, '≥', 'base-0.01');
  expect(await limits(page)).toEqual([`${MAP} ≥ base-0.01`]);
  const near = all.filter((r) => r.metrics[MAP]! >= base.metrics[MAP]! - 0.01);
  expect(near.length).toBeLessThan(all.length);
  expect(await kept(page)).toEqual(names(near));
  expect(new URL(page.url()).searchParams.get('baseline')).toBe(base.run_id);
  const response = await page.goto(`${await home()}?limit=${enc(`${MAP}>=base-0.01`)}`);
  expect(response!.status()).toBe(200);
  await expect(page.getByRole('alert')).toContainText(/baseline/);
});

test('what another run beats by both is grey and called dominated; the rest are the Pareto set', async ({ page }) => {
  const all = await offered();
  await page.goto(await home());
  const beats = (a: Run, b: Run) => a.metrics[MAP]! >= b.metrics[MAP]! && a.metrics[TIME]! <= b.metrics[TIME]!
    && (a.metrics[MAP]! > b.metrics[MAP]! || a.metrics[TIME]! < b.metrics[TIME]!);
  const front = all.filter((b) => !all.some((a) => beats(a, b)));
  expect(front.length).toBeGreaterThan(1);
  expect(front.length).toBeLessThan(all.length / 2);
  const shown = await rows(page);
  expect(shown.filter((r) => r.front === 'efficient').map((r) => r.name).sort()).toEqual(names(front));
  expect(shown.filter((r) => !r.quiet).map((r) => r.name).sort()).toEqual(names(front));
  for (const row of shown) if (row.quiet) expect(row.front).toBe('dominated');
  const colour = (selector: string) => candidates(page).locator(selector).first().evaluate((e) => getComputedStyle(e).color);
  expect(await colour('tr.quiet td')).not.toBe(await colour('tr:not(.quiet):not(.best) td'));
  // And in the picture: grey ones, those of the set, and the chosen one.
  const dots = page.locator('.finding-card .drawing .mark-dot');
  await expect(dots).toHaveCount(all.length);
  expect(await page.locator('.drawing .mark-dot.s3').count()).toBe(1);
  expect(await page.locator('.drawing .mark-dot.s1').count()).toBe(front.length - 1);
  await expect(page.locator('.drawing .mark-dot.s3 ~ .mark-dot')).toHaveCount(0);
});

test('what is chosen by, and what it is held against, are chosen by the form', async ({ page }) => {
  const all = await offered();
  await page.goto(await home());
  const form = page.locator('form', { has: page.getByRole('combobox', { name: 'Best by' }) });
  await form.getByRole('combobox', { name: 'Best by' }).selectOption(TIME);
  await form.getByRole('combobox', { name: 'Held against' }).selectOption('system/gpu_mem_mb');
  await form.getByRole('button', { name: 'Apply' }).click();
  const fastest = [...all].sort((a, b) => a.metrics[TIME]! - b.metrics[TIME]!)[0]!;
  await expect(finding(page)).toContainText(`${fastest.run_name} is the best of`);
  await expect(candidates(page).getByRole('columnheader')).toHaveText(['Candidate', `${TIME} ↓`, 'system/gpu_mem_mb ↓', 'Pareto']);
});

test('the link holds the choice with all its limits', async ({ page, stranger }) => {
  await page.goto(await home());
  await add(page, TIME, '≤', '12');
  await add(page, MAP, '≥', '0.85');
  const other = await stranger();
  await other.goto(page.url());
  expect(await told(other)).toBe(await told(page));
  expect(await rows(other)).toEqual(await rows(page));
  expect(await limits(other)).toHaveLength(2);
});

test.describe('of the fleet', () => {
  const devices = (page: Page) => page.locator('section.device');
  /** Of each device its candidates with the values that they have. */
  const read = (page: Page) => devices(page).evaluateAll((all) => all.map((d) => ({
    device: d.querySelector('h2')!.textContent!, says: d.querySelector('.finding')!.textContent!.trim(),
    rows: [...d.querySelectorAll('tbody tr')].map((tr) => ({
      name: tr.querySelector('th bdi')!.textContent!, values: [...tr.querySelectorAll('td.num')].map((td) => parseFloat(td.textContent!.replace(/,/g, ''))),
      best: tr.classList.contains('best'), kept: (tr.children[tr.children.length - 2] as HTMLElement).innerText,
    })),
  })));

  test('each device has its own answer, beside its own baseline', async ({ page }) => {
    await page.goto('/compare');
    await main(page).locator('a[href^="/compare/pick"]').first().click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Pick a model');
    const found = await read(page);
    expect(found.length).toBeGreaterThan(1);
    expect(new Set(found.map((d) => d.device)).size).toBe(found.length);
    for (const { device, says, rows: listed } of found) {
      expect(device).toMatch(/^On .+, beside \S+ [\d.]+$/);
      const top = [...listed].sort((a, b) => b.values[0]! - a.values[0]!)[0]!;
      expect(listed.filter((r) => r.best).map((r) => r.name), device).toEqual([top.name]);
      expect(says).toContain(`${top.name} is the best of ${listed.length}`);
    }
  });

  test('a limit holds on each device, one that nothing meets is said, and the limit beside the baseline is one of its own', async ({ page }) => {
    await page.goto('/compare/pick');
    await add(page, 'mAP50', '≥', '0.999');
    for (const { says, rows: listed } of await read(page)) {
      expect(says).toBe(`None of the ${listed.length} keeps to all limits.`);
      for (const row of listed) expect(row.kept).toBe('breaks mAP50 ≥ 0.999');
    }
    await page.getByRole('link', { name: 'Remove mAP50 ≥ 0.999' }).click();
    await add(page, 'mAP50', '≥', 'base-0.01');
    expect(await limits(page)).toEqual(['mAP50 ≥ base-0.01']);
    for (const { device, rows: listed } of await read(page)) {
      const base = listed.find((r) => device.endsWith(`beside ${r.name}`))!;
      // Numbers of the page are rounded.
      for (const row of listed) {
        const over = row.values[0]! - (base.values[0]! - 0.01);
        if (Math.abs(over) > 0.0002) expect(row.kept === 'kept', `${row.name} on ${device}`).toBe(over > 0);
      }
      expect(base.kept).toBe('kept');
    }
  });

  test('a candidate leads to its comparison', async ({ page }) => {
    await page.goto('/compare/pick');
    await candidates(page).getByRole('rowheader').first().getByRole('link').click();
    await expect(page).toHaveURL(/\/compare\?.*models=/);
    await expect(main(page).getByRole('table').first()).toBeVisible();
  });

  for (const [query, words] of [
    ['limit=mAP50', /limit/i], ['limit=wisdom%3C%3D1', /wisdom/], ['cost=wisdom', /wisdom/], ['baseline=nope:1', /nope:1/],
  ] as const) {
    test(`${query}: what cannot be read is said, and the page answers with the rest`, async ({ page }) => {
      const response = await page.goto(`/compare/pick?${query}`);
      expect(response!.status()).toBe(200);
      await expect(page.getByRole('alert')).toContainText(words);
      await expect(finding(page)).toContainText('is the best of');
    });
  }
});

test('a limit of an unknown metric is left out alone: those that can be kept to are', async ({ page }) => {
  const fast = (await offered()).filter((r) => r.metrics[TIME]! <= 12);
  await page.goto(`${await home()}?limit=${enc(`${TIME}<=12`)}&limit=${enc('wisdom>=1')}`);
  await expect(page.getByRole('alert')).toContainText('wisdom', { timeout: 5_000 });
  expect(await kept(page)).toEqual(names(fast));
});
