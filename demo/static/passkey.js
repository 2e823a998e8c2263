// Passkeys in a page: what the provider `passkey` shows goes in, what it wants back comes out, both as JSON text.
//
//   import { available, enroll, signIn } from "/static/passkey.js";
//   const response = await enroll(options);    // the challenge "options" of an enrollment
//   const response = await signIn(options);   // the challenge "options" of a sign-in or of a further factor
//
// Both fail with a DOMException: NotAllowedError when the person said no or took too long, InvalidStateError when this
// authenticator has a passkey of this user already. Nothing here decides anything: the server verifies the response.

/** Whether this browser can do it at all. */
export function available() {
  return Boolean(globalThis.PublicKeyCredential && navigator.credentials);
}

/** Makes a passkey. */
export async function enroll(options) {
  const publicKey = creation(JSON.parse(options));
  return toJSON(await navigator.credentials.create({ publicKey }));
}

/** Uses a passkey. With `{ mediation: "conditional", signal }` the browser offers it where a name is typed. */
export async function signIn(options, { mediation, signal } = {}) {
  const publicKey = request(JSON.parse(options));
  return toJSON(await navigator.credentials.get({ publicKey, mediation, signal }));
}

// Browsers older than the JSON forms of level 3 get and give the same bytes by hand.

function creation(options) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: options.excludeCredentials.map(described),
  };
}

function request(options) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { ...options, challenge: bytes(options.challenge), allowCredentials: options.allowCredentials.map(described) };
}

function toJSON(credential) {
  if (credential.toJSON) return JSON.stringify(credential);
  const { id, type, response } = credential;
  const written = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) written[name] = text(response[name]);
  }
  if (response.getTransports) written.transports = response.getTransports();
  return JSON.stringify({ id, rawId: id, type, response: written, clientExtensionResults: credential.getClientExtensionResults() });
}

const described = (credential) => ({ ...credential, id: bytes(credential.id) });

function bytes(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
