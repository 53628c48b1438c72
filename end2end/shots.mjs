// Pictures of every page at every width that it is laid out for, in both languages, to be looked at:
//   node end2end/shots.mjs http://127.0.0.1:3000 /tmp/shots [name…]
// A name is a page, a way, or both: overview, phone, overview-phone.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from '@playwright/test';

const [base, out, ...only] = process.argv.slice(2);
if (!base || !out) {
  console.error('usage: node end2end/shots.mjs <baseURL> <outDir> [name…]');
  process.exit(2);
}
const ask = async (query) => (await (await fetch(new URL(`/api/metrics/summary?days=7${query}`, base))).json()).children ?? [];
const q = encodeURIComponent;
const pages = {
  overview: '/', trends: '/trends', latency: '/trends?metric=inference_time_ms&compare=previous', compare: '/compare', records: '/records',
  sources: '/sources', 404: '/nowhere', signin: '/signin',
};
const customer = (await ask('')).map((c) => c.scope.customer).sort()[1] ?? (await ask(''))[0]?.scope.customer;
if (customer) {
  pages.customer = `/customers/${q(customer)}`;
  const site = (await ask(`&customer=${q(customer)}`)).map((c) => c.scope.site).filter(Boolean).sort()[0];
  if (site) {
    pages.site = `${pages.customer}/sites/${q(site)}`;
    pages['trends-90d'] = `/trends?customer=${q(customer)}&site=${q(site)}&from=now-90d`;
    const zone = (await ask(`&customer=${q(customer)}&site=${q(site)}`)).map((c) => c.scope.zone).filter(Boolean).sort()[0];
    if (zone) pages.zone = `${pages.site}/zones/${q(zone)}`;
  }
}
const desk = { viewport: { width: 1440, height: 900 }, locale: 'en-US', timezoneId: 'Asia/Seoul', colorScheme: 'light' };
const laptop = { ...desk, viewport: { width: 1280, height: 800 } };
const tablet = { ...desk, viewport: { width: 820, height: 1180 } };
const phone = { ...desk, viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const korean = { locale: 'ko-KR' };
const ways = {
  light: desk,
  dark: { ...desk, colorScheme: 'dark' },
  korean: { ...desk, ...korean },
  laptop,
  'laptop-korean': { ...laptop, ...korean },
  tablet,
  'tablet-korean': { ...tablet, ...korean },
  phone,
  'phone-korean': { ...phone, ...korean },
  'phone-dark': { ...phone, colorScheme: 'dark' },
  plain: { ...desk, javaScriptEnabled: false },
};
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  for (const [way, options] of Object.entries(ways)) {
    const context = await browser.newContext({ ...options, baseURL: base });
    const page = await context.newPage();
    page.on('console', (m) => { if (m.type() === 'error') console.log(`  ${way}: ${m.text().slice(0, 200)}`); });
    page.on('pageerror', (e) => console.log(`  ${way}: ${e.message}`));
    for (const [name, path] of Object.entries(pages)) {
      if (only.length && !only.includes(name) && !only.includes(way) && !only.includes(`${name}-${way}`)) continue;
      await page.goto(path, { waitUntil: 'networkidle' });
      const file = join(out, `${name}-${way}.png`);
      // The rail is as high as the window: for a full page it is made as high as that.
      const high = way.startsWith('phone') ? 844 : await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: options.viewport.width, height: Math.max(options.viewport.height, high) });
      await page.screenshot({ path: file, fullPage: true });
      await page.setViewportSize(options.viewport);
      console.log(file);
    }
    if (way === 'light' || way === 'phone') {
      await page.goto('/', { waitUntil: 'networkidle' });
      await page.locator('.range summary').click();
      await page.screenshot({ path: join(out, `picker-${way}.png`) });
    }
    await context.close();
  }
} finally {
  await browser.close();
}
