//! Who is told that a counter is closed answers as always, and sends nothing.

use doorward_plugin_testing::Conditions;

use crate::driver::Reply;
use crate::finding::Findings;
use crate::subject::Opened;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let mut exchanges = opened.repeatable();
    exchanges.retain(|exchange| exchange.reply.host_calls.contains(&"limit.limit"));
    if exchanges.is_empty() {
        return findings.skip("it asks for no limit, or in no vector that can be asked twice");
    }
    for exchange in &exchanges {
        let what = format!("{}, while its counters are closed", exchange.what());
        opened.about_to(&what);
        let conditions = Conditions {
            closed: true,
            ..opened.conditions
        };
        opened.asker.set_clock(exchange.at);
        let closed = opened.asker.ask(&exchange.ask, conditions);
        findings.demand(closed.seen == exchange.reply.seen, || {
            format!(
                "{what}: {}, otherwise {}: who gets to know the difference knows what others have asked for",
                closed.seen.text(),
                exchange.reply.seen.text()
            )
        });
        findings.demand(shape(&closed) == shape(&exchange.reply), || {
            format!(
                "{what}: the challenge has {:?} (name, bytes), otherwise {:?}",
                shape(&closed),
                shape(&exchange.reply)
            )
        });
        findings.demand(closed.messages == 0, || {
            format!("{what}: {} messages all the same", closed.messages)
        });
    }
    findings.note = format!("{} operations with closed counters", exchanges.len());
}

fn shape(reply: &Reply) -> Vec<(&str, usize)> {
    let values = reply.challenge.iter();
    values.map(|(name, value)| (name.as_str(), value.len())).collect()
}
