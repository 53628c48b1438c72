// A real MLflow server to end, freeze and start again, and a proxy before it that gives other answers and counts what it is asked.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const SLOW = 10_000;
const START = 90_000;

export async function freePort() {
  const server = http.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** `mlflow server` over SQLite in a folder: one worker, no job runner. It has a process group of its own. */
export class Mlflow {
  constructor(python, folder, port) {
    Object.assign(this, { python, folder, port, url: `http://127.0.0.1:${port}` });
  }

  async start() {
    const log = openSync(join(this.folder, 'mlflow.log'), 'a');
    const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' };
    const store = ['--backend-store-uri', `sqlite:///${join(this.folder, 'mlflow.db')}`, '--artifacts-destination', join(this.folder, 'artifacts')];
    this.process = spawn(this.python, ['-m', 'mlflow', 'server', ...store, '--host', '127.0.0.1', '--port', `${this.port}`, '--workers', '1'],
      { env, stdio: ['ignore', log, log], detached: true });
    for (const began = Date.now(); !await this.answers(); await sleep(100)) {
      if (Date.now() - began > START) throw new Error('MLflow did not start; see mlflow.log');
    }
  }

  answers() {
    return fetch(`${this.url}/api/2.0/mlflow/experiments/search?max_results=1`).then((a) => a.ok, () => false);
  }

  signal(name) {
    try { process.kill(-this.process.pid, name); } catch (error) { if (error.code !== 'ESRCH') throw error; }
  }

  async kill() {
    const ended = new Promise((done) => this.process.once('exit', done));
    this.signal('SIGKILL');
    await ended;
  }
}

const page = '<!doctype html><title>Please sign in</title><h1>Gateway</h1>';

/** Passes on what it is asked, or as `mode` says: `html`, `empty`, `cut`, `slow`, `error`; `calls` counts. */
export class Proxy {
  mode = 'pass';

  calls = 0;

  sockets = new Set();

  constructor(port, target) {
    Object.assign(this, { port, target, url: `http://127.0.0.1:${port}` });
  }

  async open() {
    this.server = http.createServer((request, answer) => { this.calls += 1; this.handle(request, answer); });
    this.server.on('connection', (socket) => { this.sockets.add(socket); socket.on('close', () => this.sockets.delete(socket)); });
    await new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
  }

  /** As the port of a program that was ended: what is connected is reset, nobody listens. */
  async shut() {
    const closed = new Promise((done) => this.server.close(done));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  handle(request, answer) {
    const { mode } = this;
    const give = (status, type, body) => { request.resume(); answer.writeHead(status, { 'content-type': type }).end(body); };
    if (mode === 'html') return give(200, 'text/html', page);
    if (mode === 'empty') return give(200, 'application/json', '{}');
    if (mode === 'error') return give(500, 'application/json', '{"error_code":"INTERNAL_ERROR","message":"no"}');
    const later = mode === 'slow' ? SLOW : 0;
    return later ? setTimeout(() => this.pass(request, answer, mode), later) : this.pass(request, answer, mode);
  }

  pass(request, answer, mode) {
    const { method, url, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port: this.target, method, path: url, headers, agent: false }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      if (mode !== 'cut') { reply.pipe(answer); return; }
      reply.once('data', (first) => {
        answer.write(first.subarray(0, Math.floor(first.length / 2)));
        setTimeout(() => { reply.destroy(); answer.socket?.resetAndDestroy(); }, 20);
      });
    });
    onward.on('error', () => answer.socket?.destroy());
    answer.on('close', () => onward.destroy());
    request.pipe(onward);
  }
}
