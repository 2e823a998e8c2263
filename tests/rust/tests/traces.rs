//! A known, an unknown and a disabled address do the same work: the same calls of the store in the same order, the same
//! draws of randomness, the same statements of `SQLite` and PostgreSQL, and of each as many rows written and read; in
//! memory, as many rows of each table made and removed. But of nobody there is no row to read: where a statement looks up
//! who it is, the number of rows is left out. What a clock can tell apart begins with work that differs; `make timing`
//! measures what is left.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::rng::{Random, SystemRandom};
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::{
    Answer, Auth, Config, Fields, NewUserOptions, Outcome, Proof, Settlement, Timestamp, TokenPurpose, UserId,
};
use doorward_tests::intercept::{Intercept, Intercepted};
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;
use doorward_tests::tap::tap;
use rusqlite::ffi;

/// What was done, in order.
static DONE: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn done(what: String) {
    DONE.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

fn look() -> Vec<String> {
    std::mem::take(&mut DONE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One test at a time: what is done is written to one place.
static ALONE: Mutex<()> = Mutex::new(());

struct Traced(Arc<dyn Store>);

impl Intercept for Traced {
    fn inner(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
    fn called(&self, operation: &'static str) {
        done(operation.into());
    }
}

struct TracedRandom;

impl Random for TracedRandom {
    fn fill(&self, into: &mut [u8]) -> doorward::Result<()> {
        done(format!("{} random bytes", into.len()));
        SystemRandom.fill(into)
    }
}

/// Every connection that this process opens tells its statements from now on.
fn trace_sqlite() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function has the signature that SQLite gives to extensions, and lives as long as the process.
        let registered = unsafe { ffi::sqlite3_auto_extension(Some(opened)) };
        assert_eq!(registered, ffi::SQLITE_OK);
    });
}

unsafe extern "C" fn opened(
    db: *mut ffi::sqlite3,
    _why: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: the connection has just been opened; the callback lives as long as the process and takes no context.
    unsafe {
        ffi::sqlite3_trace_v2(
            db,
            (ffi::SQLITE_TRACE_PROFILE | ffi::SQLITE_TRACE_ROW) as c_uint,
            Some(stated),
            std::ptr::null_mut(),
        )
    }
}

/// Rows that statements have given so far, by the statement's address.
static GIVEN: Mutex<Option<HashMap<usize, u64>>> = Mutex::new(None);

/// Told of each row that a statement gives, and of the statement's end.
unsafe extern "C" fn stated(kind: c_uint, _: *mut c_void, statement: *mut c_void, _: *mut c_void) -> c_int {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    if kind == ffi::SQLITE_TRACE_ROW as c_uint {
        *given.entry(statement.addr()).or_default() += 1;
        return 0;
    }
    let rows = given.remove(&statement.addr()).unwrap_or_default();
    let statement = statement.cast::<ffi::sqlite3_stmt>();
    // SAFETY: for both kinds of trace SQLite passes the statement, which is not finalised before this returns; its text
    // ends with a zero, and its connection is the one whose thread this is.
    let (text, changed) = unsafe {
        let text = CStr::from_ptr(ffi::sqlite3_sql(statement));
        (text, ffi::sqlite3_changes(ffi::sqlite3_db_handle(statement)))
    };
    told(
        &text.to_string_lossy(),
        &format!("{rows} read"),
        &format!("{changed} written"),
    );
    0
}

/// The tables that say who somebody is, and what a token is good for.
const WHO: [&str; 5] = [
    "FROM doorward_user ",
    "FROM doorward_identity ",
    "FROM doorward_authenticator ",
    "FROM doorward_user_address ",
    "FROM doorward_token ",
];

/// A statement with the rows that it gave or wrote.
fn told(statement: &str, read: &str, written: &str) {
    let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let verb = words.split(' ').next().unwrap_or_default();
    // How a connection is opened: when one more is needed, whoever asks. And whether its server still takes writes: asked
    // once a second, by whoever comes then.
    let opens = verb == "PRAGMA" && !words.contains("synchronous") || words.contains("sqlite_schema");
    if opens || words.contains("pg_is_in_recovery()") {
        return;
    }
    let rows = match verb {
        "INSERT" | "UPDATE" | "DELETE" | "WITH" => written,
        "SELECT" if !WHO.iter().any(|table| words.contains(table)) => read,
        _ => "",
    };
    done(format!("{words} -- {rows}"));
}

/// Where the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Memory,
    Sqlite,
    Postgres,
}

const ENGINES: [Engine; 3] = [Engine::Memory, Engine::Sqlite, Engine::Postgres];

const PASSWORD: &str = "correct horse battery";

/// A context, and who is known to it.
struct World {
    auth: Auth,
    clock: Arc<ManualClock>,
    memory: Option<Arc<MemoryStore>>,
    _folder: Scratch,
}

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Known,
    /// Known, and proved by a message.
    Proved,
    Unknown,
    Disabled,
}

const EVERYBODY: [Who; 4] = [Who::Known, Who::Proved, Who::Unknown, Who::Disabled];

impl World {
    fn new(engine: Engine) -> Self {
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
    fn settle(&self) {
        run(self.auth.purge_expired()).unwrap();
    }

    /// What is done by this; in memory, where there are no statements, also what it leaves of each table.
    fn trace(&self, act: impl FnOnce()) -> Vec<String> {
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
    fn user(&self, address: &str, who: Who) {
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

    fn disable(&self, user: UserId) {
        run(self.auth.disable_user(user)).unwrap();
    }

    fn begin(&self, address: &str) -> Answer<Proof> {
        run(self
            .auth
            .authenticate("code", Some(address.as_bytes()), Fields::default()))
        .unwrap()
    }

    fn answer(&self, to: &Answer<Proof>, code: &str) -> Answer<Proof> {
        let (Outcome::Continue(flow) | Outcome::Refused(Some(flow))) = &to.outcome else {
            panic!("{to:?}")
        };
        let fields = Fields::from([("code", code)]);
        run(self.auth.continue_flow(flow.token().expose(), None, fields)).unwrap()
    }

    /// A value of the last message, as its reader has it.
    fn mailed(&self, to: &str, name: &str) -> String {
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

fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}

fn accepted<T: std::fmt::Debug>(answer: impl Future<Output = doorward::Result<Answer<T>>>) -> T {
    run(answer).unwrap().require().unwrap()
}

/// Panics with the first line that differs.
fn same(trace: &[String], expected: &[String], whose: &str) {
    let lines = trace.len().max(expected.len());
    let differs = (0..lines).find(|at| trace.get(*at) != expected.get(*at));
    assert!(
        differs.is_none(),
        "{whose}: line {differs:?}: {:?} and {:?}",
        differs.and_then(|at| trace.get(at)),
        differs.and_then(|at| expected.get(at))
    );
}

/// What each of them does, on each store: all alike.
fn alike(whose: &[Who], act: impl Fn(&World, &str)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for engine in ENGINES {
        let world = World::new(engine);
        let each = |round: &str| -> Vec<(Who, Vec<String>)> {
            let trace = |who: &Who| {
                let address = format!("{who:?}-{round}@example.com").to_lowercase();
                world.user(&address, *who);
                world.clock.advance(Duration::from_hours(2));
                (*who, world.trace(|| act(&world, &address)))
            };
            whose.iter().map(trace).collect()
        };
        // The first round prepares what is prepared once.
        each("first");
        let traces = each("then");
        let (first, expected) = &traces[0];
        assert!(expected.len() > 2, "{expected:?}");
        let is_written = |line: &String| line.contains("doorward_") && line.contains("-- ");
        assert_eq!(
            engine != Engine::Memory,
            expected.iter().any(is_written),
            "{expected:?}"
        );
        for (who, trace) in &traces {
            same(trace, expected, &format!("{who:?} and {first:?}, on {engine:?}"));
        }
    }
}

#[test]
fn a_code_is_asked_for() {
    alike(&EVERYBODY, |world, address| {
        assert_eq!(world.begin(address).outcome.id(), "continue");
    });
}

#[test]
fn wrong_codes_are_typed_until_the_flow_is_spent() {
    alike(&EVERYBODY, |world, address| {
        let mut last = world.begin(address);
        for _ in 0..5 {
            last = world.answer(&last, "00000000");
        }
        assert!(matches!(last.outcome, Outcome::Refused(None)), "{last:?}");
    });
}

#[test]
fn a_message_is_asked_for() {
    // Who was sent a verification before has been charged for one.
    let afresh = [Who::Known, Who::Unknown, Who::Disabled];
    let cases = [
        (TokenPurpose::Recovery, &EVERYBODY[..]),
        (TokenPurpose::Verify, &afresh),
    ];
    for ((purpose, whose), provider) in cases
        .into_iter()
        .flat_map(|case| ["email", "code"].map(|name| (case, name)))
    {
        alike(whose, move |world, address| {
            accepted(
                world
                    .auth
                    .request_token(purpose, provider, address.as_bytes(), None),
            );
        });
    }
}

#[test]
fn a_new_address_is_asked_for() {
    alike(&EVERYBODY, |world, address| {
        let own = format!("own-{address}");
        let options = NewUserOptions::default();
        let with = Fields::from([("password", PASSWORD)]);
        let proof = accepted(world.auth.create_user("email", own.as_bytes(), with, options));
        look();
        let purpose = TokenPurpose::ChangeIdentifier;
        accepted(
            world
                .auth
                .request_token(purpose, "email", address.as_bytes(), Some(&proof)),
        );
    });
}

#[test]
fn a_wrong_password_is_typed() {
    alike(&EVERYBODY, |world, address| {
        let with = Fields::from([("password", "wrong donkey capacitor")]);
        let answer = run(world.auth.authenticate("email", Some(address.as_bytes()), with)).unwrap();
        assert!(matches!(answer.outcome, Outcome::Refused(None)), "{answer:?}");
    });
}

/// A token that nobody has any more, one of somebody who was disabled, and one that was never made.
#[test]
fn a_token_that_is_not_good_is_shown() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for engine in ENGINES {
        let world = World::new(engine);
        let token = |address: &str| {
            accepted(
                world
                    .auth
                    .request_token(TokenPurpose::Recovery, "email", address.as_bytes(), None),
            );
            world.mailed(address, "token")
        };
        let sign_up = |address: &str| {
            let with = Fields::from([("password", PASSWORD)]);
            accepted(
                world
                    .auth
                    .create_user("email", address.as_bytes(), with, NewUserOptions::default()),
            )
        };
        let disabled = sign_up("disabled@example.com");
        let of_disabled = token("disabled@example.com");
        world.disable(disabled.user_id());
        sign_up("spent@example.com");
        let spent = token("spent@example.com");
        let with = Fields::from([("password", "wrong donkey capacitor")]);
        accepted(
            world
                .auth
                .update_credentials_with_token(spent.as_bytes(), "email", with),
        );
        // Another secret, of the same length and alphabet.
        let middle = spent.len() / 2;
        let other = if &spent[middle..=middle] == "A" { "B" } else { "A" };
        let made_up = format!("{}{other}{}", &spent[..middle], &spent[middle + 1..]);
        for peek in [true, false] {
            let trace = |token: &str| {
                world.trace(|| {
                    let refused = if peek {
                        run(world.auth.peek_token(token.as_bytes())).unwrap()
                    } else {
                        run(world.auth.consume_token(token.as_bytes(), None)).unwrap()
                    };
                    assert!(matches!(refused.outcome, Outcome::Refused(None)), "{refused:?}");
                })
            };
            trace(&spent);
            let expected = trace(&spent);
            same(
                &trace(&of_disabled),
                &expected,
                &format!("disabled, on {engine:?}"),
            );
            same(&trace(&made_up), &expected, &format!("made up, on {engine:?}"));
        }
    }
}

/// Counters that are over and still there are made anew like any other: they do not tell that somebody asked before.
#[test]
fn whether_an_address_was_asked_for_long_ago_does_not_show() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::new(engine);
        let statements = |address: &str| -> Vec<String> {
            look();
            assert_eq!(world.begin(address).outcome.id(), "continue");
            // How many of the rows that are over go in passing depends on how many there are, whoever asks.
            let lines = look().into_iter();
            lines
                .map(|line| line.split(" -- ").next().unwrap().to_owned())
                .collect()
        };
        // Also prepares what is prepared once.
        for address in ["first@example.com", "before@example.com"] {
            statements(address);
        }
        world.clock.advance(Duration::from_hours(2));
        let before = statements("before@example.com");
        world.clock.advance(Duration::from_hours(2));
        same(
            &statements("never@example.com"),
            &before,
            &format!("never and before, on {engine:?}"),
        );
    }
}

/// A planted bug: a row more for somebody known, by the same statements.
#[test]
#[should_panic(expected = "Unknown and Known")]
fn one_row_more_for_somebody_known_is_noticed() {
    alike(&[Who::Known, Who::Unknown], |world, address| {
        let known = run(world.auth.find_user("email", address.as_bytes()))
            .unwrap()
            .is_some();
        let to = if known { address } else { "nobody@example.com" };
        accepted(
            world
                .auth
                .request_token(TokenPurpose::Recovery, "email", to.as_bytes(), None),
        );
        let again = if known {
            "other@example.com"
        } else {
            "nobody@example.com"
        };
        accepted(
            world
                .auth
                .request_token(TokenPurpose::Recovery, "email", again.as_bytes(), None),
        );
    });
}

#[test]
#[should_panic(expected = "Unknown and Known")]
fn one_look_more_for_somebody_known_is_noticed() {
    alike(&[Who::Known, Who::Unknown], |world, address| {
        assert_eq!(world.begin(address).outcome.id(), "continue");
        let found = run(world.auth.find_user("email", address.as_bytes())).unwrap();
        if let Some(user) = found {
            run(world.auth.list_identities(user.id)).unwrap();
        }
    });
}
