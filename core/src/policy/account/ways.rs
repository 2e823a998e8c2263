//! Ways in: what must be left to a user who gives one up.

use super::super::Fault;
use super::Account;
use crate::error::{Error, ErrorKind, Result};
use crate::plugin::IdentifierSource;
use crate::provider::Provider;
use crate::store::{Authenticator, Identity, Side, UserAddress};

impl Account<'_> {
    /// The names with which the user can start a sign-in now.
    pub(crate) fn ways_in(&self) -> Vec<&Provider> {
        let starting = self.names.providers.starting();
        starting.filter(|provider| self.is_way_in(provider)).collect()
    }

    /// True when the user can start a sign-in with this name now.
    pub(crate) fn is_way_in(&self, provider: &Provider) -> bool {
        let named = self
            .identities
            .iter()
            .any(|identity| identity.at.provider == provider.name);
        let identified =
            named || (provider.source() == IdentifierSource::Found && provider.finds_by_handle());
        let recorded = !provider.kind.declaration().keeps_records
            || self
                .of_group(&provider.group)
                .any(|held| self.is_usable(provider, held));
        identified && recorded
    }

    /// What opens the account at first names: identities, and what was enrolled there. Not the credentials that are
    /// replaced as one: whoever knows a password may change it, and need not be told that there is one.
    pub(crate) fn opening(&self) -> (Vec<&Identity>, Vec<&Authenticator>) {
        let identities = self.identities.iter();
        let identities = identities.filter(|one| !self.protects_identity(&one.at));
        let replaced = |group: &str| self.names.of_group(group).any(Provider::is_recoverable);
        let authenticators = self.authenticators.iter();
        let authenticators =
            authenticators.filter(|one| !self.protects_authenticator(&one.at) && !replaced(&one.at.group));
        (identities.collect(), authenticators.collect())
    }

    /// Refuses to leave this user after a removal: with no way in, with second factors only where there was a first
    /// method, or, where the account is established, with ways in that only unproved addresses have.
    ///
    /// # Errors
    /// `LastWayIn`.
    pub(crate) fn check_ways_in(&self, before: &Self) -> Result<()> {
        let last = |message: &str| Err(Error::new(ErrorKind::LastWayIn, message));
        let ways = self.ways_in();
        if ways.is_empty() {
            return last("the last way in cannot be removed: add another one first");
        }
        if self.names.policy.planted.is(Fault::SingleLeft) {
            return Ok(());
        }
        let is_first = |provider: &&Provider| !self.names.is_second(&provider.name);
        let methods = self.methods();
        let holds = methods.iter().any(|method| method.second);
        let multi = methods
            .iter()
            .any(|method| method.second && method.starts && method.usable && method.two_in_one);
        if holds && !multi && !ways.iter().any(is_first) && before.ways_in().iter().any(is_first) {
            return last(
                "the last first factor cannot be removed while second factors are there: remove those first",
            );
        }
        let by_proved = |provider: &&Provider| {
            let mut at_name = self
                .identities
                .iter()
                .filter(|identity| identity.at.provider == provider.name);
            provider.source() != IdentifierSource::Given
                || at_name.any(|identity| {
                    identity.vouched
                        || self
                            .names
                            .address_of(identity)
                            .is_none_or(|address| self.is_proved(&address))
                })
        };
        // A second factor's mailbox that goes takes its proof along; a first one's was the account's.
        let first = |row: &&UserAddress| row.side == Side::First;
        let after = Self {
            addresses: before.addresses.iter().filter(first).copied().collect(),
            ..self.clone()
        };
        if after.is_established() && !ways.iter().any(by_proved) {
            return last(
                "what is left would be an address that nobody has proved: prove it, or add another way in first",
            );
        }
        Ok(())
    }
}
