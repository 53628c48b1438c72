// Measures what pages and REST do while MLflow is ended (kill -9), frozen (SIGSTOP), answers nonsense or takes 10 s: the same
// load of real pages all the time, in turns with control windows in which MLflow is well. Prints Markdown; started by `faults`.
//
// Bars: no answer but 2xx; the page says within 3 s that MLflow does not answer when it is ended or frozen, and no more within
// 15 s after MLflow answers again; as many experiments and runs as before; at most 2 calls a second while every call fails for 60 s. Times are said beside the control's.
import { execFileSync, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { freePort, Mlflow, Proxy, sleep } from './faults_mlflow.mjs';

const { values: asked } = parseArgs({
  options: {
    binary: { type: 'string' }, python: { type: 'string' }, work: { type: 'string' },
    rounds: { type: 'string', default: '2' }, seconds: { type: 'string', default: '5' }, rate: { type: 'string' }, storm: { type: 'string', default: '60' },
  },
});
const [ROUNDS, SECONDS, STORM] = [asked.rounds, asked.seconds, asked.storm].map(Number);
const SAID_WITHIN = 3_000;
const GONE_WITHIN = 15_000;
const CALLS_A_SECOND = 2;
const BANNER = /<p (?=[^>]*role="status")(?=[^>]*class="banner bad")/;

const say = (text) => process.stderr.write(`• ${text}\n`);
const missed = [];
const bar = (kept, text) => { if (!kept) missed.push(text); };

async function serve(tracking) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^(GF|MLFLOW)_|^DATABASE_URL$/.test(k)));
  const child = spawn(asked.binary, ['serve', '--data', join(asked.work, 'data'), '--addr', '127.0.0.1:0', '--log', 'error'],
    { env: { ...env, MLFLOW_TRACKING_URI: tracking }, stdio: ['ignore', 'pipe', openSync(join(asked.work, 'server.log'), 'a')] });
  const url = await new Promise((done, fail) => {
    let said = '';
    child.stdout.on('data', (text) => { said += text; const at = /is at (http:\/\/\S+)/.exec(said)?.[1]; if (at) done(at); });
    child.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${said}`)));
  });
  return { child, url };
}

/** Milliseconds until the list of experiments shows the banner, or shows it no more; null when it did not within `patience`. */
async function until(url, shown, patience) {
  for (const began = performance.now(); performance.now() - began < patience; await sleep(50)) {
    const text = await fetch(`${url}/experiments`).then((a) => a.text());
    if (BANNER.test(text) === shown) return performance.now() - began;
  }
  return null;
}

/** How many experiments and runs are shown. */
async function counts(url, experiments) {
  const total = (path) => fetch(`${url}${path}`).then((a) => a.json()).then((a) => a.total);
  const runs = await Promise.all(experiments.map((id) => total(`/api/runs/search?experiment=${id}&limit=1`)));
  return `${await total('/api/experiments')} experiments, ${runs.reduce((a, b) => a + b)} runs`;
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
const median = (all) => quantile([...all].sort((a, b) => a - b), 0.5);
const ms = (n) => (n === null ? 'not' : `${n < 10 ? n.toFixed(1) : Math.round(n)}`);
const range = (all) => {
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return ms(low) === ms(high) ? ms(low) : `${ms(low)} to ${ms(high)}`;
};

/** What each fault does, and undoes. */
function faults(mlflow, proxy) {
  const mode = (name) => ({ start: () => { proxy.mode = name; }, end: () => { proxy.mode = 'pass'; } });
  return [
    ['control', { start: () => {}, end: () => {} }],
    ['kill -9', { quick: true, start: () => Promise.all([mlflow.kill(), proxy.shut()]), end: async () => { await mlflow.start(); await proxy.open(); } }],
    ['SIGSTOP', { quick: true, start: () => mlflow.signal('SIGSTOP'), end: () => mlflow.signal('SIGCONT') }],
    ['200 with HTML', mode('html')],
    ['200 with `{}`', mode('empty')],
    ['bodies cut in the middle', mode('cut')],
    ['10 s latency', mode('slow')],
  ];
}

function loader(url, paths) {
  const worker = new Worker(new URL('./faults_load.mjs', import.meta.url), { workerData: { url, paths } });
  const open = new Map();
  let next = 0;
  worker.on('message', ({ id, answer }) => { open.get(id)(answer); open.delete(id); });
  const tell = (what, value) => new Promise((done) => { open.set(next, done); worker.postMessage({ id: next++, what, value }); });
  return { tell, end: () => worker.terminate() };
}

let mlflow, server, load;
try {
  mlflow = new Mlflow(asked.python, asked.work, await freePort());
  const proxy = new Proxy(await freePort(), mlflow.port);
  const loadAtStart = loadavg()[0].toFixed(2);
  say('starting MLflow and logging 200 runs');
  await mlflow.start();
  await proxy.open();
  const fixture = new URL('./faults_fixture.py', import.meta.url).pathname;
  const { experiments, runs } = JSON.parse(execFileSync(asked.python, [fixture, mlflow.url], { env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true' } }));

  server = await serve(proxy.url);
  const { url } = server;
  for (const began = Date.now(); ; await sleep(200)) {
    const { experiments: rows, complete } = await fetch(`${url}/api/experiments`).then((a) => a.json());
    if (complete && (rows ?? []).length >= experiments.length) break;
    if (Date.now() - began > 60_000) throw new Error('the copy is not complete after 60 s');
  }
  const all = await counts(url, experiments);
  const paths = runs.flatMap((run, n) => {
    const experiment = experiments[n % experiments.length];
    const filter = encodeURIComponent(`metrics.mAP50 > 0.5 AND params.epochs = '20'`);
    return ['/experiments', `/experiments/${experiment}`, `/runs/${run}`, `/api/runs/search?experiment=${experiment}&filter=${filter}&limit=50`];
  });
  load = loader(url, paths);

  say('looking for saturation');
  await load.tell('closed', 16);
  await sleep(2_000);
  await load.tell('take');
  await sleep(5_000);
  await load.tell('stop');
  const saturated = (await load.tell('take')).sent / 5;
  const rate = Number(asked.rate ?? Math.max(1, Math.round(saturated / 20) * 10));
  const rates = `${Math.round(saturated)} a second over 16 connections without waiting, so ${rate} a second here`;
  say(rates);

  const seen = new Map();
  let recovering = { sent: 0, refused: [] };
  await load.tell('open', rate);
  await sleep(2_000);
  await load.tell('take');
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, fault] of faults(mlflow, proxy)) {
      say(`round ${round}: ${name}`);
      const row = seen.get(name) ?? { sent: 0, refused: [], p50: [], p99: [], said: [], gone: [] };
      seen.set(name, row);
      await fault.start();
      const began = performance.now();
      const said = name === 'control' ? null : await until(url, true, Math.max(SECONDS * 1_000, fault.quick ? SAID_WITHIN : 0));
      await sleep(Math.max(0, SECONDS * 1_000 - (performance.now() - began)));
      const still = await counts(url, experiments);
      bar(still === all, `${name}: ${still} are shown, not ${all}`);
      const window = await load.tell('take');
      const times = window.times.sort((a, b) => a - b);
      row.sent += window.sent;
      row.refused.push(...window.refused);
      row.p50.push(quantile(times, 0.5));
      row.p99.push(quantile(times, 0.99));
      await fault.end();
      if (name !== 'control') {
        row.said.push(said);
        const gone = await until(url, false, GONE_WITHIN);
        row.gone.push(gone);
        if (fault.quick) bar(said !== null && said <= SAID_WITHIN, `${name}: ${said === null ? 'not said' : `said after ${ms(said)} ms`}`);
        bar(gone !== null, `${name}: still said ${GONE_WITHIN} ms after MLflow was back`);
      } else if (await until(url, true, 60) !== null) {
        bar(false, 'control: the page says that MLflow does not answer');
      }
      await sleep(1_000);
      const back = await load.tell('take');
      recovering = { sent: recovering.sent + back.sent, refused: [...recovering.refused, ...back.refused] };
    }
  }

  say(`every call fails for ${STORM} s`);
  proxy.mode = 'error';
  const before = proxy.calls;
  await sleep(STORM * 1_000);
  const calls = (proxy.calls - before) / STORM;
  const still = await counts(url, experiments);
  bar(still === all, `after ${STORM} s of errors: ${still} are shown, not ${all}`);
  proxy.mode = 'pass';
  const storm = await load.tell('take');
  const back = await until(url, false, GONE_WITHIN);
  bar(back !== null, `after ${STORM} s of errors: still said after ${GONE_WITHIN} ms`);
  bar(calls <= CALLS_A_SECOND, `${calls.toFixed(2)} calls a second while every one fails`);
  await load.tell('stop');

  const control = seen.get('control');
  console.log(`${availableParallelism()} cores; load of the machine before: ${loadAtStart}; load, MLflow and proxy share it. ${rates}: one in four each of`);
  console.log('`/experiments`, `/experiments/{id}`, `/runs/{id}` and `/api/runs/search`, brotli, due at fixed times whatever is still open.\n');
  console.log(`| MLflow, ${ROUNDS} × ${SECONDS} s | requests | not 2xx | p50 ms | p99 ms, median of windows (of two: the higher) | lowest to highest | p99 beside control | page says so after ms | no more after ms |`);
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [name, row] of seen) {
    bar(row.refused.length === 0, `${name}: ${row.refused.length} not 2xx, such as ${row.refused[0]}`);
    const well = name === 'control';
    const ratio = well ? '' : `${(median(row.p99) / median(control.p99)).toFixed(2)} ×`;
    const said = row.said.map(ms).join(', ');
    console.log(`| ${name} | ${row.sent} | ${row.refused.length} | ${ms(median(row.p50))} | ${ms(median(row.p99))} | ${range(row.p99)} | ${ratio} | ${said} | ${row.gone.map(ms).join(', ')} |`);
  }
  const rest = [...recovering.refused, ...storm.refused];
  bar(rest.length === 0, `between windows: ${rest.length} not 2xx, such as ${rest[0]}`);
  const times = storm.times.sort((a, b) => a - b);
  console.log(`| 500 to every call, ${STORM} s | ${storm.sent} | ${storm.refused.length} | ${ms(quantile(times, 0.5))} | ${ms(quantile(times, 0.99))} | | ${(quantile(times, 0.99) / median(control.p99)).toFixed(2)} × | | ${ms(back)} |`);
  console.log(`| between windows, MLflow coming back | ${recovering.sent} | ${recovering.refused.length} | | | | | | |`);
  console.log(`\nCalls to MLflow while every one fails: ${calls.toFixed(2)} a second (at most ${CALLS_A_SECOND}).`);
  for (const text of missed) console.log(`MISSED: ${text}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  await load?.end();
  if (server) {
    const ended = new Promise((done) => server.child.once('exit', done));
    server.child.removeAllListeners('exit');
    server.child.once('exit', () => {});
    server.child.kill('SIGTERM');
    await Promise.race([ended, sleep(10_000)]);
  }
  mlflow?.signal('SIGKILL');
}
process.exit();
