//! One user of a real context, with every kind of method, and what each party knows and holds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use doorward::clock::{Clock as _, ManualClock};
use doorward::{
    Answer, Auth, AuthenticatorId, Config, Fields, FlowHandle, NewUserOptions, NextAction, Outcome, Proof,
    Settlement, Timestamp, TokenPurpose, UserId,
};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::rules::Rules;
use crate::user::{
    ACTOR, Boxes, MAIL, Methods, OWNER, PASSWORD, PIN, PROVED, Parties, SECOND, SECONDS, TOTP, UNPROVED, User,
};

/// The mailboxes' addresses.
pub(crate) const ADDRESSES: [&str; 2] = ["box@x.example", "box@y.example"];
const USERNAME: &str = "somebody";
const PIN_NAME: &str = "pin-1";
/// What each party types.
const PASSWORDS: [&str; 2] = ["plum tractors hum at noon", "grey anvils sing by night"];

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

    fn password(self) -> Fields {
        Fields::from([("password", PASSWORDS[usize::from(self.who == ACTOR)])])
    }
}

/// An authenticator app of somebody.
struct App {
    of: Parties,
    secret: Vec<u8>,
    id: AuthenticatorId,
}

/// A context with one user, and who holds what.
pub(crate) struct World {
    pub(crate) auth: Auth,
    pub(crate) rules: Rules,
    clock: Arc<ManualClock>,
    user: UserId,
    password: Parties,
    over: Boxes,
    pin: Parties,
    apps: Vec<App>,
}

/// How far somebody came.
pub(crate) enum Came {
    Out,
    /// Led to enrol what is required: whoever comes here is in.
    Enrols(FlowHandle),
    In(Box<Proof>, Methods),
}

fn plugin(name: &str) -> PathBuf {
    let built = std::env::current_exe().unwrap_or_default();
    built.with_file_name(format!("libdoorward_{name}.so"))
}

impl World {
    /// A new account with a password at an address that nobody proved; `None`: the policy is refused at `open`.
    pub(crate) fn new(rules: Rules, database: &str, by: Party, address: usize) -> Option<Self> {
        let names = [(SECONDS, "'code'"), (TOTP, "'totp'"), (PIN, "'pin'")];
        let second: Vec<&str> = names
            .iter()
            .filter(|(set, _)| rules.is_second(*set))
            .map(|(_, name)| *name)
            .collect();
        let text = format!(
            "database = '{}'\nmigrate = true\nthrottle.enabled = false\n\
             password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
             plugin.email_code.path = '{}'\nplugin.totp.path = '{}'\n\
             provider.email.kind = 'password'\nprovider.username.kind = 'password'\n\
             provider.pin = {{ kind = 'password', group = 'pin', rule = 'opaque' }}\n\
             provider.mail = {{ kind = 'email_code', group = 'mail', rule = 'email' }}\n\
             provider.code = {{ kind = 'email_code', group = 'code', rule = 'email' }}\n\
             provider.totp.kind = 'totp'\npolicy.second_factor = [{}]\npolicy.require = {}\n",
            if database == crate::PLANTED {
                "memory:"
            } else {
                database
            },
            plugin("email_code").display(),
            plugin("totp").display(),
            second.join(", "),
            rules.require,
        );
        let mut config = Config::from_toml(&text).unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        config.clock(clock.clone());
        if database == crate::PLANTED {
            config.store(crate::planted::store());
        }
        let auth = match Auth::open(&config) {
            Ok(auth) => auth,
            // What is required must be possible: nothing else is refused.
            Err(_) if rules.require => return None,
            Err(error) => panic!("{error}"),
        };
        run(auth.start()).unwrap_or_else(|error| panic!("{error}"));
        let created = run(auth.create_user(
            "email",
            ADDRESSES[address].as_bytes(),
            by.password(),
            NewUserOptions::default(),
        ));
        assert!(created.is_ok_and(|answer| matches!(answer.outcome.id(), "accepted" | "continue")));
        let user = run(auth.find_user("email", ADDRESSES[address].as_bytes()));
        let user = user.ok().flatten().unwrap_or_else(|| panic!("no user")).id;
        let world = Self {
            auth,
            rules,
            clock,
            user,
            password: by.who,
            over: 0,
            pin: 0,
            apps: Vec::new(),
        };
        Some(world)
    }

    /// The user as the model has it.
    pub(crate) fn state(&self) -> User {
        let mut state = User {
            password: self.password,
            over: self.over,
            totp: self.apps.iter().fold(0, |held, app| held | app.of),
            ..User::default()
        };
        for held in run(self.auth.list_identities(self.user)).unwrap_or_else(|error| panic!("{error}")) {
            let at = ADDRESSES.iter().position(|one| one.as_bytes() == held.identifier);
            match (held.provider.as_str(), at) {
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
                ("pin", _) => state.pin = self.pin,
                other => panic!("{other:?}"),
            }
        }
        let apps = run(self.auth.list_authenticators(self.user)).unwrap_or_else(|error| panic!("{error}"));
        let apps = apps.iter().filter(|held| held.group == "totp").count();
        if apps == 0 {
            state.totp = 0;
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
    fn mailed(&self, by: Party, at: usize, name: &str) -> Option<Vec<u8>> {
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
        let to = |one: &&doorward::Delivery| one.address == ADDRESSES[at];
        let value = taken
            .iter()
            .rev()
            .filter(to)
            .find_map(|one| one.params.named(name))?;
        Some(value.expose().to_vec())
    }

    fn code(&self, app: &App) -> Fields {
        // Each code is good once.
        self.clock
            .advance(Duration::from_secs(PERIOD_SECONDS.unsigned_abs()));
        let step = u64::try_from(self.clock.now().as_seconds() / PERIOD_SECONDS).unwrap_or(0);
        Fields::from([(
            "code",
            format!("{:06}", code_at(Algorithm::Sha1, &app.secret, step, 6)),
        )])
    }

    // Signing in.

    /// Tries every way in that the party can prove.
    pub(crate) fn enter(&mut self, by: Party) -> Came {
        let mut best = Came::Out;
        for start in ["email", "username", "mail", "code"] {
            for at in 0..2 {
                if start == "username" && at == 1 {
                    continue;
                }
                for first in 0..3 {
                    match self.walk(by, start, at, first) {
                        Some(Came::In(proof, set)) => return Came::In(proof, set),
                        Some(came @ Came::Enrols(_)) => best = came,
                        Some(Came::Out) => {}
                        // There is no such choice.
                        None => break,
                    }
                }
            }
        }
        match best {
            Came::Enrols(flow) => self.enrol_required(by, flow),
            other => other,
        }
    }

    /// One way in: this start, then the `first`th of what is asked, then whatever can be proved.
    fn walk(&mut self, by: Party, start: &str, at: usize, first: usize) -> Option<Came> {
        let (set, raw) = match start {
            "mail" => (MAIL[at], ADDRESSES[at]),
            "code" => (SECOND[at], ADDRESSES[at]),
            "username" => (PASSWORD, USERNAME),
            _ => (PASSWORD, ADDRESSES[at]),
        };
        if self.state().provable(by.who, by.boxes) & set == 0 {
            return None;
        }
        self.drain();
        let coded = set & PASSWORD == 0;
        let with = if coded { Fields::default() } else { by.password() };
        let mut answer = run(self.auth.authenticate(start, Some(raw.as_bytes()), with)).ok()?;
        let mut proved = set;
        if coded {
            answer = self.type_code(by, at, &answer)?;
        }
        let mut choice = first;
        loop {
            match answer.outcome {
                Outcome::Accepted(proof) => return Some(Came::In(Box::new(proof), proved)),
                Outcome::Continue(flow) => {
                    if flow.next().iter().any(|next| next.action == NextAction::Enrol) {
                        return Some(Came::Enrols(flow));
                    }
                    let names: Vec<String> = flow.next().iter().map(|next| next.provider.clone()).collect();
                    let name = names.get(choice)?;
                    let Some((next, more)) = self.prove(by, &flow, name) else {
                        return Some(Came::Out);
                    };
                    (answer, choice) = (next, 0);
                    proved |= more;
                }
                _ => return Some(Came::Out),
            }
        }
    }

    /// Proves one of what a flow asks for; `None`: the party cannot.
    fn prove(&mut self, by: Party, flow: &FlowHandle, name: &str) -> Option<(Answer<Proof>, Methods)> {
        let go =
            |world: &Self, with| run(world.auth.continue_flow(flow.token().expose(), Some(name), with)).ok();
        match name {
            "totp" => {
                let app = self.apps.iter().find(|app| app.of == by.who)?;
                Some((go(self, self.code(app))?, TOTP))
            }
            "pin" => Some((go(self, by.password())?, PIN)),
            "email" | "username" => Some((go(self, by.password())?, PASSWORD)),
            "mail" | "code" => {
                self.drain();
                let asked = go(self, Fields::default())?;
                let sets = if name == "mail" { MAIL } else { SECOND };
                let at =
                    (0..2).find(|at| by.boxes & 1 << at != 0 && self.state().methods() & sets[*at] != 0)?;
                Some((self.type_code(by, at, &asked)?, sets[at]))
            }
            _ => None,
        }
    }

    fn type_code(&self, by: Party, at: usize, asked: &Answer<Proof>) -> Option<Answer<Proof>> {
        let Outcome::Continue(flow) = &asked.outcome else {
            return None;
        };
        let code = self.mailed(by, at, "code")?;
        let with = Fields::from([("code", String::from_utf8(code).ok()?)]);
        run(self.auth.continue_flow(flow.token().expose(), None, with)).ok()
    }

    fn drain(&self) {
        self.mailed(Party::owner(0), 0, "");
    }

    /// Enrols an authenticator app where that is required and offered.
    fn enrol_required(&mut self, by: Party, flow: FlowHandle) -> Came {
        if !flow.next().iter().any(|next| next.provider == "totp") {
            return Came::Enrols(flow);
        }
        let shown = run(self
            .auth
            .continue_flow(flow.token().expose(), Some("totp"), Fields::default()));
        match shown.ok().and_then(|shown| self.scan(by, shown)) {
            Some(proof) => Came::In(Box::new(proof), PASSWORD | TOTP),
            None => Came::Enrols(flow),
        }
    }

    fn scan(&mut self, by: Party, shown: Answer<Proof>) -> Option<Proof> {
        let Outcome::Continue(flow) = shown.outcome else {
            return None;
        };
        let secret = base32(flow.next().first()?.challenge.named("secret")?.expose());
        let before = self.app_ids();
        let mut app = App {
            of: by.who,
            secret,
            id: AuthenticatorId::SINGLE,
        };
        let code = self.code(&app);
        let answer = run(self.auth.continue_flow(flow.token().expose(), None, code)).ok()?;
        let added = self.app_ids().into_iter().find(|id| !before.contains(id))?;
        app.id = added;
        self.apps.push(app);
        answer.require().ok()
    }

    fn app_ids(&self) -> Vec<AuthenticatorId> {
        let held = run(self.auth.list_authenticators(self.user)).unwrap_or_default();
        held.iter()
            .filter(|held| held.group == "totp")
            .map(|held| held.id)
            .collect()
    }

    // With a proof.

    pub(crate) fn link_address(&mut self, proof: &Proof, name: &str, at: usize, by: Party) -> bool {
        let raw = Some(ADDRESSES[at].as_bytes());
        if name == "email" {
            let linked = run(self
                .auth
                .link_identity(proof, name, ADDRESSES[at].as_bytes(), self.needed(by)));
            return is_accepted(linked);
        }
        self.drain();
        let begun = run(self.auth.begin_link(proof, name, raw, Fields::default()));
        let answered = begun.ok().and_then(|begun| self.type_code(by, at, &begun));
        let Some(Outcome::Unregistered(claim)) = answered.map(|answer| answer.outcome) else {
            return false;
        };
        is_accepted(run(self.auth.link_claim(proof, claim.token().expose())))
    }

    /// A password where there is none.
    fn needed(&self, by: Party) -> Fields {
        if self.password == 0 {
            by.password()
        } else {
            Fields::default()
        }
    }

    pub(crate) fn link_username(&self, proof: &Proof, by: Party) -> bool {
        is_accepted(run(self.auth.link_identity(
            proof,
            "username",
            USERNAME.as_bytes(),
            self.needed(by),
        )))
    }

    pub(crate) fn link_pin(&mut self, proof: &Proof, by: Party) -> bool {
        let linked = is_accepted(run(self.auth.link_identity(
            proof,
            "pin",
            PIN_NAME.as_bytes(),
            by.password(),
        )));
        if linked {
            self.pin = by.who;
        }
        linked
    }

    pub(crate) fn enrol_app(&mut self, proof: &Proof, by: Party) -> bool {
        let begun = run(self.auth.begin_enrolment("totp", None, Some(proof)));
        begun.ok().and_then(|begun| self.scan(by, begun)).is_some()
    }

    pub(crate) fn remove_app(&mut self, proof: &Proof) -> bool {
        let Some(id) = self.apps.last().map(|app| app.id) else {
            return false;
        };
        let removed = is_accepted(run(self.auth.remove_authenticator(proof, "totp", id)));
        if removed {
            self.apps.pop();
        }
        removed
    }

    pub(crate) fn unlink(&mut self, proof: &Proof, name: &str, at: usize) -> bool {
        let raw = match name {
            "username" => USERNAME,
            "pin" => PIN_NAME,
            _ => ADDRESSES[at],
        };
        let gone = is_accepted(run(self.auth.unlink_identity(proof, name, raw.as_bytes())));
        if gone && name == "pin" {
            self.pin = 0;
        }
        gone
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
        let recovered = run(self
            .auth
            .update_credentials_with_token(&token, group, by.password()));
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

    fn token(
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
            .request_token(purpose, name, ADDRESSES[at].as_bytes(), proof);
        if !is_accepted(run(asked)) {
            return None;
        }
        self.mailed(by, at, "token")
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn is_accepted<T>(answer: doorward::Result<Answer<T>>) -> bool {
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
