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
type User = Readonly<HttpUser>;
type Factor = Readonly<HttpFactor>;
type Session = Readonly<HttpSession>;
type Field = Readonly<HttpField>;
/** One way to answer: draw its fields, and answer with their values. */
type Method = Readonly<HttpMethod>;
/** A way into an account: what recovery took away, and what it kept. */
type Way = Readonly<HttpWay>;
type Violation = Readonly<HttpViolation>;
/** The answer of GET config: what a visitor may do. */
type Offer = Readonly<HttpConfig>;
/** A sign-in as its owner sees it in a list. */
type Device = Readonly<HttpDevice>;
type Identity = Readonly<HttpIdentity>;
type Authenticator = Readonly<HttpAuthenticator>;
/** The answer of GET methods: what protects the person who asks. */
type Held = Readonly<HttpMethods>;
type Of<Status, Members extends keyof HttpSnapshot> = {
    readonly status: Status;
} & Readonly<Required<Pick<HttpSnapshot, Members | "now">>>;
/** What the server says of who asks. */
type WireSnapshot = Of<"signed_in", "user" | "session"> | Of<"refreshable", never> | (Of<"signed_out", never> & Readonly<Pick<HttpSnapshot, "reason">>) | (Of<"key", "user" | "provider"> & Readonly<Pick<HttpSnapshot, "scopes">>);
/** What a sign-in page needs to know. */
interface HttpConfig {
    /** What a sign-in can begin with. */
    methods: HttpMethod[];
    /** What is open here. */
    features: HttpFeatures;
}
/** One thing that may be answered: enough to draw a form for a provider that one never heard of. */
interface HttpMethod {
    /** The provider name to answer with. */
    provider: string;
    /** `verify`: proves a factor. `enroll`: begins to enroll an authenticator. `step`: goes on with what is shown. */
    action: "enroll" | "step" | "verify";
    /** The class of the factor that it proves. */
    factor_class?: "inherence" | "knowledge" | "possession";
    /** What to ask for. */
    fields: HttpField[];
    /** What the person, or the program, must see: named values of the provider. */
    challenge: Record<string, string | {
        base64url: string;
    }>;
}
/** One credential field to ask a person for. */
interface HttpField {
    /** Its name in `fields`. */
    name: string;
    /** Whether it is hidden while it is typed. */
    secret: boolean;
    /** Whether it may be absent. */
    optional: boolean;
    /** Its longest value in bytes. */
    max_len: number;
    /** The HTML autocomplete token; may be empty. */
    autocomplete: string;
}
/** What is open here. */
interface HttpFeatures {
    /** Whether people may sign up. */
    sign_up: boolean;
    /** Whether people may delete their account. */
    user_delete: boolean;
    /** Whether people may read all that is kept about them. */
    user_export: boolean;
}
/** Who a client is. */
interface HttpSnapshot {
    /** `signed_in`; `refreshable`: a refresh will do; `signed_out`; `key`: a program with a key. */
    status: "signed_in" | "refreshable" | "signed_out" | "key";
    /** The server's clock: take times relative to it. */
    now: string;
    /** Of `signed_in` and `key`. */
    user?: HttpUser;
    /** Of `signed_in`. */
    session?: HttpSession;
    /** Of `signed_out`: why, where that may be told. */
    reason?: string;
    /** Of `key`: the provider that took it. */
    provider?: string;
    /** Of `key`: what it is good for. */
    scopes?: string[];
}
/** A user, as far as a browser may know it. */
interface HttpUser {
    /** The user's id. */
    id: string;
    /** The attributes of `attributes.public`. */
    attributes: Record<string, unknown>;
}
/** A live session. */
interface HttpSession {
    /** The sign-in's id, stable for its life. */
    id: string;
    /** When a refresh is due. */
    access_expires_at: string;
    /** When it ends if nobody uses it. */
    idle_expires_at: string;
    /** When it ends in any case. */
    absolute_expires_at: string;
    /** When somebody last proved who it is. */
    authenticated_at: string;
    /** Until when what was proved last does for a sensitive operation. */
    fresh_until: string;
    /** Whether it outlives the browser. */
    persistent: boolean;
    /** What was proved. */
    factors: HttpFactor[];
    /** To apps only. */
    access_token?: string;
    /** To apps only. */
    refresh_token?: string;
}
/** One thing that was proved. */
interface HttpFactor {
    /** The provider name. */
    provider: string;
    /** Its class. */
    class: "inherence" | "knowledge" | "possession";
    /** When it was proved. */
    at: string;
}
/** What an app refreshes with; a browser's cookies say it. */
interface HttpRefresh {
    /** The refresh token, of an app. */
    refresh_token?: string;
}
/** A first step. */
interface HttpSignIn {
    /** The provider name, as configured. */
    provider: string;
    /** What the person is called there; absent where the provider finds it. */
    identifier?: string;
    /** The credentials, by the names of the method's `fields`. */
    fields?: Record<string, string>;
    /** Whether the sign-in outlives the browser; only where that is configured. */
    persistent?: boolean;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** What a step led to. */
interface HttpStep {
    /** `accepted`: it is done. `continue`: answer one of `next`. */
    outcome: "accepted" | "continue";
    /** What it is for. */
    purpose?: "change" | "enroll" | "link" | "sign_in" | "sign_up" | "step_up";
    /** Of `accepted`: the session that was made. */
    session?: HttpSnapshot;
    /** Of `continue`: the token to answer with. It is the person's alone. */
    flow?: string;
    /** Of `continue`: the provider it was begun with, or whose step is open. */
    provider?: string;
    /** Of `continue`: when it is worth nothing any more. */
    expires_at?: string;
    /** Of `continue`: what may be answered, one of them. */
    next?: HttpMethod[];
    /** To be shown now and kept nowhere: recovery codes, a key. */
    show_once?: Record<string, string>;
    /** Ways in that this took from the user: show them. */
    took?: HttpWay[];
    /** Ways in that recovery left: show them. */
    kept?: HttpWay[];
    /** With the first second factor: what else opens the account. Show them. */
    others?: HttpWay[];
    /** Of a confirmed address: the address. */
    identifier?: string;
    /** Where a form leads afterwards. */
    to?: string;
}
/** A way in, or a second factor, as its owner knows it. */
interface HttpWay {
    /** The provider name. */
    provider: string;
    /** The identifier, or the authenticator's label. */
    name: string;
    /** True of an identity, false of an authenticator. */
    is_identity: boolean;
    /** When it was added. */
    created_at: string;
    /** When it was last used. */
    last_used_at?: string;
    /** Of an identity: when it was proved. */
    verified_at?: string;
}
/** A new user: a provider id and its credentials, or a claim. */
interface HttpSignUp {
    /** The provider name; absent with a claim. */
    provider?: string;
    /** What the person will be called there; a name to show where the provider makes the identifier. */
    identifier?: string;
    /** The credentials, by the names of the method's `fields`. */
    fields?: Record<string, string>;
    /** Attributes of the new user, of those in `attributes.self`. */
    attributes?: Record<string, unknown>;
    /** A claim, in place of provider, identifier and fields. */
    claim?: string;
    /** Whether the sign-in outlives the browser; only where that is configured. */
    persistent?: boolean;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** The answer to a step. */
interface HttpContinue {
    /** The flow's token; or, alone, the token of the link that came with a code. */
    flow: string;
    /** Which of `next` is answered; may be absent where there is one. */
    provider?: string;
    /** The credentials, by the names of the method's `fields`. */
    fields?: Record<string, string>;
    /** Whether the sign-in outlives the browser; only where that is configured. */
    persistent?: boolean;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** One more factor of who is signed in. */
interface HttpStepUp {
    /** The provider name, as configured. */
    provider: string;
    /** The credentials, by the names of the method's `fields`. */
    fields?: Record<string, string>;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** Nothing but where a form leads afterwards. */
interface HttpForm {
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** Where the browser has to go. */
interface HttpAway {
    /** The issuer's address. */
    redirect: string;
    /** The flow, for an app that comes back by itself. */
    flow: string;
}
/** An empty object. */
interface HttpNothing {
}
/** What the last form, or an issuer, led to. */
interface HttpPage {
    /** Where it led on. */
    step?: HttpStep;
    /** Where it did not. */
    problem?: HttpProblem;
}
/** Problem details (RFC 9457). */
interface HttpProblem {
    /** `http.problem_type` and the code. */
    type: string;
    /** The code in words. */
    title: string;
    /** The HTTP status. */
    status: number;
    /** The stable code. */
    code: string;
    /** What to do, where that may be told. */
    detail?: string;
    /** Of `signed_out` and `request_refused`: why. */
    reason?: string;
    /** Of `signed_out`: whether a refresh will do. */
    refreshable?: boolean;
    /** Of `request_refused`: the setting that would change it. */
    setting?: string;
    /** Of `conflict`, `proof_required` and `unavailable`: what is taken, asked for or missing. */
    what?: string;
    /** Of `invalid_argument`: the member of the body. */
    field?: string;
    /** Of `proof_required`: how old a proof may be, in seconds. */
    max_age?: number;
    /** Of `throttled`: after how many seconds to try again. */
    retry_after?: number;
    /** Of `policy_violation`: every rule that is broken. */
    violations?: HttpViolation[];
    /** Of `refused`: the flow to try again with. */
    flow?: string;
    /** Of `refused`: what that flow is for. */
    purpose?: string;
    /** Of `refused` and `unregistered`: when flow or claim is worth nothing any more. */
    expires_at?: string;
    /** Of `refused`: what may be answered. */
    next?: HttpMethod[];
    /** Of `unregistered`: what a new user, or a link, is made from. */
    claim?: string;
    /** Of `unregistered`: the provider that vouches. */
    provider?: string;
    /** Of `unregistered`: what the person is called there, for showing. */
    identifier?: string;
    /** Of `unregistered`: what the provider says of the person. */
    attributes?: Record<string, unknown>;
    /** Where a form leads afterwards. */
    to?: string;
}
/** A rule that new credentials break. */
interface HttpViolation {
    /** The field. */
    field: string;
    /** The rule's stable id. */
    rule: string;
    /** Its limit; 0 where it has none. */
    limit: number;
    /** What to do, for people. */
    message: string;
}
/** Which sign-ins end. */
interface HttpSignOut {
    /** `here`: this one, the default. `others`: all but this one. `everywhere`: all. */
    where?: "here" | "others" | "everywhere";
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** A sign-out that was done. */
interface HttpSignedOut {
    /** `signed_in` where only others ended. */
    status: "signed_in" | "signed_out";
    /** The server's clock: take times relative to it. */
    now: string;
    /** How many sign-ins ended. */
    ended: number;
}
/** Where the user is signed in. */
interface HttpDevices {
    /** Newest first. */
    sessions: HttpDevice[];
}
/** One sign-in of the user. */
interface HttpDevice {
    /** The sign-in's id. */
    id: string;
    /** Whether it is the one that asks. */
    current: boolean;
    /** What a person calls such a device, such as `Firefox on Linux`. */
    name: string;
    /** The user agent, as it came. */
    agent: string;
    /** The client's address at sign-in. */
    address: string;
    /** When it was made. */
    created_at: string;
    /** When it was last used; coarse. */
    last_seen_at: string;
    /** What was proved. */
    factors: HttpFactor[];
}
/** The ways in of who is signed in. */
interface HttpMethods {
    /** Provider ids. */
    identities: HttpIdentity[];
    /** Authenticators. */
    authenticators: HttpAuthenticator[];
    /** What can be proved. */
    methods: HttpMethod[];
}
/** A provider id of the user. */
interface HttpIdentity {
    /** The provider name. */
    provider: string;
    /** As it was given. */
    identifier: string;
    /** When it was bound. */
    created_at: string;
    /** When it was proved; absent: never. */
    verified_at?: string;
}
/** An authenticator of the user. */
interface HttpAuthenticator {
    /** Its id. */
    id: string;
    /** The provider name to name it by. */
    provider: string;
    /** The kind that made it. */
    kind: string;
    /** What its owner calls it. */
    label: string;
    /** What its kind shows of it, such as the codes that are left. */
    description: Record<string, unknown>;
    /** When it was added. */
    created_at: string;
    /** When it was last used; coarse. */
    last_used_at?: string;
}
/** A further authenticator. */
interface HttpEnroll {
    /** The provider name, as configured. */
    provider: string;
    /** A name to show, where the provider has one. */
    identifier?: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** An authenticator's label. */
interface HttpRename {
    /** What its owner calls it, at most 100 bytes. */
    label: string;
}
/** A further provider id of who is signed in. */
interface HttpLinkIdentity {
    /** The provider name, as configured. */
    provider: string;
    /** What the person is called there; absent where the provider finds it. */
    identifier?: string;
    /** The credentials, by the names of the method's `fields`. */
    fields?: Record<string, string>;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** A claim that who is signed in takes. */
interface HttpLinkClaim {
    /** The claim. */
    claim: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** A provider id that goes. */
interface HttpUnlinkIdentity {
    /** The provider name, as configured. */
    provider: string;
    /** What the person is called there, such as an address. */
    identifier: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** New credentials of who is signed in. */
interface HttpPassword {
    /** The provider name, as configured. */
    provider: string;
    /** The new credentials, and `current` with the one before. */
    fields: Record<string, string>;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** Another identifier of the same provider. */
interface HttpIdentifierChange {
    /** The provider name, as configured. */
    provider: string;
    /** The one that goes. */
    old_identifier: string;
    /** The one that comes. */
    new_identifier: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** It was asked for. Whether anybody has the address is not told. */
interface HttpAccepted {
    /** Always `accepted`. */
    outcome: "accepted";
}
/** The token that was sent to a new address. */
interface HttpIdentifierConfirm {
    /** The token. */
    token: string;
    /** The identifier that goes. */
    old_identifier: string;
    /** The address that the token was sent to. */
    new_identifier: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** An address that a message is asked to. */
interface HttpAddress {
    /** The provider name, as configured. */
    provider: string;
    /** What the person is called there, such as an address. */
    identifier: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** New credentials by a token that was sent. */
interface HttpRecoverFinish {
    /** The token. */
    token: string;
    /** The provider name, as configured. */
    provider: string;
    /** The new credentials. */
    fields: Record<string, string>;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** A token that was sent. */
interface HttpToken {
    /** The token. */
    token: string;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** What a token is good for. */
interface HttpTokenInfo {
    /** What it is good for. */
    purpose: "change_identifier" | "recovery" | "sign_in_link" | "verify";
    /** The provider name of its address. */
    provider: string;
    /** The address, canonical. */
    identifier: string;
    /** When it is worth nothing any more. */
    expires_at: string;
}
/** A merge patch (RFC 7396) of one's own attributes. */
interface HttpUserChange {
    /** Names of `attributes.self` only; null removes one. */
    attributes: Record<string, unknown>;
    /** Where a form leads afterwards: an own path, or an address of `http.return_to`. */
    to?: string;
}
/** The user, after a change. */
interface HttpOwnUser {
    /** The user. */
    user: HttpUser;
}
/** Everything that is kept about a user. */
interface HttpExport {
    /** The server's clock: take times relative to it. */
    now: string;
    /** The user's id. */
    id: string;
    /** All attributes. */
    attributes: Record<string, unknown>;
    /** When the user was made. */
    created_at: string;
    /** When the user last changed. */
    updated_at: string;
    /** Provider ids. */
    identities: HttpIdentity[];
    /** Authenticators, without secrets. */
    authenticators: HttpAuthenticator[];
    /** Sign-ins. */
    sessions: HttpDevice[];
}
/** Where passkeys are made and managed. */
interface HttpPasskeyEndpoints {
    /** The page to make one. */
    enroll: string;
    /** The page to manage them. */
    manage: string;
}
/** What each endpoint takes and gives, by method and path. */
interface HttpEndpoints {
    /** What a sign-in page needs to know. */
    "GET config": {
        body: undefined;
        answer: HttpConfig;
    };
    /** Who the client is. Always 200, never refreshes, and is no use of the session. */
    "GET session": {
        body: undefined;
        answer: HttpSnapshot;
    };
    /** Refreshes the session where that is due: from the cookies, or from an app's refresh token. */
    "POST refresh": {
        body: HttpRefresh;
        answer: HttpSnapshot;
    };
    /** Refreshes for a renderer that cannot, and goes on to `to`; to the page to sign in where there is no session. */
    "GET resume": {
        body: undefined;
        answer: undefined;
    };
    /** Signs in, or begins to. */
    "POST sign-in": {
        body: HttpSignIn;
        answer: HttpStep;
    };
    /** Makes a user and its first session. */
    "POST sign-up": {
        body: HttpSignUp;
        answer: HttpStep;
    };
    /** Answers a step, whatever the flow is for. */
    "POST continue": {
        body: HttpContinue;
        answer: HttpStep;
    };
    /** Proves one more factor of who is signed in. */
    "POST step-up": {
        body: HttpStepUp;
        answer: HttpStep;
    };
    /** Begins at an issuer: a form is led there. */
    "POST start/{provider}": {
        body: HttpForm;
        answer: HttpAway;
    };
    /** Where an issuer leads back. Its parameters are the provider's. */
    "GET callback/{provider}": {
        body: undefined;
        answer: undefined;
    };
    /** An issuer's form (`response_mode=form_post`): leads to the GET with the same parameters, and does nothing else. */
    "POST callback/{provider}": {
        body: undefined;
        answer: undefined;
    };
    /** What the last form, or an issuer, led to: once. */
    "POST page": {
        body: HttpNothing;
        answer: HttpPage | undefined;
    };
    /** Ends this sign-in, the others, or all. Twice is fine. */
    "POST sign-out": {
        body: HttpSignOut;
        answer: HttpSignedOut;
    };
    /** Where the user is signed in. */
    "GET sessions": {
        body: undefined;
        answer: HttpDevices;
    };
    /** Ends one sign-in of the user. */
    "DELETE sessions/{id}": {
        body: undefined;
        answer: undefined;
    };
    /** The same by a form. */
    "POST sessions/{id}/end": {
        body: HttpForm;
        answer: undefined;
    };
    /** The ways in of who is signed in. */
    "GET methods": {
        body: undefined;
        answer: HttpMethods;
    };
    /** Begins to enroll a further authenticator. */
    "POST methods/enroll": {
        body: HttpEnroll;
        answer: HttpStep;
    };
    /** Gives an authenticator another label. */
    "PATCH authenticators/{provider}/{id}": {
        body: HttpRename;
        answer: undefined;
    };
    /** Removes an authenticator. Other sessions end. */
    "DELETE authenticators/{provider}/{id}": {
        body: undefined;
        answer: undefined;
    };
    /** The same by a form. */
    "POST authenticators/{provider}/{id}/remove": {
        body: HttpForm;
        answer: undefined;
    };
    /** Binds a further provider id, or begins to. */
    "POST identities/link": {
        body: HttpLinkIdentity;
        answer: HttpStep;
    };
    /** Takes a claim. */
    "POST identities/claim": {
        body: HttpLinkClaim;
        answer: HttpStep;
    };
    /** Takes a provider id away. Other sessions end. */
    "POST identities/unlink": {
        body: HttpUnlinkIdentity;
        answer: HttpStep;
    };
    /** Replaces credentials. Other sessions end. */
    "POST password": {
        body: HttpPassword;
        answer: HttpStep;
    };
    /** Changes an identifier; an address is asked first whose it is. */
    "POST identifier": {
        body: HttpIdentifierChange;
        answer: HttpAccepted;
    };
    /** Changes an identifier to the address that a token was sent to. All sessions end. */
    "POST identifier/confirm": {
        body: HttpIdentifierConfirm;
        answer: HttpAccepted;
    };
    /** Asks for a message with a token to set a new password. The answer is the same whoever has the address. */
    "POST recover": {
        body: HttpAddress;
        answer: HttpAccepted;
    };
    /** Sets new credentials by a token. All sessions end, and none is made. */
    "POST recover/finish": {
        body: HttpRecoverFinish;
        answer: HttpStep;
    };
    /** Asks for a message with a token that confirms an address. */
    "POST verify": {
        body: HttpAddress;
        answer: HttpAccepted;
    };
    /** Confirms an address by a token. */
    "POST verify/finish": {
        body: HttpToken;
        answer: HttpStep;
    };
    /** What a token is good for, without spending it. */
    "POST token/peek": {
        body: HttpToken;
        answer: HttpTokenInfo;
    };
    /** Changes one's own attributes. */
    "PATCH user": {
        body: HttpUserChange;
        answer: HttpOwnUser;
    };
    /** The same by a form. */
    "POST user": {
        body: HttpUserChange;
        answer: HttpOwnUser;
    };
    /** Deletes the account. */
    "POST user/delete": {
        body: HttpForm;
        answer: undefined;
    };
    /** Everything that is kept about the user. */
    "GET user/export": {
        body: undefined;
        answer: HttpExport;
    };
    /** The table as an `OpenAPI` 3.1 document. */
    "GET openapi.json": {
        body: undefined;
        answer: object;
    };
    /** The JavaScript client (`client/`), as a module. */
    "GET client.js": {
        body: undefined;
        answer: string;
    };
    /** The TypeScript declarations of the client. */
    "GET client.d.ts": {
        body: undefined;
        answer: string;
    };
    /** Leads password managers to `http.pages.account` (W3C, A Well-Known URL for Changing Passwords). */
    "GET /.well-known/change-password": {
        body: undefined;
        answer: undefined;
    };
    /** Leads password managers to where passkeys are made (W3C, Passkey Endpoints). */
    "GET /.well-known/passkey-endpoints": {
        body: undefined;
        answer: HttpPasskeyEndpoints;
    };
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
