//! The second table of the page on throttling: what honest people meet. On memory, as far as it is quick, in `make test`;
//! all of it on all stores in `make test-throttle`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::{Auth, NewUserOptions, TokenPurpose};

use crate::codes;
use crate::engine::{Database, Engine};
use crate::monday::{Monday, monday};
use crate::rows::Counting;
use crate::sheet::{Goal, Sheet};
use crate::table::family;
use crate::world::{
    PASSWORD, WRONG, device, from, how, messages, password, peer, process, run, sign_up, time, try_at,
    wait_of,
};

const OWNER: &str = "owner@example.com";
const MINUTE: u64 = 60;
const DAY: u64 = 24 * 3600;

/// Right passwords from many threads in processes whose clocks are 100 ms apart.
fn overlaps(engine: Engine, processes: usize, threads: usize, users: usize, number: u32) {
    let row = format!("{users} users, {processes} x {threads} threads, right passwords");
    let mut sheet = Sheet::new(engine, row);
    let (time, database) = (time(), Database::new(engine));
    let counting: Vec<_> = (0..processes).map(|_| Counting::over(database.open())).collect();
    let last = i64::try_from(processes - 1).unwrap();
    let contexts: Vec<Auth> = ((0..).zip(&counting))
        .map(|(number, counting)| process(&counting.store(), &time, -50 + 100 * number / last, ""))
        .collect();
    for user in 0..users {
        sign_up(&contexts[0], &format!("u{user}@example.com"));
    }
    let (accepted, left) = (AtomicU32::new(0), AtomicU32::new(number));
    std::thread::scope(|scope| {
        for thread in 0..processes * threads {
            let (auth, accepted, left) = (&contexts[thread % processes], &accepted, &left);
            scope.spawn(move || {
                let next =
                    || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                while let Ok(number) = next() {
                    let name = format!("u{}@example.com", number as usize % users);
                    accepted.fetch_add(
                        u32::from(how(auth, "192.0.2.1", &name, PASSWORD) == "accepted"),
                        Ordering::SeqCst,
                    );
                }
            });
        }
    });
    sheet.figure("refused", number - accepted.into_inner(), Goal::Exactly(0));
    let writes: u32 = counting.iter().map(|counting| counting.writes()).sum();
    sheet.figure("throttle transactions", writes, Goal::Exactly(0));
    sheet.figure("rows", database.rows()["throttle"], Goal::Exactly(0));
    sheet.close();
}

fn right_passwords_of_one_user(engine: Engine) {
    overlaps(engine, 4, 16, 1, 100_000);
    overlaps(engine, 8, 8, 1, 100_000);
}

fn right_passwords_of_an_office(engine: Engine) {
    overlaps(engine, 4, 32, 500, 100_000);
}

/// H2, F13, P1.
#[test]
fn ten_thousand_right_passwords_at_once_are_accepted_and_write_nothing() {
    overlaps(Engine::Memory, 4, 16, 1, 10_000);
    overlaps(Engine::Memory, 4, 32, 500, 10_000);
}

fn an_office_on_monday(engine: Engine) {
    for (known, guesser) in [(0, false), (90, false), (90, true), (0, true)] {
        let mut sheet = Sheet::new(
            engine,
            format!(
                "Monday, {known} of 100 known, {}",
                if guesser { "1 guess/s" } else { "no guesser" }
            ),
        );
        let Monday {
            soon,
            late,
            throttled,
            guesses,
        } = monday(&Database::new(engine), known, guesser);
        if guesser && known == 0 {
            sheet.figure("in within a minute", soon, Goal::About(495));
            sheet.figure("in within the hour", soon + late, Goal::Exactly(500));
        } else {
            sheet.figure("in within a minute", soon, Goal::Exactly(500));
        }
        if guesser {
            sheet.figure("guesses let through", guesses, Goal::About(279));
        } else {
            sheet.figure("throttled", throttled, Goal::Exactly(0));
        }
        sheet.close();
    }
}

/// For three hours somebody guesses; each minute the owner comes, with a known browser and with another one.
fn three_hours(
    sheet: &mut Sheet,
    engine: Engine,
    each_second: u64,
    home: &str,
    guess: impl Fn(&Auth, u32),
) -> (u32, u32) {
    let (time, database) = (time(), Database::new(engine));
    let processes = family(&database, &time, 4, "");
    let auth = |number: u32| &processes[number as usize % processes.len()].auth;
    sign_up(auth(0), OWNER);
    let known = device(auth(0), home, OWNER);
    let (mut known_in, mut unknown_in, mut number) = (0, 0, 0);
    let half = Duration::from_micros(500_000 / each_second);
    for _ in 0..180 {
        for _ in 0..MINUTE * each_second {
            time.advance(half);
            guess(auth(number), number);
            number += 1;
            time.advance(half);
        }
        // Between two guesses.
        let answer = try_at(auth(1), from(home, &known), OWNER, PASSWORD);
        known_in += u32::from(answer.outcome.id() == "accepted");
        unknown_in += u32::from(how(auth(1), home, OWNER, PASSWORD) == "accepted");
    }
    sheet.figure("known browser: in, of 180", known_in, Goal::Exactly(180));
    (known_in, unknown_in)
}

fn an_owner_while_fifty_a_second_guess_at_the_name(engine: Engine) {
    let mut sheet = Sheet::new(engine, "50 guesses/s at one name, 10^4 networks, 3 h");
    let (_, unknown) = three_hours(&mut sheet, engine, 50, "198.51.100.1", |auth, number| {
        how(auth, &peer(number % 10_000), OWNER, WRONG);
    });
    sheet.figure("unknown browser: in, of 180", unknown, Goal::Exactly(0));
    sheet.close();
}

fn an_owner_while_somebody_at_his_address_guesses(engine: Engine) {
    let mut sheet = Sheet::new(engine, "1 guess/s at random names from his address, 3 h");
    let (_, unknown) = three_hours(&mut sheet, engine, 1, "198.51.100.1", |auth, number| {
        how(auth, "198.51.100.1", &format!("u{number}@example.com"), WRONG);
    });
    sheet.figure("unknown browser: in, of 180", unknown, Goal::AtMost(2));
    sheet.close();
}

/// Each minute for two days a stranger asks; on the second day the owner looks every half hour.
fn recovery_asked_for_every_minute(engine: Engine) {
    let mut sheet = Sheet::new(engine, "recovery asked for in his name each minute, 2 days");
    let (time, database) = (time(), Database::new(engine));
    let auth = process(&database.open(), &time, 0, "");
    sign_up(&auth, OWNER);
    let known = device(&auth, "198.51.100.1", OWNER);
    let ask = |peer: &str, cookie: &str| {
        let on = auth.on(from(peer, cookie));
        let asked = run(on.request_token(TokenPurpose::Recovery, "email", OWNER.as_bytes(), None)).unwrap();
        assert_eq!(asked.outcome.id(), "accepted", "nobody is told");
    };
    let mut last = None;
    let (mut sent, mut found, mut at_once) = (0, 0, 0);
    for minute in 0..u32::try_from(2 * DAY / MINUTE).unwrap() {
        ask(&peer(minute), "");
        for message in messages(&auth) {
            sent += 1;
            last = Some(message.params.named("token").unwrap().expose().to_vec());
        }
        if u64::from(minute) * MINUTE >= DAY && minute % 30 == 0 {
            let good = run(auth.peek_token(last.as_ref().unwrap())).unwrap();
            found += u32::from(good.outcome.id() == "accepted");
            ask("198.51.100.1", &known);
            at_once += u32::from(messages(&auth).len() == 1);
        }
        time.advance(Duration::from_secs(MINUTE));
    }
    sheet.figure("messages that strangers caused", sent, Goal::About(146));
    sheet.figure("known browser: at once, of 48", at_once, Goal::Exactly(48));
    sheet.figure("unknown: a good one is there, of 48", found, Goal::Exactly(48));
    sheet.close();
}

fn codes_asked_for_every_minute(engine: Engine) {
    let mut sheet = Sheet::new(engine, "mail code asked for in his name each minute, 2 days");
    let (time, database) = (time(), Database::new(engine));
    let auth = process(&database.open(), &time, 0, &codes::settings());
    let known = codes::sign_up(&auth, OWNER);
    let mut last = Vec::new();
    let (mut sent, mut found, mut at_once) = (0, 0, 0);
    for minute in 0..u32::try_from(2 * DAY / MINUTE).unwrap() {
        let begun = codes::begin(&auth, &peer(minute), "", OWNER);
        assert_eq!(begun.outcome.id(), "continue", "nobody is told");
        for message in messages(&auth) {
            sent += 1;
            last = message.params.named("token").unwrap().expose().to_vec();
        }
        if u64::from(minute) * MINUTE >= DAY && minute % 30 == 0 {
            // A letter that a stranger caused signs its reader in, in a browser that nobody knows.
            found += u32::from(codes::confirm(&auth, "203.0.113.9", &last).outcome.id() == "accepted");
            let begun = codes::begin(&auth, "198.51.100.1", &known, OWNER);
            at_once += u32::from(messages(&auth).len() == 1 && begun.outcome.id() == "continue");
        }
        time.advance(Duration::from_secs(MINUTE));
    }
    sheet.figure("messages that strangers caused", sent, Goal::About(290));
    sheet.figure("known browser: at once, of 48", at_once, Goal::Exactly(48));
    sheet.figure("unknown: a good one is there, of 48", found, Goal::Exactly(48));
    sheet.close();
}

fn a_clock_that_was_300_days_ahead(engine: Engine) {
    let mut sheet = Sheet::new(engine, "clock 300 days ahead and back");
    let (time, database) = (time(), Database::new(engine));
    let auth = process(&database.open(), &time, 0, "");
    sign_up(&auth, OWNER);
    let now = time.now();
    time.advance(Duration::from_secs(300 * DAY));
    for number in 0..30 {
        how(&auth, &peer(number), OWNER, WRONG);
        how(&auth, "192.0.2.1", &format!("u{number}@example.com"), WRONG);
    }
    time.set(now);
    let answer = try_at(&auth, from("192.0.2.1", ""), OWNER, PASSWORD);
    sheet.figure("seconds to wait", wait_of(&answer).as_secs(), Goal::Exactly(0));
    sheet.figure(
        "in",
        u32::from(answer.outcome.id() == "accepted"),
        Goal::Exactly(1),
    );
    sheet.close();
}

fn what_one_address_asks_for_within_seconds(engine: Engine) {
    let mut sheet = Sheet::new(engine, "one address, within seconds");
    let (time, database) = (time(), Database::new(engine));
    let auth = process(&database.open(), &time, 0, &codes::settings());
    for user in 0..700 {
        sign_up(&auth, &format!("u{user}@example.com"));
    }
    let (mail, flows, users) = ("192.0.2.1", "192.0.2.2", "192.0.2.3");
    let on = auth.on(from(mail, ""));
    let mut sent = 0;
    for number in 0..2_000 {
        let name = format!("u{}@example.com", number % 700);
        let asked = run(on.request_token(TokenPurpose::Recovery, "email", name.as_bytes(), None)).unwrap();
        assert_eq!(asked.outcome.id(), "accepted", "nobody is told");
        time.advance(Duration::from_millis(10));
        if number % 100 == 99 {
            sent += messages(&auth).len();
        }
    }
    sheet.figure("2,000 mail requests: messages", sent, Goal::About(303));
    let mut stored = 0_u32;
    for number in 0..2_899 {
        let begun = codes::begin(&auth, flows, "", &format!("{number}@d{number}.example"));
        stored += u32::from(begun.outcome.id() == "continue");
        time.advance(Duration::from_micros(17_000_000 / 2_899));
    }
    sheet.figure("2,899 first steps: flows", stored, Goal::About(308));
    sheet.figure("rows of flows", database.rows()["flow"], Goal::About(308));
    let (on, mut made) = (auth.on(from(users, "")), 0_u32);
    for number in 0..239 {
        let name = format!("new{number}@example.com");
        let answer = run(on.create_user(
            "email",
            name.as_bytes(),
            password(PASSWORD),
            NewUserOptions::default(),
        ))
        .unwrap();
        made += u32::from(answer.outcome.id() == "accepted");
        time.advance(Duration::from_millis(50));
    }
    sheet.figure("239 sign-ups: users", made, Goal::About(50));
    sheet.close();
}

/// Every row as a test of each engine.
macro_rules! rows {
    ($($row:ident)*) => {
        mod on_memory {
            $(#[test] #[ignore = "make test-throttle"] fn $row() { super::$row(super::Engine::Memory) })*
        }
        mod on_sqlite {
            $(#[test] #[ignore = "make test-throttle"] fn $row() { super::$row(super::Engine::Sqlite) })*
        }
        mod on_postgres {
            $(#[test] #[ignore = "make test-throttle"] fn $row() { super::$row(super::Engine::Postgres) })*
        }
    };
}

rows! {
    right_passwords_of_one_user
    right_passwords_of_an_office
    an_office_on_monday
    an_owner_while_fifty_a_second_guess_at_the_name
    an_owner_while_somebody_at_his_address_guesses
    recovery_asked_for_every_minute
    codes_asked_for_every_minute
    a_clock_that_was_300_days_ahead
    what_one_address_asks_for_within_seconds
}
