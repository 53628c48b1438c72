// Images of runs without a script: pages of a step, side by side, and every one opens.
import { address, expect, main, test } from './support';

test('a step is a page of its own: from all steps to one, and to the next', async ({ page }) => {
  const ids = new URL(await address('images'), 'http://x').searchParams.get('ids')!;
  await page.goto(`/runs/images?ids=${ids.split(',')[0]!}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Images of');
  const frames = main(page).locator('figure a.image-frame');
  expect(await frames.count()).toBeGreaterThanOrEqual(5);
  await frames.nth(1).click();
  await expect(main(page)).toContainText('Step 10 (2 of');
  await page.getByRole('navigation', { name: 'Steps' }).getByRole('link', { name: 'Next step' }).click();
  await expect(page).toHaveURL(/step=20/);
  await expect(main(page).locator('figure')).toHaveCount(1);
  await main(page).getByRole('link', { name: /^Open val\/predictions/ }).click();
  await expect(page.locator('.preview img')).toBeVisible();
});

test('images of two runs stand side by side, whole, and their difference is laid over', async ({ page }) => {
  await page.goto(await address('images'));
  const pictures = main(page).locator('figure img');
  await expect(pictures).toHaveCount(2);
  await expect.poll(() => pictures.evaluateAll((all) => all.map((i) => (i as HTMLImageElement).naturalWidth))).toEqual([320, 320]);
  await main(page).getByRole('link', { name: 'Difference from this one' }).first().click();
  await expect(page).toHaveURL(/diff=/);
  await expect(main(page)).toContainText('black where both are equal');
  expect(await main(page).locator('.difference .laid-over').evaluate((e) => getComputedStyle(e).mixBlendMode)).toBe('difference');
  await main(page).getByRole('link', { name: 'Show images as they are' }).click();
  await expect(main(page).locator('.difference')).toHaveCount(0);
});

test('a run leads to its images, and the form chooses another one', async ({ page }) => {
  await page.goto(await address('run'));
  await page.getByRole('navigation', { name: 'Parts of the run' }).getByRole('link', { name: 'Images' }).click();
  await page.getByRole('combobox', { name: 'Image', exact: true }).selectOption('plots/loss.png');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(main(page)).toContainText('This image has no step.');
});
