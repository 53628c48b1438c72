// What the tests of saved views and of signing in share: a server with named tokens, and somebody who signed in.
import { spawnSync } from 'node:child_process';
import type { Page } from '@playwright/test';
import { Own, bare, binary, record } from './servers';
import { expect, main, rail, test, tiles } from './support';

export interface Team { own: Own; kim: string; lee: string }

/** A token of a name. */
export function token(own: Own, name: string, role: 'viewer' | 'operator'): string {
  return tokens(own, 'add', name, '--role', role).trim();
}

export function tokens(own: Own, ...args: string[]): string {
  const ran = spawnSync(binary, ['tokens', ...args, '--data', own.data], { encoding: 'utf8', env: bare() });
  expect(ran.status, ran.stderr).toBe(0);
  return ran.stdout;
}

/** A server on which a viewer and an operator have tokens. */
export async function team(): Promise<Team> {
  const own = await Own.start([record(Date.now() - 3_600_000, 0.7)]);
  const [kim, lee] = [token(own, 'kim', 'viewer'), token(own, 'lee', 'operator')];
  await expect.poll(async () => (await fetch(`${own.url}/api/places`)).status, 'nobody is local').toBe(401);
  return { own, kim, lee };
}

/** Signs in by the form, on the way to a page. */
export async function signIn(page: Page, own: Own, secret: string, to = '/views') {
  await page.goto(`${own.url}${to}`);
  await expect(page).toHaveURL(/\/signin\?back=/);
  await page.getByLabel(/^(Token|토큰)$/).fill(secret);
  await page.getByRole('button', { name: /^(Sign in|로그인)$/ }).click();
}

export const saved = (page: Page) => page.getByRole('region', { name: /^(\d+ views?|보기 \d+개)$/ }).getByRole('listitem');
export const result = (page: Page) => page.getByRole('status');
export const button = (page: Page, name: string | RegExp) => page.getByRole('main').getByRole('button', { name, exact: true });

/** Saving, renaming, sharing, starting with it, deleting: the same with and without a script. */
export function stories(ready: (page: Page) => Promise<void>, arrived: (page: Page, url: string | RegExp) => Promise<void>) {
  test('a page is saved from its head, renamed, chosen to start with, and deleted', async ({ page }) => {
    const { own, kim } = await team();
    await signIn(page, own, kim, '/trends?metric=precision&from=now-30d');
    await arrived(page, `${own.url}/trends?metric=precision&from=now-30d`);
    await page.getByRole('link', { name: 'Save view' }).click();
    await arrived(page, /\/views\?act=save&link=/);
    await expect(page.getByLabel('Address')).toHaveValue('/trends?metric=precision&from=now-30d');
    await expect(page.getByLabel('Name')).toHaveValue(/^Trends/);
    await expect(page.getByRole('radio')).toHaveCount(1);
    await page.getByLabel('Name').fill('Precision, a month');
    await button(page, 'Save view').click();
    await arrived(page, `${own.url}/views?done=saved&view=1`);
    await expect(result(page)).toHaveText('“Precision, a month” is saved. Open it');
    await page.reload();
    await ready(page);
    await expect(result(page)).toHaveText('“Precision, a month” is saved. Open it');
    await expect(saved(page)).toHaveCount(1);
    await expect(saved(page)).toContainText('/trends?metric=precision&from=now-30d');
    await expect(saved(page)).toContainText('only me');
    // Another name.
    await page.getByRole('link', { name: 'Change Precision, a month' }).click();
    await arrived(page, /\/views\?act=change&view=1$/);
    await page.getByLabel('Name').fill('정밀도');
    await button(page, 'Save changes').click();
    await arrived(page, `${own.url}/views?done=changed&view=1`);
    await expect(result(page)).toHaveText('“정밀도” is changed. Open it');
    // To start with.
    await button(page, 'Start with it: 정밀도').click();
    await arrived(page, `${own.url}/views?done=start&view=1`);
    await expect(result(page)).toHaveText('You start with “정밀도” from now on. Open it');
    await page.goto(own.url);
    await arrived(page, `${own.url}/trends?metric=precision&from=now-30d`);
    await rail(page).getByRole('link', { name: 'Overview' }).click();
    await arrived(page, `${own.url}/`);
    await expect(tiles(page).first()).toBeVisible();
    await rail(page).getByRole('link', { name: 'Views' }).click();
    await arrived(page, `${own.url}/views`);
    await page.getByRole('link', { name: 'See the overview' }).click();
    await arrived(page, `${own.url}/?from=now-7d`);
    await expect(tiles(page).first()).toBeVisible();
    await rail(page).getByRole('link', { name: 'Views' }).click();
    await button(page, 'Start with the overview').click();
    await arrived(page, `${own.url}/views?done=start`);
    await expect(result(page)).toHaveText('You start with the overview from now on.');
    await page.goto(own.url);
    await arrived(page, `${own.url}/`);
    // Gone, after a question.
    await rail(page).getByRole('link', { name: 'Views' }).click();
    await page.getByRole('link', { name: 'Delete 정밀도' }).click();
    await arrived(page, /\/views\?act=delete&view=1$/);
    await expect(main(page)).toContainText('/trends?metric=precision&from=now-30d');
    await page.getByRole('link', { name: 'Cancel' }).click();
    await arrived(page, `${own.url}/views`);
    await expect(saved(page)).toHaveCount(1);
    await page.getByRole('link', { name: 'Delete 정밀도' }).click();
    await button(page, 'Delete “정밀도”').click();
    await arrived(page, `${own.url}/views?done=deleted`);
    await expect(result(page)).toHaveText('The view is deleted.');
    await expect(page.getByRole('heading', { name: 'No views yet' })).toBeVisible();
  });

  test('what is refused is said beside its field, and nothing typed is lost', async ({ page, guard }) => {
    guard.allow(/status of 40[03]/);
    const { own, kim } = await team();
    await signIn(page, own, kim, '/views?act=save&link=%2F&name=');
    await arrived(page, /\/views\?act=save&/);
    const name = page.getByLabel('Name');
    const address = page.getByLabel('Address');
    const send = async (title: string, link: string) => {
      await name.fill(title);
      await address.fill(link);
      await button(page, 'Save view').click();
    };
    for (const [title, link, field, sentence] of [
      ['', '/', name, 'the name of the view is empty'],
      ['x'.repeat(81), '/', name, 'the name of a view has at most 80 characters'],
      ['mine', '//evil.example.com', address, /^“\/\/evil.example.com” is no address of a page of ours/],
      ['mine', 'javascript:alert(1)', address, /^“javascript:alert\(1\)” is no address of a page of ours/],
      ['mine', '/api/views', address, 'there is no page at “/api/views”'],
    ] as const) {
      await send(title, link);
      await expect(field).toHaveAttribute('aria-invalid', 'true');
      await expect(field).toHaveAccessibleDescription(sentence instanceof RegExp ? new RegExp(sentence.source.slice(1)) : new RegExp(sentence));
      await expect(page.getByRole('alert').filter({ hasText: /./ })).toHaveText(sentence);
      await expect(name).toHaveValue(title);
      await expect(address).toHaveValue(link);
    }
    await send('mine', '/records?from=now-24h');
    await arrived(page, `${own.url}/views?done=saved&view=1`);
    await expect(saved(page)).toContainText('mine');
  });

  test('an operator shares a view, a viewer opens it and cannot change it', async ({ page, stranger }) => {
    const { own, kim, lee } = await team();
    await signIn(page, own, lee, '/views?act=save&link=%2Fsources&name=Sources');
    await arrived(page, /\/views\?act=save&/);
    await page.getByLabel('Everybody who can sign in here').check();
    await button(page, 'Save view').click();
    await arrived(page, `${own.url}/views?done=saved&view=1`);
    await expect(saved(page)).toContainText('everybody');
    const other = await stranger(own.url);
    await signIn(other, own, kim);
    await expect(saved(other)).toContainText('lee');
    await expect(other.getByRole('link', { name: /^(Change|Delete) / })).toHaveCount(0);
    await saved(other).getByRole('link', { name: 'Sources' }).click();
    await expect(other).toHaveURL(`${own.url}/sources`);
    await page.getByRole('link', { name: 'Change Sources' }).click();
    await page.getByLabel('Only me').check();
    await button(page, 'Save changes').click();
    await arrived(page, `${own.url}/views?done=changed&view=1`);
    await expect(saved(page)).toContainText('only me');
    await other.goto(`${own.url}/views`);
    await expect(other.getByRole('heading', { name: 'No views yet' })).toBeVisible();
  });

  test('in Korean and on a phone a view is saved and its result is read', async ({ page, context, guard }) => {
    guard.allow(/status of 400/);
    await page.setViewportSize({ width: 390, height: 844 });
    const { own, kim } = await team();
    await context.addCookies([{ name: 'gf_lang', value: 'ko', url: own.url }]);
    await signIn(page, own, kim, '/');
    await arrived(page, `${own.url}/`);
    await page.getByRole('link', { name: '보기 저장' }).click();
    await arrived(page, /\/views\?act=save&link=/);
    await page.getByLabel('이름').fill('');
    await button(page, '보기 저장').click();
    await expect(page.getByRole('alert').filter({ hasText: /./ })).toContainText('비어 있습니다');
    await page.getByLabel('이름').fill('아침 점검');
    await button(page, '보기 저장').click();
    await arrived(page, `${own.url}/views?done=saved&view=1`);
    await expect(result(page)).toHaveText('“아침 점검” 보기를 저장했습니다. 열기');
    expect(await page.evaluate(() => document.scrollingElement!.scrollWidth)).toBeLessThanOrEqual(390);
    for (const act of ['아침 점검 보기를 시작 페이지로', '아침 점검 변경', '아침 점검 삭제']) {
      await expect(main(page).getByLabel(act)).toBeInViewport();
    }
  });

  test('one signs in on the way to a page, is named, and signs out', async ({ page }) => {
    const { own, kim } = await team();
    await signIn(page, own, kim, '/records?from=now-24h');
    await arrived(page, `${own.url}/records?from=now-24h`);
    await expect(rail(page)).toContainText('kim');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await expect(page).toHaveURL(`${own.url}/signin`);
    await page.goto(`${own.url}/views`);
    await expect(page).toHaveURL(`${own.url}/signin?back=%2Fviews`);
  });

  test('a token that is revoked ends its session', async ({ page, guard }) => {
    guard.allow(/status of 401/);
    const { own, kim } = await team();
    await signIn(page, own, kim);
    await arrived(page, `${own.url}/views`);
    tokens(own, 'revoke', 'kim');
    await expect.poll(async () => {
      await page.goto(`${own.url}/sources`);
      return page.url();
    }).toBe(`${own.url}/signin?back=%2Fsources`);
    await page.getByLabel('Token').fill(kim);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toHaveText('That is not the token.');
    guard.allow(/status of 403/);
  });
}
