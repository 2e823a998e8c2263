import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

test("a second factor is asked for by name and fields, and a wrong one may be tried again", async (t) => {
  const { tab } = await place(t);
  const auth = tab();
  const step = await auth.signIn("email", "grace@example.com", { password: PASSWORD });
  assert.equal(step.outcome, "continue");
  assert.deepEqual(step.next.map(({ provider, fields }) => [provider, fields[0].name]), [["totp", "code"]]);
  const wrong = await step.answer("totp", { code: "000000" });
  assert.equal(wrong.outcome, "refused");
  assert.equal(auth.get().status, "unknown");
  const right = await wrong.answer("totp", { code: "123456" });
  assert.equal(right.outcome, "accepted");
  assert.deepEqual(auth.get().session.factors.map(({ provider }) => provider), ["email", "totp"]);
});

test("what was asked for at the beginning holds for the whole chain", async (t) => {
  const { tab, fetch } = await place(t);
  const bodies = [];
  const auth = tab({ fetch: (input, init) => (bodies.push(JSON.parse(init.body ?? "{}")), fetch(input, init)) });
  const step = await auth.signIn("email", "grace@example.com", { password: PASSWORD }, { persistent: true });
  await step.answer("totp", { code: "123456" });
  assert.deepEqual(bodies.slice(0, 2).map(({ persistent }) => persistent), [true, true]);
});

test("a decision is a value, never an exception", async (t) => {
  const { tab } = await place(t);
  const auth = tab();
  const refused = await auth.signIn("email", "nobody@example.com", { password: "x" });
  assert.deepEqual([refused.outcome, refused.answer], ["refused", undefined]);
  const short = await auth.signUp("email", "eve@example.com", { password: "short" });
  assert.deepEqual([short.outcome, short.violations[0].rule], ["policy_violation", "too_short"]);
  const throttled = tab({
    fetch: async () =>
      new Response(JSON.stringify({ type: "https://doorward.example/problems/throttled", code: "throttled", status: 429 }), {
        status: 429,
        headers: { "Content-Type": "application/problem+json", "Retry-After": "7" },
      }),
  });
  const late = await throttled.signIn("email", "ada@example.com", { password: "x" });
  assert.deepEqual([late.outcome, late.retry_after], ["throttled", 7]);
  const gone = tab({ fetch: () => Promise.reject(new TypeError("no network")) });
  const nothing = await gone.signIn("email", "ada@example.com", { password: "x" });
  assert.deepEqual([nothing.outcome, nothing.cause.message], ["unavailable", "no network"]);
});

test("the page where an issuer came out asks what it led to: a step that goes on, a problem, or nothing", async (t) => {
  const { tab, server, fetch } = await place(t);
  const flow = await tab().call("POST", "sign-in", { provider: "email", identifier: "grace@example.com", fields: { password: PASSWORD } });
  const problem = { type: "https://docs.example/problems#unregistered", code: "unregistered", status: 404, claim: "dwc_1", provider: "corp" };
  const told = [Response.json({ step: flow }), Response.json({ problem }), new Response(null, { status: 204 }), new Response("down", { status: 503 })];
  const auth = tab({ fetch: (input, init) => (new URL(input).pathname == "/auth/page" ? Promise.resolve(told.shift()) : fetch(input, init)) });
  const step = await auth.page();
  assert.equal((await step.answer("totp", { code: "123456" })).outcome, "accepted");
  const unregistered = await auth.page();
  assert.deepEqual([unregistered.outcome, unregistered.claim], ["unregistered", "dwc_1"]);
  assert.equal(await auth.page(), null);
  assert.equal((await auth.page()).outcome, "unavailable");
  assert.ok(server.log.length > 0);
});

test("a sign-up is signed in at once", async (t) => {
  const { tab } = await place(t);
  const auth = tab();
  const step = await auth.signUp("email", "eve@example.com", { password: PASSWORD }, { attributes: { name: "Eve" } });
  assert.deepEqual([step.outcome, auth.get().user.attributes.name], ["accepted", "Eve"]);
});

test("an operation that asks for a proof of now is done after it, once", async (t) => {
  const { tab, server } = await place(t);
  const asked = [];
  const auth = tab({
    onStepUp: async (problem) => {
      asked.push(problem.max_age);
      return (await auth.stepUp("email", { password: PASSWORD })).outcome == "accepted";
    },
  });
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  server.sessions.shift += 1_200_000;
  const close = () => auth.fetch(`${server.origin}/api/close`, { method: "POST" });
  assert.equal((await close()).status, 401);
  assert.deepEqual(await (await auth.withFresh(close)).json(), { closed: true });
  assert.deepEqual(asked, [600]);
  // Whoever does not prove it gets the answer that there was.
  server.sessions.shift += 1_200_000;
  let tried = 0;
  const no = await auth.withFresh(() => (tried++, close()), async () => false);
  assert.deepEqual([no.status, tried], [401, 1]);
  // One repetition, and values of the client's own calls, too.
  let runs = 0;
  const never = await auth.withFresh(async () => (runs++, { outcome: "proof_required" }), async () => true);
  assert.deepEqual([runs, never.outcome], [2, "proof_required"]);
  let plain = 0;
  assert.equal(await auth.withFresh(async () => ++plain), 1);
});

test("devices: the others are ended, this one stays", async (t) => {
  const { tab, browser, server } = await place(t);
  const auth = tab();
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  const [ada] = server.steps.users.values();
  server.sessions.create(ada, ["email"]);
  const list = await auth.sessions.list();
  assert.deepEqual([list.outcome, list.sessions.length], ["accepted", 2]);
  const others = await auth.signOut("others");
  assert.deepEqual([others.outcome, others.ended, auth.get().status], ["accepted", 1, "signed_in"]);
  assert.equal((await auth.sessions.list()).sessions.length, 1);
  await auth.signOut("everywhere");
  assert.deepEqual([auth.get().status, browser.jar.size], ["signed_out", 0]);
});

test("each call goes where the surface has it", async (t) => {
  const lines = [];
  const { tab } = await place(t);
  const auth = tab({
    base: "https://api.example.com/auth/",
    fetch: async (input, { method, body }) => {
      lines.push(`${method} ${new URL(input).pathname} ${body ?? ""}`.trim());
      return new Response(null, { status: 204 });
    },
  });
  await auth.config();
  await auth.start("corp", "/home");
  await auth.sessions.end("a/b");
  await auth.methods.enroll("totp");
  await auth.methods.rename("passkey", "1", "phone");
  await auth.identities.link("email", "a@b.c", { password: "x" });
  await auth.identities.claim("dwc_1");
  await auth.identities.unlink("email", "a@b.c");
  await auth.password("email", { password: "x" });
  await auth.identifier.change("email", "a@b.c", "d@e.f");
  await auth.identifier.confirm("t", "a@b.c", "d@e.f");
  await auth.recover.begin("email", "a@b.c");
  await auth.recover.finish("t", "email", { password: "x" });
  await auth.verify.begin("email", "a@b.c");
  await auth.verify.finish("t");
  await auth.peek("t");
  await auth.user.export();
  assert.deepEqual(lines, [
    "GET /auth/config",
    'POST /auth/start/corp {"to":"/home"}',
    "DELETE /auth/sessions/a%2Fb",
    'POST /auth/methods/enroll {"provider":"totp"}',
    'PATCH /auth/authenticators/passkey/1 {"label":"phone"}',
    'POST /auth/identities/link {"provider":"email","identifier":"a@b.c","fields":{"password":"x"}}',
    'POST /auth/identities/claim {"claim":"dwc_1"}',
    'POST /auth/identities/unlink {"provider":"email","identifier":"a@b.c"}',
    'POST /auth/password {"provider":"email","fields":{"password":"x"}}',
    'POST /auth/identifier {"provider":"email","old_identifier":"a@b.c","new_identifier":"d@e.f"}',
    'POST /auth/identifier/confirm {"token":"t","old_identifier":"a@b.c","new_identifier":"d@e.f"}',
    'POST /auth/recover {"provider":"email","identifier":"a@b.c"}',
    'POST /auth/recover/finish {"token":"t","provider":"email","fields":{"password":"x"}}',
    'POST /auth/verify {"provider":"email","identifier":"a@b.c"}',
    'POST /auth/verify/finish {"token":"t"}',
    'POST /auth/token/peek {"token":"t"}',
    "GET /auth/user/export",
  ]);
});
