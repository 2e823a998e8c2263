//! An operation that is given up gives up.

use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};
use doorward_plugin::abi;
use doorward_plugin_testing::Conditions;

use crate::finding::Findings;
use crate::subject::Opened;

/// What an operation may take longer when it is already over.
const GRACE: Duration = Duration::from_secs(1);
/// Questions that are tried.
const MOST: usize = 6;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    if opened.view().is(abi::INLINE) {
        return findings.skip("an INLINE kind never blocks");
    }
    let mut exchanges = opened.repeatable();
    if exchanges.is_empty() {
        return findings.skip("no vectors for this kind");
    }
    exchanges.truncate(MOST);
    for exchange in &exchanges {
        opened.asker.set_clock(exchange.at);
        let mut time = |conditions: Conditions, what: &str| {
            opened.about_to(&format!("{}, {what}", exchange.what()));
            let before = SystemClock.monotonic();
            opened.asker.ask(&exchange.ask, conditions);
            SystemClock.monotonic().saturating_sub(before)
        };
        let usual = time(Conditions::default(), "in time");
        let cancelled = Conditions {
            cancelled: true,
            ..Conditions::default()
        };
        let late = Conditions {
            remaining_ns: -1,
            ..Conditions::default()
        };
        for (conditions, what) in [(cancelled, "cancelled"), (late, "past its deadline")] {
            let took = time(conditions, what);
            findings.demand(took <= usual + GRACE, || {
                format!(
                    "{}, {what}: returns after {took:?}, usually after {usual:?}; look at host->cancelled and \
                     host->remaining_ns where you wait",
                    exchange.what()
                )
            });
        }
    }
    findings.note = format!("{} operations given up", exchanges.len() * 2);
}
