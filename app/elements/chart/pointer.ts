// Mouse, pen and finger on the plot, distinguished into looking, selecting a range, clicking and zooming out. It knows nothing
// of charts: whoever listens is told in pixels of the plot.

export interface Handlers {
  /** Whether ranges can be selected. */
  zooms(): boolean;
  look(x: number, y: number): void;
  leave(): void;
  /** Dragged from `a` to `b` so far. */
  dragging(a: number, b: number, y: number): void;
  /** Let go; `undefined`: given up. */
  dragged(ends: readonly [number, number] | undefined): void;
  click(x: number, y: number): void;
  double(): void;
}

/** Less is a trembling hand. */
const DRAG = 6;
/** So long a second click may follow the first. */
const DOUBLE = 250;

export function listen(plane: HTMLElement, handlers: Handlers, signal: AbortSignal): void {
  let pressed: { id: number; x: number } | undefined;
  let dragging = false;
  let wasDrag = false;
  let finger = false;
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const at = (event: MouseEvent) => {
    const rect = plane.getBoundingClientRect();
    const within = (v: number, most: number) => Math.min(Math.max(v, 0), most);
    return [within(event.clientX - rect.left, rect.width), within(event.clientY - rect.top, rect.height)] as const;
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, then: (event: HTMLElementEventMap[K]) => void) => {
    plane.addEventListener(type, then as EventListener, { signal });
  };
  /** At most once a frame: pointers report oftener than anything is painted. */
  const soon = (x: number, y: number) => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => { handlers.look(x, y); });
  };
  const stop = (ends?: readonly [number, number]) => {
    if (dragging) handlers.dragged(ends);
    pressed = undefined;
    dragging = false;
    plane.classList.remove('selecting');
  };

  on('pointerdown', (event) => {
    wasDrag = false;
    if (!event.isPrimary || event.button !== 0) return;
    finger = event.pointerType === 'touch';
    pressed = { id: event.pointerId, x: at(event)[0] };
  });
  on('pointermove', (event) => {
    const [x, y] = at(event);
    if (!pressed) { if (event.pointerType !== 'touch') soon(x, y); return; }
    if (event.pointerId !== pressed.id) return;
    if (!dragging && handlers.zooms() && Math.abs(x - pressed.x) >= DRAG) {
      dragging = wasDrag = true;
      cancelAnimationFrame(frame);
      plane.setPointerCapture(event.pointerId);
      plane.classList.add('selecting');
    }
    if (dragging) handlers.dragging(pressed.x, x, y);
    else soon(x, y);
  });
  on('pointerup', (event) => {
    if (event.pointerId !== pressed?.id) return;
    const [x, y] = at(event);
    if (finger && !dragging) handlers.look(x, y);
    stop([Math.min(pressed.x, x), Math.max(pressed.x, x)]);
  });
  on('pointercancel', () => { stop(); });
  on('pointerleave', (event) => {
    // A finger leaves when it is lifted; what it tapped on shall stay to be read.
    if (dragging || event.pointerType === 'touch') return;
    pressed = undefined;
    cancelAnimationFrame(frame);
    handlers.leave();
  });
  on('click', (event) => {
    clearTimeout(timer);
    // A finger's tap is its way of looking.
    if (wasDrag || finger || event.detail !== 1) return;
    const [x, y] = at(event);
    timer = setTimeout(() => { handlers.click(x, y); }, DOUBLE);
  });
  on('dblclick', (event) => {
    clearTimeout(timer);
    event.preventDefault();
    if (handlers.zooms()) handlers.double();
  });
  window.addEventListener('keydown', (event) => {
    if (!dragging || event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    stop();
  }, { capture: true, signal });
  window.addEventListener('pointerdown', (event) => {
    if (!event.composedPath().includes(plane)) handlers.leave();
  }, { signal });
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    stop();
  });
}
