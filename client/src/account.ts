// What a person does with an account: devices, ways in, recovery. Each is one request; the paths are those of the surface.

import type { Core } from "./core.js";
import type { Fields, Result, Steps } from "./step.js";
import type { Authenticator, Device, Held, Time, User, Way } from "./wire.js";

const path = (...parts: string[]) => parts.map(encodeURIComponent).join("/");

/** `hear` is told of the passkeys after each change of them. */
export function accountOf({ call, step, check }: Core, hear: (held: readonly Authenticator[]) => void) {
  const list = async (): Result<Held> => {
    const held = await call<Held>("GET", "methods");
    if (held.outcome == "accepted") hear(held.authenticators);
    return held;
  };
  const changed = async <T extends { outcome: string }>(answer: T): Promise<T> => {
    if (answer.outcome == "accepted") await list();
    return answer;
  };
  return {
    sessions: {
      list: (): Result<{ sessions: readonly Device[] }> => call("GET", "sessions"),
      end: (id: string): Result => call("DELETE", path("sessions", id)),
    },
    methods: {
      list,
      enroll: (provider: string, identifier?: string): Steps => step("methods/enroll", { provider, identifier }),
      rename: (provider: string, id: string, label: string): Result =>
        call("PATCH", path("authenticators", provider, id), { label }),
      remove: async (provider: string, id: string): Result =>
        changed(await call("DELETE", path("authenticators", provider, id))),
    },
    identities: {
      link: (provider: string, identifier?: string, fields?: Fields): Steps =>
        step("identities/link", { provider, identifier, fields }),
      claim: (claim: string): Steps => step("identities/claim", { claim }),
      unlink: (provider: string, identifier: string): Result => call("POST", "identities/unlink", { provider, identifier }),
    },
    password: (provider: string, fields: Fields): Steps => step("password", { provider, fields }),
    identifier: {
      change: (provider: string, old_identifier: string, new_identifier: string): Result =>
        call("POST", "identifier", { provider, old_identifier, new_identifier }),
      confirm: (token: string, old_identifier: string, new_identifier: string): Result =>
        call("POST", "identifier/confirm", { token, old_identifier, new_identifier }),
    },
    recover: {
      begin: (provider: string, identifier: string): Result => call("POST", "recover", { provider, identifier }),
      finish: (token: string, provider: string, fields: Fields): Result<{ took?: readonly Way[]; kept?: readonly Way[] }> =>
        call("POST", "recover/finish", { token, provider, fields }),
    },
    verify: {
      begin: (provider: string, identifier: string): Result => call("POST", "verify", { provider, identifier }),
      finish: (token: string): Result => call("POST", "verify/finish", { token }),
    },
    /** What a link in a message is for; it stays good. */
    peek: (token: string): Result<{ purpose: string; provider: string; identifier: string; expires_at: Time }> =>
      call("POST", "token/peek", { token }),
    user: {
      update: async (attributes: Readonly<Record<string, unknown>>): Result<{ user: User }> => {
        const answer = await call<{ user: User }>("PATCH", "user", { attributes });
        // The snapshot shows them, here and in the other tabs.
        if (answer.outcome == "accepted") await check();
        return answer;
      },
      delete: async (): Result => {
        const answer = await call("POST", "user/delete", {});
        if (answer.outcome == "accepted") await check();
        return answer;
      },
      export: (): Result<Record<string, unknown>> => call("GET", "user/export"),
    },
  };
}

export type Account = ReturnType<typeof accountOf>;
