//! The arguments of `doorward plugin check`.

use std::path::PathBuf;
use std::time::Duration;

use doorward_runtime::Sandbox;

use crate::contract;
use crate::mode::Mode;

/// What `doorward plugin` says about itself.
pub const USAGE: &str = "\
doorward plugin new NAME --lang c|cpp|rust|python      write a project that builds and passes the kit
doorward plugin check FILE [OPTIONS]                   see that a plugin is right

new:
  --sdk DIR          plugins/sdk of Doorward's sources, for rust; default: those that built this program

check:

  --vectors FILE     what the plugin should answer to what: without it, much is skipped
  --config FILE      the options of the kind, as TOML; else those of [config] in the vectors
  --kind NAME        only this kind of the plugin
  --only CHECK       only this check, such as fuzz; may be given several times
  --seed N           the seed of all randomness; default 1
  --json             the report as JSON
  --in-process-only  not in a process of its own
  --isolated-only    only in a process of its own
  --sandbox NAME     of that process: strict (default), net or off
  --python CLASS     the plugin is a class, module:Class, and FILE the interpreter that has it and the package doorward
  --python-path DIR  where its module is; else it is installed
  --timeout SECONDS  that one case may take, 1 to 600; default 45
  --checks           list the checks, and where the contract demands them

Exit codes: 0 nothing failed, 1 something did, 2 the arguments are wrong or the kit cannot run.
";

/// The seed where none is given: the same in every run.
const SEED: u64 = 1;
/// A case that has not ended by then does not end.
const TIMEOUT: Duration = Duration::from_secs(45);

/// One run of the kit.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) file: PathBuf,
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) kind: Option<String>,
    pub(crate) only: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) json: bool,
    pub(crate) modes: Vec<Mode>,
    /// A class in Python: then the file is the interpreter.
    pub(crate) python: Option<String>,
    pub(crate) python_path: Option<PathBuf>,
    /// What one case may take.
    pub(crate) timeout: Duration,
    /// Of the isolated ones.
    pub(crate) sandbox: Sandbox,
    /// Only list the checks.
    pub(crate) list: bool,
}

impl Check {
    /// # Errors
    /// What is wrong with the arguments.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let mut check = Self {
            file: PathBuf::new(),
            vectors: None,
            config: None,
            kind: None,
            only: Vec::new(),
            seed: SEED,
            json: false,
            modes: vec![Mode::InProcess, Mode::Isolated],
            python: None,
            python_path: None,
            timeout: TIMEOUT,
            sandbox: Sandbox::Strict,
            list: false,
        };
        let mut file = None;
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word {
                "--vectors" => check.vectors = Some(absolute(value()?)?),
                "--config" => check.config = Some(absolute(value()?)?),
                "--kind" => check.kind = Some(value()?.to_owned()),
                "--only" => check.only.push(known(value()?)?),
                "--seed" => {
                    check.seed = value()?
                        .parse()
                        .map_err(|_| format!("--seed must be a number from 0 to {}", u64::MAX))?;
                }
                "--python" => check.python = Some(value()?.to_owned()),
                "--python-path" => check.python_path = Some(absolute(value()?)?),
                "--timeout" => {
                    let seconds = value()?
                        .parse()
                        .ok()
                        .filter(|seconds| (1..=600).contains(seconds));
                    check.timeout = seconds
                        .map(Duration::from_secs)
                        .ok_or("--timeout must be 1 to 600 seconds")?;
                }
                "--sandbox" => {
                    let id = value()?;
                    check.sandbox = Sandbox::of(id)
                        .ok_or_else(|| format!("--sandbox {id}: it must be strict, net or off"))?;
                }
                "--json" => check.json = true,
                "--in-process-only" => check.modes.retain(|mode| *mode == Mode::InProcess),
                "--isolated-only" => check.modes.retain(|mode| *mode == Mode::Isolated),
                "--checks" => check.list = true,
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                path if file.is_none() => file = Some(path),
                more => return Err(format!("one FILE, please: what is {more}?")),
            }
        }
        if let Some(class) = &check.python {
            if !class
                .split_once(':')
                .is_some_and(|(module, name)| !module.is_empty() && !name.is_empty())
            {
                return Err(format!("--python {class}: it must be module:Class"));
            }
            // It never runs in this process: that would bring an interpreter.
            check.modes.retain(|mode| *mode == Mode::Isolated);
        }
        if let Some(path) = file {
            check.file = match check.python {
                // Where a link to an interpreter leads is another one: that of a virtual environment is a link.
                Some(_) => std::path::absolute(path).map_err(|error| format!("{path}: {error}"))?,
                None => absolute(path)?,
            };
        }
        if check.modes.is_empty() {
            return Err("--in-process-only and --isolated-only leave nothing to do".into());
        }
        if check.file.as_os_str().is_empty() && !check.list {
            return Err("which FILE?".into());
        }
        Ok(check)
    }
}

fn known(id: &str) -> Result<String, String> {
    if contract::CHECKS.iter().any(|check| check.id == id) {
        return Ok(id.to_owned());
    }
    let ids: Vec<&str> = contract::CHECKS.iter().map(|check| check.id).collect();
    Err(format!("there is no check {id}; there are: {}", ids.join(", ")))
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    std::fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))
}
