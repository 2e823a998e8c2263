//! What a user owns: identities, authenticators, credentials.

use doorward::{AuthenticatorId, Proof, Result};

use super::{IDENTIFIER, none, provider, user_id};
use crate::abi::{Bytes, Call, Field, Id, NoOptions};
use crate::answer::{Answer, Value, list};
use crate::boundary::{In, Out, Versioned};
use crate::call::{Made, credentials as fields};
use crate::context::Context;
use crate::error::Failure;
use crate::proof::ProofView;

/// Most bytes of a label, as the boundary looks at it.
const LABEL: usize = 4096;

pub(super) fn proved(proof: In<ProofView>) -> Result<Proof> {
    proof.required("proof").map(|view| view.proof().clone())
}

fn authenticator_id(id: In<Id>) -> Result<AuthenticatorId> {
    id.required("authenticator")
        .map(|id| AuthenticatorId::from_bytes(id.bytes))
}

#[unsafe(no_mangle)]
extern "C" fn doorward_update_credentials(
    ctx: In<Context>,
    proof: In<ProofView>,
    provider_name: Bytes,
    credentials: In<Field>,
    n_credentials: usize,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let (proof, provider) = (proved(proof)?, provider(provider_name)?);
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(auth
                .update_credentials(&proof, &provider, credentials)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_update_identifier(
    ctx: In<Context>,
    proof: In<ProofView>,
    provider_name: Bytes,
    old_identifier: Bytes,
    new_identifier: Bytes,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let (proof, provider) = (proved(proof)?, provider(provider_name)?);
        let old = old_identifier.bytes("old_identifier", IDENTIFIER)?.to_vec();
        let new = new_identifier.bytes("new_identifier", IDENTIFIER)?.to_vec();
        Ok(async move {
            Ok(auth
                .update_identifier(&proof, &provider, &old, &new)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_link_identity(
    ctx: In<Context>,
    proof: In<ProofView>,
    provider_name: Bytes,
    identifier: Bytes,
    credentials: In<Field>,
    n_credentials: usize,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let (proof, provider) = (proved(proof)?, provider(provider_name)?);
        let identifier = identifier.bytes("identifier", IDENTIFIER)?.to_vec();
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(auth
                .link_identity(&proof, &provider, &identifier, credentials)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_unlink_identity(
    ctx: In<Context>,
    proof: In<ProofView>,
    provider_name: Bytes,
    identifier: Bytes,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let (proof, provider) = (proved(proof)?, provider(provider_name)?);
        let identifier = identifier.bytes("identifier", IDENTIFIER)?.to_vec();
        Ok(async move { Ok(auth.unlink_identity(&proof, &provider, &identifier).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_list_identities(
    ctx: In<Context>,
    user: In<Id>,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let user = user_id(user, "user")?;
        Ok(async move {
            Ok(Answer::ok(Value::Identities(list(
                auth.list_identities(user).await?,
            ))))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_list_authenticators(
    ctx: In<Context>,
    user: In<Id>,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let user = user_id(user, "user")?;
        Ok(async move {
            Ok(Answer::ok(Value::Authenticators(list(
                auth.list_authenticators(user).await?,
            ))))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_rename_authenticator(
    ctx: In<Context>,
    proof: In<ProofView>,
    provider_name: Bytes,
    authenticator: In<Id>,
    label: Bytes,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let (proof, provider) = (proved(proof)?, provider(provider_name)?);
        let authenticator = authenticator_id(authenticator)?;
        let label = label.text("label", LABEL)?.to_owned();
        Ok(async move {
            Ok(Answer::ok(
                auth.rename_authenticator(&proof, &provider, authenticator, &label)
                    .await?,
            ))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_remove_authenticator(
    ctx: In<Context>,
    proof: In<ProofView>,
    provider_name: Bytes,
    authenticator: In<Id>,
    options: Versioned<NoOptions>,
    call: Versioned<Call>,
    answer: Out<Answer>,
    err: Out<Failure>,
) -> i32 {
    Made {
        ctx,
        call,
        answer,
        err,
    }
    .run(|auth| {
        none(options)?;
        let (proof, provider) = (proved(proof)?, provider(provider_name)?);
        let authenticator = authenticator_id(authenticator)?;
        Ok(async move {
            Ok(auth
                .remove_authenticator(&proof, &provider, authenticator)
                .await?
                .into())
        })
    })
}
