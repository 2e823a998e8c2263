//! The first table of the page on throttling: what an attacker gets. Every row from the real code on a simulated clock:
//! on memory in `make test`, on all stores in `make test-throttle`.

use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::{Answer, Auth, Proof};

use crate::engine::{Database, Engine};
use crate::second::{Asked, Second};
use crate::sheet::{Goal, Sheet};
use crate::swarm::{Gate, Process, swarm};
use crate::world::{Time, WRONG, attempt, from, how, peer, process, sign_up, time, try_at, wait_of};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// `throttle.parallel`.
const PARALLEL: usize = 2;
const AT_ONCE: usize = 10_000;

/// So many processes on one database, their clocks spread over 100 ms.
pub(crate) fn family(database: &Database, time: &Time, count: usize, more: &str) -> Vec<Process> {
    let last = i64::try_from(count.max(2) - 1).unwrap();
    (0..=last)
        .take(count)
        .map(|number| {
            let gate = Gate::before(database.open());
            let auth = process(&gate.store(), time, -50 + 100 * number / last, more);
            Process { auth, gate }
        })
        .collect()
}

/// Goes on at the first moment that it may, until then; how many were let through. Answers of each process in turns.
fn patient(
    processes: &[Process],
    time: &Time,
    until: u64,
    mut guess: impl FnMut(&Auth, u32) -> Answer<Proof>,
) -> u32 {
    let (mut through, mut number) = (0, 0);
    while time.monotonic() < Duration::from_secs(until) {
        number += 1;
        let auth = &processes[number as usize % processes.len()].auth;
        let wait = wait_of(&guess(auth, number));
        through += u32::from(wait.is_zero());
        time.advance(wait + Duration::from_millis(200));
    }
    through
}

/// What a row has for the burst, the first hour, the first day and a later day.
struct Page {
    burst: u64,
    hour: u64,
    day: u64,
    later: u64,
}

/// The burst, then patience for two days.
fn burst_and_days(
    sheet: &mut Sheet,
    (processes, time): (&[Process], &Time),
    burst: u32,
    page: &Page,
    mut guess: impl FnMut(&Auth, u32) -> Answer<Proof>,
) {
    sheet.figure("guesses at once", burst, Goal::About(page.burst));
    sheet.figure("and never more than", burst, Goal::AtMost(page.burst));
    time.advance(Duration::from_secs(30));
    let mut through = burst + patient(processes, time, HOUR, &mut guess);
    sheet.figure("in the first hour", through, Goal::About(page.hour));
    through += patient(processes, time, DAY, &mut guess);
    sheet.figure("in the first day", through, Goal::About(page.day));
    let later = patient(processes, time, 2 * DAY, &mut guess);
    sheet.figure("in a later day", later, Goal::About(page.later));
}

fn one_name(engine: Engine, networks: u32, count: usize, page: &Page) {
    let mut sheet = Sheet::new(
        engine,
        format!("one name, {networks} networks, {count} processes"),
    );
    let (time, database) = (time(), Database::new(engine));
    let processes = family(&database, &time, count, "");
    let width = if networks == 1 {
        PARALLEL.min(hashing())
    } else {
        PARALLEL
    };
    let at = |number: u32| from(&peer(number % networks), "");
    let burst = swarm(&processes, AT_ONCE, width, |auth, number| {
        attempt(auth, at(u32::try_from(number).unwrap()), "ann@example.com", WRONG)
    });
    burst_and_days(&mut sheet, (&processes, &time), burst, page, |auth, number| {
        try_at(auth, at(number), "ann@example.com", WRONG)
    });
    sheet.close();
}

/// How many passwords a process hashes at once.
fn hashing() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn one_name_from_one_network(engine: Engine) {
    one_name(
        engine,
        1,
        4,
        &Page {
            burst: 13,
            hour: 16,
            day: 39,
            later: 24,
        },
    );
}

fn one_name_from_many_networks(engine: Engine) {
    for networks in [1_000, 1_000_000] {
        one_name(
            engine,
            networks,
            4,
            &Page {
                burst: 18,
                hour: 21,
                day: 44,
                later: 24,
            },
        );
    }
}

fn one_name_and_forty_five_processes(engine: Engine) {
    one_name(
        engine,
        1_000_000,
        45,
        &Page {
            burst: 100,
            hour: 100,
            day: 123,
            later: 24,
        },
    );
}

/// In groups that stay below every delay, until they are forgotten.
fn one_name_paced_to_stay_below_every_delay(engine: Engine) {
    let mut sheet = Sheet::new(engine, "one name, paced to stay below every delay");
    for group in [1_u32, 5, 9] {
        let (time, database) = (time(), Database::new(engine));
        let processes = family(&database, &time, 1, "");
        let (mut through, mut number) = (0, 0);
        while time.monotonic() < Duration::from_secs(30 * DAY) {
            for _ in 0..group {
                number += 1;
                through +=
                    u32::from(how(&processes[0].auth, &peer(number), "ann@example.com", WRONG) == "refused");
                time.advance(Duration::from_secs(1));
            }
            time.advance(Duration::from_secs(u64::from(group) * HOUR + 2));
        }
        sheet.figure(
            &format!("in groups of {group}, 30 days"),
            through,
            Goal::About(24 * 30),
        );
    }
    sheet.close();
}

fn many_names_from_one_network(engine: Engine) {
    for (each_second, label) in [(1_u64, "1/s"), (100, "100/s")] {
        let mut sheet = Sheet::new(engine, format!("many names, one network, {label}"));
        let (time, database) = (time(), Database::new(engine));
        let processes = family(&database, &time, 1, "");
        let mut name = 0_u64;
        let mut guess = |auth: &Auth| {
            name += 1;
            try_at(
                auth,
                from("192.0.2.1", ""),
                &format!("u{name}@example.com"),
                WRONG,
            )
        };
        let mut through = 0_u32;
        // The quick one is quick for two minutes, then as patient as the other.
        for second in 0..if each_second == 1 { HOUR } else { 120 } {
            for _ in 0..each_second {
                through += u32::from(wait_of(&guess(&processes[0].auth)).is_zero());
                time.advance(Duration::from_millis(1000 / each_second));
            }
            if each_second > 1 && second == 1 {
                sheet.figure("guesses at once", through, Goal::About(100));
            }
        }
        through += patient(&processes, &time, HOUR, |auth, _| guess(auth));
        sheet.figure("in the first hour", through, Goal::About(279));
        through += patient(&processes, &time, DAY, |auth, _| guess(auth));
        sheet.figure("in the first day", through, Goal::About(4_419));
        let later = patient(&processes, &time, 2 * DAY, |auth, _| guess(auth));
        sheet.figure("in a later day", later, Goal::About(4_320));
        sheet.close();
    }
}

/// 10^4 at once: the burst, and as many more as are hashed at once in all processes.
fn many_names_from_one_network_at_once(engine: Engine) {
    let mut sheet = Sheet::new(engine, "many names, one network, 4 processes at once");
    let (time, database) = (time(), Database::new(engine));
    let processes = family(&database, &time, 4, "");
    let burst = swarm(&processes, AT_ONCE, hashing(), |auth, number| {
        attempt(
            auth,
            from("192.0.2.1", ""),
            &format!("u{number}@example.com"),
            WRONG,
        )
    });
    let permits = u64::try_from(4 * hashing()).unwrap();
    sheet.figure("guesses at once", burst, Goal::About(100 + permits));
    sheet.figure("and never more than", burst, Goal::AtMost(100 + permits));
    sheet.close();
}

fn many_names_from_the_networks_of_one_site(engine: Engine) {
    let mut sheet = Sheet::new(engine, "300 names, all /64 of one /48");
    let (time, database) = (time(), Database::new(engine));
    let processes = family(&database, &time, 1, "");
    let mut number = 0_u32;
    let mut guess = |auth: &Auth| {
        number += 1;
        let peer = format!("2001:db8:7:{:x}::1", number % 0x1_0000);
        try_at(
            auth,
            from(&peer, ""),
            &format!("u{}@example.com", number % 300),
            WRONG,
        )
    };
    let mut through = 0_u32;
    for _ in 0..1_499 {
        through += u32::from(wait_of(&guess(&processes[0].auth)).is_zero());
        time.advance(Duration::from_millis(100));
    }
    sheet.figure("1,499 guesses in 150 s", through, Goal::About(429));
    // The burst is over; names that are closed are left out, as the attacker would.
    let mut number = 1_000_000_u32;
    let mut fresh = |auth: &Auth, _| {
        number += 1;
        let peer = format!("2001:db8:7:{:x}::1", number % 0x1_0000);
        try_at(auth, from(&peer, ""), &format!("v{number}@example.com"), WRONG)
    };
    patient(&processes, &time, HOUR, &mut fresh);
    let day = patient(&processes, &time, DAY + HOUR, &mut fresh);
    sheet.figure("in a later day, whatever the names", day, Goal::About(17_280));
    sheet.close();
}

fn the_second_factor_of_who_has_the_first(engine: Engine) {
    let mut sheet = Sheet::new(engine, "second factor, first one known");
    let (time, database) = (time(), Database::new(engine));
    let processes = family(&database, &time, 4, &Second::settings());
    sign_up(&processes[0].auth, "ann@example.com");
    // Not where a period begins for some and has not for others.
    time.advance(Duration::from_secs(15));
    let app = Second::enroll(&processes[0].auth, &time, "ann@example.com");
    // A flow takes five wrong answers: one for each guess.
    let flows: Vec<Asked> = (0..2_000)
        .map(|number| Second::asked(&processes[0].auth, &peer(number), "ann@example.com"))
        .collect();
    let burst = swarm(&processes, flows.len(), PARALLEL, |auth, number| {
        Second::guess(auth, &flows[number], app.wrong(&time))
    });
    let page = Page {
        burst: 13,
        hour: 16,
        day: 39,
        later: 24,
    };
    burst_and_days(&mut sheet, (&processes, &time), burst, &page, |auth, number| {
        let flow = Second::asked(auth, &peer(number), "ann@example.com");
        Second::guess_at(auth, &flow, app.wrong(&time))
    });
    sheet.close();
}

/// Every row as a test of each engine.
macro_rules! rows {
    ($($row:ident)*) => {
        mod on_memory {
            $(#[test] fn $row() { super::$row(super::Engine::Memory) })*
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
    one_name_from_one_network
    one_name_from_many_networks
    one_name_and_forty_five_processes
    one_name_paced_to_stay_below_every_delay
    many_names_from_one_network
    many_names_from_one_network_at_once
    many_names_from_the_networks_of_one_site
    the_second_factor_of_who_has_the_first
}
