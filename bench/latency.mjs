// Measures how long a record that another process appends takes until it is visible on an open page: a server with a watched
// folder, `/` in Chromium, and 100 times one line more. Prints Markdown, writes every single time as JSON.
//   node bench/latency.mjs --binary dist/guardianflow [--times 100] [--out FILE.json]
//
// The clock starts right after the write has returned and stops when the first tile's n has grown in the document; both are
// Date.now() of one machine. The page follows as it does by default: told of new records, loading at most once a second.
import { chromium } from '@playwright/test';
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values: asked } = parseArgs({
  options: { binary: { type: 'string' }, times: { type: 'string', default: '100' }, out: { type: 'string' } },
});
const TIMES = Number(asked.times);
const FIRST = 300;
const PATIENCE = 60_000;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const folder = mkdtempSync(join(tmpdir(), 'gf-latency-'));
const inbox = join(folder, 'in');
mkdirSync(inbox);
const line = (at, i) => `${JSON.stringify({
  timestamp: new Date(at).toISOString(), run_id: `r${i}`, customer: 'Bench', site: 'Site', zone: `Zone ${i % 4}`, task: 'detection',
  experiment_type: 'production', model_architecture: 'yolov8m', model_version: '1.0.0', samples: 10,
  detection: { mAP50: 0.8 + (i % 10) / 100, precision: 0.85, recall: 0.8 }, system: { inference_time_ms: 18.4, fps: 54.3 },
})}\n`;
const file = (at) => join(inbox, `metrics_${new Date(at).toISOString().slice(0, 10)}.jsonl`);

let server, browser;
const times = [];
try {
  const now = Date.now();
  const first = Array.from({ length: FIRST }, (_, i) => line(now - (FIRST - i) * 20 * 60_000, i));
  writeFileSync(join(inbox, 'first.jsonl'), first.join(''));
  const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('GF_')));
  server = spawn(resolve(asked.binary), ['serve', '--data', join(folder, 'data'), '--ingest-dir', inbox, '--addr', '127.0.0.1:0', '--log', 'warn'],
    { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((done, fail) => {
    let said = '';
    server.stdout.on('data', (text) => { said += text; const at = /is at (http:\/\/\S+)/.exec(said)?.[1]; if (at) done(at); });
    server.on('error', fail);
    server.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${said}`)));
  });
  const taken = async () => {
    const answer = await fetch(`${url}/api/metrics/summary?days=7`).catch(() => undefined);
    if (answer?.status !== 200) return 0;
    return (await answer.json()).metrics.find((m) => m.metric === 'mAP50')?.n ?? 0;
  };
  const began = Date.now();
  while (await taken() !== FIRST) {
    if (Date.now() - began > PATIENCE) throw new Error(`${await taken()} of the first ${FIRST} records were taken`);
    await sleep(100);
  }

  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: 'en-US', timezoneId: 'UTC', colorScheme: 'light' });
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (e) => console.error(`page error: ${e.message}`));
  page.on('console', (m) => { if (m.type() === 'error') console.error(`console: ${m.text()}`); });
  await page.goto(url);
  await page.waitForFunction(() => window.__gfLive?.state === 'live' && document.querySelector('gf-chart')?.hasAttribute('alive'));
  await page.evaluate(() => {
    const shown = () => {
      const text = document.querySelector('.tiles .tile .tile-foot > span')?.textContent ?? '';
      return Number(/^n ([\d,]+)$/.exec(text)?.[1]?.replaceAll(',', '') ?? NaN);
    };
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
  if (server && server.exitCode === null) {
    server.removeAllListeners('exit');
    const ended = new Promise((done) => server.once('exit', done));
    server.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

const sorted = [...times].sort((a, b) => a - b);
const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
console.log(`| appended by another process → visible on the open page, ${TIMES} times | median | p95 | worst |
|---|---|---|---|
| ms | ${median} | ${at(0.95)} | ${sorted.at(-1)} |`);
if (asked.out) writeFileSync(asked.out, JSON.stringify({ median, p95: at(0.95), worst: sorted.at(-1), times }, null, 1));
process.exit(0);
