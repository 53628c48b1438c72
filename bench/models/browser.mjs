// Opens pages of MLflow and of GuardianFlow that show the same, in Chromium, in turns, each time in a profile of its own and then once
// more in the same profile (warm), and writes what a visitor waits for as JSON. bench/models/registry.py starts the servers and calls this:
//   node bench/models/browser.mjs --pages FILE.json --turns 5 --out FILE.json
// The file of pages is a list of {page, mlflow, gf, links, names, want}: two addresses, what the address and the text of a link have to be like, and
// how many such links to different places make the page one that can be read.
//
// The same conditions for both, as in bench/mlflow/browser.mjs:
//   visible   milliseconds since the navigation began, at the first frame in which that many links are laid out (the window is 1440 x 900);
//             not before the first paint
//   bytes, requests  encoded bytes of all answers with their heads, and requests, until three seconds after that
//   longest   milliseconds of the longest task of the main thread until then; 0 where none took 50 ms
import { chromium } from 'playwright-core';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: asked } = parseArgs({
  options: { pages: { type: 'string' }, turns: { type: 'string', default: '5' }, out: { type: 'string' }, shots: { type: 'string' } },
});
const PATIENCE = 120_000;
const PAGES = JSON.parse(readFileSync(asked.pages, 'utf8'));
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Runs in the page before anything else. */
function probe({ links, names, want }) {
  window.__longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.__longest = Math.max(window.__longest, task.duration);
  }).observe({ type: 'longtask', buffered: true });
  const [place, text] = [new RegExp(links), new RegExp(names)];
  window.__seen = (within) => new Set([...document.querySelectorAll('a[href]')].filter((e) => {
    const r = e.getBoundingClientRect();
    return place.test(e.href) && text.test(e.textContent.trim()) && r.width > 0 && r.height > 0 && (!within || (r.bottom > 0 && r.top < innerHeight));
  }).map((e) => e.href)).size;
  const look = () => {
    if (window.__seen(false) >= want) window.__visible = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

async function visit(context, url, wanted, shot) {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  const seen = new Map();
  cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (request.url.startsWith('http')) seen.set(requestId, { url: request.url, bytes: 0 });
  });
  cdp.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
    if (seen.has(requestId)) seen.get(requestId).bytes += encodedDataLength;
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (seen.has(requestId)) seen.get(requestId).bytes = encodedDataLength;
  });
  await page.addInitScript(probe, wanted);
  await page.goto(url, { waitUntil: 'commit', timeout: PATIENCE });
  // Not waitForFunction: it evaluates text within the page, which GuardianFlow's policy forbids.
  let visible = null;
  for (const began = Date.now(); !visible;) {
    if (Date.now() - began > PATIENCE) throw new Error(`${url}: ${wanted.want} links are not there`);
    await new Promise((done) => setTimeout(done, 100));
    visible = await page.evaluate(() => window.__visible ?? null).catch(() => null);
  }
  await page.waitForTimeout(3_000);
  if (shot) await page.screenshot({ path: shot });
  const requests = [...seen.values()];
  const said = await page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null, longest: window.__longest,
    answer: performance.getEntriesByType('navigation')[0].responseStart, links: window.__seen(false), sight: window.__seen(true),
    nodes: document.querySelectorAll('*').length,
  }));
  await page.close();
  return {
    ...said, visible: Math.max(visible, said.paint ?? 0), requests: requests.length, bytes: requests.reduce((sum, r) => sum + r.bytes, 0),
    asked: requests.map((r) => `${new URL(r.url).pathname} ${r.bytes}`),
  };
}

const results = [];
for (let turn = 0; turn < Number(asked.turns); turn++) {
  for (const { page, mlflow, gf, ...wanted } of PAGES) {
    for (const [who, url] of Object.entries({ mlflow, gf })) {
      const profile = mkdtempSync(join(tmpdir(), 'gf-bench-'));
      const context = await chromium.launchPersistentContext(profile, {
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, viewport: { width: 1440, height: 900 }, args: ARGS,
      });
      try {
        for (const cache of ['cold', 'warm']) {
          const shot = asked.shots && cache === 'cold' && turn === 0 ? join(asked.shots, `${page}-${who}.png`) : null;
          const result = await visit(context, url, wanted, shot);
          console.error(`  ${page}, ${cache}, ${who}: ${Math.round(result.visible)} ms, ${result.requests} requests, ${result.bytes} bytes, longest task ${Math.round(result.longest)} ms`);
          results.push({ page, cache, who, ...result });
        }
      } finally {
        await context.close();
        rmSync(profile, { recursive: true, force: true });
      }
    }
  }
}
writeFileSync(asked.out, JSON.stringify(results));
