// `<gf-drawn>`: holds what the server drew of a page (app/src/shell/drawn.rs). When the page changes, only what is different is
// replaced: what somebody opened, scrolled, selected or is typing stays. Its forms that ask by GET are navigated in place.

import { closestInPath } from './dom';
import { follow } from './follow';

type Morph = typeof import('./morph').morph;
let morph: Morph | undefined;

// A picture that cannot be drawn says so in its place. Such events do not bubble.
document.addEventListener('error', (event) => { if (event.target instanceof HTMLImageElement) told(event.target); }, true);

function told(picture: HTMLImageElement): void {
  const text = picture.dataset['broken'];
  if (text === undefined) return;
  const paragraph = document.createElement('p');
  paragraph.className = 'quiet';
  paragraph.textContent = text;
  picture.replaceWith(paragraph);
}

/** What only some pages need. */
function load(drawn: HTMLElement): void {
  if (drawn.querySelector('[data-images]')) void import('./images').catch(() => undefined);
}

class Drawn extends HTMLElement {
  connectedCallback(): void {
    load(this);
    // The router has come here before this was drawn.
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && this.contains(target)) target.scrollIntoView();
    // Those that failed before anybody listened.
    for (const picture of this.querySelectorAll<HTMLImageElement>('img[data-broken]')) {
      if (picture.complete && picture.naturalWidth === 0) told(picture);
    }
    // Not before it may be needed: the first view stands in the page.
    if (!morph) setTimeout(() => void import('./morph').then((module) => { morph = module.morph; }).catch(() => undefined), 1_000);
  }

  /** The framework writes another view here. */
  override set innerHTML(html: string) {
    if (morph && this.firstChild) morph(this, html);
    else super.innerHTML = html;
    load(this);
    this.dispatchEvent(new CustomEvent('gf:drawn', { bubbles: true }));
  }

  override get innerHTML(): string {
    return super.innerHTML;
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.closest('gf-drawn') || form.method !== 'get' || event.defaultPrevented) return;
  event.preventDefault();
  const button = event.submitter;
  const to = new URL(button instanceof HTMLButtonElement && button.hasAttribute('formaction') ? button.formAction : form.action, location.href);
  const query = new URLSearchParams();
  // What is empty asks nothing, and stays out of the address.
  for (const [name, value] of new FormData(form, event.submitter)) if (typeof value === 'string' && value !== '') query.append(name, value);
  to.search = query.toString();
  follow(to.href);
});

// A select that is all its form asks goes at once; without a script its button does.
document.addEventListener('change', (event) => {
  const field = event.target;
  if (field instanceof HTMLSelectElement && field.matches('gf-drawn [data-go]')) field.form?.requestSubmit();
  if (field instanceof HTMLInputElement && field.dataset['slides'] !== undefined) field.form?.requestSubmit();
});

// A slider stands beside a field that may be typed into: what it tells is written there, and asked for when it is let go.
document.addEventListener('input', (event) => {
  const slider = event.target;
  if (!(slider instanceof HTMLInputElement) || slider.dataset['slides'] === undefined) return;
  const field = slider.form?.querySelector<HTMLInputElement>('input:not([type="hidden"], [type="range"])');
  const before = slider.dataset['slides'];
  // Beside the baseline: so much from its value.
  if (field) field.value = before ? `${before}${slider.valueAsNumber < 0 ? '' : '+'}${slider.value}` : slider.value;
});

// Rows: a click with Shift selects all from the last one clicked to this one.
let last: HTMLInputElement | null = null;
document.addEventListener('click', (event) => {
  const box = closestInPath(event, (element) => element.matches('gf-drawn input[type="checkbox"][data-row]'));
  if (!(box instanceof HTMLInputElement)) return;
  const boxes = [...(box.closest('table')?.querySelectorAll<HTMLInputElement>('input[data-row]') ?? [])];
  const [from, to] = [last ? boxes.indexOf(last) : -1, boxes.indexOf(box)];
  if (event.shiftKey && from >= 0) {
    for (const between of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) between.checked = box.checked;
  }
  last = box;
  count(box);
});

/** Says how many rows are selected, where the page has a place for it. */
function count(box: HTMLInputElement): void {
  const form = box.form;
  const chosen = form?.querySelectorAll('input[data-row]:checked').length ?? 0;
  for (const place of form?.querySelectorAll('[data-selected]') ?? []) place.textContent = String(chosen);
  for (const button of form?.querySelectorAll<HTMLButtonElement>('button[data-needs]') ?? []) {
    button.disabled = chosen < Number(button.dataset['needs']);
  }
}

/** Whether somebody is in the middle of something that a new view would disturb: typing, or rows are selected. */
export function isBusy(): boolean {
  const at = document.activeElement;
  return (at instanceof HTMLElement && at.matches('gf-drawn :is(input:not([type="checkbox"]), textarea, select)'))
    || document.querySelector('gf-drawn input[data-row]:checked') !== null;
}

customElements.define('gf-drawn', Drawn);
