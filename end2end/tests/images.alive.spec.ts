// Images of runs once scripts run: the slider, the keys, and zoom and pan of all of them together.
import type { Page } from '@playwright/test';
import { address, expect, main, mark, open, settled, stayed, test } from './support';

const shown = (page: Page) => page.locator('[data-step-shown]');
const scales = (page: Page) => main(page).locator('.image-frame img').evaluateAll((all) => all.map((i) => new DOMMatrix(getComputedStyle(i).transform).a));
const ready = (page: Page) => expect(page.locator('.stepper input[type=range]')).toBeVisible();

test('keys and slider change the step of all images in place, and leave no trail in the history', async ({ page }) => {
  await open(page, await address('images'));
  await ready(page);
  await mark(page);
  const before = await page.evaluate(() => history.length);
  const last = await shown(page).innerText();
  await main(page).locator('figure').first().hover();
  await expect(async () => {
    await page.keyboard.press('ArrowLeft');
    await expect(shown(page)).not.toHaveText(last, { timeout: 500 });
  }).toPass();
  await settled(page);
  await page.getByRole('slider', { name: 'Step' }).fill('0');
  await expect(page).toHaveURL(/step=0/);
  await settled(page);
  await expect(shown(page)).toHaveText(/^Step 0 \(1 of/);
  for (const path of await main(page).locator('figure img').evaluateAll((all) => all.map((i) => (i as HTMLImageElement).src))) {
    expect(decodeURIComponent(path)).toContain('+step+0+');
  }
  expect(await page.evaluate(() => history.length)).toBe(before);
  await stayed(page);
});

test('all images zoom and move together, and stay so at another step', async ({ page }) => {
  await open(page, `${await address('images')}&step=20`);
  await ready(page);
  await expect(async () => {
    await page.getByRole('button', { name: 'Larger' }).click();
    expect((await scales(page)).every((s) => s > 1)).toBe(true);
  }).toPass();
  const zoomed = await scales(page);
  expect(zoomed).toHaveLength(2);
  expect(new Set(zoomed).size).toBe(1);
  const frame = main(page).locator('.image-frame').first();
  const box = (await frame.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 30, box.y + box.height / 2 + 20, { steps: 3 });
  await page.mouse.up();
  // Columns of a grid differ by parts of a pixel.
  const moved = await main(page).locator('.image-frame img').evaluateAll((all) => all.map((i) => new DOMMatrix(getComputedStyle(i).transform)).map((m) => [m.e, m.f]));
  expect(moved[0]![0]).toBeLessThan(0);
  for (const axis of [0, 1]) expect(Math.abs(moved[0]![axis]! - moved[1]![axis]!)).toBeLessThan(1);
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(/step=30/);
  await settled(page);
  expect(await scales(page)).toEqual(zoomed);
  await page.keyboard.press('0');
  expect(await scales(page)).toEqual([1, 1]);
});
