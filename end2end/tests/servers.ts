// Starts the servers that the tests look at, before all of them, and stops exactly these afterwards:
//   E2E_DEMO   the demo fleet, filled to its end
//   E2E_EMPTY  an empty folder
//   E2E_WIDE   records of our own: a customer of 60 sites, names of every kind, refused rows
//   E2E_GUARDED the same folder behind an operator token
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
export const binary = join(resolve(here, '..', process.env.GF_DIST || '../dist'), 'guardianflow');
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

// Settings of whoever runs the tests stay out.
export const bare = () => Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('GF_')));

/** Starts a server on the data in `folder`. */
function start(folder: string, ...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const at = args.includes('--addr') ? [] : ['--addr', '127.0.0.1:0'];
  const child = spawn(binary, ['serve', '--data', folder, ...at, '--log', 'warn', ...args], {
    env: bare(), stdio: ['ignore', 'pipe', 'pipe'],
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

async function end(child: ChildProcess) {
  child.removeAllListeners('exit');
  const ended = new Promise((done) => child.once('exit', done));
  if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) {
    await Promise.race([ended, sleep(5_000).then(() => child.kill('SIGKILL'))]);
  }
}

/** A server of one test's own, with a folder that it watches; it can be killed and come back at the same address. */
export class Own {
  private static readonly living = new Set<Own>();
  private child: ChildProcess | undefined;
  url = '';
  private constructor(readonly folder: string, private readonly args: string[]) {}

  /** `lines` are taken before it starts. */
  static async start(lines: object[] = [], ...args: string[]): Promise<Own> {
    const own = new Own(mkdtempSync(join(tmpdir(), 'gf-own-')), args);
    Own.living.add(own);
    mkdirSync(own.incoming);
    if (lines.length > 0) take(lines.map((l) => JSON.stringify(l)).join('\n'), join(own.folder, 'first.jsonl'), own.data);
    try {
      await own.up();
    } catch (e) {
      await own.stop();
      throw e;
    }
    return own;
  }

  get data() { return join(this.folder, 'data'); }
  /** The watched folder. */
  get incoming() { return join(this.folder, 'in'); }

  async up() {
    const addr = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host;
    const { child, url } = await start(this.data, '--addr', addr, '--ingest-dir', this.incoming, ...this.args);
    this.child = child;
    this.url = url.replace(/\/$/, '');
    await ready(this.url);
  }

  /** Appends records to a file of the watched folder, as a model runner does. */
  append(...records: object[]) {
    const day = new Date().toISOString().slice(0, 10);
    appendFileSync(join(this.incoming, `metrics_${day}.jsonl`), records.map((r) => `${JSON.stringify(r)}\n`).join(''));
  }

  /** Sends records as a program does. */
  async post(...records: object[]): Promise<Response> {
    const body = records.map((r) => JSON.stringify(r)).join('\n');
    return fetch(`${this.url}/api/metrics/records`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
  }

  async kill() {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    child.removeAllListeners('exit');
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  /** Those that a test left behind when it failed. */
  static async stopAll() {
    for (const own of Own.living) await own.stop();
  }

  async stop() {
    Own.living.delete(this);
    if (this.child) await end(this.child);
    this.child = undefined;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Has the command line take records into a data folder. */
function take(lines: string, file: string, data: string) {
  writeFileSync(file, `${lines}\n`);
  const taken = spawnSync(binary, ['ingest', file, '--data', data], { encoding: 'utf8', env: bare() });
  if (taken.status !== 0) throw new Error(`ingest failed: ${taken.error ?? ''}${taken.stdout}${taken.stderr}`);
}

/** One record; `more` says what is special about it. */
export function record(at: number, value: number, more: Record<string, unknown> = {}): object {
  return {
    timestamp: new Date(at).toISOString(), customer: 'Own', site: 'Site', zone: 'Gate', task: 'detection', samples: 10,
    model_architecture: 'yolov8m', model_version: '1.0.0',
    detection: { mAP50: value, precision: value }, system: { inference_time_ms: 20 + value }, ...more,
  };
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
  return lines.join('\n');
}

export default async function servers() {
  const folder = mkdtempSync(join(tmpdir(), 'gf-e2e-'));
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children) await end(child);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    take(records(), join(folder, 'wide.jsonl'), join(folder, 'wide'));
    const wanted: [string, string, string[]][] = [
      ['demo', 'demo', ['--demo', '1']], ['empty', 'empty', []], ['wide', 'wide', []],
      ['guarded', 'wide', ['--operator-token', TOKEN]],
    ];
    for (const [name, data, args] of wanted) {
      const { child, url } = await start(join(folder, data), ...args);
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
