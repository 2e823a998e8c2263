// What the package shows.

export type { Account } from "./account.js";
export type { Answer, Problem } from "./answer.js";
export { createClient, type Client, type ClientOptions } from "./client.js";
export { createCore, type Core, type Options, type SignInOptions, type SignUpOptions } from "./core.js";
export type { OnStepUp } from "./fresh.js";
export type { EventName, Handler } from "./listeners.js";
export type { AutofillOptions, PasskeyOptions } from "./passkey.js";
export type { Initial, Snapshot } from "./snapshot.js";
export type { Accepted, Continue, Fields, Open, Purpose, Refused, Step } from "./step.js";
export type { Tokens, TokenStore } from "./tokens.js";
export type {
  Authenticator,
  Device,
  Factor,
  Field,
  Held,
  Identity,
  Method,
  Offer,
  Session,
  User,
  Violation,
  Way,
  WireSnapshot,
} from "./wire.js";
