//! What only PostgreSQL can show: lost servers, lost answers, other people's foreign keys, forks and roles.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::{
    Agreed, CreatedSignIn, CreatedUser, DeletedUser, Disagreement, EndReason, Ends, NewSignIn, NewUser,
    Reply, SignIn, Store, StoreError, Throttle, ThrottleKey, ThrottleLimit, Touch, User,
};
use doorward::{SignInId, Timestamp, UserId};
use doorward_tests::contract::settled as wait; // drives answers without tokio: callers bring no runtime
use doorward_tests::postgres::Server;
use doorward_tests::proxy::{Cut, Proxy};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::parse(url).unwrap()
}

fn store(options: PostgresOptions) -> PostgresStore {
    let store = PostgresStore::new(options);
    wait(store.start()).unwrap();
    wait(store.migrate()).unwrap();
    store
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(4_000_000_000_000_000 + seconds * 1_000_000)
}

fn user(number: u8) -> NewUser {
    NewUser {
        user: User {
            id: UserId::from_bytes([number; 16]),
            realm: String::new(),
            attributes: "{}".into(),
            version: 1,
            session_epoch: 0,
            disabled_at: None,
            created_at: time(0),
            updated_at: time(0),
        },
        unique: Vec::new(),
        identity: None,
        authenticators: Vec::new(),
    }
}

fn sign_in(user: u8, number: u8) -> NewSignIn {
    NewSignIn {
        row: SignIn {
            id: SignInId::from_bytes([number; 16]),
            user_id: UserId::from_bytes([user; 16]),
            epoch: 0,
            generation: 0,
            family_hash: [number; 32],
            salt: None,
            refresh_hash: Some([number; 32]),
            access_hash: Some([number; 32]),
            access_expires_at: time(100),
            previous_refresh_hash: None,
            previous_access_hash: None,
            previous_access_expires_at: None,
            rotated_at: None,
            confirmed_at: Some(time(0)),
            idle_expires_at: time(1000),
            absolute_expires_at: time(10_000),
            access_ttl: Duration::from_secs(100),
            idle_ttl: Duration::from_secs(1000),
            persistent: true,
            authenticated_at: time(0),
            factors: "[]".into(),
            attributes: "{}".into(),
            version: 1,
            agent: "agent".into(),
            address: "192.0.2.1".into(),
            replaces: None,
            created_at: time(0),
            last_seen_at: time(0),
            ended_at: None,
            end_reason: None,
        },
        max_sign_ins: 100,
        evict: true,
        ends: None,
    }
}

#[test]
fn a_sign_in_comes_back_as_it_was_written() {
    let server = Server::shared();
    let store = store(options(&server.database()));
    let new = user(1);
    assert_eq!(
        wait(store.create_user(new.clone())).unwrap(),
        CreatedUser::Created
    );
    let row = sign_in(1, 2);
    assert_eq!(
        wait(store.create_sign_in(row.clone())).unwrap(),
        CreatedSignIn::Created(vec![])
    );
    let (found, owner) = wait(store.sign_in(row.row.id)).unwrap().unwrap();
    assert!(found == row.row, "{found:?}");
    assert_eq!(owner, new.user);
    wait(store.stop()).unwrap();
    // A stopped store says so, and starts again.
    assert!(matches!(
        wait(store.user(new.user.id)),
        Err(StoreError::Unavailable(_))
    ));
    wait(store.start()).unwrap();
    assert_eq!(wait(store.user(new.user.id)).unwrap(), Some(new.user));
}

#[test]
fn a_killed_server_is_unavailable_and_recovers_after_its_restart() {
    let server = Server::start();
    let store = store(options(&server.database()).deadline(Duration::from_secs(20)));
    wait(store.create_user(user(1))).unwrap();
    server.kill();
    assert!(matches!(
        wait(store.user(UserId::from_bytes([1; 16]))),
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        wait(store.create_user(user(2))),
        Err(StoreError::Unavailable(_))
    ));
    server.restart();
    // At once, without an error for each connection that died.
    for _ in 0..8 {
        assert!(wait(store.user(UserId::from_bytes([1; 16]))).unwrap().is_some());
    }
    assert_eq!(wait(store.create_user(user(2))).unwrap(), CreatedUser::Created);
}

#[test]
fn connections_that_died_while_idle_cost_no_operation() {
    let server = Server::start();
    let store = store(options(&server.database()).deadline(Duration::from_secs(20)));
    wait(store.create_user(user(1))).unwrap();
    for _ in 0..3 {
        server.kill();
        server.restart();
        assert!(wait(store.user(UserId::from_bytes([1; 16]))).unwrap().is_some());
        server.kill();
        server.restart();
        assert_eq!(
            wait(store.create_sign_in(sign_in(1, 2))).unwrap(),
            CreatedSignIn::Created(vec![])
        );
    }
}

#[test]
fn a_start_without_server_fails_leaves_nothing_and_succeeds_later() {
    let server = Server::start();
    let url = server.database();
    server.kill();
    let store = PostgresStore::new(options(&url));
    assert!(matches!(wait(store.start()), Err(StoreError::Unavailable(_))));
    assert!(
        matches!(wait(store.schema()), Err(StoreError::Unavailable(text)) if text.contains("not started"))
    );
    server.restart();
    wait(store.start()).unwrap();
    assert_eq!(wait(store.schema()).unwrap().found, 0);
}

#[test]
fn a_lost_answer_to_a_commit_is_unknown_and_the_repeated_insert_counts_as_created() {
    let server = Server::shared();
    let proxy = Proxy::to(server.port());
    let url = server
        .database()
        .replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    let store = store(options(&url));
    wait(store.create_user(user(1))).unwrap();
    for (number, cut, written) in [(2, Cut::AfterCommit, true), (3, Cut::BeforeCommit, false)] {
        proxy.next_commit(cut);
        let lost = wait(store.create_sign_in(sign_in(1, number)));
        assert!(
            matches!(lost, Err(StoreError::UnknownOutcome(_))),
            "{cut:?}: {lost:?}"
        );
        let there = wait(store.sign_in(SignInId::from_bytes([number; 16]))).unwrap();
        assert_eq!(there.is_some(), written, "{cut:?}");
        let again = wait(store.create_sign_in(sign_in(1, number))).unwrap();
        assert_eq!(again, CreatedSignIn::Created(vec![]), "{cut:?}");
        // Equal hashes are what makes it the same; another secret under the same id is refused.
        let mut other = sign_in(1, number);
        other.row.refresh_hash = Some([99; 32]);
        assert_eq!(wait(store.create_sign_in(other)).unwrap(), CreatedSignIn::Refused);
    }
}

#[test]
fn a_slow_server_is_unavailable_at_the_deadline() {
    let server = Server::shared();
    let url = server.database();
    let store = store(options(&url).deadline(Duration::from_millis(300)));
    wait(store.create_user(user(1))).unwrap();
    let name = url.rsplit('/').next().unwrap().to_owned();
    // Somebody holds the user's row; the server itself gives up waiting, or we do.
    let holder = {
        let server = Arc::clone(&server);
        thread::spawn(move || {
            server.psql(
                &name,
                "BEGIN; UPDATE doorward_user SET version = version; SELECT pg_sleep(2); COMMIT",
            );
        })
    };
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND wait_event = 'PgSleep'";
    while server.psql("postgres", waiting) != "1" {
        thread::yield_now();
    }
    let answer = wait(store.create_sign_in(sign_in(1, 2)));
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    holder.join().unwrap();
    assert_eq!(
        wait(store.create_sign_in(sign_in(1, 2))).unwrap(),
        CreatedSignIn::Created(vec![])
    );
}

#[test]
fn a_foreign_key_of_the_application_forbids_the_deletion_also_when_deferred() {
    let server = Server::shared();
    for (number, rule) in [
        (1, ""),
        (2, "ON DELETE RESTRICT"),
        (3, "DEFERRABLE INITIALLY DEFERRED"),
    ] {
        let url = server.database();
        let store = store(options(&url));
        wait(store.create_user(user(number))).unwrap();
        wait(store.create_sign_in(sign_in(number, number))).unwrap();
        let name = url.rsplit('/').next().unwrap();
        server.psql(
            name,
            &format!(
                "CREATE TABLE account (owner uuid REFERENCES doorward_user (id) {rule}); \
                 INSERT INTO account SELECT id FROM doorward_user"
            ),
        );
        let id = UserId::from_bytes([number; 16]);
        assert_eq!(
            wait(store.delete_user(id)).unwrap(),
            DeletedUser::Referenced,
            "{rule}"
        );
        assert!(
            wait(store.sign_in(SignInId::from_bytes([number; 16])))
                .unwrap()
                .is_some(),
            "{rule}"
        );
        server.psql(name, "DELETE FROM account");
        assert_eq!(
            wait(store.delete_user(id)).unwrap(),
            DeletedUser::Deleted(1),
            "{rule}"
        );
        assert_eq!(
            wait(store.delete_user(id)).unwrap(),
            DeletedUser::Absent,
            "{rule}"
        );
        assert_eq!(
            server.psql(name, "SELECT count(*) FROM doorward_sign_in"),
            "0",
            "{rule}"
        );
    }
}

#[test]
fn a_role_without_the_right_to_create_runs_everything_but_migrations() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let role = format!("runtime_{name}");
    server.psql(
        name,
        &format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    );
    let runtime = PostgresStore::new(options(&url.replace("doorward@", &format!("{role}@"))));
    wait(runtime.start()).unwrap();
    assert_eq!(wait(runtime.schema()).unwrap().found, 0);
    assert!(matches!(
        wait(runtime.create_user(user(1))),
        Err(StoreError::Schema(_))
    ));
    assert!(matches!(wait(runtime.migrate()), Err(StoreError::Schema(_))));
    let owner = store(options(&url));
    assert!(matches!(
        wait(runtime.user(UserId::from_bytes([1; 16]))),
        Err(StoreError::Schema(_))
    ));
    server.psql(
        name,
        &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"),
    );
    wait(runtime.stop()).unwrap();
    wait(runtime.start()).unwrap();
    assert_eq!(wait(runtime.schema()).unwrap().found, 1);
    assert_eq!(wait(runtime.create_user(user(1))).unwrap(), CreatedUser::Created);
    let items = vec![Agreed {
        name: "provider/email".into(),
        value: "password".into(),
    }];
    assert_eq!(
        wait(runtime.agree(items.clone(), false, time(0))).unwrap(),
        Vec::<Disagreement>::new()
    );
    assert_eq!(wait(owner.agreed("provider/".into())).unwrap(), items);
    assert_eq!(
        wait(runtime.delete_user(UserId::from_bytes([1; 16]))).unwrap(),
        DeletedUser::Deleted(0)
    );
}

#[test]
fn processes_that_migrate_at_once_make_one_schema() {
    let server = Server::shared();
    let url = server.database();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let store = store(options(&url).connections(1));
                let state = wait(store.schema()).unwrap();
                assert_eq!((state.found, state.current), (1, 1));
                wait(store.stop()).unwrap();
            });
        }
    });
    // What a later release left is not touched.
    let name = url.rsplit('/').next().unwrap();
    server.psql(
        name,
        "UPDATE doorward_meta SET value = '9999' WHERE name = 'schema'",
    );
    let late = PostgresStore::new(options(&url));
    wait(late.start()).unwrap();
    assert!(matches!(wait(late.migrate()), Err(StoreError::Schema(text)) if text.contains("9999")));
}

#[test]
fn concurrent_attempts_are_counted_in_all_buckets_or_in_none() {
    let server = Server::shared();
    let url = server.database();
    store(options(&url));
    let limit = ThrottleLimit {
        free: 5,
        first: Duration::from_mins(1),
        ceiling: Duration::from_mins(1),
        forget: Duration::from_hours(1),
    };
    let key = |number: u8| ThrottleKey {
        bucket: [number; 32],
        limit,
    };
    // Everyone shares bucket 9; each names it before or after one of its own.
    let went: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u8)
            .map(|number| {
                let url = &url;
                scope.spawn(move || {
                    let store = PostgresStore::new(options(url));
                    wait(store.start()).unwrap();
                    let mut went = 0;
                    for round in 0..4_u8 {
                        let own = key(10 + number % 2);
                        let keys = if (number + round) % 2 == 0 {
                            vec![key(9), own]
                        } else {
                            vec![own, key(9)]
                        };
                        went += usize::from(wait(store.throttle(keys, time(0))).unwrap() == Throttle::Go);
                    }
                    went
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // Five are free, the sixth closes the bucket.
    assert_eq!(went, 6);
    let name = url.rsplit('/').next().unwrap();
    let counts = server.psql(
        name,
        "SELECT sum(failures) FILTER (WHERE get_byte(bucket, 0) = 9), sum(failures) FROM doorward_throttle",
    );
    assert_eq!(counts, "6|12");
}

#[test]
fn one_of_many_racing_exchanges_wins() {
    let server = Server::shared();
    let url = server.database();
    let first = store(options(&url));
    wait(first.create_user(user(1))).unwrap();
    wait(first.create_sign_in(sign_in(1, 2))).unwrap();
    for round in 0..20_u32 {
        let won: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let first = &first;
                    scope.spawn(move || {
                        let hash = |generation: u32| [u8::try_from(2 + generation).unwrap(); 32];
                        let next = doorward::store::Advance {
                            id: SignInId::from_bytes([2; 16]),
                            from: round,
                            from_refresh_hash: hash(round),
                            salt: [7; 32],
                            refresh_hash: hash(round + 1),
                            access_hash: hash(round + 1),
                            access_expires_at: time(200),
                            idle_expires_at: time(1100),
                            now: time(1),
                        };
                        usize::from(wait(first.advance(next)).unwrap())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(won, 1, "round {round}");
    }
}

#[test]
fn ends_and_confirmations_that_cross_neither_deadlock_nor_lose() {
    let server = Server::shared();
    let store = store(options(&server.database()));
    wait(store.create_user(user(1))).unwrap();
    for round in 0..15_u8 {
        let (old, new) = (2 + 2 * round, 3 + 2 * round);
        wait(store.create_sign_in(sign_in(1, old))).unwrap();
        let mut step_up = sign_in(1, new);
        step_up.row.replaces = Some(SignInId::from_bytes([old; 16]));
        step_up.row.confirmed_at = None;
        wait(store.create_sign_in(step_up)).unwrap();
        let (user, old, new) = (
            UserId::from_bytes([1; 16]),
            SignInId::from_bytes([old; 16]),
            SignInId::from_bytes([new; 16]),
        );
        let confirmed = thread::scope(|scope| {
            let confirm = scope.spawn(|| wait(store.confirm(new, 0, time(1))).unwrap());
            let end =
                scope.spawn(|| wait(store.end(Ends::One(user, old), EndReason::SignedOut, time(1))).unwrap());
            end.join().unwrap();
            confirm.join().unwrap()
        });
        let row = |id| wait(store.sign_in(id)).unwrap().unwrap().0;
        // Whoever came first: the old one is over, and the new one lives only if its use was first.
        assert!(row(old).end_reason.is_some());
        assert_eq!(row(new).ended_at.is_none(), confirmed, "round {round}");
        let reason = if confirmed {
            EndReason::Superseded
        } else {
            EndReason::SignedOut
        };
        assert_eq!(row(old).end_reason, Some(reason));
    }
}

#[test]
fn queued_touches_are_written_by_the_stop() {
    let server = Server::shared();
    let url = server.database();
    let first = store(options(&url));
    wait(first.create_user(user(1))).unwrap();
    let mut new = sign_in(1, 2);
    new.row.confirmed_at = None;
    let id = new.row.id;
    wait(first.create_sign_in(new)).unwrap();
    first.touch(Touch::Confirm {
        id,
        generation: 0,
        at: time(5),
    });
    first.touch(Touch::Seen {
        id,
        at: time(6),
        idle_expires_at: time(1006),
    });
    first.touch(Touch::Seen {
        id,
        at: time(4),
        idle_expires_at: time(900),
    });
    wait(first.stop()).unwrap();
    wait(first.start()).unwrap();
    let row = wait(first.sign_in(id)).unwrap().unwrap().0;
    assert_eq!((row.confirmed_at, row.last_seen_at), (Some(time(5)), time(6)));
    assert_eq!(row.idle_expires_at, time(1006));
}

#[test]
fn a_stopped_store_has_no_threads_and_no_connections() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url));
    let connections = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'doorward'"
    );
    assert_ne!(server.psql("postgres", &connections), "0");
    wait(store.stop()).unwrap();
    assert_eq!(server.psql("postgres", &connections), "0");
}
