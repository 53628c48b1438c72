// Going to a page from a script as a link would, with the shown range and filters kept. Not a router: that is Leptos'.

/** What a visitor chose to look at, and takes along. */
const KEPT = ['type', 'task', 'device', 'tz', 'refresh', 'kiosk'];
/** The range is one thing: half of it from here and half from there would be a third range. */
const RANGE = ['from', 'to', 'days'];

/** The address with the pairs of the present one, except those that it names itself. Other origins are left as they are. */
export function carry(href: string, here: string): string {
  const now = new URL(here);
  const to = new URL(href, now);
  if (to.origin !== now.origin) return to.href;
  const names = RANGE.some((key) => to.searchParams.has(key)) ? KEPT : [...RANGE, ...KEPT];
  for (const name of names) {
    if (to.searchParams.has(name)) continue;
    for (const value of now.searchParams.getAll(name)) to.searchParams.append(name, value);
  }
  return to.href;
}

/** How an address is followed. */
interface How {
  /** In a tab of its own. */
  elsewhere?: boolean;
  /** In the place of the present one in the history. */
  replace?: boolean;
}

/**
 * Clicks a link that is there for a moment: the router takes it in place once it runs, before that the browser goes. The same page in
 * another state stays where it is scrolled to.
 */
export function follow(href: string, { elsewhere = false, replace = false }: How = {}): void {
  const link = document.createElement('a');
  link.href = href;
  link.hidden = true;
  // The router reads both.
  if (replace) Object.assign(link, { replace });
  if (link.pathname === location.pathname) link.dataset['noscroll'] = '';
  if (elsewhere) {
    link.target = '_blank';
    link.rel = 'noopener';
  }
  document.body.append(link);
  link.click();
  link.remove();
}
