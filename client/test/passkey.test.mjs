import assert from "node:assert/strict";
import { test } from "node:test";
import { page, place, settled, until } from "./place.mjs";
import { PASSWORD } from "./server/steps.mjs";

/** A browser with passkeys: `answer` is what a person does next; each request of the page is noted. */
function authenticator(t, { isOld = false, conditional = true } = {}) {
  const seen = { requests: [], signals: [], running: 0, most: 0 };
  const ask = (kind) => async ({ publicKey, mediation, signal }) => {
    seen.requests.push({ kind, mediation: mediation ?? "button", publicKey });
    seen.most = Math.max(seen.most, ++seen.running);
    try {
      return await new Promise((yes, no) => {
        signal?.addEventListener("abort", () => setTimeout(() => no(signal.reason), 20));
        seen.answer = (id) => yes(credential(id, publicKey.challenge));
        seen.refuse = (name) => no(new DOMException("no", name));
      });
    } finally {
      seen.running--;
    }
  };
  const bytes = (text) => new TextEncoder().encode(text).buffer;
  const credential = (id, challenge) => {
    const client = JSON.stringify({ challenge: isOld ? Buffer.from(challenge).toString("base64url") : challenge });
    const json = { id, rawId: id, type: "public-key", response: { clientDataJSON: Buffer.from(client).toString("base64url") }, clientExtensionResults: {} };
    if (!isOld) return { toJSON: () => json };
    return { id, type: "public-key", response: { clientDataJSON: bytes(client), getTransports: () => ["internal"] }, getClientExtensionResults: () => ({}) };
  };
  const signal = (name) => async (options) => void seen.signals.push([name, options]);
  globalThis.PublicKeyCredential = {
    isConditionalMediationAvailable: async () => conditional,
    ...(!isOld && { parseCreationOptionsFromJSON: (json) => json, parseRequestOptionsFromJSON: (json) => json }),
    signalUnknownCredential: signal("unknown"),
    signalAllAcceptedCredentials: signal("all"),
    signalCurrentUserDetails: signal("details"),
  };
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { credentials: { get: ask("get"), create: ask("create") } }, configurable: true });
  t.after(() => {
    delete globalThis.PublicKeyCredential;
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else delete globalThis.navigator;
  });
  return seen;
}

const waits = (seen, count) => until(() => seen.requests.length == count && seen.running == 1, `${count} requests`);

async function enrolled(t, options) {
  const seen = authenticator(t, options);
  page(t);
  const all = await place(t);
  const [ada] = all.server.steps.users.values();
  all.server.steps.passkeys.push({ id: "known", user: ada, key: "1" });
  const auth = all.tab(options?.client);
  await auth.check();
  return { ...all, seen, auth, ada };
}

test("a button signs in with the passkey that the person chooses", async (t) => {
  const { seen, auth } = await enrolled(t);
  const step = auth.passkey({ persistent: true });
  await waits(seen, 1);
  seen.answer("known");
  assert.equal((await step).outcome, "accepted");
  assert.equal(auth.get().user.attributes.name, "Ada");
});

test("who says no to the browser has cancelled, and nothing is thrown", async (t) => {
  const { seen, auth } = await enrolled(t);
  const step = auth.passkey();
  await waits(seen, 1);
  seen.refuse("NotAllowedError");
  assert.deepEqual(await step, { outcome: "cancelled", name: "NotAllowedError" });
});

test("a button takes the place of the autofill that waits, which comes back when the button is done", async (t) => {
  const { seen, auth } = await enrolled(t);
  const filled = auth.passkeyAutofill();
  await waits(seen, 1);
  const button = auth.passkey();
  await waits(seen, 2);
  seen.refuse("NotAllowedError");
  assert.equal((await button).outcome, "cancelled");
  await waits(seen, 3);
  seen.answer("known");
  assert.equal((await filled).outcome, "accepted");
  assert.deepEqual(seen.requests.map(({ mediation }) => mediation), ["conditional", "button", "conditional"]);
  assert.equal(seen.most, 1, "one request at a time");
});

test("the autofill does not come back while the server looks at what the button brought", async (t) => {
  const { seen, auth, server } = await enrolled(t);
  const filled = auth.passkeyAutofill();
  await waits(seen, 1);
  const button = auth.passkey();
  await waits(seen, 2);
  server.after = () => 200;
  seen.answer("known");
  assert.equal((await button).outcome, "accepted");
  assert.equal(await filled, null);
  assert.equal(seen.requests.length, 2);
});

test("the autofill ends when somebody has signed in, when it is told to, and where the browser has none", async (t) => {
  const { seen, auth, tab } = await enrolled(t);
  const stop = new AbortController();
  const stopped = auth.passkeyAutofill({ signal: stop.signal });
  await waits(seen, 1);
  stop.abort();
  assert.equal(await stopped, null);
  const filled = auth.passkeyAutofill();
  await waits(seen, 2);
  await tab().signIn("email", "ada@example.com", { password: PASSWORD });
  await until(() => seen.running == 0);
  assert.equal(await filled, null);
  globalThis.PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  await auth.signOut();
  assert.equal(await auth.passkeyAutofill(), null);
});

test("an autofill asks anew before the server forgets its question", async (t) => {
  const seen = authenticator(t);
  page(t);
  const { server, tab } = await place(t);
  const { setTimeout: later } = globalThis;
  const set = t.mock.method(globalThis, "setTimeout", (run, ms, ...rest) => later(run, ms > 500_000 ? 50 : ms, ...rest));
  const auth = tab();
  const filled = auth.passkeyAutofill();
  await until(() => seen.requests.length >= 3);
  const challenges = seen.requests.map(({ publicKey }) => publicKey.challenge);
  assert.equal(new Set(challenges).size, challenges.length);
  set.mock.restore();
  await until(() => seen.running == 1);
  assert.equal(server.steps.stored, 0, "a view of the page leaves nothing in the store");
  auth.close();
  seen.refuse("NotAllowedError");
  await filled;
});

test("a refused passkey is hidden by the password manager, unless the page says no or the question was too old", async (t) => {
  const { seen, auth, tab, server } = await enrolled(t);
  const use = async (client, meanwhile = () => {}) => {
    const before = seen.requests.length;
    const step = client.passkey();
    await waits(seen, before + 1);
    meanwhile();
    seen.answer("gone");
    assert.equal((await step).outcome, "refused");
    await settled();
  };
  await use(auth);
  assert.deepEqual(seen.signals, [["unknown", { rpId: "127.0.0.1", credentialId: "gone" }]]);
  await use(tab({ passkeys: { hideRefused: false } }));
  const late = Date.now() + 700_000;
  await use(auth, () => t.mock.method(Date, "now", () => late));
  assert.equal(seen.signals.length, 1);
  assert.ok(server.log.length > 0);
});

test("after a change the password manager hears of all passkeys, and what their owner is called", async (t) => {
  const details = ({ attributes }) => ({ name: "ada@example.com", displayName: attributes.name });
  const { seen, auth, ada } = await enrolled(t, { client: { passkeys: { details } } });
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  const step = await auth.methods.enroll("passkey");
  const made = step.passkey({ label: "phone" });
  await waits(seen, 1);
  assert.equal(seen.requests[0].kind, "create");
  seen.answer("new");
  assert.equal((await made).outcome, "accepted");
  const owner = { rpId: "127.0.0.1", userId: ada.handle };
  // After the sign-in, and after the passkey was made.
  await until(() => seen.signals.length == 4);
  assert.deepEqual(seen.signals[0], ["all", { ...owner, allAcceptedCredentialIds: ["known"] }]);
  assert.deepEqual(seen.signals[2], ["all", { ...owner, allAcceptedCredentialIds: ["known", "new"] }]);
  seen.signals.length = 0;
  assert.equal((await auth.methods.remove("passkey", "1")).outcome, "accepted");
  await settled();
  assert.deepEqual(seen.signals, [
    ["all", { ...owner, allAcceptedCredentialIds: ["new"] }],
    ["details", { ...owner, name: "ada@example.com", displayName: "Ada" }],
  ]);
  // The last one, too: whose it was is known from before.
  const [{ id }] = (await auth.methods.list()).authenticators;
  seen.signals.length = 0;
  await auth.methods.remove("passkey", id);
  await settled();
  assert.deepEqual(seen.signals[0], ["all", { ...owner, allAcceptedCredentialIds: [] }]);
});

test("where one passkey is there whose name is not told, the password manager hides none", async (t) => {
  const { seen, auth, server, ada } = await enrolled(t);
  await auth.signIn("email", "ada@example.com", { password: PASSWORD });
  await until(() => seen.signals.length == 1);
  server.steps.passkeys.push({ user: ada, key: "2" });
  await auth.methods.list();
  await settled();
  assert.equal(seen.signals.length, 1);
});

test("browsers without the JSON forms get and give the same bytes", async (t) => {
  const { seen, auth } = await enrolled(t, { isOld: true });
  const step = auth.passkey();
  await waits(seen, 1);
  assert.ok(seen.requests[0].publicKey.challenge instanceof Uint8Array);
  seen.answer("known");
  assert.equal((await step).outcome, "accepted");
});
