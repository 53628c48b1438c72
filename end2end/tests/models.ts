// What the tests of models share: a registry of our own with records of two versions, and stories that hold with and without a script.
import type { Page } from '@playwright/test';
import { Own, record } from './servers';
import { expect, main, rail, test } from './support';

const DAY = 86_400_000;
/** A name that needs escaping in a path, in a query and in HTML. */
export const ODD = '검출 <2> & "b"';

/** Two versions of `detector` with records at six sites, the first of them the champion and the second its challenger; and one of an odd name. */
export async function registry(): Promise<Own> {
  const lines: object[] = [];
  for (let site = 0; site < 6; site++) {
    for (let i = 0; i < 40; i++) {
      const at = Date.now() - i * DAY / 4 - site * 60_000 - 60_000;
      for (const [version, kind, more] of [['1', 'production', 0], ['2', 'shadow', 0.03]] as const) {
        if (version === '2' && i >= 28) continue;
        const x = 0.8 + ((site * 7 + i * 13) % 11) / 1_000 + more;
        lines.push(record(at, x, {
          customer: 'acme', site: `s${site}`, registered_model: 'detector', registered_version: version, experiment_type: kind,
          detection: { mAP50: x, recall: x - 0.1 }, system: { inference_time_ms: 20 },
        }));
      }
    }
  }
  const own = await Own.start(lines);
  for (const [name, n] of [['detector', 1], ['detector', 2], ['detector', 3], [ODD, 1]] as const) {
    await send(own, `/api/models/${encodeURIComponent(name)}/versions`, { source: `s3://models/${n}`, description: `Version ${n}` });
  }
  await send(own, '/api/models/detector/promotions', { version: '1', to: 'production', expected: null, reason: 'the first one' });
  await send(own, '/api/models/detector/challenger', { version: '2', reason: 'better at night' });
  return own;
}

/** Asks for something as a program does. */
export async function send(own: Own, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(own.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json() as Promise<Record<string, unknown>>;
}

const reason = (page: Page) => main(page).getByRole('textbox', { name: 'Reason' });
const button = (page: Page, name: string | RegExp) => main(page).getByRole('button', { name });
const link = (page: Page, name: string | RegExp) => main(page).getByRole('link', { name });

/** The same with and without a script. */
export function stories(ready: (page: Page) => Promise<void>) {
  const go = async (page: Page, url: string) => {
    const response = await page.goto(url);
    await ready(page);
    return response!;
  };
  const arrived = async (page: Page, path: RegExp) => {
    await expect(page).toHaveURL(path);
    await ready(page);
  };

  test('a challenger is promoted with its evidence in three clicks, and rolled back in two more', async ({ page }) => {
    const own = await registry();
    await go(page, own.url);
    let clicks = 0;
    const click = async (of: ReturnType<typeof link>) => { clicks += 1; await of.click(); };
    await click(rail(page).getByRole('link', { name: 'Models' }));
    await arrived(page, /\/models$/);
    await click(link(page, 'Promote v2… detector'));
    await arrived(page, /\/models\/detector\/promote\?version=2&to=production/);
    await expect(page.locator('.verdict-word')).toHaveText(/better|decisive/i);
    await expect(main(page)).toContainText('The present champion runs at 6 sites');
    await reason(page).fill('better at every site');
    await main(page).getByLabel(/Type the model.s name/).fill('detector');
    await click(button(page, 'Make v2 champion'));
    await arrived(page, /\/models\/detector\?done=promoted&operation=\d+/);
    expect(clicks, 'clicks to promote').toBe(3);
    const said = main(page).getByRole('status').first();
    await expect(said).toContainText('applied');
    await expect(said).toContainText('champion v2, Production v2');
    expect((await (await fetch(`${own.url}/api/models/detector/champion`)).json() as { version: string }).version).toBe('2');
    clicks = 0;
    await click(said.getByRole('link', { name: /^Roll back/ }));
    await arrived(page, /\/models\/detector\/rollback/);
    await expect(reason(page)).toHaveValue(/^Back from v2 to v1, live .*mAP50 0\.80/);
    await click(button(page, 'Roll back to v1'));
    await arrived(page, /\/models\/detector\?done=rolled_back|\/models\/detector\?done=/);
    expect(clicks, 'clicks to roll back').toBe(2);
    await expect(main(page).getByRole('status').first()).toContainText('champion v1, Production v1');
    await go(page, `${own.url}/models/detector/history?at=now`);
    const rows = page.getByRole('region', { name: 'History' }).getByRole('row');
    await expect(rows.nth(1)).toContainText('Roll back');
    await expect(rows.nth(2)).toContainText('better at every site');
    await expect(rows.nth(2)).toContainText('champion: v1 → v2');
  });

  test('what is refused stays beside its field with what was typed', async ({ page, guard }) => {
    guard.allow(/status of 4\d\d/);
    const own = await registry();
    await go(page, `${own.url}/models/detector/promote?version=2&to=production`);
    await reason(page).fill('<b>because</b>');
    await main(page).getByLabel(/Type the model.s name/).fill('detektor');
    await button(page, 'Make v2 champion').click();
    await ready(page);
    await expect(main(page).getByRole('alert').filter({ hasText: /\S/ }).first()).toContainText('detector');
    await expect(reason(page)).toHaveValue('<b>because</b>');
    expect((await (await fetch(`${own.url}/api/models/detector/champion`)).json() as { version: string }).version).toBe('1');
  });

  test('whoever is overtaken is told by whom, and sees the champion that there is now', async ({ page, guard }) => {
    guard.allow(/status of 409/);
    const own = await registry();
    await go(page, `${own.url}/models/detector/promote?version=2&to=production`);
    await send(own, '/api/models/detector/promotions', { version: '3', to: 'production', expected: '1', reason: 'faster' });
    await reason(page).fill('better');
    await main(page).getByLabel(/Type the model.s name/).fill('detector');
    await button(page, 'Make v2 champion').click();
    await ready(page);
    await expect(main(page).getByRole('alert').first()).toContainText('Somebody was faster.');
    await expect(main(page)).toContainText('You see v3 as the champion.');
    await expect(reason(page)).toHaveValue('better');
  });

  test('a model of an odd name is found, shown and asked for', async ({ page }) => {
    const own = await registry();
    await go(page, `${own.url}/models`);
    await main(page).getByRole('link', { name: ODD, exact: true }).click();
    await arrived(page, /\/models\/%EA%B2%80/);
    await expect(main(page)).toContainText('No version is the champion.');
    await go(page, `${own.url}/models/${encodeURIComponent(ODD)}/promote?version=1&to=production`);
    await reason(page).fill('the first one');
    await main(page).getByLabel(/Type the model.s name/).fill(ODD);
    await button(page, 'Ask somebody else to approve it').click();
    await arrived(page, /\/models\/requests\/1/);
    await expect(main(page)).toContainText('the first one');
    await expect(reasonOf(page)).toBeVisible();
    await button(page, 'Approve and promote').click();
    await ready(page);
    await expect(main(page)).toContainText(/approved|yourself/i);
  });

  test('a webhook is added and paused; an address that is none is refused beside its field', async ({ page, guard }) => {
    guard.allow(/status of 400/);
    const own = await Own.start();
    await go(page, `${own.url}/webhooks`);
    const address = main(page).getByLabel('Address of the receiver');
    await expect(main(page).getByLabel('Secret')).toHaveValue(/^whsec_[A-Za-z0-9+/=]{32,}$/);
    await address.fill('http://127.0.0.1:9/x');
    await main(page).getByRole('button', { name: 'Add', exact: true }).click();
    await ready(page);
    await expect(main(page).getByRole('alert').filter({ hasText: /\S/ }).first()).toBeVisible();
    await expect(address).toHaveValue('http://127.0.0.1:9/x');
    await address.fill('https://hooks.example.com/models');
    await main(page).getByRole('button', { name: 'Add', exact: true }).click();
    await arrived(page, /\/webhooks\?done=added/);
    const row = main(page).getByRole('row').filter({ hasText: 'hooks.example.com' });
    await expect(row).toContainText('on');
    await row.getByRole('button', { name: /Pause/ }).click();
    await arrived(page, /done=paused/);
    await expect(row).toContainText('paused');
  });
}

/** What was asked with a request, as it can be read. */
const reasonOf = (page: Page) => main(page).locator('.quoted').first();
