//! What the examples in the core's documentation stand on: a context in memory, Ada, what she holds, and two kinds. So each
//! example shows its operation and nothing else. They are `core/doc/operations`, one for each operation.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "it serves examples alone, which fail so"
)]

mod kinds;

use std::time::Duration;

use doorward::plugin::StaticPlugin;
use doorward::{
    Auth, AuthenticatorId, Claim, Config, Fields, NewUserOptions, Outcome, Proof, Result, Session,
    SessionOptions, Settlement, TokenPurpose, block_on,
};

/// Ada's password.
const PASSWORD: &str = "plum tractors hum at noon";

const SETTINGS: &str = "
database = 'memory:'
attributes.unique = ['nick']
policy.second_factor = ['key']
[password]
memory_kib = 64
passes = 1
unsafe_fast_hashes = true
[provider]
email.kind = 'password'
username.kind = 'password'
github.kind = 'issuer'
key.kind = 'key'
";

extern "C" fn entry() -> *const doorward_plugin::abi::Module {
    kinds::doorward_module()
}

/// Runs an example on a context of its own, which is started; what it fails at is a panic.
pub fn run(example: impl AsyncFnOnce(Auth) -> Result<()>) {
    let mut config = Config::from_toml(SETTINGS).expect("these settings are right");
    // SAFETY: the SDK has written the module, which is constant.
    config.plugin(unsafe { StaticPlugin::new("the kinds of the examples", entry) });
    let auth = Auth::open(&config).expect("a context in memory opens");
    let ran = block_on(async {
        auth.start().await?;
        example(auth.clone()).await?;
        auth.stop().await
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

/// Ada's password, as credentials.
pub fn password() -> Fields {
    Fields::from([("password", PASSWORD)])
}

/// Ada signs up.
///
/// # Errors
/// As the operations say.
pub async fn ada(auth: &Auth) -> Result<Proof> {
    let new = NewUserOptions::default();
    let made = auth.create_user("email", b"ada@example.com", password(), new);
    made.await?.require()
}

/// Ada's session.
///
/// # Errors
/// As the operations say.
pub async fn session(auth: &Auth) -> Result<Session> {
    let proof = ada(auth).await?;
    auth.create_session(&proof, SessionOptions::default())
        .await?
        .require()
}

/// Ada's proof, once she has shown that she reads what is sent to her address.
///
/// # Errors
/// As the operations say.
pub async fn proved(auth: &Auth) -> Result<Proof> {
    let proof = ada(auth).await?;
    auth.request_token(TokenPurpose::Verify, "email", b"ada@example.com", Some(&proof))
        .await?
        .require()?;
    auth.consume_token(&mailed(auth).await?, Some(&proof))
        .await?
        .require()?;
    Ok(proof)
}

/// Ada enrolls a key with this number.
///
/// # Errors
/// As the operations say.
pub async fn key(auth: &Auth) -> Result<(Proof, AuthenticatorId)> {
    let proof = proved(auth).await?;
    let Outcome::Continue(flow) = auth.begin_enrollment("key", None, Some(&proof)).await?.outcome else {
        unreachable!("a key asks for its number");
    };
    let number = Fields::from([("number", "2468")]);
    let proof = auth
        .continue_flow(flow.token().expose(), None, number)
        .await?
        .require()?;
    let all = auth.list_authenticators(proof.user_id()).await?;
    let key = all
        .iter()
        .find(|one| one.group == "key")
        .expect("it was enrolled");
    Ok((proof, key.id))
}

/// What the issuer says of somebody who is no user yet.
///
/// # Errors
/// As the operations say.
pub async fn vouched(auth: &Auth, code: &str) -> Result<Claim> {
    let answer = auth.authenticate("github", None, Fields::from([("code", code)]));
    match answer.await?.outcome {
        Outcome::Unregistered(claim) => Ok(claim),
        other => panic!("{other:?}"),
    }
}

/// Sends what is due, and gives the token of the last message that has one.
///
/// # Errors
/// As the operations say.
pub async fn mailed(auth: &Auth) -> Result<Vec<u8>> {
    let mut token = Vec::new();
    for message in auth.take_deliveries(100, Duration::from_mins(1)).await? {
        if let Some((_, value)) = message.params.0.iter().find(|(name, _)| name == "token") {
            token = value.expose().to_vec();
        }
        auth.settle_delivery(message.id, message.attempts, Settlement::Delivered)
            .await?;
    }
    Ok(token)
}
