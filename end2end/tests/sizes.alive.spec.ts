// How large text is on the screen: as the visual language says, at every width, and larger for whoever wants it larger.
import type { Page } from '@playwright/test';
import { EVIDENCE, KINDS, MORE, address, alive, at, expect, open, settled, test } from './support';

const WIDTHS = [390, 820, 1280, 1440];
const OTHERS: [string, () => string][] = [
  ['nothing here', () => '/nowhere'], ['sign-in', () => `${at.guarded}/signin`], ['an empty installation', () => `${at.empty}/`],
  ['kiosk', () => '/?kiosk=1'], ['chart with flags and two lines', () => '/trends?metric=inference_time_ms&from=now-90d'],
];

interface Found { small: string[]; tables: string[]; body: number; wide: number }

/** All text that can be seen, with its size on the screen; in shadow roots and pictures as well. */
function look(page: Page, least: number): Promise<Found> {
  return page.evaluate((least) => {
    const small: string[] = [];
    const seen = (e: Element) => {
      const { width, height } = e.getBoundingClientRect();
      // What is only read out is cut to a pixel.
      return e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && width > 2 && height > 2;
    };
    const walk = (root: Document | ShadowRoot) => {
      const texts = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        if (node instanceof Element) {
          if (node.shadowRoot) walk(node.shadowRoot);
          continue;
        }
        const around = node.parentElement;
        const words = (node.textContent ?? '').trim();
        if (!around || words === '' || ['SCRIPT', 'STYLE', 'OPTION', 'NOSCRIPT', 'title'].includes(around.tagName) || !seen(around)) continue;
        // A picture may be drawn smaller than its own pixels are.
        const scale = around instanceof SVGGraphicsElement ? Math.abs(around.getScreenCTM()?.d ?? 1) : 1;
        const size = parseFloat(getComputedStyle(around).fontSize) * scale;
        if (size < least - 0.01) small.push(`${size} px: <${around.localName} class="${around.getAttribute('class') ?? ''}"> ${words.slice(0, 40)}`);
      }
    };
    walk(document);
    const tables = [...document.querySelectorAll('table')].map((t) => getComputedStyle(t).fontSize);
    const root = document.documentElement;
    return { small, tables, body: parseFloat(getComputedStyle(document.body).fontSize), wide: root.scrollWidth - root.clientWidth };
  }, least);
}

/** At every width; one load a page. */
async function check(page: Page, [small, table, body]: [number, number, number]) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    // A chart follows the width once it has been told of it.
    const beyond = () => page.evaluate(() => document.scrollingElement!.scrollWidth - innerWidth);
    await expect.poll(beyond, `the page is wider than ${width} px`).toBeLessThanOrEqual(0);
    const found = await look(page, small);
    expect(found.small, `text smaller than ${small} px at ${width} px`).toEqual([]);
    expect(new Set(found.tables), `tables at ${width} px`).toEqual(new Set(found.tables.length > 0 ? [`${table}px`] : []));
    expect(found.body).toBe(body);
    expect(found.wide, `the page is wider than ${width} px`).toBeLessThanOrEqual(0);
  }
}

for (const lang of ['en', 'ko'] as const) {
  test.describe(`text in ${lang}`, () => {
    test.use({ locale: lang === 'en' ? 'en-US' : 'ko-KR' });
    for (const kind of [...KINDS, ...MORE, ...EVIDENCE]) {
      test(`${kind}: nothing under 12 px, tables 13, body 14, at every width`, async ({ page }) => {
        await open(page, await address(kind));
        await check(page, [12, 13, 14]);
      });
    }
    for (const [what, url] of OTHERS) {
      test(`${what}: nothing under 12 px, tables 13, body 14, at every width`, async ({ page, guard }) => {
        guard.allow(/404/);
        await page.goto(url());
        if (what !== 'sign-in') await alive(page);
        await settled(page);
        await check(page, [12, 13, 14]);
      });
    }
  });
}

test.describe('a browser whose text was set to 20 px', () => {
  for (const kind of ['overview', 'customer', 'trends', 'compare', 'sources'] as const) {
    test(`${kind}: all text is larger by a quarter, and the page still fits`, async ({ page, context }) => {
      const browser = await context.newCDPSession(page);
      await browser.send('Page.setFontSizes', { fontSizes: { standard: 20 } });
      await open(page, await address(kind));
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('20px');
      await check(page, [15, 16.25, 17.5]);
    });
  }
});
