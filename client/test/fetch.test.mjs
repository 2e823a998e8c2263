import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./place.mjs";
import { serve } from "./server/serve.mjs";
import { PASSWORD } from "./server/steps.mjs";

const HOUR = 3_600_000;
const me = (server) => `${server.origin}/api/me`;

async function signedIn(t, rules) {
  const all = await place(t, rules);
  const auth = all.tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  // Whether its cookies came back is asked once.
  await auth.check();
  all.server.log.length = 0;
  return { ...all, auth };
}

test("a token that is over is renewed once, and every request is answered", async (t) => {
  const { server, auth } = await signedIn(t);
  server.sessions.shift += HOUR + 1000;
  const replies = await Promise.all(Array.from({ length: 5 }, () => auth.fetch(me(server))));
  assert.deepEqual(replies.map(({ status }) => status), [200, 200, 200, 200, 200]);
  assert.equal(server.count("POST /auth/refresh"), 1);
});

test("a token that is known to be over is renewed before anything is sent", async (t) => {
  const { server, auth } = await signedIn(t);
  server.sessions.shift += HOUR - 5000;
  await auth.check();
  server.sessions.shift += 6000;
  const late = Date.now() + 6000;
  t.mock.method(Date, "now", () => late);
  server.log.length = 0;
  assert.equal((await auth.fetch(me(server))).status, 200);
  assert.deepEqual(server.log, ["POST /auth/refresh", "GET /api/me"]);
});

test("a clock that is wrong all the time changes nothing", async (t) => {
  for (const wrong of [-2 * HOUR, 2 * HOUR]) {
    const { tab, server } = await place(t);
    const right = Date.now;
    server.sessions.now = () => right() + server.sessions.shift;
    t.mock.method(Date, "now", () => right() + wrong);
    const auth = tab();
    await auth.signIn("email", "ada@example.com", { password: PASSWORD });
    server.log.length = 0;
    assert.equal((await auth.fetch(me(server))).status, 200);
    assert.deepEqual(server.log, ["GET /api/me"], `${wrong}`);
    t.mock.restoreAll();
  }
});

test("what can be sent twice is sent again as it was", async (t) => {
  const { server, auth } = await signedIn(t);
  const address = `${server.origin}/api/echo`;
  const post = (body) => ({ method: "POST", body, headers: { "Content-Type": "text/plain" } });
  for (const [input, init] of [
    [address, post("text")],
    [new URL(address), post(new TextEncoder().encode("text"))],
    [address, post(new Blob(["text"]))],
    [new Request(address, post("text"))],
  ]) {
    server.sessions.shift += HOUR + 40_000;
    const reply = await auth.fetch(input, init);
    assert.deepEqual(await reply.json(), { user: "ada@example.com", text: "text" }, String(input));
  }
  assert.equal(server.count("POST /api/echo"), 8);
});

test("a body that is read while it is sent goes once; the next one gets through", async (t) => {
  const { server, auth } = await signedIn(t);
  server.sessions.shift += HOUR + 1000;
  const stream = () => ({ method: "POST", body: new Blob(["text"]).stream(), duplex: "half" });
  assert.equal((await auth.fetch(`${server.origin}/api/echo`, stream())).status, 401);
  assert.equal(server.count("POST /api/echo"), 1);
  assert.equal((await auth.fetch(`${server.origin}/api/echo`, stream())).status, 200);
});

test("a 401 of somebody else is theirs", async (t) => {
  const { server, auth } = await signedIn(t);
  assert.equal((await auth.fetch(`${server.origin}/api/foreign`)).status, 401);
  assert.deepEqual(server.log, ["GET /api/foreign"]);
  assert.equal(auth.get().status, "signed_in");
});

test("of other origins nothing is renewed, and they are told nothing", async (t) => {
  const { auth, server } = await signedIn(t);
  const other = await serve({ host: "127.0.0.1" });
  t.after(() => other.close());
  // It has our very problem, because nobody is signed in there.
  other.sessions.validate = () => ({ refreshable: true, row: {} });
  const reply = await auth.fetch(`${other.origin}/api/me`);
  assert.deepEqual([reply.status, (await reply.json()).refreshable], [401, true]);
  assert.deepEqual(other.log, ["GET /api/me"]);
  assert.deepEqual(server.log, []);
});

test("a request is sent again once, whatever the server says then", async (t) => {
  const { server, auth } = await signedIn(t);
  // Somebody who goes round and round is stopped.
  let asked = 0;
  server.sessions.validate = () => (++asked > 20 ? { reason: "expired" } : { refreshable: true, row: {} });
  assert.equal((await auth.fetch(me(server))).status, 401);
  assert.ok(server.count("GET /api/me") <= 2 && server.count("POST /auth/refresh") == 1, String(server.log));
});

test("what one person began is not sent for another one", async (t) => {
  const { server, auth, tab, jar } = await signedIn(t);
  server.steps.add("bob@example.com", "Bob");
  server.sessions.shift += HOUR + 1000;
  // While the refusal is on its way, another tab signs somebody else in.
  server.after = (line) => (line == "POST /api/echo" ? 200 : 0);
  const posted = auth.fetch(`${server.origin}/api/echo`, { method: "POST", body: "the diary of Ada" });
  await new Promise((done) => setTimeout(done, 100));
  jar.clear();
  await tab().signIn("email", "bob@example.com", { password: PASSWORD });
  const reply = await posted;
  assert.equal(reply.status, 401);
  assert.equal(server.count("POST /api/echo"), 1);
  await auth.check();
  assert.equal(auth.get().user.attributes.name, "Bob");
});

test("a session that ended elsewhere is noticed by the request that finds it out", async (t) => {
  const { server, auth } = await signedIn(t);
  for (const row of server.sessions.rows.values()) server.sessions.end(row, "ended");
  const out = new Promise((done) => auth.on("signed_out", done));
  assert.equal((await auth.fetch(me(server))).status, 401);
  const late = new Promise((done) => setTimeout(done, 3000, { reason: "nobody noticed" }));
  assert.equal((await Promise.race([out, late])).reason, "ended");
  assert.equal(server.count("POST /auth/refresh"), 0);
});

test("nothing of the platform is changed", async (t) => {
  const before = globalThis.fetch;
  const names = Object.getOwnPropertyNames(globalThis).sort();
  const { auth } = await signedIn(t);
  assert.equal(globalThis.fetch, before);
  assert.notEqual(auth.fetch, globalThis.fetch);
  assert.deepEqual(Object.getOwnPropertyNames(globalThis).sort(), names);
});
