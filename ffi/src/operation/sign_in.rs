//! Signing up and in.

use doorward::NewUserOptions;

use super::{IDENTIFIER, TOKEN, attributes, none, provider, user_id};
use crate::abi::{
    BeginEnrolmentOptions, Bytes, Call, ContinueFlowOptions, CreateUserOptions, Field, ListMethodsOptions,
    NoOptions,
};
use crate::answer::{Answer, Value, list};
use crate::boundary::{In, Out, Versioned};
use crate::call::{Made, credentials as fields};
use crate::context::Context;
use crate::error::Failure;

#[unsafe(no_mangle)]
extern "C" fn doorward_create_user(
    ctx: In<Context>,
    provider_name: Bytes,
    identifier: Bytes,
    credentials: In<Field>,
    n_credentials: usize,
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
        let provider = provider(provider_name)?;
        let identifier = identifier.bytes("identifier", IDENTIFIER)?.to_vec();
        let credentials = fields(credentials, n_credentials)?;
        let id = options
            .id
            .optional()
            .map(|_| user_id(options.id, "id"))
            .transpose()?;
        let options = NewUserOptions {
            attributes: attributes(options.attributes, "attributes")?,
            id,
        };
        Ok(async move {
            Ok(auth
                .create_user(&provider, &identifier, credentials, options)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_begin_enrolment(
    ctx: In<Context>,
    provider_name: Bytes,
    options: Versioned<BeginEnrolmentOptions>,
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
        let provider = provider(provider_name)?;
        let identifier = options
            .identifier
            .optional("identifier", IDENTIFIER)?
            .map(<[u8]>::to_vec);
        let proof = options.proof.optional().map(|view| view.proof().clone());
        Ok(async move {
            Ok(auth
                .begin_enrolment(&provider, identifier.as_deref(), proof.as_ref())
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_authenticate(
    ctx: In<Context>,
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
        let provider = provider(provider_name)?;
        let identifier = identifier.optional("identifier", IDENTIFIER)?.map(<[u8]>::to_vec);
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(auth
                .authenticate(&provider, identifier.as_deref(), credentials)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_continue_flow(
    ctx: In<Context>,
    flow: Bytes,
    credentials: In<Field>,
    n_credentials: usize,
    options: Versioned<ContinueFlowOptions>,
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
        let flow = doorward::Secret::from(flow.bytes("flow", TOKEN)?);
        let provider = options
            .provider
            .optional_text("provider", super::NAME)?
            .map(str::to_owned);
        let credentials = fields(credentials, n_credentials)?;
        Ok(async move {
            Ok(auth
                .continue_flow(flow.expose(), provider.as_deref(), credentials)
                .await?
                .into())
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_list_methods(
    ctx: In<Context>,
    options: Versioned<ListMethodsOptions>,
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
        let user = options
            .user
            .optional()
            .map(|_| user_id(options.user, "user"))
            .transpose()?;
        Ok(async move { Ok(Answer::ok(Value::Methods(list(auth.list_methods(user).await?)))) })
    })
}
