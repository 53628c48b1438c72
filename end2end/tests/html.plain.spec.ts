// The W3C's checker over every page as the server sends it, in both languages and many states. What Leptos writes for
// itself is accepted, and nothing else.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ODD, TOKEN } from './servers';
import { CUSTOMER, DRAWN, KINDS, MORE, SITE, address, at, expect, path, test } from './support';

const CHECKER = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/vnu-jar/build/dist/vnu.jar');
const enc = encodeURIComponent;

/** Leptos' own: comments that mark where pieces of a view begin, and its data behind the document. */
const LEPTOS: [RegExp, RegExp][] = [
  [/^Bogus comment\.$/, /<!>/],
  [/^Stray start tag .script.\.$/, /<\/html>.*<script/s],
  // The checker reads no further; nothing but that data follows.
  [/^Cannot recover after last error\./, /<\/html>.*<script/s],
];

interface Message { type: string; subType?: string; message: string; extract?: string; url?: string; lastLine?: number }

async function addresses(): Promise<[string, string, RequestInit?][]> {
  const demo = await Promise.all([...KINDS, ...MORE, ...DRAWN].map(async (kind): Promise<[string, string]> => [kind, at.demo + (await address(kind))]));
  return [
    ...demo,
    ['not_found', `${at.demo}/nowhere`], ['unknown_place', `${at.demo}/customers/nobody`], ['refused', `${at.demo}/?days=1&days=2`],
    ['earlier_period', `${at.demo}/?compare=previous&refresh=5s`], ['kiosk', `${at.demo}/?kiosk=1`],
    ['no_records', `${at.wide}/customers/Quiet`],
    ['sorted', `${at.wide}/customers/Wide?sort=-value&page=2`], ['odd_name', `${at.wide}${path.customer(ODD)}`],
    ['tail', `${at.demo}/trends?metric=inference_time_ms&compare=previous&customer=${enc(CUSTOMER)}&site=${enc(SITE)}&from=now-90d`],
    ['architectures', `${at.demo}/compare?by=architecture&places=all&diff=1&from=now-30d`],
    ['records_2', `${at.demo}/records?page=2`], ['sources_wide', `${at.wide}/sources`],
    ...['/', '/trends', '/compare', '/records', '/sources'].map((p): [string, string] => [`empty${p.replace('/', '_')}`, at.empty + p]),
    ['sign_in', `${at.guarded}/signin?back=${enc('/trends?site="<a>"')}`], ['sign_in_off', `${at.demo}/signin`],
    ['views', `${at.demo}/views`], ['save_view', `${at.demo}/views?act=save&link=${enc('/trends?metric=mAP50')}&name=${enc('<a> "b"')}`],
    ['refused_view', `${at.demo}/views`, { method: 'POST', body: new URLSearchParams({ act: 'save', name: '', link: '//x', key: 'k' }) }],
    ['bad_filter', `${at.demo}/experiments/all?filter=${enc('metrics.f1 > <b>')}`], ['grouped', `${at.demo}/experiments/all?group=params.seed&reading=best`],
    ['changes_day', `${at.demo}/changes?days=1&compare=week&metric=inference_time_ms`], ['changes_never', `${at.wide}/changes?customer=Quiet`],
    ['plan_refused', `${at.demo}/compare/plan?effect=${enc('<b>')}&sites=0&champion=nobody`], ['rails_unknown', `${at.demo}/compare/registered?model=${enc('<a> "b"')}`],
    ['rails_odd', `${at.demo}/compare/registered?champion=${enc('<a> "b"')}&supersedes=${enc('"<i>')}&done=registered&id=${enc('<b>')}`],
    ['refused_comparison', `${at.demo}/compare/registered`, { method: 'POST', body: new URLSearchParams({ act: 'register', champion: '<a> "b"', challenger: '', days: 'x' }) }],
    ['refused_rail', `${at.demo}/compare/registered`, { method: 'POST', body: new URLSearchParams({ act: 'rail', champion: 'models:/detector-medium', metric: 'recall', rail: 'margin', bound: '<b>' }) }],
    ...['/compare/registered', '/changes', '/compare/plan', '/statistics'].map((p): [string, string] => [`empty${p.replaceAll('/', '_')}`, at.empty + p]),
    ['no_experiments', `${at.empty}/experiments`], ['bad_run', `${at.demo}/runs/nobody`],
    ['wrong_token', `${at.guarded}/signin`, { method: 'POST', body: new URLSearchParams({ token: TOKEN.slice(1) }) }],
  ];
}

test('the W3C finds nothing on any page in any language', async () => {
  test.slow();
  const folder = mkdtempSync(join(tmpdir(), 'gf-html-'));
  try {
    const pages = new Map<string, string>();
    for (const lang of ['en', 'ko']) {
      for (const [name, url, init] of await addresses()) {
        const answer = await fetch(url, { ...init, headers: { accept: 'text/html', 'accept-language': lang } });
        expect(answer.headers.get('content-type'), url).toMatch(/^text\/html/);
        const file = join(folder, `${name}.${lang}.html`);
        pages.set(file, await answer.text());
        writeFileSync(file, pages.get(file)!);
      }
    }
    const args = ['-jar', CHECKER, '--format', 'json', '--stdout', '--exit-zero-always', ...pages.keys()];
    const ran = spawnSync('java', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    expect(ran.status, `the checker ran: ${ran.error ?? ''} ${ran.stderr.slice(0, 2_000)}`).toBe(0);
    const { messages } = JSON.parse(ran.stdout) as { messages: Message[] };
    const found = messages.filter((m) => !LEPTOS.some(([says, around]) => says.test(m.message) && around.test(m.extract ?? '')));
    const told = found.map((m) => `${basename(m.url ?? '')}:${m.lastLine ?? 0} ${m.message} ${m.extract ?? ''}`);
    expect([...new Set(told)]).toEqual([]);
    // What is accepted is there, so that the checker is known to have read the pages.
    expect(messages.length - found.length).toBeGreaterThan(pages.size);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('every page says in one sentence what it is about, in the language of the page', async () => {
  const said = new Map<string, string>();
  for (const lang of ['en', 'ko']) {
    for (const [name, url, init] of await addresses()) {
      const html = await (await fetch(url, { ...init, headers: { accept: 'text/html', 'accept-language': lang } })).text();
      const head = html.slice(0, html.indexOf('</head>'));
      const found = [...head.matchAll(/<meta name="description" content="([^"]*)"/g)].map((m) => m[1]!);
      expect(found, `${name} in ${lang}`).toHaveLength(1);
      expect(found[0]!.length, `${name} in ${lang}: ${found[0]}`).toBeGreaterThan(9);
      if (lang === 'ko') expect(found[0], name).toMatch(/[가-힣] /);
      expect(found[0], name).not.toBe(said.get(`${name} en`));
      said.set(`${name} ${lang}`, found[0]!);
    }
  }
  expect(said.get('overview en')).not.toBe(said.get('trends en'));
  expect(said.get('odd_name en')!.replace(/&amp;/g, '&').replace(/&lt;/g, '<').replace(/&gt;/g, '>')).toContain(ODD);
});

test('times are written for machines as well', async () => {
  for (const kind of ['overview', 'customer', 'records', 'sources'] as const) {
    const html = await (await fetch(at.demo + (await address(kind)), { headers: { accept: 'text/html' } })).text();
    const times = html.match(/<time[^>]*>/g) ?? [];
    expect(times.length, kind).toBeGreaterThan(0);
    for (const time of times) expect(time).toMatch(/ datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"/);
  }
});
