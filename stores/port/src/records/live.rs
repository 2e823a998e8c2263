//! What is live, usable and a way in, decided once: by the session's rules, by the operations and by the store in memory.
//! An engine on SQL has one fragment for each sentence here, and the contract compares them row by row.

use super::{Authenticator, AuthenticatorStatus, EndReason, Identity, SignIn, User, WayIn};
use doorward_base::clock::Timestamp;
use doorward_base::id::SignInId;

/// Why a sign-in is not live any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// It was ended.
    Ended(EndReason),
    /// It is past its idle or its absolute end.
    Expired,
}

impl Over {
    /// The stable text: `expired`, or the reason of the end.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ended(reason) => reason.id(),
            Self::Expired => "expired",
        }
    }
}

impl User {
    /// True when what was opened or proved under this epoch still counts: the user is enabled, and nothing has moved the
    /// epoch on.
    pub fn accepts(&self, epoch: i64) -> bool {
        self.disabled_at.is_none() && self.session_epoch == epoch
    }
}

impl SignIn {
    /// Why it is not live at this moment, by its row and its user's; `None`: it is. A pending step-up is live.
    pub fn why_not_live(&self, user: &User, now: Timestamp) -> Option<Over> {
        if self.ended_at.is_some() {
            // A row without a reason was ended by something else than us.
            return Some(Over::Ended(self.end_reason.unwrap_or(EndReason::Ended)));
        }
        if user.disabled_at.is_some() {
            return Some(Over::Ended(EndReason::UserDisabled));
        }
        if !user.accepts(self.epoch) {
            return Some(Over::Ended(EndReason::CredentialsChanged));
        }
        (now >= self.idle_expires_at || now >= self.absolute_expires_at).then_some(Over::Expired)
    }

    /// True when its tokens are good for something at this moment.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.why_not_live(user, now).is_none()
    }

    /// A step-up whose tokens nobody has used: what it replaces is still in force.
    pub fn is_pending(&self) -> bool {
        self.replaces.is_some() && self.confirmed_at.is_none()
    }

    /// True when it is counted and listed at this moment: live, and no pending step-up, which stands in nobody's place yet.
    pub fn is_counted(&self, user: &User, now: Timestamp) -> bool {
        self.is_live(user, now) && !self.is_pending()
    }

    /// True when it ends with that sign-in, and stays with it: it is that one, or a pending step-up of it.
    pub fn goes_with(&self, id: SignInId) -> bool {
        self.id == id || (self.replaces == Some(id) && self.is_pending())
    }

    /// When it stopped, or will stop, being good for anything, whatever becomes of its user.
    pub fn gone_at(&self) -> Timestamp {
        let expires_at = self.idle_expires_at.min(self.absolute_expires_at);
        self.ended_at.unwrap_or(expires_at)
    }
}

impl Authenticator {
    /// True when it may verify its user at this moment: neither suspended nor expired.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status != AuthenticatorStatus::Suspended && self.expires_at.is_none_or(|end| now < end)
    }
}

impl WayIn {
    /// True when a user with these identities and authenticators has it at this moment.
    pub fn is_open<'r>(
        &self,
        identities: impl IntoIterator<Item = &'r Identity>,
        authenticators: impl IntoIterator<Item = &'r Authenticator>,
        now: Timestamp,
    ) -> bool {
        let named = self.provider.as_ref().is_none_or(|provider| {
            let mut identities = identities.into_iter();
            identities.any(|identity| identity.at.provider == *provider)
        });
        named
            && self.group.as_ref().is_none_or(|group| {
                let mut authenticators = authenticators.into_iter();
                authenticators.any(|one| one.at.group == *group && one.is_usable(now))
            })
    }
}
