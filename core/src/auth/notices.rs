//! Notices: whoever owns an account learns of every change of the ways into it, at the addresses that are theirs (NIST SP
//! 800-63B-4 sections 4.1.2.1 and 4.6, ASVS 5.0 6.3.7).
//!
//! What is told follows from the steps of the change and from nothing else: a new step does not compile until it says what is
//! told of it. No operation can forget it, for `commit.rs` is the only way to the store's `change`.

use std::time::Duration;

use super::call::Call;
use crate::delivery::Letter;
use crate::error::Result;
use crate::plugin::Fields;
use crate::store::{Change, ChangeStep, Identity, QueuedDelivery};

/// The template of every notice.
const TEMPLATE: &str = "credentials_changed";
/// How long a notice is worth sending.
const NOTICE_TTL: Duration = Duration::from_hours(3 * 24);
/// Addresses that nobody proved and that are told of one change at most, where none is proved. Proved ones are all told.
const MAX_UNPROVED: usize = 4;

/// What a notice tells: its parameter `what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An authenticator was added: a passkey, a device, a key, first credentials.
    AuthenticatorAdded,
    /// One was removed.
    AuthenticatorRemoved,
    /// Credentials were replaced by their owner.
    Credentials,
    /// An identifier became another.
    Identifier,
    /// A further provider id opens the account.
    IdentityLinked,
    /// One opens it no more.
    IdentityUnlinked,
    /// Credentials were replaced by whoever reads an address.
    Recovery,
}

impl Told {
    #[cfg(test)]
    const ALL: [Self; 7] = [
        Self::AuthenticatorAdded,
        Self::AuthenticatorRemoved,
        Self::Credentials,
        Self::Identifier,
        Self::IdentityLinked,
        Self::IdentityUnlinked,
        Self::Recovery,
    ];

    /// The stable text.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::AuthenticatorAdded => "authenticator_added",
            Self::AuthenticatorRemoved => "authenticator_removed",
            Self::Credentials => "credentials",
            Self::Identifier => "identifier",
            Self::IdentityLinked => "identity_linked",
            Self::IdentityUnlinked => "identity_unlinked",
            Self::Recovery => "recovery",
        }
    }

    /// What one step means by itself; `None`: it changes no way in.
    const fn of_step(step: &ChangeStep) -> Option<Self> {
        match step {
            ChangeStep::AddIdentity(_) => Some(Self::IdentityLinked),
            ChangeStep::RemoveIdentity(_) => Some(Self::IdentityUnlinked),
            ChangeStep::AddAuthenticator(_) => Some(Self::AuthenticatorAdded),
            ChangeStep::ReplaceAuthenticator { .. } => Some(Self::Credentials),
            ChangeStep::RemoveAuthenticator(_) => Some(Self::AuthenticatorRemoved),
            // A label, that an address is its owner's, and what an issuer asserts: none opens anything that was closed.
            ChangeStep::AddAddress(_)
            | ChangeStep::ProveAddress(..)
            | ChangeStep::RemoveAddress(_)
            | ChangeStep::RenameAuthenticator(..)
            | ChangeStep::SetReach(..)
            // And what another user gives up, who is told of it apart.
            | ChangeStep::Take(_)
            | ChangeStep::VerifyIdentity(..) => None,
        }
    }

    /// What a whole change means: its first step that means anything, where its steps together mean nothing else.
    pub(super) fn of(change: &Change) -> Option<Self> {
        let has = |wanted: Self| {
            change
                .steps
                .iter()
                .any(|step| Self::of_step(step) == Some(wanted))
        };
        if change.token.is_some() && has(Self::Credentials) {
            return Some(Self::Recovery);
        }
        if has(Self::IdentityLinked) && has(Self::IdentityUnlinked) {
            return Some(Self::Identifier);
        }
        change.steps.iter().find_map(Self::of_step)
    }
}

impl Call<'_> {
    /// A letter to every address that was proved, before or by this very change; where there is none, to those that were
    /// there before. Never to one that the change brings and nobody proved: it may be a stranger's.
    pub(super) fn notices(
        &self,
        told: Told,
        provider: &str,
        held: &[Identity],
        steps: &[ChangeStep],
    ) -> Result<Vec<QueuedDelivery>> {
        let proved_now = steps.iter().filter_map(|step| match step {
            ChangeStep::AddIdentity(identity) if identity.verified_at.is_some() => Some(identity),
            _ => None,
        });
        // Whoever proves an address by this change has read a message there.
        let is_read = |identity: &Identity| {
            let mut steps = steps.iter();
            steps.any(|step| matches!(step, ChangeStep::VerifyIdentity(at, _) if *at == identity.at))
        };
        let (mut proved, mut unproved): (Vec<&Identity>, Vec<&Identity>) = proved_now
            .chain(held)
            .filter(|identity| self.channel_of(identity).is_some())
            .partition(|identity| identity.verified_at.is_some() || is_read(identity));
        if held.iter().any(|one| proved.contains(&one)) {
            unproved.clear();
        }
        // The provider that is concerned comes first: its addresses are told in any case.
        unproved.sort_by_key(|identity| identity.at.provider != provider);
        unproved.truncate(MAX_UNPROVED);
        proved.append(&mut unproved);
        let mut done: Vec<(&str, &[u8])> = Vec::new();
        let mut rows = Vec::new();
        for identity in proved {
            let Some(channel) = self.channel_of(identity) else {
                continue;
            };
            // Two names with one mailbox are told once.
            let to = (channel, identity.at.canonical.as_slice());
            if done.contains(&to) {
                continue;
            }
            done.push(to);
            rows.push(self.letter(&Letter {
                channel,
                address: &String::from_utf8_lossy(&identity.raw),
                template: TEMPLATE,
                params: Fields::from([("what", told.id()), ("provider", provider)]),
                enclosed: None,
                realm: self.realm,
                provider: &identity.at.provider,
                user_id: Some(identity.user_id),
                decoy: false,
                expires_at: self.now.plus(NOTICE_TTL),
            })?);
        }
        Ok(rows)
    }

    /// How messages reach an identity; `None`: they do not, or its name is not configured any more.
    fn channel_of(&self, identity: &Identity) -> Option<&str> {
        self.provider(&identity.at.provider).ok()?.channel.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::{AuthenticatorId, TokenId, UserId};
    use crate::identifier::ProviderId;
    use crate::store::{
        Authenticator, AuthenticatorAt, AuthenticatorStatus, Naming, Post, ProvedBy, Side, TokenUse,
        UserAddress,
    };

    const NOW: Timestamp = Timestamp::from_micros(1);

    fn steps() -> [(ChangeStep, Option<Told>); 11] {
        let user_id = UserId::from_bytes([1; 16]);
        let at = ProviderId {
            realm: String::new(),
            provider: "email".into(),
            canonical: b"a@example.com".to_vec(),
        };
        let identity = Identity {
            at: at.clone(),
            raw: at.canonical.clone(),
            rule: "email".into(),
            rule_version: 1,
            user_id,
            verified_at: None,
            created_at: NOW,
            last_used_at: None,
            reach: Vec::new(),
            vouched: false,
        };
        let held = AuthenticatorAt {
            user_id,
            group: "password".into(),
            id: AuthenticatorId::SINGLE,
        };
        let authenticator = Authenticator {
            at: held.clone(),
            realm: String::new(),
            kind: "password".into(),
            handle: None,
            record: Vec::new(),
            record_version: 1,
            label: String::new(),
            status: AuthenticatorStatus::Active,
            created_at: NOW,
            last_used_at: None,
            expires_at: None,
            set_over: None,
            failures: 0,
        };
        let address = UserAddress {
            address: [1; 32],
            side: Side::First,
            proved: None,
        };
        [
            (ChangeStep::AddIdentity(identity), Some(Told::IdentityLinked)),
            (
                ChangeStep::RemoveIdentity(at.clone()),
                Some(Told::IdentityUnlinked),
            ),
            (
                ChangeStep::AddAuthenticator(authenticator.clone()),
                Some(Told::AuthenticatorAdded),
            ),
            (
                ChangeStep::ReplaceAuthenticator {
                    new: authenticator,
                    expect: 1,
                    naming: Naming::default(),
                },
                Some(Told::Credentials),
            ),
            (
                ChangeStep::RemoveAuthenticator(held.clone()),
                Some(Told::AuthenticatorRemoved),
            ),
            (ChangeStep::RenameAuthenticator(held, "blue".into()), None),
            (ChangeStep::AddAddress(address), None),
            (ChangeStep::ProveAddress([1; 32], NOW, ProvedBy::Message), None),
            (ChangeStep::RemoveAddress([1; 32]), None),
            (ChangeStep::SetReach(at.clone(), vec![[1; 32]]), None),
            (ChangeStep::VerifyIdentity(at, NOW), None),
        ]
    }

    fn told(steps: Vec<ChangeStep>, by_token: bool) -> Option<Told> {
        Told::of(&Change {
            user_id: UserId::from_bytes([1; 16]),
            epoch: 0,
            steps,
            ways_in: Vec::new(),
            bump: None,
            token: by_token.then(|| TokenUse {
                id: TokenId::from_bytes([1; 16]),
                secret_hash: [1; 32],
            }),
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
            now: NOW,
        })
    }

    #[test]
    fn every_step_says_what_is_told_of_it() {
        for (step, expected) in steps() {
            assert_eq!(told(vec![step.clone()], false), expected, "{step:?}");
            // Beside one that means nothing it means the same.
            let (label, _) = &steps()[5];
            assert_eq!(
                told(vec![label.clone(), step.clone()], false),
                expected,
                "{step:?}"
            );
        }
        assert_eq!(told(Vec::new(), false), None);
    }

    #[test]
    fn steps_together_mean_one_thing() {
        let [(add, _), (remove, _), (enroll, _), (replace, _), ..] = steps();
        assert_eq!(
            told(vec![remove.clone(), add.clone()], false),
            Some(Told::Identifier)
        );
        assert_eq!(told(vec![add, enroll], false), Some(Told::IdentityLinked));
        assert_eq!(told(vec![replace, remove], true), Some(Told::Recovery));
    }

    #[test]
    fn every_notice_is_documented() {
        let page = include_str!("../../../docs/recovery.md");
        for told in Told::ALL {
            assert!(page.contains(&format!("| `{}` |", told.id())), "{}", told.id());
        }
    }
}
