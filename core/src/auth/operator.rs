//! What an operator does for somebody who is shut out: operations without a proof of the user, always evented, and told
//! to every proved address. For trusted code behind a page of its own; never for a form that anybody can send.

use super::Auth;
use super::call::Call;
use super::change::done;
use super::sign_in::unsupported;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::id::UserId;
use crate::plugin::{Decision, Fields, IdentifierSource};
use crate::store::{
    Bump, Change, ChangeStep, Changed, EndReason, Identity, Post, ProvedBy, Subject, User, UserAddress,
    UserPage,
};

/// Most bytes of an operator's reason.
const MAX_WHY: usize = 200;
/// Users that are read at once.
const PAGE: u32 = 500;
/// How often an operation is tried while its user is changed at the same moment.
const TRIES: u32 = 3;

impl Auth {
    /// Takes every second factor of a user away: everything at the names of `policy.second_factor`. All sessions end.
    /// For somebody whose only second factor is lost, expired or spent; make sure who asks. How many went; `why` is for
    /// the event, at most 200 bytes.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` for a `why` that is empty, too long or has control characters; `InvalidState` for a
    /// disabled user: enable it first; `Unavailable`.
    #[doc = include_str!("../../doc/operations/reset_factors.md")]
    pub async fn reset_factors(&self, user: UserId, why: &str) -> Result<u64> {
        let call = self.enter().await?;
        if why.is_empty() || why.len() > MAX_WHY || why.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("`why` takes 1 to {MAX_WHY} bytes without control characters"),
            ));
        }
        for _ in 0..TRIES {
            let held = call.enabled(user).await?;
            let account = call.account(user).await?;
            let (identities, authenticators) = account.protected();
            let identities = identities.into_iter().map(|one| one.at.clone());
            let authenticators = authenticators.into_iter().map(|one| one.at.clone());
            let steps: Vec<ChangeStep> = identities
                .map(ChangeStep::RemoveIdentity)
                .chain(authenticators.map(ChangeStep::RemoveAuthenticator))
                .collect();
            let count = steps.len() as u64;
            let name = call.context.settings.policy.second_factor.first();
            let name = name.map_or("", String::as_str);
            if call.operate(&held, name, steps, EndReason::FactorChanged).await? {
                call.emit(&Event {
                    user_id: Some(user),
                    reason: Some(why.into()),
                    count,
                    ..call.event(EventName::FactorsReset)
                });
                return Ok(count);
            }
        }
        Err(moved())
    }

    /// Sets the credentials with which a user signs in at this name, whatever they were: for somebody who forgot them
    /// and has no proved address. All sessions end. Second factors stay.
    ///
    /// # Errors
    /// - `NotFound`: no such user, or it has no identifier at this name.
    /// - `Unsupported`: a second factor, or a kind without credentials that are replaced as one.
    /// - `PolicyViolation`: all rules that the new credentials break.
    /// - `InvalidState` for a disabled user; `InvalidArgument`; `Unavailable`, `Overloaded`, `Timeout`.
    #[doc = include_str!("../../doc/operations/set_credentials.md")]
    pub async fn set_credentials(&self, user: UserId, provider: &str, credentials: Fields) -> Result<()> {
        let call = self.enter().await?;
        let provider = call.provider(provider)?;
        if !provider.is_recoverable() || call.is_second_factor(provider) {
            return Err(unsupported(provider, "have its credentials set by an operator"));
        }
        for _ in 0..TRIES {
            let held = call.enabled(user).await?;
            let account = call.account(user).await?;
            let Some(named) = account
                .identities
                .iter()
                .find(|identity| identity.at.provider == provider.name)
            else {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("the user has no identifier at `{}`", provider.name),
                ));
            };
            // Enrolled anew: the old record may be one that nobody can open any more.
            let mut ask = call.verifier().blank(provider);
            ask.subject = Some(user);
            (ask.raw, ask.canonical) = (named.raw.clone(), named.at.canonical.clone());
            ask.display = String::from_utf8_lossy(&named.raw).into_owned();
            ask.credentials = credentials.clone();
            let verdict = provider.ask(ask).await?;
            match verdict.decision {
                Decision::Accept => {}
                Decision::Continue => return Err(unsupported(provider, "set credentials in several steps")),
                Decision::Deny | Decision::Resolve if !verdict.violations.is_empty() => {
                    return Err(Error::policy(verdict.violations));
                }
                Decision::Deny | Decision::Resolve => {
                    return Err(Error::new(
                        ErrorKind::InvalidArgument,
                        format!("the kind of `{}` does not take these credentials", provider.name),
                    ));
                }
            }
            let in_group = account.authenticators.iter();
            let subject = Subject {
                user: held.clone(),
                identity: None,
                authenticators: in_group
                    .filter(|one| one.at.group == provider.group)
                    .cloned()
                    .collect(),
            };
            let mut steps = Vec::new();
            for put in &verdict.records {
                let mut step = call.put(provider, &subject, put)?;
                if let ChangeStep::ReplaceAuthenticator { new, .. } = &mut step {
                    new.set_over = None;
                }
                steps.push(step);
            }
            let reason = EndReason::CredentialsChanged;
            if call.operate(&held, &provider.name, steps, reason).await? {
                call.emit_provider(EventName::CredentialsSet, user, provider);
                return Ok(());
            }
        }
        Err(moved())
    }

    /// Gives a user an address that the operator has made sure of, as if a message had proved it: recovery works over it
    /// from then on. All sessions end. An address that the user has at this name already is proved.
    ///
    /// # Errors
    /// - `Unsupported`: identifiers of this name are no addresses, or are not given (`provider.NAME.channel`).
    /// - `Conflict` (`identifier`): somebody else has it.
    /// - `PolicyViolation`: its rule does not take it, or the user has it on the other side (`address_on_both_sides`).
    /// - `NotFound`; `InvalidState` for a disabled user; `InvalidArgument`; `Unavailable`.
    #[doc = include_str!("../../doc/operations/add_address.md")]
    pub async fn add_address(&self, user: UserId, provider: &str, identifier: &[u8]) -> Result<()> {
        let call = self.enter().await?;
        let provider = call.provider(provider)?;
        if provider.source() != IdentifierSource::Given || provider.address_channel().is_none() {
            return Err(unsupported(provider, "be given an address: set its `channel`"));
        }
        for _ in 0..TRIES {
            let held = call.enabled(user).await?;
            let account = call.account(user).await?;
            let identity = Identity {
                verified_at: Some(call.now),
                ..call.identity(provider, identifier, user)?
            };
            let Some(address) = account.names.address_of(&identity) else {
                return Err(unsupported(provider, "be given an address: set its `channel`"));
            };
            let row = ChangeStep::AddAddress(UserAddress {
                address,
                side: account.names.side(&provider.name),
                proved: Some((call.now, ProvedBy::Operator)),
            });
            let has = account.identities.iter().any(|one| one.at == identity.at);
            let bound = if has {
                ChangeStep::VerifyIdentity(identity.at, call.now)
            } else {
                ChangeStep::AddIdentity(identity)
            };
            let reason = EndReason::FactorChanged;
            if call
                .operate(&held, &provider.name, vec![row, bound], reason)
                .await?
            {
                call.emit_provider(EventName::AddressAdded, user, provider);
                return Ok(());
            }
        }
        Err(moved())
    }
}

impl Auth {
    /// What a configuration would do better, for `doorward doctor`; what is wrong does not open. And how many users have
    /// an address on both sides: from before a name became a second one. Reads every user of this realm.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn warnings(&self) -> Result<Vec<String>> {
        let call = self.enter().await?;
        let names = call.names();
        let mut said: Vec<String> = names
            .same_class_only()
            .iter()
            .map(|name| {
                format!(
                    "same_class_only: beside `{name}` no name of `policy.second_factor` proves a factor of another class"
                )
            })
            .collect();
        let starting = names.providers.starting();
        if !starting.into_iter().any(|one| one.address_channel().is_some()) {
            said.push(
                "no_channel: no name that starts a sign-in has addresses (`provider.NAME.channel`): nobody can recover"
                    .into(),
            );
        }
        let mut both = 0_usize;
        let mut after = None;
        loop {
            let page = (call.store())
                .users(UserPage {
                    realm: call.realm.into(),
                    after,
                    limit: PAGE,
                    ..UserPage::default()
                })
                .await?;
            for user in &page {
                both += usize::from(call.account(user.id).await?.on_both_sides() > 0);
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = Some(last.id),
                _ => break,
            }
        }
        if both > 0 {
            said.push(format!(
                "address_on_both_sides: {both} users have an address that serves first and second factors: it counts for \
                 one"
            ));
        }
        Ok(said)
    }
}

impl Call<'_> {
    /// The user, which an operator may change.
    async fn enabled(&self, id: UserId) -> Result<User> {
        let user = self.user(id).await?;
        if user.disabled_at.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "the user is disabled: enable it first",
            ));
        }
        Ok(user)
    }

    /// Makes an operator's change, which ends every session. False: the user was changed at the same moment.
    async fn operate(
        &self,
        user: &User,
        provider: &str,
        steps: Vec<ChangeStep>,
        reason: EndReason,
    ) -> Result<bool> {
        let change = Change {
            user_id: user.id,
            epoch: user.session_epoch,
            steps,
            ways_in: Vec::new(),
            bump: Some(Bump { reason, keep: None }),
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
            now: self.now,
        };
        match self.commit_by_operator(provider, change).await? {
            Changed::Stale | Changed::Lost => Ok(false),
            other => {
                let (_, ended) = done(other)?;
                self.emit_ended(user.id, reason.id(), ended);
                Ok(true)
            }
        }
    }
}

fn moved() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the user was changed again and again at the same moment: try again",
    )
}
