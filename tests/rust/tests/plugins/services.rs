//! What a plugin may ask of the host, tried from the plugin's side by `tests/plugins/probe.c`.

use std::sync::{Arc, Mutex};

use doorward::ErrorKind;
use doorward::plugin::{Decision, Kinds, Operation, PoolSettings, Services, ToldLimits};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::build;
use crate::context::{answer, ask, kinds, open, services};

#[test]
fn every_host_service_works() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let (services, heard) = services();
    let kinds = Kinds::load(&[build::settings(&object)], &[], services, PoolSettings::of(2)).unwrap();
    let options = json!({ "key": "k3y", "limit": 5, "strict": true, "server": { "greeting": "hello" } });
    let probe = open(&kinds, "probe", &options).unwrap();
    kinds.start().unwrap();
    let verdict = answer(&probe, ask(Operation::Verify, &[("word", "x")])).unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    assert_eq!(
        verdict.attributes,
        [("seen".to_owned(), json!("hello|k3y|5|1|probe"))]
    );
    let heard = heard.0.lock().unwrap().clone();
    assert!(heard[0].starts_with("loaded "), "{heard:?}");
    assert_eq!(heard[1..], ["probe probe.seen {\"n\":1}"]);
    assert_eq!(probe.faults(), 0);
}

#[test]
fn options_are_checked_before_the_kind_sees_them_and_it_may_still_refuse() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let kinds = kinds(&object);
    for (options, named) in [
        (json!({ "key": "k", "limt": 5 }), "limt: there is no such option"),
        (json!({ "limit": 5 }), "key: must be set"),
        (
            json!({ "key": "k", "limit": 21 }),
            "limit: must be a whole number from 1 to 20",
        ),
        (json!({ "key": "k", "limit": 13 }), "thirteen is unlucky"),
    ] {
        let error = open(&kinds, "probe", &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(named), "{error}");
    }
    let file = build::folder().join("key");
    std::fs::write(&file, "from a file\n").unwrap();
    let probe = open(&kinds, "probe", &json!({ "key": { "file": file } })).unwrap();
    let verdict = answer(&probe, ask(Operation::Verify, &[])).unwrap();
    assert_eq!(verdict.attributes[0].1, json!("|from a file|3|0|probe"));
}

#[test]
fn a_canonical_identifier_is_its_own_canonical_form() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let kinds = kinds(&object);
    let probe = open(&kinds, "probe", &json!({ "key": "k" })).unwrap();
    assert_eq!(probe.normalize(b"Ann").unwrap(), b"ann");
    for (raw, kind) in [
        (&b"!"[..], ErrorKind::InvalidArgument),
        (b"", ErrorKind::InvalidArgument),
        (&[b'a'; 1025], ErrorKind::InvalidArgument),
        (b"+ann", ErrorKind::PluginFault),
    ] {
        assert_eq!(probe.normalize(raw).unwrap_err().kind(), kind);
    }
    assert_eq!(probe.faults(), 1);
}

#[test]
fn credentials_are_the_declared_ones_and_too_long_is_wrong() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let kinds = kinds(&object);
    let probe = open(&kinds, "probe", &json!({ "key": "k" })).unwrap();
    for credentials in [&[("wrod", "x")][..], &[("word", "x"), ("word", "y")]] {
        let error = answer(&probe, ask(Operation::Verify, credentials)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    assert_eq!(
        answer(&probe, ask(Operation::Enroll, &[])).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    // The kind accepts everything; what is longer than it declared it must never get to accept.
    let verdict = answer(&probe, ask(Operation::Verify, &[("word", "123456789")])).unwrap();
    assert_eq!(verdict.decision, Decision::Deny);
}

/// What kinds logged, one line after the other.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

/// What was logged on threads of kinds: a helper's lines are written on the thread that waits for it. Of this process, as
/// long as it runs; the tests here are the only ones that make a kind chatter.
fn on_other_threads() -> &'static Lines {
    static LINES: std::sync::OnceLock<Lines> = std::sync::OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        tracing::subscriber::set_global_default(lines.clone()).unwrap();
        lines
    })
}

impl Visit for Lines {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "doorward::plugin"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn one_call_logs_and_audits_as_much_as_it_may_and_the_rest_is_counted() {
    let object = build::c("tests/plugins/chatty.c", &[]);
    on_other_threads();
    for (limits, taken) in [
        (ToldLimits::default(), 20),
        (
            ToldLimits {
                log_lines: 3,
                audit_records: 2,
            },
            2,
        ),
        (
            ToldLimits {
                log_lines: 150,
                audit_records: 30,
            },
            30,
        ),
    ] {
        let (given, heard) = services();
        let given = Services {
            told: limits,
            ..given
        };
        let kinds = Kinds::load(&[build::settings(&object)], &[], given, PoolSettings::of(2)).unwrap();
        let chatty = open(&kinds, "chatty", &json!({})).unwrap();
        kinds.start().unwrap();
        let lines = Lines::default();
        // Each call has its share anew.
        for call in 1..=2 {
            let verdict = tracing::subscriber::with_default(lines.clone(), || {
                answer(&chatty, ask(Operation::Verify, &[("word", "x")])).unwrap()
            });
            assert_eq!(verdict.attributes[0].1, json!([taken, 30 - taken]));
            assert_eq!(heard.0.lock().unwrap().len(), 1 + call * taken);
        }
        // A helper's lines are written by the thread that waits for it; in process, the kind is INLINE and has none.
        let elsewhere = std::mem::take(&mut *on_other_threads().0.lock().unwrap());
        let isolated = build::settings(&object).isolation.is_some();
        let heard_elsewhere = elsewhere
            .into_iter()
            .filter(|line| line == "chatter" || line.contains("plugin_limits"));
        lines
            .0
            .lock()
            .unwrap()
            .extend(heard_elsewhere.filter(|_| isolated));
        let lines = lines.0.lock().unwrap().clone();
        let (said, told): (Vec<_>, Vec<_>) = lines.iter().partition(|line| *line == "chatter");
        assert_eq!(said.len(), 2 * limits.log_lines as usize);
        if limits.log_lines == 150 {
            assert!(told.is_empty(), "{told:?}");
        } else {
            let lost = format!("{} log lines and {} audit", 150 - limits.log_lines, 30 - taken);
            assert!(told.len() == 2 && told[0].starts_with(&lost), "{told:?}");
            assert!(told[0].contains("plugin_limits.log_lines"));
        }
    }
}
