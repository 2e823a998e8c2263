//! Claims: users made from them, identities linked by them.

use doorward::{NewUserOptions, Result, Secret};

use super::credentials::proved;
use super::{IDENTIFIER, TOKEN, attributes, none, provider, user_id};
use crate::abi::{Bytes, Call, CreateUserOptions, Field, NoOptions};
use crate::answer::Answer;
use crate::boundary::{In, Out, Versioned};
use crate::call::{Made, credentials as fields};
use crate::context::Context;
use crate::error::Failure;
use crate::proof::ProofView;

fn token(claim: Bytes) -> Result<Secret> {
    claim.bytes("claim", TOKEN).map(Secret::from)
}

#[unsafe(no_mangle)]
extern "C" fn doorward_create_user_from_claim(
    ctx: In<Context>,
    claim: Bytes,
    options: Versioned<CreateUserOptions>,
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
        let options = options.or_default()?;
        let claim = token(claim)?;
        let id = options
            .id
            .optional()
            .map(|_| user_id(options.id, "id"))
            .transpose()?;
        let options = NewUserOptions {
            attributes: attributes(options.attributes, "attributes")?,
            id,
        };
        Ok(async move { Ok(auth.create_user_from_claim(claim.expose(), options).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_peek_claim(
    ctx: In<Context>,
    claim: Bytes,
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
        let claim = token(claim)?;
        Ok(async move { Ok(auth.peek_claim(claim.expose()).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_begin_link(
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
        let identifier = identifier.optional("identifier", IDENTIFIER)?.map(<[u8]>::to_vec);
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(auth
                .begin_link(&proof, &provider, identifier.as_deref(), credentials)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_link_claim(
    ctx: In<Context>,
    proof: In<ProofView>,
    claim: Bytes,
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
        let (proof, claim) = (proved(proof)?, token(claim)?);
        Ok(async move { Ok(auth.link_claim(&proof, claim.expose()).await?.into()) })
    })
}
