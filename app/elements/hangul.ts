// Hangul taken apart as it is typed: 과 is ㄱ ㅗ ㅏ, 닭 is ㄷ ㅏ ㄹ ㄱ. Only what looking for names needs; not a general library.

const FIRST = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
const MIDDLE = 'ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ'.split(' ');
const LAST = ' ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ'.split(' ');
/** Pairs of consonants that keyboards make of two typed one after the other. */
const PAIRS: Record<string, string> = {
  ㄳ: 'ㄱㅅ', ㄵ: 'ㄴㅈ', ㄶ: 'ㄴㅎ', ㄺ: 'ㄹㄱ', ㄻ: 'ㄹㅁ', ㄼ: 'ㄹㅂ', ㄽ: 'ㄹㅅ', ㄾ: 'ㄹㅌ', ㄿ: 'ㄹㅍ', ㅀ: 'ㄹㅎ', ㅄ: 'ㅂㅅ',
};
const FIRST_SYLLABLE = 0xac00;
const LAST_SYLLABLE = 0xd7a3;

export function isSyllable(code: number): boolean {
  return code >= FIRST_SYLLABLE && code <= LAST_SYLLABLE;
}

/** ㄱ to ㅎ, standing alone. */
export function isConsonant(code: number): boolean {
  return code >= 0x3131 && code <= 0x314e;
}

/** The number of a syllable's first consonant, 0 to 18. */
export function firstOf(syllable: number): number {
  return Math.floor((syllable - FIRST_SYLLABLE) / 588);
}

/** The same for a consonant standing alone; -1 for those that begin no syllable. */
export function firstOfConsonant(code: number): number {
  return FIRST.indexOf(String.fromCharCode(code));
}

/** A syllable as its keys; anything else as it is. */
export function keysOf(code: number): string {
  if (!isSyllable(code)) return String.fromCharCode(code);
  const at = code - FIRST_SYLLABLE;
  return (FIRST[firstOf(code)] ?? '') + (MIDDLE[Math.floor((at % 588) / 28)] ?? '') + (LAST[at % 28] ?? '');
}

/** Initials typed fast come as one character: ㅄ for ㅂㅅ. */
export function partPairs(text: string): string {
  return text.replace(/[ㄳㄵㄶㄺ-ㅀㅄ]/g, (pair) => PAIRS[pair] ?? pair);
}
