// Evidence without a script: verdicts, registered comparisons and guard-rails by forms, what changed, plans, statistics.
import { duel, fill, form, LIST, register, stories } from './evidence';
import { Own, TOKEN } from './servers';
import { at, expect, main, test } from './support';

stories(async () => {}, async (page, url) => { await expect(page).toHaveURL(url); });

test('what is refused is a page of its own status, at an address that can be loaded again', async ({ page, guard }) => {
  guard.allow(/status of 400/);
  const own = await Own.start(duel({ sites: 2, days: 2 }));
  await page.goto(own.url + LIST);
  await fill(page, { Champion: 'det:1', Challenger: 'det:2', Days: 'x' });
  const answer = page.waitForResponse((r) => r.request().method() === 'POST');
  await register(page);
  expect((await answer).status()).toBe(400);
  expect((await page.goto(page.url()))!.status()).toBe(200);
  await expect(main(page)).toContainText('No comparison is registered.');
});

test('an act that there is none of is refused with a sentence', async ({ request }) => {
  const answer = await request.post(`${at.demo}${LIST}`, { form: { act: 'erase', champion: 'x' }, headers: { accept: 'text/html', origin: at.demo } });
  expect(answer.status()).toBe(400);
  expect(await answer.text()).toContain('“erase” is nothing that this page does');
});

test('a form of another site is refused, and nothing is registered', async ({ request }) => {
  const own = await Own.start(duel({ sites: 2, days: 2 }));
  const answer = await request.post(own.url + LIST, {
    form: { act: 'register', champion: 'det:1', challenger: 'det:2' }, headers: { accept: 'text/html', origin: 'https://evil.example.com' }, maxRedirects: 0,
  });
  expect(answer.status()).toBe(403);
  expect(await (await request.get(own.url + LIST)).text()).toContain('No comparison is registered.');
});

test('who is not signed in registers nothing', async ({ request }) => {
  const answer = await request.post(at.guarded + LIST, { form: { act: 'register', champion: 'a:1', challenger: 'b:1' }, headers: { accept: 'text/html', origin: at.guarded }, maxRedirects: 0 });
  expect([303, 401, 403]).toContain(answer.status());
  expect(TOKEN.length).toBeGreaterThan(31);
});

test('an empty folder has no comparison, no change and no plan, and says so', async ({ page }) => {
  for (const [url, words] of [
    [LIST, 'No comparison is registered.'], ['/changes', 'No records yet'], ['/compare/plan', 'No model has been measured yet'],
  ] as const) {
    expect((await page.goto(at.empty + url))!.status(), url).toBe(200);
    await expect(main(page)).toContainText(words);
  }
});

test('two models without a verdict say why, and never a NaN', async ({ page }) => {
  const own = await Own.start(duel({ sites: 1, days: 1 }));
  await page.goto(`${own.url}/compare?baseline=det:1&models=det:2`);
  await expect(page.locator('section.verdict .verdict-word')).toHaveText('Not decisive');
  await expect(page.locator('section.verdict h2')).toHaveText(/^(Provisional until [^:]+: )?Not decisive: the two share \d+ (site|day)s? /i);
  expect(await main(page).innerText()).not.toMatch(/NaN|Infinity|∞/);
  await expect(form(page)).toHaveCount(0);
});
