// Draws app/src/ui/icons.svg, the icons that pages use, from the Lucide package. Run after changing the list. The sprite
// stands in every page; how its lines are drawn is said once, by `.icon` in style/base.css.
import { readFileSync, writeFileSync } from "node:fs";

const names = [
  "bookmark", "calendar-clock", "chart-line", "chevron-down", "chevron-left", "chevron-right", "chevrons-up-down", "circle-alert",
  "circle-check", "database", "download", "flag", "flask-conical", "image", "inbox", "layout-dashboard", "link", "list", "lock", "monitor", "moon",
  "package",
  "scale", "search", "shield-check", "sun", "table", "users",
];

const symbols = names.map((name) => {
  const svg = readFileSync(new URL(`../node_modules/lucide-static/icons/${name}.svg`, import.meta.url), "utf8");
  const inner = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s+/g, " ").replaceAll(" />", "/>").replaceAll("> <", "><").trim();
  return `<symbol id="icon-${name}" viewBox="0 0 24 24">${inner}</symbol>`;
});
// The licence is told in app/src/ui/icon.rs: pages need not carry it.
writeFileSync(new URL("../app/src/ui/icons.svg", import.meta.url), symbols.join(""));
