// The client in real browsers. Short: a minute of Chromium. `DOORWARD_BROWSERS=chromium,firefox,webkit` runs everything in these.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { modules } from "../build.mjs";
import { ENGINES } from "./browsers/engines.mjs";
import { asleep, blocked, cache, eligible, following, frozen, jumps, quiet, trouble } from "./browsers/pages.mjs";
import { passkeys } from "./browsers/passkeys.mjs";
import { storm } from "./browsers/storm.mjs";
import { dist } from "./place.mjs";
import { closeAll } from "./server/serve.mjs";

const named = process.env.DOORWARD_BROWSERS;
const isLong = Boolean(named);
const client = new URL("client.js", dist);

async function planted(t, ...bug) {
  const folder = mkdtempSync(join(tmpdir(), "doorward-planted-"));
  t.after(() => rmSync(folder, { recursive: true }));
  await modules(folder, [{ file: bug[0], from: bug[1], to: bug[2] }]);
  return join(folder, "client.js");
}

const STORMS = [
  ["locks", {}],
  ["no locks", { without: "locks" }],
  ["a lock that is never released", { orphan: true }],
  ["no channel", { without: "channel" }],
  ["neither", { without: "locks,channel" }],
];

for (const name of (named ?? "chromium").split(",")) {
  test(name, { timeout: isLong ? 1_800_000 : 300_000 }, async (t) => {
    let engine = await ENGINES[name]();
    t.after(() => engine.close());
    t.after(closeAll);
    const size = isLong ? { tabs: 8, calls: 5, rounds: 6 } : { tabs: 4, calls: 5, rounds: 2 };

    for (const [how, options] of isLong ? STORMS : STORMS.slice(0, 3)) {
      for (const delay of isLong ? [0, 250, 800] : [250]) {
        await t.test(`a storm with ${how}, ${delay} ms: no call fails, nobody is signed out`, async (t) => {
          const sum = await storm(engine, client, { ...size, ...options, delay, ...(options.orphan && { rounds: 2 }) });
          t.diagnostic(JSON.stringify(sum));
          assert.deepEqual([sum.failed, sum.out], [0, 0]);
          if (isLong && how == "locks") assert.ok(Math.max(...sum.refreshes) <= (name == "webkit" ? 3 : 1), String(sum.refreshes));
          assert.ok(Math.max(...sum.refreshes) <= size.tabs);
        });
      }
    }
    await t.test("the planted server with tokens that are good once is found", async (t) => {
      const sum = await storm(engine, client, { ...size, without: "locks,channel", rule: "one_use" });
      t.diagnostic(JSON.stringify(sum));
      assert.ok(sum.failed > 0 && sum.out > 0);
    });

    for (const path of isLong ? ["/", "/?without=channel"] : ["/"]) {
      await t.test(`hidden tabs follow: ${path}`, async (t) => {
        const longest = await following(engine, client, path);
        t.diagnostic(`longest ${longest} ms`);
        // A busy machine takes longer to say it: the long form is for a quiet one.
        assert.ok(!isLong || longest < 2000);
      });
    }
    await t.test("trouble leaves it stale", () => trouble(engine, client, isLong ? 20 : 1));

    for (const path of ["/", "/no-store"]) {
      for (const where of ["here", "there"]) {
        await t.test(`back after a sign-out ${where}, page ${path}`, async (t) => {
          t.diagnostic(`from the cache: ${await cache(engine, client, { path, where })}`);
        });
      }
    }
    await t.test("a page with the client is kept in the back-forward cache", async () => {
      assert.equal(await eligible(engine, client), true);
    });
    await t.test("a page that is looked at sends nothing and patches nothing", async () => {
      assert.deepEqual(await quiet(engine, client, isLong ? 30 : 7), { sent: [], isWhole: true });
    });
    await t.test("the wall clock is set", () => jumps(engine, client, isLong ? [9, -2, 2] : [9]));
    await t.test("cookies that are blocked have a name", () => blocked(engine, client));

    await t.test("a planted client that polls is found", async (t) => {
      const polling = await planted(t, "looks.ts", "    beat();\n    const { snapshot", "    beat();\n    void session.check();\n    const { snapshot");
      assert.notDeepEqual((await quiet(engine, polling, 7)).sent, []);
    });
    await t.test("a planted patch of fetch is found", async (t) => {
      const made = "const session = new Session(known, transport);";
      const patched = await planted(t, "core.ts", made, `${made}\n  const real = globalThis.fetch;\n  globalThis.fetch = (...all) => real(...all);`);
      assert.equal((await quiet(engine, patched, 0)).isWhole, false);
    });
    if (name != "chromium") return;
    await t.test("a planted channel that is left open is found", async (t) => {
      const left = await planted(t, "looks.ts", 'on(window, "pagehide", channel.close);', "");
      assert.equal(await eligible(engine, left), false);
    });
    await t.test("a frozen tab", () => frozen(engine, client));
    await t.test("passkeys", async () => assert.equal(await passkeys(engine, client), 0, "the authenticator was told that its passkey is gone"));
    if (isLong) await t.test("a sleep of a minute", () => asleep(engine, client, 60));
  });
}
