// A chart in use, picture by picture, to be looked at: seen, brushed, zoomed, refreshed while zoomed, in the dark, as a table.
//   node end2end/sequence.mjs http://127.0.0.1:3000 /tmp/sequence
// The server should be receiving records (the demo fleet does); the fourth picture waits for the next refresh.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from '@playwright/test';

const [base, out] = process.argv.slice(2);
if (!base || !out) {
  console.error('usage: node end2end/sequence.mjs <baseURL> <outDir>');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-US', timezoneId: 'Asia/Seoul', colorScheme: 'light' });
  page.on('console', (m) => { if (m.type() === 'error') console.error(m.text()); });
  let n = 0;
  const shoot = async (what) => {
    const file = join(out, `${++n}-${what}.png`);
    await page.screenshot({ path: file });
    console.log(file);
  };
  await page.goto(new URL('/trends', base).href);
  const chart = page.locator('gf-chart').first();
  await page.waitForFunction(() => document.querySelector('gf-chart')?.hasAttribute('alive') && window.__gfLive?.state === 'live');
  await shoot('seen');
  const plane = await chart.evaluate((e) => {
    const { x, y, width, height } = e.shadowRoot.querySelector('.plane').getBoundingClientRect();
    return { x, y, width, height };
  });
  // Up to the right edge: so the zoomed range still ends now-ish and is refreshed.
  await page.mouse.move(plane.x + plane.width * 0.6, plane.y + plane.height / 2);
  await page.mouse.down();
  await page.mouse.move(plane.x + plane.width * 0.85, plane.y + plane.height / 2, { steps: 8 });
  await shoot('brushed');
  await page.mouse.up();
  await page.waitForURL(/from=/);
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
  await page.waitForTimeout(500);
  await shoot('zoomed');
  await page.evaluate(() => window.dispatchEvent(new CustomEvent('gf:refresh')));
  await page.waitForTimeout(1_500);
  await shoot('refreshed');
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.waitForTimeout(500);
  await shoot('dark');
  await page.keyboard.press('.');
  await page.waitForTimeout(500);
  await shoot('table');
} finally {
  await browser.close();
}
