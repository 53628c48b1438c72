// What is taken away from a page: pictures, files, links; and the page on a wall.
import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { awake, chart, series } from './charts';
import { Own, record } from './servers';
import { CUSTOMER, at, chartIsDrawn, expect, main, mark, open, path, picker, rail, range, stayed, test, tiles } from './support';

const LATENCY = `/trends?customer=${encodeURIComponent(CUSTOMER)}&metric=inference_time_ms&from=now-30d`;
/** Clicks, and reads the file that comes of it. */
async function download(page: Page, what: () => Promise<void>) {
  const [file] = await Promise.all([page.waitForEvent('download'), what()]);
  return { name: file.suggestedFilename(), bytes: readFileSync((await file.path())!) };
}

test.describe('files of a chart', () => {
  test('SVG and PNG are pictures of the chart', async ({ page }) => {
    await open(page, LATENCY);
    await mark(page);
    const figure = page.getByRole('figure').first();
    const svg = await download(page, () => figure.getByRole('link', { name: 'SVG' }).click());
    expect(svg.name).toBe('inference_time_ms.svg');
    const text = svg.bytes.toString();
    const [, width, height] = /<svg[^>]*width="(\d+)[^"]*"[^>]*height="(\d+)/.exec(text) ?? /viewBox="0 0 (\d+) (\d+)"/.exec(text)!;
    const png = await download(page, () => figure.getByRole('button', { name: 'PNG' }).click());
    expect(png.name).toBe('inference_time_ms.png');
    expect(png.bytes.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
    expect(png.bytes.readUInt32BE(16), 'twice as wide').toBe(2 * Number(width));
    expect(png.bytes.readUInt32BE(20), 'twice as high').toBe(2 * Number(height));
    expect(png.bytes.length).toBeGreaterThan(10_000);
    // There are lines in both colours of the picture.
    const colours = await page.evaluate(async (data) => {
      const image = new Image();
      image.src = data;
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const pen = canvas.getContext('2d')!;
      pen.drawImage(image, 0, 0);
      const counts = new Map<string, number>();
      const bytes = pen.getImageData(0, 0, image.width, image.height).data;
      for (let i = 0; i < bytes.length; i += 4) {
        const c = `#${[0, 1, 2].map((k) => bytes[i + k]!.toString(16).padStart(2, '0')).join('')}`;
        counts.set(c, (counts.get(c) ?? 0) + 1);
      }
      return Object.fromEntries(counts);
    }, `data:image/png;base64,${png.bytes.toString('base64')}`);
    const strokes = [...new Set([...text.matchAll(/<path [^>]*stroke="(#[0-9a-f]{6})"/g)].map((m) => m[1]!))].slice(0, 2);
    expect(strokes.length).toBe(2);
    for (const stroke of strokes) expect(colours[stroke] ?? 0, `pixels of ${stroke}`).toBeGreaterThan(200);
    await stayed(page);
  });

  test('the CSV of a chart holds its points', async ({ page, request }) => {
    await open(page, LATENCY);
    await awake(chart(page));
    const [mean] = await series(chart(page));
    const figure = page.getByRole('figure').first();
    await figure.locator('details.behind > summary').click();
    const href = await figure.getByRole('link', { name: /CSV/ }).first().getAttribute('href');
    const lines = (await (await request.get(href!)).text()).trim().split('\n');
    const head = lines[0]!.split(',');
    const rows = lines.slice(1).map((l) => l.split(','));
    expect(Math.abs(rows.length - mean!.points.length)).toBeLessThanOrEqual(1);
    const mid = mean!.points[40]!;
    const n = head.findIndex((h) => h.trim() === 'n');
    const value = head.findIndex((h) => /^(value|mean)$/.test(h.trim()));
    const same = rows.filter((r) => Number(r[n]) === mid.n && Math.abs(Number(r[value]) - mid.v) < 1e-4);
    expect(same.length, `${mid.v}, n ${mid.n} in the file`).toBeGreaterThan(0);
  });

  test('the copied link shows the same chart in another browser', async ({ page, context, stranger }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await open(page, `${path.customer()}?from=now-30d&compare=week`);
    const figure = page.getByRole('figure').first();
    const button = figure.getByRole('button', { name: 'Copy link' });
    await button.click();
    await expect(figure.getByRole('button', { name: 'Copied' })).toBeVisible();
    await expect(button).toBeVisible();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(new RegExp(`^${at.demo}`));
    const other = await stranger();
    await open(other, link);
    await expect(picker(other)).toHaveText('Last 30 days');
    const there = (await other.getByRole('figure').first().locator('figcaption').innerText()).replace(/[\d,]+ records/, '').replace(/\d\d:\d\d/g, '');
    const here = (await figure.locator('figcaption').innerText()).replace(/[\d,]+ records/, '').replace(/\d\d:\d\d/g, '');
    expect(there).toBe(here);
  });

  test('the range is copied as it was chosen: a relative one stays relative', async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const ended = new Date(Date.now() - 86_400_000).toISOString().slice(0, 11) + '00:00:00Z';
    for (const asked of ['from=now-30d', `from=now-3d&to=${ended}`]) {
      await open(page, `/trends?${asked}`);
      await page.getByRole('button', { name: 'Copy link' }).first().click();
      await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
      const link = new URL(await page.evaluate(() => navigator.clipboard.readText())).searchParams;
      for (const [key, value] of new URLSearchParams(asked)) expect(link.get(key)).toBe(value);
    }
  });
});

test.describe('on a wall', () => {
  for (const [name, url] of [['the overview', '/'], ['trends', '/trends'], ['a customer', path.customer()], ['a comparison', '/compare'], ['what changed', '/changes']] as const) {
    test(`${name} with kiosk=1 has numbers and nothing to operate`, async ({ page }) => {
      await open(page, `${url}?kiosk=1`);
      await expect(rail(page)).toBeHidden();
      await expect(range(page)).toBeHidden();
      for (const control of await page.locator('button, input, select, summary').all()) {
        if (await control.evaluate((e) => e.closest('details.follow') !== null)) continue;
        await expect(control).toBeHidden();
      }
      await expect(page.locator('gf-live .age')).toBeVisible();
      await expect(title(page)).toBeVisible();
      expect((await main(page).innerText()).match(/\d+\.\d+/g)!.length).toBeGreaterThan(3);
      if (url === '/') expect(await tiles(page).count()).toBe(6);
      if (url !== '/compare' && url !== '/changes') await chartIsDrawn(page);
    });
  }
  const title = (page: Page) => page.getByRole('heading', { level: 1 });

  test('a page on a wall follows new records by itself and keeps being one', async ({ stranger }) => {
    const own = await Own.start([1, 2, 3].map((h) => record(Date.now() - h * 3_600_000, 0.8)));
    const page = await stranger(own.url);
    await open(page, '/?kiosk=1');
    await mark(page);
    await expect(tiles(page).first()).toContainText('n 3');
    await page.waitForTimeout(1_500);
    own.append(record(Date.now(), 0.5));
    await expect(tiles(page).first()).toContainText('n 4');
    await expect(rail(page)).toBeHidden();
    await expect(range(page)).toBeHidden();
    await stayed(page);
  });
});
