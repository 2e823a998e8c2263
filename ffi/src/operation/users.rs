//! Users.

use super::{ATTRIBUTES, IDENTIFIER, NAME, none, provider, user_id};
use crate::abi::{Bytes, Call, Id, ListUsersOptions, NoOptions, UpdateAttributesOptions};
use crate::answer::{Answer, Value, list};
use crate::boundary::{In, Out, Versioned};
use crate::call::Made;
use crate::context::Context;
use crate::error::Failure;

/// How many users a page has, unless it is told.
const PAGE: u32 = 100;

#[unsafe(no_mangle)]
extern "C" fn doorward_get_user(
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
        Ok(async move { Ok(Answer::ok(auth.get_user(user).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_find_user(
    ctx: In<Context>,
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
        let provider = provider(provider_name)?;
        let identifier = identifier.bytes("identifier", IDENTIFIER)?.to_vec();
        Ok(async move { Ok(Answer::found(auth.find_user(&provider, &identifier).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_find_user_by_attribute(
    ctx: In<Context>,
    name: Bytes,
    value: Bytes,
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
        let name = name.text("name", NAME)?.to_owned();
        let value = value.text("value", ATTRIBUTES)?.to_owned();
        Ok(async move { Ok(Answer::found(auth.find_user_by_attribute(&name, &value).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_list_users(
    ctx: In<Context>,
    options: Versioned<ListUsersOptions>,
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
        let after = options
            .after
            .optional()
            .map(|_| user_id(options.after, "after"))
            .transpose()?;
        let limit = if options.limit == 0 { PAGE } else { options.limit };
        Ok(async move {
            Ok(Answer::ok(Value::Users(list(
                auth.list_users(after, limit).await?,
            ))))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_update_attributes(
    ctx: In<Context>,
    user: In<Id>,
    patch: Bytes,
    options: Versioned<UpdateAttributesOptions>,
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
        let version = Some(options.or_default()?.version).filter(|&version| version != 0);
        let user = user_id(user, "user")?;
        let patch = patch.text("patch", ATTRIBUTES)?.to_owned();
        Ok(async move { Ok(Answer::ok(auth.update_attributes(user, &patch, version).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_disable_user(
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
        Ok(async move { Ok(Answer::ok(auth.disable_user(user).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_enable_user(
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
        Ok(async move { Ok(Answer::ok(auth.enable_user(user).await?)) })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_delete_user(
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
        Ok(async move { Ok(Answer::ok(auth.delete_user(user).await?)) })
    })
}
