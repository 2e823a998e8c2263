//! Single-use tokens and the outbox: asked for, looked at, consumed; taken, settled.

use std::time::Duration;

use doorward::{Result, Secret, Settlement, TokenPurpose};

use super::{IDENTIFIER, NAME, TOKEN, none, provider};
use crate::abi::{
    Bytes, Call, ConsumeTokenOptions, Field, NoOptions, RequestTokenOptions, TakeDeliveriesOptions,
};
use crate::answer::{Answer, Value, list};
use crate::boundary::{In, Out, Versioned, invalid};
use crate::call::{Made, credentials as fields};
use crate::context::Context;
use crate::delivery::DeliveryView;
use crate::error::{Failure, status};

/// How many messages are taken where the caller does not say.
const TAKEN: u32 = 100;
/// For how long, where the caller does not say.
const LEASE: Duration = Duration::from_mins(1);

fn secret(token: Bytes) -> Result<Secret> {
    token.bytes("token", TOKEN).map(Secret::from)
}

fn purpose(text: Bytes) -> Result<TokenPurpose> {
    TokenPurpose::of(text.text("purpose", NAME)?)
        .ok_or_else(|| invalid("`purpose` takes recovery, verify or change_identifier".into()))
}

/// `DOORWARD_DELIVERED`, `_RETRY`, `_FAILED`. Zero is none of them: nothing is settled by a variable that nobody set.
fn settlement(how: i32) -> Result<Settlement> {
    match how {
        1 => Ok(Settlement::Delivered),
        2 => Ok(Settlement::Retry),
        3 => Ok(Settlement::Failed),
        other => Err(invalid(format!(
            "`how` is {other} and takes DOORWARD_DELIVERED, DOORWARD_RETRY or DOORWARD_FAILED"
        ))),
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_request_token(
    ctx: In<Context>,
    purpose_text: Bytes,
    provider_name: Bytes,
    identifier: Bytes,
    options: Versioned<RequestTokenOptions>,
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
        let (purpose, provider) = (purpose(purpose_text)?, provider(provider_name)?);
        let identifier = identifier.bytes("identifier", IDENTIFIER)?.to_vec();
        let proof = options.proof.optional().map(|view| view.proof().clone());
        Ok(async move {
            Ok(auth
                .request_token(purpose, &provider, &identifier, proof.as_ref())
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_peek_token(
    ctx: In<Context>,
    token: Bytes,
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
        let token = secret(token)?;
        Ok(async move { Ok(auth.peek_token(token.expose()).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_consume_token(
    ctx: In<Context>,
    token: Bytes,
    options: Versioned<ConsumeTokenOptions>,
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
        let token = secret(token)?;
        let proof = options.proof.optional().map(|view| view.proof().clone());
        Ok(async move { Ok(auth.consume_token(token.expose(), proof.as_ref()).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_update_credentials_with_token(
    ctx: In<Context>,
    token: Bytes,
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
        let (token, provider) = (secret(token)?, provider(provider_name)?);
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(auth
                .update_credentials_with_token(token.expose(), &provider, credentials)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_update_identifier_with_token(
    ctx: In<Context>,
    token: Bytes,
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
        let token = secret(token)?;
        let old = old_identifier.bytes("old_identifier", IDENTIFIER)?.to_vec();
        let new = new_identifier.bytes("new_identifier", IDENTIFIER)?.to_vec();
        Ok(async move {
            Ok(auth
                .update_identifier_with_token(token.expose(), &old, &new)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_take_deliveries(
    ctx: In<Context>,
    options: Versioned<TakeDeliveriesOptions>,
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
        if options.reserved != 0 {
            return Err(invalid("`reserved` must be 0".into()));
        }
        let limit = if options.limit == 0 { TAKEN } else { options.limit };
        let lease = match options.lease {
            0 => LEASE,
            micros => Duration::from_micros(
                u64::try_from(micros)
                    .map_err(|_| invalid(format!("`lease` is {micros} and takes 0 or more")))?,
            ),
        };
        Ok(async move {
            Ok(Answer::ok(Value::Deliveries(list(
                auth.take_deliveries(limit, lease).await?,
            ))))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_settle_delivery(
    ctx: In<Context>,
    delivery: In<DeliveryView>,
    how: i32,
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
        let (id, attempt) = delivery.required("delivery")?.attempt();
        let how = settlement(how)?;
        Ok(async move {
            Ok(if auth.settle_delivery(id, attempt, how).await? {
                Answer::ok(())
            } else {
                Answer::of(status::ABSENT, Value::Nothing)
            })
        })
    })
}
