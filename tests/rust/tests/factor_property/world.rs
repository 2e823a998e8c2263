//! One user of a real context, with every kind of method, and what each party knows and holds.

mod entering;
mod inherited;
mod proved;
mod unproved;

use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::{
    Answer, Auth, AuthenticatorId, Fields, FlowHandle, NewUserOptions, Outcome, Proof, Settlement, UserId,
};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::held::Held;
use crate::rules::Rules;
use crate::stage::Stage;
use crate::user::{ACTOR, Boxes, Issuer, Methods, OWNER, PROVED, Parties, UNPROVED, User};

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
}

pub(crate) fn is_accepted<T>(answer: doorward::Result<Answer<T>>) -> bool {
    answer.is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)))
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}
