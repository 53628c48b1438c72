// Saved views and signing in without a script: forms, redirects, pages.
import { expect, test } from './support';
import { button, saved, signIn, stories, team } from './views';

stories(async () => {}, async (page, url) => { await expect(page).toHaveURL(url); });

test('a form that is sent again from the history saves one view', async ({ page }) => {
  const { own, kim } = await team();
  await signIn(page, own, kim, '/views?act=save&link=%2F&name=twice');
  const key = await page.locator('input[name=key]').inputValue();
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  await button(page, 'Save view').click();
  await expect(page).toHaveURL(`${own.url}/views?done=saved&view=1`);
  const again = await page.request.post(`${own.url}/views`, {
    form: { act: 'save', name: 'twice', link: '/', shared: 'false', key }, headers: { accept: 'text/html', origin: own.url }, maxRedirects: 0,
  });
  expect([again.status(), again.headers()['location']]).toEqual([303, '/views?done=saved&view=1']);
  await page.reload();
  await expect(saved(page)).toHaveCount(1);
});

test('what is refused is a page of its own status, at an address that can be loaded again', async ({ page, guard }) => {
  guard.allow(/status of 400/);
  const { own, kim } = await team();
  await signIn(page, own, kim, '/views?act=save&link=%2F&name=');
  const answer = page.waitForResponse((r) => r.request().method() === 'POST');
  await button(page, 'Save view').click();
  expect((await answer).status()).toBe(400);
  await expect(page).toHaveURL(`${own.url}/views`);
  expect((await page.goto(page.url()))!.status()).toBe(200);
});
