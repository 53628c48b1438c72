// Saved views and signing in after hydration: in place, without losing a document or a word.
import AxeBuilder from '@axe-core/playwright';
import { alive, expect, mark, open, settled, stayed, test } from './support';
import { button, result, saved, signIn, stories, team } from './views';

stories(alive, async (page, url) => {
  await expect(page).toHaveURL(url);
  await alive(page);
});

test('saving, changing and choosing happen in place', async ({ page }) => {
  const { own, kim } = await team();
  await signIn(page, own, kim, '/');
  await alive(page);
  await mark(page);
  await page.getByRole('link', { name: 'Save view' }).click();
  await expect(page).toHaveURL(/\/views\?act=save&/);
  await settled(page);
  await button(page, 'Save view').click();
  await expect(result(page)).toContainText('is saved');
  await button(page, /^Start with /).click();
  await expect(result(page)).toContainText('You start with');
  await page.goBack();
  await expect(result(page)).toContainText('is saved');
  await stayed(page);
});

test('a form that is sent twice at once saves one view', async ({ page }) => {
  const { own, kim } = await team();
  await signIn(page, own, kim, '/views?act=save&link=%2F&name=twice');
  await alive(page);
  await page.locator('main form').evaluate((form: HTMLFormElement) => { form.requestSubmit(); form.requestSubmit(); });
  await expect(page).toHaveURL(`${own.url}/views?done=saved&view=1`);
  await settled(page);
  await expect(saved(page)).toHaveCount(1);
});

test('a view that is refused is corrected in place', async ({ page, guard }) => {
  guard.allow(/status of 400/);
  const { own, kim } = await team();
  await signIn(page, own, kim, '/views?act=save&link=%2F&name=');
  await alive(page);
  await mark(page);
  await button(page, 'Save view').click();
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Name').fill('now');
  await button(page, 'Save view').click();
  await expect(result(page)).toContainText('“now” is saved.');
  await stayed(page);
});

test('while no server answers a form says so and keeps what was typed', async ({ page, guard }) => {
  guard.allow(/ERR_|Failed to fetch|502|503/);
  const { own, kim } = await team();
  await signIn(page, own, kim, '/views?act=save&link=%2F&name=');
  await alive(page);
  await page.getByLabel('Name').fill('patience');
  await page.route('**/views', (route) => route.abort());
  await button(page, 'Save view').click();
  await expect(page.getByRole('alert').filter({ hasText: /./ })).toHaveText('the server cannot be reached');
  await expect(page.getByLabel('Name')).toHaveValue('patience');
  await page.unroute('**/views');
  await button(page, 'Save view').click();
  await expect(result(page)).toContainText('“patience” is saved.');
});

test('a page that is loaded anew keeps what was typed', async ({ page }) => {
  const { own, kim } = await team();
  await signIn(page, own, kim, '/views?act=save&link=%2F&name=');
  await alive(page);
  await page.getByLabel('Name').fill('half a na');
  const answer = page.waitForResponse(/\/sf\/views/);
  await page.evaluate(() => { window.dispatchEvent(new Event('gf:refresh')); });
  await answer;
  await settled(page);
  await expect(page.getByLabel('Name')).toHaveValue('half a na');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious on any page of views in ${colorScheme}, and none is wider than its screen`, async ({ page, guard }) => {
    test.slow();
    guard.allow(/status of 400/);
    const { own, lee } = await team();
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await signIn(page, own, lee, '/views');
    await alive(page);
    const found: string[] = [];
    const look = async (what: string) => {
      await settled(page);
      for (const width of [320, 390, 820, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await expect.poll(() => page.evaluate(() => document.scrollingElement!.scrollWidth), `${what} at ${width} px`).toBeLessThanOrEqual(width);
        if (width === 320 || width === 820) continue;
        const { violations } = await new AxeBuilder({ page }).analyze();
        for (const v of violations.filter((x) => x.impact === 'serious' || x.impact === 'critical')) {
          found.push(`${what} at ${width} px: ${v.id}: ${v.help}; ${v.nodes[0]?.target} ${v.nodes[0]?.failureSummary ?? ''}`);
        }
      }
    };
    await look('no views');
    for (const name of ['a', 'b'.repeat(80)]) {
      await open(page, `${own.url}/views?act=save&link=%2Ftrends%3Fmetric%3DmAP50%26from%3Dnow-30d&name=${name}`);
      if (name !== 'a') await look('the form');
      await page.getByLabel('Everybody who can sign in here').check();
      await button(page, 'Save view').click();
      await expect(result(page)).toContainText('is saved');
    }
    await button(page, 'Start with it: a').click();
    await expect(result(page)).toContainText('You start with');
    await look('the list');
    await open(page, `${own.url}/views?act=change&view=1`);
    await page.getByLabel('Name').fill('');
    await button(page, 'Save changes').click();
    await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
    await look('a refused form');
    await open(page, `${own.url}/views?act=delete&view=2`);
    await look('the question');
    expect(found).toEqual([]);
  });
}
