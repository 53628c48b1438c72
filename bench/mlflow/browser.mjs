// Opens pages of MLflow and of GuardianFlow that show the same, in Chromium, each time in a profile of its own, in turns, and writes what a
// visitor waits for as JSON. bench/mlflow/side.py starts the servers and calls this:
//   node bench/mlflow/browser.mjs --pages FILE.json --turns 5 --out FILE.json
// The file of pages is a list of {page, mlflow, gf, names, want, inside, lines}: two addresses, a pattern of the names of runs, and how many
// links with such names make the page one that can be read; `inside`: inside of the window, else anywhere that is laid out.
//
// The same conditions for both:
//   visible   milliseconds since the navigation began, at the first frame in which that many links to runs, with their names, are there
//             (the window is 1440 x 900); not before the first paint
//   bytes, requests  encoded bytes of all answers with their heads, and requests, until five seconds after that
//   heap      used JavaScript heap after forced collection, five seconds after that; wasm: WebAssembly's memory, which is beside it
//   longest   milliseconds of the longest task of the main thread until then; 0 where none took 50 ms
import { chromium } from 'playwright-core';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: asked } = parseArgs({
  options: { pages: { type: 'string' }, turns: { type: 'string', default: '5' }, out: { type: 'string' } },
});
const TURNS = Number(asked.turns);
const PATIENCE = 120_000;
const PAGES = JSON.parse(readFileSync(asked.pages, 'utf8'));
const LINES = {
  loopback: { turns: TURNS, conditions: null },
  'slow line': {
    turns: Math.min(TURNS, 3),
    conditions: { offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8 },
  },
};
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Runs in the page before anything else. */
function probe({ names, want, inside }) {
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const real = WebAssembly[name];
    WebAssembly[name] = async (...args) => {
      const made = await real.apply(WebAssembly, args);
      window.__wasm = (made.instance ?? made).exports?.memory ?? window.__wasm;
      return made;
    };
  }
  window.__longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.__longest = Math.max(window.__longest, task.duration);
  }).observe({ type: 'longtask', buffered: true });
  const pattern = new RegExp(names);
  window.__seen = (within) => [...document.querySelectorAll('a[href*="/runs/"]')].filter((e) => {
    const r = e.getBoundingClientRect();
    return pattern.test(e.textContent) && r.width > 0 && r.height > 0 && (!within || (r.bottom > 0 && r.top < innerHeight));
  }).length;
  const look = () => {
    if (window.__seen(inside) >= want) window.__visible = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

async function once(url, conditions, wanted) {
  const profile = mkdtempSync(join(tmpdir(), 'gf-bench-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, viewport: { width: 1440, height: 900 }, args: ARGS,
  });
  try {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Performance.enable');
    if (conditions) await cdp.send('Network.emulateNetworkConditions', conditions);
    const seen = new Map();
    cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
      if (request.url.startsWith('http')) seen.set(requestId, { url: request.url, bytes: 0 });
    });
    // What stays open, as a stream of events, is counted as it comes; what ends, with its head.
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
    const began = Date.now();
    while (!visible) {
      if (Date.now() - began > PATIENCE) throw new Error(`${url}: ${wanted.want} runs are not visible`);
      await new Promise((done) => setTimeout(done, 200));
      visible = await page.evaluate(() => window.__visible ?? null).catch(() => null);
    }
    await page.waitForTimeout(5_000);
    await cdp.send('HeapProfiler.enable');
    await cdp.send('HeapProfiler.collectGarbage');
    const metrics = Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
    const requests = [...seen.values()];
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
    return {
      visible: Math.max(visible, paint ?? 0), paint, requests: requests.length, bytes: requests.reduce((sum, r) => sum + r.bytes, 0),
      heap: metrics.JSHeapUsedSize, nodes: metrics.Nodes, script: metrics.ScriptDuration, task: metrics.TaskDuration,
      wasm: await page.evaluate(() => window.__wasm?.buffer.byteLength ?? 0),
      sight: await page.evaluate(() => window.__seen(true)), longest: await page.evaluate(() => window.__longest),
      answer: await page.evaluate(() => performance.getEntriesByType('navigation')[0].responseStart),
      asked: requests.map((r) => `${new URL(r.url).pathname} ${r.bytes}`),
    };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

const results = [];
for (const { page, lines, mlflow, gf, ...wanted } of PAGES) {
  for (const line of lines) {
    const { turns, conditions } = LINES[line];
    for (let turn = 0; turn < turns; turn++) {
      for (const [who, url] of Object.entries({ mlflow, gf })) {
        const result = await once(url, conditions, wanted);
        console.error(`  ${page}, ${line}, ${who}: ${Math.round(result.visible)} ms, ${result.requests} requests, ${result.bytes} bytes, longest task ${Math.round(result.longest)} ms`);
        results.push({ page, line, who, ...result });
      }
    }
  }
}
writeFileSync(asked.out, JSON.stringify(results));
