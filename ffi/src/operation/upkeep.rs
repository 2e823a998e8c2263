//! Upkeep.

use super::none;
use crate::abi::{Call, NoOptions};
use crate::answer::Answer;
use crate::boundary::{In, Out, Versioned};
use crate::call::Made;
use crate::context::Context;
use crate::error::Failure;

#[unsafe(no_mangle)]
extern "C" fn doorward_health(
    ctx: In<Context>,
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
        Ok(async move { Ok(Answer::ok(auth.health().await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_stats(
    ctx: In<Context>,
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
        Ok(async move { Ok(Answer::ok(auth.stats().await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_purge_expired(
    ctx: In<Context>,
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
        Ok(async move { Ok(Answer::ok(auth.purge_expired().await?)) })
    })
}
