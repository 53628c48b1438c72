// What the tests of evidence share: a champion and a challenger of our own, and stories that hold with and without a script.
import type { Page } from '@playwright/test';
import { Own, record } from './servers';
import { expect, main, names, number, path, steady, table, test } from './support';

export const BETTER = '/compare?baseline=yolov10m:1.1.0&models=yolov10m:1.2.0';
export const OPEN = '/compare?baseline=rtdetr-r50:1.0.0&models=rtdetr-r50:1.1.0';
export const LIST = '/compare/registered';
const DAY = 86_400_000;

/** The verdict beside a comparison. */
export const verdict = (page: Page) => page.locator('section.verdict');
export const comparison = (page: Page, id: number) => page.locator(`tr#comparison-${id}`);
export const form = (page: Page) => page.locator('section.registering');
/** What is judged by: the guard-rails of a model, and their forms. */
export const rails = (page: Page) => page.locator('section').filter({ has: page.locator('h2#rails') });
const field = (page: Page, name: string) => form(page).getByLabel(name, { exact: true });

/** A champion `det 1` and, from half the days on, a challenger `det 2`, at so many sites of acme. */
export function duel({ sites = 6, days = 8, gain = 0 }: { sites?: number; days?: number; gain?: number } = {}): object[] {
  const lines: object[] = [];
  for (let site = 0; site < sites; site++) {
    for (let i = 0; i < days * 4; i++) {
      const at = Date.now() - i * DAY / 4 - site * 60_000 - 60_000;
      const scatter = ((site * 7 + i * 13) % 11) / 1_000;
      for (const [version, kind, more] of [['1', 'production', 0], ['2', 'shadow', gain]] as const) {
        if (version === '2' && i >= days * 2) continue;
        const x = 0.8 + scatter + more;
        lines.push(record(at, x, {
          customer: 'acme', site: `s${site}`, model_architecture: 'det', model_version: version, experiment_type: kind,
          detection: { mAP50: x, recall: x - 0.1 }, system: { inference_time_ms: 20 + scatter },
        }));
      }
    }
  }
  return lines;
}

/** Fills the form that registers; what is not said is left as it is. */
export async function fill(page: Page, values: Record<string, string>) {
  const details = form(page).locator('details');
  if (!(await details.evaluate((d) => (d as HTMLDetailsElement).open))) await details.locator('summary').click();
  for (const [name, value] of Object.entries(values)) await field(page, name).fill(value);
}
export const register = (page: Page) => form(page).getByRole('button', { name: 'Register' }).click();

/** The same with and without a script. */
export function stories(ready: (page: Page) => Promise<void>, arrived: (page: Page, url: string | RegExp) => Promise<void>) {
  const go = async (page: Page, url: string) => {
    const response = await page.goto(url);
    await ready(page);
    return response!;
  };

  for (const [url, word, sentence] of [
    [BETTER, 'Better', /detector-medium 3 is better: mAP50 differs by \+0\.\d+ at a typical site \(\d+ sites\), and every guard-rail that could be checked is kept\.$/],
    [OPEN, 'Not decisive', /^(Provisional until [^:]+: )?Not decisive: the difference in mAP50 .*\.$/i],
  ] as const) {
    test(`the challenger of ${url} is said to be: ${word}`, async ({ page }) => {
      await go(page, url);
      await expect(verdict(page).locator('.verdict-word')).toHaveText(word);
      await expect(verdict(page).getByRole('heading', { level: 2 })).toHaveText(sentence);
      const rows = verdict(page).getByRole('table');
      const primary = rows.getByRole('row').filter({ hasText: 'decides' });
      await expect(primary.getByRole('rowheader')).toHaveText(/^mAP50\s+decides$/);
      // A difference inside of its interval, twice: of a typical site and of the fleet; how many sites and days; the guard-rail.
      const cells = (await primary.getByRole('cell').allInnerTexts()).map(steady);
      for (const cell of [cells[0]!, cells[2]!]) {
        expect(cell).toMatch(/^[+−]?0\.\d+ [+−]?0\.\d+ … [+−]?0\.\d+$/);
        const [size, low, high] = cell.split(/ (?:… )?/).map(number);
        expect(low!).toBeLessThanOrEqual(size!);
        expect(high!).toBeGreaterThanOrEqual(size!);
        if (word === 'Better' && cell === cells[0]) expect(low!, 'beyond zero').toBeGreaterThan(0);
      }
      expect(number(cells[3]!)).toBeGreaterThanOrEqual(12);
      expect(number(cells[4]!)).toBeGreaterThanOrEqual(12);
      // The primary has its margin; the others have guard-rails, which the better one keeps.
      const kept = await rows.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Recall', exact: true }) }).getByRole('cell').last().innerText();
      expect(kept).toMatch(word === 'Better' ? /kept/ : /kept|in doubt/);
      expect(await rows.innerText()).not.toMatch(word === 'Better' ? /broken|NaN/ : /NaN/);
      await expect(verdict(page)).toContainText(/It is about .+ to .+, registered by its first look\. Looked at on \d+ days?; the verdict allows for a look every day, the intervals are those of one\./);
      await verdict(page).locator('details > summary').click();
      await expect(verdict(page).locator('.notes-list li').first()).toBeVisible();
    });
  }

  test('intervals lead to how they are made, and the verdict to how it is judged', async ({ page }) => {
    for (const [name, section] of [['95 % interval', 'mean-over-sites-and-its-interval'], ['How this is judged', 'verdict']] as const) {
      await go(page, BETTER);
      await verdict(page).getByRole('link', { name }).click();
      await arrived(page, new RegExp(`/statistics#${section}$`));
      const heading = page.locator(`h2#${section}`);
      await expect(heading).toBeInViewport();
      const top = await heading.evaluate((e) => e.getBoundingClientRect().top);
      expect(top, 'the section is at the top').toBeLessThan(200);
    }
  });

  test('a look is counted once a day, and the comparison is among the registered ones', async ({ page }) => {
    await go(page, BETTER);
    await go(page, OPEN);
    await go(page, BETTER);
    await verdict(page).getByRole('link', { name: 'Registered comparisons' }).click();
    await arrived(page, /\/compare\/registered\?.*champion=/);
    const row = page.locator('tbody tr').filter({ has: page.getByRole('link', { name: 'detector-medium 3' }) }).filter({ hasText: 'everywhere' }).filter({ hasText: /mAP50(?!-)/ }).first();
    // Looks are noted behind the answer. The comparison may come to its end just now, and then the next look makes the verdict.
    await expect(async () => {
      await go(page, BETTER);
      await go(page, LIST);
      await expect(row).toHaveCount(1, { timeout: 500 });
      await expect(row.getByRole('cell').last()).toContainText(/Better|open/, { timeout: 500 });
    }).toPass({ timeout: 30_000 });
    await expect(row).toContainText('against detector-medium 2');
    await expect(row).toContainText('first look');
    expect(number((await row.getByRole('cell').nth(5).innerText()).trim())).toBeLessThanOrEqual(2);
    expect(number((await row.getByRole('cell').nth(5).innerText()).trim())).toBeGreaterThanOrEqual(1);
    await row.getByRole('link', { name: 'detector-medium 3' }).click();
    await arrived(page, /\/compare\?baseline=models/);
    await expect(verdict(page).locator('.verdict-word')).toHaveText('Better');
  });

  test('a comparison is registered by the form, is judged by what was said there, and a new one takes its place in sight of all', async ({ page }) => {
    const own = await Own.start(duel());
    await go(page, own.url + LIST);
    await expect(main(page)).toContainText('No comparison is registered.');
    await fill(page, { Champion: 'det:1', Challenger: 'det:2', Metric: 'recall', Customer: 'acme', Days: '20', Margin: '0.02', 'Minimum effect': '0.015' });
    await register(page);
    await arrived(page, `${own.url}${LIST}?done=registered&id=1`);
    await expect(page.locator('.banner[role=status]')).toHaveText('Comparison 1 is registered.');
    await expect(comparison(page, 1)).toContainText('det 2');
    await expect(comparison(page, 1)).toContainText('against det 1');
    await expect(comparison(page, 1)).toContainText('acme');
    await expect(comparison(page, 1)).toContainText('Recall');
    await expect(comparison(page, 1)).toContainText('open, 20 days left');
    await expect(comparison(page, 1)).not.toContainText('first look');
    // Its page says who registered it, and a look is counted.
    await comparison(page, 1).getByRole('link', { name: 'det 2' }).click();
    await arrived(page, /\/compare\?/);
    await expect(verdict(page)).toContainText(/registered by \S+\. Looked at on 1 day;/);
    await expect(verdict(page)).toContainText('20 days left');
    await expect(verdict(page).getByRole('heading', { level: 2 })).toHaveText(/^(Provisional until [^:]+: )?Not decisive: .*recall/i);
    await expect(async () => {
      await go(page, own.url + LIST);
      await expect(comparison(page, 1).getByRole('cell').nth(5)).toHaveText('1', { timeout: 300 });
    }).toPass({ timeout: 10_000 });
    // In its place.
    await comparison(page, 1).getByRole('link', { name: 'Supersede comparison 1' }).click();
    await arrived(page, /supersedes=1#register$/);
    await expect(form(page)).toContainText('It takes the place of comparison 1, and starts now or later.');
    await expect(form(page).getByLabel('Champion', { exact: true })).toHaveValue('det:1');
    await expect(form(page).getByLabel('Customer', { exact: true })).toHaveValue('acme');
    await fill(page, { Days: '30' });
    await register(page);
    await arrived(page, `${own.url}${LIST}?done=registered&id=2`);
    await expect(page.locator('tbody').first().locator('tr')).toHaveCount(2);
    await expect(comparison(page, 2)).toContainText('supersedes 1');
    await expect(comparison(page, 2)).toContainText('open, 30 days left');
    await expect(comparison(page, 1)).toContainText('superseded by 2');
    await expect(comparison(page, 1).getByRole('link', { name: /^Supersede/ })).toHaveCount(0);
    await comparison(page, 1).getByRole('link', { name: 'superseded by 2' }).click();
    await arrived(page, /#comparison-2$/);
  });

  test('what is refused is said beside its field, and nothing typed is lost', async ({ page, guard }) => {
    guard.allow(/status of 40[04]/);
    const own = await Own.start(duel({ sites: 2, days: 2 }));
    const good = { Champion: 'det:1', Challenger: 'det:2', Metric: 'mAP50', Customer: 'acme', Site: 's1', Start: '', Days: '14', Margin: '0.01', 'Minimum effect': '0.02' };
    for (const [name, value, sentence, above] of [
      ['Champion', '', 'name a model, as architecture:version or models:/name/version'],
      ['Challenger', 'det:1', /held against itself/],
      // What is unknown is said above the form.
      ['Champion', 'nope:9', /no record names the model “nope:9”/, true],
      ['Challenger', 'nope:9', /no record names the model “nope:9”/, true],
      ['Metric', 'wisdom', /no metric is called “wisdom”/, true],
      ['Customer', 'Nobody', /Nobody/, true],
      ['Start', 'yesterday-ish', /yesterday-ish/],
      ['Days', 'many', '“many” is no number'],
      ['Days', '1', 'a comparison runs at least 3 days'],
      ['Days', '9000', 'a comparison runs at most 366 days'],
      ['Margin', '-1', 'a margin is a number of zero or more, in the unit of the metric'],
      ['Margin', 'NaN', 'a margin is a number of zero or more, in the unit of the metric'],
      ['Minimum effect', '0', 'a minimum effect is a number above zero, in the unit of the metric'],
      ['Minimum effect', '<b>"', '“<b>"” is no number'],
    ] as [string, string, string | RegExp, boolean?][]) {
      await test.step(`${name}: ${value || 'nothing'}`, async () => {
        await go(page, own.url + LIST);
        const values = { ...good, [name]: value };
        await fill(page, values);
        await register(page);
        await arrived(page, own.url + LIST);
        if (!above) await expect.soft(field(page, name), `${name} “${value}”`).toHaveAttribute('aria-invalid', 'true', { timeout: 2_000 });
        await expect.soft(main(page).getByRole('alert').filter({ hasText: /\S/ }), `${name} “${value}”`).toHaveText(sentence, { timeout: 2_000 });
        for (const [other, typed] of Object.entries(values)) await expect.soft(field(page, other), other).toHaveValue(typed, { timeout: 2_000 });
      });
    }
    // Corrected where it stands.
    await field(page, 'Minimum effect').fill('0.02');
    await register(page);
    await arrived(page, `${own.url}${LIST}?done=registered&id=1`);
    // The same again is refused, and that is said.
    await fill(page, good);
    await register(page);
    await arrived(page, own.url + LIST);
    await expect(main(page)).toContainText('comparison 1 asks the same and is in force', { timeout: 3_000 });
    await expect(field(page, 'Champion')).toHaveValue('det:1');
  });

  test('a superseding registration that reaches back is refused beside its start', async ({ page, guard }) => {
    guard.allow(/status of 400/);
    const own = await Own.start(duel({ sites: 2, days: 2 }));
    await go(page, own.url + LIST);
    await fill(page, { Champion: 'det:1', Challenger: 'det:2' });
    await register(page);
    await arrived(page, `${own.url}${LIST}?done=registered&id=1`);
    await go(page, `${own.url}${LIST}?champion=det:1&challenger=det:2&metric=mAP50&supersedes=1`);
    await fill(page, { Start: 'now-2d', Days: '14' });
    await register(page);
    await arrived(page, own.url + LIST);
    await expect(field(page, 'Start')).toHaveAttribute('aria-invalid', 'true');
    await expect(main(page).getByRole('alert').filter({ hasText: /\S/ })).toContainText('starts no earlier than now');
    // Who corrects it supersedes still.
    await expect(form(page)).toContainText('It takes the place of comparison 1');
    await field(page, 'Start').fill('');
    await register(page);
    await arrived(page, `${own.url}${LIST}?done=registered&id=2`);
    await expect(comparison(page, 1)).toContainText('superseded by 2');
  });

  test('guard-rails are seen, set for a place, taken back, and refused beside their field', async ({ page, guard }) => {
    guard.allow(/status of 40[04]/);
    const own = await Own.start(duel({ sites: 2, days: 2 }));
    const here = `${own.url}${LIST}?model=det`;
    const rows = async () => (await table(page, 'Guard-rails').locator('tbody tr').allInnerTexts()).map(steady);
    await go(page, here);
    await expect(rails(page)).toContainText('What versions of det are judged by');
    await expect(rails(page)).toContainText('A first look registers 14 days. Nobody set anything: these are the usual ones.');
    const usual = await rows();
    expect(usual.join('\n')).toMatch(/everywhere mAP50 at most 0\.010? worse/);
    expect(usual.join('\n')).toMatch(/everywhere Latency 30(\.0)? ms on each device, or no worse than the champion/);
    const set = async (values: Record<string, string>, kind: string) => {
      const details = rails(page).locator('details');
      if (!(await details.evaluate((d) => (d as HTMLDetailsElement).open))) await details.locator('summary').click();
      for (const [name, value] of Object.entries(values)) await rails(page).getByLabel(name, { exact: true }).fill(value);
      await rails(page).getByRole('combobox', { name: 'Guard-rail' }).selectOption({ label: kind });
      await rails(page).getByRole('button', { name: 'Set', exact: true }).click();
    };
    const done = `${own.url}${LIST}?done=rail&model=det`;
    await set({ Metric: 'recall', Customer: 'acme', Site: 's1', 'How much': '0.03' }, 'a margin');
    await arrived(page, done);
    await expect(page.locator('.banner[role=status]')).toHaveText('It is set. Comparisons that are registered keep what they were registered with.');
    expect(await rows()).toContain('acme › s1 Recall at most 0.030 worse');
    await expect(rails(page)).toContainText(/Set by \S+, /);
    await set({ Metric: 'recall', Customer: 'acme', Site: 's1', 'How much': '' }, 'none here');
    await arrived(page, done);
    expect(await rows()).toContain('acme › s1 Recall none here');
    await set({ Metric: 'recall', Customer: 'acme', Site: 's1', 'How much': '' }, 'as set above');
    await arrived(page, done);
    expect(await rows()).toEqual(usual);
    for (const [values, kind, name, sentence] of [
      [{ Metric: 'recall', 'How much': '' }, 'a margin', 'How much', 'a guard-rail is a number of zero or more, in the unit of the metric'],
      [{ Metric: 'recall', 'How much': '-1' }, 'a margin', 'How much', 'a guard-rail is a number of zero or more, in the unit of the metric'],
      [{ Metric: 'recall', 'How much': 'two' }, 'a limit on each device', 'How much', '“two” is no number'],
      [{ Metric: 'wisdom', 'How much': '1' }, 'a margin', 'Metric', /no metric is called “wisdom”/],
      [{ Metric: 'recall', Customer: 'Nobody', 'How much': '1' }, 'a margin', 'Customer', /Nobody/],
    ] as [Record<string, string>, string, string, string | RegExp][]) {
      await test.step(`${name}: ${values[name]}`, async () => {
        await go(page, here);
        await set(values, kind);
        await arrived(page, own.url + LIST);
        const at = rails(page).getByLabel(name, { exact: true });
        await expect.soft(at, name).toHaveAttribute('aria-invalid', 'true', { timeout: 2_000 });
        await expect.soft(main(page).getByRole('alert').filter({ hasText: /\S/ }), name).toHaveText(sentence, { timeout: 2_000 });
        for (const [other, typed] of Object.entries(values)) await expect.soft(rails(page).getByLabel(other, { exact: true }), other).toHaveValue(typed, { timeout: 2_000 });
        await expect.soft(rails(page).getByRole('combobox', { name: 'Guard-rail' }).locator('option:checked')).toHaveText(kind, { timeout: 2_000 });
      });
    }
    await go(page, here);
    const details = rails(page).locator('details');
    await details.locator('summary').click();
    await rails(page).getByLabel('Days', { exact: true }).fill('2');
    await rails(page).getByRole('button', { name: 'Set the days' }).click();
    await arrived(page, own.url + LIST);
    await expect(main(page).getByRole('alert').filter({ hasText: /\S/ })).toHaveText('a comparison runs 3 to 366 days');
    await rails(page).getByLabel('Days', { exact: true }).fill('21');
    await rails(page).getByRole('button', { name: 'Set the days' }).click();
    await arrived(page, done);
    await expect(rails(page)).toContainText('A first look registers 21 days.');
  });

  test('what two set at once is not overwritten: the second one is told', async ({ page, stranger, guard }) => {
    guard.allow(/status of 400/);
    const own = await Own.start(duel({ sites: 2, days: 2 }));
    const other = await stranger(own.url);
    const days = async (at: Page, n: string) => {
      await rails(at).locator('details > summary').click();
      await rails(at).getByLabel('Days', { exact: true }).fill(n);
      await rails(at).getByRole('button', { name: 'Set the days' }).click();
    };
    await go(page, `${own.url}${LIST}?model=det`);
    await other.goto(`${own.url}${LIST}?model=det&refresh=off`);
    await days(other, '30');
    await expect(other).toHaveURL(/done=rail/);
    await days(page, '40');
    await arrived(page, own.url + LIST);
    await expect(main(page)).toContainText('somebody else changed the policy of det meanwhile; look at it again', { timeout: 3_000 });
  });

  test('what changed at Customer B: the dark site, and the model that came', async ({ page }) => {
    await go(page, `/changes?customer=${encodeURIComponent('Customer B')}&metric=mAP50`);
    await expect(page).toHaveTitle(/What changed/);
    await expect(main(page).getByRole('heading', { level: 2 }).first()).toHaveText(/^mAP50 of Customer B fell by 0\.\d+ against the 7 days before: −0\.\d+ at the same places, [+−]?0(\.\d+)? from mix\.$/);
    const parts = page.getByRole('list', { name: 'Parts of the change, largest first' }).getByRole('listitem');
    await expect(parts.first().locator('.said-of')).toHaveText(/^−0\.\d+ at Busan-2.* since detector-large 3/);
    const sizes = (await parts.locator('.said-of').allInnerTexts()).map((t) => Math.abs(number(t)));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    // And on.
    await parts.first().getByRole('link', { name: /^Trend of mAP50: .*Busan-2/ }).click();
    await arrived(page, /\/trends\?/);
    expect(new URL(page.url()).searchParams.get('site')).toBe('Busan-2');
    await page.goBack();
    await arrived(page, /\/changes\?/);
    await parts.first().getByRole('link', { name: /^Compare models: .*Busan-2/ }).click();
    await arrived(page, /\/compare\?/);
    await expect(page.getByRole('list', { name: 'Models' })).toContainText('detector-large 3');
    await expect(page.getByRole('list', { name: 'Models' })).toContainText('detector-large 1');
    await page.goBack();
    await arrived(page, /\/changes\?/);
    await parts.first().getByRole('link', { name: /Busan-2/ }).first().click();
    await arrived(page, new RegExp(path.site('Customer B', 'Busan-2')));
  });

  test('what changed at Customer D: mix, of a site that opened, and no place that got worse', async ({ page }) => {
    await go(page, `/changes?customer=${encodeURIComponent('Customer D')}&metric=mAP50&days=12`);
    const finding = main(page).getByRole('heading', { level: 2 }).first();
    await expect(finding).toHaveText(/^mAP50 of Customer D fell by 0\.\d+ against/);
    const [, same, mix] = /: ([+−]?[\d.]+) at the same places, ([+−]?[\d.]+) from mix\.$/.exec(await finding.innerText())!;
    expect(Math.abs(number(mix!)), 'mix is most of it').toBeGreaterThan(Math.abs(number(same!)));
    const jeju = page.getByRole('list', { name: 'Parts of the change, largest first' }).getByRole('listitem').filter({ hasText: 'Jeju-1' });
    for (const text of await jeju.locator('.ways').allInnerTexts()) expect(text).toMatch(/^mix/);
    expect(await jeju.count()).toBeGreaterThan(0);
    await expect(jeju.first().locator('.said-of')).toHaveText(/^−0\.\d+ because Jeju-1/);
  });

  test('the parts add up to the change, in the table behind them', async ({ page }) => {
    await go(page, `/changes?customer=${encodeURIComponent('Customer B')}&metric=mAP50`);
    const all = page.locator('details.more');
    await all.locator('summary').click();
    const behind = all.getByRole('table');
    await expect(behind).toBeVisible();
    const sizes = await behind.locator('tbody tr > td:nth-child(5)').allInnerTexts();
    const sum = sizes.map(number).reduce((a, b) => a + b, 0);
    const said = number(await behind.locator('tfoot td').nth(3).innerText());
    expect(Math.abs(sum - said)).toBeLessThan(0.0005 * sizes.length + 0.0005);
    expect((await names(behind)).length).toBeGreaterThan(5);
  });

  test('a change on the overview leads to its parts, and its interval to how it is judged', async ({ page }) => {
    await go(page, '/');
    const customers = table(page, /^Customers, worst/);
    const row = customers.getByRole('row').filter({ hasText: 'Customer B' });
    const delta = row.locator('a.delta');
    await expect(delta).toHaveText(/^[↑↓±][\d.]+ (better|worse|unchanged|changed|within noise|negligible|too few to tell)$/);
    const href = new URL((await delta.getAttribute('href'))!, page.url());
    expect([href.pathname, href.searchParams.get('customer'), href.searchParams.get('metric')]).toEqual(['/changes', 'Customer B', 'mAP50']);
    const size = number((await delta.innerText()).slice(1));
    await delta.click();
    await arrived(page, /\/changes\?/);
    const [, same] = /: ([+−]?[\d.]+) at the same places/.exec(await main(page).getByRole('heading', { level: 2 }).first().innerText())!;
    expect(Math.abs(number(same!)), 'the same number').toBeCloseTo(size, 2);
    await page.goBack();
    await arrived(page, /\/$/);
    await row.locator('.delta-note a').click();
    await arrived(page, /\/statistics#changes-between-periods$/);
    await expect(page.locator('h2#changes-between-periods')).toBeInViewport();
  });

  test('only what is outside of its noise has a colour, and grey says why', async ({ page }) => {
    for (const url of ['/', path.customer(), path.site(), '/trends?metric=recall']) {
      await go(page, url);
      for (const delta of await page.locator('.delta').all()) {
        const [text, look] = [steady(await delta.innerText()), (await delta.getAttribute('class'))!];
        if (look === 'delta') expect(text, url).toMatch(/within noise|may be chance|too few to tell|negligible|unchanged|changed|no place in both|not judged|^–/);
        else expect(text, url).toMatch(look === 'delta better' ? /better$/ : /worse$/);
      }
    }
  });

  test('more sites raise the power of a plan, and its sentence follows the form', async ({ page }) => {
    await go(page, '/compare/plan');
    const plan = page.getByRole('form', { name: 'What is planned' });
    const sentence = main(page).getByRole('heading', { level: 2 });
    const power = async (sites: string, days: string, effect: string) => {
      await plan.getByLabel('Smallest difference to find').fill(effect);
      await plan.getByLabel('Sites').fill(sites);
      await plan.getByLabel('Days', { exact: true }).fill(days);
      await plan.getByRole('button', { name: 'Apply' }).click();
      await arrived(page, new RegExp(`/compare/plan\\?.*sites=${sites}`));
      await expect(sentence).toHaveText(new RegExp(`^With ${sites} sites and ${days} days, a true difference of \\+?${effect}\\d* in mAP50 would be called better with a probability of (less than |more than |about )?\\d+(\\.\\d+)? %`, 'i'));
      await expect(plan.getByLabel('Sites')).toHaveValue(sites);
      const planned = page.locator('td.as-planned');
      await expect(planned).toHaveText(/^[>< ]*\d+ % planned$/);
      const at = await planned.evaluate((cell) => [cell.parentElement!.firstElementChild!.textContent, cell.closest('table')!.rows[0]!.cells[(cell as HTMLTableCellElement).cellIndex]!.textContent]);
      expect(at).toEqual([`${sites} sites`, `${days} days`]);
      return number(await planned.innerText());
    };
    const few = await power('6', '14', '0.001');
    const many = await power('24', '14', '0.001');
    const large = await power('6', '14', '0.002');
    expect(many).toBeGreaterThan(few);
    expect(large).toBeGreaterThan(few);
    // And it is registered as it is planned.
    await page.getByRole('link', { name: 'Register this comparison' }).click();
    await arrived(page, /\/compare\/registered\?.*days=14/);
    await expect(field(page, 'Days')).toHaveValue('14');
    await expect(field(page, 'Minimum effect')).toHaveValue('0.002');
  });

  test('what of a plan cannot be read is said, and the rest of it stands', async ({ page }) => {
    for (const [query, words] of [
      ['effect=-1', 'the smallest difference to find is a number above zero, not “-1”'], ['sites=1', /2/], ['days=0', /366/], ['metric=wisdom', /wisdom/], ['champion=nope:1', /nope:1/],
    ] as const) {
      const response = await go(page, `/compare/plan?${query}`);
      expect(response.status(), query).toBe(200);
      await expect(main(page).getByRole('alert').filter({ hasText: /\S/ })).toContainText(words);
      await expect(page.locator('table.powers')).toBeVisible();
    }
  });

  test('every heading of the statistics can be led to, from the contents', async ({ page }) => {
    await go(page, '/statistics');
    const contents = page.getByRole('navigation', { name: 'Contents' }).getByRole('link');
    const hrefs = await contents.evaluateAll((all) => all.map((a) => a.getAttribute('href')!));
    const ids = await page.locator('article h2').evaluateAll((all) => all.map((h) => `#${h.id}`));
    expect(hrefs).toEqual(ids);
    expect(ids).toEqual(expect.arrayContaining(['#verdict', '#plan', '#what-changed', '#changes-between-periods', '#mean-over-sites-and-its-interval']));
    expect(new Set(ids).size).toBe(ids.length);
    await contents.nth(3).click();
    await arrived(page, new RegExp(`/statistics${ids[3]}$`));
    await expect(page.locator(`h2${ids[3]}`)).toBeInViewport();
  });

  test.describe('in Korean', () => {
    test.use({ locale: 'ko-KR' });
    for (const url of [
      BETTER, OPEN, LIST, `${LIST}?model=models:/detector-medium&champion=yolov10m:1.1.0`, `/changes?customer=${encodeURIComponent('Customer B')}`,
      `/changes?customer=${encodeURIComponent('Customer D')}&days=12`, '/compare/plan', '/compare/plan?effect=-1', '/statistics', '/', path.customer(), '/trends',
    ]) {
      test(`${url} has no English sentence`, async ({ page }) => {
        await go(page, url);
        await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
        for (const d of await page.locator('main details').all()) await d.evaluate((e) => { (e as HTMLDetailsElement).open = true; });
        const said = await page.evaluate(() => {
          for (const other of document.querySelectorAll('body [lang=en]')) other.remove();
          const labels = [...document.querySelectorAll('main [aria-label], main [title]')].flatMap((e) => [e.getAttribute('aria-label'), e.getAttribute('title')]);
          return [...document.querySelector('main')!.innerText.split('\n'), ...labels].filter((t) => t !== null);
        });
        // Three words in a row; names and commands have fewer.
        expect(said.filter((t) => /[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}/.test(t))).toEqual([]);
        expect(said.filter((t) => /\b(better|worse|noise|unchanged|negligible|mix|sites|Sites|days|Days|decides|kept|planned|Superseded?|first look|everywhere)\b/.test(t))).toEqual([]);
      });
    }
  });
}
