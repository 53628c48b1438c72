// Fails when modules import each other in a circle, and prints what it counted.
//
// A module is a file or a folder, and is compared with its siblings alone: those in the same folder. In Rust the edge a → b
// exists when any file of `a` names a path through `crate::…` or `super::…` that leads into `b`; in TypeScript, when a file
// imports one of another module, types included. What a parent (mod.rs, lib.rs) and its own children say of each other is no
// edge between siblings; but a parent that holds items of its own is a sibling of its children, called `self`, as soon as a
// child names one of these items. Tests are part of no module: what stands behind `#[cfg(test)]` is left out.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const RUST = ['app/src', 'app/domain/src', 'app/usecases/src', 'server/src'];
const TS = ['app/elements'];

const isFolder = (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function filesBelow(folder, ending) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return isFolder(path) ? filesBelow(path, ending) : name.endsWith(ending) ? [path] : [];
  });
}

/** The edges among the children of each module, as `parent → (from → (to → first place that names it))`. */
class Graph {
  levels = new Map();
  edges = 0;

  /** `from` and `to` are paths of modules, from the root on. They differ first at the siblings that the edge is between. */
  add(from, to, place) {
    let at = 0;
    while (at < from.length && at < to.length && from[at] === to[at]) at += 1;
    if (at === from.length || (at === to.length && to.at(-1) !== 'self')) return;
    const [a, b] = [from[at], to[at] ?? 'self'];
    const level = this.levels.get(from.slice(0, at).join('/')) ?? new Map();
    this.levels.set(from.slice(0, at).join('/'), level);
    const out = level.get(a) ?? new Map();
    level.set(a, out);
    if (!out.has(b)) this.edges += 1;
    if (!out.has(b)) out.set(b, place);
  }

  /** The circles: of each level those that a walk meets. */
  circles() {
    const found = [];
    for (const [parent, level] of this.levels) {
      const done = new Set();
      const walk = (node, path) => {
        if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
        if (done.has(node)) return undefined;
        for (const next of level.get(node)?.keys() ?? []) {
          const circle = walk(next, [...path, node]);
          if (circle) return circle;
        }
        done.add(node);
        return undefined;
      };
      for (const node of level.keys()) {
        const circle = walk(node, []);
        if (!circle) continue;
        const steps = circle.slice(1).map((to, i) => `  ${circle[i]} → ${to}: ${level.get(circle[i]).get(to)}`);
        found.push(`${parent || '.'}: ${circle.join(' → ')}\n${steps.join('\n')}`);
        break;
      }
    }
    return found;
  }
}

/** Rust without comments, strings that hold paths, and tests. */
function code(text) {
  const tests = text.search(/^#\[cfg\((all\()?test\b.*\]\n(#\[.*\]\n)*(pub(\(.*\))? )?mod \w+ \{/m);
  return (tests < 0 ? text : text.slice(0, tests)).replace(/\/\/.*$/gm, '').replace(/"(?:[^"\\]|\\.)*"/g, '""');
}

/** Every path that a `use` tree names: `a::{b, c::d}` as `a::b` and `a::c::d`. */
function spread(tree) {
  const open = tree.indexOf('{');
  if (open < 0) return [tree.replace(/\s+as\s+\w+/, '').replace(/\s/g, '')];
  const parts = [];
  let [depth, start] = [0, open + 1];
  for (let i = open; i < tree.length; i += 1) {
    if (tree[i] === '{') depth += 1;
    else if (tree[i] === '}') depth -= 1;
    if ((tree[i] === ',' && depth === 1) || (depth === 0 && tree[i] === '}')) {
      parts.push(tree.slice(start, i));
      start = i + 1;
      if (depth === 0) break;
    }
  }
  return parts.filter((part) => part.trim() !== '').flatMap((part) => spread(tree.slice(0, open) + part.trim()));
}

function rust(root, graph) {
  const files = filesBelow(root, '.rs').filter((path) => !/(^|\/)tests(\.rs|\/)/.test(path) && !path.endsWith('/main.rs'));
  const moduleOf = (path) => relative(root, path).replace(/(^|\/)(mod|lib)\.rs$|\.rs$/, '').split('/').filter(Boolean);
  const modules = new Map(files.map((path) => [moduleOf(path).join('/'), path]));
  const isModule = (path) => modules.has(path.join('/'));
  /** Whether a module defines an item itself; what it only passes on is its children's. */
  const defines = (module, item) => {
    if (item === '*') return true;
    const text = code(readFileSync(modules.get(module.join('/')), 'utf8'));
    return new RegExp(`\\b(struct|enum|trait|type|const|static|fn|union|macro_rules!)\\s+${item}\\b`).test(text);
  };
  for (const file of files) {
    const here = moduleOf(file);
    const text = code(readFileSync(file, 'utf8'));
    const uses = [...text.matchAll(/\buse\s+([^;]+);/g)].flatMap((m) => spread(m[1]));
    const inline = [...text.replace(/\buse\s+[^;]+;/g, '').matchAll(/\b(?:crate|super)(?:::\w+)+/g)].map((m) => m[0]);
    for (const named of [...uses, ...inline]) {
      const names = named.split('::');
      let target;
      if (names[0] === 'crate') target = [[], names.slice(1)];
      else if (names[0] === 'super') {
        const up = names.findIndex((name) => name !== 'super');
        target = [here.slice(0, Math.max(here.length - (up < 0 ? names.length : up), 0)), up < 0 ? [] : names.slice(up)];
      } else continue;
      let [module, rest] = target;
      while (rest.length > 0 && isModule([...module, rest[0]])) [module, rest] = [[...module, rest[0]], rest.slice(1)];
      const own = rest.length > 0 && here.length > module.length && defines(module, rest[0]);
      graph.add(here, own ? [...module, 'self'] : module, `${file} (${named})`);
    }
    // A parent's own code that uses a child is the edge from `self`; passing a child's items on is none.
    const own = [...text.matchAll(/(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);/g)].filter((m) => !m[1]).flatMap((m) => spread(m[2]));
    for (const named of own) {
      const names = named.replace(`crate::${[...here, ''].join('::')}`, '').replace(/^self::/, '').split('::');
      if (isModule([...here, names[0]])) graph.add([...here, 'self'], [...here, names[0]], `${file} (${named})`);
    }
    for (const [, child] of text.replace(/\buse\s+[^;]+;/g, '').matchAll(/(?<![:\w])(\w+)::\w/g)) {
      if (isModule([...here, child])) graph.add([...here, 'self'], [...here, child], `${file} (${child}::…)`);
    }
  }
  return files.length;
}

function typescript(root, graph) {
  const files = filesBelow(root, '.ts').filter((path) => !path.endsWith('.d.ts'));
  for (const file of files) {
    const here = relative(root, file).replace(/\.ts$/, '').split('/');
    for (const [, named] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) {
      const to = relative(root, normalize(join(dirname(file), named))).split('/');
      // `chart.ts` is the front of `chart/`: the two are parent and children.
      if (here.length === 1 && to[0] === here[0]) continue;
      graph.add(here, to, `${file} ('${named}')`);
    }
  }
  return files.length;
}

let bad = false;
for (const [read, roots] of [[rust, RUST], [typescript, TS]]) {
  for (const root of roots) {
    const graph = new Graph();
    const files = read(root, graph);
    const circles = graph.circles();
    console.log(`${root}: ${files} files, ${graph.edges} edges between siblings, ${circles.length} circles`);
    for (const circle of circles) console.log(circle);
    bad ||= circles.length > 0;
  }
}
process.exit(bad ? 1 : 0);
