// The best of several once scripts run: everything is asked for in place.
import type { Page } from '@playwright/test';
import { address, expect, mark, open, runs, settled, stayed, table, test } from './support';

const [MAP, TIME] = ['val/mAP50', 'system/inference_time_ms'];
const finding = (page: Page) => page.locator('.finding').first();
const limits = (page: Page) => page.getByRole('link', { name: /^Remove .+ [≤≥] / }).evaluateAll((all) => all.map((a) => a.getAttribute('aria-label')!.slice(7)));

test('limits are added, changed and removed in place, and the answer follows', async ({ page }) => {
  await open(page, (await address('run-pick')).split('?')[0]!);
  await mark(page);
  await page.getByRole('combobox', { name: /^(A|Another) limit$/ }).selectOption(TIME);
  await page.getByRole('textbox', { name: 'Value' }).fill('12');
  await page.keyboard.press('Enter');
  await expect(finding(page)).toContainText('that keep to the limits');
  await settled(page);
  await expect(page.getByRole('textbox', { name: 'Value' }), 'the fields are free for another one').toHaveValue('');
  const field = page.getByRole('textbox', { name: `${TIME} ≤` });
  await field.fill('0.001');
  await page.keyboard.press('Enter');
  await expect(finding(page)).toContainText('keeps to all limits');
  await settled(page);
  await page.getByRole('link', { name: `Remove ${TIME} ≤ 0.001` }).click();
  await expect(finding(page)).toContainText('There is no limit.');
  expect(await limits(page)).toEqual([]);
  await stayed(page);
});

test('what is chosen by is a choice that is followed at once, and the history leads back', async ({ page }) => {
  const all = (await runs()).filter((r) => MAP in r.metrics && TIME in r.metrics);
  const least = [...all].sort((a, b) => a.metrics[TIME]! - b.metrics[TIME]!)[0]!;
  const best = [...all].sort((a, b) => b.metrics[MAP]! - a.metrics[MAP]!)[0]!;
  await open(page, (await address('run-pick')).split('?')[0]!);
  await mark(page);
  await expect(page.getByRole('button', { name: 'Apply' })).toHaveCount(0);
  await page.getByRole('combobox', { name: 'Best by' }).selectOption(TIME);
  await expect(finding(page)).toContainText(`${least.run_name} is the best of`);
  await page.goBack();
  await expect(finding(page)).toContainText(`${best.run_name} is the best of`);
  await stayed(page);
});

test('of the fleet: a limit holds on each device, in place', async ({ page }) => {
  await open(page, '/compare/pick');
  await mark(page);
  await page.getByRole('combobox', { name: /^(A|Another) limit$/ }).selectOption('mAP50');
  await page.getByRole('combobox', { name: 'At most or at least' }).selectOption('≥');
  await page.getByRole('textbox', { name: 'Value' }).fill('0.999');
  await page.getByRole('button', { name: 'Add' }).click();
  const answers = page.locator('.finding');
  await expect(answers.first()).toContainText('keeps to all limits');
  expect(await answers.count()).toBeGreaterThan(1);
  for (const text of await answers.allInnerTexts()) expect(text).toContain('keeps to all limits');
  await expect(table(page, 'Candidates').first()).toContainText('breaks mAP50 ≥ 0.999');
  expect(await limits(page)).toEqual(['mAP50 ≥ 0.999']);
  await stayed(page);
});
