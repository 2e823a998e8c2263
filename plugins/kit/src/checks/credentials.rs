//! Nothing but the right credential is accepted.

use doorward_plugin::abi;
use doorward_plugin_testing::Ask;

use crate::driver::Seen;
use crate::exchange::Exchange;
use crate::finding::Findings;
use crate::kind_view::FieldView;
use crate::randomness::Dice;
use crate::spoiled;
use crate::subject::Opened;

/// How often one wrong credential is tried.
const REPEATS: usize = 200;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let accepted = super::accepted_verifications(opened);
    if accepted.is_empty() {
        return findings.skip("no vector verifies and is accepted");
    }
    let view = opened.view().clone();
    let mut dice = Dice::of(opened.subject.seed);
    let mut asked = 0;
    for exchange in &accepted {
        for (field, right) in spoiled::secrets(&view, exchange) {
            // Not the hundredth time either.
            let ask = with(&exchange.ask, &field.name, &spoiled::another(right));
            for _ in 0..REPEATS {
                one(
                    opened,
                    exchange,
                    (field, "is wrong again and again"),
                    &ask,
                    findings,
                );
            }
            for (how, wrong) in wrong(field, right, &mut dice) {
                asked += 1;
                one(
                    opened,
                    exchange,
                    (field, how),
                    &with(&exchange.ask, &field.name, &wrong),
                    findings,
                );
            }
        }
        if view.is(abi::KEEPS_RECORDS) && !exchange.ask.records.is_empty() {
            let mut ask = exchange.ask.clone();
            ask.records.clear();
            opened.about_to(&format!("{} without a record", exchange.what()));
            let reply = opened.ask_again(exchange, &ask);
            findings.demand(!reply.accepted() && !reply.said_accept, || {
                format!("{}: accepted without a record to verify against", exchange.what())
            });
        }
    }
    findings.note = format!("{asked} wrong credentials");
}

/// The question with another credential.
pub(crate) fn with(ask: &Ask, field: &str, value: &[u8]) -> Ask {
    let mut ask = ask.clone();
    for (name, old) in &mut ask.credentials {
        if name == field {
            *old = value.to_vec();
        }
    }
    ask
}

fn one(
    opened: &mut Opened<'_>,
    exchange: &Exchange,
    (field, how): (&FieldView, &str),
    ask: &Ask,
    findings: &mut Findings,
) {
    let what = format!("{}: {} {how}", exchange.what(), field.name);
    opened.about_to(&what);
    let reply = opened.ask_again(exchange, ask);
    match reply.seen {
        Seen::Accepted => findings.fail(format!("{what}: accepted")),
        Seen::Fault => findings.fail(format!(
            "{what}: {}; a wrong credential is DENY",
            reply.seen.text()
        )),
        Seen::Format | Seen::Undecided(_) => findings.warn(format!(
            "{what}: {}, which counts against nobody: a wrong credential is DENY",
            reply.seen.text()
        )),
        _ => {}
    }
}

fn wrong(field: &FieldView, right: &[u8], dice: &mut Dice) -> Vec<(&'static str, Vec<u8>)> {
    let behind = |more: &[u8]| [right, more].concat();
    let cut = |len: usize| right.get(..len).unwrap_or_default().to_vec();
    let mut all = vec![
        ("is empty", Vec::new()),
        ("is another of the same length", spoiled::another(right)),
        (
            "is random bytes",
            dice.bytes(right.len().max(8).min(field.max_len)),
        ),
        ("is as long as it may be", vec![b'A'; field.max_len]),
        ("is all zero bytes", vec![0; right.len()]),
        ("has a NUL and more behind it", behind(b"\0x")),
    ];
    if right.last().is_some_and(u8::is_ascii_alphanumeric) {
        all.push(("has one character more", behind(b"0")));
        all.push(("lacks its last character", cut(right.len() - 1)));
        all.push(("is the first half of the right one", cut(right.len() / 2)));
    }
    // In a field of one or two bytes, a random value may well be the right one.
    all.retain(|(how, bytes)| {
        bytes.len() <= field.max_len
            && bytes.as_slice() != right
            && (field.max_len > 4 || !how.contains("random"))
    });
    all
}
