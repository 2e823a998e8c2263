//! `tests/plugins/outlaw.c` crashes, hangs, lies and forges in every operation: meanwhile everybody else is answered,
//! nobody is let in, and nothing of it is left.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use doorward::clock::{Clock, SystemClock};
use doorward::plugin::{
    Ask, Decision, Isolation, Kind, Kinds, Operation, PluginSettings, PoolSettings, Sandbox, Verdict,
};
use doorward::{AuthenticatorId, ErrorKind, Result, Secret};
use serde_json::json;

use crate::build;
use crate::context::{LONG, answer, ask, at_once, block_on, open, services};

/// Everything that the plugin does to its own process, or says on a socket that is not its own.
const DEEDS: &[&str] = &[
    "segfault",
    "abort",
    "exit",
    "_exit",
    "stop",
    "hang",
    "loop",
    "rebel",
    "hog",
    "overflow",
    "fork_bomb",
    "close",
    "replace",
    "garbage",
    "long_frame",
    "short_frame",
    "cut_frame",
    "lying_field",
    "other_call",
    "flood",
    "urgent",
    "rights",
    "twice",
    "deaf",
    "other_entry",
    "unfiltered",
    "priorities",
    "late",
    "signals",
    "accept_then_segfault",
    "accept_then_abort",
    "accept_then_exit",
    "accept_then_hang",
    "accept_then_close",
    "accept_then_garbage",
    "accept_then_cut_frame",
    "accept_then_other_call",
    "accept_then_flood",
    "accept_then_rights",
    "accept_then_twice",
];

/// How long ago that was.
pub(crate) fn since(began: Duration) -> Duration {
    SystemClock.monotonic().saturating_sub(began)
}

/// Tells other threads that it is over, also when that is because something is wrong.
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A copy of the helper, so that its processes can be told from other tests'.
pub(crate) struct Host(pub(crate) PathBuf);

impl Host {
    pub(crate) fn new() -> Self {
        let path = build::folder().join("plugin_host");
        std::fs::copy(build::host(), &path).unwrap();
        Self(path)
    }

    pub(crate) fn settings(&self, object: &Path, sandbox: Sandbox, workers: usize) -> PluginSettings {
        PluginSettings {
            isolation: Some(Isolation {
                host: self.0.clone(),
                sandbox,
                needs_landlock: false,
                workers,
                python: None,
            }),
            ..build::settings(object)
        }
    }

    /// The processes that run it, with what they were started as; the dead that nobody buried among them.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            if std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == self.0) {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push((pid, String::from_utf8_lossy(&line).replace('\0', " ")));
            }
        }
        found
    }

    /// All gone within the time: whatever ends a process does it at once.
    pub(crate) fn is_gone(&self) -> bool {
        let began = SystemClock.monotonic();
        while since(began) < Duration::from_secs(5) {
            if self.processes().is_empty() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

pub(crate) fn load(host: &Host, workers: usize) -> Kinds {
    // Longer than a new process takes on a busy machine. What hangs is given less by whoever asks.
    let object = build::c("tests/plugins/outlaw.c", &["DEADLINE_MS=10000"]);
    let settings = host.settings(&object, Sandbox::Strict, workers);
    let kinds = Kinds::load(&[settings], &[], services().0, PoolSettings::of(2)).unwrap();
    kinds.start().unwrap();
    kinds
}

/// The question with a record to verify against, as deep in a flow as the operation wants.
pub(crate) fn asked(operation: Operation, deed: &str) -> Ask {
    let record = doorward::plugin::OpenRecord {
        id: AuthenticatorId::SINGLE,
        version: 1,
        bytes: Secret::new([0, 0, 0, 1, 1]),
        label: String::new(),
    };
    let purpose = if operation == Operation::Step {
        Operation::Verify
    } else {
        operation
    };
    Ask {
        purpose,
        step: u32::from(operation == Operation::Step),
        state: (operation == Operation::Step).then(|| Secret::new([1])),
        records: if operation == Operation::Enroll {
            Vec::new()
        } else {
            vec![record]
        },
        ..ask(operation, &[("do", deed)])
    }
}

fn accepts(kind: &Kind) -> Result<()> {
    let verdict = answer(kind, asked(Operation::Verify, "accept"))?;
    assert_eq!(verdict.decision, Decision::Accept);
    Ok(())
}

/// Asks for a deed, and waits a moment for those that hang.
fn does(kind: &Kind, operation: Operation, deed: &str) -> Result<Verdict> {
    block_on(kind.ask(asked(operation, deed), Duration::from_millis(300)))
}

/// A deed costs its own request and nothing more.
fn is_survived(what: &str, outcome: Result<Verdict>) {
    match outcome {
        Ok(verdict) => assert_eq!(verdict.decision, Decision::Deny, "{what}"),
        Err(error) => assert!(
            matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::PluginFault
            ),
            "{what}: {error}"
        ),
    }
}

#[test]
fn whatever_a_plugin_does_in_an_operation_costs_that_request_alone() {
    let host = Host::new();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let kinds = load(&host, 3);
    let outlaw = open(&kinds, "outlaw", &json!({})).unwrap();
    accepts(&outlaw).unwrap();
    let before = descriptors();
    let (over, good) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let ending = Over(&over);
        // Somebody else signs in all the while, through the same plugin.
        let bystander = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                accepts(&outlaw).expect("a request that has nothing to do with it");
                good.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        for operation in [
            Operation::Enroll,
            Operation::Verify,
            Operation::Update,
            Operation::Step,
        ] {
            for deed in DEEDS {
                let what = format!("{deed} in {operation:?}");
                is_survived(&what, does(&outlaw, operation, deed));
                accepts(&outlaw).unwrap_or_else(|error| panic!("after {what}: {error}"));
            }
        }
        // One of those that hang stands for all: the caller's thread waits for two seconds.
        let hang = [
            "stop",
            "loop",
            "rebel",
            "hog",
            "fork_bomb",
            "replace",
            "short_frame",
            "flood",
            "urgent",
            "deaf",
            "late",
            "signals",
        ];
        for deed in DEEDS.iter().filter(|deed| !hang.contains(deed)) {
            if deed.starts_with("accept_then_") && hang.iter().any(|hang| deed.ends_with(hang)) {
                continue;
            }
            let error = outlaw.normalize(format!("do:{deed}").as_bytes()).unwrap_err();
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::Unavailable
                        | ErrorKind::Timeout
                        | ErrorKind::PluginFault
                        | ErrorKind::InvalidArgument
                ),
                "{deed} in normalize: {error}"
            );
            assert_eq!(
                outlaw.normalize(b"Ann").unwrap(),
                b"ann",
                "after {deed} in normalize"
            );
        }
        drop(ending);
        bystander.join().unwrap();
    });
    assert!(
        good.load(Ordering::Relaxed) > 100,
        "the bystander asked {good:?} times"
    );
    // Sockets come in pairs for each worker, of which there are no more than before and three.
    assert!(descriptors() <= before + 2 * 3, "{} and {before}", descriptors());
    drop((outlaw, kinds));
    assert!(host.is_gone(), "left: {:?}", host.processes());
}

#[test]
fn whatever_a_plugin_does_in_open_start_and_health_costs_that_provider_alone() {
    let host = Host::new();
    let kinds = load(&host, 2);
    let good = open(&kinds, "outlaw", &json!({})).unwrap();
    for deed in [
        "segfault",
        "exit",
        "close",
        "garbage",
        "other_call",
        "cut_frame",
        "abort",
        "long_frame",
    ] {
        for place in ["open", "start"] {
            let options = json!({ "in": place, "do": deed });
            assert!(open(&kinds, "outlaw", &options).is_err(), "{deed} in {place}");
            accepts(&good).unwrap_or_else(|error| panic!("after {deed} in {place}: {error}"));
        }
        let ill = open(&kinds, "outlaw", &json!({ "in": "health", "do": deed })).unwrap();
        assert!(ill.health().is_err(), "{deed} in health");
        accepts(&good).unwrap_or_else(|error| panic!("after {deed} in health: {error}"));
        accepts(&ill).unwrap();
    }
    let ill = open(&kinds, "outlaw", &json!({ "in": "health", "do": "hang" })).unwrap();
    assert_eq!(ill.health().unwrap_err().kind(), ErrorKind::Timeout);
    accepts(&good).unwrap();
    drop((ill, good, kinds));
    assert!(host.is_gone(), "left: {:?}", host.processes());
}

#[test]
fn a_plugin_that_always_fails_is_left_alone_and_tried_again() {
    let host = Host::new();
    let kinds = load(&host, 1);
    let outlaw = open(&kinds, "outlaw", &json!({})).unwrap();
    let mut refused = 0;
    for _ in 0..40 {
        let error = does(&outlaw, Operation::Verify, "_exit").unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
            "{error}"
        );
        if error.message().contains("not asked for a while") {
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
    let began = SystemClock.monotonic();
    while accepts(&outlaw).is_err() {
        assert!(since(began) < Duration::from_secs(20), "it is tried again");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_hang_ends_at_the_deadline_and_so_does_the_process() {
    let host = Host::new();
    let kinds = load(&host, 1);
    let outlaw = open(&kinds, "outlaw", &json!({})).unwrap();
    for deed in ["hang", "loop", "rebel", "stop"] {
        let worker = |(_, line): &(u32, String)| line.contains("--worker");
        accepts(&outlaw).unwrap();
        let before: Vec<_> = host.processes().into_iter().filter(worker).collect();
        let began = SystemClock.monotonic();
        let asked = asked(Operation::Verify, deed);
        let error = block_on(outlaw.ask(asked, Duration::from_millis(150))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{deed}");
        assert!(since(began) < Duration::from_secs(20), "{deed}");
        accepts(&outlaw).unwrap();
        let after: Vec<_> = host.processes().into_iter().filter(worker).collect();
        assert!(
            after.iter().all(|process| !before.contains(process)),
            "{deed}: {before:?} {after:?}"
        );
        assert!(LONG > since(began));
    }
}

#[test]
fn a_provider_name_that_hangs_or_fails_takes_no_worker_from_another_of_its_plugin() {
    let host = Host::new();
    let kinds = load(&host, 1);
    let named = |name: &str| kinds.open("outlaw", name, &serde_json::Map::new()).unwrap();
    let (ill, good) = (named("ill"), named("good"));
    // Its only worker hangs, and its circuit opens.
    let mut hung = Box::pin(ill.ask(asked(Operation::Verify, "hang"), Duration::from_secs(2)));
    assert!(at_once(hung.as_mut()).is_none());
    accepts(&good).unwrap();
    assert_eq!(block_on(hung).unwrap_err().kind(), ErrorKind::Timeout);
    while !answer(&ill, asked(Operation::Verify, "_exit"))
        .unwrap_err()
        .message()
        .contains("not asked for a while")
    {}
    accepts(&good).unwrap();
    drop((ill, good, kinds));
    assert!(host.is_gone(), "left: {:?}", host.processes());
}
