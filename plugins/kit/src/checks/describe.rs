//! What a person may see of an authenticator is short, and no secret.

use doorward_plugin::abi;
use doorward_plugin_testing::Ask;

use super::secrets::{LEAST, Secret, contains};
use crate::driver::{Reply, Seen};
use crate::finding::Findings;
use crate::spoiled;
use crate::subject::Opened;

/// Most bytes of the names and values of one description.
const MOST: usize = 8 * 1024;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let view = opened.view().clone();
    if !view.has(abi::OP_DESCRIBE) {
        return findings.skip("the kind describes nothing");
    }
    let mut secrets = Vec::new();
    let mut described: Vec<(String, Reply)> = Vec::new();
    for exchange in opened.play().exchanges {
        let what = exchange.what();
        let of = |name: &str, bytes: &[u8]| Secret {
            name: format!("{name} of {what}"),
            bytes: bytes.to_vec(),
        };
        let typed = spoiled::secrets(&view, &exchange);
        let typed = typed.iter().filter(|(field, _)| field.secret);
        secrets.extend(typed.map(|(field, value)| of(&field.name, value)));
        let shown = exchange.reply.show_once.iter();
        secrets.extend(shown.map(|(name, value)| of(name, value)));
        for record in &exchange.ask.records {
            secrets.push(of("the record", &record.bytes));
            let mut ask = Ask::describe();
            ask.subject.clone_from(&exchange.ask.subject);
            ask.records = vec![record.clone()];
            opened.asker.set_clock(exchange.at);
            let what = format!("describe with the record of case {:?}", exchange.case);
            opened.about_to(&what);
            let reply = opened.ask(&ask);
            // A record that the case does not understand is not described either.
            if reply.seen != Seen::Format || exchange.reply.seen != Seen::Format {
                described.push((what, reply));
            }
        }
    }
    if described.is_empty() {
        return findings.skip("no vector has a record");
    }
    secrets.retain(|secret| secret.bytes.len() >= LEAST);
    for (what, reply) in &described {
        // Without a verdict, which is the denial that a reply begins with.
        findings.demand(matches!(reply.seen, Seen::Denied(_)), || {
            format!("{what}: {}: {}", reply.seen.text(), reply.message)
        });
        let size: usize = reply
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        findings.demand(size <= MOST, || format!("{what}: {size} bytes; {MOST} at most"));
        for (name, value) in &reply.attributes {
            for secret in secrets.iter().filter(|secret| contains(value, secret)) {
                findings.fail(format!("{what}: {} stands in {name}", secret.name));
            }
        }
    }
    findings.note = format!("{} descriptions", described.len());
}
