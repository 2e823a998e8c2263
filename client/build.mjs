#!/usr/bin/env node
// Builds client/dist: one module of each entry, and its declarations in one file. Building twice gives equal bytes, and a test
// builds it again and compares. `build.mjs FOLDER` writes elsewhere; tests have it built with a text replaced, which is how
// they plant bugs.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const ENTRIES = { client: "index", server: "server", react: "react", solid: "solid", svelte: "svelte", vue: "vue" };
const FOREIGN = ["react", "solid-js", "vue"];
const HEAD = "// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.\n";

/** @param {string} folder @param {{ file: string, from: string, to: string }[]} planted */
export async function modules(folder, planted = []) {
  mkdirSync(folder, { recursive: true });
  const left = new Set(planted);
  const builds = Object.entries(ENTRIES).map(([name, entry]) =>
    build({
      absWorkingDir: here,
      entryPoints: [`src/${entry}.ts`],
      outfile: join(folder, `${name}.js`),
      bundle: true,
      format: "esm",
      target: "es2022",
      minify: true,
      charset: "utf8",
      legalComments: "none",
      banner: { js: HEAD.trim() },
      external: FOREIGN,
      logLevel: "warning",
      plugins: planted.length ? [planting(planted, left)] : [],
    }),
  );
  await Promise.all(builds);
  if (left.size) throw new Error(`not planted, the text is not there: ${JSON.stringify([...left])}`);
}

const planting = (planted, left) => ({
  name: "planting",
  setup: (plugins) =>
    plugins.onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, ({ path }) => {
      let contents = readFileSync(path, "utf8");
      for (const bug of planted) {
        if (!path.endsWith(`/src/${bug.file}`) || !contents.includes(bug.from)) continue;
        contents = contents.replace(bug.from, () => bug.to);
        left.delete(bug);
      }
      return { contents, loader: "ts" };
    }),
});

/** @param {string} folder */
export function declarations(folder) {
  const emitted = mkdtempSync(join(tmpdir(), "doorward-client-"));
  try {
    const compiler = join(here, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [compiler, "-p", here, "--outDir", emitted], { stdio: "inherit" });
    writeFileSync(join(folder, "client.d.ts"), HEAD + whole(emitted));
    for (const name of Object.keys(ENTRIES).filter((name) => name != "client")) {
      const text = readFileSync(join(emitted, `${name}.d.ts`), "utf8");
      writeFileSync(join(folder, `${name}.d.ts`), HEAD + text.replaceAll('"./index.js"', '"./client.js"'));
    }
  } finally {
    rmSync(emitted, { recursive: true });
  }
}

/** The declarations that the index reaches, as one module that exports what the index does. */
function whole(emitted) {
  const seen = new Map();
  const read = (name) => {
    if (seen.has(name)) return;
    const text = readFileSync(join(emitted, `${name}.d.ts`), "utf8");
    seen.set(name, text);
    for (const [, next] of text.matchAll(/from "\.\/(\w+)\.js"/g)) read(next);
  };
  read("index");
  const index = seen.get("index");
  seen.delete("index");
  const names = new Set();
  const bodies = [...seen].map(([name, text]) => {
    const body = text
      .replace(/^import [^;]*;\n/gm, "")
      .replace(/^export (?:type )?\{[^;]*;\n/gm, "")
      .replace(/^export (?=declare|interface|type)/gm, "");
    for (const [, declared] of body.matchAll(/^(?:declare )?(?:interface|type|class|const|function) (\w+)/gm)) {
      if (names.has(declared)) throw new Error(`two declarations of ${declared}: the second in ${name}.ts`);
      names.add(declared);
    }
    return body;
  });
  return bodies.join("") + index.replace(/ from "\.\/\w+\.js"/g, "");
}

if (process.argv[1] && resolve(process.argv[1]) == fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2] ?? join(here, "dist"));
  await modules(folder);
  declarations(folder);
}
