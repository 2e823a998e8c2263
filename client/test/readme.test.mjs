// The programs of the README, each run as it stands against the small server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dist, place } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);
const AsyncFunction = (async () => {}).constructor;

/** Runs a block: its imports are the package's modules, addresses without a host are the server's. */
async function run(block, { server, fetch }, given = {}) {
  const client = await import(new URL("client.js", dist));
  const rendering = await import(new URL("server.js", dist));
  const lines = [];
  const here = (input) => (String(input).startsWith("/") ? server.origin + input : input);
  const names = {
    ...rendering,
    createClient(options) {
      const auth = client.createClient({ ...options, base: here(options.base.replace("https://app.example", "")), fetch });
      return { ...auth, fetch: (input, init) => auth.fetch(here(input), init) };
    },
    console: { log: (...words) => lines.push(words.join(" ")) },
    ...given,
  };
  const code = block
    .replace(/^import .*;\n/gm, "")
    .replace(/^export /gm, "")
    .replaceAll("http://127.0.0.1:8000", server.origin);
  const shown = code.includes("function page") ? `${code}\nreturn page;` : `${code}\nreturn typeof auth == "object" && auth;`;
  return { value: await new AsyncFunction(...Object.keys(names), shown)(...Object.values(names)), lines };
}

test("the programs of the README do what they say", async (t) => {
  const all = await place(t);
  const [ten, signUp, fresh, rendered, app] = blocks;
  assert.equal(blocks.length, 5);
  assert.ok(ten.trim().split("\n").filter(Boolean).length <= 10, "ten lines");
  assert.deepEqual((await run(ten, all)).lines, ["Grace", "200", "signed_out"]);
  assert.deepEqual((await run(signUp, all, { auth: all.tab() })).lines, ["password: too_short"]);

  await all.tab().signIn("email", "ada@example.com", { password: PASSWORD });
  all.server.sessions.shift += 1_200_000;
  assert.deepEqual((await run(fresh, all)).lines, ["200"]);

  const cookie = [...all.jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const ask = () => new Request("https://app.example/home", { headers: { cookie } });
  const { value } = await run(rendered, all);
  assert.match(await (await value(ask())).text(), /"status":"signed_in".*Ada/);
  all.server.sessions.shift += 3_700_000;
  assert.equal((await value(ask())).headers.get("location"), "/auth/resume?to=%2Fhome");

  all.jar.clear();
  const started = await run(app, all);
  assert.equal(started.value.get().status, "signed_out");
});
