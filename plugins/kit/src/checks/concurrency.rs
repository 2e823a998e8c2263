//! Many threads, one instance.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};
use doorward_plugin::abi;
use doorward_plugin_testing::Conditions;

use crate::driver::{Asker, Reply, Seen};
use crate::exchange::Exchange;
use crate::finding::Findings;
use crate::randomness::Dice;
use crate::subject::Opened;

const THREADS: u64 = 8;
const QUESTIONS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    // One clock for all threads: the questions of one moment.
    let mut moments: BTreeMap<i64, Vec<Exchange>> = BTreeMap::new();
    for exchange in opened.repeatable() {
        moments.entry(exchange.at).or_default().push(exchange);
    }
    let Some((at, exchanges)) = moments.into_iter().max_by_key(|(_, exchanges)| exchanges.len()) else {
        return findings.skip("no vectors for this kind");
    };
    opened.asker.set_clock(at);
    opened.about_to("questions from many threads");
    let seed = opened.subject.seed;
    let asker: &dyn Asker = &*opened.asker;
    let exchanges = &exchanges;
    let found: Vec<(usize, Option<String>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || one_thread(asker, exchanges, Dice::of(seed ^ thread))))
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    });
    let total: usize = found.iter().map(|(asked, _)| asked).sum();
    for what in found.into_iter().filter_map(|(_, what)| what) {
        findings.fail(what);
    }
    findings.note = format!("{total} questions from {THREADS} threads");
}

/// How many questions, and the first answer that was another than alone.
fn one_thread(asker: &dyn Asker, exchanges: &[Exchange], mut dice: Dice) -> (usize, Option<String>) {
    let begun = SystemClock.monotonic();
    for asked in 0..QUESTIONS {
        let Some(exchange) = dice.one_of(exchanges) else {
            return (asked, None);
        };
        let reply = asker.ask(&exchange.ask, Conditions::default());
        if reply.seen == Seen::Undecided(abi::E_OVERLOADED) {
            // So many at once are more than an isolated plugin has processes for: the host's doing.
            continue;
        }
        if answer(&reply) != answer(&exchange.reply) {
            let what = format!(
                "{}: {} alone, {} among {THREADS} threads",
                exchange.what(),
                answer(&exchange.reply),
                answer(&reply)
            );
            return (asked, Some(what));
        }
        if SystemClock.monotonic().saturating_sub(begun) > PATIENCE {
            return (asked, None);
        }
    }
    (QUESTIONS, None)
}

/// What must not depend on others: records, states and challenges may be random.
fn answer(reply: &Reply) -> String {
    let identifier = String::from_utf8_lossy(reply.identifier.as_deref().unwrap_or_default());
    format!("{} {identifier}", reply.seen.text())
        .trim_end()
        .to_owned()
}
