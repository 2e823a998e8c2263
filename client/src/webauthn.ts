// What the provider `passkey` shows goes into the browser, what it wants back comes out: both as JSON text. Browsers older than
// the JSON forms of WebAuthn level 3 get and give the same bytes by hand.

type Json = any;

export async function use(options: string, mediation?: "conditional", signal?: AbortSignal): Promise<string> {
  return written(await navigator.credentials.get({ publicKey: request(JSON.parse(options)), mediation, signal }));
}

export async function make(options: string, signal?: AbortSignal): Promise<string> {
  return written(await navigator.credentials.create({ publicKey: creation(JSON.parse(options)), signal }));
}

function creation(options: Json): PublicKeyCredentialCreationOptions {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: options.excludeCredentials?.map(described),
  };
}

function request(options: Json): PublicKeyCredentialRequestOptions {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { ...options, challenge: bytes(options.challenge), allowCredentials: options.allowCredentials?.map(described) };
}

function written(credential: Json): string {
  if (credential.toJSON) return JSON.stringify(credential);
  const { id, type, response } = credential;
  const parts: Json = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  return JSON.stringify({ id, rawId: id, type, response: parts, clientExtensionResults: credential.getClientExtensionResults() });
}

const described = (credential: Json) => ({ ...credential, id: bytes(credential.id) });

function bytes(base64url: string): Uint8Array {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function text(buffer: ArrayBuffer): string {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
