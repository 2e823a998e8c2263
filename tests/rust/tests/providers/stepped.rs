//! Servers that were started with a wrong clock, which is then set: codes, sessions and refreshes, on both engines.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use doorward::clock::{Clock as _, SystemClock};
use doorward::{Answer, Fields, Outcome, Proof, Session, SessionOptions};
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::world::{World, accepted, challenged, flow, run};

const EMAIL: &str = "ann@example.org";
const HOUR: i64 = 3600;
/// How far apart two readings of the same moment are taken to be at most; the steps are larger by far.
const CLOSE: i64 = 15 * 60;

/// Two servers of one database.
struct Place {
    stepping: World,
    steady: World,
    postgres: bool,
    _folder: Scratch,
}

impl Place {
    fn new(server: Option<&Server>) -> Self {
        let folder = Scratch::new();
        let key = folder.path().join("doorward.key");
        std::fs::write(&key, "07".repeat(32)).unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let database = server.map_or_else(
            || format!("sqlite:{}", folder.path().join("doorward.db").display()),
            Server::database,
        );
        let more = format!(
            "migrate = true\nkeys = [{{ id = 'one', file = '{}' }}]\nprovider.totp.kind = 'totp'\n\
             provider.totp.config.window = 2\npolicy.second_factor = ['totp']\nthrottle.enabled = false\n",
            key.display()
        );
        let start = || World::at(&database, &["totp"], &more);
        Self {
            stepping: start(),
            steady: start(),
            postgres: server.is_some(),
            _folder: folder,
        }
    }

    /// What the shared clock reads: the server's, which is this machine's; else the wall clock, which is the same for all
    /// processes of a machine.
    fn truth(&self) -> i64 {
        if self.postgres {
            SystemClock.now().as_seconds()
        } else {
            self.stepping.unix_seconds()
        }
    }

    /// Sets the wall clock: of one machine on a server's database, of the only one on `SQLite`.
    fn step(&self, to: i64) {
        self.stepping.step(to);
        if !self.postgres {
            self.steady.step(to);
        }
    }

    /// What an authenticator app shows, this many periods ago.
    fn code(&self, secret: &[u8], back: i64) -> Fields {
        let step = u64::try_from(self.truth() / PERIOD_SECONDS - back).unwrap();
        Fields::from([(
            "code",
            format!("{:06}", code_at(Algorithm::Sha1, secret, step, 6)),
        )])
    }

    /// Asks until no period of the app's went by meanwhile.
    fn ask(&self, ask: impl Fn() -> Answer<Proof>) -> Answer<Proof> {
        loop {
            let began_at = self.truth();
            let answer = ask();
            if !matches!(answer.outcome, Outcome::Refused(_)) || self.truth() - began_at < PERIOD_SECONDS {
                return answer;
            }
        }
    }
}

fn refresh(world: &World, session: &Session) -> Outcome<Session> {
    let token = session.refresh_token().unwrap().expose();
    run(world.auth.refresh_session(token)).unwrap().outcome
}

/// What a person meets whose server's clock is set from `wrong` to right, and then ahead and back by an hour.
fn a_wrong_clock_is_set(place: &Place, wrong: i64) {
    let world = &place.stepping;
    place.step(place.truth() + wrong);
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let begun = flow(run(world.auth.begin_enrollment("totp", None, Some(&proof))).unwrap());
    let secret = unbase32(&challenged(&begun, "secret"));
    accepted(Ok(place.ask(|| world.go_on(&begun, place.code(&secret, 1)))));

    // The clock is put right.
    place.step(place.truth() - if place.postgres { 0 } else { wrong });
    if !place.postgres && wrong > 0 {
        // The machine's clock is the shared one: a code of the hour that is over now was used in the future.
        return;
    }
    let proof = accepted(Ok(place.ask(|| {
        let asked = flow(world.sign_in(EMAIL));
        world.go_on(&asked, place.code(&secret, 0))
    })));
    let first = accepted(run(world.auth.create_session(&proof, SessionOptions::default())));
    let made_at = first.created_at().as_seconds();
    assert!((made_at - place.truth()).abs() < CLOSE, "{made_at}");

    // The first tab exchanges its token and uses the successor; the clock is set; the second tab comes with the same token.
    let mut session = first;
    for ahead in [HOUR, -HOUR, 45, 0] {
        for world in [&place.stepping, &place.steady] {
            world.advance(31);
        }
        let next = signed_in(refresh(&place.steady, &session));
        signed_in(refresh(&place.steady, &next));
        place.step(place.truth() + ahead);
        let again = signed_in(refresh(&place.stepping, &session));
        assert_eq!(
            again.refresh_token().map(doorward::Secret::expose),
            next.refresh_token().map(doorward::Secret::expose),
            "{ahead} {}",
            place.postgres
        );
        place.step(place.truth() - if place.postgres { 0 } else { ahead });
        session = next;
    }
}

fn signed_in(outcome: Outcome<Session>) -> Session {
    match outcome {
        Outcome::Accepted(session) => session,
        other => panic!("{other:?}"),
    }
}

/// RFC 4648 base32, as an authenticator app reads it.
fn unbase32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u64, 0, Vec::new());
    for letter in text.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        bits = bits << 5 | value as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).unwrap());
        }
    }
    bytes
}

#[test]
fn nobody_is_signed_out_or_refused_by_a_clock_that_is_set() {
    let server = Server::shared();
    for wrong in [-HOUR, HOUR] {
        a_wrong_clock_is_set(&Place::new(Some(&server)), wrong);
        a_wrong_clock_is_set(&Place::new(None), wrong);
    }
}
