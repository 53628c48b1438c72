// Images of runs (app/src/images): the slider and the keys of their step, and zoom and pan of all of them together. Loaded where there
// are some. Zoom and place are kept beside what the server draws, so that they stay while steps change.

import { follow } from './follow';

const MOST = 16;
/** From here on the image itself is worth loading. */
const SHARP = 1.5;
const STEP = 1.5;
/** Of an image, by a key. */
const PUSH = 0.1;

let zoom = 1;
let x = 0;
let y = 0;
/** What holds the images; another page has another one, and begins anew. */
let holder: HTMLElement | null = null;

const images = () => document.querySelector<HTMLElement>('[data-images]');
const frames = () => document.querySelectorAll<HTMLElement>('[data-images] [data-frame]');

/** Begins anew when the images are another page's. */
function look(): void {
  const here = images()?.closest<HTMLElement>('gf-drawn') ?? null;
  if (here === holder) return;
  holder = here;
  [zoom, x, y] = [1, 0, 0];
}

/** Shows all images at the same zoom, moved by the same part of themselves. */
function show(): void {
  if (!holder) return;
  x = Math.min(0, Math.max(1 - zoom, x));
  y = Math.min(0, Math.max(1 - zoom, y));
  holder.classList.toggle('zoomed', zoom > 1);
  holder.style.setProperty('--zoom', String(zoom));
  holder.style.setProperty('--pan-x', String(x * 100));
  holder.style.setProperty('--pan-y', String(y * 100));
  if (zoom >= SHARP) for (const picture of holder.querySelectorAll<HTMLImageElement>('[data-frame] img[data-full]')) sharpen(picture);
}

/** Puts the image itself in the place of its thumbnail once it is there. */
function sharpen(picture: HTMLImageElement): void {
  const full = picture.dataset['full'] ?? '';
  const small = picture.src;
  if (small === new URL(full, location.href).href) return;
  const loaded = new Image();
  loaded.onload = () => { if (picture.src === small) picture.src = full; };
  loaded.src = full;
}

/** Zooms so that the point at these parts of an image stays where it is. */
function zoomTo(next: number, atX = 0.5, atY = 0.5): void {
  look();
  const before = zoom;
  zoom = Math.min(MOST, Math.max(1, next));
  x = atX - (atX - x) * (zoom / before);
  y = atY - (atY - y) * (zoom / before);
  show();
}

/** Where in its frame an event is, in parts of the frame. */
function place(event: MouseEvent, frame: Element): [number, number] {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return [(event.clientX - left) / width, (event.clientY - top) / height];
}

const frameOf = (event: Event) => (event.target instanceof Element ? event.target.closest<HTMLElement>('[data-images] [data-frame]') : null);

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-zoom]') : null;
  if (button) zoomBy(button.dataset['zoom']);
});

function zoomBy(what: string | undefined): void {
  if (what === 'in') zoomTo(zoom * STEP);
  else if (what === 'out') zoomTo(zoom / STEP);
  else zoomTo(1);
}

document.addEventListener('wheel', (event) => {
  const frame = frameOf(event);
  // The wheel alone scrolls the page.
  if (!frame || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  zoomTo(zoom * Math.exp(-event.deltaY / 300), ...place(event, frame));
}, { passive: false });

document.addEventListener('dblclick', (event) => {
  const frame = frameOf(event);
  if (frame) zoomTo(zoom > 1 ? 1 : 2, ...place(event, frame));
});

document.addEventListener('pointerdown', (event) => {
  const frame = frameOf(event);
  look();
  if (!frame || zoom === 1 || event.button !== 0) return;
  event.preventDefault();
  const { width, height } = frame.getBoundingClientRect();
  const from = { x: x - event.clientX / width, y: y - event.clientY / height };
  frame.setPointerCapture(event.pointerId);
  const move = (moved: PointerEvent): void => {
    x = from.x + moved.clientX / width;
    y = from.y + moved.clientY / height;
    show();
  };
  const end = (): void => {
    frame.removeEventListener('pointermove', move);
    for (const name of ['pointerup', 'pointercancel']) frame.removeEventListener(name, end);
  };
  frame.addEventListener('pointermove', move);
  for (const name of ['pointerup', 'pointercancel']) frame.addEventListener(name, end);
});

/** Where keys are letters, or move something themselves. */
function typing(event: Event): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select, [role="region"]'));
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !images() || typing(event)) return;
  if (document.querySelector('dialog[open]') || document.documentElement.dataset['keys'] === 'off') return;
  if (key(event)) event.preventDefault();
});

function key(event: KeyboardEvent): boolean {
  look();
  const arrows: Record<string, [number, number]> = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const arrow = arrows[event.key];
  if (arrow && event.shiftKey && zoom > 1) {
    x += arrow[0] * PUSH;
    y += arrow[1] * PUSH;
    show();
    return true;
  }
  if (arrow && !event.shiftKey && arrow[0] !== 0) {
    const link = document.querySelector<HTMLAnchorElement>(`[data-step="${arrow[0] > 0 ? 'previous' : 'next'}"]`);
    if (link) follow(link.href, { replace: true });
    return link !== null;
  }
  if (frames().length === 0) return false;
  if (event.key === '+' || event.key === '=') zoomBy('in');
  else if (event.key === '-' || event.key === '−') zoomBy('out');
  else if (event.key === '0') zoomBy('reset');
  else return false;
  return true;
}

let later: ReturnType<typeof setTimeout> | undefined;

// The slider says where it is at once; the images follow when it rests for a moment.
document.addEventListener('input', (event) => {
  const slider = event.target;
  if (!(slider instanceof HTMLInputElement) || !slider.matches('[data-steps]')) return;
  const step = slider.dataset['steps']?.split(' ')[Number(slider.value)];
  if (step === undefined) return;
  slider.setAttribute('aria-valuetext', step);
  const shown = document.querySelector('[data-step-shown]');
  if (shown) shown.textContent = `${slider.dataset['label'] ?? ''} ${step}`;
  clearTimeout(later);
  later = setTimeout(() => follow((slider.dataset['href'] ?? '').replace('step=STEP', `step=${step}`), { replace: true }), 80);
});

document.addEventListener('gf:drawn', () => {
  look();
  if (zoom > 1) show();
});
