//! Sides: an address of a user recovers or starts, or it is a second factor's, never both. What a change makes of a
//! user's addresses, as steps of the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Fault;
use super::{Account, Names};
use crate::error::{Error, Result, Violation};
use crate::store::{Authenticator, AuthenticatorAt, ChangeStep, Hash, Identity, ProvedBy, Side, UserAddress};

/// The rule, and the event, of an address that would serve both sides.
const BOTH_SIDES: &str = "address_on_both_sides";

/// The rule of a second factor beside an address that nobody has proved.
const UNPROVED: &str = "address_unproved";

/// Which sides each address stands on: one, but for what is older than the rule.
type Sides = BTreeMap<Hash, BTreeSet<i64>>;

impl Names<'_> {
    /// The rows that an identity brings.
    pub(super) fn rows_of(&self, identity: &Identity) -> impl Iterator<Item = UserAddress> {
        let (own, side) = (self.address_of(identity), self.side(&identity.at.provider));
        let verified_at = identity.verified_at;
        self.addresses_of(identity)
            .into_iter()
            .map(move |address| UserAddress {
                address,
                side,
                proved: verified_at
                    .filter(|_| own == Some(address))
                    .map(|at| (at, ProvedBy::Message)),
            })
    }
}

impl Account<'_> {
    /// The row of an address of the user.
    pub(crate) fn row(&self, address: &Hash) -> Option<&UserAddress> {
        self.addresses.iter().find(|row| row.address == *address)
    }

    /// True when somebody proved that the address is the user's.
    pub(crate) fn is_proved(&self, address: &Hash) -> bool {
        self.row(address).is_some_and(|row| row.proved.is_some())
    }

    /// Refuses to add something at a second name while an identity has an address that nobody has proved: nothing that a
    /// mailbox does takes second factors, so whose the mailboxes are is shown before. What an issuer asserts is the
    /// issuer's word, and nobody's to prove.
    ///
    /// # Errors
    /// `PolicyViolation`, `address_unproved`, naming the address's provider.
    pub(crate) fn check_second(&self) -> Result<()> {
        let unproved = self.identities.iter().find(|identity| {
            let address = self.names.address_of(identity);
            address.is_some_and(|address| !self.is_proved(&address))
        });
        match unproved {
            Some(_) if self.names.policy.planted.is(Fault::EnrollUnproved) => Ok(()),
            Some(identity) => Err(unproved_beside(&identity.at.provider)),
            None => Ok(()),
        }
    }

    /// True when one of the steps adds something at a second name.
    pub(crate) fn adds_second(&self, steps: &[ChangeStep]) -> bool {
        steps.iter().any(|step| match step {
            ChangeStep::AddIdentity(identity) => self.protects_identity(&identity.at),
            ChangeStep::AddAuthenticator(one) => self.protects_authenticator(&one.at),
            _ => false,
        })
    }

    /// The user's addresses by side, as identities and credentials have it.
    fn sides(&self) -> Sides {
        let mut sides = Sides::new();
        let rows = self
            .identities
            .iter()
            .flat_map(|identity| self.names.rows_of(identity));
        let over = self
            .authenticators
            .iter()
            .filter(|one| !self.protects_authenticator(&one.at));
        let over = over
            .filter_map(|one| one.set_over)
            .map(|address| (address, Side::First));
        for (address, side) in rows.map(|row| (row.address, row.side)).chain(over) {
            sides.entry(address).or_default().insert(side.number());
        }
        sides
    }

    /// Addresses that stand on both sides: from before the rule, by a change of the configuration, or asserted.
    pub(crate) fn on_both_sides(&self) -> usize {
        self.sides().values().filter(|sides| sides.len() > 1).count()
    }

    /// The user after these steps.
    pub(crate) fn after(&self, steps: &[ChangeStep]) -> Self {
        let mut after = self.clone();
        let held =
            |all: &mut Vec<Authenticator>, at: &AuthenticatorAt| all.iter().position(|one| one.at == *at);
        for step in steps {
            match step {
                ChangeStep::AddIdentity(identity) => after.identities.push(identity.clone()),
                ChangeStep::RemoveIdentity(at) => after.identities.retain(|one| one.at != *at),
                ChangeStep::AddAuthenticator(one) => after.authenticators.push(one.clone()),
                ChangeStep::ReplaceAuthenticator { new, .. } => {
                    if let Some(at) = held(&mut after.authenticators, &new.at) {
                        after.authenticators[at] = new.clone();
                    }
                }
                ChangeStep::RemoveAuthenticator(at) => after.authenticators.retain(|one| one.at != *at),
                ChangeStep::VerifyIdentity(at, now) => {
                    for one in after.identities.iter_mut().filter(|one| one.at == *at) {
                        one.verified_at.get_or_insert(*now);
                    }
                }
                ChangeStep::SetReach(at, reach) => {
                    for one in after.identities.iter_mut().filter(|one| one.at == *at) {
                        one.reach.clone_from(reach);
                    }
                }
                ChangeStep::AddAddress(_)
                | ChangeStep::ProveAddress(..)
                | ChangeStep::RemoveAddress(_)
                | ChangeStep::RenameAuthenticator(..)
                | ChangeStep::Take(_) => {}
            }
        }
        after
    }

    /// The steps, and with them what they make of the user's addresses: whatever changes identities or credentials
    /// goes through here. Proved once, an address is proved for each name.
    pub(crate) fn with_addresses(&self, mut steps: Vec<ChangeStep>) -> Vec<ChangeStep> {
        for step in &mut steps {
            if let ChangeStep::AddIdentity(identity) = step
                && let Some(address) = self.names.address_of(identity)
                && let Some((at, _)) = self.row(&address).and_then(|row| row.proved)
            {
                identity.verified_at.get_or_insert(at);
            }
        }
        let after = self.after(&steps);
        let (was, is) = (self.sides(), after.sides());
        let mut gone = Vec::new();
        let mut come = Vec::new();
        for row in &self.addresses {
            if !is
                .get(&row.address)
                .is_some_and(|sides| sides.contains(&row.side.number()))
            {
                gone.push(ChangeStep::RemoveAddress(row.address));
            }
        }
        for (address, sides) in &is {
            let row = self.row(address);
            for side in [Side::First, Side::Second] {
                let stands = row.is_some_and(|row| row.side == side && sides.contains(&row.side.number()));
                let stood = was
                    .get(address)
                    .is_some_and(|sides| sides.contains(&side.number()));
                // What stood on both sides before cannot be written, and is judged all the same.
                let left = row.is_some_and(|row| sides.contains(&row.side.number())) && stood;
                let planted = self.names.policy.planted;
                let waived =
                    row.is_some() && (planted.is(Fault::NoSides) || planted.is(Fault::SecondsRecover));
                if sides.contains(&side.number()) && !stands && !left && !waived {
                    let proved = row.and_then(|row| row.proved);
                    come.push(ChangeStep::AddAddress(UserAddress {
                        address: *address,
                        side,
                        proved,
                    }));
                }
            }
        }
        let mut proved = BTreeMap::new();
        for identity in &after.identities {
            if let (Some(at), Some(address)) = (identity.verified_at, self.names.address_of(identity)) {
                proved.entry(address).or_insert(at);
            }
        }
        for (address, at) in &proved {
            if !self.is_proved(address) || gone.contains(&ChangeStep::RemoveAddress(*address)) {
                come.push(ChangeStep::ProveAddress(*address, *at, ProvedBy::Message));
            }
        }
        for identity in after.identities.iter().filter(|one| one.verified_at.is_none()) {
            if let Some(at) = self
                .names
                .address_of(identity)
                .and_then(|address| proved.get(&address))
            {
                come.push(ChangeStep::VerifyIdentity(identity.at.clone(), *at));
            }
        }
        steps.into_iter().chain(gone).chain(come).collect()
    }
}

/// The refusal of an address that would serve both sides.
pub(crate) fn on_both_sides() -> Error {
    violation(
        BOTH_SIDES,
        "the address would recover or start the account and be its second factor, too: take another one for either",
    )
}

fn unproved_beside(provider: &str) -> Error {
    violation(
        UNPROVED,
        &format!(
            "the address at `{provider}` is not proved: prove it first (a token of the purpose `verify`), then add the \
             second factor"
        ),
    )
}

fn violation(rule: &'static str, message: &str) -> Error {
    Error::policy(vec![Violation {
        rule,
        field: "identifier".into(),
        limit: 0,
        message: message.into(),
    }])
}
