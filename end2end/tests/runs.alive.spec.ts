// Experiments and runs once scripts run: in place, with the palette, and without disturbing whoever is in the middle of something.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DRAWN, EXPERIMENT, address, expect, main, mark, open, settled, stayed, table, test } from './support';
import { Own } from './servers';

test('a filter, a facet and a head are followed in place', async ({ page }) => {
  await open(page, await address('runs'));
  await mark(page);
  const box = page.getByRole('searchbox', { name: 'Filter' });
  await box.fill("status = 'FINISHED'");
  await box.press('Enter');
  await expect(page).toHaveURL(/filter=/);
  await settled(page);
  await page.locator('.facets a').first().click();
  await settled(page);
  await table(page, 'Runs').getByRole('columnheader').nth(1).getByRole('link').click();
  await expect(page).toHaveURL(/sort=/);
  await stayed(page);
});

test('what is for browsers without scripts is not seen with one', async ({ page }) => {
  for (const kind of DRAWN) {
    await open(page, await address(kind));
    expect(await main(page).innerText(), kind).not.toMatch(/<(button|p|img|a) /);
  }
});

test('a choice of a select is followed at once', async ({ page }) => {
  await open(page, await address('runs'));
  await mark(page);
  await page.getByRole('combobox', { name: 'Metrics show' }).selectOption('best');
  await expect(page).toHaveURL(/reading=best/);
  await stayed(page);
});

test('a click with Shift selects all rows between', async ({ page }) => {
  await open(page, await address('runs'));
  const rows = table(page, 'Runs').getByRole('checkbox');
  await rows.nth(1).click();
  await rows.nth(4).click({ modifiers: ['Shift'] });
  expect(await rows.evaluateAll((all) => all.filter((b) => (b as HTMLInputElement).checked).length)).toBe(4);
});

test('the palette finds experiments by name, and runs by name and by the beginning of their id', async ({ page }) => {
  await open(page, '/');
  for (const typed of [EXPERIMENT, (await address('run')).slice('/runs/'.length, '/runs/'.length + 8)]) {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /Go to/ }).fill(typed);
    const option = page.getByRole('option', { name: typed === EXPERIMENT ? /Experiment$/ : /Run$/ }).first();
    await expect(option).toBeVisible();
    await option.click();
    await expect(page).toHaveURL(typed === EXPERIMENT ? /\/experiments\/\d+/ : await address('run'));
  }
});

/** A folder as MLflow's file store writes it, with one run that is going on. */
function folder(root: string, name = 'going-on') {
  const run = join(root, '1', 'a'.repeat(32));
  for (const dir of ['metrics', 'params', 'tags', 'artifacts']) mkdirSync(join(run, dir), { recursive: true });
  writeFileSync(join(root, '1', 'meta.yaml'), `artifact_location: ${join(root, '1')}\ncreation_time: 1\nexperiment_id: '1'\nlast_update_time: 1\nlifecycle_stage: active\nname: own\n`);
  writeFileSync(join(run, 'meta.yaml'), `artifact_uri: ${join(run, 'artifacts')}\nend_time: null\nentry_point_name: ''\nexperiment_id: '1'\nlifecycle_stage: active\nrun_id: ${'a'.repeat(32)}\nrun_name: ${name}\nrun_uuid: ${'a'.repeat(32)}\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: ${Date.now()}\nstatus: 1\ntags: []\nuser_id: me\n`);
  writeFileSync(join(run, 'metrics', 'loss'), `${Date.now()} 1 0\n${Date.now()} 0.5 1\n`);
  return run;
}

test('a run that goes on is followed: the list shows what was logged since, and what was opened stays open', async ({ page }) => {
  const root = mkdtempSync(join(tmpdir(), 'gf-mlruns-'));
  const run = folder(root);
  const own = await Own.start([], '--mlruns', root);
  try {
    await open(page, `${own.url}/experiments/1?cols=metrics.loss`);
    await expect(table(page, 'Runs')).toContainText('0.5');
    await page.locator('.ask details summary').click();
    await mark(page);
    appendFileSync(join(run, 'metrics', 'loss'), `${Date.now()} 0.25 2\n`);
    await expect(table(page, 'Runs')).toContainText('0.25', { timeout: 20_000 });
    await expect(page.locator('.ask details')).toHaveAttribute('open', '');
    await stayed(page);
    await expect(main(page)).not.toContainText('cannot be read');
  } finally {
    await own.stop();
    rmSync(root, { recursive: true, force: true });
  }
});

test('the palette writes out what turns letters around in the name of a run', async ({ page }) => {
  const root = mkdtempSync(join(tmpdir(), 'gf-mlruns-'));
  folder(root, 'turned \u202etxt.exe');
  const own = await Own.start([], '--mlruns', root);
  try {
    await open(page, `${own.url}/experiments/1`);
    await expect(table(page, 'Runs')).toContainText('turned');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /Go to/ }).fill('turned');
    await expect(page.getByRole('option', { name: /Run$/ }).first()).toContainText('turned \\u{202e}txt.exe');
  } finally {
    await own.stop();
    rmSync(root, { recursive: true, force: true });
  }
});

test('on a phone it is seen why experiments cannot be read, and of when they are', async ({ page }) => {
  const root = mkdtempSync(join(tmpdir(), 'gf-mlruns-'));
  folder(root);
  const own = await Own.start([], '--mlruns', root);
  try {
    await open(page, `${own.url}/experiments/1`);
    await expect(table(page, 'Runs')).toContainText('going-on');
    rmSync(root, { recursive: true, force: true });
    await page.setViewportSize({ width: 390, height: 844 });
    const why = main(page).locator('.banner.bad');
    await expect(async () => {
      await page.goto(`${own.url}/sources`);
      await expect(why).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 60_000 });
    const box = (await why.boundingBox())!;
    expect(box.x + box.width).toBeLessThanOrEqual(390);
    const row = table(page, 'Experiments and runs');
    await expect(row).toContainText(/copied .* ago/);
    await expect(row).not.toContainText('complete');
    await expect(main(page)).toContainText('Experiments with 1 run are there');
  } finally {
    await own.stop();
    rmSync(root, { recursive: true, force: true });
  }
});
