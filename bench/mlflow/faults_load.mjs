// The load of faults.mjs, in a thread of its own: pages and REST at a fixed rate, whether or not earlier answers are there
// (open loop; the clock of each request starts when it was due), or as fast as they come over some connections (closed loop).
// Messages: `open` (value: a second), `closed` (value: connections), `stop`, and `take`, which answers with what was counted since.
import http from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const { url, paths } = workerData;
const LONGEST = 30_000;
const { hostname, port } = new URL(url);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const headers = { 'accept-encoding': 'br' };

const empty = () => ({ sent: 0, times: [], refused: [] });
let counted = empty();
let turn = 0;

function ask(due, then = () => {}) {
  const into = counted;
  const path = paths[turn++ % paths.length];
  let over = false;
  into.sent += 1;
  const done = (fault) => {
    if (over) return;
    over = true;
    into.times.push(performance.now() - due);
    if (fault) into.refused.push(`${path}: ${fault}`);
    then();
  };
  const request = http.request({ hostname, port, path, agent, headers, timeout: LONGEST }, (answer) => {
    const bad = answer.statusCode < 200 || answer.statusCode > 299;
    answer.on('end', () => done(bad && answer.statusCode));
    answer.on('aborted', () => done('cut'));
    answer.resume();
  });
  request.on('timeout', () => request.destroy(new Error(`nothing within ${LONGEST} ms`)));
  request.on('error', (error) => done(error.message));
  request.end();
}

let timer;
function open(rate) {
  clearInterval(timer);
  const began = performance.now();
  let sent = 0;
  timer = setInterval(() => {
    for (; began + sent * 1_000 / rate <= performance.now(); sent++) ask(began + sent * 1_000 / rate);
  }, 2);
}

let closed = false;
function close(connections) {
  closed = true;
  const again = () => { if (closed) ask(performance.now(), again); };
  for (let n = 0; n < connections; n++) again();
}

/** What was sent since the last call, once it is answered. */
async function take() {
  const window = counted;
  counted = empty();
  while (window.times.length < window.sent) await new Promise((later) => setTimeout(later, 5));
  return window;
}

parentPort.on('message', async ({ id, what, value }) => {
  if (what === 'open') open(value);
  if (what === 'closed') close(value);
  if (what === 'stop') { closed = false; clearInterval(timer); }
  parentPort.postMessage({ id, answer: what === 'take' ? await take() : null });
});
