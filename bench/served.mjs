// What the measurements in a browser share: a server of one's own with a watched folder, and Chromium.
import { chromium } from '@playwright/test';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Starts a server on a free port of loopback: `{ url, inbox, pid, stop }`. */
export async function serve(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'gf-bench-'));
  const inbox = join(folder, 'in');
  mkdirSync(inbox);
  const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('GF_')));
  const server = spawn(resolve(binary), ['serve', '--data', join(folder, 'data'), '--ingest-dir', inbox, '--addr', '127.0.0.1:0', '--log', 'warn'],
    { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      const ended = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const url = await new Promise((done, fail) => {
      let said = '';
      server.stdout.on('data', (text) => { said += text; const at = /is at (http:\/\/\S+)/.exec(said)?.[1]; if (at) done(at); });
      server.on('error', fail);
      server.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${said}`)));
    });
    return { url, inbox, pid: server.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});

/** Waits until the server counts `n` of them. */
export async function until(url, n, patience, meanwhile = () => {}) {
  for (const began = Date.now(); ; await sleep(200)) {
    const counts = await counted(url);
    if (counts >= n) return;
    if (Date.now() - began > patience) throw new Error(`${counts} of ${n} records were taken`);
    meanwhile();
  }
}

/** Within the page: the n of the first tile. */
function showing() {
  window.__shown = () => {
    const text = document.querySelector('.tiles .tile .tile-foot > span')?.textContent ?? '';
    return Number(/^n ([\d,]+)$/.exec(text)?.[1]?.replaceAll(',', '') ?? NaN);
  };
}

/** A page that says with `__shown()` what n its first tile has; its errors are told on standard error. */
export async function newPage(browser, patience) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: 'en-US', timezoneId: 'UTC', colorScheme: 'light' });
  page.setDefaultTimeout(patience);
  await page.addInitScript(showing);
  page.on('pageerror', (e) => console.error(`page error: ${e.message}`));
  page.on('console', (m) => { if (m.type() === 'error') console.error(`console: ${m.text()}`); });
  return page;
}

/** How many records the server counts of the metric mAP50. */
async function counted(url) {
  const answer = await fetch(`${url}/api/metrics/summary?days=7`).catch(() => undefined);
  if (answer?.status !== 200) return 0;
  return (await answer.json()).metrics.find((m) => m.metric === 'mAP50')?.n ?? 0;
}
