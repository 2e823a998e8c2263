//! All cases of one run, and their comparison.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use doorward_runtime::Sandbox;

use crate::arguments::Check;
use crate::case::{Case, Returned, read_options};
use crate::child::{self, Ended};
use crate::contract::{self, CHECKS};
use crate::finding::{Findings, Status};
use crate::mode::Mode;
use crate::report::{Entry, Report};
use crate::vectors::Vectors;

/// `doorward plugin check`.
pub(crate) fn check(check: &Check) -> ExitCode {
    if check.list {
        print!("{}", Report::contract(check.json));
        return ExitCode::SUCCESS;
    }
    // What is wrong with these is the caller's mistake and not the plugin's.
    let readable = check
        .vectors
        .as_deref()
        .map_or(Ok(()), |path| Vectors::read(path).map(drop))
        .and_then(|()| {
            check
                .config
                .as_deref()
                .map_or(Ok(()), |path| read_options(path).map(drop))
        });
    if let Err(why) = readable {
        eprintln!("doorward plugin: {why}");
        return ExitCode::from(2);
    }
    match Folder::new().and_then(|folder| {
        Run {
            check,
            folder,
            hung: Cell::new(0),
            to_end: Cell::new(TO_END),
        }
        .all()
    }) {
        Ok(report) => {
            print!("{}", if check.json { report.json() } else { report.text() });
            if report.has_failed() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(why) => {
            eprintln!("doorward plugin: {why}");
            ExitCode::from(2)
        }
    }
}

/// A private folder for what the cases hand back; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let template = std::env::temp_dir().join("doorward-plugin-check-XXXXXX");
        nix::unistd::mkdtemp(&template)
            .map(Self)
            .map_err(|error| format!("{}: {error}", template.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind, it harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Run<'a> {
    check: &'a Check,
    folder: Folder,
    /// Cases that did not end in time.
    hung: Cell<u32>,
    /// What a process has to end in when its case is over.
    to_end: Cell<Duration>,
}

/// Ending takes no time: nothing but handlers and destructors run.
const TO_END: Duration = Duration::from_secs(5);
/// What is left to the others when one has not ended.
const SHORT_END: Duration = Duration::from_millis(250);

/// So many cases may hang for their whole time; a plugin that hangs in all of them is known by then.
const PATIENCE: u32 = 2;
/// What is left to the others.
const SHORT: Duration = Duration::from_secs(5);

/// The locale of the second run of a pure function: digits, case and collation differ from C in most of them.
const OTHER_LOCALES: [&str; 2] = ["tr_TR.UTF-8", "C.UTF-8"];

impl Run<'_> {
    fn all(&self) -> Result<Report, String> {
        let mut report = Report::of(&self.check.file, self.check.seed, self.check.vectors.as_deref());
        let kinds = self.kinds(&mut report)?;
        for check in CHECKS {
            if !self.check.only.is_empty() && !self.check.only.iter().any(|only| only == check.id) {
                continue;
            }
            if !check.per_kind() {
                if self.check.modes.contains(&Mode::InProcess) {
                    self.one(&mut report, check, Mode::InProcess, "")?;
                }
                continue;
            }
            for kind in &kinds {
                let mut seen = Vec::new();
                for &mode in &self.check.modes {
                    if mode == Mode::InProcess || check.isolates() {
                        seen.push(self.one(&mut report, check, mode, kind)?);
                    }
                }
                if check.id == "flows" {
                    self.in_another_process(&mut report, kind, &seen)?;
                }
                if check.id == "normalize" && self.check.modes.contains(&Mode::InProcess) {
                    self.in_another_locale(&mut report, kind, seen.first())?;
                }
                if let [Some(in_process), Some(isolated)] = seen.as_slice() {
                    compare(&mut report, check, kind, in_process, isolated);
                }
            }
        }
        Ok(report)
    }

    /// The kinds to check; a plugin that cannot be loaded has none, which `load` then reports.
    fn kinds(&self, report: &mut Report) -> Result<Vec<String>, String> {
        let mode = match self.check.python {
            Some(_) => Mode::Isolated,
            None => Mode::InProcess,
        };
        let end = self.child(&self.case("", mode, ""))?;
        let returned = match end.ended {
            Ended::Well(returned) => returned,
            // What is wrong with a file shows in the checks of the file; a class has none.
            Ended::Badly(why) | Ended::Never(why) if self.check.python.is_some() => return Err(why),
            Ended::Badly(_) | Ended::Never(_) => return Ok(Vec::new()),
        };
        if let Some(why) = returned
            .findings
            .failures
            .first()
            .filter(|_| self.check.python.is_some())
        {
            return Err(why.clone());
        }
        let mut kinds: Vec<String> = returned.kinds.into_iter().map(|kind| kind.name).collect();
        if let Some(wanted) = &self.check.kind {
            if !kinds.contains(wanted) && !kinds.is_empty() {
                return Err(format!(
                    "the plugin has no kind {wanted:?}; it has: {}",
                    kinds.join(", ")
                ));
            }
            kinds.retain(|kind| kind == wanted);
        }
        report.kinds.clone_from(&kinds);
        Ok(kinds)
    }

    fn child(&self, case: &Case) -> Result<child::End, String> {
        let limit = self.check.timeout;
        let limit = if self.hung.get() < PATIENCE {
            limit
        } else {
            limit.min(SHORT)
        };
        let end = child::run(case, limit, self.to_end.get())?;
        if end.lingers {
            self.to_end.set(SHORT_END);
        }
        if matches!(end.ended, Ended::Never(_)) {
            self.hung.set(self.hung.get() + 1);
        }
        Ok(end)
    }

    fn case(&self, check: &str, mode: Mode, kind: &str) -> Case {
        Case {
            file: self.check.file.clone(),
            check: check.to_owned(),
            mode: mode.id().to_owned(),
            kind: kind.to_owned(),
            python: self
                .check
                .python
                .clone()
                .map(|class| (class, self.check.python_path.clone())),
            sandbox: self.check.sandbox.id().to_owned(),
            vectors: self.check.vectors.clone(),
            config: self.check.config.clone(),
            seed: self.check.seed,
            locale: None,
            carried: None,
            result: self.folder.0.join("result"),
        }
    }

    /// Runs one case and reports it; what it answered, if it lived.
    fn one(
        &self,
        report: &mut Report,
        check: &contract::Check,
        mode: Mode,
        kind: &str,
    ) -> Result<Option<Findings>, String> {
        let case = self.case(check.id, mode, kind);
        let end = self.child(&case)?;
        let (status, findings) = match end.ended {
            Ended::Well(returned) => {
                let Returned { mut findings, .. } = *returned;
                for secret in std::mem::take(&mut findings.secrets) {
                    if end.printed.contains(&secret) {
                        findings.fail("a credential was printed to standard output or error");
                    }
                }
                if end.lingers && check.id == "lifecycle" {
                    findings.fail(
                        "the process does not end when all is closed: a handler of atexit, a destructor or a thread of the \
                         plugin's holds it, and so a server that was stopped",
                    );
                }
                (findings.status(), findings)
            }
            Ended::Badly(why) | Ended::Never(why) => {
                let mut findings = Findings::default();
                findings.fail(why);
                (Status::Crash, findings)
            }
        };
        let lived = (status != Status::Crash).then(|| findings.clone());
        report.add(Entry {
            check: check.id.to_owned(),
            kind: kind.to_owned(),
            mode: mode.id().to_owned(),
            status,
            took_ms: u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX),
            findings,
            demand: check.demand.to_owned(),
            written: check.written(),
            reproduce: self.reproduce(check.id, mode, kind),
        });
        Ok(lived)
    }

    /// A pure function answers the same in another process and in another locale.
    fn in_another_locale(
        &self,
        report: &mut Report,
        kind: &str,
        first: Option<&Option<Findings>>,
    ) -> Result<(), String> {
        let Some(Some(first)) = first else { return Ok(()) };
        for locale in OTHER_LOCALES {
            let case = Case {
                locale: Some(locale.to_owned()),
                ..self.case("normalize", Mode::InProcess, kind)
            };
            let Ended::Well(second) = self.child(&case)?.ended else {
                continue;
            };
            let differing = difference(&first.answers, &second.findings.answers);
            for (name, one, other) in differing {
                report.add_to_last(
                    "normalize",
                    kind,
                    format!(
                        "{name} becomes {one} in one process and {other} in another, with the locale {locale}"
                    ),
                );
            }
        }
        Ok(())
    }

    /// Steps of flows that began elsewhere: in process after in process, isolated after in process.
    fn in_another_process(
        &self,
        report: &mut Report,
        kind: &str,
        seen: &[Option<Findings>],
    ) -> Result<(), String> {
        let Some(Some(first)) = seen.first() else {
            return Ok(());
        };
        if first.carried.is_empty() {
            return Ok(());
        }
        let path = self.folder.0.join("carried");
        let json = serde_json::to_vec(&first.carried).map_err(|error| error.to_string())?;
        std::fs::write(&path, json).map_err(|error| error.to_string())?;
        for &mode in &self.check.modes {
            let case = Case {
                carried: Some(path.clone()),
                ..self.case("flows", mode, kind)
            };
            match self.child(&case)?.ended {
                Ended::Well(second) => {
                    let known = &first.failures;
                    let new = second
                        .findings
                        .failures
                        .iter()
                        .filter(|what| !known.contains(what));
                    for what in new {
                        report.add_to_last("flows", kind, what.clone());
                    }
                }
                Ended::Badly(why) | Ended::Never(why) => report.add_to_last("flows", kind, why),
            }
        }
        Ok(())
    }

    /// The command that runs this case alone.
    fn reproduce(&self, check: &str, mode: Mode, kind: &str) -> String {
        let mut words = vec![
            "doorward plugin check".to_owned(),
            self.check.file.display().to_string(),
            format!("--only {check}"),
            format!("--seed {}", self.check.seed),
            format!("--{}-only", mode.id()),
        ];
        let path =
            |option: &str, path: Option<&Path>| path.map(|path| format!("{option} {}", path.display()));
        if mode == Mode::Isolated && self.check.sandbox != Sandbox::Strict {
            words.push(format!("--sandbox {}", self.check.sandbox.id()));
        }
        words.extend(self.check.python.iter().map(|class| format!("--python {class}")));
        words.extend(path("--python-path", self.check.python_path.as_deref()));
        words.extend(path("--vectors", self.check.vectors.as_deref()));
        words.extend(path("--config", self.check.config.as_deref()));
        if !kind.is_empty() {
            words.push(format!("--kind {kind}"));
        }
        words.join(" ")
    }
}

/// Answers of the same name that are not the same.
fn difference(one: &[(String, String)], other: &[(String, String)]) -> Vec<(String, String, String)> {
    one.iter()
        .filter_map(|(name, answer)| {
            let (_, second) = other.iter().find(|(second, _)| second == name)?;
            (second != answer).then(|| (name.clone(), answer.clone(), second.clone()))
        })
        .collect()
}

/// In process and isolated, the answers are equal.
fn compare(report: &mut Report, check: &contract::Check, kind: &str, one: &Findings, other: &Findings) {
    for (name, one, other) in difference(&one.answers, &other.answers) {
        report.add_to_last(
            check.id,
            kind,
            format!("{name}: in process the answer is {one}, isolated it is {other}"),
        );
    }
}
