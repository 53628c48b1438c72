// Draws public/icons.svg, one sprite of the icons that pages use, from the Lucide package. Run after changing the list.
import { readFileSync, writeFileSync } from "node:fs";

const names = [
  "calendar-clock", "chart-line", "chevron-down", "chevron-left", "chevron-right", "chevrons-up-down", "circle-alert",
  "circle-check", "database", "download", "flag", "image", "inbox", "layout-dashboard", "link", "list", "monitor", "moon",
  "scale", "search", "shield-check", "sun", "table",
];

const symbols = names.map((name) => {
  const svg = readFileSync(new URL(`../node_modules/lucide-static/icons/${name}.svg`, import.meta.url), "utf8");
  const inner = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s+/g, " ").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
});
const licence = "<!-- Icons: Lucide (ISC licence), drawn by scripts/icons.mjs -->";
writeFileSync(new URL("../public/icons.svg", import.meta.url), `<svg xmlns="http://www.w3.org/2000/svg">${licence}\n${symbols.join("\n")}\n</svg>\n`);
