//! What is no key, no link and no token is answered without a write: while another process holds SQLite's write lock, and
//! by a role that may write nothing on PostgreSQL.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorward::{Auth, Fields, Outcome, Request, SessionOptions, Settlement};
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;

use crate::world::{World, accepted, flow, run, shown};

const EMAIL: &str = "ann@example.org";
const PLUGINS: [&str; 2] = ["api_key", "email_code"];
const CONFIGURATION: &str = "provider.api.kind = 'api_key'\nbearer.prefixes.dwk_ = 'api'\n\
    provider.mail.kind = 'email_code'\nprovider.mail.rule = 'email'\n";

/// One of each sort, all good in the world that made them.
struct Good {
    key: String,
    link: Vec<u8>,
    flow: Vec<u8>,
    recovery: Vec<u8>,
    access: Vec<u8>,
    refresh: Vec<u8>,
}

fn good(world: &World) -> Good {
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let begun = flow(run(world.auth.begin_enrollment("api", None, Some(&proof))).unwrap());
    let answer = world.go_on(&begun, Fields::default());
    let key = shown(&answer, "key");
    let proof = accepted(Ok(answer));
    let begun = flow(
        run(world
            .auth
            .begin_link(&proof, "mail", Some(b"ann@mail.example"), Fields::default()))
        .unwrap(),
    );
    let code = |world: &World| -> Vec<(String, Option<Vec<u8>>)> {
        let due = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
        due.iter()
            .map(|one| {
                let settled = world
                    .auth
                    .settle_delivery(one.id, one.attempts, Settlement::Delivered);
                assert!(run(settled).unwrap());
                let param = |name| {
                    let value: Option<&doorward::Secret> = one.params.named(name);
                    value.map(|value| value.expose().to_vec())
                };
                let code = param("code").unwrap_or_default();
                (String::from_utf8(code).unwrap(), param("token"))
            })
            .collect()
    };
    let sent = code(world);
    let (right, _) = sent.iter().find(|(code, _)| !code.is_empty()).unwrap();
    let answer = world.go_on(&begun, Fields::from([("code", right.as_str())]));
    let Outcome::Unregistered(claim) = answer.outcome else {
        panic!("{:?}", answer.outcome)
    };
    accepted(run(world.auth.link_claim(&proof, claim.token().expose())));
    code(world);
    let asked = world
        .auth
        .authenticate("mail", Some(b"ann@mail.example"), Fields::default());
    let asked = flow(run(asked).unwrap());
    let link = code(world)[0].1.clone().unwrap();
    let recovery =
        world
            .auth
            .request_token(doorward::TokenPurpose::Recovery, "email", EMAIL.as_bytes(), None);
    accepted(run(recovery));
    let recovery = code(world)[0].1.clone().unwrap();
    let proof = accepted(Ok(world.sign_in(EMAIL)));
    let session = accepted(run(world.auth.create_session(&proof, SessionOptions::default())));
    Good {
        key,
        link,
        flow: asked.token().expose().to_vec(),
        recovery,
        access: session.access_token().unwrap().expose().to_vec(),
        refresh: session.refresh_token().unwrap().expose().to_vec(),
    }
}

fn bearer(auth: &Auth, token: &[u8]) -> &'static str {
    let header = [b"Bearer ", token].concat();
    let headers = [(b"authorization".as_slice(), header.as_slice())];
    let request = Request::new(b"GET", headers, Some("192.0.2.7".parse().unwrap()));
    run(auth.on(request).check_request()).unwrap().outcome.id()
}

/// Other bytes of the same form, one at a time; and what has no form at all.
fn bent(token: &[u8]) -> Vec<Vec<u8>> {
    let other = |at: usize| {
        let mut token = token.to_vec();
        token[at] = if token[at] == b'A' { b'B' } else { b'A' };
        token
    };
    let end = token.len();
    let mut all = vec![
        other(8),
        other(end / 2),
        token[..end - 1].to_vec(),
        [token, b"A"].concat(),
        token[..4].to_vec(),
    ];
    // Who shows the family of a refresh token has had one: that is no garbage, and ends the sign-in.
    if !token.starts_with(b"dwr_") {
        all.push(other(end - 4));
    }
    all
}

/// Every sort of garbage, where it is taken: as its own sort and as every other.
fn refused_at_once(auth: &Auth, good: &Good) {
    let sorts = [
        good.key.as_bytes(),
        &good.link,
        &good.flow,
        &good.recovery,
        &good.access,
        &good.refresh,
    ];
    for garbage in sorts.into_iter().flat_map(bent) {
        let text = String::from_utf8_lossy(&garbage);
        assert_ne!(bearer(auth, &garbage), "accepted", "{text}");
        let ids = [
            run(auth.continue_flow(&garbage, None, Fields::default()))
                .unwrap()
                .outcome
                .id(),
            run(auth.validate_session(&garbage)).unwrap().outcome.id(),
            run(auth.peek_token(&garbage)).unwrap().outcome.id(),
            run(auth.consume_token(&garbage, None)).unwrap().outcome.id(),
            run(auth.peek_claim(&garbage)).unwrap().outcome.id(),
            run(auth.create_user_from_claim(&garbage, doorward::NewUserOptions::default()))
                .unwrap()
                .outcome
                .id(),
            run(auth.update_credentials_with_token(
                &garbage,
                "email",
                Fields::from([("password", "another horse battery")]),
            ))
            .unwrap()
            .outcome
            .id(),
            run(auth.update_identifier_with_token(&garbage, EMAIL.as_bytes(), b"x@example.org"))
                .unwrap()
                .outcome
                .id(),
            run(auth.refresh_session(&garbage)).unwrap().outcome.id(),
        ];
        assert!(!ids.contains(&"accepted"), "{text}: {ids:?}");
    }
    assert_eq!(
        bearer(auth, &good.access),
        "accepted",
        "and what only reads is answered"
    );
}

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

#[test]
fn keys_links_and_tokens_that_are_none_take_no_write_lock() {
    let world = World::with(&PLUGINS, CONFIGURATION);
    let good = good(&world);
    let holder = Holder::of(&world.database());
    refused_at_once(&world.auth, &good);
    // What is good does need the lock: else nothing was shown.
    let link = || run(world.auth.continue_flow(&good.link, None, Fields::default()));
    assert!(link().is_err());
    drop(holder);
    accepted(link());
}

#[test]
fn keys_links_and_tokens_that_are_none_need_no_right_to_write() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let role = format!("garbage_{name}");
    let folder = Scratch::new();
    let key = folder.path().join("doorward.key");
    std::fs::write(&key, "07".repeat(32)).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let more = format!(
        "migrate = true\nkeys = [{{ id = 'one', file = '{}' }}]\n{CONFIGURATION}",
        key.display()
    );
    let owner = World::at(&url, &PLUGINS, &more);
    let good = good(&owner);
    server.psql(
        name,
        &format!(
            "CREATE ROLE {role} LOGIN; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ),
    );
    let more = more.replace("migrate = true", "migrate = false");
    let reader = World::at(&url.replace("doorward@", &format!("{role}@")), &PLUGINS, &more);
    server.psql(
        name,
        &format!("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM {role}"),
    );
    refused_at_once(&reader.auth, &good);
    let link = |auth: &Auth| run(auth.continue_flow(&good.link, None, Fields::default()));
    assert!(
        link(&reader.auth).is_err(),
        "what is good is written, and this role must not"
    );
    accepted(link(&owner.auth));
}
