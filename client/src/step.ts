// A sign-in, a sign-up, a step-up, an enrollment: each is a chain of steps. The server says what it asks for next and with which
// fields, so a page can draw providers that it never heard of.

import type { Answer, Loose, Problem } from "./answer.js";
import type { Method, Time, Way, WireSnapshot } from "./wire.js";

export type Purpose = "sign_in" | "sign_up" | "step_up" | "enroll" | "link" | "change";

export interface Accepted {
  readonly outcome: "accepted";
  readonly purpose?: Purpose;
  readonly session?: WireSnapshot;
  /** Recovery codes, a key: show them now, nobody can say them again. */
  readonly show_once?: Readonly<Record<string, string>>;
  readonly took?: readonly Way[];
  readonly kept?: readonly Way[];
  readonly others?: readonly Way[];
}

/** A flow that waits for an answer. */
export interface Open {
  readonly purpose?: Purpose;
  readonly flow: string;
  readonly next: readonly Method[];
  readonly expires_at: Time;
  /** Answers with one of `next`. */
  answer(provider: string, fields?: Fields): Promise<Step>;
  /** Answers with the passkey that `next` asks for, or makes the one that it wants (`createClient` only). */
  passkey?(fields?: Fields): Promise<Step>;
}

export interface Continue extends Open {
  readonly outcome: "continue";
  readonly provider?: string;
}

/** Wrong; where there is a flow, it may be answered again. */
export type Refused = { readonly outcome: "refused"; readonly title?: string; readonly status?: number } & Partial<Open>;

export type Step = Accepted | Continue | Refused | Exclude<Problem, { outcome: "refused" }>;
export type Fields = Readonly<Record<string, string>>;

export type Do = (method: string, path: string, body?: object) => Promise<Loose>;

export type Dress = (step: Loose) => Loose;

/** Gives the step its way on. What was asked for at the beginning (`rest`) holds for all of the chain. */
export function stepOf(answer: Loose, run: Do, rest: object, dress: Dress): any {
  if (!answer.flow) return answer;
  return dress({
    ...answer,
    answer: async (provider: string, fields?: Fields) =>
      stepOf(await run("POST", "continue", { flow: answer.flow, provider, fields, ...rest }), run, rest, dress),
  });
}

export type Steps = Promise<Step>;
export type Result<T = object> = Promise<Answer<T>>;
