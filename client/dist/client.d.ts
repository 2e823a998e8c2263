// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
/** `hear` is told of the passkeys after each change of them. */
declare function accountOf({ call, step, check }: Core, hear: (held: readonly Authenticator[]) => void): {
    sessions: {
        list: () => Result<{
            sessions: readonly Device[];
        }>;
        end: (id: string) => Result;
    };
    methods: {
        list: () => Result<Held>;
        enroll: (provider: string, identifier?: string) => Steps;
        rename: (provider: string, id: string, label: string) => Result;
        remove: (provider: string, id: string) => Result;
    };
    identities: {
        link: (provider: string, identifier?: string, fields?: Fields) => Steps;
        claim: (claim: string) => Steps;
        unlink: (provider: string, identifier: string) => Result;
    };
    password: (provider: string, fields: Fields) => Steps;
    identifier: {
        change: (provider: string, old_identifier: string, new_identifier: string) => Result;
        confirm: (token: string, old_identifier: string, new_identifier: string) => Result;
    };
    recover: {
        begin: (provider: string, identifier: string) => Result;
        finish: (token: string, provider: string, fields: Fields) => Result<{
            took?: readonly Way[];
            kept?: readonly Way[];
        }>;
    };
    verify: {
        begin: (provider: string, identifier: string) => Result;
        finish: (token: string) => Result;
    };
    /** What a link in a message is for; it stays good. */
    peek: (token: string) => Result<{
        purpose: string;
        provider: string;
        identifier: string;
        expires_at: Time;
    }>;
    user: {
        update: (attributes: Readonly<Record<string, unknown>>) => Result<{
            user: User;
        }>;
        delete: () => Result;
        export: () => Result<Record<string, unknown>>;
    };
};
type Account = ReturnType<typeof accountOf>;
interface Options extends Settings {
    /** What the server has read for this page: the first snapshot here is equal to its. */
    readonly initial?: Initial;
    /** How `withFresh` asks a person for a proof of now. */
    readonly onStepUp?: OnStepUp;
}
interface SignInOptions {
    /** Whether the sign-in outlives the browser's window. */
    readonly persistent?: boolean;
}
interface SignUpOptions extends SignInOptions {
    readonly attributes?: Readonly<Record<string, unknown>>;
    /** What an `unregistered` has brought. */
    readonly claim?: string;
}
interface Core {
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
    start(provider: string, to?: string): Result<{
        redirect: string;
        flow: string;
    }>;
    /** What an issuer, or a form, has led to: to be asked once by the page where it came out; null where there was nothing. */
    page(): Promise<Step | null>;
    signOut(where?: "here" | "others" | "everywhere"): Result<{
        ended: number;
    }>;
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
declare function createCore(options?: Options, dress?: Dress): Core;
interface Said {
    readonly title?: string;
    readonly detail?: string;
    readonly status?: number;
    readonly code?: string;
}
type Problem = Said & ({
    readonly outcome: "refused";
} | {
    readonly outcome: "not_found" | "last_way_in" | "too_large" | "uri_too_long" | "method_not_allowed";
} | {
    readonly outcome: "signed_out";
    readonly reason?: string;
    readonly refreshable?: boolean;
} | {
    readonly outcome: "proof_required";
    readonly max_age?: number;
    readonly what?: string;
} | {
    readonly outcome: "request_refused";
    readonly reason?: string;
    readonly setting?: string;
} | {
    readonly outcome: "unregistered";
    readonly claim: string;
    readonly provider: string;
    readonly attributes?: Readonly<Record<string, unknown>>;
} | {
    readonly outcome: "conflict";
    readonly what?: string;
} | {
    readonly outcome: "policy_violation";
    readonly violations: readonly Violation[];
} | {
    readonly outcome: "throttled";
    readonly retry_after?: number;
} | {
    readonly outcome: "invalid_argument";
    readonly field?: string;
} | {
    readonly outcome: "unsupported_media_type" | "headers_too_large";
}
/** No connection, a server in trouble, somebody else's page: try again, and believe nothing. */
 | {
    readonly outcome: "unavailable";
    readonly retry_after?: number;
    readonly cause?: unknown;
}
/** The person said no to the browser, or took too long. `name` is the DOMException's. */
 | {
    readonly outcome: "cancelled";
    readonly name: string;
});
type Answer<T = object> = ({
    readonly outcome: "accepted";
} & T) | Problem;
type Loose = {
    outcome: string;
    [member: string]: any;
};
/** Whether a response carries problem details, and which; null where it is somebody else's answer. */
declare function problemIn(response: Response): Promise<Loose | null>;
/** Problem details of ours: another program's may have a `code`, too, but its type does not end in it. */
declare function ours(body: any): Loose | null;
/** Reads a whole response of the surface. */
declare function answerOf(response: Response): Promise<Loose>;
/** RFC 3339, in UTC, with microseconds. */
type Time = string;
interface User {
    readonly id: string;
    /** The attributes that the server's configuration makes public. */
    readonly attributes: Readonly<Record<string, unknown>>;
}
interface Factor {
    readonly provider: string;
    readonly class?: string;
    readonly at?: Time;
}
interface Session {
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
type WireSnapshot = {
    readonly status: "signed_in";
    readonly now: Time;
    readonly user: User;
    readonly session: Session;
} | {
    readonly status: "refreshable";
    readonly now: Time;
} | {
    readonly status: "signed_out";
    readonly now: Time;
    readonly reason?: string;
} | {
    readonly status: "key";
    readonly now: Time;
    readonly user: User;
    readonly provider: string;
    readonly scopes?: readonly string[];
};
interface Field {
    readonly name: string;
    readonly secret?: boolean;
    readonly optional?: boolean;
    readonly max_len?: number;
    /** For the attribute `autocomplete` of an input. */
    readonly autocomplete?: string;
}
/** One way to answer: draw its fields, and answer with their values. */
interface Method {
    readonly provider: string;
    readonly action?: "verify" | "enroll" | "step";
    readonly factor_class?: string;
    readonly fields: readonly Field[];
    /** Text; what is no text is `{ base64url }`. */
    readonly challenge?: Readonly<Record<string, string | {
        readonly base64url: string;
    }>>;
}
/** A way into an account: what recovery took away, and what it kept. */
interface Way {
    readonly provider: string;
    readonly name?: string;
    readonly is_identity?: boolean;
    readonly created_at?: Time;
    readonly last_used_at?: Time;
    readonly verified_at?: Time;
}
interface Violation {
    readonly field: string;
    readonly rule: string;
    readonly limit?: number;
    readonly message?: string;
}
/** The answer of GET config: what a visitor may do. */
interface Offer {
    readonly methods: readonly Method[];
    readonly features: Readonly<Record<string, boolean>>;
}
/** A sign-in as its owner sees it in a list. */
interface Device {
    readonly id: string;
    readonly current: boolean;
    readonly name?: string;
    readonly agent?: string;
    readonly address?: string;
    readonly created_at?: Time;
    readonly last_seen_at?: Time;
    readonly factors?: readonly Factor[];
}
interface Identity {
    readonly provider: string;
    readonly identifier: string;
    readonly verified_at?: Time;
    readonly created_at?: Time;
}
interface Authenticator {
    readonly id: string;
    readonly provider: string;
    readonly kind?: string;
    readonly label?: string;
    readonly description?: Readonly<Record<string, unknown>>;
    readonly created_at?: Time;
    readonly last_used_at?: Time;
}
/** The answer of GET methods: what protects the person who asks. */
interface Held {
    readonly identities: readonly Identity[];
    readonly authenticators: readonly Authenticator[];
    readonly methods: readonly Method[];
}
/** Asks the person, and says whether they have proved it. */
type OnStepUp = (asked: {
    readonly max_age?: number;
    readonly what?: string;
}) => Promise<boolean>;
declare function withFresh<T>(operation: () => Promise<T>, onStepUp: OnStepUp | undefined): Promise<T>;
type EventName = "signed_in" | "signed_out" | "user_changed" | "cookies_blocked";
type Handler = (now: Snapshot, before: Snapshot) => void;
declare class Listeners {
    #private;
    on(name: EventName | "", handler: Handler): () => void;
    tell(name: EventName | "", now: Snapshot, before: Snapshot): void;
}
interface Snapshot {
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
type Initial = WireSnapshot | {
    readonly status: "unknown";
};
declare function snapshotOf(wire: Initial | null): Snapshot;
/** Whose snapshot it is: what decides whether two of them contradict each other. */
declare function identity({ status, user, session }: Snapshot): string;
/** Whether a body is a snapshot at all. */
declare function isSnapshot(body: any): body is WireSnapshot;
type Purpose = "sign_in" | "sign_up" | "step_up" | "enroll" | "link" | "change";
interface Accepted {
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
interface Open {
    readonly purpose?: Purpose;
    readonly flow: string;
    readonly next: readonly Method[];
    readonly expires_at: Time;
    /** Answers with one of `next`. */
    answer(provider: string, fields?: Fields): Promise<Step>;
    /** Answers with the passkey that `next` asks for, or makes the one that it wants (`createClient` only). */
    passkey?(fields?: Fields): Promise<Step>;
}
interface Continue extends Open {
    readonly outcome: "continue";
    readonly provider?: string;
}
/** Wrong; where there is a flow, it may be answered again. */
type Refused = {
    readonly outcome: "refused";
    readonly title?: string;
    readonly status?: number;
} & Partial<Open>;
type Step = Accepted | Continue | Refused | Exclude<Problem, {
    outcome: "refused";
}>;
type Fields = Readonly<Record<string, string>>;
type Do = (method: string, path: string, body?: object) => Promise<Loose>;
type Dress = (step: Loose) => Loose;
/** Gives the step its way on. What was asked for at the beginning (`rest`) holds for all of the chain. */
declare function stepOf(answer: Loose, run: Do, rest: object, dress: Dress): any;
type Steps = Promise<Step>;
type Result<T = object> = Promise<Answer<T>>;
interface Settings {
    /** Where the surface is: "/auth", or an address. */
    readonly base?: string;
    readonly fetch?: typeof fetch;
    /** "cookie", or the place of an app's tokens. */
    readonly storage?: "cookie" | TokenStore;
}
declare class Transport {
    #private;
    readonly base: URL;
    readonly store: TokenStore | null;
    constructor({ base, fetch, storage }: Settings);
    /** The fetch of the platform, looked up at each call: nothing of it is changed or kept. */
    raw(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
    tokens(): Promise<Tokens>;
    /** Whether this is an app that has something to refresh with. */
    hasRefresh(): Promise<boolean>;
    send(method: string, path: string, body?: object): Promise<Loose>;
}
/** The snapshot in an answer: the whole body, or its member `session`. */
declare function snapshotIn(answer: Loose): WireSnapshot | undefined;
interface Tokens {
    readonly access?: string;
    readonly refresh?: string;
    /** What makes this a known device: it stays when somebody signs out. */
    readonly device?: string;
    /** What binds a flow to this app, between its steps. */
    readonly flow?: string;
}
interface TokenStore {
    load(): Tokens | null | undefined | Promise<Tokens | null | undefined>;
    save(tokens: Tokens): void | Promise<void>;
}
/** The header lines of an app's request. */
declare function headersOf(tokens: Tokens): Record<string, string>;
/** What an answer leaves the app with: `sent` went with the request, `held` is there by now. */
declare function kept(sent: Tokens, held: Tokens, path: string, headers: Headers, answer: any): Tokens;
interface ClientOptions extends Options {
    readonly passkeys?: PasskeyOptions;
}
interface Client extends Core, Account {
    /** A button "Sign in with a passkey". */
    passkey(options?: SignInOptions): Steps;
    /** Offers passkeys in a field with `autocomplete="username webauthn"`; null where none was used. */
    passkeyAutofill(options?: AutofillOptions): Promise<Step | null>;
}
declare function createClient(options?: ClientOptions): Client;
interface PasskeyOptions {
    /** The provider's name in the server's configuration; "passkey". */
    readonly provider?: string;
    /** What the password manager shall call a user; nothing is told without it. */
    readonly details?: (user: User) => {
        name: string;
        displayName: string;
    };
    /** Whether a passkey that the server refused is hidden by the password manager. Yes. */
    readonly hideRefused?: boolean;
}
interface AutofillOptions extends SignInOptions {
    readonly signal?: AbortSignal;
}
declare class Passkeys {
    #private;
    /** `changed` is called when a passkey was made. */
    constructor(options: PasskeyOptions, changed: () => void);
    /** Lets a step be answered with a passkey. */
    dress(core: Core, step: Loose): Loose;
    /** A button: signs in with whatever passkey the person chooses. */
    signIn(core: Core, options?: SignInOptions): Steps;
    /** Offers passkeys where a name is typed, until one is used; null where the browser cannot, or `signal` says no. */
    autofill(core: Core, { signal, ...options }?: AutofillOptions): Promise<Step | null>;
    /** Tells the password manager which passkeys there are. */
    tell(held: readonly Authenticator[], user: User | null): void;
}
export type { Account };
export type { Answer, Problem };
export { createClient, type Client, type ClientOptions };
export { createCore, type Core, type Options, type SignInOptions, type SignUpOptions };
export type { OnStepUp };
export type { EventName, Handler };
export type { AutofillOptions, PasskeyOptions };
export type { Initial, Snapshot };
export type { Accepted, Continue, Fields, Open, Purpose, Refused, Step };
export type { Tokens, TokenStore };
export type { Authenticator, Device, Factor, Field, Held, Identity, Method, Offer, Session, User, Violation, Way, WireSnapshot, };
