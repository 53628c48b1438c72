// Models after hydration: the same stories, and the list that follows what happens.
import { registry, send, stories } from './models';
import { alive, expect, main, mark, open, stayed, test } from './support';

stories(alive);

test('the list follows a champion that changes, without being loaded anew', async ({ page }) => {
  const own = await registry();
  await open(page, `${own.url}/models`);
  await mark(page);
  const row = main(page).getByRole('row').filter({ has: page.getByRole('link', { name: 'detector', exact: true }) });
  await expect(row.getByRole('cell').first()).toHaveText('v1');
  await send(own, '/api/models/detector/promotions', { version: '2', to: 'production', expected: '1', reason: 'better' });
  await expect(row.getByRole('cell').first()).toHaveText('v2');
  await stayed(page);
});

test('the palette finds a model by a part of its name', async ({ page }) => {
  const own = await registry();
  await open(page, own.url);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('detec');
  await page.getByRole('option', { name: /^detector/ }).filter({ hasText: 'Versions and history' }).first().click();
  await expect(page).toHaveURL(/\/models\/detector$/);
});

test('a champion that changed is marked on the trend, once', async ({ page }) => {
  await open(page, '/trends?days=60&refresh=off');
  const labels = await page.locator('.marker-label').allTextContents();
  expect(labels).toContain('detector-medium → 2');
  expect(labels).not.toContain('detector-medium 2');
});
