//! One server process of the race test. It reads a refresh token a line, lets all its threads exchange it at once, and
//! answers with a line: each distinct outcome, once.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::sync::{Arc, Barrier, Mutex, PoisonError};

use doorward::session::{Refreshed, Session, Sessions};
use doorward::token::RefreshToken;
use doorward_tests::race::{self, PLANTED, REALM, SelectThenUpdate, THREADS};
use doorward_tests::wait::block_on;

/// How often a thread asks again when the database was too slow: that signs nobody out.
const PATIENCE: u32 = 20;

/// The round that is on.
#[derive(Default)]
struct Round {
    /// `None`: no more rounds.
    token: Option<String>,
    outcomes: BTreeSet<String>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let location = arguments.next().unwrap_or_default();
    let store = race::open(&location);
    let seen = if arguments.next().as_deref() == Some(PLANTED) {
        SelectThenUpdate::plant(store.clone())
    } else {
        store.clone()
    };
    let sessions = Arc::new(race::sessions(seen, race::exchanged_at()));
    let round = Arc::new(Mutex::new(Round::default()));
    let barrier = Arc::new(Barrier::new(THREADS + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (sessions, round, barrier) = (sessions.clone(), round.clone(), barrier.clone());
            std::thread::spawn(move || exchange(&sessions, &round, &barrier))
        })
        .collect();
    say(race::READY);
    for token in std::io::stdin().lock().lines().map_while(Result::ok) {
        locked(&round).token = Some(token);
        barrier.wait();
        barrier.wait();
        let outcomes = std::mem::take(&mut *locked(&round)).outcomes;
        say(&outcomes.into_iter().collect::<Vec<_>>().join(";"));
    }
    locked(&round).token = None;
    barrier.wait();
    for thread in threads {
        drop(thread.join());
    }
    drop(block_on(store.stop()));
}

/// One thread: a refresh a round.
fn exchange(sessions: &Sessions, round: &Mutex<Round>, barrier: &Barrier) {
    loop {
        barrier.wait();
        let Some(token) = locked(round).token.clone() else {
            return;
        };
        let outcome = outcome(sessions, &token);
        locked(round).outcomes.insert(outcome);
        barrier.wait();
    }
}

fn outcome(sessions: &Sessions, token: &str) -> String {
    let Some(token) = RefreshToken::parse(token.as_bytes()) else {
        return "not a refresh token".into();
    };
    let mut failures = 0;
    loop {
        match block_on(sessions.refresh(&token, REALM)) {
            Ok(Refreshed::Next(session) | Refreshed::Repeated(session)) => return tokens(&session),
            Ok(other) => return format!("{other:?}").replace(';', ","),
            Err(error) if error.kind().is_retryable() && failures < PATIENCE => failures += 1,
            Err(error) => return format!("{error:?}").replace([';', '\n'], ","),
        }
    }
}

/// Both tokens: what the browser would be given.
fn tokens(session: &Session) -> String {
    let texts = [session.refresh_token(), session.access_token()];
    let texts = texts.map(|text| text.map(|text| String::from_utf8_lossy(text.expose()).into_owned()));
    texts.map(|text| text.unwrap_or_else(|| "none".into())).join(" ")
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Err: the test has gone away; the end of its lines ends this process as well.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
