// Builds public/elements/ from app/elements: what pages run beside Leptos, split so that ECharts is loaded only where a
// chart is. Names hold a hash of the content; entry.txt says which file pages name. Run after changing app/elements.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const folder = path("public/elements");

mkdirSync(folder, { recursive: true });
const { metafile } = await build({
  absWorkingDir: path(""),
  entryPoints: ["app/elements/main.ts"],
  outdir: "public/elements",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "inline",
  metafile: true,
  logLevel: "warning",
});

for (const [file, output] of Object.entries(metafile.outputs)) {
  const entry = output.entryPoint === "app/elements/main.ts";
  if (entry && Object.keys(output.inputs).some((i) => i.includes("node_modules"))) {
    throw new Error("a package is in the entry; only lazily loaded parts may hold one");
  }
  if (entry) {
    // Servers may be reading it.
    writeFileSync(`${folder}/entry.new`, basename(file));
    renameSync(`${folder}/entry.new`, `${folder}/entry.txt`);
  }
  const bytes = readFileSync(path(file));
  const [raw, brotli] = [bytes, brotliCompressSync(bytes)].map((b) => b.length.toLocaleString("en"));
  console.log(`${basename(file)}: ${raw} bytes, ${brotli} brotli${entry ? " (entry)" : ""}`);
}

const current = new Set(["entry.txt", ...Object.keys(metafile.outputs).map((file) => basename(file))]);
for (const name of readdirSync(folder)) {
  if (!current.has(name)) rmSync(`${folder}/${name}`);
}
