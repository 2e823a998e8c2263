// Each rule has a test that fails when the rule is broken: here the rules are broken, one after the other, in the source, and the
// named test has to see it. `DOORWARD_CLIENT` says which build the tests look at.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { modules } from "../build.mjs";
import { BUGS } from "./bugs.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

function passes(folder, [file, pattern]) {
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const words = ["--test", "--test-reporter=tap", `--test-name-pattern=${escaped}`, join(here, `${file}.test.mjs`)];
  const child = spawn(process.execPath, words, { env: { ...process.env, NODE_TEST_CONTEXT: undefined, DOORWARD_CLIENT: folder } });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  // A test that waits for what never comes has noticed, too.
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  return new Promise((done) => child.on("close", (code) => (clearTimeout(timer), done({ code, said }))));
}

// Two at a time: each is a process of its own, and waits more than it works.
const left = [...BUGS];
const worker = async (t) => {
  for (let bug = left.shift(); bug; bug = left.shift()) {
    const { rule, seen, plant } = bug;
    await t.test(rule, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "doorward-planted-"));
      t.after(() => rmSync(folder, { recursive: true }));
      await modules(folder, plant.map(([file, from, to]) => ({ file: `${file}.ts`, from, to })));
      const { code, said } = await passes(folder, seen);
      assert.ok(code === null || said.includes(seen[1]), `no test is called ${seen}: ${said}`);
      assert.notEqual(code, 0, `nobody noticed: ${seen}`);
    });
  }
};
test("every planted bug is found", async (t) => {
  await Promise.all([worker(t), worker(t)]);
});
