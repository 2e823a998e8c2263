//! One case in its own process: `doorward plugin case …`, which `check` starts.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use doorward_plugin_testing::{Conditions, TestHost, set_locale};
use doorward_runtime::{PythonClass, Sandbox};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::contract::{self, Look};
use crate::finding::Findings;
use crate::kind_view::KindView;
use crate::mode::Mode;
use crate::subject::{Crumb, Opened, Subject};
use crate::vectors::Vectors;

/// What a case is to do: written by `check`, read here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) file: PathBuf,
    /// A check's id; empty: say which kinds there are.
    pub(crate) check: String,
    pub(crate) mode: String,
    pub(crate) kind: String,
    /// A class in Python, and where its module is.
    pub(crate) python: Option<(String, Option<PathBuf>)>,
    /// Of an isolated case.
    pub(crate) sandbox: String,
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) seed: u64,
    /// Another locale than that of the first time.
    pub(crate) locale: Option<String>,
    /// A file with questions of another process.
    pub(crate) carried: Option<PathBuf>,
    /// Where the findings go; `.at` beside it is what is being asked.
    pub(crate) result: PathBuf,
}

/// What a case hands back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Returned {
    pub(crate) findings: Findings,
    pub(crate) kinds: Vec<KindView>,
}

impl Case {
    /// # Errors
    /// It was not written by `check`.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let [text] = words else {
            return Err("a case is for `check` to start".into());
        };
        serde_json::from_str(text).map_err(|error| format!("a case is for `check` to start: {error}"))
    }

    pub(crate) fn run(&self) -> ExitCode {
        let mut result = Returned::default();
        if let Err(why) = self.fill(&mut result) {
            result.findings.fail(why);
        }
        let written = serde_json::to_vec(&result)
            .map_err(|error| error.to_string())
            .and_then(|json| std::fs::write(&self.result, json).map_err(|error| error.to_string()));
        match written {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{}: {why}", self.result.display());
                ExitCode::FAILURE
            }
        }
    }

    fn fill(&self, result: &mut Returned) -> Result<(), String> {
        if let Some(locale) = &self.locale {
            let locale = std::ffi::CString::new(locale.as_str()).unwrap_or_default();
            // Where it is not installed, the C locale stands: nothing to compare with, then.
            let _ = set_locale(&locale);
        }
        let mut subject = self.subject()?;
        let Some(check) = contract::Check::of(&self.check) else {
            result.kinds = subject.load(TestHost::new())?.kinds();
            return Ok(());
        };
        let findings = &mut result.findings;
        match check.look {
            Look::File(look) => look(&mut subject, findings),
            Look::Raw(look) | Look::Kind(look) => {
                let conditions = Conditions {
                    newer: check.id == "new_host",
                    ..Conditions::default()
                };
                match self.opened(&mut subject, check.id, conditions) {
                    Ok(mut opened) => look(&mut opened, findings),
                    // That is the finding of the check that opens, or of those that look at the file.
                    Err(why) if check.id == "lifecycle" => findings.fail(why),
                    Err(why)
                        if self.mode == Mode::Isolated.id() && self.subject()?.opens_here(&self.kind) =>
                    {
                        findings.fail(why);
                    }
                    Err(why) => findings.skip(why),
                }
            }
        }
        Ok(())
    }

    fn opened<'a>(
        &self,
        subject: &'a mut Subject,
        check: &str,
        conditions: Conditions,
    ) -> Result<Opened<'a>, String> {
        let host = match check {
            "old_host" => TestHost::oldest(),
            "new_host" => TestHost::newer(),
            _ => TestHost::new(),
        };
        subject.crumb.about_to("load");
        let loaded = subject
            .load(host)
            .map_err(|why| format!("it cannot be loaded: {why}"))?;
        subject.crumb.about_to("open");
        let asker = loaded
            .open(&self.kind, "checked", &subject.options, conditions)
            .map_err(|refused| {
                format!(
                    "the kind {:?} cannot be opened (give its options with --config): {}",
                    self.kind,
                    match refused.message.as_str() {
                        "" => "it does not say why",
                        why => why,
                    }
                )
            })?;
        Ok(Opened {
            subject,
            loaded,
            asker,
            conditions,
        })
    }

    fn subject(&self) -> Result<Subject, String> {
        let vectors = self.vectors.as_deref().map(Vectors::read).transpose()?;
        let vectors = vectors.unwrap_or_default();
        let options = match &self.config {
            Some(path) => read_options(path)?,
            None => vectors.config.clone(),
        };
        let carried = match &self.carried {
            Some(path) => std::fs::read(path).map_err(|error| error.to_string())?,
            None => b"[]".to_vec(),
        };
        Ok(Subject {
            carried: serde_json::from_slice(&carried).map_err(|error| error.to_string())?,
            path: self.file.clone(),
            mode: Mode::of(&self.mode).ok_or("no such mode")?,
            python: self
                .python
                .clone()
                .map(|(class, folder)| PythonClass { class, folder }),
            sandbox: Sandbox::of(&self.sandbox).unwrap_or_default(),
            seed: self.seed,
            options,
            vectors,
            crumb: Crumb(File::create(self.result.with_extension("at")).ok()),
        })
    }
}

/// A file of options: those of one kind, as under `[provider.NAME]`.
pub(crate) fn read_options(path: &std::path::Path) -> Result<Map<String, Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
