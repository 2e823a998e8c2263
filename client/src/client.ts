// All of it for a page: the core, passkeys, and what a person does with an account.

import { accountOf, type Account } from "./account.js";
import { createCore, type Core, type Options, type SignInOptions } from "./core.js";
import { Passkeys, type AutofillOptions, type PasskeyOptions } from "./passkey.js";
import { canSignal } from "./signals.js";
import type { Step, Steps } from "./step.js";

export interface ClientOptions extends Options {
  readonly passkeys?: PasskeyOptions;
}

export interface Client extends Core, Account {
  /** A button "Sign in with a passkey". */
  passkey(options?: SignInOptions): Steps;
  /** Offers passkeys in a field with `autocomplete="username webauthn"`; null where none was used. */
  passkeyAutofill(options?: AutofillOptions): Promise<Step | null>;
}

export function createClient(options: ClientOptions = {}): Client {
  const passkeys = new Passkeys(options.passkeys ?? {}, () => void account.methods.list());
  const core: Core = createCore(options, (step) => passkeys.dress(core, step));
  const account = accountOf(core, (held) => passkeys.tell(held, core.get().user));
  // The password manager hears after a sign-in what has changed elsewhere; a hidden tab only followed one.
  core.on("signed_in", () => {
    if (canSignal() && document.visibilityState == "visible") void account.methods.list();
  });
  return {
    ...core,
    ...account,
    passkey: (options) => passkeys.signIn(core, options),
    passkeyAutofill: (options) => passkeys.autofill(core, options),
  };
}
