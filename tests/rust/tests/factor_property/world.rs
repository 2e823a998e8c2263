//! One user of a real context, with every kind of method, and what each party knows and holds.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward::clock::{Clock as _, ManualClock};
use doorward::store::memory::MemoryStore;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{AuthenticatorStatus, Change, ChangeStep, Identity, Store};
use doorward::{
    Answer, Auth, AuthenticatorId, Config, Fields, FlowHandle, MethodAction, NewUserOptions, Outcome, Proof,
    Settlement, Timestamp, TokenPurpose, UserId,
};
use doorward_tests::scratch::Scratch;
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::Engine;
use crate::held::{Held, Seen};
use crate::rules::Rules;
use crate::user::{
    ACTOR, Boxes, ISSUER, Issuer, MAIL, Methods, OWNER, PASSKEY, PASSWORD, PIN, PROVED, Parties, SECOND,
    SECONDS, TOTP, UNPROVED, User,
};

/// What each party types.
const PASSWORDS: [&str; 2] = ["plum tractors hum at noon", "grey anvils sing by night"];
/// The starts of a sign-in, as often as there are mailboxes for them.
const STARTS: [(&str, usize); 9] = [
    ("email", 0),
    ("email", 1),
    ("username", 0),
    ("mail", 0),
    ("mail", 1),
    ("code", 0),
    ("code", 1),
    ("passkey", 0),
    ("issuer", 0),
];

/// A party, by the mailboxes that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) who: Parties,
    pub(crate) boxes: Boxes,
}

impl Party {
    pub(crate) const fn owner(boxes: Boxes) -> Self {
        Self { who: OWNER, boxes }
    }

    pub(crate) const fn actor(boxes: Boxes) -> Self {
        Self { who: ACTOR, boxes }
    }

    pub(crate) const fn is_owner(self) -> bool {
        self.who == OWNER
    }

    pub(crate) fn password(self) -> Fields {
        Fields::from([("password", PASSWORDS[usize::from(self.who == ACTOR)])])
    }
}

/// An authenticator of somebody: an app with its secret, or a passkey with its id.
struct Device {
    of: Parties,
    group: &'static str,
    secret: Vec<u8>,
    id: AuthenticatorId,
}

/// A context under one policy, in which one user after the other lives.
pub(crate) struct Stage {
    auth: Auth,
    pub(crate) rules: Rules,
    pub(crate) clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    users: Cell<u32>,
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

/// One user, and who holds what; it goes with the history.
pub(crate) struct World<'s> {
    pub(crate) auth: &'s Auth,
    pub(crate) stage: &'s Stage,
    pub(crate) rules: Rules,
    pub(crate) user: UserId,
    pub(crate) addresses: [String; 2],
    username: String,
    pub(crate) password: Parties,
    pub(crate) over: Boxes,
    pin: Parties,
    devices: Vec<Device>,
    /// The second factor that is an app is worth nothing any more.
    dead: bool,
    /// What the issuer says of its account's address from now on.
    asserts: Boxes,
    /// What it said at the last use.
    asserted: Boxes,
    /// What the parties keep for later.
    pub(crate) held: Vec<Held>,
    /// What was good when its time was over.
    pub(crate) late: Option<String>,
}

/// How far somebody came.
pub(crate) enum Came {
    Out,
    /// Led to enroll what is required: whoever comes here is in.
    Enrolls(FlowHandle),
    In(Box<Proof>, Methods),
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

impl Drop for World<'_> {
    fn drop(&mut self) {
        let gone = run(self.auth.delete_user(self.user));
        assert!(gone.is_ok() || std::thread::panicking(), "{gone:?}");
    }
}

impl<'s> World<'s> {
    /// A new account with a password at an address that nobody proved.
    pub(crate) fn new(stage: &'s Stage, by: Party, address: usize) -> Self {
        let number = stage.users.get();
        stage.users.set(number + 1);
        let addresses = [format!("box{number}@x.example"), format!("box{number}@y.example")];
        let auth = &stage.auth;
        let name = addresses[address].as_bytes();
        let created = run(auth.create_user("email", name, by.password(), NewUserOptions::default()));
        assert!(
            created
                .as_ref()
                .is_ok_and(|answer| matches!(answer.outcome.id(), "accepted" | "continue")),
            "{created:?}"
        );
        let user = run(auth.find_user("email", name));
        let user = user.ok().flatten().unwrap_or_else(|| panic!("no user")).id;
        Self {
            auth,
            stage,
            rules: stage.rules,
            user,
            username: format!("somebody{number}"),
            addresses,
            password: by.who,
            over: 0,
            pin: 0,
            devices: Vec::new(),
            dead: false,
            asserts: 0,
            asserted: 0,
            held: Vec::new(),
            late: None,
        }
    }

    /// The user as the model has it.
    pub(crate) fn state(&self) -> User {
        let held = run(self.auth.list_authenticators(self.user)).unwrap_or_else(|error| panic!("{error}"));
        let of = |group: &str| {
            let there = |device: &&Device| {
                device.group == group && held.iter().any(|one| one.group == group && one.id == device.id)
            };
            let devices = self.devices.iter().filter(there);
            devices.fold(0, |of, device| of | device.of)
        };
        let mut state = User {
            password: if held.iter().any(|one| one.group == "password") {
                self.password
            } else {
                0
            },
            over: self.over,
            pin: if held.iter().any(|one| one.group == "pin") {
                self.pin
            } else {
                0
            },
            totp: of("totp"),
            passkey: of("passkey"),
            ..User::default()
        };
        state.dead = self.dead && state.totp & OWNER != 0;
        for held in run(self.auth.list_identities(self.user)).unwrap_or_else(|error| panic!("{error}")) {
            let named = |one: &String| one.as_bytes() == held.identifier;
            match (held.provider.as_str(), self.addresses.iter().position(named)) {
                ("email", Some(at)) => {
                    state.email[at] = if held.verified_at.is_some() {
                        PROVED
                    } else {
                        UNPROVED
                    };
                }
                ("mail", Some(at)) => state.mail[at] = true,
                ("code", Some(at)) => state.second[at] = true,
                ("username", _) => state.username = true,
                // What is proved with it is a record, which stays when what it was called goes.
                ("pin", _) => {}
                ("issuer", _) => {
                    state.issuer = match self.asserted {
                        0 => Issuer::Silent,
                        at => Issuer::Asserts(at),
                    };
                }
                other => panic!("{other:?}"),
            }
        }
        // Proved once, an address is proved for each name.
        for at in 0..2 {
            if state.mail[at] && state.email[at] == UNPROVED {
                state.email[at] = PROVED;
            }
        }
        state
    }

    // Messages.

    /// The last value with this name that was sent to a mailbox which the party reads.
    pub(crate) fn mailed(&self, by: Party, at: usize, name: &str) -> Option<Vec<u8>> {
        let taken = run(self.auth.take_deliveries(1000, Duration::from_mins(1)));
        let taken = taken.unwrap_or_else(|error| panic!("{error}"));
        for one in &taken {
            let settled = run(self
                .auth
                .settle_delivery(one.id, one.attempts, Settlement::Delivered));
            settled.unwrap_or_else(|error| panic!("{error}"));
        }
        if by.boxes & 1 << at == 0 {
            return None;
        }
        let to = |one: &&doorward::Delivery| one.address == self.addresses[at];
        let value = taken
            .iter()
            .rev()
            .filter(to)
            .find_map(|one| one.params.named(name))?;
        Some(value.expose().to_vec())
    }

    fn code(&self, secret: &[u8]) -> Fields {
        // Each code is good once.
        let clock = &self.stage.clock;
        clock.advance(Duration::from_secs(PERIOD_SECONDS.unsigned_abs()));
        let step = u64::try_from(clock.now().as_seconds() / PERIOD_SECONDS).unwrap_or(0);
        let code = code_at(Algorithm::Sha1, secret, step, 6);
        Fields::from([("code", format!("{code:06}"))])
    }

    // Signing in.

    /// Tries every way in that the party can prove.
    pub(crate) fn enter(&mut self, by: Party) -> Came {
        self.enter_by(by, None)
    }

    /// The same, by one start only where one is named.
    pub(crate) fn enter_by(&mut self, by: Party, only: Option<&str>) -> Came {
        let mut best = Came::Out;
        for (start, at) in self.starts(by) {
            if only.is_some_and(|only| only != start) {
                continue;
            }
            for first in 0..4 {
                match self.walk(by, start, at, first) {
                    Some(Came::In(proof, set)) => return Came::In(proof, set),
                    Some(came @ Came::Enrolls(_)) => best = came,
                    Some(Came::Out) => {}
                    // There is no such choice.
                    None => break,
                }
            }
        }
        match best {
            Came::Enrolls(flow) => self.enroll_required(by, flow),
            other => other,
        }
    }

    /// The starts that a party can prove.
    pub(crate) fn starts(&self, by: Party) -> impl Iterator<Item = (&'static str, usize)> + use<> {
        let provable = self.state().provable(by.who, by.boxes);
        STARTS
            .into_iter()
            .filter(move |(start, at)| provable & Self::set(start, *at) != 0)
    }

    pub(crate) const fn set(start: &str, at: usize) -> Methods {
        match start.as_bytes() {
            b"mail" => MAIL[at],
            b"code" => SECOND[at],
            b"passkey" => PASSKEY,
            b"issuer" => ISSUER,
            _ => PASSWORD,
        }
    }

    /// One way in: this start, then the `first`th of what is asked, then whatever can be proved.
    fn walk(&mut self, by: Party, start: &str, at: usize, first: usize) -> Option<Came> {
        let mut answer = self.begin(by, start, at)?;
        if matches!(start, "mail" | "code") {
            answer = self.type_code(by, at, &answer)?;
        }
        if start == "issuer" {
            self.asserted = self.asserts;
        }
        self.finish(by, answer, Self::set(start, at), first)
    }

    /// The first step of one way in.
    pub(crate) fn begin(&self, by: Party, start: &str, at: usize) -> Option<Answer<Proof>> {
        let (raw, with) = match start {
            "mail" | "code" => (Some(self.addresses[at].as_bytes()), Fields::default()),
            "username" => (Some(self.username.as_bytes()), by.password()),
            "passkey" => (None, self.passkey(by)?),
            "issuer" => (None, self.issued()),
            _ => (Some(self.addresses[at].as_bytes()), by.password()),
        };
        if matches!(start, "mail" | "code") {
            self.drain();
        }
        run(self.auth.authenticate(start, raw, with)).ok()
    }

    /// The rest of it: the `first`th of what is asked, then whatever can be proved.
    pub(crate) fn finish(
        &mut self,
        by: Party,
        mut answer: Answer<Proof>,
        mut proved: Methods,
        first: usize,
    ) -> Option<Came> {
        let (mut choice, mut chosen) = (first, false);
        loop {
            match answer.outcome {
                Outcome::Accepted(proof) => return Some(Came::In(Box::new(proof), proved)),
                Outcome::Continue(flow) => {
                    if flow.next().iter().any(|next| next.action == MethodAction::Enroll) {
                        return Some(Came::Enrolls(flow));
                    }
                    let names: Vec<String> = flow.next().iter().map(|next| next.provider.clone()).collect();
                    let name = names.get(choice)?;
                    chosen = true;
                    let Some((next, more)) = self.prove(by, &flow, name) else {
                        return Some(Came::Out);
                    };
                    (answer, choice) = (next, 0);
                    proved |= more;
                }
                // Nothing was chosen: no other choice ends otherwise.
                _ if chosen => return Some(Came::Out),
                _ => return None,
            }
        }
    }

    /// Proves one of what a flow asks for; `None`: the party cannot.
    pub(crate) fn prove(
        &mut self,
        by: Party,
        flow: &FlowHandle,
        name: &str,
    ) -> Option<(Answer<Proof>, Methods)> {
        let go =
            |world: &Self, with| run(world.auth.continue_flow(flow.token().expose(), Some(name), with)).ok();
        match name {
            "totp" => {
                let secret = self.device(by, "totp")?.secret.clone();
                Some((go(self, self.code(&secret))?, TOTP))
            }
            "passkey" => Some((go(self, self.passkey(by)?)?, PASSKEY)),
            "issuer" => {
                if by.who != OWNER && self.asserted & by.boxes == 0 {
                    return None;
                }
                let answer = go(self, self.issued())?;
                self.asserted = self.asserts;
                Some((answer, ISSUER))
            }
            "pin" => Some((go(self, by.password())?, PIN)),
            "email" | "username" => Some((go(self, by.password())?, PASSWORD)),
            "mail" | "code" => {
                self.drain();
                let asked = go(self, Fields::default())?;
                let sets = if name == "mail" { MAIL } else { SECOND };
                let held = self.state().methods();
                let at = (0..2).find(|at| by.boxes & 1 << at != 0 && held & sets[*at] != 0)?;
                Some((self.type_code(by, at, &asked)?, sets[at]))
            }
            _ => None,
        }
    }

    /// The passkey of a party, as its authenticator answers.
    fn passkey(&self, by: Party) -> Option<Fields> {
        let device = self.device(by, "passkey")?;
        let id = String::from_utf8(device.secret.clone()).ok()?;
        Some(Fields::from([("id", id)]))
    }

    /// What a party holds of a group, and the account still has.
    fn device(&self, by: Party, group: &str) -> Option<&Device> {
        let held = self.ids(group);
        let mine = |one: &&Device| one.group == group && one.of == by.who && held.contains(&one.id);
        self.devices.iter().rev().find(mine)
    }

    /// What the issuer answers about the account there.
    fn issued(&self) -> Fields {
        let who = &self.username;
        let code = match (0..2).find(|at| self.asserts & 1 << at != 0) {
            Some(at) => format!("good:{who}:{}", self.addresses[at]),
            None => format!("good:{who}"),
        };
        Fields::from([("code", code)])
    }

    pub(crate) fn type_code(&self, by: Party, at: usize, asked: &Answer<Proof>) -> Option<Answer<Proof>> {
        let Outcome::Continue(flow) = &asked.outcome else {
            return None;
        };
        let code = self.mailed(by, at, "code")?;
        let with = Fields::from([("code", String::from_utf8(code).ok()?)]);
        run(self.auth.continue_flow(flow.token().expose(), None, with)).ok()
    }

    pub(crate) fn drain(&self) {
        self.mailed(Party::owner(0), 0, "");
    }

    /// Enrolls an authenticator app where that is required and offered.
    fn enroll_required(&mut self, by: Party, flow: FlowHandle) -> Came {
        if !flow.next().iter().any(|next| next.provider == "totp") {
            return Came::Enrolls(flow);
        }
        let shown = run(self
            .auth
            .continue_flow(flow.token().expose(), Some("totp"), Fields::default()));
        match shown.ok().and_then(|shown| self.scan(by, shown)) {
            Some(proof) => Came::In(Box::new(proof), PASSWORD | TOTP),
            None => Came::Enrolls(flow),
        }
    }

    fn scan(&mut self, by: Party, shown: Answer<Proof>) -> Option<Proof> {
        let Outcome::Continue(flow) = shown.outcome else {
            return None;
        };
        let secret = base32(flow.next().first()?.challenge.named("secret")?.expose());
        let before = self.ids("totp");
        let code = self.code(&secret);
        let answer = run(self.auth.continue_flow(flow.token().expose(), None, code)).ok()?;
        self.added(by, "totp", secret, &before)?;
        answer.require().ok()
    }

    /// Notes whose the authenticator is that is there now and was not before.
    fn added(
        &mut self,
        by: Party,
        group: &'static str,
        secret: Vec<u8>,
        before: &[AuthenticatorId],
    ) -> Option<()> {
        let id = self.ids(group).into_iter().find(|id| !before.contains(id))?;
        self.devices.push(Device {
            of: by.who,
            group,
            secret,
            id,
        });
        Some(())
    }

    fn ids(&self, group: &str) -> Vec<AuthenticatorId> {
        let held = run(self.auth.list_authenticators(self.user)).unwrap_or_default();
        held.iter()
            .filter(|held| held.group == group)
            .map(|held| held.id)
            .collect()
    }

    // With a proof.

    pub(crate) fn link_address(&mut self, proof: &Proof, name: &str, at: usize, by: Party) -> bool {
        if name == "email" {
            let address = self.addresses[at].as_bytes();
            // As a program binds it that may know who exists: at once, and unproved.
            let trusted = self.auth.trusted();
            return is_accepted(run(trusted.link_identity(proof, name, address, self.needed(by))));
        }
        self.claim(proof, name, at, by)
            .is_some_and(|claim| is_accepted(run(self.auth.link_claim(proof, &claim))))
    }

    /// What a code to an address proves, of nobody yet.
    pub(crate) fn claim(&self, proof: &Proof, name: &str, at: usize, by: Party) -> Option<Vec<u8>> {
        self.drain();
        let address = self.addresses[at].as_bytes();
        let begun = run(self
            .auth
            .begin_link(proof, name, Some(address), Fields::default()));
        let answered = begun.ok().and_then(|begun| self.type_code(by, at, &begun));
        let Some(Outcome::Unregistered(claim)) = answered.map(|answer| answer.outcome) else {
            return None;
        };
        Some(claim.token().expose().to_vec())
    }

    /// A password where there is none.
    fn needed(&self, by: Party) -> Fields {
        if self.state().password == 0 {
            by.password()
        } else {
            Fields::default()
        }
    }

    pub(crate) fn link_username(&self, proof: &Proof, by: Party) -> bool {
        is_accepted(run(self.auth.link_identity(
            proof,
            "username",
            self.username.as_bytes(),
            self.needed(by),
        )))
    }

    pub(crate) fn link_pin(&mut self, proof: &Proof, by: Party) -> bool {
        let linked = is_accepted(run(self.auth.link_identity(
            proof,
            "pin",
            self.username.as_bytes(),
            by.password(),
        )));
        if linked {
            self.pin = by.who;
        }
        linked
    }

    pub(crate) fn enroll_app(&mut self, proof: &Proof, by: Party) -> bool {
        // One for each party, as in the model.
        if self.device(by, "totp").is_some() {
            return false;
        }
        let begun = run(self.auth.begin_enrollment("totp", None, Some(proof)));
        begun.ok().and_then(|begun| self.scan(by, begun)).is_some()
    }

    pub(crate) fn enroll_passkey(&mut self, proof: &Proof, by: Party) -> bool {
        if self.device(by, "passkey").is_some() {
            return false;
        }
        let id = format!("{}-{}-{}", self.username, by.who, self.devices.len());
        let before = self.ids("passkey");
        let with = Fields::from([("id", id.as_str())]);
        is_accepted(run(self.auth.update_credentials(proof, "passkey", with)))
            && self.added(by, "passkey", id.into_bytes(), &before).is_some()
    }

    pub(crate) fn link_issuer(&mut self, proof: &Proof) -> bool {
        let begun = run(self.auth.begin_link(proof, "issuer", None, self.issued()));
        let Some(Outcome::Unregistered(claim)) = begun.ok().map(|answer| answer.outcome) else {
            return false;
        };
        let linked = is_accepted(run(self.auth.link_claim(proof, claim.token().expose())));
        if linked {
            self.asserted = self.asserts;
        }
        linked
    }

    /// Removes the newest authenticator of a group.
    pub(crate) fn remove(&mut self, proof: &Proof, group: &str) -> bool {
        let newest = self.devices.iter().rposition(|one| one.group == group);
        let Some(at) = newest else {
            return false;
        };
        let removed = is_accepted(run(self.auth.remove_authenticator(
            proof,
            group,
            self.devices[at].id,
        )));
        if removed {
            let gone = self.devices.remove(at);
            self.dead &= gone.group != "totp" || gone.of != OWNER;
        }
        removed
    }

    pub(crate) fn unlink(&mut self, proof: &Proof, name: &str, at: usize) -> bool {
        let raw = match name {
            "username" | "pin" => self.username.clone(),
            "issuer" => format!("https://issuer.example {}", self.username),
            _ => self.addresses[at].clone(),
        };
        is_accepted(run(self.auth.unlink_identity(proof, name, raw.as_bytes())))
    }

    pub(crate) fn change_password(&mut self, proof: &Proof, by: Party, proved: Methods) -> bool {
        let cover = self.rules.cover(&self.state(), proved);
        let changed = is_accepted(run(self.auth.update_credentials(proof, "email", by.password())));
        if changed {
            (self.password, self.over) = (by.who, self.over & cover);
        }
        changed
    }

    // Without.

    /// Recovers over an address at a name.
    pub(crate) fn recover(&mut self, by: Party, name: &str, group: &str, at: usize) -> bool {
        let Some(token) = self.token(by, TokenPurpose::Recovery, name, at, None) else {
            return false;
        };
        self.recover_with(by, &token, group, at)
    }

    /// The same with a token that went there.
    pub(crate) fn recover_with(&mut self, by: Party, token: &[u8], group: &str, at: usize) -> bool {
        let recovered = run(self
            .auth
            .update_credentials_with_token(token, group, by.password()));
        let recovered = recovered.is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)));
        if recovered && group == "pin" {
            self.pin = by.who;
        } else if recovered {
            (self.password, self.over) = (by.who, 1 << at);
        }
        recovered
    }

    /// Follows the link of a verification, with or without a session.
    pub(crate) fn click(&mut self, by: Party, at: usize, proof: Option<&Proof>) -> bool {
        let Some(token) = self.token(by, TokenPurpose::Verify, "email", at, proof) else {
            return false;
        };
        run(self.auth.consume_token(&token, proof))
            .is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)))
    }

    /// Somebody has a message sent, in a session if they have one; whoever reads the mailbox follows its link without.
    pub(crate) fn click_for(&mut self, asks: Party, reads: Party, at: usize) -> bool {
        let proof = match self.enter(asks) {
            Came::In(proof, _) => Some(proof),
            _ => None,
        };
        let token = self.token(reads, TokenPurpose::Verify, "email", at, proof.as_deref());
        token.is_some_and(|token| {
            run(self.auth.consume_token(&token, None))
                .is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)))
        })
    }

    pub(crate) fn token(
        &self,
        by: Party,
        purpose: TokenPurpose,
        name: &str,
        at: usize,
        proof: Option<&Proof>,
    ) -> Option<Vec<u8>> {
        self.drain();
        let asked = self
            .auth
            .request_token(purpose, name, self.addresses[at].as_bytes(), proof);
        if !is_accepted(run(asked)) {
            return None;
        }
        self.mailed(by, at, "token")
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.stage.clock.advance(Duration::from_secs(seconds));
    }

    /// The issuer says from its next sign-in on that its account has this address.
    pub(crate) fn assert_at(&mut self, boxes: Boxes) {
        self.asserts = boxes;
    }

    /// Whoever reads an address signs up with a code to it: an account of their own, which is gone afterwards.
    pub(crate) fn yields(&self, by: Party, at: usize) -> bool {
        self.drain();
        let address = self.addresses[at].as_bytes();
        let asked = run(self.auth.authenticate("mail", Some(address), Fields::default()));
        let answered = asked.ok().and_then(|asked| self.type_code(by, at, &asked));
        let Some(Outcome::Unregistered(claim)) = answered.map(|answer| answer.outcome) else {
            return false;
        };
        let before = run(self.auth.list_identities(self.user)).map_or(0, |held| held.len());
        let made = run(self
            .auth
            .create_user_from_claim(claim.token().expose(), NewUserOptions::default()));
        let other = run(self.auth.find_user("mail", address)).ok().flatten();
        if let Some(other) = other {
            run(self.auth.delete_user(other.id)).unwrap_or_else(|error| panic!("{error}"));
        }
        made.is_ok() && run(self.auth.list_identities(self.user)).map_or(0, |held| held.len()) < before
    }

    /// An operator takes the second factors away.
    pub(crate) fn reset(&mut self) -> bool {
        self.dead = false;
        run(self.auth.reset_factors(self.user, "lost")).is_ok_and(|count| count > 0)
    }

    // What no operation does: states from before a rule, and what time does.

    fn store_change(&self, steps: Vec<ChangeStep>) -> bool {
        let user = run(self.stage.store.user(self.user)).ok().flatten();
        let Some(user) = user else { return false };
        let changed = run(self.stage.store.change(Change {
            user_id: self.user,
            epoch: user.session_epoch,
            steps,
            ways_in: Vec::new(),
            bump: None,
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: doorward::store::Post::default(),
            now: self.stage.clock.now(),
        }));
        matches!(changed, Ok(doorward::store::Changed::Done { .. }))
    }

    /// The owner's app can be proved no more: expired, used up or suspended, which is one to the rules.
    pub(crate) fn spoil(&mut self) -> bool {
        let held = run(self.stage.store.authenticators(self.user)).unwrap_or_default();
        let owners = |id| {
            let mut devices = self.devices.iter();
            devices.any(|one| one.id == id && one.of == OWNER && one.group == "totp")
        };
        let steps: Vec<ChangeStep> = held
            .into_iter()
            .filter(|one| owners(one.at.id))
            .map(|one| ChangeStep::ReplaceAuthenticator {
                expect: one.record_version,
                new: doorward::store::Authenticator {
                    status: AuthenticatorStatus::Suspended,
                    ..one
                },
                naming: doorward::store::Naming::default(),
            })
            .collect();
        self.dead |= !steps.is_empty() && self.store_change(steps);
        self.dead
    }

    /// Codes to this address are a second factor from before the rule, whatever else the address is.
    pub(crate) fn inherit(&self, at: usize) -> bool {
        let canonical = self.addresses[at].clone().into_bytes();
        let now = self.stage.clock.now();
        self.store_change(vec![ChangeStep::AddIdentity(Identity {
            at: doorward::identifier::ProviderId {
                realm: String::new(),
                provider: "code".into(),
                canonical: canonical.clone(),
            },
            raw: canonical,
            rule: "email".into(),
            rule_version: 1,
            user_id: self.user,
            verified_at: None,
            created_at: now,
            last_used_at: None,
            reach: Vec::new(),
            vouched: true,
        })])
    }
}

pub(crate) fn is_accepted<T>(answer: doorward::Result<Answer<T>>) -> bool {
    answer.is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)))
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}

/// The bytes of a secret as authenticator apps are shown it.
fn base32(text: &[u8]) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u64, 0, Vec::new());
    for symbol in text {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|one| one == symbol);
        bits = bits << 5 | value.unwrap_or(0) as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}
