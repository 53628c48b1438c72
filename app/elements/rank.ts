// Puts the palette's entries in order for what was typed. The matching of a single text is fuzzy.ts.

import { NEVER, places, ready, score, termsOf, type Ready, type Term } from './fuzzy';
import type { Entry } from './source';

export interface Indexed {
  readonly entry: Entry;
  readonly label: Ready;
  readonly detail: Ready;
  /** A page is also found by its address: its name is in one language, the address in the other. */
  readonly path: Ready | null;
}

/** An entry that fits, and where. */
export interface Found {
  readonly entry: Entry;
  readonly label: Marked;
  readonly detail: Marked;
}

/** A text and the parts of it that were found, in order and apart. */
export interface Marked {
  readonly text: string;
  readonly parts: readonly (readonly [number, number])[];
}

const KINDS = ['page', 'act'];

export function index(entries: readonly Entry[]): Indexed[] {
  const details = new Map<string, Ready>();
  return entries.map((entry) => {
    const text = entry.detail ?? '';
    // Thousands of sites share the names of a few customers.
    let detail = details.get(text);
    if (!detail) details.set(text, (detail = ready(text)));
    return { entry, label: ready(entry.label), detail, path: entry.kind === 'page' && entry.href ? ready(entry.href) : null };
  });
}

/** The best `most` entries, best first; among equals those that the server named first. */
export function rank(all: readonly Indexed[], query: string, most = 50): Found[] {
  const terms = termsOf(query);
  if (terms.length === 0) return first(all, most).map((one) => found(one, terms));
  const scores: number[] = [], best: Indexed[] = [];
  const details = terms.map(() => new Map<Ready, number>());
  for (const one of all) {
    const points = pointsOf(one, terms, details);
    if (points === NEVER || (scores.length === most && points <= (scores[most - 1] ?? 0))) continue;
    let low = 0, high = scores.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((scores[middle] ?? 0) >= points) low = middle + 1;
      else high = middle;
    }
    scores.splice(low, 0, points);
    best.splice(low, 0, one);
    if (scores.length > most) {
      scores.pop();
      best.pop();
    }
  }
  return best.map((one) => found(one, terms));
}

/** With nothing typed: pages and acts, then the rest as far as there is room. */
function first(all: readonly Indexed[], most: number): Indexed[] {
  const chosen = KINDS.flatMap((kind) => all.filter((one) => one.entry.kind === kind));
  for (const one of all) {
    if (chosen.length >= most) break;
    if (!KINDS.includes(one.entry.kind)) chosen.push(one);
  }
  return chosen.slice(0, most);
}

/** Every word must be found, each where it fits best; in a detail it counts for less than in the name. */
function pointsOf(one: Indexed, terms: readonly Term[], details: readonly Map<Ready, number>[]): number {
  let points = one.entry.kind === 'page' ? 20 : 0;
  for (const [i, term] of terms.entries()) {
    const label = score(term, one.label);
    const detail = details[i]?.get(one.detail) ?? score(term, one.detail);
    details[i]?.set(one.detail, detail);
    const rest = Math.max(detail, one.path ? score(term, one.path) : NEVER);
    const best = Math.max(label, rest === NEVER ? NEVER : Math.round(rest * 0.6) - 30);
    if (best === NEVER) return NEVER;
    points += best;
  }
  return points;
}

function found(one: Indexed, terms: readonly Term[]): Found {
  const label: [number, number][] = [], detail: [number, number][] = [];
  for (const term of terms) {
    if (score(term, one.label) > NEVER) label.push(...places(term, one.label));
    else if (score(term, one.detail) > NEVER) detail.push(...places(term, one.detail));
  }
  return { entry: one.entry, label: { text: one.label.shown, parts: joined(label) }, detail: { text: one.detail.shown, parts: joined(detail) } };
}

/** Parts in order; those that touch or overlap as one. */
function joined(parts: [number, number][]): [number, number][] {
  const out: [number, number][] = [];
  for (const [begin, end] of parts.sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([begin, end]);
  }
  return out;
}
