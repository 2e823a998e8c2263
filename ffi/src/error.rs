//! Why nothing could be decided, and the one table of errors and outcomes.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::{Arc, OnceLock};

use doorward::error::Actor;
use doorward::{Error, ErrorKind};
use zeroize::Zeroizing;

use crate::abi::{Bytes, Pairs, Violation};
use crate::boundary;
use crate::text::{PairList, Text, with_nul, without_nul};

/// Positive statuses and 0, with their texts.
pub(crate) mod status {
    pub(crate) const OK: i32 = 0;
    pub(crate) const CONTINUE: i32 = 1;
    pub(crate) const REFUSED: i32 = 2;
    pub(crate) const UNREGISTERED: i32 = 3;
    pub(crate) const THROTTLED: i32 = 4;
    pub(crate) const SIGNED_OUT: i32 = 5;
    pub(crate) const REQUEST_REFUSED: i32 = 6;
    pub(crate) const PENDING: i32 = 7;
    pub(crate) const ABSENT: i32 = 8;
    pub(crate) const CLOSED: i32 = 9;

    /// Each with its stable text.
    pub(super) const ALL: [(i32, &str); 10] = [
        (OK, "ok"),
        (CONTINUE, "continue"),
        (REFUSED, "refused"),
        (UNREGISTERED, "unregistered"),
        (THROTTLED, "throttled"),
        (SIGNED_OUT, "signed_out"),
        (REQUEST_REFUSED, "request_refused"),
        (PENDING, "pending"),
        (ABSENT, "absent"),
        (CLOSED, "closed"),
    ];
}

/// What the core calls a missing `request`, in the words of C.
const NO_REQUEST: &str =
    "no request: doorward_on(auth, &request), or doorward_trusted(auth) where none caused this";

/// An answer of kind *failure*: why one operation could not decide.
pub(crate) struct Failure {
    error: Arc<Error>,
    shown: String,
    message: Text,
    what: Text,
    violations: OnceLock<Vec<Lent>>,
    headers: PairList,
}

struct Lent {
    violation: Violation,
    /// What the violation points into.
    _texts: [Zeroizing<Vec<u8>>; 3],
}

impl Failure {
    pub(crate) fn new(error: Arc<Error>) -> Self {
        Self {
            // The cause too: it says which file, which key, which host; the core keeps secrets out of both.
            shown: match std::error::Error::source(&*error) {
                Some(cause) => format!("{}: {cause}", error.message()),
                None if error.what() == Some("request") => NO_REQUEST.into(),
                None => error.message().to_owned(),
            },
            error,
            message: Text::default(),
            what: Text::default(),
            violations: OnceLock::new(),
            headers: PairList::default(),
        }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// What failed and on what, with a NUL after it.
    pub(crate) fn message(&self) -> Bytes {
        self.message.lend(self.shown.as_bytes())
    }

    pub(crate) fn what(&self) -> Bytes {
        self.what.lend(self.error.what().unwrap_or_default().as_bytes())
    }

    pub(crate) fn violation(&self, index: usize) -> *const Violation {
        self.violations()
            .get(index)
            .map_or(ptr::null(), |lent| &raw const lent.violation)
    }

    pub(crate) fn headers(&self) -> Pairs {
        let lines = self.error.headers().iter();
        self.headers
            .lend(lines.map(|(name, value)| (name, value.as_bytes())))
    }

    fn violations(&self) -> &[Lent] {
        self.violations.get_or_init(|| {
            let lend = |violation: &doorward::error::Violation| {
                let texts = [violation.rule, &violation.field, &violation.message]
                    .map(|text| with_nul(text.as_bytes()));
                let [rule, field, message] = &texts;
                let violation = Violation {
                    struct_size: crate::abi::size_of_struct::<Violation>(),
                    reserved: 0,
                    rule: without_nul(rule),
                    field: without_nul(field),
                    message: without_nul(message),
                    limit: violation.limit,
                };
                Lent {
                    violation,
                    _texts: texts,
                }
            };
            self.error.violations().iter().map(lend).collect()
        })
    }
}

/// The error that a status stands for.
pub(crate) fn kind(status: i32) -> Option<ErrorKind> {
    ErrorKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.number() == status)
}

/// The stable text of a status.
pub(crate) fn id(status: i32) -> *const c_char {
    static IDS: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    boundary::caught_or(boundary::c_static(c"unknown"), || {
        let ids = IDS.get_or_init(|| {
            let errors = ErrorKind::ALL.iter().map(|kind| (kind.number(), kind.id()));
            let all = status::ALL.into_iter().chain(errors);
            all.filter_map(|(number, id)| Some((number, CString::new(id).ok()?)))
                .collect()
        });
        ids.iter()
            .find(|(number, _)| *number == status)
            .map_or(boundary::c_static(c"unknown"), |(_, id)| id.as_ptr())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_status_id(status: i32) -> *const c_char {
    id(status)
}

#[unsafe(no_mangle)]
extern "C" fn doorward_status_actor(status: i32) -> *const c_char {
    boundary::c_static(match kind(status).map(ErrorKind::actor) {
        None => c"",
        Some(Actor::Bug) => c"bug",
        Some(Actor::Caller) => c"caller",
        Some(Actor::Client) => c"client",
        Some(Actor::Operator) => c"operator",
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_status_is_retryable(status: i32) -> bool {
    kind(status).is_some_and(ErrorKind::is_retryable)
}

#[unsafe(no_mangle)]
extern "C" fn doorward_status_is_public(status: i32) -> bool {
    kind(status).is_some_and(ErrorKind::is_public)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DOORWARD_E_UNAVAILABLE = -10` and the like, from the header.
    fn constants() -> Vec<(String, i32)> {
        let header = include_str!("../../include/doorward.h");
        let rows = header
            .lines()
            .filter_map(|line| line.trim().strip_prefix("DOORWARD_"));
        rows.filter_map(|row| {
            let (name, rest) = row.split_once(" = ")?;
            let number = rest.split([',', ' ']).next()?.parse().ok()?;
            Some((name.to_owned(), number))
        })
        .collect()
    }

    #[test]
    fn the_constants_of_the_header_are_the_table_of_the_core() {
        let all = constants();
        let mut errors: Vec<(String, i32)> = ErrorKind::ALL
            .iter()
            .map(|kind| (format!("E_{}", kind.id().to_uppercase()), kind.number()))
            .collect();
        let mut written: Vec<_> = all
            .iter()
            .filter(|(name, _)| name.starts_with("E_"))
            .cloned()
            .collect();
        errors.sort();
        written.sort();
        assert_eq!(written, errors);
        for (number, id) in status::ALL {
            assert!(all.contains(&(id.to_uppercase(), number)), "{id}");
        }
    }

    #[test]
    fn the_header_has_the_version_of_the_crate() {
        let header = include_str!("../../include/doorward.h");
        assert!(header.contains(&format!(
            "#define DOORWARD_VERSION_STRING \"{}\"",
            env!("CARGO_PKG_VERSION")
        )));
        for (name, part) in [
            ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
            ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
            ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
        ] {
            assert!(
                header.contains(&format!("#define DOORWARD_VERSION_{name} {part}\n")),
                "{name}"
            );
        }
    }
}
