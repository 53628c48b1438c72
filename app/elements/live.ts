// `<gf-live>`: says how old the page is and has it loaded again when the server has new data. It loads nothing itself: it
// asks with `gf:refresh` on the window, and the page answers with another `data-at`, or with `gf:failed`.

import { ageText, mark, stateText, wordsOf, type State, type Words } from './age';
import { isBusy as someoneIsBusy } from './drawn';
import { Feed } from './feed';
import { REFRESH_TIMEOUT, RefreshThrottle, intervalOf } from './throttle';

/** Without new data the page is still loaded now and then: "late" and "stale" come with time, not with records. */
const QUIET = 60_000;
/** While nothing can be relied upon, refreshes go by the clock, and no faster than this. */
const BLIND = 5_000;
const ASLEEP = 30_000;
const BUSY = 250;
/** A page change takes the element away and brings another soon: the stream outlives that. */
const HANDOVER = 2_000;

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
  :host { display: inline-flex; align-items: baseline; gap: 6px; }
  .mark { font-size: var(--text-12); color: var(--quiet); }
  .mark.live, .mark.blind { color: var(--ok); }
  .mark.late, .state.late { color: var(--late); }
  .state::before { content: "· "; color: var(--quiet); }
`);

/** What the tests look at. */
const seen = { events: 0, refreshes: 0, state: 'off' as State };

class Keeper {
  readonly #shown = new Set<Live>();
  readonly #feed = new Feed({
    heard: () => { seen.events += 1; },
    records: () => this.#want(),
  });
  readonly #pace = new RefreshThrottle(Date.now());
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The server's name for the shown answer, and when it came to this browser: two clocks, never subtracted. */
  #at: string | null = null;
  #cameAt = Date.now();
  #beatAt = Date.now();
  #leftAt = 0;
  #busySince: number | undefined;
  #called = false;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#wake(false));
    // A page with an open stream could not wait in the browser's store; taken out of it, it lives on with the time gone by.
    window.addEventListener('pagehide', () => this.#feed.close());
    window.addEventListener('pageshow', (event) => { if (event.persisted) this.#wake(true); });
    window.addEventListener('online', () => this.#wake(true));
    window.addEventListener('gf:failed', () => {
      this.#pace.failed(Date.now());
      this.#beat();
    });
    window.addEventListener('gf:refresh', () => {
      seen.refreshes += 1;
      this.#pace.asked(Date.now());
      this.#beat();
    });
  }

  add(element: Live): void {
    this.#shown.add(element);
    this.changed();
  }

  remove(element: Live): void {
    this.#shown.delete(element);
    this.#leftAt = Date.now();
    this.#beat();
  }

  /** An attribute is another one. */
  changed(): void {
    const now = Date.now();
    const { at = null, generation = '', feed = '' } = this.#element?.dataset ?? {};
    this.#feed.shows(generation, feed);
    if (at !== null && at !== this.#at) {
      this.#at = at;
      this.#cameAt = now;
      this.#pace.answered(now);
    }
    this.#beat();
  }

  /** The newest: while pages change there may be two. */
  get #element(): Live | undefined {
    return [...this.#shown].at(-1);
  }

  #interval(): number {
    const { refresh = 'auto', range } = this.#element?.dataset ?? {};
    const plot = document.querySelector('gf-chart')?.getBoundingClientRect().width || 1_000;
    // No plot is narrower than on a phone; what is, is a sparkline.
    const width = Math.max(plot, 320);
    return intervalOf(refresh, Number(range), width);
  }

  #off(): boolean {
    const element = this.#element;
    return !element || element.dataset['refresh'] === 'off' || element.dataset['open'] === 'false';
  }

  #want(urgent = false): void {
    if (this.#off()) return;
    this.#pace.want(Date.now(), this.#interval(), urgent);
    this.#beat();
  }

  /** Back from the background, from sleep, or on line again. */
  #wake(urgent: boolean): void {
    if (!document.hidden && !this.#off()) {
      this.#beatAt = Date.now();
      this.#feed.reopen();
      // What was under way may never end.
      if (urgent && this.#busySince !== undefined) this.#busySince = 0;
      this.#want(urgent);
    }
    this.#beat();
  }

  /** Looks at everything anew, once for all that happens in one go: what it does makes things happen in turn. */
  #beat(): void {
    if (this.#called) return;
    this.#called = true;
    queueMicrotask(() => {
      this.#called = false;
      this.#look();
    });
  }

  /** Everything that time does: once a second while somebody looks, and whenever something happens. */
  #look(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    if (this.#shown.size === 0 && now - this.#leftAt < HANDOVER) {
      this.#timer = setTimeout(() => this.#beat(), HANDOVER);
      return;
    }
    const off = this.#off();
    if (off || document.hidden) {
      this.#feed.close();
      this.#pace.forget();
      this.#show(off ? 'off' : 'paused', now);
      if (this.#shown.size > 0 && !document.hidden) this.#timer = setTimeout(() => this.#beat(), 1_000);
      this.#beatAt = now;
      return;
    }
    const slept = now - this.#beatAt > ASLEEP;
    this.#beatAt = now;
    if (slept) return this.#wake(true);
    this.#feed.open();
    this.#feed.check(now);
    const interval = this.#interval();
    const reliable = this.#feed.reliable(now);
    const patience = Math.max(interval, reliable ? QUIET : BLIND);
    if (this.#pace.due === null && this.#pace.sinceAsked(now) >= patience) this.#pace.want(now, interval);

    const held = this.#pace.underWay(now) || this.#isBusy(now) || someoneIsBusy();
    if (this.#pace.isDue(now) && !held) {
      window.dispatchEvent(new CustomEvent('gf:refresh'));
      return; // and its listener, above, calls for another look
    }
    const late = now - this.#cameAt > 3 * Math.max(interval, 10_000) && (!reliable || this.#pace.owed(now) > 10_000);
    this.#show(late ? 'late' : reliable ? 'live' : 'blind', now);
    const due = this.#pace.due === null ? 1_000 : this.#pace.due - now;
    this.#timer = setTimeout(() => this.#beat(), Math.min(1_000, Math.max(due, held ? BUSY : 0)));
  }

  /** Whether somebody else has the page loaded; one who waits for too long is not waited for. */
  #isBusy(now: number): boolean {
    if (document.querySelector('.page[aria-busy="true"]') === null) this.#busySince = undefined;
    else this.#busySince ??= now;
    return this.#busySince !== undefined && now - this.#busySince < REFRESH_TIMEOUT;
  }

  #show(state: State, now: number): void {
    seen.state = state;
    for (const element of this.#shown) element.show(state, now - this.#cameAt);
  }
}

class Live extends HTMLElement {
  static readonly observedAttributes = ['data-at', 'data-generation', 'data-feed', 'data-range', 'data-refresh', 'data-open', 'data-words'];
  readonly #mark = document.createElement('span');
  readonly #age = document.createElement('span');
  readonly #state = document.createElement('span');
  #words: Words | null = null;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [SHEET];
    this.#mark.ariaHidden = 'true';
    // Only this is read out when it changes; the age would be, every second.
    this.#state.role = 'status';
  }

  connectedCallback(): void {
    keeper.add(this);
  }

  disconnectedCallback(): void {
    keeper.remove(this);
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (name === 'data-words') this.#words = wordsOf(after);
    if (this.isConnected && before !== after) keeper.changed();
  }

  show(state: State, age: number): void {
    const root = this.shadowRoot;
    const words = this.#words;
    if (!root) return;
    if (!words) {
      // Without words the server's own text stands.
      if (!root.querySelector('slot')) root.replaceChildren(document.createElement('slot'));
      return;
    }
    if (!this.#age.isConnected) root.replaceChildren(this.#mark, this.#age, this.#state);
    set(this.#mark, mark(state), `mark ${state}`);
    set(this.#age, ageText(words, age), 'age');
    set(this.#state, stateText(words, state), `state ${state}`);
    // The server's own text is the exact time; it stays to be had.
    this.#age.title = this.textContent.trim();
  }
}

function set(node: HTMLElement, text: string, name: string): void {
  if (node.textContent !== text) node.textContent = text;
  if (node.className !== name) node.className = name;
}

declare global {
  interface Window { __gfLive?: typeof seen }
}

const keeper = new Keeper();
window.__gfLive = seen;
customElements.define('gf-live', Live);
