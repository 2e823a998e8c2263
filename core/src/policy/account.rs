//! A user as the policy sees it: methods, the protected set, addresses, ways in. What is *held*, *usable*,
//! *established* and a *way in* is said here, once.

mod owner;
mod sides;
mod ways;

use std::collections::BTreeSet;

pub(crate) use owner::{Spoils, Taking};
pub(crate) use sides::on_both_sides;

use super::{Demand, Fault, Method, PolicySettings, SecondName};
use crate::address;
use crate::clock::Timestamp;
use crate::factor::Factor;
use crate::identifier::ProviderId;
use crate::keys::KeyRing;
use crate::plugin::{IdentifierSource, is_spent};
use crate::provider::{Provider, Providers};
use crate::store::{Authenticator, AuthenticatorAt, Hash, Identity, Side, UserAddress};
use crate::verification::{binding, usable};

/// The names by which a context judges every account.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) providers: &'a Providers,
    pub(crate) policy: &'a PolicySettings,
}

impl Names<'_> {
    /// True for a name of `policy.second_factor`.
    pub(crate) fn is_second(&self, name: &str) -> bool {
        self.policy.second_factor.iter().any(|second| second == name)
    }

    /// True for a credentials group of second names.
    pub(crate) fn is_second_group(&self, group: &str) -> bool {
        self.of_group(group)
            .any(|provider| self.is_second(&provider.name))
    }

    pub(super) fn of_group(&self, group: &str) -> impl Iterator<Item = &Provider> {
        self.providers
            .iter()
            .filter(move |provider| provider.group == group)
    }

    /// The side on which the addresses of a name stand.
    pub(crate) fn side(&self, name: &str) -> Side {
        if self.is_second(name) {
            Side::Second
        } else {
            Side::First
        }
    }

    /// The address that an identity names, where messages reach it.
    pub(crate) fn address_of(&self, identity: &Identity) -> Option<Hash> {
        let provider = self.providers.named(&identity.at.provider).ok()?;
        let channel = provider.address_channel()?;
        Some(address::of(&identity.at.realm, channel, &identity.raw))
    }

    /// All addresses that an identity brings: its own, and those that are asserted for it.
    fn addresses_of(&self, identity: &Identity) -> BTreeSet<Hash> {
        let asserted = self
            .providers
            .named(&identity.at.provider)
            .is_ok_and(|provider| provider.has_reach);
        let reach = identity.reach.iter().filter(|_| asserted).copied();
        self.address_of(identity).into_iter().chain(reach).collect()
    }

    /// Where other users may have this address at a first name: the identities that each name with its channel would call it.
    pub(crate) fn at_address(&self, realm: &str, channel: &str, raw: &[u8]) -> Vec<ProviderId> {
        self.providers
            .iter()
            .filter(|provider| provider.address_channel() == Some(channel) && !self.is_second(&provider.name))
            .filter_map(|provider| Some(provider.id(realm, &provider.canonical(raw).ok()?.bytes)))
            .collect()
    }

    /// What may be enrolled as a second factor.
    pub(crate) fn second_names(&self) -> Vec<SecondName> {
        let seconds = self.policy.second_factor.iter();
        seconds
            .filter_map(|name| self.providers.named(name).ok())
            .map(super::open::second_name)
            .collect()
    }

    /// The rows of the addresses that a new user's first identity brings.
    pub(crate) fn new_addresses(&self, identity: &Identity) -> Vec<UserAddress> {
        self.rows_of(identity).collect()
    }
}

/// One user at one moment.
#[derive(Clone)]
pub(crate) struct Account<'a> {
    pub(crate) names: Names<'a>,
    pub(crate) keys: &'a KeyRing,
    pub(crate) now: Timestamp,
    pub(crate) identities: Vec<Identity>,
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) addresses: Vec<UserAddress>,
}

impl Account<'_> {
    /// Everything that could prove something of the user, by provider name in the configured order.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let mut methods = Vec::new();
        for provider in self.names.providers.iter() {
            if provider.kind.declaration().class.is_none() {
                continue;
            }
            let at_name = self
                .identities
                .iter()
                .filter(|identity| identity.at.provider == provider.name);
            if provider.vouches() {
                methods.extend(at_name.map(|identity| Method {
                    reach: self.reach_of(provider, Some(identity)),
                    identifier: Some(identity.at.canonical.clone()),
                    ..self.method(provider)
                }));
                continue;
            }
            let second = self.names.is_second(&provider.name);
            let named = second || provider.source() != IdentifierSource::Given || at_name.count() > 0;
            let mut held = self.of_group(&provider.group).peekable();
            if named && held.peek().is_some() {
                methods.push(Method {
                    usable: held.any(|one| self.is_usable(provider, one)),
                    ..self.method(provider)
                });
            }
        }
        methods
    }

    fn method(&self, provider: &Provider) -> Method {
        let declared = provider.kind.declaration();
        Method {
            name: provider.name.clone(),
            group: provider.group.clone(),
            class: declared.class,
            reach: self.reach_of(provider, None),
            second: self.names.is_second(&provider.name),
            starts: declared.can_start,
            two_in_one: provider.may_be_two_in_one(),
            usable: true,
            identifier: None,
        }
    }

    /// The addresses each of which alone gives what this name proves, with one identity or with any.
    fn reach_of(&self, provider: &Provider, one: Option<&Identity>) -> BTreeSet<Hash> {
        let those = self.identities.iter().filter(|identity| {
            identity.at.provider == provider.name && one.is_none_or(|one| one.at == identity.at)
        });
        if provider.proves_by_message() {
            return those
                .filter_map(|identity| self.names.address_of(identity))
                .collect();
        }
        if provider.vouches() {
            let asserted = those.filter(|_| provider.has_reach);
            return asserted
                .flat_map(|identity| identity.reach.iter().copied())
                .collect();
        }
        if provider.is_recoverable() && !self.names.is_second(&provider.name) {
            let forgotten = self.names.policy.planted.is(Fault::NoOver);
            let over = self.of_group(&provider.group).filter_map(|one| one.set_over);
            let over = over.filter(|_| !forgotten);
            return self.recovering().into_iter().chain(over).collect();
        }
        BTreeSet::new()
    }

    /// Every address the user has at a first name with a channel, proved or not: each recovers.
    pub(crate) fn recovering(&self) -> BTreeSet<Hash> {
        self.identities
            .iter()
            .filter(|identity| !self.names.is_second(&identity.at.provider))
            .filter_map(|identity| self.names.address_of(identity))
            .collect()
    }

    /// Factors that were proved, as they are judged now: what their name reaches by now counts beside what it reached
    /// then. A code was read at one address, whatever the name reaches.
    pub(crate) fn proved(&self, factors: &[Factor]) -> Vec<Method> {
        factors.iter().map(|factor| self.proved_one(factor)).collect()
    }

    fn proved_one(&self, factor: &Factor) -> Method {
        let Ok(provider) = self.names.providers.named(&factor.provider) else {
            return Method {
                name: factor.provider.clone(),
                group: factor.provider.clone(),
                class: Some(factor.class),
                reach: factor.via.iter().copied().collect(),
                second: false,
                starts: false,
                two_in_one: false,
                usable: true,
                identifier: None,
            };
        };
        let via = factor.via.iter().copied();
        let by_message = provider.proves_by_message() && !factor.via.is_empty();
        let reach: BTreeSet<Hash> = if by_message {
            via.collect()
        } else if factor.two_in_one && provider.vouches() {
            BTreeSet::new()
        } else {
            via.chain(self.reach_of(provider, None)).collect()
        };
        Method {
            class: Some(factor.class),
            identifier: by_message.then(Vec::new),
            reach,
            two_in_one: factor.two_in_one,
            ..self.method(provider)
        }
    }

    /// What is still asked of somebody who has proved these factors.
    pub(crate) fn decide(&self, factors: &[Factor]) -> super::Decision {
        let seconds = self.names.second_names();
        let demand = Demand {
            require: self.names.policy.require,
            seconds: &seconds,
            planted: self.names.policy.planted,
        };
        super::decide(&self.methods(), &self.proved(factors), demand)
    }

    /// The addresses that alone give all of these factors.
    pub(crate) fn cover(&self, factors: &[Factor]) -> BTreeSet<Hash> {
        super::covering(&self.proved(factors))
    }

    /// True for an authenticator that can be proved with this name now: active, unexpired, of this kind, and its record
    /// opens and has something left.
    pub(crate) fn is_usable(&self, provider: &Provider, held: &Authenticator) -> bool {
        let record = || self.keys.open(binding(held).bytes(), &held.record);
        usable(provider, held, self.now) && record().is_ok_and(|record| !is_spent(&record))
    }

    fn of_group(&self, group: &str) -> impl Iterator<Item = &Authenticator> {
        self.authenticators
            .iter()
            .filter(move |one| one.at.group == group)
    }

    // The protected set: everything at second names.

    /// The user's identities at second names, and its authenticators of their groups: what protects it.
    pub(crate) fn protected(&self) -> (Vec<&Identity>, Vec<&Authenticator>) {
        let identities = self
            .identities
            .iter()
            .filter(|one| self.protects_identity(&one.at));
        let authenticators = self
            .authenticators
            .iter()
            .filter(|one| self.protects_authenticator(&one.at));
        (identities.collect(), authenticators.collect())
    }

    /// True when anything is in the protected set.
    pub(crate) fn is_protected(&self) -> bool {
        let (identities, authenticators) = self.protected();
        !identities.is_empty() || !authenticators.is_empty()
    }

    /// True for an identity of the protected set.
    pub(crate) fn protects_identity(&self, at: &ProviderId) -> bool {
        self.names.is_second(&at.provider)
    }

    /// True for an authenticator of the protected set.
    pub(crate) fn protects_authenticator(&self, at: &AuthenticatorAt) -> bool {
        self.names.is_second_group(&at.group)
    }

    /// True when somebody has shown whose the account is: a proved address, an identity that a backend or a message
    /// answered for, or anything in the protected set.
    pub(crate) fn is_established(&self) -> bool {
        self.addresses.iter().any(|one| one.proved.is_some())
            || self.identities.iter().any(|identity| identity.vouched)
            || self.is_protected()
    }
}
