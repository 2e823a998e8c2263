//! Whose an account is: what recovery over an address takes and leaves, and what a first proof of one does. Pure, over a
//! user's methods.
//!
//! Whoever reads a mailbox may replace what the mailbox reaches, and nothing beyond: the protected set stays, whatever was
//! proved. What nobody proved may be somebody else's, who prepared the account (Sudhodanan and Paverd, 2022).

use super::super::Fault;
use super::Account;
use crate::identifier::ProviderId;
use crate::store::{Authenticator, ChangeStep, Hash, Identity};

/// Why ways in are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking<'a> {
    /// By recovery over an address that was proved, or that proves itself to an owner by it.
    Recovery {
        /// The credentials group whose records are replaced.
        group: &'a str,
        /// Provider names whose ways in stay (`recovery.keeps`).
        keeps: &'a [String],
    },
    /// By recovery over an address that nobody had proved, of an account that nobody has shown to be theirs: it changes
    /// owners. Only the records that are replaced stay.
    NewOwner {
        /// The credentials group whose records are replaced; `None`: none are, the password goes, too.
        group: Option<&'a str>,
    },
}

/// What goes and what stays.
#[derive(Debug)]
pub(crate) struct Spoils<'a> {
    pub(crate) took_identities: Vec<&'a Identity>,
    pub(crate) took_authenticators: Vec<&'a Authenticator>,
    pub(crate) kept_identities: Vec<&'a Identity>,
    pub(crate) kept_authenticators: Vec<&'a Authenticator>,
}

impl Spoils<'_> {
    /// The steps that take.
    pub(crate) fn steps(&self) -> Vec<ChangeStep> {
        let identities = self.took_identities.iter();
        let authenticators = self.took_authenticators.iter();
        identities
            .map(|one| ChangeStep::RemoveIdentity(one.at.clone()))
            .chain(authenticators.map(|one| ChangeStep::RemoveAuthenticator(one.at.clone())))
            .collect()
    }
}

impl Account<'_> {
    /// The address over which somebody comes, by the identity that a token names.
    pub(crate) fn over(&self, at: &ProviderId) -> Option<Hash> {
        let identity = self.identities.iter().find(|one| one.at == *at)?;
        self.names.address_of(identity)
    }

    /// What recovery over the address of `at`, or a first proof of it, takes and leaves.
    pub(crate) fn spoils(&self, at: &ProviderId, taking: Taking<'_>) -> Spoils<'_> {
        let (took_identities, kept_identities) =
            self.identities.iter().partition(|one| self.goes(one, at, taking));
        let (took_authenticators, kept_authenticators) = self
            .authenticators
            .iter()
            .filter(|one| !taking.replaces(&one.at.group))
            .partition(|one| {
                !self.protects_authenticator(&one.at)
                    && !taking.keeps_group(self, &one.at.group)
                    && !taking.is_waived(self)
            });
        Spoils {
            took_identities,
            took_authenticators,
            kept_identities,
            kept_authenticators,
        }
    }

    /// What goes when an address, by these names, yields to whoever has proved it by message for an account of their own.
    /// `None`: it does not. It is proved here, too; or nobody has shown whose this account is, and who reads the address
    /// recovers it; or these are the last way in.
    ///
    /// What is written with another label after a `+` is another name, which its own message proves: that two addresses
    /// count as one mailbox is the safe side where factors are compared, and would take what may be somebody's own here.
    pub(crate) fn yields(&self, address: &Hash, by: &[ProviderId]) -> Option<(Vec<ProviderId>, Vec<Hash>)> {
        let at_it = |identity: &&Identity| {
            by.contains(&identity.at) && !self.protects_identity(&identity.at) && !identity.vouched
        };
        let gone: Vec<ProviderId> = self
            .identities
            .iter()
            .filter(at_it)
            .map(|one| one.at.clone())
            .collect();
        if gone.is_empty() || self.is_proved(address) || !self.is_established() {
            return None;
        }
        let remove: Vec<ChangeStep> = gone.iter().cloned().map(ChangeStep::RemoveIdentity).collect();
        self.after(&remove).check_ways_in(self).ok()?;
        let addresses = self.with_addresses(remove).into_iter();
        let addresses = addresses.filter_map(|step| match step {
            ChangeStep::RemoveAddress(address) => Some(address),
            _ => None,
        });
        Some((gone, addresses.collect()))
    }

    fn goes(&self, identity: &Identity, at: &ProviderId, taking: Taking<'_>) -> bool {
        if identity.at == *at || taking.is_waived(self) {
            return false;
        }
        if self.protects_identity(&identity.at) {
            return self.names.policy.planted.is(Fault::RecoveryTakesSeconds);
        }
        // Another name of the same mailbox is its owner's as well.
        let address = self.names.address_of(identity);
        if address.is_some() && address == self.over(at) {
            return false;
        }
        match taking {
            Taking::NewOwner { .. } => true,
            Taking::Recovery { group, keeps } => {
                let proved = address.is_some_and(|address| self.is_proved(&address));
                // A name whose password is replaced, and which no message reaches, leads nowhere.
                let replaced = address.is_none()
                    && self
                        .names
                        .providers
                        .named(&identity.at.provider)
                        .is_ok_and(|provider| {
                            provider.group == group && provider.kind.declaration().keeps_records
                        });
                !proved && !replaced && !keeps.contains(&identity.at.provider)
            }
        }
    }
}

impl Taking<'_> {
    /// True for the group whose records are replaced, which neither go nor stay.
    fn replaces(self, group: &str) -> bool {
        match self {
            Self::Recovery { group: replaced, .. } => replaced == group,
            Self::NewOwner { group: replaced } => replaced == Some(group),
        }
    }

    /// True where the fault is planted by which a first proof takes nothing.
    fn is_waived(self, account: &Account<'_>) -> bool {
        matches!(self, Self::NewOwner { .. }) && account.names.policy.planted.is(Fault::FirstKeeps)
    }

    fn keeps_group(self, account: &Account<'_>, group: &str) -> bool {
        match self {
            Self::Recovery { keeps, .. } => {
                let mut of_group = account.names.of_group(group);
                of_group.any(|provider| keeps.contains(&provider.name))
            }
            Self::NewOwner { .. } => false,
        }
    }
}
