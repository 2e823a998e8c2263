//! The process of a case: started, waited for, killed when it does not end.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};
use nix::sys::signal::Signal;

use crate::case::{Case, Returned};

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(2);

/// How the process of a case ended.
pub(crate) enum Ended {
    /// Not at all, within its time; where it was.
    Never(String),
    /// It handed its findings back.
    Well(Box<Returned>),
    /// It did not; what is known.
    Badly(String),
}

/// The end of a case.
pub(crate) struct End {
    pub(crate) ended: Ended,
    /// Everything that it printed.
    pub(crate) printed: String,
    pub(crate) took: Duration,
    /// It handed its findings back and did not end.
    pub(crate) lingers: bool,
}

/// Runs a case in a process of its own, which has so long to end when it has handed its findings back.
///
/// # Errors
/// No process can be started, or the folder for results is gone.
pub(crate) fn run(case: &Case, limit: Duration, to_end: Duration) -> Result<End, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let words = serde_json::to_string(case).map_err(|error| error.to_string())?;
    // What an earlier case left must not be taken for the answer of one that leaves without any.
    for stale in [case.result.clone(), case.result.with_extension("at")] {
        match std::fs::remove_file(&stale) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: {error}", stale.display()));
            }
            _ => {}
        }
    }
    let printed: [PathBuf; 2] = ["out", "err"].map(|ending| case.result.with_extension(ending));
    let [out, err] = printed.each_ref().map(std::fs::File::create);
    let begun = SystemClock.monotonic();
    let mut child = Command::new(program)
        .args(["plugin", "case", &words])
        .stdin(Stdio::null())
        .stdout(out.map_err(|error| error.to_string())?)
        .stderr(err.map_err(|error| error.to_string())?)
        .spawn()
        .map_err(|error| format!("no process for a case: {error}"))?;
    let took = || SystemClock.monotonic().saturating_sub(begun);
    let mut handed_back = None;
    let mut lingers = false;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break Some(status);
        }
        if handed_back.is_none() && case.result.exists() {
            handed_back = Some(took());
        }
        lingers = handed_back.is_some_and(|then| took() > then + to_end);
        if lingers || took() > limit {
            // It may have ended just now: both are fine.
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(PAUSE);
    };
    let took = took();
    let printed = printed
        .iter()
        .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned())
        .collect::<Vec<_>>()
        .join("\n");
    let at = std::fs::read_to_string(case.result.with_extension("at")).unwrap_or_default();
    let at = if at.is_empty() { "it began".into() } else { at };
    let result = std::fs::read(&case.result).ok();
    let handed: Option<Box<Returned>> = result.and_then(|json| serde_json::from_slice(&json).ok());
    let ended = match status {
        None if lingers && handed.is_some() => handed.map_or_else(|| Ended::Never(at), Ended::Well),
        None => Ended::Never(format!("not done after {} s, at: {at}", limit.as_secs())),
        Some(status) => match handed {
            Some(result) if status.success() => Ended::Well(result),
            _ => {
                let how = match status.signal() {
                    Some(signal) => Signal::try_from(signal).map_or_else(
                        |_| format!("signal {signal}"),
                        |signal| signal.as_str().to_owned(),
                    ),
                    None => format!("exit code {}", status.code().unwrap_or(-1)),
                };
                Ended::Badly(format!("the process ended with {how}, at: {at}"))
            }
        },
    };
    Ok(End {
        ended,
        printed,
        took,
        lingers,
    })
}
