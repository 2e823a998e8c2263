//! `doorward_identity` and `doorward_authenticator`.

use std::ptr;

use doorward::{Authenticator, Identity};

use crate::abi::{Id, id_within};
use crate::text::{Text, texts, values};
use crate::user::micros;

/// The view of an identity.
pub(crate) struct IdentityView {
    identity: Identity,
    provider: Text,
    identifier: Text,
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        Self {
            identity,
            provider: Text::default(),
            identifier: Text::default(),
        }
    }
}

/// The view of an authenticator.
pub(crate) struct AuthenticatorView {
    authenticator: Authenticator,
    group: Text,
    kind: Text,
    label: Text,
    description: Text,
}

impl From<Authenticator> for AuthenticatorView {
    fn from(authenticator: Authenticator) -> Self {
        Self {
            authenticator,
            group: Text::default(),
            kind: Text::default(),
            label: Text::default(),
            description: Text::default(),
        }
    }
}

texts! {
    doorward_identity_provider(IdentityView) |v| v.provider, v.identity.provider.as_bytes();
    doorward_identity_identifier(IdentityView) |v| v.identifier, &v.identity.identifier;
    doorward_authenticator_group(AuthenticatorView) |v| v.group, v.authenticator.group.as_bytes();
    doorward_authenticator_kind(AuthenticatorView) |v| v.kind, v.authenticator.kind.as_bytes();
    doorward_authenticator_label(AuthenticatorView) |v| v.label, v.authenticator.label.as_bytes();
    doorward_authenticator_description(AuthenticatorView) |v| v.description, v.authenticator.description.as_bytes();
}

values! {
    doorward_identity_verified_at(IdentityView) -> i64, i64::MIN, |v| micros(v.identity.verified_at);
    doorward_identity_created_at(IdentityView) -> i64, i64::MIN, |v| v.identity.created_at.as_micros();
    doorward_authenticator_id(AuthenticatorView) -> *const Id, ptr::null(),
        |v| id_within(v.authenticator.id.as_bytes());
    doorward_authenticator_created_at(AuthenticatorView) -> i64, i64::MIN,
        |v| v.authenticator.created_at.as_micros();
    doorward_authenticator_last_used_at(AuthenticatorView) -> i64, i64::MIN,
        |v| micros(v.authenticator.last_used_at);
}
