// Looks for entries by parts of their names: letters in order, better at the beginnings of words and in a row. It knows
// nothing of the page; palette.ts shows what it finds. The matrix is that of fzy, in whole numbers.

import { firstOf, firstOfConsonant, isConsonant, isSyllable, keysOf, partPairs } from './hangul';

const PREFIX = 100, ROW = 100, WORD = 80, HUMP = 70, GAP = -1, EDGE = -1, INITIAL = -15, PART = -5;
const WHOLE = 200;
export const NEVER = -30_000;
const LONGEST = 120, LONGEST_TERM = 32, TERMS = 6;

/** A text made ready to be looked through. */
export interface Ready {
  /** As shown. */
  readonly shown: string;
  /** Lower case without accents, a code unit each. */
  readonly codes: Uint16Array;
  /** Where each of them begins in `shown`; null when they are the same. */
  readonly from: Uint16Array | null;
  /** What a letter is worth for its place. */
  readonly worth: Uint8Array;
  /** Which letters and initials occur, to refuse quickly. */
  readonly letters: number;
  readonly initials: number;
}

/** One word of what is looked for. */
export interface Term {
  readonly codes: Uint16Array;
  /** The keys of the last syllable when it may still grow, else empty. */
  readonly growing: string;
  readonly letters: number;
  readonly initials: number;
}

const ASCII = /^[\x20-\x7e]*$/;

export function ready(text: string): Ready {
  const shown = text.normalize('NFC').slice(0, LONGEST);
  const { folded, from } = fold(shown);
  const codes = new Uint16Array(folded.length);
  const worth = new Uint8Array(folded.length);
  for (let i = 0; i < folded.length; i++) {
    codes[i] = folded.charCodeAt(i);
    const at = from ? (from[i] ?? 0) : i;
    worth[i] = i === 0 ? PREFIX : worthAt(shown.charCodeAt(at - 1), shown.charCodeAt(at));
  }
  return { shown, codes, from, worth, ...kinds(codes, codes.length) };
}

function fold(shown: string): { folded: string; from: Uint16Array | null } {
  if (ASCII.test(shown)) return { folded: shown.toLowerCase(), from: null };
  let folded = '';
  const from: number[] = [];
  let at = 0;
  for (const letter of shown) {
    const code = letter.charCodeAt(0);
    const plain = code < 128 ? letter.toLowerCase() : isSyllable(code) || isConsonant(code) ? letter : letter.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '');
    for (let i = 0; i < plain.length; i++) from.push(at);
    folded += plain;
    at += letter.length;
  }
  return { folded, from: Uint16Array.from(from) };
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isUpper = (code: number): boolean => code >= 65 && code <= 90;
const isLower = (code: number): boolean => code >= 97 && code <= 122;

function worthAt(before: number, code: number): number {
  const wordly = isDigit(before) || isUpper(before) || isLower(before) || before > 127;
  if (!wordly) return WORD;
  if ((isLower(before) && isUpper(code)) || (isDigit(code) && !isDigit(before))) return HUMP;
  return 0;
}

function kinds(codes: Uint16Array, length: number): { letters: number; initials: number } {
  let letters = 0, initials = 0;
  for (let i = 0; i < length; i++) {
    const code = codes[i] ?? 0;
    if (isLower(code)) letters |= 1 << (code - 97);
    else if (isDigit(code)) letters |= 1 << 26;
    else if (isSyllable(code)) initials |= 1 << firstOf(code);
    else if (isConsonant(code)) {
      const first = firstOfConsonant(code);
      if (first >= 0) initials |= 1 << first;
    }
  }
  return { letters, initials };
}

/** What is looked for, in words. The last one may be unfinished. */
export function termsOf(query: string): Term[] {
  const text = query.normalize('NFC');
  const words = text.split(/\s+/u).filter((word) => word !== '').slice(0, TERMS);
  return words.map((word, i) => {
    const { folded } = fold(partPairs(word.slice(0, LONGEST_TERM)));
    const codes = Uint16Array.from(folded, (letter) => letter.charCodeAt(0)).slice(0, LONGEST_TERM);
    const last = codes[codes.length - 1] ?? 0;
    const growing = i === words.length - 1 && isSyllable(last) && !/\s$/u.test(text) ? keysOf(last) : '';
    return { codes, growing, ...kinds(codes, codes.length) };
  });
}

/** What a letter of the term at a place of the text costs (0 or less), or NEVER when it is another. */
function fits(term: Term, i: number, text: Ready, j: number): number {
  const wanted = term.codes[i] ?? 0, found = text.codes[j] ?? 0;
  if (wanted === found) return 0;
  if (!isSyllable(found)) return NEVER;
  if (isConsonant(wanted)) return firstOfConsonant(wanted) === firstOf(found) ? INITIAL : NEVER;
  if (term.growing === '' || i !== term.codes.length - 1) return NEVER;
  return grows(term.growing, text, j) > 0 ? PART : NEVER;
}

/** How many letters of the text from `j` on the keys of an unfinished syllable reach into: 붓 is the beginning of 부산. */
function grows(keys: string, text: Ready, j: number): number {
  const here = keysOf(text.codes[j] ?? 0);
  if (here.startsWith(keys)) return 1;
  const next = text.codes[j + 1] ?? 0;
  return isSyllable(next) && keys.startsWith(here) && keysOf(next).startsWith(keys.slice(here.length)) ? 2 : 0;
}

const WIDTH = LONGEST * 3 + 1;
/** Best with the term's letter i at place j, and best with it at j or before. */
const at = new Int16Array(LONGEST_TERM * WIDTH), until = new Int16Array(LONGEST_TERM * WIDTH);

/** How well a text answers one word; NEVER when it does not. */
export function score(term: Term, text: Ready): number {
  const m = term.codes.length, n = Math.min(text.codes.length, WIDTH - 1);
  if (m === 0) return 0;
  if (m > n || (term.letters & ~text.letters) !== 0 || (term.initials & ~text.initials) !== 0) return NEVER;
  for (let i = 0, j = 0; i < m; i++, j++) {
    while (j < n && fits(term, i, text, j) === NEVER) j++;
    if (j >= n) return NEVER;
  }
  for (let i = 0; i < m; i++) {
    let best = NEVER;
    const gap = i === m - 1 ? EDGE : GAP;
    const row = i * WIDTH, above = row - WIDTH;
    for (let j = 0; j < n; j++) {
      const cost = j < i ? NEVER : fits(term, i, text, j);
      let here = NEVER;
      if (cost !== NEVER) {
        const worth = text.worth[j] ?? 0;
        if (i === 0) here = worth + cost + EDGE * Math.min(j, 20);
        else if (j > 0) {
          const apart = until[above + j - 1] ?? NEVER, joined = at[above + j - 1] ?? NEVER;
          if (apart > NEVER) here = apart + worth + cost;
          if (joined > NEVER) here = Math.max(here, joined + Math.max(ROW, worth) + cost);
        }
      }
      at[row + j] = here;
      best = best > NEVER ? Math.max(here, best + gap) : here;
      until[row + j] = best;
    }
  }
  const total = until[(m - 1) * WIDTH + n - 1] ?? NEVER;
  // Letters strewn about: everything long would be found by anything.
  if (total === NEVER || (m >= 3 && total < 20 * m)) return NEVER;
  return total + (m === n && total >= ROW * m + INITIAL * m ? WHOLE : 0);
}

/** The places in `shown` that a word was found at, as pairs of beginning and end. Call it only where `score` found it. */
export function places(term: Term, text: Ready): [number, number][] {
  score(term, text);
  const found: [number, number][] = [];
  const n = Math.min(text.codes.length, WIDTH - 1);
  let joined = false;
  for (let i = term.codes.length - 1, j = n - 1; i >= 0 && j >= 0; i--, j--) {
    while (j > 0 && !(hit(i, j) && (joined || at[i * WIDTH + j] === until[i * WIDTH + j]))) j--;
    const last = i === term.codes.length - 1 && term.growing !== '' && term.codes[i] !== text.codes[j];
    found.unshift(range(text, j, last ? Math.max(1, grows(term.growing, text, j)) : 1));
    const cost = fits(term, i, text, j), before = i > 0 && j > 0 ? (at[(i - 1) * WIDTH + j - 1] ?? NEVER) : NEVER;
    joined = before > NEVER && at[i * WIDTH + j] === before + Math.max(ROW, text.worth[j] ?? 0) + cost;
  }
  return found;
}

function hit(i: number, j: number): boolean {
  return (at[i * WIDTH + j] ?? NEVER) > NEVER;
}

function range(text: Ready, j: number, letters: number): [number, number] {
  if (!text.from) return [j, j + letters];
  const begin = text.from[j] ?? 0;
  let end = j + letters;
  while (end < text.from.length && text.from[end] === begin) end++;
  return [begin, end < text.from.length ? (text.from[end] ?? text.shown.length) : text.shown.length];
}
