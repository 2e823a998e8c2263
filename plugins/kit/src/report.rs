//! The report, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::contract::CHECKS;
use crate::finding::{Findings, Status};

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) check: String,
    /// Empty: the file as a whole.
    pub(crate) kind: String,
    pub(crate) mode: String,
    pub(crate) status: Status,
    pub(crate) took_ms: u64,
    pub(crate) findings: Findings,
    pub(crate) demand: String,
    pub(crate) written: String,
    pub(crate) reproduce: String,
}

/// All of them.
pub(crate) struct Report {
    file: String,
    /// For `sha256` in the configuration; empty: the file is refused.
    sha256: String,
    seed: u64,
    has_vectors: bool,
    pub(crate) kinds: Vec<String>,
    entries: Vec<Entry>,
}

/// The report as JSON: docs/plugins.md says what each member means.
#[derive(Serialize)]
struct Line<'a> {
    check: &'a str,
    kind: &'a str,
    mode: &'a str,
    status: Status,
    took_ms: u64,
    failures: &'a [String],
    warnings: &'a [String],
    skipped: Option<&'a str>,
    note: &'a str,
    demand: &'a str,
    written: &'a str,
    reproduce: &'a str,
}

impl Report {
    pub(crate) fn of(file: &Path, seed: u64, vectors: Option<&Path>) -> Self {
        Self {
            file: file.display().to_string(),
            sha256: doorward_runtime::examine(file).unwrap_or_default(),
            seed,
            has_vectors: vectors.is_some(),
            kinds: Vec::new(),
            entries: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// A failure that shows only when cases are compared, under the last of them.
    pub(crate) fn add_to_last(&mut self, check: &str, kind: &str, failure: String) {
        let last = self
            .entries
            .iter_mut()
            .rfind(|entry| entry.check == check && entry.kind == kind);
        if let Some(entry) = last {
            entry.findings.fail(failure);
            if !entry.status.is_failure() {
                entry.status = Status::Fail;
            }
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.entries.iter().any(|entry| entry.status.is_failure())
    }

    fn count(&self, status: Status) -> usize {
        self.entries.iter().filter(|entry| entry.status == status).count()
    }

    /// Writing to a `String` cannot fail, here and below.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.file);
        if !self.sha256.is_empty() {
            let _ = writeln!(text, "sha256 = \"{}\"", self.sha256);
        }
        text.push('\n');
        for entry in &self.entries {
            let place = if entry.kind.is_empty() {
                String::new()
            } else {
                format!("{}, {}", entry.kind, entry.mode)
            };
            let said = entry.findings.skipped.as_deref().unwrap_or(&entry.findings.note);
            let line = format!("{:<6}{:<13}{place:<30}{said}", entry.status.id(), entry.check);
            let _ = writeln!(text, "{}", line.trim_end());
            for what in &entry.findings.failures {
                let _ = writeln!(text, "      {what}");
            }
            for what in &entry.findings.warnings {
                let _ = writeln!(text, "      warning: {what}");
            }
            if entry.status.is_failure() || entry.status == Status::Warn {
                let _ = writeln!(text, "      demanded:  {}", entry.demand);
                let _ = writeln!(text, "      written:   {}", entry.written);
                let _ = writeln!(text, "      reproduce: {}", entry.reproduce);
            }
        }
        if !self.has_vectors {
            text.push_str("\nWithout --vectors the kit does not know a right credential: most of its checks are skipped.\n");
        }
        let failed = self.count(Status::Fail) + self.count(Status::Crash);
        let _ = writeln!(
            text,
            "\n{} passed, {failed} failed, {} warned, {} skipped",
            self.count(Status::Pass),
            self.count(Status::Warn),
            self.count(Status::Skip),
        );
        text
    }

    pub(crate) fn json(&self) -> String {
        let cases: Vec<Line<'_>> = self
            .entries
            .iter()
            .map(|entry| Line {
                check: &entry.check,
                kind: &entry.kind,
                mode: &entry.mode,
                status: entry.status,
                took_ms: entry.took_ms,
                failures: &entry.findings.failures,
                warnings: &entry.findings.warnings,
                skipped: entry.findings.skipped.as_deref(),
                note: &entry.findings.note,
                demand: &entry.demand,
                written: &entry.written,
                reproduce: &entry.reproduce,
            })
            .collect();
        let report = json!({
            "format": 1,
            "file": self.file,
            "sha256": self.sha256,
            "seed": self.seed,
            "kinds": self.kinds,
            "passed": !self.has_failed(),
            "cases": cases,
        });
        format!("{report:#}\n")
    }

    /// The checks, without a plugin.
    pub(crate) fn contract(as_json: bool) -> String {
        if as_json {
            let checks: Vec<_> = CHECKS
                .iter()
                .map(|check| json!({ "check": check.id, "demand": check.demand, "written": check.written() }))
                .collect();
            return format!("{:#}\n", json!(checks));
        }
        CHECKS.iter().fold(String::new(), |mut text, check| {
            let _ = writeln!(
                text,
                "{:<13}{}\n{:13}{}",
                check.id,
                check.demand,
                "",
                check.written()
            );
            text
        })
    }
}
