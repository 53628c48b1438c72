// The palette: everything that has a name, a few keystrokes away. Loaded when it is first opened. Finding is rank.ts, the
// entries are the server's; this is the dialog only.

import { open, type Dialog } from './dialog';
import { copy, make, say } from './dom';
import { carry, follow } from './follow';
import { index, rank, type Found, type Indexed, type Marked } from './rank';
import { caps, closeSheet, openSheet } from './shortcuts';
import { cachedListing, listing, labels, tracked, type Entry, type Listing, type Words } from './source';

/** How long nothing is typed before runs are asked for, in ms. */
const PAUSE = 120;

let palette: Palette | null = null;
/** The entries made ready, kept as long as they are the same. */
let prepared: { entries: Entry[]; indexed: Indexed[] } | null = null;

export { closeSheet, openSheet };

/** `text` is what was typed while this was being loaded. */
export function openPalette(text = ''): void {
  palette ??= new Palette(text, () => { palette = null; });
}

export function closePalette(): void {
  palette?.close();
}

/** Goes to the page that has this key. */
export async function goByKey(key: string): Promise<void> {
  const fits = (entry: Entry): boolean => entry.key?.toLowerCase() === key && entry.href !== undefined;
  const entry = cachedListing()?.entries.find(fits) ?? (await listing())?.entries.find(fits);
  if (entry?.href !== undefined) follow(carry(entry.href, location.href));
}

function ready(entries: Entry[]): Indexed[] {
  if (prepared?.entries !== entries) prepared = { entries, indexed: index(entries) };
  return prepared.indexed;
}

class Palette {
  readonly #input: HTMLInputElement;
  readonly #list: HTMLUListElement;
  readonly #note: HTMLParagraphElement;
  readonly #shut: HTMLButtonElement;
  readonly #dialog: Dialog;
  #words: Words;
  #all: Indexed[] = [];
  #loaded = false;
  /** Experiments and runs that the server found for `#askedFor`. */
  #tracked: Indexed[] = [];
  #askedFor = '';
  #asking: AbortController | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #rows: Found[] = [];
  #active = -1;
  #scrolled = false;

  constructor(text: string, closed: () => void) {
    const known = cachedListing();
    this.#words = known?.words ?? labels();
    this.#input = make('input', {
      type: 'text', role: 'combobox', 'aria-controls': 'palette-list', 'aria-expanded': 'false', 'aria-autocomplete': 'list',
      autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', enterkeyhint: 'go',
    });
    this.#list = make('ul', { id: 'palette-list', role: 'listbox', hidden: '' });
    this.#note = make('p', { class: 'note', role: 'status' });
    this.#shut = make('button', { type: 'button', class: 'shut' });
    this.#input.addEventListener('input', () => this.#look());
    this.#input.addEventListener('keydown', (event) => this.#key(event));
    this.#list.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays where one types
    this.#list.addEventListener('mousemove', (event) => this.#activate(this.#rowOf(event), false));
    this.#list.addEventListener('scroll', () => { this.#scrolled = true; });
    this.#list.addEventListener('click', (event) => {
      const row = this.#rowOf(event);
      if (row >= 0) this.#choose(row, event.ctrlKey || event.metaKey);
    });
    this.#dialog = open('palette', this.#words.title, [make('header', {}, this.#input, this.#shut), this.#list, this.#note], closed);
    this.#shut.addEventListener('click', () => this.#dialog.close());
    this.#speak();
    this.#input.value = text;
    this.#input.focus();
    if (known) this.#take(known);
    void listing().then((fresh) => {
      if (!this.#dialog.node.isConnected) return;
      if (fresh && fresh !== known) this.#take(fresh);
      else if (!fresh && !known) this.#note.textContent = this.#words.failed;
    });
  }

  close(): void {
    this.#dialog.close();
  }

  #take(given: Listing): void {
    this.#words = given.words;
    this.#all = ready(given.entries);
    this.#loaded = true;
    this.#speak();
    this.#look();
  }

  #speak(): void {
    const { title, placeholder, close } = this.#words;
    this.#dialog.node.ariaLabel = title;
    this.#input.ariaLabel = title;
    this.#list.ariaLabel = title;
    this.#input.placeholder = placeholder;
    this.#shut.textContent = close;
  }

  /** Runs are too many to be listed beforehand: they are asked for when somebody has typed and paused. */
  #ask(text: string): void {
    this.#asking?.abort();
    clearTimeout(this.#pause);
    if (text === this.#askedFor) return;
    this.#askedFor = text;
    this.#tracked = [];
    if (text.length < 2) return;
    const asking = this.#asking = new AbortController();
    this.#pause = setTimeout(() => {
      void tracked(text, asking.signal).then((entries) => {
        if (asking.signal.aborted || entries.length === 0 || !this.#dialog.node.isConnected) return;
        this.#tracked = index(entries);
        this.#look();
      });
    }, PAUSE);
  }

  #look(): void {
    if (!this.#loaded) return;
    const text = this.#input.value;
    this.#ask(text.trim());
    this.#rows = [...rank(this.#all, text), ...rank(this.#tracked, text)].slice(0, 50);
    const none = this.#rows.length === 0;
    this.#list.replaceChildren(...this.#rows.map((row, i) => this.#row(row, i)));
    // Asked only when it may be needed: the answer would cost a layout with every letter.
    if (this.#scrolled) this.#list.scrollTop = 0;
    this.#scrolled = false;
    this.#list.hidden = none;
    this.#input.ariaExpanded = String(!none);
    this.#note.textContent = none ? this.#words.empty.replace('{text}', text.trim()) : '';
    this.#active = -1;
    if (none) this.#input.removeAttribute('aria-activedescendant');
    else this.#activate(0, false);
  }

  #row({ entry, label, detail }: Found, i: number): HTMLElement {
    const row = make('li', { id: `palette-${i}`, role: 'option', 'aria-selected': 'false' });
    const name = make('span', { class: 'name' }, make('bdi', {}, ...marked(label)));
    if (detail.text !== '') name.append(' ', make('span', { class: 'detail' }, make('bdi', {}, ...marked(detail))));
    row.append(name, ' ', make('span', { class: 'kind' }, this.#words.kinds[entry.kind] ?? ''));
    if (entry.key) row.append(make('span', { class: 'keys', 'aria-hidden': 'true' }, ...caps(`g ${entry.key}`)));
    return row;
  }

  #rowOf(event: Event): number {
    const row = event.target instanceof Element ? event.target.closest('[role=option]') : null;
    return row ? [...this.#list.children].indexOf(row) : -1;
  }

  #activate(row: number, show: boolean): void {
    const now = this.#list.children[row];
    if (row === this.#active || !now) return;
    this.#list.children[this.#active]?.setAttribute('aria-selected', 'false');
    this.#active = row;
    now.setAttribute('aria-selected', 'true');
    this.#input.setAttribute('aria-activedescendant', now.id);
    if (show) now.scrollIntoView({ block: 'nearest' });
  }

  #key(event: KeyboardEvent): void {
    // While a syllable is being put together these keys are the input method's.
    if (event.isComposing || event.keyCode === 229) return;
    const last = this.#rows.length - 1;
    const steps: Record<string, number> = {
      ArrowDown: this.#active >= last ? 0 : this.#active + 1,
      ArrowUp: this.#active <= 0 ? last : this.#active - 1,
      PageDown: Math.min(this.#active + 8, last),
      PageUp: Math.max(this.#active - 8, 0),
      Home: 0,
      End: last,
    };
    const to = event.shiftKey || event.altKey ? undefined : steps[event.key];
    if (to !== undefined) this.#activate(to, true);
    else if (event.key === 'Enter') this.#choose(this.#active, event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  }

  #choose(row: number, elsewhere: boolean): void {
    const entry = this.#rows[row]?.entry;
    if (!entry) return;
    if (entry.act === 'copy-link') return void this.#copyLink(row);
    this.#dialog.close();
    if (entry.act !== undefined) act(entry.act);
    else if (entry.href !== undefined) follow(carry(entry.href, location.href), { elsewhere });
  }

  /** Nothing on the page would show that it is done, so the row does. */
  async #copyLink(row: number): Promise<void> {
    const name = this.#list.children[row]?.querySelector('.name');
    if (!(await copy(location.href))) return;
    name?.prepend('✓ ');
    this.#note.classList.add('said');
    this.#note.textContent = `✓ ${this.#rows[row]?.entry.label ?? ''}`;
    setTimeout(() => this.#dialog.close(), 700);
  }
}

/** The text with the found letters marked. */
function marked({ text, parts }: Marked): (Node | string)[] {
  const out: (Node | string)[] = [];
  let done = 0;
  for (const [begin, end] of parts) {
    out.push(text.slice(done, begin), make('mark', {}, text.slice(begin, end)));
    done = end;
  }
  out.push(text.slice(done));
  return out;
}

/** Acts are done by what the page has for them, so that there is one way of each. */
function act(name: string): void {
  const [what, value] = name.split(':');
  if (value !== undefined && (what === 'theme' || what === 'lang')) {
    const button = document.querySelector<HTMLButtonElement>(`button[name="${what}"][value="${CSS.escape(value)}"]`);
    button?.click();
    if (button?.title) say(button.title);
  } else if (name === 'refresh') window.dispatchEvent(new CustomEvent('gf:refresh'));
  else if (name === 'keys') openSheet();
  else document.querySelector<HTMLElement>(`[data-act="${CSS.escape(name)}"]`)?.click();
}
