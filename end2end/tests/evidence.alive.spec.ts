// Evidence after hydration: the same stories, in place where they can be.
import AxeBuilder from '@axe-core/playwright';
import { BETTER, LIST, duel, fill, form, register, stories, verdict } from './evidence';
import { Own } from './servers';
import { CUSTOMER, alive, expect, main, mark, open, settled, stayed, test } from './support';

stories(alive, async (page, url) => {
  await expect(page).toHaveURL(url);
  await alive(page);
});

test('a refused form keeps what was typed when the page is loaded anew in place', async ({ page, guard }) => {
  guard.allow(/status of 400/);
  const own = await Own.start(duel({ sites: 2, days: 2 }));
  await open(page, own.url + LIST);
  await fill(page, { Champion: 'det:1', Challenger: 'det:2', Days: 'many' });
  await register(page);
  await expect(main(page).getByRole('alert').filter({ hasText: /\S/ })).toHaveText('“many” is no number');
  await alive(page);
  // What puts only what is different in its place comes a second later.
  await page.waitForTimeout(1_500);
  await form(page).getByLabel('Margin', { exact: true }).fill('0.0');
  await page.evaluate(() => { (document.activeElement as HTMLElement).blur(); });
  const answer = page.waitForResponse(/\/sf\/registered/);
  await page.evaluate(() => { window.dispatchEvent(new Event('gf:refresh')); });
  await answer;
  await settled(page);
  await page.waitForTimeout(300);
  await expect.soft(form(page).locator('details'), 'the form is open').toHaveAttribute('open', '', { timeout: 2_000 });
  for (const [name, value] of [['Champion', 'det:1'], ['Challenger', 'det:2'], ['Days', 'many'], ['Margin', '0.0']] as const) {
    await expect.soft(form(page).getByLabel(name, { exact: true }), name).toHaveValue(value, { timeout: 2_000 });
  }
});

test('what is typed into the form stays while the list beside it changes', async ({ page }) => {
  const own = await Own.start(duel({ sites: 2, days: 2 }));
  await open(page, own.url + LIST);
  await page.waitForTimeout(1_500);
  await fill(page, { Champion: 'det:1', Challenger: 'de', Days: '20' });
  // Somebody looks elsewhere, which registers a comparison.
  await fetch(`${own.url}/compare?baseline=det:1&models=det:2`, { headers: { accept: 'text/html' } });
  await page.evaluate(() => { (document.activeElement as HTMLElement).blur(); });
  await expect(async () => {
    await page.evaluate(() => { window.dispatchEvent(new Event('gf:refresh')); });
    await expect(page.locator('tr#comparison-1')).toHaveCount(1, { timeout: 1_000 });
  }).toPass({ timeout: 10_000 });
  await settled(page);
  for (const [name, value] of [['Champion', 'det:1'], ['Challenger', 'de'], ['Days', '20']] as const) {
    await expect.soft(form(page).getByLabel(name, { exact: true }), name).toHaveValue(value, { timeout: 2_000 });
  }
});

test('what changed follows its form and its range in place', async ({ page }) => {
  await open(page, `/changes?customer=${encodeURIComponent(CUSTOMER)}`);
  await mark(page);
  const finding = main(page).getByRole('heading', { level: 2 }).first();
  await expect(finding).toContainText('mAP50 of Customer B');
  await page.getByRole('combobox', { name: 'Metric' }).selectOption('recall');
  await expect(finding).toContainText('Recall of Customer B');
  await expect(page).toHaveURL(/metric=recall/);
  await page.getByRole('group', { name: 'Range' }).locator('summary').click();
  await page.getByRole('group', { name: 'Range' }).getByRole('link', { name: 'Last 30 days' }).click();
  await expect(finding).toContainText('against the 30 days before');
  await page.goBack();
  await expect(finding).toContainText('against the 7 days before');
  await stayed(page);
});

test('a plan follows its form in place', async ({ page }) => {
  await open(page, '/compare/plan');
  await mark(page);
  await page.getByRole('combobox', { name: 'Metric' }).selectOption('recall');
  await expect(main(page).getByRole('heading', { level: 2 })).toContainText(/in recall would be called better/i);
  await stayed(page);
});

test('the ways between the pages of evidence load no page', async ({ page }) => {
  await open(page, BETTER);
  await mark(page);
  await verdict(page).getByRole('link', { name: 'Plan a comparison' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Plan a comparison');
  await expect(page.getByRole('combobox', { name: 'Champion' })).toHaveValue('models:/detector-medium/2');
  await page.goBack();
  await verdict(page).getByRole('link', { name: 'Registered comparisons' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Registered comparisons');
  await page.getByRole('link', { name: 'How this is judged' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('How numbers are judged');
  await expect(page.locator('h2#verdict')).toBeInViewport();
  await stayed(page);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious in a verdict, a list with all states and refused forms in ${colorScheme}`, async ({ page, guard }) => {
    test.slow();
    guard.allow(/status of 400/);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const own = await Own.start(duel());
    const found: string[] = [];
    const look = async (what: string) => {
      await alive(page);
      for (const width of [320, 390, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await expect.poll(() => page.evaluate(() => document.scrollingElement!.scrollWidth), `${what} at ${width} px`).toBeLessThanOrEqual(width);
        if (width === 320) continue;
        await page.evaluate(() => { for (const d of document.querySelectorAll('main details')) (d as HTMLDetailsElement).open = true; });
        const { violations } = await new AxeBuilder({ page }).analyze();
        for (const v of violations.filter((x) => x.impact === 'serious' || x.impact === 'critical')) {
          found.push(`${what} at ${width} px: ${v.id}: ${v.help}; ${v.nodes[0]?.target} ${v.nodes[0]?.failureSummary ?? ''}`);
        }
      }
    };
    await page.goto(`${own.url}/compare?baseline=det:1&models=det:2&refresh=off`);
    await look('a verdict');
    await page.goto(`${own.url}${LIST}?refresh=off`);
    for (const days of ['20', '30']) {
      await fill(page, { Champion: 'det:1', Challenger: 'det:2', Metric: 'recall', Days: days });
      await register(page);
      await page.waitForURL(/done=/);
      if (days === '20') await page.goto(`${own.url}${LIST}?champion=det:1&challenger=det:2&metric=recall&supersedes=2&refresh=off`);
    }
    await look('the list');
    await fill(page, { Champion: 'det:1', Days: 'many' });
    await register(page);
    await page.waitForLoadState();
    await look('a refused form');
    expect(found).toEqual([]);
  });
}
