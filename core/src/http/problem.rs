//! Problem details (RFC 9457): what an endpoint says no with. The codes are the error table's, and those of HTTP itself.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::headers::ResponseHeaders;

/// Codes of HTTP itself, which no operation answers with: status and title.
pub(super) const OF_HTTP: &[(&str, u16, &str)] = &[
    ("headers_too_large", 431, "The request has too many header lines"),
    ("method_not_allowed", 405, "The path does not take this method"),
    ("too_large", 413, "The body is too long"),
    (
        "unsupported_media_type",
        415,
        "The body is of a type that is not taken here",
    ),
    ("uri_too_long", 414, "The path and query are too long"),
];

/// What a code says in words: short, the same every time (RFC 9457 section 3.1.3).
pub(super) const fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidArgument => "The request cannot be understood",
        ErrorKind::NotFound => "There is no such thing",
        ErrorKind::Conflict => "It is taken, or was changed meanwhile",
        ErrorKind::PolicyViolation => "The new credentials break rules",
        ErrorKind::ProofRequired => "Prove again who you are",
        ErrorKind::Unavailable => "It cannot be answered now",
        ErrorKind::Overloaded => "There is too much to do now",
        ErrorKind::Timeout => "It took too long",
        ErrorKind::LastWayIn => "The last way in stays",
        ErrorKind::Refused => "The credentials were refused",
        ErrorKind::StepRequired => "Another step must be answered first",
        ErrorKind::Throttled => "Too many failures: try again later",
        ErrorKind::SignedOut => "There is no session",
        ErrorKind::RequestRefused => "The request is not trusted",
        ErrorKind::Unregistered => "It was verified, and nobody is registered for it",
        ErrorKind::Unsupported => "The provider does not offer this",
        _ => "Something went wrong here",
    }
}

/// The title of any code.
fn title_of(code: &str) -> &'static str {
    let of_http = OF_HTTP.iter().find(|(known, ..)| *known == code);
    let of_table = ErrorKind::ALL.iter().find(|kind| kind.id() == code);
    match (of_http, of_table) {
        (Some((.., title)), _) => title,
        (None, kind) => title(kind.copied().unwrap_or(ErrorKind::Internal)),
    }
}

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) detail: Option<String>,
    /// Further members.
    pub(super) more: Map<String, Value>,
    /// What goes with the status: `Retry-After`, `WWW-Authenticate`.
    pub(super) headers: ResponseHeaders,
    /// The value of `Allow`.
    pub(super) allow: Option<String>,
}

impl Problem {
    pub(super) fn new(kind: ErrorKind) -> Self {
        // The status of what only a client can have caused.
        let status = match kind {
            ErrorKind::Unsupported => 400,
            _ => kind.http_status(),
        };
        Self {
            status,
            code: kind.id(),
            detail: None,
            more: Map::new(),
            headers: ResponseHeaders::new(),
            allow: None,
        }
    }

    /// One of [`OF_HTTP`].
    pub(super) fn of_http(code: &'static str) -> Self {
        let known = OF_HTTP.iter().find(|(known, ..)| *known == code);
        Self {
            status: known.map_or(400, |(_, status, _)| *status),
            code,
            ..Self::new(ErrorKind::InvalidArgument)
        }
    }

    /// A member of the body that cannot be taken.
    pub(super) fn field(name: &str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument)
            .with("field", name)
            .saying(detail)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.into(), value.into());
        self
    }

    pub(super) fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The body.
    pub(super) fn body(&self, base: &str) -> Value {
        let mut body = self.more.clone();
        body.insert("type".into(), format!("{base}{}", self.code).into());
        body.insert("title".into(), title_of(self.code).into());
        body.insert("status".into(), self.status.into());
        body.insert("code".into(), self.code.into());
        if let Some(detail) = &self.detail {
            body.insert("detail".into(), detail.as_str().into());
        }
        Value::Object(body)
    }
}

/// Why an endpoint did not do what was asked.
pub(super) enum Failure {
    /// It says no.
    Problem(Box<Problem>),
    /// The program made a mistake, which no response can mend.
    Fault(Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        if matches!(
            kind,
            ErrorKind::InvalidState
                | ErrorKind::AbiMismatch
                | ErrorKind::ForkedContext
                | ErrorKind::Reentrant
        ) {
            return Self::Fault(error);
        }
        let mut problem = Problem::new(kind);
        if kind.is_public() || kind == ErrorKind::Unsupported {
            problem.detail = Some(error.message().into());
            if let Some(what) = error.what() {
                problem = problem.with("what", what);
            }
        }
        if !error.violations().is_empty() {
            let violations = error.violations().iter().map(|one| {
                serde_json::json!({
                    "field": one.field,
                    "rule": one.rule,
                    "limit": one.limit,
                    "message": one.message,
                })
            });
            problem = problem.with("violations", violations.collect::<Vec<_>>());
        }
        problem.headers = error.headers().clone();
        if problem.status == 503 {
            problem.headers.retry_after(std::time::Duration::from_secs(1));
        }
        problem.into()
    }
}
