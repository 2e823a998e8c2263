// What stands in the bodies, as the server writes them. Written by hand for now: it will be generated from the table of the
// core's HTTP surface, and this file is then its output. Names are those of the wire.

/** RFC 3339, in UTC, with microseconds. */
export type Time = string;

export interface User {
  readonly id: string;
  /** The attributes that the server's configuration makes public. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Factor {
  readonly provider: string;
  readonly class?: string;
  readonly at?: Time;
}

export interface Session {
  readonly id: string;
  readonly access_expires_at: Time;
  readonly idle_expires_at?: Time;
  readonly absolute_expires_at?: Time;
  readonly authenticated_at?: Time;
  readonly persistent?: boolean;
  /** Until when a sensitive operation asks for no further proof. */
  readonly fresh_until?: Time;
  readonly factors?: readonly Factor[];
  /** To apps only, as the next one. */
  readonly access_token?: string;
  readonly refresh_token?: string;
}

/** What the server says of who asks. */
export type WireSnapshot =
  | { readonly status: "signed_in"; readonly now: Time; readonly user: User; readonly session: Session }
  | { readonly status: "refreshable"; readonly now: Time }
  | { readonly status: "signed_out"; readonly now: Time; readonly reason?: string }
  | {
      readonly status: "key";
      readonly now: Time;
      readonly user: User;
      readonly provider: string;
      readonly scopes?: readonly string[];
    };

export interface Field {
  readonly name: string;
  readonly secret?: boolean;
  readonly optional?: boolean;
  readonly max_len?: number;
  /** For the attribute `autocomplete` of an input. */
  readonly autocomplete?: string;
}

/** One way to answer: draw its fields, and answer with their values. */
export interface Method {
  readonly provider: string;
  readonly action?: "verify" | "enroll" | "step";
  readonly factor_class?: string;
  readonly fields: readonly Field[];
  /** Text; what is no text is `{ base64url }`. */
  readonly challenge?: Readonly<Record<string, string | { readonly base64url: string }>>;
}

/** A way into an account: what recovery took away, and what it kept. */
export interface Way {
  readonly provider: string;
  readonly name?: string;
  readonly is_identity?: boolean;
  readonly created_at?: Time;
  readonly last_used_at?: Time;
  readonly verified_at?: Time;
}

export interface Violation {
  readonly field: string;
  readonly rule: string;
  readonly limit?: number;
  readonly message?: string;
}

/** The answer of GET config: what a visitor may do. */
export interface Offer {
  readonly methods: readonly Method[];
  readonly features: Readonly<Record<string, boolean>>;
}

/** A sign-in as its owner sees it in a list. */
export interface Device {
  readonly id: string;
  readonly current: boolean;
  readonly name?: string;
  readonly agent?: string;
  readonly address?: string;
  readonly created_at?: Time;
  readonly last_seen_at?: Time;
  readonly factors?: readonly Factor[];
}

export interface Identity {
  readonly provider: string;
  readonly identifier: string;
  readonly verified_at?: Time;
  readonly created_at?: Time;
}

export interface Authenticator {
  readonly id: string;
  readonly provider: string;
  readonly kind?: string;
  readonly label?: string;
  readonly description?: Readonly<Record<string, unknown>>;
  readonly created_at?: Time;
  readonly last_used_at?: Time;
}

/** The answer of GET methods: what protects the person who asks. */
export interface Held {
  readonly identities: readonly Identity[];
  readonly authenticators: readonly Authenticator[];
  readonly methods: readonly Method[];
}
