//! What is stored may come back damaged: nobody is let in by that.

use doorward_plugin::abi;

use super::credentials::with;
use crate::driver::Seen;
use crate::exchange::Exchange;
use crate::finding::Findings;
use crate::randomness::Dice;
use crate::spoiled;
use crate::subject::Opened;

/// Bits that are turned in one record.
const FLIPS: usize = 96;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    if !opened.view().is(abi::KEEPS_RECORDS) {
        return findings.skip("the kind keeps no records");
    }
    let mut accepted = super::accepted_verifications(opened);
    accepted.retain(|exchange| exchange.ask.records.len() == 1);
    if accepted.is_empty() {
        return findings.skip("no vector verifies against one record and is accepted");
    }
    let mut dice = Dice::of(opened.subject.seed);
    let most = opened.view().max_record;
    for exchange in &accepted {
        let Some(right) = exchange.ask.records.first().map(|record| record.bytes.clone()) else {
            continue;
        };
        for (how, bytes) in spoiled::stored(&right, most, &mut dice) {
            let what = format!("{} with a record that is {how}", exchange.what());
            let seen = ask(opened, exchange, &bytes, &what, false);
            match seen {
                // Text at the end of a record may be a little shorter or longer and still be read.
                Seen::Accepted if how == "without its last byte" || how == "twice in a row" => {
                    findings.warn(format!("{what}: accepted; let the record say how long it is"));
                }
                Seen::Accepted => findings.fail(format!("{what}: accepted")),
                _ => {}
            }
            findings.demand(seen != Seen::Fault, || {
                format!("{what}: {}; it is FORMAT, or DENY", seen.text())
            });
        }
        let flipped = spoiled::flipped(&right, FLIPS, &mut dice);
        let mut taken = 0;
        for bytes in &flipped {
            let what = format!("{} with a bit of the record turned", exchange.what());
            match ask(opened, exchange, bytes, &what, false) {
                Seen::Accepted => taken += 1,
                Seen::Fault => findings.fail(format!("{what}: broken contract; it is FORMAT, or DENY")),
                _ => {}
            }
            let what = format!("{what}, and a wrong credential");
            let seen = ask(opened, exchange, bytes, &what, true);
            findings.demand(seen != Seen::Accepted, || format!("{what}: accepted"));
        }
        // A counter or a label may change and the credential still be right; not everything may.
        findings.demand(flipped.len() < 8 || taken < flipped.len(), || {
            format!(
                "{}: accepted whichever of {taken} bits of the record is turned: is it looked at?",
                exchange.what()
            )
        });
    }
    findings.note = format!("{} records, damaged in {FLIPS} and more ways", accepted.len());
}

fn ask(opened: &mut Opened<'_>, exchange: &Exchange, bytes: &[u8], what: &str, wrong: bool) -> Seen {
    let mut ask = exchange.ask.clone();
    if wrong {
        for (field, right) in spoiled::secrets(opened.view(), exchange) {
            ask = with(&ask, &field.name, &spoiled::another(right));
        }
    }
    for record in &mut ask.records {
        record.bytes = bytes.to_vec();
    }
    opened.about_to(what);
    opened.ask_again(exchange, &ask).seen
}
