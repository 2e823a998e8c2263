//! Nobody learns who exists: a decoy is answered like a miss, after the same work.

use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};
use doorward_plugin::abi;
use doorward_plugin_testing::Ask;

use super::credentials::with;
use crate::driver::{Reply, Seen};
use crate::exchange::Exchange;
use crate::finding::Findings;
use crate::mode::Mode;
use crate::spoiled;
use crate::subject::Opened;

/// Pairs that are measured at most, and for how long at most.
const PAIRS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(2);
/// A median that differs by more than this factor, and by more than that time, is a failure or a warning.
const FAILS: (u32, Duration) = (3, Duration::from_micros(60));
const WARNS: (u32, Duration) = (2, Duration::from_micros(15));
/// Host calls whose time shows from outside.
const WORK: [&str; 5] = ["pwhash.", "http.", "kv.", "limit.", "deliver."];

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let view = opened.view().clone();
    let begins = |exchange: &Exchange| {
        exchange.ask.operation == abi::OP_VERIFY
            && exchange.ask.flags & abi::RF_DECOY == 0
            && (!exchange.ask.records.is_empty() || !view.is(abi::KEEPS_RECORDS))
            && exchange.ask.resolved.is_empty()
            && matches!(exchange.reply.seen, Seen::Accepted | Seen::Continue)
    };
    let exchanges = opened.repeatable();
    let Some(exchange) = exchanges.into_iter().find(begins) else {
        return findings.skip("no vector verifies somebody");
    };
    let mut miss = exchange.ask.clone();
    for (field, right) in spoiled::secrets(&view, &exchange) {
        miss = with(&miss, &field.name, &spoiled::another(right));
    }
    let mut nobody = miss.clone().decoy();
    nobody.records.clear();
    if !nobody.subject.is_empty() {
        nobody.subject = vec![0x5a; 16];
    }
    opened.about_to("a decoy");
    let (missed, decoyed) = (
        opened.ask_again(&exchange, &miss),
        opened.ask_again(&exchange, &nobody),
    );
    // Right, if there were somebody.
    let mut right = nobody.clone();
    right.credentials.clone_from(&exchange.ask.credentials);
    let tempted = opened.ask_again(&exchange, &right);
    findings.demand(
        !tempted.accepted() && (!tempted.said_accept || !view.is(abi::KEEPS_RECORDS)),
        || "a decoy with a right credential is accepted".into(),
    );
    alike(&missed, &decoyed, findings);
    if opened.subject.mode == Mode::InProcess {
        times(opened, &exchange, (&miss, &nobody), findings);
    }
    if findings.note.is_empty() {
        findings.note = "answered alike".into();
    }
}

/// The same answer after the same calls.
fn alike(missed: &Reply, decoyed: &Reply, findings: &mut Findings) {
    let class = |reply: &Reply| match reply.seen {
        Seen::Denied(_) => "deny".to_owned(),
        seen => seen.text(),
    };
    findings.demand(class(missed) == class(decoyed), || {
        format!(
            "a wrong credential is answered with {}, nobody with {}: who gets to know the difference knows who exists",
            missed.seen.text(),
            decoyed.seen.text()
        )
    });
    let shape = |reply: &Reply| -> Vec<(String, usize)> {
        let values = reply.challenge.iter();
        values.map(|(name, value)| (name.clone(), value.len())).collect()
    };
    findings.demand(shape(missed) == shape(decoyed), || {
        format!(
            "the challenge of somebody has {:?} (name, bytes), nobody's has {:?}",
            shape(missed),
            shape(decoyed)
        )
    });
    let work = |reply: &Reply| -> Vec<&'static str> {
        let calls = reply.host_calls.iter().copied();
        calls
            .filter(|call| WORK.iter().any(|work| call.starts_with(work)))
            .collect()
    };
    findings.demand(work(missed) == work(decoyed), || {
        format!(
            "for a wrong credential the host's {:?} are called, for nobody {:?}: the time tells who exists",
            work(missed),
            work(decoyed)
        )
    });
}

fn times(
    opened: &mut Opened<'_>,
    exchange: &Exchange,
    (miss, nobody): (&Ask, &Ask),
    findings: &mut Findings,
) {
    let begun = SystemClock.monotonic();
    let (mut missed, mut decoyed) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        for (ask, times) in [(miss, &mut missed), (nobody, &mut decoyed)] {
            let before = SystemClock.monotonic();
            opened.ask_again(exchange, ask);
            times.push(SystemClock.monotonic().saturating_sub(before));
        }
        if SystemClock.monotonic().saturating_sub(begun) > PATIENCE {
            break;
        }
    }
    // The lower quartile: what the machine does besides only ever adds.
    let typical = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 4).copied().unwrap_or_default()
    };
    let (missed, decoyed) = (typical(&mut missed), typical(&mut decoyed));
    let apart = missed.abs_diff(decoyed);
    let beyond = |(factor, least): (u32, Duration)| {
        apart > least && missed.max(decoyed) > missed.min(decoyed).saturating_mul(factor)
    };
    let what = format!("a wrong credential takes {missed:?}, nobody {decoyed:?}");
    if beyond(FAILS) {
        findings.fail(format!("{what}: the time tells who exists"));
    } else if beyond(WARNS) {
        findings.warn(format!(
            "{what}: if that is more than noise, the time tells who exists"
        ));
    }
    findings.note = what;
}
