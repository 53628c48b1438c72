// What the tests share: a page whose console is watched, the places of the demo fleet, and what must hold of charts and tables.
import { expect, test as base, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { Own } from './servers';

export { expect };

/** Where the servers are; set by servers.ts. */
export const at = {
  get demo() { return process.env.E2E_DEMO!; },
  get empty() { return process.env.E2E_EMPTY!; },
  get wide() { return process.env.E2E_WIDE!; },
  get guarded() { return process.env.E2E_GUARDED!; },
};

/** Collects what browsers complain about. A test that expects a complaint says so with `allow`. */
export class Guard {
  readonly complaints: string[] = [];
  private readonly allowed: RegExp[] = [];
  allow(pattern: RegExp) { this.allowed.push(pattern); }
  hear(text: string) { this.complaints.push(text); }
  unexpected() { return this.complaints.filter((c) => !this.allowed.some((a) => a.test(c))); }
}

/** Hears what browsers complain about in a context, and lets `alive` know when pages are. */
async function watch(context: BrowserContext, guard: Guard) {
  context.on('console', (m) => {
    if (m.type() === 'error' || /content security policy|hydrat/i.test(m.text())) guard.hear(`${m.type()}: ${m.text()} (${m.location().url})`);
  });
  context.on('weberror', (e) => guard.hear(`page error: ${e.error().stack ?? e.error().message}`));
  context.on('response', (r) => { if (r.status() >= 500) guard.hear(`${r.status()}: ${r.url()}`); });
  // The router listens for `popstate` once it runs: from then on links do not load pages.
  await context.addInitScript(() => {
    const seen = window as unknown as { __router?: boolean };
    const listen = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (this: EventTarget, ...args: Parameters<typeof listen>) {
      if (args[0] === 'popstate' && (this === window || this === undefined)) seen.__router = true;
      return listen.apply(this ?? window, args);
    };
  });
}

export const test = base.extend<{ guard: Guard; stranger: (baseURL?: string) => Promise<Page> }>({
  baseURL: async ({}, use) => use(at.demo),
  guard: [async ({ context, javaScriptEnabled }, use) => {
    const guard = new Guard();
    // Chromium fetches what `preload` names and then has no script to give it to.
    if (!javaScriptEnabled) guard.allow(/^(warning|error): .*\/pkg\/[^ ]+\.(js|wasm).*preload/i);
    await watch(context, guard);
    await use(guard);
    // Pages go before their servers: one that follows its server complains of a stream that breaks off.
    for (const page of context.pages()) await page.close();
    await Own.stopAll();
    expect(guard.unexpected(), 'the browser complained').toEqual([]);
  }, { auto: true }],
  /** Somebody else's browser, without our cookies. */
  stranger: async ({ browser, guard }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (baseURL) => {
      const context = await browser.newContext({ baseURL: baseURL ?? at.demo, locale: 'en-US', timezoneId: 'UTC', viewport: { width: 1440, height: 1000 } });
      contexts.push(context);
      await watch(context, guard);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

/** Waits until the page is hydrated, effects included, and what runs beside Leptos listens: its files come on their own way. */
export async function alive(page: Page) {
  await page.waitForFunction(() => (window as unknown as { __router?: boolean }).__router === true && customElements.get('gf-chart') !== undefined);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));
  await settled(page);
}

/** Nothing is loading any more. */
export async function settled(page: Page) {
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
}

/** Opens an address and waits for hydration. */
export async function open(page: Page, url: string) {
  const response = await page.goto(url);
  await alive(page);
  return response;
}

/** Marks the document; `stayed` fails when another one was loaded since. */
export async function mark(page: Page) {
  await page.evaluate(() => { (window as unknown as { __mark?: number }).__mark = 1; });
}
export async function stayed(page: Page) {
  expect(await page.evaluate(() => (window as unknown as { __mark?: number }).__mark), 'the page was loaded anew').toBe(1);
}

export const CUSTOMER = 'Customer B';
export const SITE = 'Busan-2';
const enc = encodeURIComponent;
export const path = {
  customer: (c = CUSTOMER) => `/customers/${enc(c)}`,
  site: (c = CUSTOMER, s = SITE) => `/customers/${enc(c)}/sites/${enc(s)}`,
  zone: (z: string, c = CUSTOMER, s = SITE) => `/customers/${enc(c)}/sites/${enc(s)}/zones/${enc(z)}`,
};

let zones: string[] | undefined;
/** A zone of the site above; its names are the demo's business. */
export async function zone(): Promise<string> {
  if (!zones) {
    const answer = await fetch(`${at.demo}/api/metrics/summary?customer=${enc(CUSTOMER)}&site=${enc(SITE)}&days=7`);
    const summary = (await answer.json()) as { children: { scope: { zone: string } }[] };
    zones = summary.children.map((c) => c.scope.zone).sort();
  }
  return zones[0]!;
}

/** The experiment of the demo with the most runs that made models, and the run that made its best one. */
export const EXPERIMENT = 'detection-training';
let known: { experiment: string; run: string } | undefined;
export async function tracked(): Promise<{ experiment: string; run: string }> {
  if (!known) {
    const best = await fetch(`${at.demo}/api/runs/best?experiment=${EXPERIMENT}&metric=val/mAP50`);
    const { run } = (await best.json()) as { run: { run_id: string; experiment_id: string } };
    known = { experiment: run.experiment_id, run: run.run_id };
  }
  return known;
}

let logged: string[] | undefined;
/** Runs of the demo that logged images while they trained, those of the study of learning rates. */
async function withImages(): Promise<string[]> {
  if (!logged) {
    const filter = enc("tags.`mlflow.loggedImages` = 'True'");
    const found = await fetch(`${at.demo}/api/runs/search?experiment=learning-rate-study&sort=start_time&filter=${filter}`);
    logged = ((await found.json()) as { runs: { run_id: string }[] }).runs.map((run) => run.run_id);
  }
  return logged;
}

/** A run as the API answers with it. */
export interface Run { run_id: string; run_name: string; metrics: Record<string, number>; params: Record<string, string> }
/** The runs of the experiment above, oldest first. */
let trained: Run[] | undefined;
export async function runs(): Promise<Run[]> {
  if (!trained) {
    const found = await fetch(`${at.demo}/api/runs/search?experiment=${EXPERIMENT}&limit=500&sort=start_time`);
    trained = ((await found.json()) as { runs: Run[] }).runs;
  }
  return trained;
}
/** Some of them that differ in architecture, learning rate, batch and seed. */
export async function several(n: number): Promise<Run[]> {
  return (await runs()).filter((_, i) => i % 5 === 0).slice(0, n);
}
export const comparison = (chosen: Run[]) => `/runs/compare?ids=${chosen.map((run) => run.run_id).join(',')}`;

/** Every kind of page that has content. */
export const KINDS = ['overview', 'customer', 'site', 'zone', 'trends', 'sources'] as const;
/** And those that show rows or models, and no chart of one metric. */
export const MORE = ['compare', 'records'] as const;
/** And those of evidence: how challengers and changes are judged. */
export const EVIDENCE = ['registered', 'rails', 'changes', 'plan', 'statistics'] as const;
/** And those of models, and of what is decided about them. */
export const MODELS = ['models', 'model', 'version', 'promote', 'rollback', 'history', 'request', 'webhooks'] as const;
/** Those, and those of experiments and runs: the server draws them. */
export const DRAWN = ['experiments', 'runs', 'run', 'artifacts', 'images', 'run-compare', 'pick', 'run-pick', 'run-import', ...EVIDENCE, ...MODELS] as const;
export type Kind = (typeof KINDS)[number] | (typeof MORE)[number] | (typeof DRAWN)[number];
export async function address(kind: Kind): Promise<string> {
  switch (kind) {
    case 'overview': return '/';
    case 'customer': return path.customer();
    case 'site': return path.site();
    case 'zone': return path.zone(await zone());
    case 'trends': return '/trends';
    case 'sources': return '/sources';
    case 'compare': return '/compare';
    case 'records': return '/records';
    case 'experiments': return '/experiments';
    case 'runs': return `/experiments/${(await tracked()).experiment}`;
    case 'run': return `/runs/${(await tracked()).run}`;
    case 'artifacts': return `/runs/${(await tracked()).run}?show=artifacts`;
    case 'images': return `/runs/images?ids=${(await withImages()).slice(0, 2).join(',')}`;
    case 'run-compare': return comparison(await several(4));
    case 'pick': return '/compare/pick?limit=mAP50%3E%3Dbase-0.01';
    case 'run-pick': return `/experiments/${(await tracked()).experiment}/pick?limit=system/inference_time_ms%3C%3D12`;
    case 'run-import': return '/sources/mlflow';
    case 'registered': return '/compare/registered';
    case 'rails': return '/compare/registered?model=models:/detector-medium&champion=models:/detector-medium/2';
    case 'changes': return `/changes?customer=${enc(CUSTOMER)}`;
    case 'plan': return '/compare/plan';
    case 'statistics': return '/statistics';
    case 'models': return '/models';
    case 'model': return '/models/detector-medium';
    case 'version': return '/models/detector-medium/versions/2';
    case 'promote': return '/models/detector-medium/promote?version=3&to=production';
    case 'rollback': return '/models/detector-large/rollback';
    case 'history': return '/models/detector-medium/history?at=now';
    case 'request': return '/models/requests/1';
    case 'webhooks': return '/webhooks';
  }
}

export const main = (page: Page) => page.getByRole('main');
export const crumbs = (page: Page) => page.getByRole('navigation', { name: 'Breadcrumb' });
export const rail = (page: Page, name = 'Main') => page.getByRole('navigation', { name });
export const table = (page: Page, name: string | RegExp) => page.getByRole('region', { name }).getByRole('table');
export const tiles = (page: Page) => page.getByRole('region', { name: 'Headline numbers' }).first().getByRole('link');
/** The time picker, and its opener. */
export const range = (page: Page) => page.getByRole('group', { name: 'Range' });
export const picker = (page: Page) => range(page).locator('summary');

/** Texts of a column, found by its head. */
export async function column(t: Locator, head: string | RegExp): Promise<string[]> {
  const heads = await t.getByRole('columnheader').allInnerTexts();
  const i = heads.findIndex((h) => (typeof head === 'string' ? h.replace(/[▲▼]/g, '').trim() === head : head.test(h)));
  expect(i, `a column ${head} among ${heads.join(' | ')}`).toBeGreaterThanOrEqual(0);
  return (await t.locator(`tbody tr > :nth-child(${i + 1})`).allInnerTexts()).map((x) => x.replace(/\s+/g, ' ').trim());
}
export async function names(t: Locator): Promise<string[]> {
  return (await t.getByRole('rowheader').allInnerTexts()).map((x) => x.replace(/\s+/g, ' ').trim());
}
/** What a formatted number says; NaN when there is none. */
export const number = (text: string) => parseFloat(text.replace(/,/g, '').replace('−', '-'));

/** The first chart has a line that one can see, of the SVG or of the canvas that took over from it: it has points, a size, a colour and a width, and lies inside its drawing. */
export async function chartIsDrawn(page: Page) {
  const chart = page.getByRole('figure').first();
  const picture = chart.getByRole('img').first();
  await expect(picture).toBeVisible();
  await expect(picture).toHaveAccessibleName(/\d/);
  const line = picture.locator('path.line:not(.earlier)').first();
  expect((await line.getAttribute('d'))!.length, 'the line has points').toBeGreaterThan(20);
  const drawn = await line.evaluate((e) => {
    const style = getComputedStyle(e);
    const host = e.closest('gf-chart');
    const canvas = host?.shadowRoot?.querySelector<HTMLCanvasElement>('.canvas canvas');
    let ink = 0;
    if (canvas) {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 3; i < data.length; i += 4) if (data[i]! > 100) ink++;
    }
    return {
      box: e.getBoundingClientRect().toJSON() as DOMRect, stroke: style.stroke, width: parseFloat(style.strokeWidth),
      seen: style.visibility, alive: host?.hasAttribute('alive') ?? false, ink,
    };
  });
  expect(drawn.box.width, 'the line has a width').toBeGreaterThan(100);
  expect(drawn.box.height, 'the line has a height').toBeGreaterThan(2);
  expect(drawn.stroke).toMatch(/^rgb/);
  expect(drawn.width).toBeGreaterThan(0.5);
  // Once the canvas has its line, the one of the SVG steps back; there is always one of both.
  if (drawn.alive) expect(drawn.ink, 'the canvas has a line').toBeGreaterThan(100);
  else expect(drawn.seen).toBe('visible');
  const around = (await chart.boundingBox())!;
  expect(drawn.box.x).toBeGreaterThanOrEqual(around.x);
  expect(drawn.box.x + drawn.box.width).toBeLessThanOrEqual(around.x + around.width);
  expect(drawn.box.y).toBeGreaterThanOrEqual(around.y);
  expect(drawn.box.y + drawn.box.height).toBeLessThanOrEqual(around.y + around.height);
}

/** What is read on a page, but for what says that it is English: the text of the statistics. */
export async function read(page: Page): Promise<string> {
  return page.evaluate(() => {
    for (const other of document.querySelectorAll('body [lang=en]')) other.remove();
    return document.body.innerText;
  });
}

/** Text with its white space made plain. */
export const steady = (text: string) => text.replace(/\s+/g, ' ').trim();
