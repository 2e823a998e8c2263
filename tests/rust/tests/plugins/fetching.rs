//! `doorward.http/1`, from the plugin's side (`tests/plugins/fetcher.c`) to the port. What lies behind the port is tried in
//! `tests/rust/tests/egress`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::ErrorKind;
use doorward::egress::{Fetch, Incoming, NoAnswer, Outgoing};
use doorward::plugin::{Decision, Kind, Kinds, Operation, PoolSettings, Services};

use crate::build;
use crate::context::{answer, ask, services};

/// Answers as it is told, and writes down what it was asked.
struct Port {
    answer: Result<Vec<u8>, NoAnswer>,
    asked: Mutex<Vec<String>>,
}

impl Fetch for Port {
    fn fetch(&self, provider: &str, request: Outgoing<'_>, wait: Duration) -> Result<Incoming, NoAnswer> {
        assert!(!wait.is_zero() && wait <= Duration::from_secs(10), "{wait:?}");
        self.asked.lock().unwrap().push(format!(
            "{provider} {} {} {:?} {:?}",
            request.method.name(),
            request.url,
            request.headers,
            String::from_utf8_lossy(request.body)
        ));
        self.answer.clone().map(|body| Incoming { status: 418, body })
    }
}

fn loaded(answer: Result<Vec<u8>, NoAnswer>) -> (Kinds, Arc<Port>) {
    let port = Arc::new(Port {
        answer,
        asked: Mutex::default(),
    });
    let services = Services {
        egress: Some(port.clone()),
        ..services().0
    };
    let object = build::c("tests/plugins/fetcher.c", &[]);
    let kinds = Kinds::load(&[build::settings(&object)], &[], services, PoolSettings::of(2)).unwrap();
    kinds.start().unwrap();
    (kinds, port)
}

fn open(kinds: &Kinds, kind: &str) -> Kind {
    kinds.open(kind, "corp", &serde_json::Map::new()).unwrap()
}

/// What the kind was told: status of the call, status of the answer, bytes.
fn told(kind: &Kind, how: &str) -> String {
    let verdict = answer(kind, ask(Operation::Verify, &[("how", how)])).unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    verdict.attributes[0].1.as_str().unwrap().to_owned()
}

#[test]
fn a_request_arrives_as_it_was_made_and_wrong_ones_go_nowhere() {
    let (kinds, port) = loaded(Ok(b"an answer".to_vec()));
    let kind = open(&kinds, "fetcher");
    assert_eq!(told(&kind, "rightly"), "0|418|9");
    assert_eq!(told(&kind, "barely"), "0|418|9");
    assert_eq!(told(&kind, "without room"), "-10|418|9", "it says what it needs");
    let asked: Vec<String> = std::mem::take(&mut port.asked.lock().unwrap());
    let url = "https://issuer.example/token";
    assert_eq!(
        asked,
        [
            format!("corp POST {url} [(\"accept\", \"text/plain\"), (\"x-a\", \"b\")] \"a=b\""),
            format!("corp GET {url} [] \"\""),
            format!("corp GET {url} [] \"\""),
        ]
    );
    // Wrong in one way each; what was in the places before is never left there.
    for (how, expected) in [
        ("without a place for the status", "-1|77|0"),
        ("without a place for the length", "-1|0|77"),
        ("into nothing", "-1|0|0"),
        ("without an address", "-1|0|0"),
        ("with a long address", "-1|0|0"),
        ("without a method", "-1|0|0"),
        ("with an unknown method", "-1|0|0"),
        ("with a long method", "-1|0|0"),
        ("without the headers", "-1|0|0"),
        ("with many headers", "-1|0|0"),
        ("with a header of bytes", "-1|0|0"),
        ("without the body", "-1|0|0"),
        ("with a long body", "-1|0|0"),
        ("without a call", "-1|0|0"),
        ("with the reply for a call", "-1|0|0"),
    ] {
        assert_eq!(told(&kind, how), expected, "{how}");
    }
    assert!(port.asked.lock().unwrap().is_empty());
    kinds.stop();
}

#[test]
fn whoever_may_not_wait_may_not_fetch() {
    let (kinds, port) = loaded(Ok(Vec::new()));
    // Its `open` has tried, too.
    let inline = open(&kinds, "fetcher.inline");
    assert_eq!(told(&inline, "rightly"), "-2|0|0");
    assert_eq!(inline.normalize(b"ada").unwrap(), b"ada");
    let pooled = open(&kinds, "fetcher");
    assert_eq!(pooled.normalize(b"ada").unwrap(), b"ada");
    assert!(port.asked.lock().unwrap().is_empty());
    kinds.stop();
}

#[test]
fn each_reason_has_its_status_and_a_host_without_clients_none() {
    let why = || "a reason".to_owned();
    for (no_answer, expected) in [
        (NoAnswer::Malformed(why()), "-1|0|0"),
        (NoAnswer::NotListed(why()), "-3|0|0"),
        (NoAnswer::Unavailable(why()), "-6|0|0"),
        (NoAnswer::Timeout(why()), "-7|0|0"),
        (NoAnswer::TooLarge(why()), "-10|0|0"),
    ] {
        let (kinds, _) = loaded(Err(no_answer.clone()));
        assert_eq!(
            told(&open(&kinds, "fetcher"), "rightly"),
            expected,
            "{no_answer:?}"
        );
        kinds.stop();
    }
    let object = build::c("tests/plugins/fetcher.c", &[]);
    let kinds = Kinds::load(
        &[build::settings(&object)],
        &[],
        services().0,
        PoolSettings::of(2),
    )
    .unwrap();
    kinds.start().unwrap();
    assert_eq!(told(&open(&kinds, "fetcher"), "rightly"), "-2|0|0");
    kinds.stop();
}

/// How the question ends, and in which words.
fn ends(kind: &Kind, how: &str) -> (ErrorKind, String) {
    let error = answer(kind, ask(Operation::Verify, &[("how", how)])).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn what_another_side_sent_too_much_of_is_unavailable_and_told_with_its_size() {
    let (kinds, _) = loaded(Ok(b"an answer".to_vec()));
    let kind = open(&kinds, "fetcher");
    let sent = "cannot take what its backend sent: the answer of https://issuer.example has 9 bytes, and the plugin takes 8";
    for (how, said) in [
        ("into eight bytes", sent),
        ("into eight bytes, unavailable", sent),
        (
            "too large, as it says",
            "cannot take what its backend sent: the directory's entry has 70000 bytes, and 65536 are taken",
        ),
    ] {
        let told = (ErrorKind::Unavailable, format!("kind \"fetcher\" {said}"));
        assert_eq!(ends(&kind, how), told, "{how}");
    }
    assert_eq!(kind.faults(), 0);
    // What is the plugin's own is its fault still.
    for (how, said) in [
        (
            "into eight bytes, accepting",
            "a verdict together with an error status",
        ),
        ("into eight bytes, then more", "what is larger than which limit"),
        ("too large", "what is larger than which limit"),
        (
            "too large a label",
            "a reply may not hold|a label that is|an impossible length",
        ),
    ] {
        let (told, message) = ends(&kind, how);
        assert_eq!(told, ErrorKind::PluginFault, "{how}: {message}");
        assert!(
            said.split('|').any(|said| message.contains(said)),
            "{how}: {message}"
        );
    }
    assert_eq!(kind.faults(), 4);
    kinds.stop();
    // Beyond what the host itself takes.
    let more = "the answer of https://issuer.example has more than 1048576 bytes";
    let (kinds, _) = loaded(Err(NoAnswer::TooLarge(more.to_owned())));
    let kind = open(&kinds, "fetcher");
    for how in ["into eight bytes", "into eight bytes, unavailable"] {
        let (told, message) = ends(&kind, how);
        assert_eq!(
            (told, message.contains(more)),
            (ErrorKind::Unavailable, true),
            "{how}: {message}"
        );
    }
    kinds.stop();
}
