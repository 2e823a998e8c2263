import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { declarations, modules } from "../build.mjs";

const here = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(here, "package.json")));

function folder(t) {
  const made = mkdtempSync(join(tmpdir(), "doorward-client-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

const weigh = (text) => gzipSync(text, { level: 9 }).length;

test("the core is at most 4 kB, and all of it 8 kB, gzipped", async (t) => {
  const { outputFiles } = await build({
    stdin: { contents: 'export { createCore } from "./dist/client.js"', resolveDir: here },
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    write: false,
  });
  const core = weigh(outputFiles[0].contents);
  const all = readdirSync(join(here, "dist"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => weigh(readFileSync(join(here, "dist", name))))
    .reduce((sum, bytes) => sum + bytes);
  t.diagnostic(`core ${core} bytes, all ${all} bytes`);
  assert.ok(core <= 4096, `core: ${core}`);
  assert.ok(all <= 8192, `all: ${all}`);
});

test("dist is what the source says, byte for byte, however often it is built", async (t) => {
  for (const made of [folder(t), folder(t)]) {
    await modules(made);
    declarations(made);
    const names = readdirSync(made).sort();
    assert.deepEqual(names, readdirSync(join(here, "dist")).sort());
    for (const name of names) assert.ok(readFileSync(join(made, name)).equals(readFileSync(join(here, "dist", name))), name);
  }
});

test("nothing is needed at run time, and what builds it has one version", () => {
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.sideEffects, false);
  for (const [name, version] of Object.entries(manifest.devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  const cargo = readFileSync(join(here, "../Cargo.toml"), "utf8");
  assert.equal(manifest.version, /^version = "(.*)"$/m.exec(cargo)[1]);
});

test("the licences are those of the project", () => {
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    assert.ok(readFileSync(join(here, name)).equals(readFileSync(join(here, "..", name))), name);
  }
});

test("the tarball, installed into an empty folder, is imported and typed", (t) => {
  const made = folder(t);
  const npm = (...words) => execFileSync("npm", words, { cwd: made, encoding: "utf8", env: { ...process.env, npm_config_loglevel: "error" } });
  const [{ filename, files }] = JSON.parse(npm("pack", here, "--json", "--ignore-scripts"));
  const names = files.map(({ path }) => path).sort();
  assert.deepEqual(names.filter((name) => !name.startsWith("dist/")), ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"]);
  writeFileSync(join(made, "package.json"), '{ "private": true, "type": "module" }');
  npm("install", `./${filename}`, "--offline", "--no-audit", "--no-fund", "--ignore-scripts");
  assert.deepEqual(readdirSync(join(made, "node_modules")).filter((name) => !name.startsWith(".")), ["@doorward"]);
  const program = `
    import { createClient, createCore } from "@doorward/client";
    import { session, resume } from "@doorward/client/server";
    import { sessionStore } from "@doorward/client/svelte";
    const auth = createClient({ base: "https://app.example/auth" });
    console.log(auth.get().status, typeof createCore, typeof session, typeof resume, typeof sessionStore(auth).subscribe);
  `;
  writeFileSync(join(made, "program.mjs"), program);
  const said = execFileSync(process.execPath, ["program.mjs"], { cwd: made, encoding: "utf8" });
  assert.equal(said.trim(), "unknown function function function function");
  // Its types hold under the strictest reading, and say no where they should.
  cpSync(join(here, "test/typed.ts"), join(made, "typed.ts"));
  const compiler = join(here, "node_modules/typescript/bin/tsc");
  const compilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    module: "es2022",
    moduleResolution: "bundler",
    target: "es2022",
    lib: ["es2022", "dom"],
    types: [],
  };
  writeFileSync(join(made, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
  execFileSync(process.execPath, [compiler, "-p", made], { stdio: ["ignore", "inherit", "inherit"] });
});
