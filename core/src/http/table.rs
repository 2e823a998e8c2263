//! The table: every endpoint, once. Dispatch, the `OpenAPI` document, the TypeScript types, `docs/http.md` and the tests' list
//! come from it, and nothing answers that does not stand here.

use super::given;
use super::shape::Shape;
use super::told;

/// A method of HTTP that the surface answers. HEAD is answered as GET, OPTIONS by the whole of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Delete,
    Get,
    Patch,
    Post,
}

impl Method {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Anybody.
    Nothing,
    /// Whoever has the flow, the claim or the token that is in the body.
    Token,
    /// Who is signed in.
    Session,
    /// Who is signed in and has proved lately who it is.
    Fresh,
}

impl Needs {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Nothing => "–",
            Self::Token => "its token",
            Self::Session => "session",
            Self::Fresh => "fresh session",
        }
    }
}

/// A page of the program to which a form leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    Account,
    Home,
    Recover,
    SignIn,
    SignUp,
    Verify,
}

/// Where a form leads: when it was done, and when it was not.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) done: Leads,
    pub(super) back: Leads,
}

/// What an endpoint answers when it did what was asked.
#[derive(Clone, Copy)]
pub(super) enum Answers {
    /// JSON of a shape, with this status.
    Json(u16, &'static Shape),
    /// JSON of a shape, or nothing (204).
    JsonOrNothing(&'static Shape),
    /// A step: 200, or 201 where something was made.
    Made(&'static Shape),
    /// The `OpenAPI` document.
    Document,
    /// A file of this media type.
    File(&'static str),
    /// Nothing: 204.
    Nothing,
    /// Another place: 303.
    Place,
}

/// One endpoint.
pub(super) struct Route {
    pub(super) does: Endpoint,
    pub(super) method: Method,
    /// Below the prefix; `{…}` is a part of the path.
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    /// Parameters of the query, with their meaning.
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) body: Option<&'static Shape>,
    /// Where it also takes `application/x-www-form-urlencoded`, and then leads to a page.
    pub(super) form: Option<Form>,
    pub(super) answers: Answers,
    /// The operations of the core that it calls.
    pub(super) operations: &'static [&'static str],
    /// What it says no with, besides what every endpoint may.
    pub(super) problems: &'static [&'static str],
    /// The setting that opens it; empty: always open.
    pub(super) setting: &'static str,
    pub(super) doc: &'static str,
}

/// What a first step, a next step and the like say no with.
const STEP_PROBLEMS: &[&str] = &[
    "refused",
    "unregistered",
    "throttled",
    "policy_violation",
    "conflict",
];
/// What a change says no with.
const CHANGE_PROBLEMS: &[&str] = &[
    "signed_out",
    "proof_required",
    "refused",
    "throttled",
    "not_found",
    "conflict",
    "last_way_in",
    "policy_violation",
];
const SIGNED_OUT: &[&str] = &["signed_out"];
const TOKEN_PROBLEMS: &[&str] = &[
    "refused",
    "throttled",
    "policy_violation",
    "conflict",
    "not_found",
    "proof_required",
    "signed_out",
];

macro_rules! routes {
    ($($does:ident: $method:ident $path:literal, needs $needs:ident, $(query $query:expr,)? $(body $body:expr,)? $(form $done:ident else $back:ident,)?
        gives $answers:expr, by $operations:expr, $(says $problems:expr,)? $(setting $setting:literal,)? $doc:literal;)*) => {
        /// What each endpoint does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Endpoint { $(#[doc = $doc] $does,)* }

        /// Every endpoint, in the order of the page.
        pub(super) static ROUTES: &[Route] = &[$(Route {
            does: Endpoint::$does,
            method: Method::$method,
            path: $path,
            needs: Needs::$needs,
            query: routes!(@query $($query)?),
            body: routes!(@some $($body)?),
            form: routes!(@form $($done $back)?),
            answers: $answers,
            operations: $operations,
            problems: routes!(@problems $($problems)?),
            setting: routes!(@setting $($setting)?),
            doc: $doc,
        },)*];
    };
    (@query $query:expr) => { $query };
    (@query) => { &[] };
    (@some $body:expr) => { Some($body) };
    (@some) => { None };
    (@form $done:ident $back:ident) => { Some(Form { done: Leads::$done, back: Leads::$back }) };
    (@form) => { None };
    (@problems $problems:expr) => { $problems };
    (@problems) => { &[] };
    (@setting $setting:literal) => { $setting };
    (@setting) => { "" };
}

use Answers::{Document, File, Json, JsonOrNothing, Made, Nothing, Place};

routes! {
    Config: Get "config", needs Nothing, gives Json(200, &told::CONFIG), by &["list_methods"],
        "What a sign-in page needs to know.";
    Session: Get "session", needs Nothing, gives Json(200, &told::SNAPSHOT), by &["check_request"],
        "Who the client is. Always 200, never refreshes, and is no use of the session.";
    Refresh: Post "refresh", needs Nothing, body &given::REFRESH, gives Json(200, &told::SNAPSHOT),
        by &["resume_request", "refresh_session"], says SIGNED_OUT,
        "Refreshes the session where that is due: from the cookies, or from an app's refresh token.";
    Resume: Get "resume", needs Nothing, query &[("to", "Where to go on: an own path, or an address of `http.return_to`.")],
        gives Place, by &["resume_request"],
        "Refreshes for a renderer that cannot, and goes on to `to`; to the page to sign in where there is no session.";
    SignIn: Post "sign-in", needs Nothing, body &given::SIGN_IN, form Home else SignIn, gives Json(200, &told::STEP),
        by &["authenticate", "create_session"], says STEP_PROBLEMS,
        "Signs in, or begins to.";
    SignUp: Post "sign-up", needs Nothing, body &given::SIGN_UP, form Home else SignUp, gives Made(&told::STEP),
        by &["create_user", "create_user_from_claim", "create_session"], says STEP_PROBLEMS, setting "http.sign_up",
        "Makes a user and its first session.";
    Continue: Post "continue", needs Token, body &given::CONTINUE, form Home else SignIn, gives Json(200, &told::STEP),
        by &["continue_flow", "create_session"], says STEP_PROBLEMS,
        "Answers a step, whatever the flow is for.";
    StepUp: Post "step-up", needs Session, body &given::STEP_UP, form Account else Account, gives Json(200, &told::STEP),
        by &["authenticate", "create_session"], says &["signed_out", "refused", "throttled"],
        "Proves one more factor of who is signed in.";
    Start: Post "start/{provider}", needs Nothing, body &given::FORM, form Home else SignIn, gives Json(200, &told::AWAY),
        by &["authenticate"], says STEP_PROBLEMS,
        "Begins at an issuer: a form is led there.";
    Callback: Get "callback/{provider}", needs Nothing, gives Place,
        by &["continue_flow", "create_session", "link_claim", "session_proof"],
        "Where an issuer leads back. Its parameters are the provider's.";
    CallbackPost: Post "callback/{provider}", needs Nothing, gives Place, by &[],
        "An issuer's form (`response_mode=form_post`): leads to the GET with the same parameters, and does nothing else.";
    Page: Post "page", needs Nothing, body &given::NOTHING, gives JsonOrNothing(&told::PAGE), by &[],
        "What the last form, or an issuer, led to: once.";
    SignOut: Post "sign-out", needs Nothing, body &given::SIGN_OUT, form Home else Home, gives Json(200, &told::SIGNED_OUT),
        by &["end_session", "end_other_sessions", "end_all_sessions", "session_proof"], says &["signed_out", "proof_required"],
        "Ends this sign-in, the others, or all. Twice is fine.";
    Sessions: Get "sessions", needs Session, gives Json(200, &told::DEVICES), by &["list_sessions"], says SIGNED_OUT,
        "Where the user is signed in.";
    EndSession: Delete "sessions/{id}", needs Session, gives Nothing, by &["end_sign_in"], says &["signed_out", "not_found"],
        "Ends one sign-in of the user.";
    EndSessionForm: Post "sessions/{id}/end", needs Session, body &given::FORM, form Account else Account, gives Nothing,
        by &["end_sign_in"], says &["signed_out", "not_found"],
        "The same by a form.";
    Methods: Get "methods", needs Session, gives Json(200, &told::METHODS),
        by &["list_identities", "list_authenticators", "list_methods"], says SIGNED_OUT,
        "The ways in of who is signed in.";
    Enroll: Post "methods/enroll", needs Fresh, body &given::ENROLL, form Account else Account, gives Json(200, &told::STEP),
        by &["begin_enrollment"], says CHANGE_PROBLEMS,
        "Begins to enroll a further authenticator.";
    Rename: Patch "authenticators/{provider}/{id}", needs Fresh, body &given::RENAME, gives Nothing,
        by &["rename_authenticator"], says CHANGE_PROBLEMS,
        "Gives an authenticator another label.";
    Remove: Delete "authenticators/{provider}/{id}", needs Fresh, gives Nothing, by &["remove_authenticator"],
        says CHANGE_PROBLEMS,
        "Removes an authenticator. Other sessions end.";
    RemoveForm: Post "authenticators/{provider}/{id}/remove", needs Fresh, body &given::FORM, form Account else Account,
        gives Nothing, by &["remove_authenticator"], says CHANGE_PROBLEMS,
        "The same by a form.";
    Link: Post "identities/link", needs Fresh, body &given::LINK, form Account else Account, gives Json(200, &told::STEP),
        by &["begin_link", "link_identity"], says &["signed_out", "proof_required", "refused", "unregistered", "throttled", "conflict", "policy_violation"],
        "Binds a further provider id, or begins to.";
    LinkClaim: Post "identities/claim", needs Fresh, body &given::CLAIM, form Account else Account,
        gives Json(200, &told::STEP), by &["link_claim"], says CHANGE_PROBLEMS,
        "Takes a claim.";
    Unlink: Post "identities/unlink", needs Fresh, body &given::UNLINK, form Account else Account,
        gives Json(200, &told::STEP), by &["unlink_identity"], says CHANGE_PROBLEMS,
        "Takes a provider id away. Other sessions end.";
    Password: Post "password", needs Fresh, body &given::PASSWORD, form Account else Account, gives Json(200, &told::STEP),
        by &["update_credentials"], says CHANGE_PROBLEMS,
        "Replaces credentials. Other sessions end.";
    Identifier: Post "identifier", needs Fresh, body &given::IDENTIFIER_CHANGE, form Account else Account,
        gives Json(202, &told::ACCEPTED), by &["update_identifier"], says CHANGE_PROBLEMS,
        "Changes an identifier; an address is asked first whose it is.";
    IdentifierConfirm: Post "identifier/confirm", needs Token, body &given::IDENTIFIER_CONFIRM, form SignIn else Account,
        gives Json(200, &told::ACCEPTED), by &["update_identifier_with_token"], says TOKEN_PROBLEMS,
        "Changes an identifier to the address that a token was sent to. All sessions end.";
    Recover: Post "recover", needs Nothing, body &given::ADDRESS, form Recover else Recover,
        gives Json(202, &told::ACCEPTED), by &["request_token"], says &["throttled", "policy_violation"],
        "Asks for a message with a token to set a new password. The answer is the same whoever has the address.";
    RecoverFinish: Post "recover/finish", needs Token, body &given::RECOVER_FINISH, form SignIn else Recover,
        gives Json(200, &told::STEP), by &["update_credentials_with_token"], says TOKEN_PROBLEMS,
        "Sets new credentials by a token. All sessions end, and none is made.";
    Verify: Post "verify", needs Nothing, body &given::ADDRESS, form Verify else Verify, gives Json(202, &told::ACCEPTED),
        by &["request_token", "session_proof"], says &["throttled", "policy_violation", "proof_required"],
        "Asks for a message with a token that confirms an address.";
    VerifyFinish: Post "verify/finish", needs Token, body &given::TOKEN, form Home else Verify,
        gives Json(200, &told::STEP), by &["consume_token"], says TOKEN_PROBLEMS,
        "Confirms an address by a token.";
    PeekToken: Post "token/peek", needs Token, body &given::TOKEN, gives Json(200, &told::TOKEN_INFO), by &["peek_token"],
        says &["refused", "throttled"],
        "What a token is good for, without spending it.";
    ChangeUser: Patch "user", needs Session, body &given::USER_CHANGE, gives Json(200, &told::OWN_USER),
        by &["update_attributes"], says &["signed_out", "conflict"],
        "Changes one's own attributes.";
    ChangeUserForm: Post "user", needs Session, body &given::USER_CHANGE, form Account else Account,
        gives Json(200, &told::OWN_USER), by &["update_attributes"], says &["signed_out", "conflict"],
        "The same by a form.";
    DeleteUser: Post "user/delete", needs Fresh, body &given::FORM, form Home else Account, gives Nothing,
        by &["session_proof", "end_session", "delete_user"], says &["signed_out", "proof_required", "conflict"],
        setting "http.user_delete",
        "Deletes the account.";
    ExportUser: Get "user/export", needs Fresh, gives Json(200, &told::EXPORT),
        by &["session_proof", "list_identities", "list_authenticators", "list_sessions"], says &["signed_out", "proof_required"],
        setting "http.user_export",
        "Everything that is kept about the user.";
    Document: Get "openapi.json", needs Nothing, gives Document, by &[],
        "The table as an `OpenAPI` 3.1 document.";
    ClientScript: Get "client.js", needs Nothing,
        query &[("v", "Any text: then the answer may be kept for a year.")], gives File("text/javascript"), by &[],
        "The JavaScript client (`client/`), as a module.";
    ClientTypes: Get "client.d.ts", needs Nothing,
        query &[("v", "Any text: then the answer may be kept for a year.")], gives File("text/plain"), by &[],
        "The TypeScript declarations of the client.";
    ChangePassword: Get "/.well-known/change-password", needs Nothing, gives Place, by &[], setting "http.well_known",
        "Leads password managers to `http.pages.account` (W3C, A Well-Known URL for Changing Passwords).";
    PasskeyEndpoints: Get "/.well-known/passkey-endpoints", needs Nothing, gives Json(200, &told::PASSKEY_ENDPOINTS), by &[],
        setting "http.well_known",
        "Leads password managers to where passkeys are made (W3C, Passkey Endpoints).";
}

/// What every endpoint may say no with.
pub(super) const COMMON: &[&str] = &[
    "invalid_argument",
    "request_refused",
    "not_found",
    "unavailable",
    "overloaded",
    "timeout",
    "internal",
    "uri_too_long",
    "headers_too_large",
];
/// What every endpoint with a body may say no with besides.
pub(super) const OF_BODIES: &[&str] = &["unsupported_media_type", "too_large"];
