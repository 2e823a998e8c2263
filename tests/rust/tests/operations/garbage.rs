//! Tokens that are none take no write lock: they are answered at once while another process holds it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::{Answer, Fields, NewUserOptions, Outcome, Proof, SessionOptions, TokenPurpose};
use doorward_tests::scratch::Scratch;

use crate::context::{Browser, OTHER, PASSWORD, World, accepted, access, claims, password, run};

/// Another process that holds the write lock until it is dropped.
struct Holder(Child);

impl Holder {
    fn of(file: &std::path::Path) -> Self {
        const SCRIPT: &str = "import sqlite3, sys\n\
            db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
            db.execute('BEGIN IMMEDIATE')\nprint('held', flush=True)\nsys.stdin.read()";
        let mut process = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(said, "held\n");
        Self(process)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Every sort of token, all of them good in the world that made them.
struct Tokens {
    browser: Browser,
    access: Vec<u8>,
    stored: Vec<u8>,
    unstored: Vec<u8>,
    sent: Vec<Vec<u8>>,
}

fn begun(answer: doorward::Result<Answer<Proof>>) -> Vec<u8> {
    match answer.unwrap().outcome {
        Outcome::Continue(flow) => flow.token().expose().to_vec(),
        other => panic!("{other:?}"),
    }
}

fn tokens(world: &World) -> Tokens {
    let proof = world.sign_up("ann@example.com");
    let key = Fields::from([("id", "k1")]);
    accepted(run(world.auth.create_user(
        "passkey",
        b"Ada",
        key,
        NewUserOptions::default(),
    )));
    let mut browser = Browser::default();
    let on = world.auth.on(browser.request("POST"));
    let made = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    browser.take(&made);
    for purpose in [TokenPurpose::Recovery, TokenPurpose::Verify] {
        accepted(run(world.auth.request_token(
            purpose,
            "email",
            b"ann@example.com",
            None,
        )));
    }
    let sent = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let sent = sent.iter().filter_map(|one| one.params.named("token"));
    let tokens = Tokens {
        browser,
        access: access(&made.require().unwrap()),
        stored: begun(run(world.auth.authenticate("github", None, Fields::default()))),
        unstored: begun(run(world.auth.authenticate("passkey", None, Fields::default()))),
        sent: sent.map(|token| token.expose().to_vec()).collect(),
    };
    assert_eq!(tokens.sent.len(), 2);
    tokens
}

/// The same with another secret: its last bytes are others.
fn bent(token: &[u8]) -> Vec<u8> {
    let mut token = token.to_vec();
    let at = token.len() - 4;
    token[at] = if token[at] == b'A' { b'B' } else { b'A' };
    token
}

#[test]
fn garbage_of_every_sort_takes_no_write_lock() {
    let folder = Scratch::new();
    let file = folder.path().join("doorward.db");
    let store = SqliteStore::open(SqliteSettings {
        busy_timeout: Duration::from_millis(20),
        ..SqliteSettings::new(&file)
    });
    let world = World::over(Arc::new(store), &claims());
    let own = tokens(&world);
    let foreign = tokens(&World::with(&claims()));
    let holder = Holder::of(&file);
    let refused = |answered: &'static str| assert_ne!(answered, "accepted");
    let code = || Fields::from([("code", "good:7")]);
    let flows = [
        &foreign.stored,
        &foreign.unstored,
        &bent(&own.stored),
        &bent(&own.unstored),
    ];
    for flow in flows {
        refused(
            run(world.auth.continue_flow(flow, None, code()))
                .unwrap()
                .outcome
                .id(),
        );
    }
    for access in [&foreign.access, &bent(&own.access)] {
        refused(run(world.auth.validate_session(access)).unwrap().outcome.id());
    }
    let on = world.auth.on(foreign.browser.request("POST"));
    refused(run(on.check_request()).unwrap().outcome.id());
    refused(run(on.resume_request()).unwrap().outcome.id());
    for token in foreign
        .sent
        .iter()
        .cloned()
        .chain(own.sent.iter().map(|token| bent(token)))
    {
        refused(run(world.auth.peek_token(&token)).unwrap().outcome.id());
        refused(run(world.auth.consume_token(&token, None)).unwrap().outcome.id());
        let recovered = world
            .auth
            .update_credentials_with_token(&token, "email", password(OTHER));
        refused(run(recovered).unwrap().outcome.id());
    }
    // What is good does need the lock: else nothing was shown.
    assert!(run(world.auth.continue_flow(&own.stored, None, code())).is_err());
    drop(holder);
    assert_eq!(
        world.try_sign_in("ann@example.com", PASSWORD).outcome.id(),
        "accepted"
    );
}
