// How names are found by parts of them, addresses carry what was chosen, and refreshes are paced: plain functions, no browser.
import { expect, test } from '@playwright/test';
import { carry } from '../../app/elements/follow';
import { RefreshThrottle, intervalOf } from '../../app/elements/throttle';
import { index, rank } from '../../app/elements/rank';
import { entriesOf, type Entry } from '../../app/elements/source';

const entry = (label: string, detail = '', kind = 'site', more: Partial<Entry> = {}): Entry => ({ kind, label, detail, href: '/x', ...more });
const shown = ({ text, parts }: { text: string; parts: readonly (readonly [number, number])[] }) => {
  let [out, done] = ['', 0];
  for (const [a, b] of parts) {
    out += `${text.slice(done, a)}[${text.slice(a, b)}]`;
    done = b;
  }
  return out + text.slice(done);
};
/** What is found, best first, with the found letters in brackets. */
const find = (text: string, ...entries: Entry[]) =>
  rank(index(entries), text).map((f) => shown(f.label) + (f.detail.text ? ` / ${shown(f.detail)}` : ''));

type Case = [what: string, text: string, entries: Entry[], found: string[]];
const e = (...labels: string[]) => labels.map((l) => entry(l));

const CASES: Case[] = [
  ['letters in order are enough', 'bsn', e('Busan-2'), ['[B]u[s]a[n]-2']],
  ['beginnings of words count more', 'b2', e('Busan-2', 'Bar20'), ['[B]usan-[2]', '[B]ar[2]0']],
  ['case does not matter', 'BUSAN', e('busan'), ['[busan]']],
  ['the beginning comes before a later word, and that before the middle', 'an', e('Busan', 'Anyang', 'Gate Andong'), ['[An]yang', 'Gate [An]dong', 'Bus[an]']],
  ['a row comes before letters apart', 'se', e('Suwon East', 'Seoul'), ['[Se]oul', '[S]uwon [E]ast']],
  ['the whole name comes first', 'gate', e('Gateway', 'Gate'), ['[Gate]', '[Gate]way']],
  ['humps begin words', 'map', e('trainMapper', 'trammap'), ['train[Map]per', 'tram[map]']],
  ['letters in another order are nothing', 'nsb', e('Busan'), []],
  ['letters that do not occur are nothing', 'xqz', [entry('Busan', 'Customer B')], []],
  ['accents need not be typed', 'zur', e('Zürich'), ['[Zür]ich']],
  ['nor tildes', 'sao', e('São Paulo'), ['[São] Paulo']],
  ['nor those of two code points', 'koln', e('Ko\u0308ln'), ['[Köln]']],
  ['accents may be typed', 'köln', e('Koln'), ['[Koln]']],
  ['ligatures are their letters', 'ﬁ', e('final'), ['[fi]nal']],
  ['ß is not two letters', 'strasse', e('Straße'), []],
  ['initials find syllables', 'ㅂㅅ', e('부산-1', '서울'), ['[부산]-1']],
  ['initials typed as one character as well', 'ㅄ', e('부산'), ['[부산]']],
  ['a vowel alone is no initial', 'ㅂㅜ', e('부산'), []],
  ['a syllable finds itself', '부', e('부산'), ['[부]산']],
  ['an unfinished syllable reaches into the next', '붓', e('부산', '불국'), ['[부산]']],
  ['two syllables, the last unfinished', '부사', e('부산'), ['[부산]']],
  ['two syllables', '부산', e('부산'), ['[부산]']],
  ['what is meant comes before what may become it', '고', e('과천', '고양'), ['[고]양', '[과]천']],
  ['an unfinished final of two', '닭', e('달구벌'), ['[달구]벌']],
  ['a final that begins the next', '젲', e('제주'), ['[제주]']],
  ['a space finishes a syllable', '부사 ', e('부산'), []],
  ['only the last word is unfinished', '부사 x', e('부산 x'), []],
  ['decomposed input', '부산'.normalize('NFD'), e('부산'), ['[부산]']],
  ['decomposed names', '부산', e('부산'.normalize('NFD')), ['[부산]']],
  ['consonants that stand alone are themselves first', 'ㄱㅊ', e('과천', 'ㄱㅊ'), ['[ㄱㅊ]', '[과천]']],
  ['a beginning in Hangul as well', '산', e('부산', '산청'), ['[산]청', '부[산]']],
  ['words in name and detail', 'busan customer', [entry('Busan-2', 'Customer B')], ['[Busan]-2 / [Customer] B']],
  ['every word must be found', 'b busan', [entry('Busan', 'Customer A'), entry('Ulsan', 'Customer B')], ['[Busan] / Customer A']],
  ['a name comes before a detail', 'busan', [entry('Gate-1', 'Busan-2', 'zone'), entry('Busan-2', 'Customer B')], ['[Busan]-2 / Customer B', 'Gate-1 / [Busan]-2']],
  ['pages are found by their address too', 'trends', [entry('추이', '', 'page', { href: '/trends' })], ['추이']],
  ['nothing typed: pages, acts, the rest', '', [entry('A'), entry('P', '', 'page'), entry('T', '', 'act')], ['P', 'T', 'A']],
  ['spaces are nothing', '  ', e('A'), ['A']],
  ['strange characters are characters', 'a\u0000b*?[(', e('A'), []],
  ['emoji', '👍', e('ok 👍 go'), ['ok [👍] go']],
  ['a letter with its accent apart', 'é', e('Cafe\u0301'), ['Caf[é]']],
];

test.describe('finding names', () => {
  for (const [what, text, entries, found] of CASES) {
    test(`“${text}”: ${what}`, () => {
      expect(find(text, ...entries)).toEqual(found);
    });
  }

  test('no more than fifty are shown, and a very long text is no trouble', () => {
    expect(rank(index(Array.from({ length: 200 }, (_, i) => entry(`Gate-${i}`))), 'gate')).toHaveLength(50);
    expect(find('a'.repeat(500), entry('a'.repeat(500)))).toHaveLength(1);
  });

  test('six thousand names are searched within a frame or two', () => {
    const all = index(Array.from({ length: 6_000 }, (_, i) => entry(`Gate-${i} Hall`, `Busan-${i % 50}`)));
    rank(all, 'warm');
    // Processor time: other workers take turns with this one.
    const begin = process.cpuUsage();
    for (const text of ['g', 'ga', 'hall 12', 'busan 4', 'zzz']) rank(all, text);
    const { user, system } = process.cpuUsage(begin);
    expect((user + system) / 1_000 / 5).toBeLessThan(60);
  });
});

test.describe('places come as a tree of names', () => {
  test('customers, then sites, then zones, each with its page and with what it lies in', () => {
    expect(entriesOf([['A & B', [['부산-2', ['Gate 1', 'Gate 2']], ['S', []]]], ['C', []]])).toEqual([
      { kind: 'customer', label: 'A & B', href: '/customers/A%20%26%20B' },
      { kind: 'customer', label: 'C', href: '/customers/C' },
      { kind: 'site', label: '부산-2', detail: 'A & B', href: '/customers/A%20%26%20B/sites/%EB%B6%80%EC%82%B0-2' },
      { kind: 'site', label: 'S', detail: 'A & B', href: '/customers/A%20%26%20B/sites/S' },
      { kind: 'zone', label: 'Gate 1', detail: 'A & B · 부산-2', href: '/customers/A%20%26%20B/sites/%EB%B6%80%EC%82%B0-2/zones/Gate%201' },
      { kind: 'zone', label: 'Gate 2', detail: 'A & B · 부산-2', href: '/customers/A%20%26%20B/sites/%EB%B6%80%EC%82%B0-2/zones/Gate%202' },
    ]);
  });
});

test.describe('addresses', () => {
  const here = 'https://a.b/x?from=now-7d&to=now&type=all&metric=m&tz=Asia%2FSeoul&kiosk=1';
  for (const [what, href, carried] of [
    ['range and filters travel along, the metric does not', '/trends', 'https://a.b/trends?from=now-7d&to=now&type=all&tz=Asia%2FSeoul&kiosk=1'],
    ['what an address names itself stays, and a range is not mixed', '/trends?days=7&type=candidate', 'https://a.b/trends?days=7&type=candidate&tz=Asia%2FSeoul&kiosk=1'],
    ['other origins are left alone', 'https://other/x', 'https://other/x'],
    ['an anchor stays at the end', '/a#b', 'https://a.b/a?from=now-7d&to=now&type=all&tz=Asia%2FSeoul&kiosk=1#b'],
  ] as const) {
    test(what, () => { expect(carry(href, here)).toBe(carried); });
  }
});

test.describe('pace', () => {
  test('auto refreshes no sooner than a new record would move the line by a visible step', () => {
    expect(intervalOf('5s', 1, 1)).toBe(5_000);
    expect(intervalOf('1m', 1, 1)).toBe(60_000);
    expect(intervalOf('auto', 604_800_000, 1_000)).toBe(1_008);
    expect(intervalOf('auto', 3_600_000, 1_000)).toBe(1_000);
    expect(intervalOf('auto', 365 * 86_400_000, 800)).toBe(60_000);
    expect(intervalOf('auto', NaN, 1_000)).toBe(5_000);
  });

  test('wishes are gathered and met once an interval', () => {
    const p = new RefreshThrottle(0);
    p.want(100, 1_000);
    p.want(900, 1_000);
    expect([p.due, p.isDue(999), p.isDue(1_000)]).toEqual([1_000, false, true]);
    p.asked(1_000);
    expect([p.due, p.underWay(1_001)]).toEqual([null, true]);
    p.want(1_500, 1_000);
    p.answered(1_800);
    expect([p.due, p.underWay(1_801), p.owed(1_900)]).toEqual([2_000, false, 100]);
  });

  test('an answer that never comes does not hold up the next, and an urgent wish does not wait', () => {
    const p = new RefreshThrottle(0);
    p.asked(2_000);
    expect([p.underWay(41_999), p.underWay(42_000)]).toEqual([true, false]);
    const q = new RefreshThrottle(0);
    q.want(10, 60_000, true);
    expect(q.due).toBe(10);
    q.asked(10);
    q.want(20, 60_000, true);
    expect([q.due, q.underWay(20)]).toEqual([20, false]);
  });

  test('a server that takes long to answer is asked less often', () => {
    const p = new RefreshThrottle(0);
    p.asked(0);
    p.answered(2_000);
    p.want(2_000, 1_000);
    expect(p.due).toBe(8_000);
    p.asked(8_000);
    p.answered(8_100);
    p.want(8_100, 1_000);
    expect(p.due).toBe(9_000);
  });

  test('after a failure it is tried again, later each time, and a wish in between changes nothing', () => {
    const p = new RefreshThrottle(0);
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      p.asked(1_000);
      p.failed(1_000);
      p.want(1_001, 1_000);
      expect(p.underWay(1_001)).toBe(false);
      return p.due! - 1_000;
    });
    for (const [i, most] of [2_000, 4_000, 8_000, 10_000, 10_000, 10_000].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(most / 2);
      expect(waits[i]).toBeLessThanOrEqual(most);
    }
    p.asked(20_000);
    p.answered(20_100);
    p.want(20_200, 1_000);
    expect(p.due).toBe(21_000);
  });
});
