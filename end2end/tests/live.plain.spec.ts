// Following new records without a script: the page comes again by itself when it was asked to, and only then.
import { Own, record } from './servers';
import { expect, table, test, tiles } from './support';

const HOUR = 3_600_000;
const past = () => Array.from({ length: 24 }, (_, i) => record(Date.now() - i * HOUR - HOUR / 2, 0.8));

test('a page that is to refresh every five seconds comes again by itself', async ({ page }) => {
  const own = await Own.start(past());
  await page.goto(`${own.url}/?refresh=5s`);
  await expect(tiles(page).first()).toContainText('n 24');
  own.append(record(Date.now(), 0.5));
  await expect(tiles(page).first()).toContainText('n 25', { timeout: 12_000 });
});

test('unasked a page does not load itself again, and says of when it is', async ({ page }) => {
  await page.goto('/');
  await expect(page.locator('gf-live')).toHaveText(/^as of \d\d:\d\d:\d\d UTC$/);
  expect(await page.locator('noscript').allTextContents()).not.toContainEqual(expect.stringContaining('refresh'));
  expect(await page.content()).not.toContain('http-equiv="refresh"');
});

test('the menu of the refresh opens, leads and says which way is taken', async ({ page }) => {
  await page.goto('/?from=now-30d');
  await page.locator('details.follow > summary').click();
  await page.getByRole('link', { name: 'Off', exact: true }).click();
  await expect(page).toHaveURL('/?from=now-30d&refresh=off');
  await expect(page.locator('details.follow [aria-current]')).toHaveText('Off');
});

test('an unknown refresh is refused with a sentence', async ({ page, guard }) => {
  guard.allow(/status of 400/);
  expect((await page.goto('/?refresh=7s'))!.status()).toBe(400);
  await expect(page.getByRole('main')).toContainText(/refresh/);
});

test('records that arrive are among the rows of the next look, with their file and line', async ({ page }) => {
  const own = await Own.start(past());
  own.append(record(Date.now(), 0.123, { zone: 'Fresh' }));
  await expect.poll(async () => { await page.goto(`${own.url}/records`); return page.locator('.lead').innerText(); }).toMatch(/^25 records/);
  const row = table(page, 'Records behind the numbers').getByRole('row').nth(1);
  await expect(row).toContainText('Fresh');
  await expect(row).toContainText('0.123');
  await expect(row).toContainText(/metrics_\d{4}-\d\d-\d\d\.jsonl/);
});

test('a wall without a script has no rail and no controls either', async ({ page }) => {
  await page.goto('/?kiosk=1');
  await expect(page.locator('.rail')).toBeHidden();
  for (const control of await page.locator('button, input, select').all()) await expect(control).toBeHidden();
  expect(await tiles(page).count()).toBe(6);
});
