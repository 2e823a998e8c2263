//! A context under one policy, with every kind of method.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use doorward::clock::ManualClock;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::{Auth, Config, Timestamp};
use doorward_tests::scratch::Scratch;

use crate::Engine;
use crate::held::Seen;
use crate::rules::Rules;
use crate::user::{ISSUER, PASSKEY, PIN, SECONDS, TOTP};
use crate::world::run;

/// A context under one policy, in which one user after the other lives.
pub(crate) struct Stage {
    pub(crate) auth: Auth,
    pub(crate) rules: Rules,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) users: Cell<u32>,
    /// What was used in time and what was not.
    pub(crate) seen: Seen,
    /// The database's folder, which goes after the context.
    _folder: Scratch,
}

/// What is set besides the factors: whose an account is at its first proof, how old a proof may be, when a new password
/// takes the current one, and what recovery leaves. None of them opens anything. Each policy has one of these, so that every
/// value meets many policies and no history is added; planted faults have the defaults.
const BESIDES: [&str; 4] = [
    "",
    "first_proof = 'hand_over'\npolicy.step_up_max_age = '1m'\n",
    "first_proof = 'refuse'\npolicy.current_password = 'always'\n",
    "first_proof = 'hand_over'\npolicy.current_password = 'always'\nrecovery.keeps = [SECOND]\n",
];

fn besides(rules: Rules, engine: Engine) -> &'static str {
    let factors = rules.second.trailing_zeros() + rules.second.count_ones();
    let number = factors + u32::from(rules.require) + 2 * u32::from(rules.verified);
    match engine {
        Engine::Planted(_) => BESIDES[0],
        _ => BESIDES[number as usize % BESIDES.len()],
    }
}

impl Stage {
    /// `None`: the policy is refused at `open`.
    pub(crate) fn new(rules: Rules, engine: Engine) -> Option<Self> {
        let names = [
            (SECONDS, "'code'"),
            (TOTP, "'totp'"),
            (PIN, "'pin'"),
            (PASSKEY, "'passkey'"),
            (ISSUER, "'issuer'"),
        ];
        let second: Vec<&str> = names
            .iter()
            .filter(|(set, _)| rules.is_second(*set))
            .map(|(_, name)| *name)
            .collect();
        let text = format!(
            "database = 'memory:'\nmigrate = true\nthrottle.enabled = false\n\
             password.memory_kib = 8\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
             plugin.email_code.path = '{}'\nplugin.totp.path = '{}'\nplugin.claims.path = '{}'\n\
             provider.email.kind = 'password'\nprovider.username.kind = 'password'\n\
             provider.pin = {{ kind = 'password', group = 'pin', rule = 'opaque' }}\n\
             provider.mail = {{ kind = 'email_code', group = 'mail', rule = 'email' }}\n\
             provider.code = {{ kind = 'email_code', group = 'code', rule = 'email' }}\n\
             provider.passkey.kind = '{}'\nprovider.issuer.kind = 'issuer'\n\
             provider.totp.kind = 'totp'\npolicy.second_factor = [{}]\npolicy.require = {}\n{}",
            plugin("email_code").display(),
            plugin("totp").display(),
            claims().display(),
            if rules.verified { "verified" } else { "passkey" },
            second.join(", "),
            rules.require,
            besides(rules, engine).replace("SECOND", &second.join(", ")),
        );
        let mut config = Config::from_toml(&text).unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        config.clock(clock.clone());
        let folder = Scratch::in_memory();
        let store: Arc<dyn Store> = match engine {
            Engine::Memory | Engine::Planted(_) => Arc::new(MemoryStore::new()),
            Engine::Sqlite => {
                let file = folder.path().join("doorward.db");
                Arc::new(SqliteStore::open(SqliteSettings::new(file)))
            }
        };
        config.store(store.clone());
        if let Engine::Planted(fault) = engine {
            crate::planted::plant(&mut config, fault);
        }
        let auth = match Auth::open(&config) {
            Ok(auth) => auth,
            // What is required must be possible: nothing else is refused.
            Err(_) if rules.require => return None,
            Err(error) => panic!("{error}"),
        };
        run(auth.start()).unwrap_or_else(|error| panic!("{error}"));
        Some(Self {
            auth,
            rules,
            clock,
            store,
            users: Cell::new(0),
            seen: Seen::default(),
            _folder: folder,
        })
    }
}

fn plugin(name: &str) -> PathBuf {
    let built = std::env::current_exe().unwrap_or_default();
    built.with_file_name(format!("libdoorward_{name}.so"))
}

/// The plugin `tests/plugins/claims.c`, built once.
fn claims() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("factor_property-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
        let object = folder.join("claims.so");
        let made = Command::new("cc")
            .args(["-std=c11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-I"])
            .arg(root.join("include"))
            .arg(root.join("tests/plugins/claims.c"))
            .arg("-o")
            .arg(&object)
            .status();
        assert!(made.is_ok_and(|made| made.success()), "claims.c does not compile");
        object.canonicalize().unwrap_or_else(|error| panic!("{error}"))
    };
    BUILT.get_or_init(build).clone()
}
