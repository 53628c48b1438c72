// Keys on the plot, translated into steps along the points. It knows nothing of charts, and takes no key that it does not
// use from the page.

export interface KeyboardTarget {
  step(direction: 1 | -1): void;
  end(direction: 1 | -1): void;
  open(): void;
  zoom(out: boolean): void;
  escape(): void;
}

export function listenToKeys(plane: HTMLElement, target: KeyboardTarget, signal: AbortSignal): void {
  const acts: Record<string, () => void> = {
    ArrowRight: () => { target.step(1); },
    ArrowLeft: () => { target.step(-1); },
    Home: () => { target.end(-1); },
    End: () => { target.end(1); },
    Enter: () => { target.open(); },
    '+': () => { target.zoom(false); },
    // The key of plus without Shift.
    '=': () => { target.zoom(false); },
    '-': () => { target.zoom(true); },
    Escape: () => { target.escape(); },
  };
  plane.addEventListener('keydown', (event) => {
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, { signal });
}
