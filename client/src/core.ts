// The part that every page needs: the snapshot, the refresh, requests, and steps. `createClient` has more on top of it.

import { ours, type Answer, type Loose } from "./answer.js";
import { fetchOf } from "./fetch.js";
import { withFresh, type OnStepUp } from "./fresh.js";
import { Known } from "./known.js";
import type { EventName, Handler } from "./listeners.js";
import { lookedAt } from "./looks.js";
import { Session } from "./session.js";
import type { Initial, Snapshot } from "./snapshot.js";
import { stepOf, type Do, type Dress, type Fields, type Result, type Step, type Steps } from "./step.js";
import { Transport, type Settings } from "./transport.js";
import type { Offer } from "./wire.js";

export interface Options extends Settings {
  /** What the server has read for this page: the first snapshot here is equal to its. */
  readonly initial?: Initial;
  /** How `withFresh` asks a person for a proof of now. */
  readonly onStepUp?: OnStepUp;
}

export interface SignInOptions {
  /** Whether the sign-in outlives the browser's window. */
  readonly persistent?: boolean;
}

export interface SignUpOptions extends SignInOptions {
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** What an `unregistered` has brought. */
  readonly claim?: string;
}

export interface Core {
  /** What is known now: the same object until something of it changes. */
  get(): Snapshot;
  /** What the server rendered with: it never changes. */
  getServer(): Snapshot;
  /** Calls on every change but that of the two times that move with each use, until the returned function is called. */
  subscribe(listener: () => void): () => void;
  on(event: EventName, handler: Handler): () => void;
  /** Asks the server, and refreshes if that will do. */
  check(): Promise<Snapshot>;
  refresh(): Promise<Snapshot>;
  /** `fetch` for the application's own requests; of other origins it knows nothing. */
  fetch: typeof fetch;
  config(): Result<Offer>;
  signIn(provider: string, identifier?: string, fields?: Fields, options?: SignInOptions): Steps;
  signUp(provider: string, identifier?: string, fields?: Fields, options?: SignUpOptions): Steps;
  stepUp(provider: string, fields?: Fields): Steps;
  /** Begins at an issuer: go to `redirect`. */
  start(provider: string, to?: string): Result<{ redirect: string; flow: string }>;
  /** What an issuer, or a form, has led to: to be asked once by the page where it came out; null where there was nothing. */
  page(): Promise<Step | null>;
  signOut(where?: "here" | "others" | "everywhere"): Result<{ ended: number }>;
  /** Milliseconds since 1970 by the server's clock. */
  serverTime(): number;
  withFresh<T>(operation: () => Promise<T>, onStepUp?: OnStepUp): Promise<T>;
  /** Any other request to the surface; what the answer says of the session is learnt. */
  call<T = Loose>(method: string, path: string, body?: object): Promise<Answer<T>>;
  /** The same for what answers with a step. */
  step(path: string, body: object): Steps;
  /** Lets go of the page. */
  close(): void;
}

export function createCore(options: Options = {}, dress: Dress = (step) => step): Core {
  const transport = new Transport(options);
  const known = new Known(options.initial);
  const session = new Session(known, transport);

  const run: Do = async (method, path, body) => {
    const since = known.news;
    const wasIn = known.snapshot.status == "signed_in";
    const answer = await transport.send(method, path, body);
    await session.learn(answer, since);
    if (!wasIn && answer.session && !transport.store) void session.prove();
    return answer;
  };
  const step = async (path: string, body: object, rest: object = {}): Promise<any> =>
    stepOf(await run("POST", path, { ...body, ...rest }), run, rest, dress);
  const call = run as Core["call"];

  return {
    get: () => known.snapshot,
    getServer: () => known.initial,
    subscribe: (listener) => known.listeners.on("", () => listener()),
    on: (event, handler) => known.listeners.on(event, handler),
    check: async () => (await session.check(), known.snapshot),
    refresh: async () => (await session.refresh(), known.snapshot),
    fetch: fetchOf(known, session, transport),
    config: () => call("GET", "config"),
    signIn: (provider, identifier, fields, { persistent } = {}) => step("sign-in", { provider, identifier, fields }, { persistent }),
    signUp: (provider, identifier, fields, { persistent, ...rest } = {}) =>
      step("sign-up", { provider, identifier, fields, ...rest }, { persistent }),
    stepUp: (provider, fields) => step("step-up", { provider, fields }),
    start: (provider, to) => call("POST", "start/" + encodeURIComponent(provider), { to }),
    page: async () => {
      const { step, problem, outcome, ...rest } = await run("POST", "page", {});
      const found = step ?? (problem && ours(problem));
      // Nothing, or what is wrong with the question.
      return found ? stepOf(found, run, {}, dress) : outcome == "accepted" ? null : { outcome, ...rest };
    },
    signOut: (where) => call("POST", "sign-out", { where }),
    serverTime: () => known.clock.now(),
    withFresh: (operation, onStepUp = options.onStepUp) => withFresh(operation, onStepUp),
    call,
    step,
    close: globalThis.document ? lookedAt(known, session) : () => {},
  };
}
