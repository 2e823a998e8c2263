//! The one table of errors: number, stable id, who must act, whether a retry can help, whether it may be shown.
//!
//! A denied login is an `Outcome`, never an error: an error says that the question
//! could not be decided. C constants and Python exceptions are asserted against this table by tests.

use std::fmt;
use std::time::Duration;

use crate::headers::{Challenge, ResponseHeaders};

/// How deep the JSON of attributes nests at most.
pub const MAX_ATTRIBUTES_DEPTH: usize = 127;

/// Who must act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A defect of Doorward or of a plugin: please report it.
    Bug,
    /// The program that calls Doorward passed something wrong.
    Caller,
    /// The person at the other end of the request sent something that cannot be taken.
    Client,
    /// Whoever runs the program: configuration, database, keys, machine.
    Operator,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $id:literal, $actor:ident, retryable: $retry:literal, public: $public:literal, http: $http:literal;)*) => {
        /// What went wrong. Numbers and ids are stable; neither is ever used again for something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])* $name,)* }

        impl ErrorKind {
            /// Every kind there is, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable number, negative: the C status.
            pub const fn number(self) -> i32 {
                match self { $(Self::$name => $number,)* }
            }

            /// The stable text id: `code` in Python.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Who must act.
            pub const fn actor(self) -> Actor {
                match self { $(Self::$name => Actor::$actor,)* }
            }

            /// True when the same call may succeed later without any change.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// True when the message may be shown to the person at the other end.
            pub const fn is_public(self) -> bool {
                match self { $(Self::$name => $public,)* }
            }

            /// The HTTP status that fits: 400, 401, 403, 404, 409, 422, 429, 500 or 503.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$name => $http,)* }
            }
        }
    };
}

errors! {
    /// An argument is missing, malformed, too long or not UTF-8.
    InvalidArgument = -1, "invalid_argument", Caller, retryable: false, public: true, http: 400;
    /// The operation does not fit the state of the context: not started, already stopped.
    InvalidState = -2, "invalid_state", Caller, retryable: false, public: false, http: 500;
    /// A struct of the caller is smaller than version 1, or larger with unknown content.
    AbiMismatch = -3, "abi_mismatch", Caller, retryable: false, public: false, http: 500;
    /// A panic was caught at the boundary, or an invariant is broken.
    Internal = -4, "internal", Bug, retryable: false, public: false, http: 500;
    /// The configuration names something unknown, out of range or inconsistent.
    Configuration = -5, "configuration", Operator, retryable: false, public: false, http: 500;
    /// The thing named does not exist.
    NotFound = -6, "not_found", Caller, retryable: false, public: true, http: 404;
    /// The thing named exists already, or was changed or is used by another.
    Conflict = -7, "conflict", Client, retryable: false, public: true, http: 409;
    /// New credentials break the policy; all violations are listed with their limits.
    PolicyViolation = -8, "policy_violation", Client, retryable: false, public: true, http: 422;
    /// The operation needs a proof that is fresh, unspent, of this process and of this user.
    ProofRequired = -9, "proof_required", Client, retryable: false, public: true, http: 401;
    /// The database or a provider's backend cannot be reached or did not answer.
    Unavailable = -10, "unavailable", Operator, retryable: true, public: true, http: 503;
    /// A bounded queue is full: back off.
    Overloaded = -11, "overloaded", Operator, retryable: true, public: true, http: 503;
    /// The deadline passed before the answer; a write may still happen.
    Timeout = -12, "timeout", Operator, retryable: true, public: true, http: 503;
    /// The caller cancelled; a write may still happen.
    Cancelled = -13, "cancelled", Caller, retryable: true, public: false, http: 503;
    /// This process was forked from one whose started context was not quiesced.
    ForkedContext = -14, "forked_context", Caller, retryable: false, public: false, http: 500;
    /// A blocking call was made from one of the library's own threads.
    Reentrant = -15, "reentrant", Caller, retryable: false, public: false, http: 500;
    /// A plugin was refused: pin, symbol, version or declaration.
    PluginRefused = -16, "plugin_refused", Operator, retryable: false, public: false, http: 500;
    /// A plugin broke its contract; nobody was let in.
    PluginFault = -17, "plugin_fault", Bug, retryable: false, public: false, http: 500;
    /// The kind behind this provider name does not offer the operation.
    Unsupported = -18, "unsupported", Caller, retryable: false, public: false, http: 500;
    /// Another SQLite copy in this process has the database file open.
    StoreSharedInProcess = -19, "store_shared_in_process", Caller, retryable: false, public: false, http: 500;
    /// The database was sealed with a key that the key ring lacks.
    KeyMissing = -20, "key_missing", Operator, retryable: false, public: false, http: 500;
    /// This process disagrees with the database's agreement about a configuration item.
    Disagreement = -21, "disagreement", Operator, retryable: false, public: false, http: 500;
    /// The database's schema is missing or of another release.
    SchemaMismatch = -22, "schema_mismatch", Operator, retryable: false, public: false, http: 500;
    /// Stored bytes cannot be understood: damaged, or written by something else.
    Corrupt = -23, "corrupt", Operator, retryable: false, public: false, http: 500;
    /// The last way in of a user cannot be removed.
    LastWayIn = -24, "last_way_in", Client, retryable: false, public: true, http: 409;
    /// `require()` met a refusal.
    Refused = -25, "refused", Client, retryable: false, public: true, http: 401;
    /// `require()` met a flow that asks for more.
    StepRequired = -26, "step_required", Client, retryable: false, public: true, http: 401;
    /// `require()` met too many failures.
    Throttled = -27, "throttled", Client, retryable: true, public: true, http: 429;
    /// `require()` met a request without a session.
    SignedOut = -28, "signed_out", Client, retryable: false, public: true, http: 401;
    /// `require()` met a request that is not trusted.
    RequestRefused = -29, "request_refused", Client, retryable: false, public: true, http: 403;
    /// `require()` met a verified provider id that no user has.
    Unregistered = -30, "unregistered", Client, retryable: false, public: true, http: 404;
}

/// One rule of a policy that new credentials break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Stable id of the rule: `too_short`, `too_long`, `not_text`, `hash_as_password`, `common`, `context`, …
    pub rule: &'static str,
    /// The credential field concerned.
    pub field: String,
    /// The limit in force, in the rule's unit (code points or bytes); 0 where the rule has none.
    pub limit: u64,
    /// What to do, for people.
    pub message: String,
}

/// Anything that could not be decided, and who must act. Cheap to move: one pointer.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    what: Option<&'static str>,
    violations: Vec<Violation>,
    headers: ResponseHeaders,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of this kind. The message is lower case, without a final stop, and never holds a secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            what: None,
            violations: Vec::new(),
            headers: of_status(kind),
            source: None,
        }))
    }

    /// A proof that is required, with what would be one: `session`.
    pub fn proof_required(what: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::ProofRequired, message);
        error.0.what = Some(what);
        error
    }

    /// Attributes whose JSON nests deeper than is taken.
    pub fn too_deep() -> Self {
        Self::new(
            ErrorKind::InvalidArgument,
            format!("attributes nest at most {MAX_ATTRIBUTES_DEPTH} deep"),
        )
    }

    /// An operation that a person's form causes was called without saying which request: what is missing is a `request`.
    pub fn no_request() -> Self {
        let message = "no request: auth.on(request), or auth.trusted() where none caused this";
        let mut error = Self::new(ErrorKind::InvalidState, message);
        error.0.what = Some("request");
        error
    }

    /// What cannot be had for a reason that has a name: `store_file_replaced`, `database_missing`, `database_locked`,
    /// `disk_full`.
    pub fn unavailable(what: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Unavailable, message);
        error.0.what = Some(what);
        error
    }

    /// A conflict, with what is taken: `identifier`, `id`, `attribute`, `version`, `referenced`, `handle`.
    pub fn conflict(what: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Conflict, message);
        error.0.what = Some(what);
        error
    }

    /// All violations of a policy at once.
    pub fn policy(violations: Vec<Violation>) -> Self {
        let rules: Vec<&str> = violations.iter().map(|v| v.rule).collect();
        let message = format!(
            "the new credentials break {} of the policy's rules: {}",
            rules.len(),
            rules.join(", ")
        );
        let mut error = Self::new(ErrorKind::PolicyViolation, message);
        error.0.violations = violations;
        error
    }

    /// A proof that is required because this one proves too little, or too long ago, for a sensitive operation: what
    /// would do is younger than `max_age` and, where the policy asks for one of these provider names, by one of them.
    pub fn step_up(max_age: Duration, names: &[String], message: impl Into<String>) -> Self {
        let mut headers = ResponseHeaders::new();
        let challenge = Challenge::insufficient(ErrorKind::ProofRequired.id());
        headers.challenge(challenge.max_age(max_age).acr_values(names));
        Self::new(ErrorKind::ProofRequired, message).with_headers(headers)
    }

    /// Adds header lines to those that go with the error.
    #[must_use]
    pub fn with_headers(mut self, headers: ResponseHeaders) -> Self {
        self.0.headers.append(headers);
        self
    }

    /// Keeps the foreign error that caused this one; its type stays out of the API.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind: number, id, actor.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What failed and on what, in lower case.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// For a conflict, what is taken; for a proof that is required, what would be one, where it is not simply a fresh one;
    /// for an invalid state, what is missing: `request`; for what is unavailable, why, where that has a name:
    /// `store_file_replaced`, `database_missing`, `database_locked`, `disk_full`.
    pub fn what(&self) -> Option<&'static str> {
        self.0.what
    }

    /// What to send with its HTTP status ([`ErrorKind::http_status`]): `WWW-Authenticate` with 401. For `ProofRequired` it
    /// is the step-up challenge of RFC 9470, `insufficient_user_authentication`: `max_age` says how young a proof has to
    /// be, `acr_values` which provider names are asked for. `Retry-After` with 429. No cookies: those are the handle's.
    pub fn headers(&self) -> &ResponseHeaders {
        &self.0.headers
    }

    /// For a policy violation, every rule that is broken.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }
}

/// What a status cannot go without: every 401 says how to authenticate (RFC 9110 section 15.5.2).
fn of_status(kind: ErrorKind) -> ResponseHeaders {
    let challenge = match kind {
        ErrorKind::Refused => Challenge::nothing(),
        ErrorKind::SignedOut => Challenge::invalid_token(kind.id()),
        ErrorKind::ProofRequired | ErrorKind::StepRequired => Challenge::insufficient(kind.id()),
        _ => return ResponseHeaders::new(),
    };
    let mut headers = ResponseHeaders::new();
    headers.challenge(challenge);
    headers
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.id(), self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_ids_are_unique_and_negative() {
        let numbers: HashSet<i32> = ErrorKind::ALL.iter().map(|kind| kind.number()).collect();
        let ids: HashSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.id()).collect();
        assert_eq!(
            (numbers.len(), ids.len()),
            (ErrorKind::ALL.len(), ErrorKind::ALL.len())
        );
        assert!(numbers.iter().all(|number| *number < 0));
    }

    #[test]
    fn a_policy_error_lists_every_violation() {
        let violation = |rule| Violation {
            rule,
            field: "password".into(),
            limit: 15,
            message: String::new(),
        };
        let error = Error::policy(vec![violation("too_short"), violation("common")]);
        assert_eq!(error.violations().len(), 2);
        assert!(error.to_string().contains("too_short, common"));
    }
}
