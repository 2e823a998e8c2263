//! One server process of `tests/totp_processes.rs`: signs a user in with password and code, when it is told to.
//!
//! Argument: the configuration. Standard input, line by line: `sign-in EMAIL PASSWORD MICROS` sets the clock and begins;
//! `code CODE` answers the second factor. Each is answered by one word on standard output.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's server: what goes wrong ends it"
)]

use std::io::BufRead as _;
use std::sync::Arc;

use doorward::clock::ManualClock;
use doorward::{Auth, Config, Fields, FlowHandle, Outcome, Timestamp};

fn main() {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(serve());
}

async fn serve() {
    let mut config = Config::from_toml(&std::env::args().nth(1).unwrap()).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    config.clock(clock.clone());
    let auth = Auth::open(&config).unwrap();
    let mut started = false;
    let mut held = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["sign-in", email, password, micros] => {
                clock.set(Timestamp::from_micros(micros.parse().unwrap()));
                if !started {
                    auth.start().await.unwrap();
                    started = true;
                }
                held = Some(begin(&auth, email, password).await);
                println!("asked");
            }
            ["code", code] => println!("{}", answer(&auth, held.take().unwrap(), code).await),
            _ => panic!("not a command: {line}"),
        }
    }
    auth.stop().await.unwrap();
}

async fn begin(auth: &Auth, email: &str, password: &str) -> FlowHandle {
    let credentials = Fields::from([("password", password)]);
    match auth
        .authenticate("email", Some(email.as_bytes()), credentials)
        .await
        .unwrap()
        .outcome
    {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

async fn answer(auth: &Auth, flow: FlowHandle, code: &str) -> &'static str {
    let credentials = Fields::from([("code", code)]);
    match auth
        .continue_flow(flow.token().expose(), None, credentials)
        .await
        .unwrap()
        .outcome
    {
        Outcome::Accepted(_) => "accepted",
        Outcome::Refused(_) => "refused",
        other => panic!("{other:?}"),
    }
}
