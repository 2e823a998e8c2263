import assert from "node:assert/strict";
import { test } from "node:test";
import { dist, place } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

const { resume, session } = await import(new URL("server.js", dist));
const HOUR = 3_600_000;

async function asked(t) {
  const { server, tab, jar } = await place(t);
  const auth = tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await auth.check();
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  server.log.length = 0;
  const request = (path = "/home?tab=2", headers = {}) => new Request("https://app.example" + path, { headers: { cookie, ...headers } });
  return { server, request, cookie, place: { url: server.base } };
}

test("a server asks with the visitor's cookie, gives what a client begins with, and never refreshes", async (t) => {
  const { server, request, place } = await asked(t);
  assert.equal((await session(request(), place)).user.attributes.name, "Ada");
  server.sessions.shift += HOUR + 1000;
  const all = await Promise.all(Array.from({ length: 20 }, () => session(request(), place)));
  assert.deepEqual([...new Set(all.map(({ status }) => status))], ["refreshable"]);
  assert.deepEqual([...new Set(server.log)], ["GET /auth/session"]);
  assert.equal((await session(new Request("https://app.example/"), place)).status, "signed_out");
});

test("a surface that cannot be asked leaves it unknown, whoever answers instead", async (t) => {
  const { server, request, place } = await asked(t);
  for (const trouble of ["503", "html", "cut"]) {
    server.trouble = trouble;
    assert.deepEqual(await session(request(), place), { status: "unknown" }, trouble);
  }
});

test("the cookie goes to the configured place, whatever the request calls itself", async (t) => {
  const { server, cookie, place } = await asked(t);
  const request = new Request("https://attacker.example/home", { headers: { cookie, host: "attacker.example" } });
  assert.equal((await session(request, place)).status, "signed_in");
  assert.deepEqual(server.log, ["GET /auth/session"]);
});

test("one bounce refreshes, a second within ten seconds goes to the sign-in page", async (t) => {
  const { request, cookie } = await asked(t);
  const found = { status: "refreshable", now: "2026-01-01T00:00:00.000000Z" };
  const first = resume(request(), found);
  assert.deepEqual([first.status, first.headers.get("location")], [303, "/auth/resume?to=%2Fhome%3Ftab%3D2"]);
  const [mark] = first.headers.getSetCookie();
  assert.match(mark, /^doorward-resumed=1;.*HttpOnly.*Max-Age=10$/);
  const second = resume(request("/home", { cookie: `${cookie}; ${mark.split(";")[0]}` }), found, { signIn: "/login" });
  assert.equal(second.headers.get("location"), "/login?to=%2Fhome");
  assert.match(second.headers.get("set-cookie"), /Max-Age=0/);
});

test("only a person on the way to a page is sent round", async (t) => {
  const { request } = await asked(t);
  const found = { status: "refreshable", now: "2026-01-01T00:00:00.000000Z" };
  for (const status of ["signed_in", "signed_out", "unknown"]) assert.equal(resume(request(), { ...found, status }), null);
  assert.equal(resume(request("/", { "sec-purpose": "prefetch" }), found), null);
  assert.equal(resume(request("/", { "sec-fetch-mode": "cors" }), found), null);
  assert.equal(resume(new Request("https://app.example/", { method: "POST" }), found), null);
  assert.ok(resume(request("/", { "sec-fetch-mode": "navigate" }), found));
});

test("a return address is a path of our own, however the request was spelled", async (t) => {
  const { request } = await asked(t);
  const found = { status: "refreshable", now: "2026-01-01T00:00:00.000000Z" };
  for (const path of ["//evil.example/x", "/\\evil.example", "///evil.example", "/%09/evil.example"]) {
    const to = new URLSearchParams(resume(request(path), found).headers.get("location").split("?")[1]).get("to");
    assert.match(to, /^\/(?![/\\])/, path);
  }
});
