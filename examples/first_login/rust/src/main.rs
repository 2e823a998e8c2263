//! The first sign-up and sign-in. Run: cargo run -p doorward-first-login
use doorward::{Auth, Config, Fields, NewUserOptions, SessionOptions, block_on};

fn main() -> doorward::Result<()> {
    let config = Config::from_toml("database = 'sqlite:doorward.db'\n[provider.email]\nkind = 'password'")?;
    let auth = Auth::open(&config)?;
    let password = Fields::from([("password", "plum tractors hum at noon")]);
    block_on(async {
        auth.start().await?;
        let user = auth.create_user("email", b"ada@example.com", password, NewUserOptions::default());
        let proof = user.await?.require()?;
        let session = auth.create_session(&proof, SessionOptions::default()).await?;
        for (name, value) in session.headers.iter() {
            println!("{name}: {value}");
        }
        session.require()?;
        auth.stop().await
    })
}
