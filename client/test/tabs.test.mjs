import assert from "node:assert/strict";
import { test } from "node:test";
import { page, place, settled, until } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const who = (tab) => tab.get().user?.attributes.name ?? tab.get().status;

/** Tabs of one browser that have all asked once, at a page each. */
async function tabs(t, count) {
  const events = page(t);
  const all = await place(t);
  const open = Array.from({ length: count }, () => all.tab());
  await Promise.all(open.map((tab) => tab.check()));
  await settled();
  all.server.log.length = 0;
  return { ...all, open, events };
}

test("a sign-in, another user and a sign-out are heard in every tab, which ask nothing", async (t) => {
  const { server, open } = await tabs(t, 4);
  const [first, second, ...others] = open;
  const seen = [];
  others[0].on("signed_in", () => seen.push("signed_in"));
  others[0].on("user_changed", () => seen.push("user_changed"));
  others[0].on("signed_out", () => seen.push("signed_out"));
  await first.signIn("email", "ada@example.com", { password: PASSWORD });
  await until(() => open.every((tab) => who(tab) == "Ada"));
  server.steps.add("bob@example.com", "Bob");
  await second.signIn("email", "bob@example.com", { password: PASSWORD });
  await until(() => open.every((tab) => who(tab) == "Bob"));
  await others[1].user.update({ name: "Robert" });
  await until(() => open.every((tab) => who(tab) == "Robert"));
  await second.stepUp("email", { password: PASSWORD });
  await until(() => new Set(open.map((tab) => tab.get().session.id)).size == 1);
  await second.signOut();
  await until(() => open.every((tab) => who(tab) == "signed_out"));
  assert.deepEqual(seen, ["signed_in", "user_changed", "signed_out"]);
  // One question after a sign-in, whether its cookies came back, and one after the change of the name.
  assert.equal(server.count("GET /auth/session"), 2, String(server.log));
});

test("what is told is what the server said, and no token", async (t) => {
  const { server, open } = await tabs(t, 1);
  const heard = [];
  const channel = new BroadcastChannel(`doorward:${server.base}/`);
  t.after(() => channel.close());
  channel.onmessage = ({ data }) => heard.push(data);
  await open[0].signIn("email", "ada@example.com", { password: PASSWORD });
  await until(() => heard.length > 0);
  assert.equal(heard[0].status, "signed_in");
  assert.ok(!/dw[ar]_/.test(JSON.stringify(heard)));
});

test("a tab that hears old news does not believe it, and asks where it says something else", async (t) => {
  const { server, open } = await tabs(t, 1);
  const [tab] = open;
  await tab.signIn("email", "ada@example.com", { password: PASSWORD });
  await tab.check();
  server.log.length = 0;
  const channel = new BroadcastChannel(`doorward:${server.base}/`);
  t.after(() => channel.close());
  const old = new Date(Date.now() - 60_000).toISOString();
  channel.postMessage({ status: "signed_out", now: old });
  await until(() => server.count("GET /auth/session") == 1);
  await settled();
  assert.equal(who(tab), "Ada");
  // The same as what is known: nothing to ask.
  channel.postMessage({ ...server.sessions.snapshot([...server.sessions.rows.values()][0]), now: old });
  await settled(60);
  assert.equal(server.count("GET /auth/session"), 1);
});

test("a word that is none of ours does no harm", async (t) => {
  const { server, open } = await tabs(t, 1);
  const channel = new BroadcastChannel(`doorward:${server.base}/`);
  t.after(() => channel.close());
  for (const word of [null, 7, "signed_out", {}, { status: "signed_in", now: "2030-01-01T00:00:00Z" }]) channel.postMessage(word);
  await settled(60);
  await open[0].check();
  assert.equal(who(open[0]), "signed_out");
});

test("the channel is closed while the page is away, and what was missed is asked for when it is back", async (t) => {
  const { server, open, events } = await tabs(t, 1);
  const [tab] = open;
  await tab.signIn("email", "ada@example.com", { password: PASSWORD });
  await tab.check();
  events.tell("window", "pagehide", { persisted: true });
  for (const row of server.sessions.rows.values()) server.sessions.end(row);
  const channel = new BroadcastChannel(`doorward:${server.base}/`);
  t.after(() => channel.close());
  const out = { status: "signed_out", now: new Date(Date.now() + 1000).toISOString() };
  channel.postMessage(out);
  await settled(60);
  assert.equal(who(tab), "Ada", "a page in the cache hears nothing");
  server.log.length = 0;
  events.tell("window", "pageshow", { persisted: true });
  await until(() => who(tab) == "signed_out");
  assert.deepEqual(server.log, ["GET /auth/session"]);
  channel.postMessage({ ...server.sessions.snapshot(server.sessions.create([...server.steps.users.values()][0], ["email"])), now: out.now });
  await until(() => who(tab) == "Ada");
});

test("a page that comes back does not wait for what it asked before", async (t) => {
  const { server, open, events } = await tabs(t, 1);
  const [tab] = open;
  await tab.signIn("email", "ada@example.com", { password: PASSWORD });
  await tab.check();
  server.after = () => 600;
  server.log.length = 0;
  const asked = tab.check();
  await until(() => server.count("GET /auth/session") == 1);
  events.tell("window", "pagehide", { persisted: true });
  server.after = () => 0;
  for (const row of server.sessions.rows.values()) server.sessions.end(row);
  events.tell("window", "pageshow", { persisted: true });
  const begun = performance.now();
  await until(() => who(tab) == "signed_out");
  assert.ok(performance.now() - begun < 300);
  await asked;
  assert.equal(who(tab), "signed_out");
});

test("without a BroadcastChannel localStorage says that something changed, and nothing else", async (t) => {
  const { BroadcastChannel, addEventListener, removeEventListener } = globalThis;
  const stored = new Map();
  const storage = new EventTarget();
  delete globalThis.BroadcastChannel;
  globalThis.localStorage = { setItem: (key, value) => stored.set(key, value) };
  globalThis.addEventListener = storage.addEventListener.bind(storage);
  globalThis.removeEventListener = storage.removeEventListener.bind(storage);
  t.after(() => {
    Object.assign(globalThis, { BroadcastChannel, addEventListener, removeEventListener });
    delete globalThis.localStorage;
  });
  const { server, open } = await tabs(t, 2);
  await open[0].signIn("email", "ada@example.com", { password: PASSWORD });
  assert.equal(who(open[1]), "signed_out");
  const [[key, value]] = [...stored];
  assert.deepEqual([[...stored.keys()], Number(value) >= 0], [[`doorward:${server.base}/`], true]);
  storage.dispatchEvent(Object.assign(new Event("storage"), { key }));
  await until(() => who(open[1]) == "Ada");
  // Where that is blocked, too, nothing breaks.
  globalThis.localStorage.setItem = () => {
    throw new DOMException("blocked", "SecurityError");
  };
  assert.equal((await open[0].signOut()).outcome, "accepted");
});

test("localStorage is left alone where there is a channel", async (t) => {
  let used = 0;
  globalThis.localStorage = { setItem: () => used++ };
  t.after(() => delete globalThis.localStorage);
  const { open } = await tabs(t, 2);
  await open[0].signIn("email", "ada@example.com", { password: PASSWORD });
  await until(() => who(open[1]) == "Ada");
  assert.equal(used, 0);
});
