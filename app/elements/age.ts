// The words of `<gf-live>`: how old the page is and what becomes of it. Words only; they come from the server in the page's language.

export type State = 'live' | 'blind' | 'late' | 'paused' | 'off';

/** As in `data-words`. */
export interface Words {
  updated: string;
  now: string;
  live: string;
  off: string;
  paused: string;
  late: string;
  seconds: string;
  minutes: string;
  hours: string;
}

export function wordsOf(json: string | null): Words | null {
  try {
    const words: unknown = JSON.parse(json ?? '');
    const given = words as Record<string, unknown> | null;
    const wanted = ['updated', 'now', 'live', 'off', 'paused', 'late', 'seconds', 'minutes', 'hours'];
    return given && wanted.every((key) => typeof given[key] === 'string') ? (given as unknown as Words) : null;
  } catch {
    return null;
  }
}

/** "updated 12 s ago". The first seconds are "just now": counting them up once a second would be a movement without news. */
export function ageText(words: Words, ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 3) return words.now;
  const [form, n] = seconds < 60 ? [words.seconds, seconds]
    : seconds < 3_600 ? [words.minutes, Math.floor(seconds / 60)]
    : [words.hours, Math.floor(seconds / 3_600)];
  return words.updated.replace('{age}', form.replace('{n}', String(n)));
}

/** Refreshed by events or by the clock is the same to the reader: the page keeps up. */
export function stateText(words: Words, state: State): string {
  return state === 'blind' ? words.live : words[state];
}

/** The shapes of the data states, so that no state is told by colour alone. */
export function mark(state: State): string {
  return state === 'late' ? '◐' : state === 'live' || state === 'blind' ? '●' : '○';
}
