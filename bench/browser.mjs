// Opens GuardianFlow's pages and the same content in Streamlit and Panel in Chromium and measures what a visitor waits for.
// Prints Markdown, writes every single run as JSON. bench/browser starts the servers and calls this:
//   node bench/browser.mjs --gf URL --streamlit URL --panel URL --site dist/site --out FILE.json [--runs 5]
//
// What the words mean; times are milliseconds since the navigation began (performance.timeOrigin):
//   chart        GuardianFlow: when Chromium says that words of the first chart's SVG were on the screen (Element Timing), which
//                is the first paint that shows it. The others: the frame after the one in which the chart's SVG or canvas has a
//                box (it may still be empty, and is not on the screen yet: both are to their advantage); not before the first paint
//   interactive  GuardianFlow: hydrated (the router listens for popstate), nothing busy, and every chart in sight or near has
//                been taken over by ECharts. Others: the metric's select box is there and enabled, and the app says that it
//                has nothing left to do. That it truly reacts shows in the change of metric, which follows.
//   longest, blocked  longest task of the main thread, and the sum of what tasks took beyond 50 ms, until all is quiet
//   heap         used JavaScript heap after forced collection; beside it what backs array buffers, and WebAssembly's memory
//   change       from the last event of choosing another metric to the frame after the one with the new chart
//   wire, requests  encoded bytes with headers of all answers until quiet, and payloads of WebSocket messages; not the stream of events
import { chromium } from '@playwright/test';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: asked } = parseArgs({
  options: {
    gf: { type: 'string' }, streamlit: { type: 'string' }, panel: { type: 'string' }, site: { type: 'string' },
    out: { type: 'string' }, runs: { type: 'string', default: '5' },
  },
});
const RUNS = Number(asked.runs);
// Rivals over the slow line take seconds each, and differ little.
const SLOW_RUNS = Math.min(RUNS, 3);
const PATIENCE = 60_000;
/** No further round over a line is begun when it would end later than this: bench/browser promises eight minutes. */
const A_LINE = 130_000;
const LINES = {
  loopback: null,
  // `latency` is what Chromium adds to each request: connecting costs nothing here, which favours whoever needs few hosts: all.
  '10 Mbit/s, 40 ms': { offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8 },
};

/** Runs in the page before anything else. */
function probe(kind) {
  const seen = { long: [], texts: new Map(), canvases: new Set(), chart: null, ready: null, acted: null };
  window.__bench = seen;
  try {
    new PerformanceObserver((list) => { for (const e of list.getEntries()) seen.long.push([e.startTime, e.duration]); })
      .observe({ type: 'longtask', buffered: true });
  } catch { /* an old browser: none is reported */ }
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (...args) {
    if (args[0] === 'popstate' && (this === window || this === undefined)) seen.router = true;
    return listen.apply(this ?? window, args);
  };
  // `input`, since `change` does not leave a shadow root.
  for (const type of ['click', 'input']) listen.call(window, type, (e) => { seen.acted = e.timeStamp; }, true);
  // WebAssembly's memory belongs to no heap that Chromium tells of.
  for (const how of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[how];
    WebAssembly[how] = async (...args) => {
      const made = await original.apply(WebAssembly, args);
      seen.memory = (made.instance ?? made).exports?.memory ?? seen.memory;
      return made;
    };
  }
  if (kind === 'panel') {
    // Which canvases there are, inside shadow roots too, and when which words were written on one of them.
    const context = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (...args) { seen.canvases.add(this); return context.apply(this, args); };
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (...args) {
      if (String(args[0]).endsWith('mean by hour')) seen.texts.set(String(args[0]), performance.now());
      return write.apply(this, args);
    };
  }
  if (kind === 'gf') {
    // The words are marked as they are read, before anything is painted. A chart that is out of sight has no such moment.
    new PerformanceObserver((list) => { for (const e of list.getEntries()) seen.words ??= e.renderTime; }).observe({ type: 'element', buffered: true });
    new MutationObserver((_, all) => {
      const words = document.querySelector('gf-chart svg text');
      if (words === null) return;
      words.setAttribute('elementtiming', 'chart');
      all.disconnect();
    }).observe(document, { childList: true, subtree: true });
  }
  const box = (e) => { const b = e.getBoundingClientRect(); return b.width > 100 && b.height > 2; };
  const deep = (selector, root) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const e of root.querySelectorAll('*')) {
      const inner = e.shadowRoot && deep(selector, e.shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  const is = {
    gf: {
      chart: () => [...document.querySelectorAll('gf-chart path.line, gf-chart path.dot, gf-chart circle')].some((e) => box(e.closest('svg'))),
      ready: () => seen.router === true && !document.querySelector('[aria-busy=true]')
        && [...document.querySelectorAll('gf-chart')].every((e) => e.getBoundingClientRect().top > innerHeight + 200 || e.hasAttribute('alive')),
    },
    streamlit: {
      chart: () => { const e = document.querySelector('[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas'); return e !== null && box(e); },
      ready: () => document.querySelector('[data-testid=stSelectbox] input:not([disabled])') !== null
        && document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning',
    },
    panel: {
      chart: () => [...seen.canvases].some((e) => e.isConnected && box(e)),
      ready: () => window.Bokeh?.documents?.[0]?.is_idle === true && deep('select:not([disabled])', document) !== null,
    },
  }[kind];
  // The frame after it: by then what was seen has been painted.
  const look = () => {
    for (const what of ['chart', 'ready']) {
      if (seen[what] !== null || !document.body || !is[what]()) continue;
      seen[what] = -1;
      requestAnimationFrame((t) => { seen[what] = Math.max(t, performance.now()); });
    }
    if (seen.chart === null || seen.ready === null) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  /** Resolves with the milliseconds from the last event to the frame after `done` became true. */
  window.__until = (done) => new Promise((tell) => {
    const wait = () => {
      if (!done()) return void requestAnimationFrame(wait);
      requestAnimationFrame(() => tell(performance.now() - seen.acted));
    };
    wait();
  });
}

const filter = async (page) => {
  const form = page.getByRole('form', { name: 'Filter' });
  await form.locator('select[name=metric]').selectOption('precision');
  const done = page.evaluate(() => window.__until(() => /^Precision/.test(document.querySelector('gf-chart svg[aria-label]')?.getAttribute('aria-label') ?? '')
    && !document.querySelector('[aria-busy=true]')));
  await form.getByRole('button', { name: 'Show' }).click();
  return done;
};
const TARGETS = [
  {
    name: 'GuardianFlow `/`', kind: 'gf', url: `${asked.gf}/`,
    // Here a tile is the way to another metric: it opens that metric's trend.
    change: async (page) => {
      const done = page.evaluate(() => window.__until(() => location.pathname === '/trends' && document.querySelector('gf-chart')?.hasAttribute('alive')
        && /^HOTA/.test(document.querySelector('gf-chart svg[aria-label]')?.getAttribute('aria-label') ?? '')));
      await page.getByRole('region', { name: 'Headline numbers' }).first().getByRole('link', { name: 'HOTA' }).click();
      return done;
    },
  },
  { name: 'GuardianFlow `/trends`', kind: 'gf', url: `${asked.gf}/trends`, change: filter },
  { name: 'GuardianFlow `/compare`', kind: 'gf', url: `${asked.gf}/compare`, change: filter },
  {
    name: 'Streamlit', kind: 'streamlit', url: asked.streamlit,
    change: async (page) => {
      await page.getByTestId('stSelectbox').locator('input').click();
      const option = page.getByRole('option', { name: 'Precision', exact: true });
      await option.waitFor();
      // Vega draws SVG here: its axis is named in it.
      const done = page.evaluate(() => window.__until(() => document.querySelector('[data-testid=stVegaLiteChart] svg')?.textContent.includes('Precision, mean by hour')));
      await option.click();
      return done;
    },
  },
  {
    name: 'Panel', kind: 'panel', url: asked.panel,
    change: async (page) => {
      // Bokeh draws on a canvas: its axis' name is written anew.
      const done = page.evaluate(() => window.__until(() => window.__bench.texts.get('Precision, mean by hour') > window.__bench.acted));
      await page.locator('select').selectOption('Precision');
      return done;
    },
  },
];

/** Counts what comes over the network. */
async function wire(cdp) {
  const all = new Map();
  const count = { sockets: 0, last: Date.now(), all };
  const size = (text, binary) => (binary ? Buffer.byteLength(text, 'base64') : Buffer.byteLength(text));
  cdp.on('Network.requestWillBeSent', (e) => {
    count.last = Date.now();
    const before = all.get(e.requestId);
    // A redirect keeps its name: what it brought so far stays counted.
    all.set(e.requestId, { url: e.request.url, bytes: (before?.bytes ?? 0) + (e.redirectResponse?.encodedDataLength ?? 0), cached: false });
  });
  cdp.on('Network.requestServedFromCache', (e) => { const r = all.get(e.requestId); if (r) r.cached = true; });
  cdp.on('Network.responseReceived', (e) => { const r = all.get(e.requestId); if (r && (e.response.fromDiskCache || e.response.fromPrefetchCache)) r.cached = true; });
  cdp.on('Network.loadingFinished', (e) => { count.last = Date.now(); const r = all.get(e.requestId); if (r) r.bytes += e.encodedDataLength; });
  cdp.on('Network.loadingFailed', (e) => { const r = all.get(e.requestId); if (r) r.failed = e.errorText; });
  for (const way of ['Sent', 'Received']) {
    cdp.on(`Network.webSocketFrame${way}`, (e) => { count.last = Date.now(); count.sockets += size(e.response.payloadData, e.response.opcode === 2); });
  }
  cdp.on('Network.webSocketCreated', (e) => all.set(e.requestId, { url: e.url, bytes: 0, cached: false }));
  await cdp.send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 });
  return count;
}

async function visit(context, target, line, complaints) {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (e) => complaints.add(`${target.name}: ${e.message}`));
  page.on('console', (m) => { if (m.type() === 'error') complaints.add(`${target.name}: ${m.text()}`); });
  await page.addInitScript(probe, target.kind);
  const count = await wire(cdp);
  if (line) await cdp.send('Network.emulateNetworkConditions', line);
  // A visitor's browser is there already: what opening a tab costs these two cores is over before the measuring begins.
  await new Promise((done) => setTimeout(done, 500));
  await page.goto(target.url, { waitUntil: 'commit' });
  await page.waitForFunction(() => window.__bench.chart > 0 && window.__bench.ready > 0);
  // Quiet: nothing asked or answered for half a second.
  const began = Date.now();
  while (Date.now() - count.last < 500 && Date.now() - began < 5_000) await new Promise((done) => setTimeout(done, 50));
  const times = await page.evaluate(() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null;
    const { ready, long, words } = window.__bench;
    const chart = words ?? window.__bench.chart;
    return { answer: performance.getEntriesByType('navigation')[0].responseStart, paint, chart: Math.max(chart, paint ?? 0), interactive: ready, long };
  });
  const requests = [...count.all.values()].filter((r) => /^(http|ws)/.test(r.url) && !r.url.endsWith('/api/events'));
  for (const r of requests) {
    if (!['127.0.0.1'].includes(new URL(r.url).hostname)) complaints.add(`${target.name}: asks another host: ${r.url}`);
    if (r.failed && !/ERR_ABORTED/.test(r.failed)) complaints.add(`${target.name}: ${r.failed}: ${r.url}`);
  }
  const sent = requests.filter((r) => !r.cached);
  const result = {
    ...times, long: undefined, requests: sent.length, wire: sent.reduce((sum, r) => sum + r.bytes, count.sockets),
    asked: sent.map((r) => `${new URL(r.url).pathname} ${r.bytes}`),
    echarts: sent.filter((r) => /\/elements\/echarts-/.test(r.url)).reduce((sum, r) => sum + r.bytes, 0),
    longest: Math.max(0, ...times.long.map(([, d]) => d)), blocked: times.long.reduce((sum, [, d]) => sum + d - 50, 0),
  };
  // Twice: what the first collection lets go of may hold more.
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.collectGarbage');
  const heap = await cdp.send('Runtime.getHeapUsage');
  result.heap = heap.usedSize;
  result.buffers = heap.backingStorageSize ?? null;
  result.wasm = await page.evaluate(() => window.__bench.memory?.buffer.byteLength ?? 0);
  result.change = await target.change(page);
  await page.close();
  return result;
}

/** GuardianFlow's answer, and what the others show: they must be the same numbers. */
async function agree(browser) {
  const value = async (more) => {
    const answer = await (await fetch(`${asked.gf}/api/metrics/summary?days=7${more}`)).json();
    return answer.metrics.find((m) => m.metric === 'mAP50').value;
  };
  const wanted = { Fleet: await value('') };
  for (const c of ['A', 'B', 'C', 'D']) wanted[`Customer ${c}`] = await value(`&customer=Customer%20${c}`);
  const lines = [];
  for (const target of TARGETS.filter((t) => t.kind !== 'gf')) {
    const page = await browser.newPage();
    await page.goto(target.url);
    for (const [who, exact] of Object.entries(wanted)) {
      const label = page.getByText(`${who} mAP50`, { exact: true }).first();
      await label.waitFor({ timeout: PATIENCE });
      // The number stands in the label's card, whichever element that is.
      const shown = Number(await label.evaluate((e, who) => {
        for (let at = e; at; at = at.parentElement ?? at.getRootNode().host) {
          const found = at.textContent.replace(`${who} mAP50`, '').match(/0\.\d{3}/);
          if (found) return found[0];
        }
        return 'NaN';
      }, who));
      // Half of the last digit, and a little for the moments between the two questions.
      if (!(Math.abs(shown - exact) <= 0.00051)) throw new Error(`${target.name} shows ${shown} for ${who}, GuardianFlow's REST says ${exact}`);
      lines.push(shown);
    }
    await page.close();
  }
  return { wanted, numbers: lines.length };
}

const median = (list) => {
  const sorted = list.filter((x) => x !== null && x !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const kb = (bytes) => (bytes / 1000).toLocaleString('en', { maximumFractionDigits: 0 });
const ms = (t) => (t === null ? '–' : Math.round(t).toLocaleString('en'));
const mb = (bytes) => (bytes === null ? '–' : (bytes / 1e6).toFixed(1));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    // Nobody may fetch from elsewhere: names do not resolve, and whoever asks for one is told of below.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
const complaints = new Set();
const runs = [];
const same = await agree(browser);
for (const [line, conditions] of Object.entries(LINES)) {
  // In turns, so that whatever else the machine does meets all of them.
  const began = Date.now();
  for (let run = 0; run < RUNS; run++) {
    if (run > 0 && (Date.now() - began) * (run + 1) / run > A_LINE) {
      console.error(`• ${line}: ${run} runs only, the machine is slow`);
      break;
    }
    for (const target of TARGETS) {
      if (conditions && target.kind !== 'gf' && run >= SLOW_RUNS) continue;
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 }, locale: 'en-US', timezoneId: 'UTC', colorScheme: 'light',
      });
      try {
        for (const cache of ['cold', 'warm']) {
          runs.push({ target: target.name, line, cache, run, ...(await visit(context, target, conditions, complaints)) });
        }
      } catch (e) {
        throw new Error(`${target.name}, ${line}: ${e.message}`);
      } finally {
        await context.close();
      }
      console.error(`• ${line} ${run + 1}/${RUNS} ${target.name}: chart ${ms(runs.at(-2).chart)}, interactive ${ms(runs.at(-2).interactive)} ms`);
    }
  }
}
const version = browser.version();
await browser.close();

// What is kept beside the pages: brotli, as the server sends it.
const file = (folder, pattern) => {
  const name = readdirSync(join(asked.site, folder)).find((f) => pattern.test(f));
  return statSync(join(asked.site, folder, name)).size;
};
const first = runs.filter((r) => r.target === TARGETS[0].name && r.line === 'loopback' && r.cache === 'cold');
const sizes = {
  wasm_brotli: file('pkg', /\.wasm\.br$/), echarts_brotli: file('elements', /^echarts-.*\.js\.br$/),
  first_load_without_echarts: median(first.map((r) => r.wire - r.echarts)),
};

const rows = [];
for (const line of Object.keys(LINES)) {
  rows.push(`\n**${line}**\n`,
    '| page | cache | wire KB | requests | first byte ms | first paint ms | chart ms | interactive ms | longest task ms | blocked ms | heap MB (+ buffers + WASM) | change of metric ms | runs |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|');
  for (const target of TARGETS) {
    for (const cache of ['cold', 'warm']) {
      const own = runs.filter((r) => r.target === target.name && r.line === line && r.cache === cache);
      const m = (what) => median(own.map((r) => r[what]));
      rows.push(`| ${target.name} | ${cache} | ${kb(m('wire'))} | ${m('requests')} | ${ms(m('answer'))} | ${ms(m('paint'))} | ${ms(m('chart'))} | ${ms(m('interactive'))} `
        + `| ${ms(m('longest'))} | ${ms(m('blocked'))} | ${mb(m('heap'))} (+ ${mb(m('buffers'))} + ${mb(m('wasm'))}) | ${ms(m('change'))} | ${own.length} |`);
    }
  }
}
console.log(`Chromium ${version}, medians. All ${same.numbers} means that the others show are those of GuardianFlow's REST, to three digits.`);
console.log(rows.join('\n'));
console.log(`
| size, brotli | bytes | limit |
|---|---|---|
| WASM | ${sizes.wasm_brotli.toLocaleString('en')} | 300 KB: ${sizes.wasm_brotli <= 300_000 ? 'kept' : '**broken**'} |
| first load of \`/\` without ECharts, with headers | ${Math.round(sizes.first_load_without_echarts).toLocaleString('en')} | 350 KB: ${sizes.first_load_without_echarts <= 350_000 ? 'kept' : '**broken**'} |
| ECharts, loaded when a chart is in sight | ${sizes.echarts_brotli.toLocaleString('en')} | |`);
if (complaints.size > 0) console.log(`\nThe browser complained:\n${[...complaints].map((c) => `- ${c}`).join('\n')}`);
if (asked.out) writeFileSync(asked.out, JSON.stringify({ chromium: version, sizes, same, complaints: [...complaints], runs }, null, 1));
