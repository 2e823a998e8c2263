//! The plugin boundary alone: one verification by a kind that accepts whatever it is asked, in this process or in one of
//! its own.

use std::path::PathBuf;
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};
use doorward::plugin::{
    Ask, Decision, Fields, Isolation, Kind, Kinds, Operation, PluginSettings, PoolSettings, Sandbox, Services,
};
use doorward::{UserId, block_on};
use serde_json::Map;

use crate::rounds::{self, Outcome, Round};

const DEADLINE: Duration = Duration::from_secs(5);

/// With `host`, the plugin is isolated, in one process.
pub(crate) fn serve(plugin: &str, host: Option<&str>) -> Outcome<()> {
    let plugin = PluginSettings {
        name: "yes".into(),
        path: PathBuf::from(plugin),
        sha256: None,
        kinds: Vec::new(),
        isolation: host.map(|host| Isolation {
            host: PathBuf::from(host),
            sandbox: Sandbox::Strict,
            needs_landlock: false,
            workers: 1,
            python: None,
        }),
    };
    let kinds = Kinds::load(&[plugin], &[], Services::system(), PoolSettings::for_machine())?;
    let kind = kinds.open("yes", "yes", &Map::new())?;
    kinds.start()?;
    rounds::serve(|round| verify(&kind, round))
}

fn verify(kind: &Kind, round: Round<'_>) -> Outcome<Duration> {
    // Made beforehand: they are the caller's, as a request's texts are.
    let asks: Vec<Ask> = (0..round.count).map(|_| ask()).collect();
    let began_at = SystemClock.monotonic();
    for ask in asks {
        let verdict = block_on(kind.ask(ask, DEADLINE))?;
        if verdict.decision != Decision::Accept {
            return Err("it accepts everything, and did not".into());
        }
    }
    Ok(SystemClock.monotonic().saturating_sub(began_at))
}

fn ask() -> Ask {
    Ask {
        operation: Operation::Verify,
        purpose: Operation::Verify,
        step: 0,
        decoy: false,
        realm: String::new(),
        subject: Some(UserId::from_bytes([7; 16])),
        known: None,
        provider: "yes".into(),
        raw: b"ada".to_vec(),
        canonical: b"ada".to_vec(),
        display: "ada".into(),
        credentials: Fields::from([("word", "please")]),
        new_credentials: Fields::default(),
        records: Vec::new(),
        state: None,
        resolved: None,
        agent: String::new(),
        address: String::new(),
    }
}
