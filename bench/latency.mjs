// Measures how long a record that another process appends takes until it is visible on an open page: a server with a watched
// folder, `/` in Chromium, and 100 times one line more. Prints Markdown, writes every single time as JSON.
//   node bench/latency.mjs --binary dist/guardianflow [--times 100] [--out FILE.json]
//
// The clock starts right after the write has returned and stops when the first tile's n has grown in the document; both are
// Date.now() of one machine. The page follows as it does by default: told of new records, loading at most once a second.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, newPage, serve, sleep, until } from './served.mjs';

const { values: asked } = parseArgs({
  options: { binary: { type: 'string' }, times: { type: 'string', default: '100' }, out: { type: 'string' } },
});
const TIMES = Number(asked.times);
const FIRST = 300;
const PATIENCE = 60_000;

const line = (at, i) => `${JSON.stringify({
  timestamp: new Date(at).toISOString(), run_id: `r${i}`, customer: 'Bench', site: 'Site', zone: `Zone ${i % 4}`, task: 'detection',
  experiment_type: 'production', model_architecture: 'yolov8m', model_version: '1.0.0', samples: 10,
  detection: { mAP50: 0.8 + (i % 10) / 100, precision: 0.85, recall: 0.8 }, system: { inference_time_ms: 18.4, fps: 54.3 },
})}\n`;
let server, browser;
const times = [];
try {
  server = await serve(asked.binary);
  const { url, inbox } = server;
  const file = (at) => join(inbox, `metrics_${new Date(at).toISOString().slice(0, 10)}.jsonl`);
  const now = Date.now();
  const first = Array.from({ length: FIRST }, (_, i) => line(now - (FIRST - i) * 20 * 60_000, i));
  writeFileSync(join(inbox, 'first.jsonl'), first.join(''));
  await until(url, FIRST, PATIENCE);

  browser = await launch();
  const page = await newPage(browser, PATIENCE);
  await page.goto(url);
  await page.waitForFunction(() => window.__gfLive?.state === 'live' && document.querySelector('gf-chart')?.hasAttribute('alive'));
  await page.evaluate(() => {
    const shown = window.__shown;
    const seen = window.__seen = { when: new Map([[shown(), Date.now()]]), told: () => {} };
    new MutationObserver(() => {
      const n = shown();
      if (Number.isNaN(n) || seen.when.has(n)) return;
      seen.when.set(n, Date.now());
      seen.told();
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
    window.__shows = (n) => new Promise((done) => {
      seen.told = () => { if (seen.when.has(n)) done(seen.when.get(n)); };
      seen.told();
    });
  });
  if (!await page.evaluate((n) => window.__seen.when.has(n), FIRST)) throw new Error('the first tile does not show all records');
  await sleep(2_000);

  for (let i = 1; i <= TIMES; i++) {
    const shows = page.evaluate((n) => window.__shows(n), FIRST + i);
    const at = Date.now();
    appendFileSync(file(at), line(at, FIRST + i));
    const written = Date.now();
    const late = sleep(PATIENCE).then(() => { throw new Error(`record ${i} was not visible after ${PATIENCE} ms`); });
    late.catch(() => {});
    times.push(await Promise.race([shows, late]) - written);
    if (i % 20 === 0) console.error(`• ${i} of ${TIMES} records were visible, the last after ${times.at(-1)} ms`);
    await sleep(500 + Math.random() * 2_000);
  }
} finally {
  await browser?.close();
  await server?.stop();
}

const sorted = [...times].sort((a, b) => a - b);
const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
console.log(`| appended by another process → visible on the open page, ${TIMES} times | median | p95 | worst |
|---|---|---|---|
| ms | ${median} | ${at(0.95)} | ${sorted.at(-1)} |`);
if (asked.out) writeFileSync(asked.out, JSON.stringify({ median, p95: at(0.95), worst: sorted.at(-1), times }, null, 1));
process.exit(0);
