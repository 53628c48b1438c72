// What the palette and the sheet of keys show, from the server, kept for a minute. It asks; it shows nothing and never throws.

export interface Entry {
  kind: string;
  label: string;
  detail?: string;
  href?: string;
  act?: string;
  /** The letter that follows `g`. */
  key?: string;
}

export interface Words {
  title: string;
  placeholder: string;
  empty: string;
  keys_title: string;
  close: string;
  kinds: Record<string, string>;
  /** What to say when the list cannot be had. Ours, since nothing came. */
  failed: string;
}

export interface Listing {
  words: Words;
  keys: [string, string][];
  entries: Entry[];
}

/** Customers with their sites with their zones. */
type Places = readonly (readonly [string, readonly (readonly [string, readonly string[]])[]])[];

/** What places are called that have another name to show; by their names from the customer on, each on a line. */
type Shown = Readonly<Record<string, string>>;

const FRESH = 60_000;
const PATIENCE = 10_000;

/** Before the first answer, and when none comes. */
const OWN: Record<string, Words> = {
  en: {
    title: 'Go to…', placeholder: 'Go to…', empty: '', keys_title: 'Keys', close: 'Close', kinds: {},
    failed: 'Could not get the list from the server. Close this and try again in a moment.',
  },
  ko: {
    title: '이동…', placeholder: '이동…', empty: '', keys_title: '단축키', close: '닫기', kinds: {},
    failed: '서버에서 목록을 받지 못했습니다. 닫고 잠시 후 다시 시도해 주세요.',
  },
};

let kept: { listing: Listing; lang: string; at: number } | null = null;
let asking: { answer: Promise<Listing | null>; lang: string } | null = null;

const language = (): string => document.documentElement.lang || 'en';

export function labels(): Words {
  return (language().startsWith('ko') ? OWN['ko'] : OWN['en']) as Words;
}

/** What is at hand in the page's language, however old. */
export function cachedListing(): Listing | null {
  return kept?.lang === language() ? kept.listing : null;
}

/** A fresh listing, or null when none can be had. */
export function listing(): Promise<Listing | null> {
  const lang = language();
  if (kept?.lang === lang && Date.now() - kept.at < FRESH) return Promise.resolve(kept.listing);
  if (asking?.lang === lang) return asking.answer;
  const answer = ask(lang).then((listing) => {
    if (listing) kept = { listing, lang, at: Date.now() };
    if (asking?.answer === answer) asking = null;
    return listing;
  });
  asking = { answer, lang };
  return answer;
}

async function ask(lang: string): Promise<Listing | null> {
  try {
    const response = await fetch(`/api/palette?lang=${encodeURIComponent(lang)}`, {
      headers: { accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) return null;
    const given = (await response.json()) as (Partial<Listing> & { places?: Places; shown?: Shown }) | null;
    if (!given || !Array.isArray(given.entries)) return null;
    const isModel = (entry: Entry): boolean => entry.kind === 'model';
    const [models, rest] = [given.entries.filter(isModel), given.entries.filter((entry) => !isModel(entry))];
    const entries = [...rest, ...entriesOf(given.places ?? [], given.shown ?? {}), ...models];
    return { words: { ...labels(), ...given.words }, keys: given.keys ?? [], entries };
  } catch {
    return null;
  }
}

/** Experiments and runs for what was typed; none where they cannot be had, or may not be seen. */
export async function tracked(text: string, signal: AbortSignal): Promise<Entry[]> {
  try {
    const response = await fetch(`/api/palette/runs?text=${encodeURIComponent(text)}`, { headers: { accept: 'application/json' }, signal });
    const given: unknown = response.ok ? await response.json() : [];
    return Array.isArray(given) ? given as Entry[] : [];
  } catch {
    return [];
  }
}

/** Customers, then sites, then zones, each with the address of its page and what it lies in. */
export function entriesOf(places: Places, shown: Shown = {}): Entry[] {
  const found: [Entry[], Entry[], Entry[]] = [[], [], []];
  const kinds = ['customer', 'site', 'zone'] as const;
  const add = (href: string, ...names: string[]): void => {
    const [name, depth] = [names.at(-1) as string, names.length - 1];
    const label = shown[names.join('\n')];
    // Found by its own name as well.
    const within = label === undefined ? names.slice(0, -1) : names;
    const entry: Entry = { kind: kinds[depth] as string, label: label ?? name, href };
    if (within.length > 0) entry.detail = within.join(' · ');
    found[depth]?.push(entry);
  };
  for (const [customer, sites] of places) {
    const path = `/customers/${encodeURIComponent(customer)}`;
    add(path, customer);
    for (const [site, zones] of sites) {
      const below = `${path}/sites/${encodeURIComponent(site)}`;
      add(below, customer, site);
      for (const zone of zones) add(`${below}/zones/${encodeURIComponent(zone)}`, customer, site, zone);
    }
  }
  return found.flat();
}
