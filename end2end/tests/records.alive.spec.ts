// The rows behind a point of a chart: as many as the point says, paged, in a file, and the way back.
import type { Locator, Page } from '@playwright/test';
import { awake, chart, meta, series, spot } from './charts';
import { column, expect, main, mark, number, open, settled, stayed, table, test } from './support';

test.describe('the rows behind a point', () => {
  for (const [name, url] of [['of the fleet', '/trends?from=now-24h&refresh=off'], ['of a model', '/trends?model=yolov10m:1.1.0&type=all&refresh=off']] as const) {
    test(`a click on a point ${name} shows as many records as the point says`, async ({ page, request }) => {
      await open(page, url);
      await mark(page);
      const c = chart(page);
      await awake(c);
      const [line] = await series(c);
      const p = line!.points.at(-6)!;
      const { step } = await meta(c);
      const at = await spot(c, p);
      await page.mouse.click(at.x, at.y);
      await expect(page).toHaveURL(/\/records\?/);
      await expect(page).toHaveTitle(/^Records/);
      const asked = new URL(page.url()).searchParams;
      expect(Date.parse(asked.get('to')!) - Date.parse(asked.get('from')!)).toBe(step);
      expect(Math.abs(Date.parse(asked.get('from')!) + step / 2 - p.t)).toBeLessThanOrEqual(1);
      await settled(page);
      const total = number(/^([\d,]+) records/.exec(await main(page).locator('.lead').innerText())![1]!);
      expect(total, 'the records behind the point').toBe(p.n);
      await rowsAndFile(page, request.get.bind(request), total);
      await page.goBack();
      await expect(page).toHaveURL(url);
      await awake(chart(page));
      await stayed(page);
    });
  }

  /** The rows are paged without overlap, and the file holds all of them. */
  async function rowsAndFile(page: Page, get: (url: string) => Promise<{ text(): Promise<string> }>, total: number) {
    const rows: Locator = table(page, 'Records behind the numbers').locator('tbody tr');
    await expect(rows).toHaveCount(Math.min(total, 25));
    const times = await column(table(page, 'Records behind the numbers'), 'Time');
    expect(times).toEqual([...times].sort().reverse());
    const href = await page.getByRole('link', { name: 'CSV of this table' }).getAttribute('href');
    const lines = (await (await get(href!)).text()).trim().split('\n');
    expect(lines.length - 1, 'rows of the file').toBe(total);
    const values = (await column(table(page, 'Records behind the numbers'), 'mAP50')).map(number).filter((v) => !Number.isNaN(v));
    const head = lines[0]!.split(',');
    const filed = lines.slice(1, 26).map((l) => parseFloat(l.split(',')[head.indexOf('mAP50')]!)).filter((v) => !Number.isNaN(v));
    expect(values.length).toBe(filed.length);
    for (const [i, v] of values.entries()) expect(Math.abs(v - filed[i]!)).toBeLessThanOrEqual(0.000_51);
    if (total > 25) {
      await page.getByRole('link', { name: 'Next', exact: true }).click();
      await expect(page).toHaveURL(/page=2/);
      await expect(page.getByText(/^26–/)).toBeVisible();
      const second = await column(table(page, 'Records behind the numbers'), 'Time');
      expect(second[0]! <= times.at(-1)!).toBe(true);
      await page.goBack();
      await expect(page).not.toHaveURL(/page=2/);
    }
  }
});
