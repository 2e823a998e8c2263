// Tells the browser's password manager what the server knows of passkeys, so that it offers none that are gone (Signal API).
// Chromium and Safari have it; nothing depends on it.

import type { Authenticator } from "./wire.js";

export const canSignal = (): boolean => "signalAllAcceptedCredentials" in (globalThis.PublicKeyCredential ?? {});

function signal(name: string, options: object): void {
  const signals = globalThis.PublicKeyCredential as any;
  // What a browser has to say against it is of no use to anybody.
  void Promise.resolve(signals?.[name]?.(options)).catch(() => {});
}

/** The server does not take this passkey. */
export function signalUnknown(options: string, response: string): void {
  const { rpId = location.hostname } = JSON.parse(options);
  signal("signalUnknownCredential", { rpId, credentialId: JSON.parse(response).id });
}

/** Whose passkeys: an account at the password manager. */
export interface Owner {
  readonly rpId: string;
  readonly userId: string;
}

/** Whose passkeys these are; null where none is among them, or the server does not say. */
export function ownerOf(held: readonly Authenticator[]): Owner | null {
  const { rp_id, user_handle } = (held.find(({ description }) => description?.credential_id)?.description ?? {}) as any;
  return rp_id && user_handle ? { rpId: rp_id, userId: user_handle } : null;
}

/** These are all passkeys of their owner, and no others. */
export function signalAll(owner: Owner, held: readonly Authenticator[], provider: string): void {
  const ids = held.filter((one) => one.provider == provider).map(({ description }) => description?.credential_id);
  // One that is not named would be hidden from its owner.
  if (ids.every(Boolean)) signal("signalAllAcceptedCredentials", { ...owner, allAcceptedCredentialIds: ids });
}

/** What the owner is called by now. */
export function signalDetails(owner: Owner, details: { name: string; displayName: string }): void {
  signal("signalCurrentUserDetails", { ...owner, ...details });
}
