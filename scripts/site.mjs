// Writes the site of dist/: `node scripts/site.mjs FOLDER DIST`, where FOLDER holds what scripts/bindgen wrote. Style,
// script and program get names that hold a hash of their content, which DIST/hash.txt tells the server; every file is there
// as .br and .gz as well. cargo-leptos, which `make watch` uses, lays files out in the same way.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { transform } from "esbuild";
import { bundle } from "lightningcss";

const NAME = "guardianflow";
// The most that the program may weigh as brotli, in bytes: every first visit loads it (docs/adr/0009).
const LIMIT = 300_000;
// The oldest browsers that style is written for; lightningcss has the major version in the third byte, the minor one in the second.
const OLDEST = { chrome: 109 << 16, edge: 109 << 16, firefox: 115 << 16, safari: (16 << 16) | (6 << 8), ios_saf: (16 << 16) | (6 << 8) };

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const [folder, dist] = process.argv.slice(2);
const site = `${dist}/site`;
rmSync(site, { recursive: true, force: true });
cpSync(path("public"), site, { recursive: true });
mkdirSync(`${site}/pkg`);

const smaller = `${folder}/${NAME}.wasm`;
execFileSync(path("node_modules/.bin/wasm-opt"), [
  "-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int", `${folder}/${NAME}_bg.wasm`, "-o", smaller,
]);
const script = await transform(readFileSync(`${folder}/${NAME}.js`, "utf8"), { minify: true, format: "esm", target: "es2022" });
const style = bundle({ filename: path("style/main.css"), minify: true, targets: OLDEST });
for (const w of style.warnings) throw new Error(`${w.loc.filename}:${w.loc.line}: ${w.message}`);

const files = { js: script.code, wasm: readFileSync(smaller), css: style.code };
let hashes = "";
for (const [kind, bytes] of Object.entries(files)) {
  const hash = createHash("md5").update(bytes).digest("base64url");
  hashes += `${kind}: ${hash}\n`;
  writeFileSync(`${site}/pkg/${NAME}.${hash}.${kind}`, bytes);
}
writeFileSync(`${dist}/hash.txt`, hashes);

const all = readdirSync(site, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
await Promise.all(all.map(async (f) => {
  const name = `${f.parentPath ?? f.path}/${f.name}`;
  const bytes = readFileSync(name);
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const brotli = await promisify(brotliCompress)(bytes, { params });
  writeFileSync(`${name}.br`, brotli);
  writeFileSync(`${name}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  if (!name.endsWith(".wasm")) return;
  const [raw, sent] = [bytes, brotli].map((b) => b.length.toLocaleString("en"));
  console.log(`the browser's program: ${raw} bytes, ${sent} brotli`);
  if (brotli.length > LIMIT) throw new Error(`the browser's program has more than ${LIMIT.toLocaleString("en")} bytes as brotli`);
}));
