//! What an operator does for somebody who is shut out.

use super::{IDENTIFIER, NAME, none, provider, user_id};
use crate::abi::{Bytes, Call, Field, Id, NoOptions};
use crate::answer::Answer;
use crate::boundary::{In, Out, Versioned};
use crate::call::{Made, credentials as fields};
use crate::context::Context;
use crate::error::Failure;

#[unsafe(no_mangle)]
extern "C" fn doorward_reset_factors(
    ctx: In<Context>,
    user: In<Id>,
    why: Bytes,
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
        let (user, why) = (user_id(user, "user")?, why.text("why", NAME)?.to_owned());
        Ok(async move { Ok(Answer::ok(auth.reset_factors(user, &why).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_set_credentials(
    ctx: In<Context>,
    user: In<Id>,
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
        let (user, provider) = (user_id(user, "user")?, provider(provider_name)?);
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(Answer::ok(
                auth.set_credentials(user, &provider, credentials).await?,
            ))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_add_address(
    ctx: In<Context>,
    user: In<Id>,
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
        let (user, provider) = (user_id(user, "user")?, provider(provider_name)?);
        let identifier = identifier.bytes("identifier", IDENTIFIER)?.to_vec();
        Ok(async move { Ok(Answer::ok(auth.add_address(user, &provider, &identifier).await?)) })
    })
}
