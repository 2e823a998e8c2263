//! A context on one of the stores, and who is known to it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::{
    Answer, Auth, Config, Fields, NewUserOptions, Outcome, Proof, Settlement, Timestamp, TokenPurpose, UserId,
};
use doorward_tests::intercept::Intercepted;
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;
use doorward_tests::tap::tap;

use crate::tracing::{Traced, TracedRandom, look, told, trace_sqlite};
use crate::{accepted, run};

/// Where the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Memory,
    Sqlite,
    Postgres,
}

pub(crate) const ENGINES: [Engine; 3] = [Engine::Memory, Engine::Sqlite, Engine::Postgres];

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A context, and who is known to it.
pub(crate) struct World {
    pub(crate) auth: Auth,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) memory: Option<Arc<MemoryStore>>,
    _folder: Scratch,
}

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Known,
    /// Known, and proved by a message.
    Proved,
    Unknown,
    Disabled,
}

pub(crate) const EVERYBODY: [Who; 4] = [Who::Known, Who::Proved, Who::Unknown, Who::Disabled];

impl World {
    pub(crate) fn new(engine: Engine) -> Self {
        let folder = Scratch::new();
        let built = std::env::current_exe().unwrap();
        let text = format!(
            "password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\nmigrate = true\n\
             plugin.email_code.path = '{}'\nprovider.email.kind = 'password'\n\
             provider.code = {{ kind = 'email_code', rule = 'email', channel = 'email' }}\n",
            built.with_file_name("libdoorward_email_code.so").display()
        );
        let mut memory = None;
        let store: Arc<dyn Store> = match engine {
            Engine::Memory => memory.insert(Arc::new(MemoryStore::new())).clone(),
            Engine::Sqlite => {
                trace_sqlite();
                Arc::new(SqliteStore::open(SqliteSettings::new(
                    folder.path().join("doorward.db"),
                )))
            }
            Engine::Postgres => {
                // One for all tests of this process.
                static SERVER: OnceLock<Arc<Server>> = OnceLock::new();
                let server = SERVER.get_or_init(Server::shared);
                let told = |statement: &str, tag: &str| told(statement, tag, tag);
                let tapped = tap(server.port(), Arc::new(told));
                let url = server
                    .database()
                    .replace(&server.port().to_string(), &tapped.to_string());
                let options = PostgresOptions::parse(&format!("{url}?sslmode=disable")).unwrap();
                Arc::new(PostgresStore::new(options.connections(1)))
            }
        };
        run(store.start()).unwrap();
        run(store.migrate()).unwrap();
        let mut config = Config::from_toml(&text).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        config.clock(clock.clone());
        config.random(Arc::new(TracedRandom));
        config.store(Arc::new(Intercepted(Arc::new(Traced(store)))));
        let auth = Auth::open(&config).unwrap();
        run(auth.start()).unwrap();
        Self {
            auth,
            clock,
            memory,
            _folder: folder,
        }
    }

    /// What is over is gone, and the last commit waited for the disk, whoever it was for: how the next ones begin does not
    /// depend on what was before.
    pub(crate) fn settle(&self) {
        run(self.auth.purge_expired()).unwrap();
    }

    /// What is done by this; in memory, where there are no statements, also what it leaves of each table.
    pub(crate) fn trace(&self, act: impl FnOnce()) -> Vec<String> {
        self.settle();
        let rows = || self.memory.as_ref().map(|memory| memory.rows());
        let before = rows();
        look();
        act();
        let mut trace = look();
        for ((table, after), (_, before)) in rows().into_iter().flatten().zip(before.into_iter().flatten()) {
            trace.push(format!(
                "{table}: {} more rows",
                after.cast_signed() - before.cast_signed()
            ));
        }
        trace
    }

    /// Someone with a password at `email` and with codes at `code`, both of one address.
    pub(crate) fn user(&self, address: &str, who: Who) {
        if who == Who::Unknown {
            return;
        }
        let options = NewUserOptions::default();
        let with = Fields::from([("password", PASSWORD)]);
        let user = accepted(self.auth.create_user("email", address.as_bytes(), with, options)).user_id();
        let claim = match self
            .answer(&self.begin(address), &self.mailed(address, "code"))
            .outcome
        {
            Outcome::Unregistered(claim) => claim,
            other => panic!("{other:?}"),
        };
        let coded = self
            .auth
            .create_user_from_claim(claim.token().expose(), NewUserOptions::default());
        let coded = accepted(coded).user_id();
        match who {
            Who::Disabled => [user, coded].into_iter().for_each(|user| self.disable(user)),
            Who::Proved => {
                let proof = self.auth.authenticate(
                    "email",
                    Some(address.as_bytes()),
                    Fields::from([("password", PASSWORD)]),
                );
                let proof = accepted(proof);
                accepted(self.auth.request_token(
                    TokenPurpose::Verify,
                    "email",
                    address.as_bytes(),
                    Some(&proof),
                ));
                let token = self.mailed(address, "token");
                accepted(self.auth.consume_token(token.as_bytes(), Some(&proof)));
            }
            Who::Known | Who::Unknown => {}
        }
    }

    pub(crate) fn disable(&self, user: UserId) {
        run(self.auth.disable_user(user)).unwrap();
    }

    pub(crate) fn begin(&self, address: &str) -> Answer<Proof> {
        run(self
            .auth
            .authenticate("code", Some(address.as_bytes()), Fields::default()))
        .unwrap()
    }

    pub(crate) fn answer(&self, to: &Answer<Proof>, code: &str) -> Answer<Proof> {
        let (Outcome::Continue(flow) | Outcome::Refused(Some(flow))) = &to.outcome else {
            panic!("{to:?}")
        };
        let fields = Fields::from([("code", code)]);
        run(self.auth.continue_flow(flow.token().expose(), None, fields)).unwrap()
    }

    /// A value of the last message, as its reader has it.
    pub(crate) fn mailed(&self, to: &str, name: &str) -> String {
        let taken = run(self.auth.take_deliveries(1000, Duration::from_mins(1))).unwrap();
        for one in &taken {
            assert!(
                run(self
                    .auth
                    .settle_delivery(one.id, one.attempts, Settlement::Delivered))
                .unwrap()
            );
        }
        let value = taken
            .iter()
            .rev()
            .filter(|one| one.address == to)
            .find_map(|one| one.params.named(name))
            .unwrap_or_else(|| panic!("no {name} for {to}: {taken:?}"));
        String::from_utf8(value.expose().to_vec()).unwrap()
    }
}
