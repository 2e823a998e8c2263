//! What strangers leave behind: 50 anonymous requests a second, day and night, and tables that are no larger than what
//! lives, without any purge.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward::{Auth, Fields, TokenPurpose};

use crate::codes;
use crate::engine::{Database, Engine};
use crate::sheet::{Goal, Sheet};
use crate::world::{WRONG, from, how, peer, process, run, time};

const SECONDS: u64 = 3600;

/// Who asks, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crowd {
    /// Sign-ins and first steps in turns, as the page counts them: every name, domain and network is new.
    AllNew,
    /// The same from one network.
    OneNetwork,
    /// Every kind of request that strangers have, all new.
    Everything,
}

type Rows = BTreeMap<&'static str, u64>;

/// The rows of each table after each hour.
fn hours(engine: Engine, crowd: Crowd, each_second: u64, hours: u64) -> Vec<Rows> {
    let (time, database) = (time(), Database::new(engine));
    // What a stranger leaves behind is over within the hour.
    let more = format!("token.verify = '1h'\n{}", codes::settings());
    let auth = process(&database.open(), &time, 0, &more);
    let mut counted = Vec::new();
    for request in 0..hours * SECONDS * each_second {
        ask(&auth, crowd, request);
        time.advance(Duration::from_micros(1_000_000 / each_second));
        if (request + 1) % (SECONDS * each_second) == 0 {
            let rows = database.rows();
            println!("{engine:?}, {crowd:?}: {rows:?} after {} h", counted.len() + 1);
            counted.push(rows);
        }
    }
    counted
}

fn ask(auth: &Auth, crowd: Crowd, number: u64) {
    let peer = match crowd {
        Crowd::OneNetwork => "192.0.2.1".into(),
        Crowd::AllNew | Crowd::Everything => peer(u32::try_from(number).unwrap()),
    };
    let name = format!("u{number}@d{number}.example");
    let on = || auth.on(from(&peer, ""));
    let mail = |purpose| drop(run(on().request_token(purpose, "email", name.as_bytes(), None)).unwrap());
    match number % if crowd == Crowd::Everything { 6 } else { 2 } {
        0 => drop(how(auth, &peer, &name, WRONG)),
        1 => drop(codes::begin(auth, &peer, "", &name)),
        2 => mail(TokenPurpose::Recovery),
        3 => mail(TokenPurpose::Verify),
        4 => drop(run(on().peek_token(name.as_bytes())).unwrap()),
        _ => drop(run(on().continue_flow(name.as_bytes(), None, Fields::default())).unwrap()),
    }
}

/// Every table is after each further hour what it was after the first, but for a hundredth and a handful.
fn flat(engine: Engine, each_second: u64, until: u64) {
    let mut sheet = Sheet::new(
        engine,
        format!("{each_second} anonymous requests/s for {until} h"),
    );
    let counted = hours(engine, Crowd::Everything, each_second, until);
    let (first, rest) = counted.split_first().unwrap();
    for (table, rows) in first {
        let most = rest.iter().map(|hour| hour[table]).max().unwrap();
        let what = format!("{table}: most later, {rows} at first");
        sheet.figure(&what, most, Goal::AtMost(rows + rows / 100 + 16));
    }
    sheet.close();
}

/// Rows live as long whoever else asks: a twenty-fifth of the crowd leaves a twenty-fifth of the rows.
#[test]
fn two_hours_of_strangers_leave_the_tables_flat() {
    flat(Engine::Memory, 2, 2);
}

#[test]
#[ignore = "make test-throttle"]
fn two_hours_of_all_strangers_leave_the_tables_flat() {
    flat(Engine::Memory, 50, 2);
}

#[test]
#[ignore = "make test-throttle"]
fn a_day_of_strangers_leaves_the_tables_flat() {
    flat(Engine::Sqlite, 50, 24);
}

/// The page counts flows without messages; each of ours has one, with two counters that live as long as a code, 10 minutes:
/// the address's and the kind's.
fn the_rows_of_the_page(engine: Engine) {
    let counted = |rows: &Rows| rows["throttle"] + rows["flow"];
    let mut sheet = Sheet::new(engine, "50 requests/s, half sign-ins, half flows");
    let all_new = hours(engine, Crowd::AllNew, 50, 2);
    sheet.figure(
        "all new: rows after 1 h",
        counted(&all_new[0]),
        Goal::About(195_552 + 2 * 25 * 600),
    );
    sheet.figure(
        "all new: rows after 2 h",
        counted(&all_new[1]),
        Goal::About(195_554 + 2 * 25 * 600),
    );
    let one = hours(engine, Crowd::OneNetwork, 50, 2);
    // A message each 5 s.
    sheet.figure(
        "one network: rows after 1 h",
        counted(&one[0]),
        Goal::About(861 + 2 * 600 / 5),
    );
    sheet.figure(
        "one network: rows after 2 h",
        counted(&one[1]),
        Goal::About(665 + 2 * 600 / 5),
    );
    sheet.close();
}

#[test]
#[ignore = "make test-throttle"]
fn the_rows_of_the_page_on_memory() {
    the_rows_of_the_page(Engine::Memory);
}

#[test]
#[ignore = "make test-throttle"]
fn the_rows_of_the_page_on_sqlite() {
    the_rows_of_the_page(Engine::Sqlite);
}

#[test]
#[ignore = "make test-throttle"]
fn the_rows_of_the_page_on_postgres() {
    the_rows_of_the_page(Engine::Postgres);
}
