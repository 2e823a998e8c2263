// Passkeys in a chain of steps: a button, and the autofill of a field where a name is typed.

import type { Loose } from "./answer.js";
import { alone, whenFree } from "./ceremony.js";
import type { Core, SignInOptions } from "./core.js";
import { ownerOf, signalAll, signalDetails, signalUnknown, type Owner } from "./signals.js";
import type { Continue, Fields, Step, Steps } from "./step.js";
import { make, use } from "./webauthn.js";
import type { Authenticator, Method, User } from "./wire.js";

export interface PasskeyOptions {
  /** The provider's name in the server's configuration; "passkey". */
  readonly provider?: string;
  /** What the password manager shall call a user; nothing is told without it. */
  readonly details?: (user: User) => { name: string; displayName: string };
  /** Whether a passkey that the server refused is hidden by the password manager. Yes. */
  readonly hideRefused?: boolean;
}

export interface AutofillOptions extends SignInOptions {
  readonly signal?: AbortSignal;
}

/** Renewed so long before the server forgets what it has asked. */
const EARLY = 15_000;

export class Passkeys {
  readonly #provider: string;
  readonly #options: PasskeyOptions;
  #owner: Owner | null = null;

  readonly #changed: () => void;

  /** `changed` is called when a passkey was made. */
  constructor(options: PasskeyOptions, changed: () => void) {
    this.#changed = changed;
    this.#options = options;
    this.#provider = options.provider ?? "passkey";
  }

  /** Lets a step be answered with a passkey. */
  dress(core: Core, step: Loose): Loose {
    return { ...step, passkey: (fields?: Fields) => this.#answer(core, step, fields) };
  }

  /** A button: signs in with whatever passkey the person chooses. */
  async signIn(core: Core, options?: SignInOptions): Steps {
    const step = (await core.signIn(this.#provider, undefined, undefined, options)) as Continue;
    return step.passkey?.() ?? step;
  }

  /** Offers passkeys where a name is typed, until one is used; null where the browser cannot, or `signal` says no. */
  async autofill(core: Core, { signal, ...options }: AutofillOptions = {}): Promise<Step | null> {
    const able = await globalThis.PublicKeyCredential?.isConditionalMediationAvailable?.();
    if (!able) return null;
    const isOver = () => signal?.aborted || core.get().status == "signed_in";
    while (!isOver()) {
      await whenFree();
      if (isOver()) break;
      const step = (await core.signIn(this.#provider, undefined, undefined, options)) as Continue;
      const method = step.next?.find(asked);
      if (!method) return step;
      const turn = new AbortController();
      const stop = () => turn.abort();
      const lifetime = Date.parse(step.expires_at) - core.serverTime() - EARLY;
      const timer = setTimeout(() => whenVisible(stop), Math.max(lifetime, EARLY));
      const quit = core.on("signed_in", stop);
      signal?.addEventListener("abort", stop);
      try {
        return await alone(stop, async () =>
          this.#send(core, step, method, { response: await use(optionsOf(method), "conditional", turn.signal) }),
        );
      } catch (error) {
        // Stopped: by a button that wants the place, or because the question is old. Anything else is the person's or the browser's.
        if (!turn.signal.aborted) return cancelled(error);
      } finally {
        clearTimeout(timer);
        quit();
        signal?.removeEventListener("abort", stop);
      }
    }
    return null;
  }

  /** Tells the password manager which passkeys there are. */
  tell(held: readonly Authenticator[], user: User | null): void {
    const owner = (this.#owner = ownerOf(held) ?? this.#owner);
    if (!owner) return;
    signalAll(owner, held, this.#provider);
    if (user && this.#options.details) signalDetails(owner, this.#options.details(user));
  }

  async #answer(core: Core, step: Loose, fields: Fields | undefined): Steps {
    const method: Method | undefined = step.next.find(asked);
    if (!method) {
      // One of several ways on: the server asks when it is chosen.
      const next = (await step.answer(this.#provider)) as Continue;
      return next.next?.some(asked) ? next.passkey!(fields) : next;
    }
    const turn = new AbortController();
    try {
      // The place is held until the server has answered: an autofill would come back for somebody who is about to be signed in.
      return await alone(
        () => turn.abort(),
        async () => {
          const ask = isCreation(method) ? make(optionsOf(method), turn.signal) : use(optionsOf(method), undefined, turn.signal);
          return this.#send(core, step, method, { ...fields, response: await ask });
        },
      );
    } catch (error) {
      return cancelled(error);
    }
  }

  async #send(core: Core, step: Loose, method: Method, fields: Fields): Steps {
    const answer: Step = await step.answer(method.provider, fields);
    const isInTime = Date.parse(step.expires_at) > core.serverTime();
    if (answer.outcome == "refused" && !isCreation(method) && isInTime && this.#options.hideRefused !== false) {
      signalUnknown(optionsOf(method), fields.response!);
    }
    if (answer.outcome == "accepted" && isCreation(method)) this.#changed();
    return answer;
  }
}

/** Whether a method is one that a browser answers. */
const asked = ({ challenge }: Method) => typeof challenge?.options == "string";
const optionsOf = ({ challenge }: Method) => String(challenge?.options);
const isCreation = (method: Method) => "pubKeyCredParams" in JSON.parse(optionsOf(method));

const cancelled = (error: unknown): Step => ({ outcome: "cancelled", name: (error as Error)?.name });

function whenVisible(then: () => void): void {
  if (document.visibilityState != "hidden") return then();
  document.addEventListener("visibilitychange", then, { once: true });
}
