import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, page, place, settled, until } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const HOUR = 3_600_000;

async function opened(t, rules) {
  const events = page(t);
  const time = clock(t);
  const all = await place(t, rules);
  all.server.sessions.now = () => time.now() + all.server.sessions.shift;
  const auth = all.tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await auth.check();
  await settled();
  all.server.log.length = 0;
  return { ...all, auth, events, time };
}

test("a page asks when it begins", async (t) => {
  page(t);
  const { tab, server } = await place(t);
  tab();
  await until(() => server.count("GET /auth/session") == 1);
});

test("a page that is looked at asks nothing for an hour, and does not keep the session from going idle", async (t) => {
  const { server, time } = await opened(t);
  await time.pass(HOUR - 60_000, 2000);
  assert.deepEqual(server.log, []);
});

test("who looks at a page again after five seconds has it asked, once; before that, not", async (t) => {
  const { server, time, events } = await opened(t);
  for (const [target, name] of [["window", "focus"], ["document", "visibilitychange"], ["window", "online"]]) {
    await time.pass(3000);
    events.tell(target, name);
    await time.pass(400, 100);
    assert.deepEqual(server.log, [], name);
    await time.pass(3000);
    events.tell(target, name);
    events.tell(target, name);
    await time.pass(400, 100);
    await until(() => server.log.length > 0, name);
    await settled();
    assert.deepEqual(server.log, ["GET /auth/session"], name);
    server.log.length = 0;
  }
});

test("a hidden page does nothing by itself", async (t) => {
  const { server, time, events, auth } = await opened(t);
  events.show("hidden");
  server.trouble = "503";
  await auth.check();
  server.log.length = 0;
  await time.pass(2 * HOUR, 5000);
  events.tell("window", "online");
  events.tell("window", "focus");
  time.jump(HOUR);
  await time.pass(60_000);
  assert.deepEqual(server.log, []);
  server.trouble = null;
  events.show("visible");
  await until(() => auth.get().stale == false);
});

test("a page that nobody could be asked for asks again, less and less often, and sends no use", async (t) => {
  const { server, time, auth } = await opened(t);
  server.trouble = "503";
  await auth.check();
  assert.equal(auth.get().stale, true);
  server.log.length = 0;
  await time.pass(60_000);
  await settled();
  assert.ok(server.log.length >= 2 && server.log.length <= 4, `in a minute: ${server.log.length}`);
  server.log.length = 0;
  server.sessions.shift += HOUR;
  server.trouble = null;
  await time.pass(70_000);
  await until(() => auth.get().stale == false);
  assert.deepEqual([...new Set(server.log)], ["GET /auth/session"]);
});

test("the end of a session is seen by a page that is looked at", async (t) => {
  const { time, auth } = await opened(t, { idleTtl: 60_000 });
  await time.pass(59_000);
  assert.equal(auth.get().status, "signed_in");
  await time.pass(9000);
  await until(() => auth.get().status == "signed_out");
  assert.equal(auth.get().reason, "expired");
});

test("a jump of the clock, or a sleep, has the page ask; a small step does not", async (t) => {
  const { server, time, auth } = await opened(t);
  time.jump(20_000);
  await time.pass(8000);
  assert.deepEqual(server.log, []);
  for (const jump of [9 * HOUR, -2 * HOUR, 2 * HOUR]) {
    time.jump(jump);
    await time.pass(8000);
    await until(() => server.count("GET /auth/session") > 0, `${jump}`);
    await settled();
    assert.equal(auth.get().status, "signed_in");
    await time.pass(20_000);
    server.log.length = 0;
  }
});

test("a page that stood still with both clocks going on asks when it goes on", async (t) => {
  const { server, time } = await opened(t);
  await time.pass(60_000, 60_000);
  await until(() => server.count("GET /auth/session") == 1);
});

test("a page that was frozen asks at once", async (t) => {
  const { server, events, auth } = await opened(t);
  for (const row of server.sessions.rows.values()) server.sessions.end(row);
  events.tell("document", "resume");
  await until(() => auth.get().status == "signed_out");
});

test("a client that is closed has let go of the page", async (t) => {
  const { server, events, auth, time } = await opened(t);
  auth.close();
  await time.pass(10_000);
  events.tell("window", "focus");
  events.tell("window", "pageshow", { persisted: true });
  await time.pass(10_000);
  assert.deepEqual(server.log, []);
});

test("no listener keeps a page out of the back-forward cache", async (t) => {
  const names = [];
  page(t);
  for (const target of [document, window]) {
    const add = target.addEventListener.bind(target);
    target.addEventListener = (name, ...rest) => (names.push(name), add(name, ...rest));
  }
  const { tab } = await place(t);
  tab();
  assert.ok(names.includes("pagehide") && names.includes("pageshow"));
  assert.deepEqual(names.filter((name) => /unload/.test(name)), []);
});
