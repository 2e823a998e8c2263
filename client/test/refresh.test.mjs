import assert from "node:assert/strict";
import { test } from "node:test";
import { place, until } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const HOUR = 3_600_000;

async function signedIn(t, rules) {
  const all = await place(t, rules);
  const auth = all.tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await auth.check();
  all.server.log.length = 0;
  return { ...all, auth };
}

/** Web Locks, as far as they are asked for. */
function locks(t, request) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  t.after(() => (before ? Object.defineProperty(globalThis, "navigator", before) : delete globalThis.navigator));
}

test("who asks while a refresh is on its way waits for that one", async (t) => {
  const { server, auth } = await signedIn(t);
  const snapshots = await Promise.all([auth.refresh(), auth.refresh(), auth.refresh()]);
  assert.equal(server.count("POST /auth/refresh"), 1);
  assert.ok(snapshots.every((one) => one == auth.get()));
  await auth.refresh();
  assert.equal(server.count("POST /auth/refresh"), 2);
});

test("check refreshes where that will do, and never where it will not", async (t) => {
  const { server, auth } = await signedIn(t);
  server.sessions.shift += HOUR + 1000;
  await auth.check();
  assert.equal(auth.get().status, "signed_in");
  assert.equal(server.count("POST /auth/refresh"), 1);
  server.sessions.shift += 30 * HOUR;
  server.log.length = 0;
  await auth.check();
  assert.deepEqual([auth.get().status, auth.get().reason], ["signed_out", "expired"]);
  assert.equal(server.count("POST /auth/refresh"), 0);
});

test("a refresh that is refused signs out when the server says so again, and only then", async (t) => {
  const { server, auth, tab, jar } = await signedIn(t);
  // Another tab has signed in anew while the refresh with the old cookies was on its way.
  server.sessions.shift += HOUR + 1000;
  for (const row of server.sessions.rows.values()) server.sessions.end(row, "replaced");
  server.after = (line) => (line == "POST /auth/refresh" ? 200 : 0);
  const refreshed = auth.refresh();
  await until(() => server.count("POST /auth/refresh") == 1);
  jar.clear();
  await tab().signIn("email", "ada@example.com", { password: PASSWORD });
  await refreshed;
  assert.equal(auth.get().status, "signed_in");
  for (const row of server.sessions.rows.values()) server.sessions.end(row, "ended");
  await auth.refresh();
  assert.deepEqual([auth.get().status, auth.get().reason], ["signed_out", "ended"]);
});

test("a server that says both, refreshable and no, is not asked for ever", async (t) => {
  const { server, auth, jar } = await signedIn(t);
  server.sessions.shift += HOUR + 1000;
  jar.delete("dw-refresh");
  // Somebody who goes round and round is stopped.
  server.delay = () => (server.log.length > 20 && (server.trouble = "503"), 0);
  await auth.check();
  assert.deepEqual([auth.get().status, auth.get().reason], ["signed_out", "no_token"]);
  assert.ok(server.log.length <= 3, String(server.log));
});

test("a lock is asked for, with the client's name", async (t) => {
  const names = [];
  locks(t, async (name, options, run) => (names.push(name), run()));
  const { server, auth } = await signedIn(t);
  await auth.refresh();
  assert.deepEqual(names, [`doorward:${server.base}/`]);
});

test("a lock that is never released costs four seconds and nothing else", async (t) => {
  locks(t, (name, { signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))));
  const { server, auth } = await signedIn(t);
  const begun = performance.now();
  await auth.refresh();
  const waited = performance.now() - begun;
  assert.equal(server.count("POST /auth/refresh"), 1);
  assert.ok(waited > 3900 && waited < 6000, `${waited} ms`);
  assert.deepEqual([auth.get().status, auth.get().stale], ["signed_in", false]);
});

test("where a page may have no locks it goes on without", async (t) => {
  locks(t, () => {
    throw new DOMException("an opaque origin", "SecurityError");
  });
  const { server, auth } = await signedIn(t);
  await auth.refresh();
  assert.equal(server.count("POST /auth/refresh"), 1);
});

test("who gets the lock after another tab has refreshed does not refresh again", async (t) => {
  let release;
  const held = new Promise((done) => (release = done));
  locks(t, async (name, options, run) => (await held, run()));
  const { server, auth } = await signedIn(t);
  const refreshed = auth.refresh();
  // What the other tab was told reaches this one by any way; here it asks.
  server.sessions.shift += 60_000;
  server.sessions.refresh([...server.sessions.rows.values()][0].refresh);
  await auth.check();
  release();
  await refreshed;
  assert.equal(server.count("POST /auth/refresh"), 0);
});

test("the planted server whose refresh tokens are good once signs out who refreshes twice", async (t) => {
  for (const [rule, status] of [["successor", "signed_in"], ["one_use", "signed_out"]]) {
    const { server, auth, tab } = await signedIn(t, { rule });
    const other = tab();
    await other.check();
    server.sessions.shift += 60_000;
    server.after = (line) => (line == "POST /auth/refresh" ? 100 : 0);
    await Promise.all([auth.refresh(), other.refresh()]);
    await auth.check();
    assert.equal(auth.get().status, status, rule);
  }
});
