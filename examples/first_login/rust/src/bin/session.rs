//! A session on a request, as the tutorial shows it. Run: cargo run -p doorward-first-login --bin session
use doorward::{Auth, Caller, Config, Fields, NewUserOptions, Outcome, Request, SessionOptions, block_on};

/// A request as a browser sends it; in your server these are the connection's method, header lines and peer.
fn request(method: &str, cookies: &[String]) -> Request {
    let cookies = cookies.join("; ");
    let headers = [("Origin", "https://app.example"), ("Cookie", &cookies)];
    Request::new(method, headers, Some([203, 0, 113, 9].into()))
}

/// What the browser keeps of a response: the final cookies of everything that was decided on this handle.
fn kept(on: &Auth) -> Vec<String> {
    let lines = on.headers();
    let set = lines.iter().filter(|(name, _)| *name == "Set-Cookie");
    set.filter_map(|(_, value)| Some(value.split(';').next()?.to_owned()))
        .collect()
}

fn main() -> doorward::Result<()> {
    let config = Config::from_toml(
        "database = 'memory:'\norigins.trusted = ['https://app.example']\nprovider.email.kind = 'password'",
    )?;
    let auth = Auth::open(&config)?;
    let password = Fields::from([("password", "plum tractors hum at noon")]);
    block_on(async {
        auth.start().await?;

        let on = auth.on(request("POST", &[])); // the form of the sign-up
        let user = on.create_user("email", b"ada@example.com", password, NewUserOptions::default());
        let proof = user.await?.require()?;
        on.create_session(&proof, SessionOptions::default())
            .await?
            .require()?;
        let cookies = kept(&on); // sent once, with the response

        let on = auth.on(request("GET", &cookies)); // a page
        if let Caller::Session(session) = on.resume_request().await?.require()? {
            println!("signed in: {}", session.user().id);
        }

        let on = auth.on(request("POST", &cookies)); // the button "sign out"
        on.end_session(None).await?.require()?;
        let after = auth.on(request("GET", &cookies)).resume_request().await?;
        assert!(matches!(after.outcome, Outcome::SignedOut(_)));
        auth.stop().await
    })
}
