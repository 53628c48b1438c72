// What the charts of a page have in common: one crosshair through all of them, one watch on the theme, one count for tests.
// It knows charts only by what they can be told.

export interface Member {
  /** Another chart is looked at, at this time; `undefined`: no longer. */
  showTime(t: number | undefined): void;
  /** Colours have changed. */
  repaint(): void;
}

const members = new Set<Member>();
let watch: AbortController | undefined;

export function joinGroup(member: Member): void {
  members.add(member);
  watch ??= watchTheme();
}

export function leaveGroup(member: Member): void {
  members.delete(member);
  if (members.size > 0) return;
  watch?.abort();
  watch = undefined;
}

/** Shows the time in all other charts. */
export function showInOtherCharts(from: Member, t: number | undefined): void {
  for (const member of members) if (member !== from) member.showTime(t);
}

/** The theme is the visitor's choice on the root element, or else the system's. */
function watchTheme(): AbortController {
  const end = new AbortController();
  const repaint = () => { for (const member of members) member.repaint(); };
  const observer = new MutationObserver(repaint);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme', 'class'] });
  end.signal.addEventListener('abort', () => { observer.disconnect(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint, { signal: end.signal });
  return end;
}

declare global {
  interface Window {
    /** Living ECharts instances: tests see by it that all are given back. */
    __gfCharts?: number;
  }
}

export function countInstances(more: 1 | -1 | 0): void {
  window.__gfCharts = (window.__gfCharts ?? 0) + more;
}
