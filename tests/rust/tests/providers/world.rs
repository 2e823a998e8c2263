//! A context on a SQLite file with a clock that stands still, built plugins, and programs that we did not write.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::{Clock as _, ManualClock};
use doorward::{
    Answer, Auth, Config, Fields, FlowHandle, NewUserOptions, Outcome, Proof, SessionOptions, Timestamp,
};
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;

/// 2027-01-15T08:00:00Z.
const BEGIN: i64 = 1_800_000_000;
/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A context and what tests look at.
pub(crate) struct World {
    pub(crate) auth: Auth,
    clock: Arc<ManualClock>,
    events: Arc<Mutex<Vec<String>>>,
    folder: Scratch,
}

impl World {
    /// With the provider `email` of kind `password`, the plugins of these kinds, and more configuration.
    pub(crate) fn with(plugins: &[&str], more: &str) -> Self {
        let folder = Scratch::new();
        let database = format!("sqlite:{}", folder.path().join("doorward.db").display());
        Self::on(folder, &database, plugins, more)
    }

    /// The same on a database of its own on a PostgreSQL server.
    pub(crate) fn on_postgres(server: &Server, plugins: &[&str], more: &str) -> Self {
        let folder = Scratch::new();
        let key = folder.path().join("doorward.key");
        std::fs::write(&key, "07".repeat(32)).unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let more = format!(
            "migrate = true\nkeys = [{{ id = 'one', file = '{}' }}]\n{more}",
            key.display()
        );
        Self::on(folder, &server.database(), plugins, &more)
    }

    /// The same on this database.
    pub(crate) fn at(database: &str, plugins: &[&str], more: &str) -> Self {
        Self::on(Scratch::new(), database, plugins, more)
    }

    /// The file of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("doorward.db")
    }

    fn on(folder: Scratch, database: &str, plugins: &[&str], more: &str) -> Self {
        let mut text = format!(
            "database = '{database}'\norigins.trusted = ['https://app.example']\n\
             password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
             provider.email.kind = 'password'\n"
        );
        for name in plugins {
            writeln!(text, "plugin.{name}.path = '{}'", plugin(name).display()).unwrap();
        }
        text.push_str(more);
        let mut config = Config::from_toml(&text).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(BEGIN * 1_000_000)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        config.clock(clock.clone());
        config.on_event(Arc::new(move |event| {
            sink.lock().unwrap().push(event.to_string());
        }));
        let auth = Auth::open(&config).unwrap().trusted();
        run(auth.start()).unwrap();
        Self {
            auth,
            clock,
            events,
            folder,
        }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Sets the wall clock: no time passes.
    pub(crate) fn step(&self, to_seconds: i64) {
        self.clock.step(Timestamp::from_micros(to_seconds * 1_000_000));
    }

    pub(crate) fn unix_seconds(&self) -> i64 {
        self.clock.now().as_seconds()
    }

    /// The events since the last look.
    pub(crate) fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// Whether the bytes stand anywhere in the database's files.
    pub(crate) fn database_has(&self, bytes: &[u8]) -> bool {
        std::fs::read_dir(self.folder.path()).unwrap().any(|file| {
            let held = std::fs::read(file.unwrap().path()).unwrap();
            held.windows(bytes.len()).any(|window| window == bytes)
        })
    }

    /// A new user with a password, and the proof of it.
    pub(crate) fn sign_up(&self, email: &str) -> Proof {
        let created = self.auth.create_user(
            "email",
            email.as_bytes(),
            Fields::from([("password", PASSWORD)]),
            NewUserOptions::default(),
        );
        accepted(run(created))
    }

    /// The same with the address proved: whoever wants a second factor has shown first whose the mailbox is.
    pub(crate) fn sign_up_proved(&self, email: &str) -> Proof {
        let proof = self.sign_up(email);
        doorward_tests::prove::address(&self.auth, &proof, "email", email);
        proof
    }

    /// The first step of a sign-in.
    pub(crate) fn sign_in(&self, email: &str) -> Answer<Proof> {
        let fields = Fields::from([("password", PASSWORD)]);
        run(self.auth.authenticate("email", Some(email.as_bytes()), fields)).unwrap()
    }

    /// A fresh proof of a session of this proof.
    pub(crate) fn session_proof(&self, proof: &Proof) -> Proof {
        let session = accepted(run(self.auth.create_session(proof, SessionOptions::default())));
        run(self.auth.session_proof(&session)).unwrap()
    }

    pub(crate) fn go_on(&self, flow: &FlowHandle, fields: Fields) -> Answer<Proof> {
        run(self.auth.continue_flow(flow.token().expose(), None, fields)).unwrap()
    }
}

/// The plugin as cargo built it beside the test programs.
pub(crate) fn plugin(name: &str) -> PathBuf {
    let built = std::env::current_exe()
        .unwrap()
        .with_file_name(format!("libdoorward_{name}.so"));
    assert!(built.exists(), "{} is not there", built.display());
    built
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}

pub(crate) fn accepted<T: std::fmt::Debug>(answer: doorward::Result<Answer<T>>) -> T {
    answer.unwrap().require().unwrap()
}

pub(crate) fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

/// A named value of a flow's challenge, as text.
pub(crate) fn challenged(flow: &FlowHandle, name: &str) -> String {
    text(&flow.next()[0].challenge, name)
}

/// A named value that an answer shows once.
pub(crate) fn shown<T>(answer: &Answer<T>, name: &str) -> String {
    text(&answer.show_once, name)
}

fn text(fields: &Fields, name: &str) -> String {
    let value = fields.named(name).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(value.expose().to_vec()).unwrap()
}

/// What a program prints for this input. The Makefile installs those that tests ask for.
pub(crate) fn printed(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; `make test` installs it"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    output.stdout
}
