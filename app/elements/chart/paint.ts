// Colours and line widths of the page, as a canvas needs them: it knows neither custom properties nor light-dark(). Nothing
// is named here that tokens.css or chart.css do not name.

export type Paint = (token: string) => string;

/** Resolves tokens such as `--series-1` by what the browser computes for an element that no one sees. */
export function paint(probe: HTMLElement): Paint {
  return (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
}

/** How wide the page draws its lines at this width of the window. */
export function lineWidth(host: HTMLElement): number {
  const line = host.querySelector('.drawing .line');
  return (line && parseFloat(getComputedStyle(line).strokeWidth)) || 1.75;
}
