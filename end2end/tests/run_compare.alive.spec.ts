// Runs side by side once scripts run: ranges are dragged along axes, and runs that are selected in a list lead here.
import type { Page } from '@playwright/test';
import { address, comparison, expect, mark, open, settled, several, stayed, table, test } from './support';

const parallel = (page: Page) => page.locator('.parallel');
const greyed = (page: Page) => parallel(page).locator('path.line.s9');
const brushes = (page: Page) => new URL(page.url()).searchParams.getAll('brush');
type Axes = [string, [number, number]][];
const axes = async (page: Page) => JSON.parse((await parallel(page).getAttribute('data-axes'))!) as Axes;

/** Where on the screen an axis has a part of its height, from 0 at its bottom to 1 at its top. */
async function place(page: Page, column: string, part: number) {
  await parallel(page).scrollIntoViewIfNeeded();
  const i = (await axes(page)).findIndex(([name]) => name === column);
  expect(i, column).toBeGreaterThanOrEqual(0);
  const box = (await parallel(page).locator('line.base').nth(i).boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height * (1 - part) };
}

async function drag(page: Page, column: string, from: number, to: number) {
  const [a, b] = [await place(page, column, from), await place(page, column, to)];
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move(b.x, b.y, { steps: 4 });
  await expect(page.locator('.brushing')).toBeVisible();
  await page.mouse.up();
  await expect(page.locator('.brushing')).toHaveCount(0);
}
async function click(page: Page, column: string) {
  const { x, y } = await place(page, column, 0.5);
  await page.mouse.click(x, y);
}

test('dragging along an axis asks for that range and greys the runs outside; a click takes it away', async ({ page }) => {
  const chosen = await several(10);
  await open(page, comparison(chosen));
  await mark(page);
  const [bottom, top] = new Map(await axes(page)).get('metrics.system/inference_time_ms')!;
  await drag(page, 'metrics.system/inference_time_ms', 0.5, 1);
  await expect.poll(() => brushes(page)).toHaveLength(1);
  const [, low, high] = /^metrics\.system\/inference_time_ms:([\d.]+)\.\.([\d.]+)$/.exec(brushes(page)[0]!)!;
  // Less is better and on top; a pixel of 220 is what a hand is good for.
  const pixel = Math.abs(top - bottom) / 220;
  expect(Math.abs(Number(low) - top)).toBeLessThan(2 * pixel);
  expect(Math.abs(Number(high) - (top + bottom) / 2)).toBeLessThan(2 * pixel);
  const outside = chosen.filter((r) => r.metrics['system/inference_time_ms']! > Number(high) || r.metrics['system/inference_time_ms']! < Number(low));
  expect(outside.length).toBeGreaterThan(0);
  expect(outside.length).toBeLessThan(10);
  await expect(greyed(page)).toHaveCount(outside.length);
  // Another axis: both ranges hold.
  await drag(page, 'params.lr', -0.05, 0.6);
  await expect.poll(() => brushes(page).map((b) => b.replace(/:.*/, '')).sort()).toEqual(['metrics.system/inference_time_ms', 'params.lr']);
  await expect.poll(() => greyed(page).count()).toBeGreaterThan(outside.length);
  await settled(page);
  await click(page, 'params.lr');
  await expect.poll(() => brushes(page)).toHaveLength(1);
  await expect(greyed(page)).toHaveCount(outside.length);
  await settled(page);
  await click(page, 'metrics.system/inference_time_ms');
  await expect(page).not.toHaveURL(/brush/);
  await expect(greyed(page)).toHaveCount(0);
  await stayed(page);
});

test('a range that is dragged takes the place of the one that was typed', async ({ page }) => {
  await open(page, comparison(await several(10)));
  await page.getByText('Ranges in numbers').click();
  await page.getByRole('spinbutton', { name: 'lr to' }).fill('0.006');
  await page.keyboard.press('Enter');
  await expect(greyed(page)).not.toHaveCount(0);
  await settled(page);
  const before = await greyed(page).count();
  await drag(page, 'params.lr', -0.05, 1.05);
  await expect(greyed(page), 'all lie within the whole axis').toHaveCount(0);
  expect(before).toBeGreaterThan(0);
  await settled(page);
  await click(page, 'params.lr');
  await expect(page).not.toHaveURL(/brush/);
});

test('the page stays where it is while ranges are dragged and curves are chosen', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 600 });
  await open(page, comparison(await several(10)));
  await drag(page, 'metrics.val/mAP50', 0.5, 1);
  await expect(greyed(page)).not.toHaveCount(0);
  await settled(page);
  await expect(parallel(page)).toBeInViewport();
  const along = page.getByRole('combobox', { name: 'Along' });
  await along.scrollIntoViewIfNeeded();
  await along.selectOption('time');
  await expect(page).toHaveURL(/axis=time/);
  await settled(page);
  await expect(along).toBeInViewport();
});

test('a press that moves nowhere near an axis asks for nothing', async ({ page }) => {
  await open(page, comparison(await several(10)));
  const [a, b] = [await place(page, (await axes(page))[0]![0], 0.5), await place(page, (await axes(page))[1]![0], 0.5)];
  await page.mouse.move((a.x + b.x) / 2, a.y);
  await page.mouse.down();
  await page.mouse.move((a.x + b.x) / 2, a.y - 60, { steps: 3 });
  await expect(page.locator('.brushing')).toHaveCount(0);
  await page.mouse.up();
  await expect(page).not.toHaveURL(/brush/);
});

test('layout, differences, order, baseline and metric change in place', async ({ page }) => {
  const chosen = await several(3);
  await open(page, comparison(chosen));
  await mark(page);
  const side = table(page, 'Runs side by side');
  await page.locator('.facets').getByRole('link', { name: 'rows' }).click();
  await expect(side.locator('tbody th.run-head')).toHaveCount(3);
  await page.locator('.facets').getByRole('link', { name: /^that differ/ }).click();
  await expect(page).toHaveURL(/diff=1/);
  await side.locator('thead a[title="metrics.val/mAP50"]').click();
  await expect(side.locator('th[aria-sort]')).toHaveCount(1);
  await page.getByRole('combobox', { name: 'Baseline' }).selectOption(chosen[1]!.run_name);
  await expect(side.locator('th.baseline bdi')).toHaveText(chosen[1]!.run_name);
  await page.getByRole('combobox', { name: 'Judged by' }).selectOption('val/recall');
  await expect(page.getByRole('heading', { name: 'What goes with val/recall' })).toBeVisible();
  await stayed(page);
});

test('rows that are selected in a list of runs are compared', async ({ page }) => {
  await open(page, await address('runs'));
  await mark(page);
  const rows = table(page, 'Runs');
  const button = page.getByRole('button', { name: 'Compare selected' });
  const names: string[] = [];
  for (const i of [0, 2, 3]) {
    await rows.getByRole('checkbox').nth(i).check();
    names.push((await rows.getByRole('rowheader').nth(i).getByRole('link').first().innerText()).trim());
  }
  await button.click();
  await expect(page).toHaveURL(/^[^?]*\/runs\/compare\?/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Compare runs');
  expect((await page.locator('.run-head > a bdi').allInnerTexts()).sort()).toEqual(names.sort());
  await stayed(page);
});
