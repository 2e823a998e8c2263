//! A second factor, as the tutorial shows it. Run: `cargo run -p doorward-first-login --bin second_factor FILE`
use std::time::Duration;

use doorward::{
    Auth, Config, Fields, NewUserOptions, Outcome, Secret, SessionOptions, TokenPurpose, block_on,
};

const SETTINGS: &str = "
    database = 'memory:'
    policy.second_factor = ['recovery_codes']
    provider.email.kind = 'password'
    provider.recovery_codes.kind = 'recovery_codes'
";

/// A value by its name.
fn text(values: &Fields, name: &str) -> String {
    let value = values.named(name).map(Secret::expose).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

fn main() -> doorward::Result<()> {
    let mut config = Config::from_toml(SETTINGS)?;
    // Absolute, from the command line: target/release/libdoorward_recovery_codes.so of your checkout.
    let path = std::env::args().nth(1).unwrap_or_default();
    config.set("plugin.recovery_codes.path", &path)?;
    let auth = Auth::open(&config)?;
    let password = Fields::from([("password", "plum tractors hum at noon")]);
    block_on(async {
        auth.start().await?;
        let user = auth.create_user(
            "email",
            b"ada@example.com",
            password.clone(),
            NewUserOptions::default(),
        );
        let proof = user.await?.require()?;

        let asked = auth.request_token(TokenPurpose::Verify, "email", b"ada@example.com", Some(&proof));
        asked.await?.require()?;
        for message in auth.take_deliveries(10, Duration::from_mins(1)).await? {
            // Your mailer sends it; the token comes back with a click.
            let token = text(&message.params, "token");
            auth.consume_token(token.as_bytes(), Some(&proof))
                .await?
                .require()?;
        }

        let enrolled = auth
            .begin_enrollment("recovery_codes", None, Some(&proof))
            .await?;
        let codes = text(&enrolled.show_once, "codes"); // now and never again
        println!("print these:\n{codes}");

        let asked = auth
            .authenticate("email", Some(b"ada@example.com"), password)
            .await?;
        let Outcome::Continue(flow) = asked.outcome else {
            unreachable!("a second factor is asked for");
        };
        let code = Fields::from([("code", codes.lines().next().unwrap_or_default())]);
        let both = auth
            .continue_flow(flow.token().expose(), Some("recovery_codes"), code)
            .await?;
        let session = auth
            .create_session(&both.require()?, SessionOptions::default())
            .await?
            .require()?;
        assert_eq!(session.factors().len(), 2);
        auth.stop().await
    })
}
