//! What a check found, and how a case ended.

use crate::carried::Carried;
use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// The contract is kept, as far as was seen.
    Pass,
    /// There was nothing to check.
    Skip,
    /// Kept, and yet somebody should look.
    Warn,
    /// Broken.
    Fail,
    /// The process of the case died, or did not end in time.
    Crash,
}

impl Status {
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Crash => "CRASH",
        }
    }

    /// Whether the plugin has not passed.
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Crash)
    }
}

/// What a check has found so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub(crate) failures: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Why there was nothing to check, where nothing else was found.
    pub(crate) skipped: Option<String>,
    /// What was looked at, in a few words.
    pub(crate) note: String,
    /// What must be equal in process and isolated: a name and an answer each.
    pub(crate) answers: Vec<(String, String)>,
    /// Texts that must not stand in what the process printed.
    pub(crate) secrets: Vec<String>,
    /// Questions that another process is to ask.
    pub(crate) carried: Vec<Carried>,
}

/// Findings of one kind that are reported; more of them say nothing new.
const MOST: usize = 5;

impl Findings {
    /// The contract is broken.
    pub(crate) fn fail(&mut self, what: impl Into<String>) {
        add(&mut self.failures, what.into());
    }

    /// Fails unless it holds.
    pub(crate) fn demand(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.fail(otherwise());
        }
    }

    /// Somebody should look.
    pub(crate) fn warn(&mut self, what: impl Into<String>) {
        add(&mut self.warnings, what.into());
    }

    /// There is nothing to check.
    pub(crate) fn skip(&mut self, why: impl Into<String>) {
        self.skipped.get_or_insert(why.into());
    }

    /// Must be equal in process and isolated.
    pub(crate) fn answer(&mut self, name: impl Into<String>, answer: impl Into<String>) {
        self.answers.push((name.into(), answer.into()));
    }

    pub(crate) fn status(&self) -> Status {
        if !self.failures.is_empty() {
            Status::Fail
        } else if !self.warnings.is_empty() {
            Status::Warn
        } else if self.skipped.is_some() {
            Status::Skip
        } else {
            Status::Pass
        }
    }
}

fn add(list: &mut Vec<String>, what: String) {
    if list.contains(&what) {
        return;
    }
    match list.len() {
        MOST => list.push("and more of the kind".into()),
        fewer if fewer < MOST => list.push(what),
        _ => {}
    }
}
