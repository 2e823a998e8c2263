//! Users: looking them up, their attributes, disabling and deleting.

use super::Auth;
use super::call::Call;
use super::named::malformed;
use crate::attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::id::UserId;
use crate::store::{DeletedUser, EndReason, PutAttributes, User};

impl Auth {
    /// The user with this id.
    ///
    /// # Errors
    /// `NotFound` when there is none in this realm.
    #[doc = include_str!("../../doc/operations/get_user.md")]
    pub async fn get_user(&self, user: UserId) -> Result<User> {
        self.enter().await?.user(user).await
    }

    /// The user to whom this identifier belongs; `None`: nobody, which is also whose identifier it is when its rule
    /// does not take it. For trusted code: it tells who exists.
    ///
    /// # Errors
    /// `InvalidArgument` for an unknown provider.
    #[doc = include_str!("../../doc/operations/find_user.md")]
    pub async fn find_user(&self, provider: &str, identifier: &[u8]) -> Result<Option<User>> {
        let call = self.enter().await?;
        let provider = call.provider(provider)?;
        let canonical = match provider.canonical(identifier) {
            Ok(canonical) => canonical,
            Err(error) if malformed(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(call
            .store()
            .user_by_identity(provider.id(call.realm, &canonical.bytes))
            .await?)
    }

    /// The user with this text as the value of an attribute that is declared unique.
    ///
    /// # Errors
    /// `InvalidArgument` when the attribute is not declared in `attributes.unique`.
    #[doc = include_str!("../../doc/operations/find_user_by_attribute.md")]
    pub async fn find_user_by_attribute(&self, name: &str, value: &str) -> Result<Option<User>> {
        let call = self.enter().await?;
        if !call
            .context
            .settings
            .unique_attributes
            .iter()
            .any(|unique| unique == name)
        {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the attribute is not declared unique: add it to `attributes.unique`",
            ));
        }
        let value = attributes::unique_value(value);
        Ok(call
            .store()
            .user_by_attribute(call.realm.into(), name.into(), value)
            .await?)
    }

    /// Applies a merge patch (RFC 7396) to a user's attributes, if their version is still `version` (`None`: whatever
    /// it is now).
    ///
    /// # Errors
    /// `NotFound`; `Conflict` (`version`: changed since; `attribute`: a unique value is taken); `InvalidArgument`.
    #[doc = include_str!("../../doc/operations/update_attributes.md")]
    pub async fn update_attributes(&self, user: UserId, patch: &str, version: Option<i64>) -> Result<User> {
        let call = self.enter().await?;
        // Without a version the newest wins; three rounds against others are enough to be rare.
        for _ in 0..3 {
            let mut changed = call.user(user).await?;
            let expect = version.unwrap_or(changed.version);
            let merged = attributes::merged(&changed.attributes, patch)?;
            let unique = call.unique_attributes(&merged)?;
            match call
                .store()
                .put_attributes(user, expect, merged.clone(), unique, call.now)
                .await?
            {
                PutAttributes::Won(won) => {
                    call.emit_user(EventName::UserUpdated, user);
                    (changed.attributes, changed.version, changed.updated_at) = (merged, won, call.now);
                    return Ok(changed);
                }
                PutAttributes::Lost if version.is_none() => {}
                PutAttributes::Lost => break,
                PutAttributes::Absent => return Err(absent()),
                PutAttributes::Taken => {
                    return Err(Error::conflict(
                        "attribute",
                        "a unique attribute belongs to another user",
                    ));
                }
            }
        }
        Err(Error::conflict(
            "version",
            "the attributes were changed by somebody else: read them again",
        ))
    }

    /// Disables a user and ends its sessions in the same transaction. Disabling twice is fine. The count of sign-ins.
    ///
    /// # Errors
    /// `NotFound`.
    #[doc = include_str!("../../doc/operations/disable_user.md")]
    pub async fn disable_user(&self, user: UserId) -> Result<u64> {
        let call = self.enter().await?;
        call.user(user).await?;
        let ended = call
            .store()
            .set_enabled(user, false, call.now)
            .await?
            .ok_or_else(absent)?;
        call.emit_user(EventName::UserDisabled, user);
        call.emit_ended(user, EndReason::UserDisabled.id(), ended);
        Ok(ended)
    }

    /// Enables a user again. Sessions from before stay ended.
    ///
    /// # Errors
    /// `NotFound`.
    #[doc = include_str!("../../doc/operations/enable_user.md")]
    pub async fn enable_user(&self, user: UserId) -> Result<()> {
        let call = self.enter().await?;
        call.user(user).await?;
        call.store()
            .set_enabled(user, true, call.now)
            .await?
            .ok_or_else(absent)?;
        call.emit_user(EventName::UserEnabled, user);
        Ok(())
    }

    /// Deletes a user from every table, sessions included. The count of sign-ins that were live.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` (`referenced`) when a foreign key of the application forbids it.
    #[doc = include_str!("../../doc/operations/delete_user.md")]
    pub async fn delete_user(&self, user: UserId) -> Result<u64> {
        let call = self.enter().await?;
        call.user(user).await?;
        match call.store().delete_user(user).await? {
            DeletedUser::Deleted(ended) => {
                call.emit_user(EventName::UserDeleted, user);
                call.emit_ended(user, "user_deleted", ended);
                Ok(ended)
            }
            DeletedUser::Absent => Err(absent()),
            DeletedUser::Referenced => Err(Error::conflict(
                "referenced",
                "a table of the application refers to this user and forbids its deletion",
            )),
        }
    }

    /// The user's attributes that are declared public, as a JSON object: what a browser may see.
    pub fn public_attributes(&self, user: &User) -> String {
        attributes::public(&user.attributes, &self.context.settings.public_attributes)
    }
}

impl Call<'_> {
    /// The user with this id, if it is of this realm.
    pub(super) async fn user(&self, id: UserId) -> Result<User> {
        self.store()
            .user(id)
            .await?
            .filter(|user| user.realm == self.realm)
            .ok_or_else(absent)
    }
}

fn absent() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such user in this realm")
}
