//! Processes that share one store, each a context with a clock of its own.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use doorward::clock::{Clock, ManualClock};
use doorward::store::Store;
use doorward::{
    Answer, Auth, Config, Delivery, Fields, NewUserOptions, Outcome, Proof, Request, SessionOptions,
    Settlement, Timestamp,
};
use doorward_tests::scratch::Scratch;

/// The right password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Some other one.
pub(crate) const WRONG: &str = "wrong donkey capacitor";

/// The time of all processes.
pub(crate) type Time = Arc<ManualClock>;

pub(crate) fn time() -> Time {
    Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)))
}

/// A clock that is ahead of the others' by so much, or behind.
struct Skewed(Time, i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.now().as_micros() + self.1)
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

/// A key of all processes.
fn key() -> String {
    static KEY: std::sync::OnceLock<Scratch> = std::sync::OnceLock::new();
    let folder = KEY.get_or_init(|| {
        let folder = Scratch::new();
        let file = folder.path().join("k1.key");
        std::fs::write(&file, "17".repeat(32)).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        folder
    });
    folder.path().join("k1.key").display().to_string()
}

/// A process on this store, its clock ahead by so many milliseconds.
pub(crate) fn process(store: &Arc<dyn Store>, time: &Time, ahead_millis: i64, more: &str) -> Auth {
    let auth = Auth::open(&configured(store, time, ahead_millis, more));
    let auth = auth.unwrap().trusted();
    run(auth.start()).unwrap();
    auth
}

/// What such a process is opened with.
pub(crate) fn configured(store: &Arc<dyn Store>, time: &Time, ahead_millis: i64, more: &str) -> Config {
    let mut config = Config::from_toml(&settings(more)).unwrap();
    config.store(store.clone());
    config.clock(Arc::new(Skewed(time.clone(), ahead_millis * 1000)));
    config
}

/// The settings of all processes.
pub(crate) fn settings(more: &str) -> String {
    // What one process seals another one opens: device cookies among them.
    let key = key();
    format!(
        "origins.trusted = ['https://app.example']\npassword.memory_kib = 8\npassword.passes = 1\n\
         password.unsafe_fast_hashes = true\nhashing.queue = 10000\n\
         keys = [{{ id = 'k1', file = '{key}' }}]\nprovider.email.kind = 'password'\n{more}"
    )
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}

/// A request from there, with these cookies.
pub(crate) fn from(peer: &str, cookies: &str) -> Request {
    let mut headers = vec![("origin", "https://app.example")];
    if !cookies.is_empty() {
        headers.push(("cookie", cookies));
    }
    let peer: Option<IpAddr> = (!peer.is_empty()).then(|| peer.parse().unwrap());
    Request::new("POST", headers, peer)
}

/// An address of its own for each number.
pub(crate) fn peer(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    format!("10.{a}.{b}.{c}")
}

pub(crate) fn password(text: &str) -> Fields {
    Fields::from([("password", text)])
}

/// How an attempt was answered.
pub(crate) fn try_at(auth: &Auth, request: Request, name: &str, with: &str) -> Answer<Proof> {
    run(auth
        .on(request)
        .authenticate("email", Some(name.as_bytes()), password(with)))
    .unwrap()
}

/// The same in the midst of others: true, if it was let through. Whom nobody had room for was not.
pub(crate) fn attempt<'a>(
    auth: &'a Auth,
    request: Request,
    name: &str,
    with: &'static str,
) -> crate::swarm::Guess<'a> {
    let name = name.to_owned();
    Box::pin(async move {
        let on = auth.on(request);
        let answer = on
            .authenticate("email", Some(name.as_bytes()), password(with))
            .await;
        answer.is_ok_and(|answer| wait_of(&answer).is_zero())
    })
}

/// Takes the messages that are due, delivered by that.
pub(crate) fn messages(auth: &Auth) -> Vec<Delivery> {
    let taken = run(auth.take_deliveries(1_000, Duration::from_mins(1))).unwrap();
    for one in &taken {
        assert!(run(auth.settle_delivery(one.id, one.attempts, Settlement::Delivered)).unwrap());
    }
    taken
}

/// The plugin as cargo built it beside the test programs.
pub(crate) fn plugin(name: &str) -> String {
    let built = std::env::current_exe().unwrap();
    let built = built.with_file_name(format!("libdoorward_{name}.so"));
    assert!(built.exists(), "{} is not there", built.display());
    built.display().to_string()
}

/// `accepted`, `refused` or `throttled`.
pub(crate) fn how(auth: &Auth, peer: &str, name: &str, with: &str) -> &'static str {
    try_at(auth, from(peer, ""), name, with).outcome.id()
}

/// How long an attempt has to wait; zero: it was let through.
pub(crate) fn wait_of(answer: &Answer<Proof>) -> Duration {
    match answer.outcome {
        Outcome::Throttled(wait) => wait,
        _ => Duration::ZERO,
    }
}

pub(crate) fn sign_up(auth: &Auth, name: &str) {
    let new = NewUserOptions::default();
    let made = run(auth.create_user("email", name.as_bytes(), password(PASSWORD), new)).unwrap();
    assert_eq!(made.outcome.id(), "accepted");
}

/// Signs in and keeps the device cookie.
pub(crate) fn device(auth: &Auth, peer: &str, name: &str) -> String {
    let proof = try_at(auth, from(peer, ""), name, PASSWORD).require().unwrap();
    let session = run(auth
        .on(from(peer, ""))
        .create_session(&proof, SessionOptions::default()))
    .unwrap();
    device_in(&session)
}

/// The device cookie that an answer sets.
pub(crate) fn device_in<T>(answer: &Answer<T>) -> String {
    let lines = answer.headers.iter().map(|(_, value)| value);
    let mut devices = lines.filter(|line| line.starts_with("__Host-doorward-device="));
    let line = devices.next().unwrap();
    line.split(';').next().unwrap().to_owned()
}
