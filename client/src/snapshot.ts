// What an application sees of the session: a frozen value, the same object until something of it changes.

import type { Session, User, WireSnapshot } from "./wire.js";

export interface Snapshot {
  /** "unknown" until the server has said something. */
  readonly status: "unknown" | "signed_in" | "signed_out";
  readonly user: User | null;
  readonly session: Session | null;
  /** The server cannot be asked at the moment: this is what it said last. */
  readonly stale: boolean;
  /** Why nobody is signed in, as the server says it. */
  readonly reason: string | null;
}

/** What a page may begin with: a snapshot that its server has read, or none. */
export type Initial = WireSnapshot | { readonly status: "unknown" };

export function snapshotOf(wire: Initial | null): Snapshot {
  // An app's tokens are for its keychain.
  const { access_token, refresh_token, ...session } = (wire?.status == "signed_in" ? wire.session : {}) as Session;
  const isIn = wire?.status == "signed_in" || wire?.status == "key";
  return Object.freeze({
    status: isIn ? "signed_in" : wire?.status == "signed_out" ? "signed_out" : "unknown",
    user: isIn ? wire.user : null,
    session: wire?.status == "signed_in" ? session : null,
    stale: false,
    reason: (wire?.status == "signed_out" && wire.reason) || null,
  });
}

/** Whose snapshot it is: what decides whether two of them contradict each other. */
export function identity({ status, user, session }: Snapshot): string {
  return status + user?.id + session?.id;
}

/** Whether a body is a snapshot at all. */
export function isSnapshot(body: any): body is WireSnapshot {
  return (
    Boolean(body) &&
    Date.parse(body.now) > 0 &&
    (body.status == "signed_out" ||
      body.status == "refreshable" ||
      (body.status == "key" && body.user?.id) ||
      (body.status == "signed_in" && body.user?.id && body.session?.id))
  );
}
