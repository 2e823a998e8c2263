//! Sessions.

use std::time::Duration;

use doorward::plugin::FactorClass;
use doorward::session::Lifetimes;
use doorward::{Factor, Outcome, Result, Secret, SessionOptions, SignInId, SignedOut, Timestamp};

use super::{NAME, TOKEN, attributes, none, user_id};
use crate::abi::{
    AssertedFactor, Bytes, Call, CreateSessionForUserOptions, CreateSessionOptions, Id, NoOptions,
};
use crate::answer::{Answer, Value, list};
use crate::boundary::{In, Out, Versioned, invalid};
use crate::call::Made;
use crate::context::Context;
use crate::error::Failure;
use crate::proof::ProofView;
use crate::session::SessionView;

/// Most factors that trusted code asserts at once.
const MAX_FACTORS: usize = 16;

fn session_options(options: &CreateSessionOptions) -> Result<SessionOptions> {
    let ttl = |micros: i64, name: &str| match micros {
        0 => Ok(None),
        _ => u64::try_from(micros)
            .map(|micros| Some(Duration::from_micros(micros)))
            .map_err(|_| invalid(format!("`{name}` is {micros} and takes 0 or more"))),
    };
    let persistent = match options.persistent {
        0 => None,
        1 => Some(true),
        2 => Some(false),
        other => return Err(invalid(format!("`persistent` is {other} and takes 0, 1 or 2"))),
    };
    if options.reserved != 0 {
        return Err(invalid("`reserved` must be 0".into()));
    }
    Ok(SessionOptions {
        attributes: attributes(options.attributes, "attributes")?,
        lifetimes: Lifetimes {
            access: ttl(options.access_ttl, "access_ttl")?,
            idle: ttl(options.idle_ttl, "idle_ttl")?,
            absolute: ttl(options.absolute_ttl, "absolute_ttl")?,
            persistent,
        },
    })
}

fn asserted(factor: &AssertedFactor) -> Result<Factor> {
    let class = factor.factor_class.text("factor_class", NAME)?;
    let two_in_one = match (factor.two_in_one, factor.reserved) {
        (one @ (0 | 1), 0) => one == 1,
        (one, 0) => return Err(invalid(format!("`two_in_one` is {one} and takes 0 or 1"))),
        _ => return Err(invalid("`reserved` of a factor must be 0".into())),
    };
    Ok(Factor {
        provider: factor.provider.text("provider", NAME)?.to_owned(),
        class: FactorClass::of(class)
            .ok_or_else(|| invalid("`factor_class` takes knowledge, possession or inherence".into()))?,
        channel: factor
            .channel
            .optional_text("channel", NAME)?
            .unwrap_or_default()
            .to_owned(),
        at: Timestamp::from_micros(factor.at),
        via: Vec::new(),
        two_in_one,
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_create_session(
    ctx: In<Context>,
    proof: In<ProofView>,
    options: Versioned<CreateSessionOptions>,
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
        let options = session_options(&options.or_default()?)?;
        let proof = proof.required("proof")?.proof().clone();
        Ok(async move { Ok(auth.create_session(&proof, options).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_create_session_for_user(
    ctx: In<Context>,
    user: In<Id>,
    options: Versioned<CreateSessionForUserOptions>,
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
        let user = user_id(user, "user")?;
        let factors = options.factors.list(options.n_factors, MAX_FACTORS, "factors")?;
        let factors = factors.iter().map(asserted).collect::<Result<Vec<_>>>()?;
        let options = session_options(&options.session.or_default()?)?;
        Ok(async move {
            Ok(auth
                .create_session_for_user(user, &factors, options)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_validate_session(
    ctx: In<Context>,
    access_token: Bytes,
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
        let token = Secret::from(access_token.bytes("access_token", TOKEN)?);
        Ok(async move { Ok(auth.validate_session(token.expose()).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_refresh_session(
    ctx: In<Context>,
    refresh_token: Bytes,
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
        let token = Secret::from(refresh_token.bytes("refresh_token", TOKEN)?);
        Ok(async move { Ok(auth.refresh_session(token.expose()).await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_check_request(
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
        Ok(async move { Ok(auth.check_request().await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_resume_request(
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
        Ok(async move { Ok(auth.resume_request().await?.into()) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_end_session(
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
        let token = token.optional("token", TOKEN)?.map(Secret::from);
        Ok(async move { Ok(auth.end_session(token.as_ref().map(Secret::expose)).await?.into()) })
    })
}

fn sign_in_id(id: In<Id>) -> Result<SignInId> {
    id.required("sign_in").map(|id| SignInId::from_bytes(id.bytes))
}

#[unsafe(no_mangle)]
extern "C" fn doorward_end_sign_in(
    ctx: In<Context>,
    user: In<Id>,
    sign_in: In<Id>,
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
        let (user, sign_in) = (user_id(user, "user")?, sign_in_id(sign_in)?);
        Ok(async move { Ok(Answer::ok(auth.end_sign_in(user, sign_in).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_end_other_sessions(
    ctx: In<Context>,
    proof: In<ProofView>,
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
        let proof = proof.required("proof")?.proof().clone();
        Ok(async move { Ok(Answer::ok(auth.end_other_sessions(&proof).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_end_all_sessions(
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
        Ok(async move { Ok(Answer::ok(auth.end_all_sessions(user).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_list_sessions(
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
        Ok(async move { Ok(Answer::ok(Value::Devices(list(auth.list_sessions(user).await?)))) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_session_alive(
    ctx: In<Context>,
    user: In<Id>,
    sign_in: In<Id>,
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
        let (user, sign_in) = (user_id(user, "user")?, sign_in_id(sign_in)?);
        Ok(async move {
            let alive = auth.session_alive(user, sign_in).await?;
            let said = if alive {
                Outcome::Accepted(())
            } else {
                Outcome::SignedOut(SignedOut::Invalid)
            };
            Ok(doorward::Answer::of(said).into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_session_proof(
    ctx: In<Context>,
    session: In<SessionView>,
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
        let session = session.required("session")?.session().clone();
        Ok(async move { Ok(Answer::ok(auth.session_proof(&session).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_update_session_attributes(
    ctx: In<Context>,
    session: In<SessionView>,
    patch: Bytes,
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
        let session = session.required("session")?.session().clone();
        let patch = patch.text("patch", super::ATTRIBUTES)?.to_owned();
        Ok(async move {
            Ok(Answer::ok(
                auth.update_session_attributes(&session, &patch).await?,
            ))
        })
    })
}
