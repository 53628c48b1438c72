// The style sheet inside a chart's shadow root. A constructed sheet, since the page's policy allows no inline style; its
// colours are the page's tokens, which reach in here. The page's own side is style/components/chart.css.

const css = `
:host { display: block; position: relative; }
*, *::before { box-sizing: border-box; }
.canvas, .over { position: absolute; inset: 0; pointer-events: none; }
.raw .canvas { pointer-events: auto; }
.raw.alive ::slotted(*) { visibility: hidden; }
.raw .plane, [hidden] { display: none !important; }

.plane { position: absolute; pointer-events: auto; cursor: crosshair; touch-action: pan-y; user-select: none; -webkit-user-select: none; outline: none; -webkit-tap-highlight-color: transparent; }
.plane.leads { cursor: pointer; }
.plane.selecting { cursor: col-resize; }
.plane:focus-visible { outline: 2px solid var(--link); outline-offset: 6px; border-radius: 3px; }

.crosshair { position: absolute; top: 0; bottom: 0; left: 0; width: 1px; background: var(--quiet); opacity: 0.55; }
.point { position: absolute; top: 0; left: 0; width: 9px; height: 9px; margin: -4.5px; border: 2px solid var(--card); border-radius: 50%; }
.selection { position: absolute; top: 0; bottom: 0; left: 0; background: color-mix(in srgb, var(--link) 12%, transparent); border: solid var(--link); border-width: 0 1px; }

.tip { position: absolute; top: 0; left: 0; z-index: 5; max-width: min(360px, 100%); padding: 7px 10px; border: 1px solid var(--line); border-radius: var(--radius); background: var(--card); color: var(--ink); box-shadow: var(--float); font-size: var(--text-12); line-height: 1.45; font-variant-numeric: tabular-nums; white-space: nowrap; pointer-events: none; }
.when { color: var(--quiet); }
.rows { display: grid; grid-template-columns: auto minmax(0, 1fr) auto auto; column-gap: 8px; align-items: baseline; }
.name { overflow: hidden; text-overflow: ellipsis; }
.value { text-align: end; font-weight: 600; }
.n { text-align: end; color: var(--quiet); }
.nothing { grid-column: 3 / 5; text-align: end; color: var(--quiet); }
.then { grid-column: 2 / 5; color: var(--quiet); margin-top: -2px; }
.swatch { width: 14px; height: 0; border-top: 2px solid; align-self: center; flex: none; }
.swatch.dashed { border-top-style: dashed; }

.legend { position: absolute; z-index: 1; top: 0; display: flex; gap: 2px; overflow-x: auto; scrollbar-width: none; border-radius: var(--radius); }
.legend button { display: inline-flex; align-items: center; gap: 6px; flex: none; height: 24px; margin: 0; padding: 0 6px; border: 0; border-radius: var(--radius); background: none; color: var(--ink); font: inherit; font-size: var(--text-12); cursor: pointer; transition: background var(--quick); }
.legend.more { padding-inline-end: 24px; mask-image: linear-gradient(to right, #000 calc(100% - 32px), transparent); }
/* Beside the heading: the edges of such a chart may be full of words. */
.raw .legend { right: 0; top: -30px; }
.raw .legend button { border: 1px solid var(--line); background: var(--card); color: var(--quiet); }
.legend button:first-child { margin-inline-start: auto; }
.legend button:hover { background: var(--hover); }
.legend button:focus-visible { outline: 2px solid var(--link); outline-offset: -2px; }
.legend .name { max-width: 22ch; white-space: nowrap; }
.legend [aria-pressed="false"] { color: var(--quiet); text-decoration: line-through; }
.legend [aria-pressed="false"] .swatch { opacity: 0.35; }

.speech { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.probe { position: absolute; visibility: hidden; forced-color-adjust: none; }

@media (prefers-reduced-motion: reduce) { .legend button { transition: none; } }
@media print { .crosshair, .point, .tip, .selection { display: none; } }
`;

let sheet: CSSStyleSheet | undefined;

/** One for all charts. */
export function style(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}
