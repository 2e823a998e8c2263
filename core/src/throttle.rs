//! Throttling: which counters an attempt meets, and who goes first in this process.
//!
//! Nothing is written for a right credential: attempts under way are counted in the process that makes them
//! ([`Slots`]), failures in the store. Nothing locks: delays grow (NIST SP 800-63B-4 section 3.2.2, OWASP
//! Authentication Cheat Sheet). Every counter that a stranger can fill has a lane beside it: a browser that has signed
//! in before (its sealed device cookie says so) is counted by its user instead, and the owner is not shut out.

mod here;
mod kinds;
mod settings;
mod slots;

pub(crate) use here::Here;
pub(crate) use kinds::{KindLimits, key_of_kind};
pub use settings::{Counter, ThrottleSettings};
pub(crate) use slots::{Permit, Slots};

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::id::UserId;
use crate::store::{Hash, ThrottleKey, ThrottleLaw};

/// Who attempts: where from, and whether the browser is one of the subject's own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Origin<'a> {
    pub(crate) realm: &'a str,
    /// The network prefix as text; empty without a request.
    pub(crate) network: &'a str,
    /// The /48 of an IPv6 network; empty for others.
    pub(crate) network48: &'a str,
    /// The user whose device cookie the browser has, where that user is the subject.
    pub(crate) known: Option<UserId>,
}

/// The counters of one attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// What the subject has failed, the narrowest first: emptied by a success.
    pub(crate) delays: Vec<ThrottleKey>,
    /// What strangers share: moved back by a success, never emptied, else one good account would buy a network
    /// unlimited guesses.
    pub(crate) rates: Vec<ThrottleKey>,
    /// True in the lane of known devices.
    pub(crate) known: bool,
}

impl ThrottleSettings {
    /// The counters of the first step of an authentication by this subject.
    pub(crate) fn first_step(&self, from: Origin<'_>, identity: &Hash) -> Counters {
        if let Some(user) = from.known {
            return self.lane(vec![self.key(Counter::Device, from.realm, &[user.as_bytes()])]);
        }
        let mut delays = Vec::new();
        if !from.network.is_empty() {
            delays.push(self.key(Counter::In, from.realm, &[identity, from.network.as_bytes()]));
        }
        delays.push(self.key(Counter::Id, from.realm, &[identity]));
        self.strangers(from, delays)
    }

    /// The counters of a later step: by user and provider, whatever the flow, so that a new flow buys no guesses.
    pub(crate) fn later_step(&self, from: Origin<'_>, subject: &[u8], provider: &str) -> Counters {
        let parts = &[subject, provider.as_bytes()];
        match from.known {
            Some(_) => self.lane(vec![self.key(Counter::StepDevice, from.realm, parts)]),
            None => self.strangers(from, vec![self.key(Counter::Step, from.realm, parts)]),
        }
    }

    /// The counters of what names nobody: a sign-up, which may find an identifier taken.
    pub(crate) fn nobody(&self, from: Origin<'_>) -> Counters {
        self.strangers(from, Vec::new())
    }

    fn lane(&self, delays: Vec<ThrottleKey>) -> Counters {
        let delays = if self.enabled { delays } else { Vec::new() };
        Counters {
            delays,
            rates: Vec::new(),
            known: true,
        }
    }

    fn strangers(&self, from: Origin<'_>, delays: Vec<ThrottleKey>) -> Counters {
        if !self.enabled {
            return Counters::default();
        }
        let rates = [(Counter::Net, from.network), (Counter::Net48, from.network48)];
        let rates = rates
            .into_iter()
            .filter(|(_, network)| !network.is_empty())
            .map(|(counter, network)| self.key(counter, from.realm, &[network.as_bytes()]));
        Counters {
            rates: rates.collect(),
            delays,
            known: false,
        }
    }

    /// One counter's key: SHA-256 of realm, scope and parts, each with its length.
    pub(crate) fn key(&self, counter: Counter, realm: &str, parts: &[&[u8]]) -> ThrottleKey {
        ThrottleKey {
            bucket: bucket(realm, counter.name(), parts),
            law: self.law(counter),
        }
    }
}

/// Where strangers stand who have failed too often in a row at one record: nothing is free, and the longest delay.
const SHUT: ThrottleLaw = ThrottleLaw::Delay {
    free: 0,
    first: Duration::from_hours(24),
    ceiling: Duration::from_hours(24),
};

impl Counters {
    /// The same for a record at which too many attempts in a row have failed: strangers have one in a day, from everywhere
    /// together. The lane of known devices does not feel it.
    #[must_use]
    pub(crate) fn shut(mut self, is_shut: bool) -> Self {
        if let Some(last) = self.delays.last_mut().filter(|_| is_shut && !self.known) {
            last.law = SHUT;
        }
        self
    }

    /// All of them, delays first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ThrottleKey> {
        self.delays.iter().chain(&self.rates)
    }
}

/// What names a subject in throttling: a hash of length-prefixed parts. Two names of one user have two, so that a
/// closed one does not tell that they belong together.
pub(crate) fn identity_hash(realm: &str, provider: &str, canonical: &[u8]) -> Hash {
    bucket(realm, "identity", &[provider.as_bytes(), canonical])
}

fn bucket(realm: &str, scope: &str, parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in [realm.as_bytes(), scope.as_bytes()].iter().chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(network: &str, network48: &str, known: Option<UserId>) -> Counters {
        let from = Origin {
            realm: "",
            network,
            network48,
            known,
        };
        ThrottleSettings::default().first_step(from, &identity_hash("", "email", b"alice"))
    }

    #[test]
    fn a_stranger_meets_subject_and_network_and_without_a_request_the_subject_alone() {
        let full = counters("2001:db8::/64", "2001:db8::/48", None);
        assert_eq!((full.delays.len(), full.rates.len()), (2, 2));
        let bare = counters("", "", None);
        assert_eq!((bare.delays.len(), bare.rates.len()), (1, 0));
        assert_eq!(full.delays[1], bare.delays[0], "the same from everywhere");
    }

    #[test]
    fn a_known_device_is_counted_by_its_user_alone() {
        let known = counters("192.0.2.1/32", "", Some(UserId::from_bytes([7; 16])));
        assert_eq!((known.delays.len(), known.rates.len()), (1, 0));
        let stranger = counters("192.0.2.1/32", "", None);
        assert!(stranger.all().all(|key| key.bucket != known.delays[0].bucket));
    }

    #[test]
    fn parts_never_run_together() {
        assert_ne!(identity_hash("", "a:b", b"c"), identity_hash("", "a", b"b:c"));
        assert_ne!(identity_hash("r", "a", b"c"), identity_hash("", "ra", b"c"));
    }
}
