import assert from "node:assert/strict";
import { test } from "node:test";
import { place, until } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const who = (tab) => tab.get().user?.attributes.name ?? tab.get().status;

test("a snapshot is unknown, signed out, signed in, and the store says each change once", async (t) => {
  const { tab } = await place(t);
  const auth = tab();
  const seen = [];
  auth.subscribe(() => seen.push(who(auth)));
  assert.equal(auth.get().status, "unknown");
  await auth.check();
  assert.deepEqual([auth.get().status, auth.get().reason], ["signed_out", "no_token"]);
  const step = await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  assert.equal(step.outcome, "accepted");
  assert.equal(who(auth), "Ada");
  await auth.signOut();
  assert.deepEqual(seen, ["signed_out", "Ada", "signed_out"]);
});

test("an equal snapshot is the same object, and nobody can change it", async (t) => {
  const { tab, server } = await place(t);
  const auth = tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await auth.check();
  const before = auth.get();
  let told = 0;
  auth.subscribe(() => told++);
  await auth.check();
  assert.equal(auth.get(), before);
  assert.equal(told, 0);
  // A use moves the end on: the snapshot has it, and nobody draws it again.
  server.sessions.shift += 60_000;
  assert.equal((await auth.fetch(`${server.origin}/api/me`)).status, 200);
  await auth.check();
  assert.notEqual(auth.get().session.idle_expires_at, before.session.idle_expires_at);
  assert.equal(told, 0);
  assert.throws(() => (auth.get().status = "signed_out"), TypeError);
});

test("the server's snapshot is the first of the page, and stays what it was", async (t) => {
  const { tab, server } = await place(t);
  const initial = server.sessions.snapshot(server.sessions.create([...server.steps.users.values()][0], ["email"]));
  const auth = tab({ initial });
  const first = auth.get();
  assert.equal(auth.getServer(), first);
  assert.equal(who(auth), "Ada");
  await auth.check();
  assert.equal(auth.get().status, "signed_out", "this browser has no cookies");
  assert.equal(auth.getServer(), first);
  assert.equal(tab({ initial: { status: "refreshable", now: initial.now } }).get().status, "unknown");
});

test("what is not there is no sign-out: a server in trouble leaves the snapshot stale", async (t) => {
  const { tab, server } = await place(t);
  const auth = tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  const { origin } = server;
  for (const trouble of ["503", "html", "cut"]) {
    server.trouble = trouble;
    await auth.check();
    assert.deepEqual([who(auth), auth.get().stale], ["Ada", true], `check: ${trouble}`);
    await auth.refresh();
    assert.deepEqual([who(auth), auth.get().stale], ["Ada", true], `refresh: ${trouble}`);
    const out = await auth.signOut();
    assert.deepEqual([out.outcome, who(auth)], ["unavailable", "Ada"], `sign-out: ${trouble}`);
    server.trouble = null;
    await auth.check();
    assert.deepEqual([who(auth), auth.get().stale], ["Ada", false], `again: ${trouble}`);
  }
  // Somebody else's problem details, somebody else's JSON, a redirect to a portal.
  for (const reply of [
    () => Response.json({ code: "signed_out", refreshable: false }, { status: 401, headers: { "content-type": "application/problem+json" } }),
    () => Response.json({ status: "signed_out" }),
    () => Response.json({ status: "signed_out", now: "soon" }),
    () => Response.json(null),
    () => new Response("signed_out", { status: 401 }),
  ]) {
    const elsewhere = tab({ initial: initialOf(auth), fetch: async () => reply() });
    await elsewhere.check();
    await elsewhere.refresh();
    assert.deepEqual([who(elsewhere), elsewhere.get().stale], ["Ada", true], String(reply));
  }
  server.log.length = 0;
  const hotel = tab({ initial: initialOf(auth), fetch: (input, init) => fetch(new URL("/auth/portal", origin), init) });
  await hotel.check();
  assert.equal(who(hotel), "Ada");
});

const initialOf = (auth) => ({ ...auth.get(), now: new Date().toISOString() });

test("a redirect is followed nowhere: a portal gets no password", async (t) => {
  const { tab, server } = await place(t);
  const modes = new Set();
  const auth = tab({ fetch: (input, init) => (modes.add(init.redirect), fetch(input, init)) });
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  assert.deepEqual([...modes], ["error"]);
  assert.ok(server.log.length > 0);
});

test("an answer that set out before a sign-in does not undo it", async (t) => {
  const { tab, server } = await place(t);
  const auth = tab();
  await auth.check();
  // The question is decided without cookies, before and after the sign-in, and arrives last.
  for (const [delay, after] of [[0, 150], [150, 150]]) {
    await auth.signOut();
    server.delay = (line) => (line == "GET /auth/session" ? delay : 0);
    server.after = (line) => (line == "GET /auth/session" ? after : 0);
    const asked = auth.check();
    await auth.signIn("email", "ada@example.com", { password: PASSWORD });
    assert.equal(who(auth), "Ada");
    server.delay = server.after = () => 0;
    await asked;
    assert.equal(who(auth), "Ada", `${delay} ${after}`);
  }
});

test("events have a name: signed in, signed out, another user; a listener's mistake is its own", async (t) => {
  const { tab, server } = await place(t);
  const auth = tab();
  const seen = [];
  const silent = t.mock.method(console, "error", () => {});
  auth.on("signed_in", () => {
    throw new Error("a mistake of the page");
  });
  for (const name of ["signed_in", "signed_out", "user_changed"]) auth.on(name, () => seen.push(name));
  await auth.check();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  server.steps.add("bob@example.com", "Bob");
  await auth.signIn("email", "bob@example.com", { password: PASSWORD });
  await auth.signOut();
  assert.deepEqual(seen, ["signed_in", "user_changed", "signed_out"]);
  assert.equal(silent.mock.callCount(), 1);
});

test("cookies that do not come back have a name", async (t) => {
  const { tab, browser } = await place(t);
  const auth = tab();
  let blocked = 0;
  auth.on("cookies_blocked", () => blocked++);
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await auth.check();
  await auth.signOut();
  assert.equal(blocked, 0);
  browser.isBlocked = true;
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await until(() => blocked == 1);
  assert.equal(auth.get().status, "signed_out");
});
