// What stands in the bodies, by the names that the client has for it. `table.ts` is written from the server's own table; here
// its one snapshot with members that may be absent is told apart by `status`.

import type {
  HttpAuthenticator,
  HttpConfig,
  HttpDevice,
  HttpFactor,
  HttpField,
  HttpIdentity,
  HttpMethod,
  HttpMethods,
  HttpSession,
  HttpSnapshot,
  HttpUser,
  HttpViolation,
  HttpWay,
} from "./table.js";

/** RFC 3339, in UTC, with microseconds. */
export type Time = string;

export type User = Readonly<HttpUser>;
export type Factor = Readonly<HttpFactor>;
export type Session = Readonly<HttpSession>;
export type Field = Readonly<HttpField>;
/** One way to answer: draw its fields, and answer with their values. */
export type Method = Readonly<HttpMethod>;
/** A way into an account: what recovery took away, and what it kept. */
export type Way = Readonly<HttpWay>;
export type Violation = Readonly<HttpViolation>;
/** The answer of GET config: what a visitor may do. */
export type Offer = Readonly<HttpConfig>;
/** A sign-in as its owner sees it in a list. */
export type Device = Readonly<HttpDevice>;
export type Identity = Readonly<HttpIdentity>;
export type Authenticator = Readonly<HttpAuthenticator>;
/** The answer of GET methods: what protects the person who asks. */
export type Held = Readonly<HttpMethods>;

type Of<Status, Members extends keyof HttpSnapshot> = { readonly status: Status } & Readonly<
  Required<Pick<HttpSnapshot, Members | "now">>
>;

/** What the server says of who asks. */
export type WireSnapshot =
  | Of<"signed_in", "user" | "session">
  | Of<"refreshable", never>
  | (Of<"signed_out", never> & Readonly<Pick<HttpSnapshot, "reason">>)
  | (Of<"key", "user" | "provider"> & Readonly<Pick<HttpSnapshot, "scopes">>);
