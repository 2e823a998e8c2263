// Passkeys in Chromium with a virtual authenticator: made, used by a button while an autofill waits, and by the autofill.
import assert from "node:assert/strict";
import { later, result, until } from "./engines.mjs";
import { serve } from "../server/serve.mjs";
import { PASSWORD } from "../server/steps.mjs";

const COUNT = `
  window.most = window.running = window.asked = 0;
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = async (options) => {
    asked++;
    most = Math.max(most, ++running);
    // The person is there for a button.
    if (options.mediation != "conditional") await presence(true);
    try { return await get(options); } finally { running--; }
  };
`;

export async function passkeys(engine, client) {
  const server = await serve({ client });
  const tab = await engine.open(server.origin + "/");
  await until(tab, "window.ready && auth.get().status == 'signed_out'");
  const session = await tab.page.createCDPSession();
  await session.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  const presence = (enabled) => session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  await tab.page.exposeFunction("presence", presence);
  await tab.eval(`void (() => {${COUNT}})()`);

  await result(tab, `auth.signIn("email", "ada@example.com", { password: "${PASSWORD}" }).then(() => 0)`);
  assert.equal(await result(tab, "auth.methods.enroll('passkey').then((step) => step.passkey()).then(({ outcome }) => outcome)"), "accepted");
  assert.equal(server.steps.passkeys.length, 1);
  await result(tab, "auth.signOut().then(() => 0)");

  // The autofill waits for a person; the button takes its place.
  await presence(false);
  const stored = server.steps.stored;
  await tab.eval("void (window.filled = auth.passkeyAutofill())");
  await until(tab, "running == 1");
  assert.equal(await result(tab, "auth.passkey().then(({ outcome }) => outcome)"), "accepted");
  assert.equal(await result(tab, "filled"), null);
  assert.equal(await tab.eval("most"), 1, "one ceremony at a time");
  assert.equal(server.steps.stored, stored, "views of the page leave nothing in the store");
  await result(tab, "auth.signOut().then(() => 0)");

  // An autofill that is told to stop, and one that signs in.
  await presence(false);
  await tab.eval("void (window.stop = new AbortController(), window.filled = auth.passkeyAutofill({ signal: stop.signal }))");
  await until(tab, "running == 1");
  await tab.eval("stop.abort()");
  assert.equal(await result(tab, "filled"), null);
  await presence(true);
  assert.equal(await result(tab, "auth.passkeyAutofill().then(({ outcome }) => outcome)"), "accepted");

  // The passkey is removed at the server: the authenticator is told after the refusal.
  const held = async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials.length;
  assert.equal(await held(), 1);
  server.steps.passkeys.length = 0;
  await result(tab, "auth.signOut().then(() => 0)");
  assert.equal(await result(tab, "auth.passkey().then(({ outcome }) => outcome)"), "refused");
  await later(300);
  const left = await held();
  await server.close();
  return left;
}
