// Starts the servers that the tests look at, before all of them, and stops exactly these afterwards:
//   E2E_DEMO   the demo fleet, filled to its end
//   E2E_EMPTY  an empty folder
//   E2E_WIDE   records of our own: a customer of 60 sites, names of every kind, refused rows; with an operator token
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TOKEN = 'browser-tests-token-of-more-than-32-bytes';
/** A customer whose name needs escaping in a path, in a query and in HTML. */
export const ODD = 'A & <i>Größe 부산? #1+;';
/** One that looks as if it were escaped already. */
export const PERCENT = '50% is %41';
export const WIDE_SITES = 60;

const here = dirname(fileURLToPath(import.meta.url));
const binary = join(resolve(here, '..', process.env.GF_DIST || '../dist'), 'guardianflow');
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

function start(folder: string, ...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  // Settings of whoever runs the tests stay out.
  const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('GF_')));
  const child = spawn(binary, ['serve', '--data', folder, '--addr', '127.0.0.1:0', '--log', 'warn', ...args], {
    env, stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((done, fail) => {
    let said = '';
    const hear = (text: Buffer) => {
      said += text;
      const url = /is at (http:\/\/\S+)/.exec(said)?.[1];
      if (url) done({ child, url });
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.on('error', (e) => fail(new Error(`${binary} does not start: ${e.message}; build it with scripts/build`)));
    child.on('exit', (code) => fail(new Error(`${binary} ended with ${code}: ${said}`)));
  });
}

/** Until pages answer and the demo, where there is one, is filled to its end. */
async function ready(url: string) {
  const end = Date.now() + 120_000;
  while (Date.now() < end) {
    const probe = await fetch(`${url}/readyz`).catch(() => undefined);
    if (probe?.status === 200) {
      const page = await (await fetch(`${url}/sources`, { headers: { 'accept-language': 'en' } })).text();
      if (!page.includes('still being filled in')) return;
    }
    await sleep(250);
  }
  throw new Error(`${url} was not ready within two minutes`);
}

/** Records of the last six days, and a few rows that must be refused. */
function records(): string {
  const now = Date.now();
  const lines: string[] = [];
  const add = (customer: string, site: string, zone: string, at: number, value: number) =>
    lines.push(JSON.stringify({
      timestamp: new Date(at).toISOString(), customer, site, zone, task: 'detection', samples: 10,
      model_architecture: 'yolov8m', model_version: '1.1.0',
      detection: { mAP50: value, precision: value + 0.05 }, system: { inference_time_ms: 20 + value },
    }));
  for (let s = 0; s < WIDE_SITES; s++) {
    for (let i = 0; i < 24; i++) {
      add('Wide', `Site-${String(s + 1).padStart(2, '0')}`, 'Gate', now - i * 6 * 3_600_000 - 60_000 * s, 0.5 + s / 200 + (i % 4) / 500);
    }
  }
  for (let i = 0; i < 24; i++) add(ODD, 'موقع 🚧', '"Gate" <1>', now - i * 3_600_000, 0.8 + (i % 3) / 100);
  for (let i = 0; i < 24; i++) add(PERCENT, 'S', 'Z', now - i * 3_600_000, 0.8 + (i % 3) / 100);
  // Silent since ten days: nothing to see in the usual range.
  for (let i = 0; i < 24; i++) add('Quiet', 'Only', 'Gate', now - 10 * 86_400_000 - i * 10 * 3_600_000, 0.7 + (i % 3) / 100);
  lines.push('{"timestamp": broken', JSON.stringify({ timestamp: 'yesterday', customer: 'Wide', task: 'detection', detection: { mAP50: 0.5 } }));
  return `${lines.join('\n')}\n`;
}

export default async function servers() {
  const folder = mkdtempSync(join(tmpdir(), 'gf-e2e-'));
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children) {
      child.removeAllListeners('exit');
      const ended = new Promise((done) => child.once('exit', done));
      if (child.exitCode === null && child.kill('SIGTERM')) {
        await Promise.race([ended, sleep(5_000).then(() => child.kill('SIGKILL'))]);
      }
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const file = join(folder, 'wide.jsonl');
    writeFileSync(file, records());
    const taken = spawnSync(binary, ['ingest', file, '--data', join(folder, 'wide')], { encoding: 'utf8' });
    if (taken.status !== 0) throw new Error(`ingest failed: ${taken.error ?? ''}${taken.stdout}${taken.stderr}`);
    const wanted: [string, string[]][] = [
      ['demo', ['--demo', '1']], ['empty', []], ['wide', ['--operator-token', TOKEN]],
    ];
    for (const [name, args] of wanted) {
      const { child, url } = await start(join(folder, name), ...args);
      children.push(child);
      process.env[`E2E_${name.toUpperCase()}`] = url;
      await ready(url);
    }
  } catch (e) {
    await stop();
    throw e;
  }
  return stop;
}
