//! Users as an operator lists them: page by page, counted, found by how their identifiers begin.

use super::Auth;
use super::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::id::UserId;
use crate::identifier::ProviderId;
use crate::store::{User, UserPage};

/// Most users of one page, and most identifiers that a search may find.
const MAX_PAGE: u32 = 1000;
/// Counted up to here: an operator's page needs no more, and a larger count would read as many rows.
const MAX_COUNT: u32 = 10_000;

/// Which users, and in which order: the default is all of the realm, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only those that are enabled, or only those that are not. Default: both.
    pub enabled: Option<bool>,
    /// Only those who have an identifier at this provider that begins so. Default: whatever they have.
    pub identifier: Option<IdentifierPrefix>,
    /// The newest first; else the oldest. Of no meaning where users are counted.
    pub newest_first: bool,
}

/// How an identifier begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentifierPrefix {
    /// The provider name.
    pub provider: String,
    /// Its first characters. In capitals or not is the same where the provider's rule is `email` or `username`.
    pub begins: Vec<u8>,
}

impl Auth {
    /// Users of this realm in order of id (which is order of creation), at most `limit` (1 to 1000), of those that come after
    /// `after` in that order: the last of the page before; `None`: from the beginning. For trusted code: it tells who exists.
    ///
    /// # Errors
    /// `InvalidArgument` for another limit, an unknown provider, or a beginning that more than 1000 identifiers have: give
    /// more of it.
    #[doc = include_str!("../../doc/operations/list_users.md")]
    pub async fn list_users(
        &self,
        after: Option<UserId>,
        limit: u32,
        filter: &UserFilter,
    ) -> Result<Vec<User>> {
        let call = self.enter().await?;
        if limit == 0 || limit > MAX_PAGE {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the limit takes 1 to {MAX_PAGE}"),
            ));
        }
        let newest_first = filter.newest_first;
        let Some(prefix) = &filter.identifier else {
            let page = UserPage {
                realm: call.realm.into(),
                enabled: filter.enabled,
                after,
                newest_first,
                limit,
            };
            return Ok(call.store().users(page).await?);
        };
        let mut found = call.found(prefix, filter.enabled).await?;
        if newest_first {
            found.reverse();
        }
        let is_later =
            |user: &User| after.is_none_or(|after| (user.id > after) != newest_first && user.id != after);
        found.retain(is_later);
        found.truncate(limit as usize);
        Ok(found)
    }

    /// How many users of this realm there are: exactly up to 10,000, which says that there are as many or more.
    ///
    /// # Errors
    /// `InvalidArgument` as for [`list_users`](Self::list_users).
    #[doc = include_str!("../../doc/operations/count_users.md")]
    pub async fn count_users(&self, filter: &UserFilter) -> Result<u64> {
        let call = self.enter().await?;
        if let Some(prefix) = &filter.identifier {
            return Ok(call.found(prefix, filter.enabled).await?.len() as u64);
        }
        let counted = call
            .store()
            .count_users(call.realm.into(), filter.enabled, MAX_COUNT);
        Ok(counted.await?)
    }
}

impl Call<'_> {
    /// Who has an identifier that begins so, each once, oldest first.
    async fn found(&self, prefix: &IdentifierPrefix, enabled: Option<bool>) -> Result<Vec<User>> {
        let provider = self.provider(&prefix.provider)?;
        let at = ProviderId {
            realm: self.realm.into(),
            provider: provider.name.clone(),
            canonical: provider.rule.begins(&prefix.begins),
        };
        let mut found = self.store().users_by_prefix(at, MAX_PAGE + 1).await?;
        if found.len() > MAX_PAGE as usize {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("more than {MAX_PAGE} identifiers begin so: give more of it"),
            ));
        }
        found.retain(|user| user.is_listed(self.realm, enabled));
        found.sort_by_key(|user| user.id);
        found.dedup_by_key(|user| user.id);
        Ok(found)
    }
}
