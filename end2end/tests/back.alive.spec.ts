// Back and forward are instant: a page waits in the browser's store, comes out of it as it was, and lives on. Playwright
// turns that store off; here it is on. Chromium's headless shell has none, so this is the whole browser.
import type { BrowserContext, Page } from '@playwright/test';
import { TOKEN, Own, record } from './servers';
import { EVIDENCE, address, at, expect, main, open, test } from './support';

test.use({
  launchOptions: {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  },
});

interface Back { persisted: boolean; reasons: unknown }

/** Every document notes how it was shown. */
async function noting(context: BrowserContext) {
  await context.addInitScript(() => {
    addEventListener('pageshow', (event) => { (window as unknown as { __back: boolean }).__back = event.persisted; });
  });
}

/** How the page was shown last, and why it did not come out of the store, where the browser says so. */
function shown(page: Page): Promise<Back> {
  return page.evaluate(() => {
    const [entry] = performance.getEntriesByType('navigation') as (PerformanceEntry & { notRestoredReasons?: unknown })[];
    return { persisted: (window as unknown as { __back: boolean }).__back, reasons: entry?.notRestoredReasons ?? null };
  });
}

/** Elsewhere, by loading a document. */
async function leave(page: Page, url: string) {
  await page.evaluate((to) => { location.href = to; }, url);
  await page.waitForURL(url);
}

/** Goes through the history as the browser's buttons do. Playwright's own `goBack` waits for a document to be loaded. */
async function go(page: Page, steps: number, url: string | RegExp) {
  await page.evaluate((by) => { history.go(by); }, steps);
  await expect.poll(() => page.evaluate(() => location.href).catch(() => '')).toMatch(url);
}

test('a page that one comes back to was waiting, and goes on following new records', async ({ page, context }) => {
  const own = await Own.start([record(Date.now() - 3_600_000, 0.7)]);
  await noting(context);
  await open(page, own.url);
  await expect(page.locator('figcaption').first()).toContainText(/\b1 record\./);
  await page.waitForFunction(() => window.__gfLive?.state === 'live');
  await page.evaluate(() => { (window as unknown as { __mark: number }).__mark = 1; });
  await leave(page, `${own.url}/sources`);
  await go(page, -1, new RegExp(`^${own.url}/$`));
  expect(await shown(page)).toEqual({ persisted: true, reasons: null });
  expect(await page.evaluate(() => (window as unknown as { __mark?: number }).__mark), 'the same document').toBe(1);
  await page.waitForFunction(() => window.__gfLive?.state === 'live');
  own.append(record(Date.now() - 1_000, 0.9));
  await expect(page.locator('figcaption').first()).toContainText(/\b2 records\./);
  // And forward, to the one that was left.
  await go(page, 1, /\/sources$/);
  expect(await shown(page)).toEqual({ persisted: true, reasons: null });
});

for (const kind of EVIDENCE) {
  test(`${kind}: it was waiting when one comes back to it`, async ({ page, context }) => {
    await noting(context);
    const url = at.demo + (await address(kind));
    await open(page, url);
    const before = await main(page).innerText();
    await leave(page, `${at.demo}/sources`);
    await go(page, -1, new RegExp(`^${url.replace(/[.?+]/g, '\\$&')}$`));
    expect(await shown(page)).toEqual({ persisted: true, reasons: null });
    expect(await main(page).innerText()).toBe(before);
  });
}

test('a page that waits has closed its stream of events', async ({ page, context }) => {
  const own = await Own.start([record(Date.now() - 3_600_000, 0.7)]);
  await noting(context);
  await context.addInitScript(() => {
    const made: EventSource[] = [];
    (window as unknown as { __streams: EventSource[] }).__streams = made;
    window.EventSource = class extends EventSource {
      constructor(...args: ConstructorParameters<typeof EventSource>) { super(...args); made.push(this); }
    };
    addEventListener('pagehide', () => setTimeout(() => sessionStorage.setItem('open', String(made.filter((s) => s.readyState !== 2).length))));
    addEventListener('pagehide', () => sessionStorage.setItem('open', String(made.filter((s) => s.readyState !== 2).length)));
  });
  await open(page, own.url);
  await page.waitForFunction(() => window.__gfLive?.state === 'live');
  await leave(page, `${own.url}/signin`);
  expect(await page.evaluate(() => sessionStorage.getItem('open'))).toBe('0');
});

test.describe('after signing out', () => {
  async function signIn(page: Page) {
    await page.goto(`${at.guarded}/signin?back=/`);
    await page.getByLabel('Token', { exact: true }).fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.locator('html')).toHaveAttribute('data-signed-in', '');
    await expect(main(page)).toContainText('Wide');
  }

  test('a page that was waiting leads to signing in', async ({ page, context }) => {
    await noting(context);
    await signIn(page);
    await leave(page, `${at.guarded}/sources`);
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.waitForURL(`${at.guarded}/signin`);
    await go(page, -2, /\/signin\?back=/);
    await expect(page.getByLabel('Token', { exact: true })).toBeVisible();
    expect(await page.locator('body').innerText()).not.toContain('Wide');
  });

  test('a page that was waiting while its session ended elsewhere shows nothing', async ({ page, context, guard }) => {
    // It asks for news before it is loaded anew, and gets none.
    guard.allow(/status of 401/);
    await noting(context);
    await context.addInitScript(() => {
      addEventListener('pageshow', ({ persisted }) => {
        // When it goes on to signing in, all that hears of its return has been done.
        const note = () => localStorage.setItem('hidden', String(document.documentElement.hidden));
        if (persisted) addEventListener('pagehide', note, { once: true });
      });
    });
    await signIn(page);
    await leave(page, `${at.guarded}/sources`);
    await context.clearCookies();
    await go(page, -1, /\/signin\?back=/);
    await expect(page.getByLabel('Token', { exact: true })).toBeVisible();
    expect(await page.evaluate(() => localStorage.getItem('hidden')), 'it came out of the store, hidden').toBe('true');
  });
});
