import assert from "node:assert/strict";
import { test } from "node:test";
import { place, until } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const HOUR = 3_600_000;

function store() {
  const held = { tokens: null, load: async () => held.tokens, save: async (tokens) => void (held.tokens = JSON.parse(JSON.stringify(tokens))) };
  return held;
}

test("an app keeps its tokens itself, and sends no cookie", async (t) => {
  const { tab, server, fetch } = await place(t);
  const storage = store();
  const sent = [];
  const auth = tab({ storage, fetch: (input, init) => (sent.push([init, new Headers(init.headers)]), fetch(input, init)) });
  const step = await auth.signIn("email", "grace@example.com", { password: PASSWORD });
  await step.answer("totp", { code: "123456" });
  assert.match(storage.tokens.access, /^dwa_/);
  assert.match(storage.tokens.refresh, /^dwr_/);
  assert.equal(storage.tokens.device, "dwd_device");
  assert.equal(JSON.stringify(auth.get()).includes("dwa_"), false, "nothing secret in the snapshot");
  assert.equal((await auth.fetch(`${server.origin}/api/me`)).status, 200);
  for (const [init, headers] of sent.filter(([init]) => init.cache)) {
    assert.deepEqual([init.credentials, headers.get("doorward-client")], ["omit", "app"]);
  }
  assert.equal(sent.at(1)[1].get("doorward-device"), "dwd_device");
  assert.match(sent.at(-1)[1].get("authorization"), /^Bearer dwa_/);
});

test("a token goes to our origin only", async (t) => {
  const { tab, server, fetch } = await place(t);
  const seen = [];
  const auth = tab({ storage: store(), fetch: (input, init) => (seen.push(new Request(input, init)), fetch(input, init)) });
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await auth.fetch(server.origin.replace("127.0.0.1", "localhost") + "/api/me");
  assert.equal(seen.at(-1).headers.get("authorization"), null);
});

test("an app that was started again is signed in, refreshes from its body, and signs out", async (t) => {
  const { tab, server } = await place(t);
  const storage = store();
  await tab({ storage }).signIn("email", "ada@example.com", { password: PASSWORD });
  const auth = tab({ storage });
  server.sessions.shift += HOUR + 1000;
  const before = storage.tokens.refresh;
  assert.equal((await auth.check()).status, "signed_in");
  assert.notEqual(storage.tokens.refresh, before);
  server.sessions.shift += HOUR + 1000;
  assert.equal((await auth.fetch(`${server.origin}/api/me`)).status, 200);
  server.trouble = "cut";
  await auth.signOut();
  assert.ok(storage.tokens.access, "who could not be asked has signed nobody out");
  server.trouble = null;
  await auth.signOut();
  assert.deepEqual(storage.tokens, { device: "dwd_device" });
});

test("an access token that the server does not know any more is renewed by the refresh token", async (t) => {
  const { tab } = await place(t);
  const storage = store();
  await tab({ storage }).signIn("email", "ada@example.com", { password: PASSWORD });
  storage.tokens.access = "dwa_lost";
  assert.equal((await tab({ storage }).check()).status, "signed_in");
});

test("a session that is over leaves no token behind, and one of a new sign-in stays", async (t) => {
  const { tab, server } = await place(t);
  const storage = store();
  const auth = tab({ storage });
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  server.sessions.shift += HOUR + 1000;
  for (const row of server.sessions.rows.values()) server.sessions.end(row, "ended");
  // The refusal of the old token arrives after the new sign-in.
  server.after = (line) => (line == "POST /auth/refresh" ? 150 : 0);
  const refreshed = auth.refresh();
  await until(() => server.count("POST /auth/refresh") == 1);
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await refreshed;
  assert.deepEqual([auth.get().status, Boolean(storage.tokens.access)], ["signed_in", true]);
  for (const row of server.sessions.rows.values()) server.sessions.end(row, "ended");
  await auth.check();
  assert.deepEqual([auth.get().status, storage.tokens.access, storage.tokens.refresh], ["signed_out", undefined, undefined]);
});

test("a keychain that fails is no sign-out", async (t) => {
  const { tab } = await place(t);
  const storage = store();
  const auth = tab({ storage });
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  storage.load = async () => Promise.reject(new Error("locked"));
  await auth.check();
  assert.deepEqual([auth.get().status, auth.get().stale], ["signed_in", true]);
});
