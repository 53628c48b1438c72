// Keys on the plot, translated into steps along the points. It knows nothing of charts, and takes no key that it does not
// use from the page.

export interface Walker {
  step(direction: 1 | -1): void;
  end(direction: 1 | -1): void;
  open(): void;
  zoom(out: boolean): void;
  escape(): void;
}

export function walk(plane: HTMLElement, walker: Walker, signal: AbortSignal): void {
  const acts: Record<string, () => void> = {
    ArrowRight: () => { walker.step(1); },
    ArrowLeft: () => { walker.step(-1); },
    Home: () => { walker.end(-1); },
    End: () => { walker.end(1); },
    Enter: () => { walker.open(); },
    '+': () => { walker.zoom(false); },
    // The key of plus without Shift.
    '=': () => { walker.zoom(false); },
    '-': () => { walker.zoom(true); },
    Escape: () => { walker.escape(); },
  };
  plane.addEventListener('keydown', (event) => {
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, { signal });
}
