//! What one process counts in its own memory, and forgets with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::{ThrottleLaw, ThrottleRow};

/// Most networks whose wrong credentials are counted: of one more, the one that was quiet for longest is forgotten.
const NETWORKS: usize = 1024;
/// How long after its last one a network's wrong credentials are forgotten.
const QUIET: Duration = Duration::from_hours(1);

/// The counters of one process.
#[derive(Default)]
pub(crate) struct Here {
    /// Flows stored for strangers from everywhere.
    begun: Mutex<ThrottleRow>,
    /// Wrong credentials that cannot be guessed, by network: how many, and when the last one came.
    wrong: Mutex<HashMap<String, (u64, Duration)>>,
}

impl Here {
    /// Charges a flow of a stranger; false: this process stores no more of them now. `now` is of the monotonic clock.
    pub(crate) fn begins(&self, law: &ThrottleLaw, now: Duration) -> bool {
        let now = Timestamp::default().plus(now);
        let mut row = locked(&self.begun);
        let is_open = row.wait(law, now).is_zero();
        if is_open {
            *row = row.counted(law, now);
        }
        is_open
    }

    /// Counts a wrong credential that cannot be guessed; how many its network has presented. `now` is of the monotonic
    /// clock.
    pub(crate) fn wrong(&self, network: &str, now: Duration) -> u64 {
        if network.is_empty() {
            return 1;
        }
        let mut counts = locked(&self.wrong);
        if !counts.contains_key(network) && counts.len() >= NETWORKS {
            let quietest = counts.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(quietest) = quietest.map(|(network, _)| network.clone()) {
                counts.remove(&quietest);
            }
        }
        let (count, last) = counts.entry(network.to_owned()).or_insert((0, now));
        if now.saturating_sub(*last) >= QUIET {
            *count = 0;
        }
        *count = count.saturating_add(1);
        *last = now;
        *count
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can leave them half changed.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_process_begins_a_burst_and_then_one_at_a_time() {
        let law = ThrottleLaw::Rate {
            burst: 3,
            every: at(10),
        };
        let here = Here::default();
        let begun = |seconds| (0..9).filter(|_| here.begins(&law, at(seconds))).count();
        assert_eq!([0, 9, 10, 25, 26].map(begun), [3, 0, 1, 1, 0]);
        assert_eq!(begun(86_400), 3);
    }

    #[test]
    fn wrong_credentials_are_counted_by_network_until_it_was_quiet() {
        let here = Here::default();
        assert_eq!([0, 1, 2].map(|n| here.wrong("a", at(n))), [1, 2, 3]);
        assert_eq!(here.wrong("b", at(2)), 1);
        assert_eq!(here.wrong("", at(2)), 1);
        assert_eq!(here.wrong("", at(2)), 1, "nobody's network");
        assert_eq!(here.wrong("a", at(3601)), 4);
        assert_eq!(here.wrong("a", at(2 * 3600 + 1)), 1, "an hour later");
    }

    #[test]
    fn no_more_networks_are_held_than_there_is_room_for() {
        let here = Here::default();
        for n in 0..5000 {
            here.wrong(&n.to_string(), at(n));
            here.wrong("often", at(n));
        }
        assert_eq!(locked(&here.wrong).len(), NETWORKS);
        assert_eq!(here.wrong("often", at(5000)), 5001, "who is not quiet stays");
        assert_eq!(here.wrong("4999", at(5000)), 2);
        assert_eq!(here.wrong("0", at(5000)), 1, "the quietest went");
    }
}
