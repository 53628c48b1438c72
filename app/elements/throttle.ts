// When the page may be loaded again: wishes are gathered and met at most once an interval, never two at a time.
// It holds times only and knows no clock, page or network, so that it can be tested without them.

/** A refresh that has no answer after this long is over; the next may start. The server gives up after 30 s, and says so. */
export const REFRESH_TIMEOUT = 40_000;
/** Between two refreshes lies this many times what the last one took: a server that has much to do is asked less. */
const REST = 3;
/** More than this is sleep, or a fault, and says nothing about the server. */
const SLOWEST = 5_000;
const LONGEST_WAIT = 10_000;
const SECOND = 1_000;

/** The shortest time between two refreshes. `auto`: no sooner than the newest data would move a line by a visible step. */
export function intervalOf(choice: string, rangeMs: number, widthPx: number): number {
  const fixed: Record<string, number> = { '5s': 5, '30s': 30, '1m': 60 };
  const seconds = fixed[choice];
  if (seconds !== undefined) return seconds * SECOND;
  const step = rangeMs / Math.max(widthPx, 1) / 600;
  return Number.isFinite(step) ? Math.min(Math.max(step, SECOND), 60 * SECOND) : 5 * SECOND;
}

export class RefreshThrottle {
  /** When the last refresh was asked for, or the page came by itself. */
  #base: number;
  /** Since when a refresh is under way. */
  #asked: number | null = null;
  /** When the wished refresh is due. */
  #due: number | null = null;
  /** Since when something wished for has not come. */
  #wished: number | null = null;
  /** How long the last answer took. */
  #took = 0;
  #failures = 0;
  /** After a failure no wish is met sooner. */
  #notBefore = 0;

  constructor(now: number) {
    this.#base = now;
  }

  get due(): number | null {
    return this.#due;
  }

  /** Wishes for a refresh: at once when the last is an interval ago, else when it will be. `urgent` waits for nothing. */
  want(now: number, interval: number, urgent = false): void {
    const due = urgent ? now : Math.max(now, this.#notBefore, this.#base + Math.max(interval, (REST + 1) * this.#took));
    if (urgent) this.#asked = null;
    this.#due = this.#due === null ? due : Math.min(this.#due, due);
    this.#wished ??= now;
  }

  /** Since when what was wished for has not come; 0 while nothing is owed. */
  owed(now: number): number {
    return this.#wished === null ? 0 : now - this.#wished;
  }

  underWay(now: number): boolean {
    if (this.#asked !== null && now - this.#asked >= REFRESH_TIMEOUT) this.#asked = null;
    return this.#asked !== null;
  }

  isDue(now: number): boolean {
    return this.#due !== null && now >= this.#due;
  }

  sinceAsked(now: number): number {
    return now - this.#base;
  }

  /** A refresh was asked for, by us or by someone else: it meets every wish so far, should it succeed. */
  asked(now: number): void {
    this.#base = now;
    this.#asked = now;
    this.#due = null;
    this.#wished ??= now;
  }

  /** The page shows a new answer. One that we did not ask for may be older than the wish, which then stays. */
  answered(now: number): void {
    if (this.#asked === null) this.#base = now;
    this.#took = this.#asked === null ? 0 : Math.min(now - this.#asked, SLOWEST);
    this.#asked = null;
    this.#failures = this.#notBefore = 0;
    this.#wished = this.#due === null ? null : now;
  }

  /** The refresh that is under way failed. It is tried again, ever later, and by chance not by all pages at once. */
  failed(now: number): void {
    if (this.#asked === null) return;
    this.#asked = null;
    this.#failures += 1;
    const wait = Math.min(LONGEST_WAIT, SECOND * 2 ** this.#failures);
    this.#due = this.#notBefore = now + wait * (0.5 + Math.random() / 2);
  }

  /** Nothing is wished for any more: the shown range is closed, or refreshing is off. */
  forget(): void {
    this.#due = null;
    this.#wished = null;
  }
}
