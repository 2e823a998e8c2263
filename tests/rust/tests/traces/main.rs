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

mod tracing;
mod world;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward::{Answer, Fields, NewUserOptions, Outcome, TokenPurpose};

use tracing::look;
use world::{ENGINES, EVERYBODY, Engine, PASSWORD, Who, World};

/// One test at a time: what is done is written to one place.
static ALONE: Mutex<()> = Mutex::new(());

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
