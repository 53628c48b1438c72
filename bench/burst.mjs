// Measures what a burst of records does to a server and to the pages that are open meanwhile: 10,000 records a second are
// appended to a watched file while 50 pages show `/` and follow. Prints Markdown; all on this machine, browser included.
//   node bench/burst.mjs --binary dist/guardianflow [--rate 10000] [--seconds 20] [--pages 50]
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, newPage, serve, sleep, until } from './served.mjs';

const { values: asked } = parseArgs({
  options: {
    binary: { type: 'string' }, rate: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '20' },
    pages: { type: 'string', default: '50' },
  },
});
const [RATE, SECONDS, PAGES] = [asked.rate, asked.seconds, asked.pages].map(Number);
const PATIENCE = 180_000;
const TICK = 100;

let made = 0;
/** Records of 120 zones at 24 sites of 4 customers. */
const lines = (n) => Array.from({ length: n }, () => {
  const i = made++;
  const zone = i % 120;
  return `${JSON.stringify({
    timestamp: new Date(Date.now() - (i % 1_000)).toISOString(), run_id: `r${i}`, customer: `Customer ${zone % 4}`, site: `Site ${zone % 24}`,
    zone: `Zone ${zone}`, task: 'detection', experiment_type: 'production', model_architecture: 'yolov8m', model_version: '1.0.0', samples: 10,
    detection: { mAP50: 0.8 + (i % 10) / 100, precision: 0.85, recall: 0.8 }, system: { inference_time_ms: 18.4, fps: 54.3 },
  })}\n`;
}).join('');
const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const middle = (of) => [...of].sort((a, b) => a - b)[of.length >> 1];

let server, browser;
try {
  server = await serve(asked.binary);
  const file = join(server.inbox, `metrics_${new Date().toISOString().slice(0, 10)}.jsonl`);
  appendFileSync(file, lines(RATE));
  await until(server.url, RATE, PATIENCE);
  browser = await launch();
  const pages = [];
  for (let i = 0; i < PAGES; i++) {
    const page = await newPage(browser, PATIENCE);
    await page.goto(server.url);
    pages.push(page);
  }
  await Promise.all(pages.map((p) => p.waitForFunction(() => window.__gfLive?.state === 'live')));
  await sleep(5_000);
  const heap = async () => {
    const cdp = await pages[0].context().newCDPSession(pages[0]);
    await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await cdp.send('Runtime.getHeapUsage');
    await cdp.detach();
    return usedSize / 1e6;
  };
  const refreshes = () => Promise.all(pages.map((p) => p.evaluate(() => window.__gfLive.refreshes)));
  const [heapBefore, before, restBefore] = [await heap(), await refreshes(), memory(server.pid)];
  console.error(`• ${PAGES} pages are open; ${RATE} records a second for ${SECONDS} s`);

  const rest = [];
  const began = Date.now();
  for (let t = TICK; t <= SECONDS * 1_000; t += TICK) {
    appendFileSync(file, lines(RATE * TICK / 1_000));
    if (t % 1_000 === 0) rest.push(memory(server.pid));
    await sleep(Math.max(0, began + t - Date.now()));
  }
  const wrote = Date.now();
  const showing = Promise.all(pages.map(async (page) => {
    await page.waitForFunction((n) => window.__shown() === n, made, { polling: 200 });
    return Date.now() - wrote;
  }));
  const counting = until(server.url, made, PATIENCE, () => rest.push(memory(server.pid))).then(() => Date.now() - wrote);
  const [shown, taken] = await Promise.all([showing, counting]);
  const after = await refreshes();
  const states = await Promise.all(pages.map((p) => p.evaluate(() => window.__gfLive.state)));
  const each = after.map((n, i) => n - before[i]);
  console.log(`| ${PAGES} pages of \`/\`, ${RATE} records/s for ${((wrote - began) / 1_000).toFixed(0)} s, one machine | |
|---|---|
| records appended, all counted ${taken} ms after the last | ${made.toLocaleString('en')} |
| all pages show all of them, ms after the last: median, worst | ${middle(shown)}, ${Math.max(...shown)} |
| refreshes of a page meanwhile: median, most | ${middle(each)}, ${Math.max(...each)} |
| server's memory before, at the median and at most, MB | ${Math.round(restBefore)}, ${Math.round(middle(rest))}, ${Math.round(Math.max(...rest))} |
| a page's heap before and after, MB | ${heapBefore.toFixed(1)}, ${(await heap()).toFixed(1)} |
| pages that follow at the end | ${states.filter((s) => s === 'live').length} |`);
} finally {
  await browser?.close();
  await server?.stop();
}
process.exit(0);
