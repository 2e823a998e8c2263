//! Four processes with sixteen threads each exchange one refresh token at the same moment, round after round: all of
//! them get the same successor, byte for byte, also while processes are killed in the middle.

#![expect(clippy::expect_used, reason = "everything in here is a test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward::factor::Factor;
use doorward::plugin::FactorClass;
use doorward::session::{Created, Lifetimes, NewSession, Refreshed};
use doorward::store::{CreatedUser, NewUser, Post, Store, User};
use doorward::token::RefreshToken;
use doorward::{SignInId, UserId};
use doorward_tests::postgres::Server;
use doorward_tests::race::{self, MADE_AT, PLANTED, READY, REALM};
use doorward_tests::scratch::Scratch;
use doorward_tests::wait::block_on;

const PROCESSES: usize = 4;
const ROUNDS: usize = 2_000;
/// Rounds in which one process is killed; it is started anew for the next one.
const ROUNDS_WITH_KILLS: usize = 60;
/// Rounds within which the planted bug has to show; it does in the first few.
const ROUNDS_FOR_A_BUG: usize = 200;
/// Sign-ins of one user: the cap is a hundred.
const SIGN_INS_PER_USER: usize = 50;

/// A worker process and the pipes to it.
struct Worker {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Worker {
    fn start(location: &str, bug: Option<&str>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_race_worker"))
            .arg(location)
            .args(bug)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the worker was built with this test");
        let mut worker = Self {
            to: child.stdin.take().expect("it is piped"),
            from: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
        };
        assert_eq!(worker.answer().as_deref(), Some(READY));
        worker
    }

    fn ask(&mut self, token: &str) {
        writeln!(self.to, "{token}").expect("the worker reads");
    }

    /// A whole line, or nothing from a process that was killed.
    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the worker speaks UTF-8");
        line.strip_suffix('\n').map(str::to_owned)
    }

    fn outcomes(&mut self) -> Vec<String> {
        let line = self.answer().unwrap_or_default();
        line.split(';')
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it was killed");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // After a failed assertion the others must not stay behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One race at a time: each is made for the whole machine.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A database with one refresh token for each round.
fn prepare(store: &Arc<dyn Store>, rounds: usize) -> Vec<(SignInId, String)> {
    let sessions = race::sessions(store.clone(), MADE_AT);
    let mut tokens = Vec::new();
    for round in 0..rounds {
        let number = u32::try_from(round / SIGN_INS_PER_USER).expect("few users");
        let mut id = [0; 16];
        id[12..].copy_from_slice(&number.to_be_bytes());
        let user_id = UserId::from_bytes(id);
        if round % SIGN_INS_PER_USER == 0 {
            create_user(&**store, user_id);
        }
        let new = NewSession {
            user_id,
            epoch: 0,
            factors: vec![Factor {
                provider: "email".into(),
                class: FactorClass::Knowledge,
                channel: String::new(),
                at: MADE_AT,
                via: Vec::new(),
                two_in_one: false,
            }],
            attributes: "{}".into(),
            lifetimes: Lifetimes::default(),
            agent: String::new(),
            address: String::new(),
            ends: None,
        };
        let created = block_on(sessions.create(new, REALM)).expect("the store answers");
        let Created::Created { session, .. } = created else {
            unreachable!("the user is enabled and below the cap: {created:?}")
        };
        let text = session
            .refresh_token()
            .expect("a new session has one")
            .expose()
            .to_vec();
        tokens.push((session.id(), String::from_utf8(text).expect("tokens are ASCII")));
    }
    tokens
}

fn create_user(store: &dyn Store, id: UserId) {
    let user = User {
        id,
        realm: REALM.into(),
        attributes: "{}".into(),
        version: 1,
        session_epoch: 0,
        disabled_at: None,
        created_at: MADE_AT,
        updated_at: MADE_AT,
    };
    let new = NewUser {
        user,
        unique: Vec::new(),
        identity: None,
        authenticators: Vec::new(),
        addresses: Vec::new(),
        takes: Vec::new(),
        post: Post::default(),
    };
    let created = block_on(store.create_user(new)).expect("the store answers");
    assert_eq!(created, CreatedUser::Created);
}

/// What went wrong, if anything did: the round, and everything that its exchanges gave.
type Difference = Option<(usize, BTreeSet<String>)>;

/// Lets all processes exchange each token at once; stops at the first round that does not give exactly one successor.
fn run(location: &str, rounds: usize, kills: bool, bug: Option<&str>) -> Difference {
    let store = race::open(location);
    block_on(store.migrate()).expect("the database is new");
    let tokens = prepare(&store, rounds);
    let sessions = race::sessions(store.clone(), race::exchanged_at());
    let mut workers: Vec<Worker> = (0..PROCESSES).map(|_| Worker::start(location, bug)).collect();
    for (round, (id, token)) in tokens.iter().enumerate() {
        for worker in &mut workers {
            worker.ask(token);
        }
        let mut outcomes = BTreeSet::new();
        // The victim dies before, between or after the others' answers.
        let victim = kills.then_some(round % PROCESSES);
        let survivors = (0..PROCESSES).filter(|n| Some(*n) != victim);
        let dies_after = round / PROCESSES % PROCESSES;
        for (answered, n) in survivors.enumerate() {
            if let Some(victim) = victim
                && answered == dies_after
            {
                workers[victim].kill();
            }
            outcomes.extend(workers[n].outcomes());
        }
        if let Some(victim) = victim {
            workers[victim].kill();
            // What it said before it died counts as well.
            outcomes.extend(workers[victim].outcomes());
            workers[victim] = Worker::start(location, bug);
            // Whoever comes later, and has the token still, is given the same.
            outcomes.insert(repeated(block_on(sessions.refresh(&parse(token), REALM))));
        }
        let successor = outcomes.first().filter(|_| outcomes.len() == 1);
        if successor.is_none_or(|tokens| !tokens.starts_with("dwr_")) {
            return Some((round, outcomes));
        }
        let (row, _) = block_on(store.sign_in(*id))
            .expect("the store answers")
            .expect("it is there");
        let refresh = successor
            .and_then(|tokens| tokens.split(' ').next())
            .unwrap_or_default();
        if row.generation != 1 || row.ended_at.is_some() || row.refresh_hash != Some(parse(refresh).hash()) {
            return Some((round, BTreeSet::from([format!("the row is another: {row:?}")])));
        }
    }
    drop(workers);
    block_on(store.stop()).expect("nothing is under way");
    None
}

fn parse(token: &str) -> RefreshToken {
    RefreshToken::parse(token.as_bytes()).expect("it was just given out")
}

fn repeated(answer: doorward::Result<Refreshed>) -> String {
    match answer {
        Ok(Refreshed::Repeated(session)) => {
            let texts = [session.refresh_token(), session.access_token()];
            texts
                .map(|text| {
                    text.map_or_else(String::new, |text| {
                        String::from_utf8_lossy(text.expose()).into_owned()
                    })
                })
                .join(" ")
        }
        other => format!("{other:?}"),
    }
}

fn on_sqlite(rounds: usize, kills: bool, bug: Option<&str>) -> Difference {
    let _alone = alone();
    let folder = Scratch::new();
    run(
        &folder.path().join("doorward.db").display().to_string(),
        rounds,
        kills,
        bug,
    )
}

fn on_postgres(rounds: usize, kills: bool, bug: Option<&str>) -> Difference {
    let _alone = alone();
    let server = Server::shared();
    run(&server.database(), rounds, kills, bug)
}

#[test]
fn one_token_has_one_successor_on_sqlite() {
    assert_eq!(on_sqlite(ROUNDS, false, None), None);
}

#[test]
fn one_token_has_one_successor_on_postgres() {
    assert_eq!(on_postgres(ROUNDS, false, None), None);
}

#[test]
fn one_token_has_one_successor_on_sqlite_while_processes_are_killed() {
    assert_eq!(on_sqlite(ROUNDS_WITH_KILLS, true, None), None);
}

#[test]
fn one_token_has_one_successor_on_postgres_while_processes_are_killed() {
    assert_eq!(on_postgres(ROUNDS_WITH_KILLS, true, None), None);
}

/// Two different successors of one token were given out.
fn two_successors(difference: Difference) -> bool {
    let outcomes = difference.map(|(_, outcomes)| outcomes).unwrap_or_default();
    outcomes
        .iter()
        .filter(|tokens| tokens.starts_with("dwr_"))
        .count()
        > 1
}

#[test]
fn finds_an_exchange_that_selects_and_then_updates_on_sqlite() {
    assert!(two_successors(on_sqlite(ROUNDS_FOR_A_BUG, false, Some(PLANTED))));
}

#[test]
fn finds_an_exchange_that_selects_and_then_updates_on_postgres() {
    assert!(two_successors(on_postgres(
        ROUNDS_FOR_A_BUG,
        false,
        Some(PLANTED)
    )));
}
