//! Accounts prepared for their victim, by whatever an account can be begun with and whatever can be added to it or kept
//! from before, two things in either order, with one more click of the victim's and without, on memory and on SQLite. The
//! victim has the address in the end, in an account in which the attacker is not.

mod play;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;

use doorward::UserId;
use doorward_tests::scratch::Scratch;

use self::play::{Kept, Play};
use crate::context::{OTHER, World, claims, run};

const VICTIM: &str = "victim@example.com";
const ATTACKER: &str = "attacker@evil.example";

/// How the account was begun.
#[derive(Clone, Copy, Debug)]
enum Start {
    Address,
    AnotherAddress,
    Directory,
    Issuer,
    Passkey,
    Username,
}

const STARTS: [Start; 6] = [
    Start::Address,
    Start::AnotherAddress,
    Start::Directory,
    Start::Issuer,
    Start::Passkey,
    Start::Username,
];

/// What the attacker adds, or keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Address,
    Change,
    Claim,
    Issuer,
    Key,
    Label,
    Passkey,
    ProveOwn,
    RecoveryCodes,
    Recovery,
    Session,
    Username,
}

const DEEDS: [Deed; 12] = [
    Deed::Address,
    Deed::Change,
    Deed::Claim,
    Deed::Issuer,
    Deed::Key,
    Deed::Label,
    Deed::Passkey,
    Deed::ProveOwn,
    Deed::RecoveryCodes,
    Deed::Recovery,
    Deed::Session,
    Deed::Username,
];

/// When the account gets the victim's address: before what is added or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    First,
    Last,
}

fn configuration(second: bool) -> String {
    let built = std::env::current_exe().unwrap_or_default();
    let codes: PathBuf = built.with_file_name("libdoorward_recovery_codes.so");
    let second = if second {
        "policy.second_factor = ['codes']\n"
    } else {
        ""
    };
    format!(
        "{}throttle.enabled = false\nplugin.recovery_codes.path = '{}'\nprovider.codes.kind = 'recovery_codes'\n{second}",
        claims(),
        codes.display()
    )
}

/// By what the attacker was in before the victim did anything.
fn play(
    world: &World,
    number: u32,
    start: Start,
    deeds: [Deed; 2],
    (click, when): (bool, When),
) -> Vec<(&'static str, UserId)> {
    let mut play = Play {
        world,
        number,
        kept: Kept::default(),
    };
    let prepared = play.begin(start);
    if when == When::First {
        play.link("email", VICTIM);
    }
    for deed in deeds {
        play.act(deed);
        if click {
            play.click();
        }
    }
    if when == When::Last {
        play.link("email", VICTIM);
        play.click();
    }
    let script = format!("{start:?}, {deeds:?}, clicked: {click}, {when:?}");
    let mut before = play.opens();
    before.retain(|(_, user)| *user == prepared);
    let kept = [
        ("claim", play.kept.claims.len()),
        ("code", play.kept.codes.len()),
        ("link", play.kept.tokens.len()),
    ];
    before.extend(
        kept.iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, _)| (*what, prepared)),
    );
    let victim = play.victim();
    let held = run(world.auth.list_identities(victim)).unwrap();
    let hers = held
        .iter()
        .any(|one| one.provider == "email" && one.identifier == VICTIM.as_bytes());
    assert!(hers, "{script}: the victim has no address");
    for moment in ["at once", "with what was kept"] {
        let opened: Vec<_> = play
            .opens()
            .into_iter()
            .filter(|(_, user)| *user == victim)
            .collect();
        assert!(
            opened.is_empty(),
            "{script}: {moment} the attacker is in by {opened:?}"
        );
        play.use_kept();
    }
    if click {
        play.click_again(victim);
    }
    let signed_in = world.try_sign_in(VICTIM, OTHER).require();
    assert_eq!(
        signed_in.unwrap().user_id(),
        victim,
        "{script}: the victim is out"
    );
    for user in [prepared, victim] {
        if run(world.auth.get_user(user)).is_ok() {
            run(world.auth.delete_user(user)).unwrap();
        }
    }
    before
}

/// Scripts that were played, and how often the attacker was in before the victim did anything, by what.
#[derive(Default)]
struct Played {
    scripts: Cell<u32>,
    opened: RefCell<BTreeMap<&'static str, u32>>,
}

impl Played {
    fn all(&self, world: &World, orders: &[[Deed; 2]], clicks: &[(bool, When)]) {
        for start in STARTS {
            for deeds in orders {
                for click in clicks {
                    self.scripts.set(self.scripts.get() + 1);
                    let opened = play(world, self.scripts.get(), start, *deeds, *click);
                    for (what, _) in opened {
                        *self.opened.borrow_mut().entry(what).or_default() += 1;
                    }
                }
            }
        }
    }

    /// Nothing was tried that opens nothing anyway.
    fn close(&self) {
        let opened = self.opened.borrow();
        for what in [
            "claim",
            "code",
            "issuer",
            "key",
            "link",
            "name",
            "passkey",
            "password",
            "refreshed session",
            "session",
        ] {
            assert!(opened.contains_key(what), "{what} has opened nothing: {opened:?}");
        }
    }
}

#[test]
fn no_account_is_prepared_by_any_two_things_on_memory() {
    let orders: Vec<[Deed; 2]> = DEEDS
        .iter()
        .flat_map(|one| DEEDS.iter().map(|other| [*one, *other]))
        .collect();
    let played = Played::default();
    played.all(
        &World::with(&configuration(true)),
        &orders,
        &[(false, When::First), (true, When::First), (true, When::Last)],
    );
    assert_eq!(played.scripts.get(), 6 * 12 * 12 * 3);
    played.close();
}

/// One order each, with and without a second factor.
#[test]
fn no_account_is_prepared_by_any_two_things_on_sqlite() {
    let orders: Vec<[Deed; 2]> = (0..DEEDS.len())
        .flat_map(|at| DEEDS[..at].iter().map(move |other| [DEEDS[at], *other]))
        .collect();
    let folder = Scratch::in_memory();
    let played = Played::default();
    for second in [false, true] {
        let file = folder.path().join(format!("{second}.db"));
        let file = format!("sqlite:{}", file.display());
        played.all(
            &World::on(&file, &configuration(second)),
            &orders,
            &[(true, When::Last)],
        );
    }
    played.close();
}
