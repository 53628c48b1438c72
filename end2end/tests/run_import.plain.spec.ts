// What an import of runs would do, without a script: kinds with their counts, runs with their records, and nothing is written.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, column, expect, main, names, number, table, test } from './support';
import { Own } from './servers';

test('every run of the source is in one kind, and a kind lists its runs with their records', async ({ page }) => {
  await page.goto('/sources');
  await main(page).locator('a[href="/sources/mlflow"]').first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Runs as records');
  const total = number(/with ([\d,]+) runs/.exec(await main(page).innerText())![1]!);
  const kinds = page.locator('.facets a');
  const counts = (await kinds.locator('small').allInnerTexts()).map(number);
  expect(counts).toHaveLength(7);
  expect(counts.reduce((a, b) => a + b)).toBe(total);
  const taken = table(page, 'to be taken');
  for (const text of await column(taken, 'Record')) expect(text).toMatch(/^Customer \w( › \S+)* · \w+$/);
  await kinds.filter({ hasText: 'not finished' }).click();
  await expect(page).toHaveURL(/show=left_out|show=not_finished/);
  const open = table(page, 'not finished');
  await expect(open.getByRole('rowheader')).toHaveCount(counts[5]!);
  for (const text of await column(open, 'Record')) expect(text).toMatch(/^(running|failed|killed|scheduled)$/);
  await open.getByRole('rowheader').first().getByRole('link').click();
  await expect(page).toHaveURL(/\/runs\/\w+/);
});

test('long kinds are turned by pages, and no run comes twice', async ({ page }) => {
  await page.goto('/sources/mlflow');
  const first = await table(page, 'to be taken').locator('tbody th a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  expect(first).toHaveLength(50);
  await page.getByRole('link', { name: 'Next', exact: true }).click();
  const second = await table(page, 'to be taken').locator('tbody th a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  expect(second.filter((href) => first.includes(href))).toEqual([]);
  await page.goto('/sources/mlflow?page=99');
  await expect(page.getByRole('alert')).toContainText('page 99 is behind them');
  await page.goto('/sources/mlflow?show=nope');
  await expect(page.getByRole('alert')).toContainText('show= is one of new, corrected');
});

/** A finished run as MLflow's file store writes it. */
function write(root: string, letter: string, tags: Record<string, string>) {
  const run = join(root, '1', letter.repeat(32));
  for (const dir of ['metrics/val', 'params', 'tags', 'artifacts']) mkdirSync(join(run, dir), { recursive: true });
  const time = 1_782_777_600_000;
  writeFileSync(join(root, '1', 'meta.yaml'), `artifact_location: ${join(root, '1')}\ncreation_time: 1\nexperiment_id: '1'\nlast_update_time: 1\nlifecycle_stage: active\nname: own\n`);
  writeFileSync(join(run, 'meta.yaml'), `artifact_uri: ${join(run, 'artifacts')}\nend_time: ${time + 60_000}\nentry_point_name: ''\nexperiment_id: '1'\nlifecycle_stage: active\nrun_id: ${letter.repeat(32)}\nrun_name: run-${letter}\nrun_uuid: ${letter.repeat(32)}\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: ${time}\nstatus: 3\ntags: []\nuser_id: me\n`);
  writeFileSync(join(run, 'metrics', 'val', 'mAP50'), `${time} 0.5 0\n${time} 0.75 1\n`);
  writeFileSync(join(run, 'params', 'architecture'), 'yolov8m');
  for (const [key, value] of Object.entries(tags)) writeFileSync(join(run, 'tags', key), value);
}

test('a run that is refused says why, one that would be taken says where, and looking writes nothing', async ({ page }) => {
  const root = mkdtempSync(join(tmpdir(), 'gf-import-'));
  write(root, 'a', { customer: 'acme', site: 's1', task: 'detection' });
  write(root, 'b', { task: 'detection' });
  const own = await Own.start([], '--mlruns', root);
  try {
    await expect(async () => {
      await page.goto(`${own.url}/sources/mlflow`);
      expect(await names(table(page, 'to be taken'))).toEqual(['run-a']);
    }).toPass();
    const place = table(page, 'to be taken').getByRole('link', { name: 'acme › s1' });
    await expect(place).toHaveAttribute('href', '/customers/acme/sites/s1');
    await expect(table(page, 'to be taken')).toContainText('acme › s1 · detection');
    await expect(page.getByRole('region', { name: 'Why runs make no record' })).toContainText(/field missing\s*1/);
    await page.locator('.facets').getByRole('link', { name: 'refused' }).click();
    expect(await names(table(page, 'refused'))).toEqual(['run-b']);
    await expect(table(page, 'refused')).toContainText('customer is missing');
    await expect(main(page)).toContainText('guardianflow import mlflow');
    const records = await (await fetch(`${own.url}/api/metrics/records?type=all&days=4015`)).json() as { total: number };
    expect(records.total).toBe(0);
  } finally {
    await own.stop();
    rmSync(root, { recursive: true, force: true });
  }
});

test('without a source the page says how to get one', async ({ page }) => {
  await page.goto(`${at.empty}/sources/mlflow`);
  await expect(main(page)).toContainText('MLFLOW_TRACKING_URI=');
});

test.describe('in Korean', () => {
  test.use({ locale: 'ko-KR' });
  test('kinds, heads and reasons are Korean', async ({ page }) => {
    await page.goto('/sources/mlflow');
    for (const text of [...await page.locator('.facets a').allInnerTexts(), ...await main(page).getByRole('columnheader').allInnerTexts()]) expect(text).toMatch(/[가-힣]/);
  });
});
