// A modal dialog that is in the page only while it is open, after everything of the framework's. What it holds is its user's.

import { make } from './dom';

export interface Dialog {
  readonly node: HTMLDialogElement;
  close(): void;
}

/** Opens a dialog over the page. A click beside it, Escape, and `close` end it; the focus goes back to where it was. */
export function open(kind: string, label: string, content: Node[], closed: () => void = () => undefined): Dialog {
  const inner = make('div', { class: 'inner' });
  inner.append(...content);
  const node = make('dialog', { class: `over ${kind}`, 'aria-label': label }, inner);
  // `close` tells its listeners later; a key that follows at once would find the dialog neither open nor gone.
  const close = (): void => {
    if (!node.isConnected) return;
    node.close();
    node.remove();
    closed();
  };
  node.addEventListener('close', close);
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    close();
  });
  // All of the dialog is covered by its inner part, so that only the backdrop answers as the dialog itself. The press must
  // begin there as well: selecting text may end beside the dialog.
  let beside = false;
  node.addEventListener('pointerdown', (event) => { beside = event.target === node; });
  node.addEventListener('click', (event) => { if (beside && event.target === node) close(); });
  document.body.append(node);
  node.showModal();
  return { node, close };
}

/** Whether any dialog is open, ours or not. */
export function anyOpen(): boolean {
  return document.querySelector('dialog[open]') !== null;
}
