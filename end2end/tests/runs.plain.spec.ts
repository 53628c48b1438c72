// Experiments and runs without a script: found, narrowed, sorted, grouped, looked into, and taken along as files.
import type { Page } from '@playwright/test';
import { DRAWN, EXPERIMENT, address, at, column, crumbs, expect, main, names, number, rail, read, table, test, tracked } from './support';

const enc = encodeURIComponent;
const box = 'Filter';
/** How many runs the page says that it shows. */
const shown = async (page: Page) => number(/([\d,]+)( of [\d,]+)? runs?\b/.exec(await main(page).innerText())![1]!);

test('from the list of experiments to a run and back by the breadcrumb', async ({ page }) => {
  await page.goto('/experiments');
  await expect(main(page)).toContainText(/4 experiments, \d+ runs\./);
  await main(page).getByRole('link', { name: EXPERIMENT }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(EXPERIMENT);
  const first = table(page, 'Runs').getByRole('rowheader').first();
  const name = (await first.innerText()).trim();
  await first.getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name.split('\n')[0]!);
  await crumbs(page).getByRole('link', { name: EXPERIMENT }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(EXPERIMENT);
});

test('a filter narrows the runs, a facet narrows them further, and leads back when it is chosen again', async ({ page }) => {
  await page.goto(await address('runs'));
  await page.getByRole('searchbox', { name: box }).fill("status = 'FINISHED' AND metrics.val/mAP50 > 0.5");
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page).toHaveURL(/filter=/);
  const all = await shown(page);
  const facet = page.locator('.facets a', { hasText: 'Customer A' });
  await facet.click();
  const less = await shown(page);
  expect(less).toBeGreaterThan(0);
  expect(less).toBeLessThan(all);
  await expect(page.getByRole('searchbox', { name: box })).toHaveValue(/tags\.customer = 'Customer A'$/);
  await expect(facet).toHaveAttribute('aria-current', 'true');
  await facet.click();
  expect(await shown(page)).toBe(all);
});

test('a filter that cannot be read is shown with its mistake, and the page answers', async ({ page }) => {
  const response = await page.goto(`${await address('runs')}?filter=${enc("metrics.val/mAP50 > 'x'")}`);
  expect(response!.status()).toBe(200);
  await expect(page.getByRole('alert')).toContainText(/at character \d+: .*for example/);
  await expect(page.locator('.where mark')).toHaveText("'");
  await expect(page.getByRole('searchbox', { name: box })).toHaveValue("metrics.val/mAP50 > 'x'");
  await expect(main(page)).toContainText('The filter cannot be read; all');
});

test('heads sort, numbers the better way first, and the address says so', async ({ page }) => {
  await page.goto(`${await address('runs')}?cols=${enc('metrics.val/mAP50, params.lr')}`);
  const runs = table(page, 'Runs');
  await runs.getByRole('columnheader', { name: 'val/mAP50' }).getByRole('link').click();
  await expect(page).toHaveURL(/sort=metrics\.val%2FmAP50%20desc/);
  const values = (await column(runs, /^val\/mAP50/)).map(number).filter(Number.isFinite);
  expect(values.length).toBeGreaterThan(5);
  expect(values).toEqual([...values].sort((a, b) => b - a));
  await expect(runs.getByRole('columnheader', { name: 'val/mAP50' })).toHaveAttribute('aria-sort', 'descending');
});

test('columns are added, moved and taken away by links that the address keeps', async ({ page }) => {
  await page.goto(`${await address('runs')}?cols=${enc('metrics.val/mAP50, params.lr')}`);
  await page.locator('.columns > summary').click();
  await page.getByRole('link', { name: 'Move lr to the left' }).click();
  await expect(page).toHaveURL(/cols=params\.lr,%20metrics\.val%2FmAP50/);
  await page.getByRole('link', { name: 'Remove val/mAP50' }).click();
  const heads = await table(page, 'Runs').getByRole('columnheader').allInnerTexts();
  expect(heads.map((h) => h.trim().split('\n')[0])).toEqual(['Select', 'Run', 'lr']);
  await page.getByRole('link', { name: 'Back to the usual ones' }).click();
  await expect(page).not.toHaveURL(/cols=/);
});

test('runs are grouped by a parameter, with a mean and its interval over the repeats', async ({ page }) => {
  await page.goto('/experiments/all?filter=' + enc("params.seed IS NOT NULL") + '&group=' + enc('params.architecture') + '&cols=' + enc('metrics.val/mAP50'));
  const groups = main(page).getByRole('table').first();
  await expect(groups).toContainText(/0\.\d+ ± 0\.\d+/);
  const group = (await names(groups)).find((n) => n !== 'without a value')!;
  await groups.getByRole('link', { name: group, exact: true }).click();
  await expect(page.getByRole('searchbox', { name: box })).toHaveValue(new RegExp(`params\\.architecture = '${group}'$`));
  await expect(page).not.toHaveURL(/group=/);
});

test('selected rows are shown alone', async ({ page }) => {
  await page.goto(await address('runs'));
  const rows = table(page, 'Runs').getByRole('checkbox');
  await rows.nth(0).check();
  await rows.nth(2).check();
  await page.getByRole('button', { name: 'Show only the selected' }).click();
  await expect(main(page)).toContainText(/2 of \d+ runs\. Only the 2 that were selected\./);
  await expect(table(page, 'Runs').getByRole('rowheader')).toHaveCount(2);
});

test('the files hold exactly the view', async ({ page, request }) => {
  await page.goto(`${await address('runs')}?filter=${enc("status = 'FINISHED'")}&sort=${enc('metrics.val/mAP50 desc')}&cols=${enc('metrics.val/mAP50, params.lr')}`);
  const total = await shown(page);
  const file = async (name: string) => request.get((await main(page).getByRole('link', { name, exact: true }).getAttribute('href'))!);
  const csv = await file('CSV');
  expect([csv.status(), csv.headers()['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
  const lines = (await csv.text()).trim().split('\r\n');
  expect(lines).toHaveLength(total + 1);
  expect(lines[0]).toMatch(/run_id.*run_name.*val\/mAP50.*lr/);
  const json = await file('JSON');
  expect((await json.json() as unknown[]).length || (await json.json() as { runs: unknown[] }).runs.length).toBe(total);
  expect((await (await file('Parquet')).body()).subarray(0, 4).toString()).toBe('PAR1');
});

test('a run shows its curves, its numbers and its files, and a file is shown as what it is', async ({ page }) => {
  // Histories are copied when somebody asks; without a script the page is asked again by its link.
  await expect(async () => {
    await page.goto(await address('run'));
    await expect(page.getByRole('figure').first().getByRole('img').first()).toHaveAccessibleName(/by step: from .* points\./, { timeout: 500 });
  }).toPass();
  for (const name of ['Metrics', 'Parameters', 'Tags']) await expect(page.getByRole('region', { name, exact: true })).toBeVisible();
  await page.getByRole('navigation', { name: 'Parts of the run' }).getByRole('link', { name: 'Artifacts' }).click();
  const tree = page.locator('.tree');
  await expect(tree.getByRole('listitem').first()).toBeVisible();
  const files = await tree.getByRole('listitem').allInnerTexts();
  expect(files.some((f) => /\d (B|kB)/.test(f))).toBe(true);
  const json = tree.getByRole('link', { name: /\.json$/ }).first();
  if (await json.count() === 0) await tree.getByRole('link', { name: / \/$/ }).first().click();
  await tree.getByRole('link', { name: /\.(json|txt|csv|png)$/ }).first().click();
  await expect(page.locator('.preview')).toBeVisible();
  const download = page.locator('.preview').getByRole('link', { name: 'Download' });
  const part = await page.request.get((await download.getAttribute('href'))!, { headers: { range: 'bytes=0-3' } });
  expect([part.status(), (await part.body()).length]).toEqual([206, 4]);
});

test('all six spikes of a long history are in the picture', async ({ page, request }) => {
  const found = await request.get(`/api/runs/search?limit=500`);
  const { runs } = (await found.json()) as { runs: { run_id: string; metrics: Record<string, number> }[] };
  const histories = await Promise.all(runs.map(async (run) => {
    const metric = Object.keys(run.metrics).find((m) => m === 'train/loss');
    if (!metric) return { points: 0, run, metric: '' };
    const h = await (await request.get(`/api/runs/${run.run_id}/history?metric=${enc(metric)}&points=50000&wait=10000`)).json() as { points: { value: number }[] };
    return { points: h.points.length, values: h.points.map((p) => p.value), run, metric };
  }));
  const long = histories.sort((a, b) => b.points - a.points)[0]!;
  expect(long.points).toBe(5_000);
  const values = long.values!;
  const spikes = values.filter((v, i) => v > 2 * Math.max(values[i - 1] ?? 0, values[i + 1] ?? 0)).length;
  expect(spikes).toBe(6);
  await page.goto(`/runs/${long.run.run_id}?find=${enc(long.metric)}`);
  const d = (await page.getByRole('figure').first().locator('path.line').first().getAttribute('d'))!;
  const ys = [...d.matchAll(/[ML]([\d.]+) (-?[\d.]+)/g)].map((m) => Number(m[2]));
  // Up is less in SVG.
  const peaks = ys.filter((y, i) => y < Math.min(ys[i - 1] ?? Infinity, ys[i + 1] ?? Infinity) - 20).length;
  expect(peaks).toBe(6);
});

test('without a source there is a page that says how to get one', async ({ page }) => {
  await page.goto(`${at.empty}/experiments`);
  await expect(main(page)).toContainText('MLFLOW_TRACKING_URI=');
  await expect(main(page)).toContainText('GF_MLRUNS=');
});

test('what there is not is a page of its own that leads on', async ({ page, guard }) => {
  guard.allow(/status of 40[04]/);
  for (const [path, status] of [['/runs/0123456789abcdef0123456789abcdef', 404], ['/runs/a%2fb', 400], ['/experiments/404404', 404]] as const) {
    const response = await page.goto(path);
    expect(response!.status(), path).toBe(status);
    await expect(page.getByRole('link', { name: 'Back to the overview' })).toBeVisible();
  }
});

test('what of an address cannot be read is said on its page', async ({ page }) => {
  for (const query of ['page=99', 'sort=nonsense(', 'group=x', 'cols=x']) {
    const response = await page.goto(`${await address('runs')}?${query}`);
    expect(response!.status(), query).toBe(200);
    await expect(page.getByRole('alert')).toContainText('the default is shown instead');
  }
});

test.describe('in Korean', () => {
  test.use({ locale: 'ko-KR' });
  for (const kind of DRAWN) {
    test(`${kind}: the page is Korean`, async ({ page }) => {
      await page.goto(await address(kind));
      await expect(rail(page, '주 메뉴').getByRole('link', { name: '실험' })).toBeVisible();
      const english = /\b(Experiments|Runs|Search|Narrow|Columns|Select|Status|Started|Parameters|Curves|Download|copied|ago|finished)\b/;
      expect((await read(page)).match(english)?.[0]).toBeUndefined();
      const labels = await page.locator('[aria-label]').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label')!));
      expect(labels.filter((l) => english.test(l))).toEqual([]);
    });
  }
});

test('the run of the best model says which version it made', async ({ page }) => {
  await page.goto(`/runs/${(await tracked()).run}`);
  await expect(main(page)).toContainText(/Made\s*.*version \d+|no registered model|not known yet/);
});

test('a long name in the panel of columns leaves its buttons to be clicked', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  const long = `validation/${'intersection_over_union_'.repeat(4)}mean`;
  await page.goto(`${await address('runs')}?edit=columns&cols=${enc(`params.lr, metrics.${long}, params.seed`)}`);
  const line = page.locator('.columns li', { hasText: long });
  const whole = (await line.boundingBox())!;
  for (const name of [`Move ${long} to the left`, `Move ${long} to the right`, `Remove ${long}`]) {
    const button = (await line.getByRole('link', { name }).boundingBox())!;
    expect(button.x + button.width, name).toBeLessThanOrEqual(whole.x + whole.width + 1);
  }
  await line.getByRole('link', { name: `Remove ${long}` }).click();
  await expect(page).toHaveURL(/cols=params\.lr,%20params\.seed/);
});

test('what stands beside selects and names stands on their line', async ({ page }) => {
  await page.goto(await address('runs'));
  const middle = async (name: string) => {
    const turns = page.locator('.ask .turns');
    const found = turns.getByRole('button', { name }).or(turns.getByRole('link', { name })).or(turns.getByLabel(name));
    const box = (await found.boundingBox())!;
    return box.y + box.height / 2;
  };
  const selects = await middle('Group by');
  for (const name of ['Apply', 'Pick under limits']) expect(Math.abs(await middle(name) - selects), name).toBeLessThan(1.5);
  await page.goto(await address('artifacts'));
  const file = page.locator('.tree li', { has: page.locator('.tool') }).first();
  const bottoms = await Promise.all(['.quiet', '.tool'].map(async (part) => {
    const box = (await file.locator(part).boundingBox())!;
    return box.y + box.height;
  }));
  expect(Math.abs(bottoms[0]! - bottoms[1]!)).toBeLessThan(4);
});

test('a narrowed list of experiments offers sites below a customer, and leads to the runs that were meant', async ({ page }) => {
  await page.goto('/experiments');
  const facets = page.locator('.facets');
  await expect(facets).toContainText('Customer');
  await expect(facets).not.toContainText('Zone');
  await facets.getByRole('link', { name: /^Customer A/ }).click();
  await expect(page).toHaveURL(/tag=customer:Customer%20A/);
  await main(page).getByRole('link', { name: EXPERIMENT, exact: true }).click();
  await expect(page.getByRole('searchbox', { name: box })).toHaveValue(/tags\.customer = 'Customer A'/);
});
