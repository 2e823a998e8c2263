//! Each host call fails once.

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions, INFALLIBLE};

use crate::driver::{Reply, Seen};
use crate::exchange::Exchange;
use crate::finding::Findings;
use crate::subject::Opened;

/// Host calls of one operation that are made to fail.
const MOST: usize = 48;
/// Host functions without which a credential may still be right.
const DISPENSABLE: [&str; 4] = ["audit", "extension", "message", "pwhash.needs_rehash"];

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    opening(opened, findings);
    let mut exchanges = opened.repeatable();
    exchanges.retain(|exchange| matches!(exchange.reply.seen, Seen::Accepted | Seen::Continue));
    if exchanges.is_empty() {
        return findings.skip("no vector is accepted");
    }
    let mut injected = 0;
    for exchange in &exchanges {
        let calls = fallible(&exchange.reply);
        for (index, call) in calls.iter().enumerate().take(MOST) {
            for status in [abi::E_INTERNAL, abi::E_UNAVAILABLE] {
                injected += 1;
                one(opened, exchange, (index, call, status), findings);
            }
        }
        opened.about_to(&format!("{}, after all that failed", exchange.what()));
        let again = opened.ask_again(exchange, &exchange.ask);
        findings.demand(again.seen == exchange.reply.seen, || {
            format!(
                "{}: {} before host calls failed, {} afterwards",
                exchange.what(),
                exchange.reply.seen.text(),
                again.seen.text()
            )
        });
    }
    findings.note = format!("{injected} failing host calls");
}

fn fallible(reply: &Reply) -> Vec<&'static str> {
    let calls = reply.host_calls.iter().copied();
    calls.filter(|call| !INFALLIBLE.contains(call)).collect()
}

fn one(
    opened: &mut Opened<'_>,
    exchange: &Exchange,
    (index, call, status): (usize, &str, i32),
    findings: &mut Findings,
) {
    let what = format!(
        "{}, while call {} of the host ({call}) fails with status {status}",
        exchange.what(),
        index + 1
    );
    opened.about_to(&what);
    let conditions = Conditions {
        failing: Some((index, status)),
        ..opened.conditions
    };
    opened.asker.set_clock(exchange.at);
    let reply = opened.asker.ask(&exchange.ask, conditions);
    // To verify, a better hash of the same password is a luxury.
    let rehash = call == "pwhash.hash" && exchange.ask.purpose == abi::FOR_VERIFY;
    let may = DISPENSABLE.contains(&call) || rehash;
    findings.demand(!reply.accepted() || may, || {
        format!("{what}: accepted all the same")
    });
}

/// Opening while the host fails: refused, or opened, and alive in both cases.
fn opening(opened: &mut Opened<'_>, findings: &mut Findings) {
    let options = opened.subject.options.clone();
    for index in 0..MOST {
        opened.about_to(&format!("open, while call {} of the host fails", index + 1));
        let conditions = Conditions {
            failing: Some((index, abi::E_INTERNAL)),
            ..opened.conditions
        };
        let name = opened.view().name.clone();
        let Ok(asker) = opened.loaded.open(&name, "checked", &options, conditions) else {
            continue;
        };
        opened.about_to("health, after an open that met a failing host");
        let reply = asker.ask(&Ask::health(), Conditions::default());
        findings.demand(!reply.accepted(), || "health says ACCEPT".into());
    }
}
