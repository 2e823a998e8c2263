//! Steps: with a state that is not theirs, out of order, and in another process.

use doorward_plugin::abi;

use crate::driver::Seen;
use crate::exchange::Exchange;
use crate::finding::Findings;
use crate::randomness::Dice;
use crate::spoiled;
use crate::subject::Opened;

/// Bits that are turned in one state.
const FLIPS: usize = 64;
/// Longer than any flow lives.
const A_YEAR: i64 = 366 * 24 * 3600;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    if !opened.view().has(abi::OP_STEP) {
        return findings.skip("the kind has no steps");
    }
    resumed(opened, findings);
    let mut exchanges = opened.repeatable();
    exchanges.retain(|exchange| exchange.ask.operation == abi::OP_STEP);
    if exchanges.is_empty() {
        return findings.skip("no vector has a step");
    }
    findings.carried = exchanges.iter().map(Exchange::carried).collect();
    let accepted: Vec<&Exchange> = exchanges
        .iter()
        .filter(|exchange| exchange.reply.accepted())
        .collect();
    let mut dice = Dice::of(opened.subject.seed);
    for exchange in &accepted {
        states(opened, exchange, &mut dice, findings);
        order(opened, exchange, findings);
    }
    findings.note = format!("{} steps, {} of them accepted", exchanges.len(), accepted.len());
}

/// States that the plugin did not write.
fn states(opened: &mut Opened<'_>, exchange: &Exchange, dice: &mut Dice, findings: &mut Findings) {
    let right = exchange.ask.state.clone();
    let most = opened.view().max_state;
    for (how, state) in spoiled::stored(&right, most, dice) {
        let what = format!("{} with a state that is {how}", exchange.what());
        let mut ask = exchange.ask.clone();
        ask.state = state;
        opened.about_to(&what);
        let seen = opened.ask_again(exchange, &ask).seen;
        findings.demand(seen != Seen::Accepted, || format!("{what}: accepted"));
        findings.demand(seen != Seen::Fault, || {
            format!("{what}: {}; it is FORMAT, or DENY", seen.text())
        });
    }
    let flipped = spoiled::flipped(&right, FLIPS, dice);
    let mut taken = 0;
    for state in &flipped {
        let mut ask = exchange.ask.clone();
        ask.state.clone_from(state);
        opened.about_to(&format!("{} with a bit of the state turned", exchange.what()));
        match opened.ask_again(exchange, &ask).seen {
            Seen::Accepted => taken += 1,
            Seen::Fault => findings.fail(format!(
                "{} with a bit of the state turned: broken contract; it is FORMAT, or DENY",
                exchange.what()
            )),
            _ => {}
        }
    }
    findings.demand(flipped.len() < 2 || taken < flipped.len(), || {
        format!(
            "{}: accepted whichever of {taken} bits of the state is turned: is it looked at?",
            exchange.what()
        )
    });
}

/// Steps that nobody has come to.
fn order(opened: &mut Opened<'_>, exchange: &Exchange, findings: &mut Findings) {
    let mut without = exchange.ask.clone();
    without.step += 1;
    without.credentials.clear();
    let mut of_another = exchange.ask.clone();
    of_another.purpose = match of_another.purpose {
        abi::FOR_VERIFY => abi::FOR_ENROLL,
        _ => abi::FOR_VERIFY,
    };
    let mut nobodys = exchange.ask.clone();
    nobodys.records.clear();
    let keeps = opened.view().is(abi::KEEPS_RECORDS) && exchange.ask.purpose == abi::FOR_VERIFY;
    let proves = spoiled::secrets(opened.view(), exchange)
        .iter()
        .any(|(field, _)| field.secret);
    for (ask, how, applies) in [
        (without, "one step later and without credentials", proves),
        (of_another, "as a step of another operation", true),
        (nobodys, "for somebody without records", keeps),
    ] {
        let what = format!("{}, {how}", exchange.what());
        opened.about_to(&what);
        let reply = opened.ask_again(exchange, &ask);
        findings.demand(!applies || !(reply.accepted() || reply.said_accept), || {
            format!("{what}: accepted")
        });
    }
    // The host would not ask any more: whatever is answered is fine, but it is answered.
    opened.about_to(&format!("{}, a year later", exchange.what()));
    opened.asker.set_clock(exchange.at.saturating_add(A_YEAR));
    opened.ask(&exchange.ask);
}

/// Steps of flows that began in another process.
fn resumed(opened: &mut Opened<'_>, findings: &mut Findings) {
    for carried in std::mem::take(&mut opened.subject.carried) {
        let exchange = Exchange::resumed(&carried);
        opened.about_to(&format!("{}, begun in another process", exchange.what()));
        let seen = opened.ask_again(&exchange, &exchange.ask).seen;
        findings.demand(seen.text() == carried.seen, || {
            format!(
                "{}: {} in the process where the flow began, {} in another: a plugin keeps nothing in memory between \
                 two steps",
                exchange.what(),
                carried.seen,
                seen.text()
            )
        });
    }
}
