//! A context on the memory store with a clock that stands still, and shorthand for what every test does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::store::Store;
use doorward::{
    Answer, Auth, Config, Fields, NewUserOptions, Outcome, Proof, Request, Session, SessionOptions, Timestamp,
};

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Another one.
pub(crate) const OTHER: &str = "wrong donkey capacitor";

/// Stands in every identifier and secret of tests that look for them where they do not belong; no event has it.
pub(crate) const CANARY: &str = "c4n4ry";

/// A context and what tests look at.
pub(crate) struct World {
    /// Trusted: what tests call on it is caused by no request, unless they say which.
    pub(crate) auth: Auth,
    /// What `open` gave: on no request, and not trusted.
    pub(crate) whole: Auth,
    pub(crate) clock: Arc<ManualClock>,
    events: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// With the providers `email` and `username`, both of kind `password`.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The same with more configuration.
    pub(crate) fn with(more: &str) -> Self {
        Self::on("memory:", more)
    }

    /// The same on another database.
    pub(crate) fn on(database: &str, more: &str) -> Self {
        Self::made(None, &format!("database = '{database}'\n{more}"))
    }

    /// The same on a store of the test's own.
    pub(crate) fn over(store: Arc<dyn Store>, more: &str) -> Self {
        Self::made(Some(store), more)
    }

    /// With this configuration and nothing else.
    pub(crate) fn of(text: &str) -> Self {
        Self::opened(Config::from_toml(text).unwrap())
    }

    fn made(store: Option<Arc<dyn Store>>, more: &str) -> Self {
        let text = format!(
            "origins.trusted = ['https://app.example']\n\
             password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
             provider.email.kind = 'password'\nprovider.username.kind = 'password'\n{more}"
        );
        let mut config = Config::from_toml(&text).unwrap();
        if let Some(store) = store {
            config.store(store);
        }
        Self::opened(config)
    }

    fn opened(mut config: Config) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        config.clock(clock.clone());
        config.on_event(Arc::new(move |event| {
            assert!(!format!("{event:?}").contains(CANARY), "{event:?}");
            sink.lock().unwrap().push(event.to_string());
        }));
        let whole = Auth::open(&config).unwrap();
        run(whole.start()).unwrap();
        Self {
            auth: whole.trusted(),
            whole,
            clock,
            events,
        }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The events since the last look.
    pub(crate) fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    pub(crate) fn sign_up(&self, email: &str) -> Proof {
        accepted(run(self.auth.create_user(
            "email",
            email.as_bytes(),
            password(PASSWORD),
            NewUserOptions::default(),
        )))
    }

    /// The same with the address proved: whoever wants a second factor has shown first whose the mailbox is.
    pub(crate) fn sign_up_proved(&self, email: &str) -> Proof {
        let proof = self.sign_up(email);
        doorward_tests::prove::address(&self.auth, &proof, "email", email);
        proof
    }

    pub(crate) fn try_sign_in(&self, email: &str, with: &str) -> Answer<Proof> {
        run(self
            .auth
            .authenticate("email", Some(email.as_bytes()), password(with)))
        .unwrap()
    }

    pub(crate) fn session(&self, proof: &Proof) -> Session {
        accepted(run(self.auth.create_session(proof, SessionOptions::default())))
    }

    /// A signed-up user with a session.
    pub(crate) fn user(&self, email: &str) -> Session {
        self.session(&self.sign_up(email))
    }

    /// The same with the address proved.
    pub(crate) fn proved_user(&self, email: &str) -> Session {
        self.session(&self.sign_up_proved(email))
    }

    /// True when the session's access token is accepted.
    pub(crate) fn is_live(&self, access_token: &[u8]) -> bool {
        matches!(
            run(self.auth.validate_session(access_token)).unwrap().outcome,
            Outcome::Accepted(_)
        )
    }
}

/// The plugin `tests/plugins/NAME.c`, built once.
fn plugin(name: &'static str) -> std::path::PathBuf {
    static BUILT: Mutex<std::collections::BTreeMap<&'static str, std::path::PathBuf>> =
        Mutex::new(std::collections::BTreeMap::new());
    let mut built = BUILT.lock().unwrap();
    let made = built.entry(name).or_insert_with(|| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let object = folder.join(format!("{name}.so"));
        let made = std::process::Command::new("cc")
            .args([
                "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
            ])
            .args(["-fvisibility=hidden", "-I"])
            .arg(root.join("include"))
            .arg(root.join(format!("tests/plugins/{name}.c")))
            .arg("-o")
            .arg(&object)
            .status()
            .unwrap();
        assert!(made.success());
        object.canonicalize().unwrap()
    });
    made.clone()
}

/// The configuration of `tests/plugins/steps.c`: `member` is of kind `quiz`, `badge` of kind `badge`.
pub(crate) fn steps() -> String {
    format!(
        "plugin.steps.path = '{}'\nprovider.member.kind = 'quiz'\nprovider.badge.kind = 'badge'\n",
        plugin("steps").display()
    )
}

/// The configuration of `tests/plugins/claims.c`: `github` and `gitlab` are issuers, `staff` is a directory, `mail` a
/// mailbox, `api` has keys, `passkey` has passkeys.
pub(crate) fn claims() -> String {
    format!(
        "plugin.claims.path = '{}'\nprovider.github.kind = 'issuer'\nprovider.gitlab.kind = 'issuer'\n\
         provider.staff.kind = 'directory'\nprovider.mail = {{ kind = 'mailbox', rule = 'email' }}\n\
         provider.api.kind = 'token'\nbearer.prefixes.ak_ = 'api'\nprovider.passkey.kind = 'passkey'\n",
        plugin("claims").display()
    )
}

/// The configuration of `tests/plugins/limiter.c`: `mail` and `post` are of the kind that asks for limits.
pub(crate) fn limiter() -> String {
    format!(
        "plugin.limiter.path = '{}'\nprovider.mail.kind = 'limiter'\nprovider.post.kind = 'limiter'\n",
        plugin("limiter").display()
    )
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}

pub(crate) fn password(text: &str) -> Fields {
    Fields::from([("password", text)])
}

pub(crate) fn accepted<T: std::fmt::Debug>(answer: doorward::Result<Answer<T>>) -> T {
    answer.unwrap().require().unwrap()
}

/// The text of a session's access token.
pub(crate) fn access(session: &Session) -> Vec<u8> {
    session.access_token().unwrap().expose().to_vec()
}

/// A request with these headers from one peer.
pub(crate) fn request(method: &str, headers: &[(&str, &str)]) -> Request {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    Request::new(method.as_bytes(), headers, Some("192.0.2.7".parse().unwrap()))
}

/// A browser: sends back the cookies that answers set.
#[derive(Default)]
pub(crate) struct Browser {
    jar: std::collections::BTreeMap<String, String>,
}

impl Browser {
    /// Takes the cookies of an answer, as a browser would.
    pub(crate) fn take<T>(&mut self, answer: &Answer<T>) {
        for cookie in answer.headers.cookies() {
            if cookie.max_age_seconds() == Some(0) {
                self.jar.remove(cookie.name());
            } else {
                self.jar.insert(cookie.name().into(), cookie.value().into());
            }
        }
    }

    pub(crate) fn forget(&mut self, part: &str) {
        self.jar.retain(|name, _| !name.ends_with(part));
    }

    pub(crate) fn value(&self, part: &str) -> Option<String> {
        self.jar
            .iter()
            .find(|(name, _)| name.ends_with(part))
            .map(|(_, value)| value.clone())
    }

    /// A request of a page of the trusted origin.
    pub(crate) fn request(&self, method: &str) -> Request {
        let cookies: Vec<String> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        request(
            method,
            &[
                ("cookie", &cookies.join("; ")),
                ("origin", "https://app.example"),
                ("user-agent", "Test"),
            ],
        )
    }
}
