//! A failover: the primary dies under load, its synchronous standby is promoted, and the address leads there.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use doorward::{Auth, Config, Error, ErrorKind, Fields, NewUserOptions, Outcome, Session, SessionOptions};
use doorward_tests::scratch::Scratch;
use doorward_tests::wait::{Over, block_on as run};

use super::*;

/// Who signs up and in at the same time.
const CALLERS: usize = 4;
/// Sign-ins of each before the primary dies, and after.
const EACH: usize = 10;
/// Reached only where nothing goes on.
const PATIENCE: Duration = Duration::from_mins(2);

fn opened(url: &str, keys: &Scratch) -> Auth {
    let key = keys.path().join("k1.key");
    std::fs::write(&key, "17".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "database = '{url}'\nmigrate = true\nkeys = [{{ id = 'k1', file = '{}' }}]\nthrottle.enabled = false\n\
         password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
         provider.email.kind = 'password'\n",
        key.display()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap().trusted();
    run(auth.start()).unwrap();
    auth
}

fn signed_up(auth: &Auth, name: &str) -> Result<Session, Error> {
    let password = Fields::from([("password", "correct horse battery")]);
    let proof = run(auth.create_user("email", name.as_bytes(), password, NewUserOptions::default()))?;
    run(auth.create_session(&proof.require()?, SessionOptions::default()))?.require()
}

/// What was acknowledged, and what each caller met.
#[derive(Default)]
struct Seen {
    sessions: Mutex<HashMap<String, Session>>,
    acknowledged: [AtomicUsize; CALLERS],
    unavailable: [AtomicUsize; CALLERS],
    over: AtomicBool,
}

impl Seen {
    /// One caller's sign-ups, one after the other, until it is over.
    fn call(&self, auth: &Auth, caller: usize) {
        for number in 0.. {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let name = format!("u{caller}-{number}@example.com");
            match signed_up(auth, &name) {
                Ok(session) => {
                    self.sessions.lock().unwrap().insert(name, session);
                    self.acknowledged[caller].fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                    self.unavailable[caller].fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
}

/// Until each caller has met so many.
fn until(what: &str, counts: &[AtomicUsize; CALLERS], each: usize) {
    let until = SystemClock.monotonic() + PATIENCE;
    while counts.iter().any(|count| count.load(Ordering::SeqCst) < each) {
        assert!(SystemClock.monotonic() < until, "{what}: {counts:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_promoted_standby_has_all_that_was_acknowledged_and_nobody_is_signed_out() {
    let primary = Server::start();
    let direct = primary.database();
    let standby = primary.standby();
    let proxy = Proxy::to(primary.port());
    let url = direct.replace(&format!(":{}/", primary.port()), &format!(":{}/", proxy.port()));
    let keys = Scratch::new();
    let auth = opened(&url, &keys);
    let seen = Seen::default();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (seen, auth) = (&seen, &auth);
            scope.spawn(move || seen.call(auth, caller));
        }
        let over = Over(&seen.over);
        until("before", &seen.acknowledged, EACH);
        primary.kill();
        until("without a primary", &seen.unavailable, 1);
        // The address moves before the standby is promoted: it is not asked, since it may be behind.
        proxy.lead(standby.port());
        let again = seen
            .unavailable
            .each_ref()
            .map(|count| count.load(Ordering::SeqCst));
        until(
            "at a server that only reads",
            &seen.unavailable,
            again.iter().max().unwrap() + 2,
        );
        let token = seen
            .sessions
            .lock()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .access_token()
            .unwrap()
            .expose()
            .to_vec();
        let error = run(auth.validate_session(&token)).unwrap_err();
        assert!(error.to_string().contains("read-only"), "{error}");
        standby.promote();
        let before = seen
            .acknowledged
            .each_ref()
            .map(|count| count.load(Ordering::SeqCst));
        until("after", &seen.acknowledged, before.iter().max().unwrap() + EACH);
        drop(over);
    });
    run(auth.health()).unwrap();
    let sessions = seen.sessions.into_inner().unwrap();
    println!("{} sign-ins were acknowledged", sessions.len());
    for (name, session) in sessions {
        assert!(
            run(auth.find_user("email", name.as_bytes())).unwrap().is_some(),
            "{name}"
        );
        let access = session.access_token().unwrap().expose();
        let valid = run(auth.validate_session(access)).unwrap().outcome;
        assert!(matches!(valid, Outcome::Accepted(_)), "{name}: {valid:?}");
        let refresh = session.refresh_token().unwrap().expose();
        let refreshed = run(auth.refresh_session(refresh)).unwrap().outcome;
        assert!(matches!(refreshed, Outcome::Accepted(_)), "{name}: {refreshed:?}");
    }
    run(auth.stop()).unwrap();
}
