// The page's one stream of events from the server, kept alive. It tells when there are new data and whether it can be
// relied upon; it does not load them and shows nothing.

/** Without any event for this long the feed is not relied upon; the server sends a `tick` every 10 s. */
const SILENT = 25_000;
/** A connection that stays silent for this long is replaced: a dead one may never report an error. */
const DEAD = 60_000;
const LONGEST_WAIT = 30_000;

export interface Listener {
  /** Any event came. */
  heard(): void;
  /** There are new data. */
  records(): void;
}

export class Feed {
  readonly #listener: Listener;
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  /** The last event, or the beginning of the connection. */
  #heardAt = 0;
  #broken = false;
  /** Where the server tells of what the page is about. */
  #address = '';
  /** What the page shows. The server tells at once of what is newer. */
  #shown = '';
  /** The newest generation that the server told of. */
  #told = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** The page shows records of this generation now. It may have been made before what was told of meanwhile. */
  shows(generation: string, address: string): void {
    if (address !== this.#address) {
      // Another page, about another place: what was told of does not concern it.
      const open = this.#source !== null;
      [this.#address, this.#shown, this.#told] = [address, generation, 0];
      this.close();
      if (open) this.open();
      return;
    }
    if (generation === this.#shown) return;
    this.#shown = generation;
    if (generation === '' || Number(generation) >= this.#told) return;
    // Once: a server that was begun again may count from the beginning.
    this.#told = 0;
    this.#listener.records();
  }

  open(): void {
    if (this.#source || this.#retry !== undefined || this.#address === '') return;
    const address = new URL(this.#address, location.href);
    if (this.#shown !== '') address.searchParams.set('last', this.#shown);
    const source = new EventSource(address);
    this.#source = source;
    this.#heardAt = Date.now();
    // By topic; a page listens to one.
    source.addEventListener('records', (event) => this.#hear(source, event));
    for (const topic of ['runs', 'models']) source.addEventListener(topic, (event) => this.#hear(source, event));
    source.addEventListener('tick', () => this.#hear(source));
    source.addEventListener('error', () => {
      if (source !== this.#source) return;
      this.#broken = true;
      // After most errors the browser connects again by itself, and resumes; after this one it does not.
      if (source.readyState === EventSource.CLOSED) this.#later();
    });
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#source?.close();
    this.#source = null;
    this.#broken = false;
  }

  /** A new connection now: the old one may be dead without knowing. Whoever asks for it also has the page loaded anew. */
  reopen(): void {
    this.close();
    this.open();
  }

  /** Whether new data would be told of. A proxy that holds answers back lets the connection open and no event through. */
  reliable(now: number): boolean {
    return this.#source !== null && !this.#broken && now - this.#heardAt <= SILENT;
  }

  /** To be called now and then. */
  check(now: number): void {
    if (this.#source && now - this.#heardAt > DEAD) this.#later();
  }

  #hear(source: EventSource, records?: MessageEvent<string>): void {
    if (source !== this.#source) return;
    this.#heardAt = Date.now();
    this.#broken = false;
    this.#tries = 0;
    this.#listener.heard();
    if (!records) return;
    this.#told = Number(records.lastEventId);
    // The page may have been loaded again for another reason.
    if (records.lastEventId !== this.#shown) this.#listener.records();
  }

  #later(): void {
    this.#source?.close();
    this.#source = null;
    this.#broken = true;
    const wait = Math.min(LONGEST_WAIT, 1_000 * 2 ** this.#tries);
    this.#tries += 1;
    // Half of the wait is by chance, so that browsers do not come back to a restarted server all at once.
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.open();
    }, wait * (0.5 + Math.random() / 2));
  }
}
