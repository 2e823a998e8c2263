//! Races that only several connections can show.

use super::*;

#[test]
fn concurrent_charges_are_made_in_all_buckets_or_in_none() {
    let server = Server::shared();
    let url = server.database();
    store(options(&url));
    let law = ThrottleLaw::Rate {
        burst: 6,
        every: Duration::from_mins(1),
    };
    let charge = |number: u8| {
        let bucket = [number; 32];
        ThrottleStep::Charge(ThrottleKey { bucket, law })
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
                        let own = charge(10 + number % 2);
                        let steps = if (number + round) % 2 == 0 {
                            vec![charge(9), own]
                        } else {
                            vec![own, charge(9)]
                        };
                        went += usize::from(wait(store.throttle(steps, time(0))).unwrap() == Throttled::Done);
                    }
                    went
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(went, 6);
    let name = url.rsplit('/').next().unwrap();
    // One minute for each charge.
    let charged = server.psql(
        name,
        "SELECT sum(minutes) FILTER (WHERE get_byte(bucket, 0) = 9), sum(minutes) FROM (SELECT bucket, \
         (allowed_at - 4000000000000000) / 60000000 AS minutes FROM doorward_throttle) AS rows",
    );
    assert_eq!(charged, "6|12");
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
                        let next = Advance {
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
fn look_ups_of_many_callers_share_statements_and_each_gets_its_own_row() {
    let server = Server::shared();
    let url = server.database();
    let first = store(options(&url));
    wait(first.create_user(user(1))).unwrap();
    for number in 0..32 {
        wait(first.create_sign_in(sign_in(1, number))).unwrap();
    }
    wait(first.stop()).unwrap();
    // A connection that is closed has reported all its transactions.
    let name = url.rsplit('/').next().unwrap();
    let count = format!("SELECT xact_commit FROM pg_stat_database WHERE datname = '{name}'");
    let before: u64 = server.psql("postgres", &count).parse().unwrap();
    wait(first.start()).unwrap();
    thread::scope(|scope| {
        for number in 0..32 {
            let first = &first;
            scope.spawn(move || {
                for round in 0..50_u8 {
                    let wanted = SignInId::from_bytes([number; 16]);
                    let (row, owner) = wait(first.sign_in(wanted)).unwrap().unwrap();
                    assert_eq!((row.id, owner.id), (wanted, UserId::from_bytes([1; 16])));
                    let absent = SignInId::from_bytes([100 + round; 16]);
                    assert!(wait(first.sign_in(absent)).unwrap().is_none());
                }
            });
        }
    });
    wait(first.stop()).unwrap();
    let after: u64 = server.psql("postgres", &count).parse().unwrap();
    assert!(
        after - before < 32 * 50,
        "3200 look-ups took {} statements",
        after - before
    );
}

#[test]
fn a_step_up_that_is_made_while_its_sign_in_ends_does_not_outlive_it() {
    let server = Server::shared();
    let store = store(options(&server.database()));
    wait(store.create_user(user(1))).unwrap();
    let owner = UserId::from_bytes([1; 16]);
    for round in 0..60_u8 {
        let (old, new) = (2 + 2 * round, 3 + 2 * round);
        wait(store.create_sign_in(sign_in(1, old))).unwrap();
        let mut step_up = sign_in(1, new);
        step_up.row.replaces = Some(SignInId::from_bytes([old; 16]));
        step_up.row.confirmed_at = None;
        let made = race(2, |side| {
            if side == 0 {
                let ends = Ends::One(owner, SignInId::from_bytes([old; 16]));
                wait(store.end(ends, EndReason::SignedOut, time(1))).unwrap();
                None
            } else {
                Some(wait(store.create_sign_in(step_up.clone())).unwrap())
            }
        });
        let row = wait(store.sign_in(SignInId::from_bytes([new; 16]))).unwrap();
        match made.into_iter().flatten().next() {
            Some(CreatedSignIn::Refused) => assert!(row.is_none(), "round {round}"),
            Some(CreatedSignIn::Created(_)) => {
                assert!(
                    row.is_some_and(|(row, _)| row.ended_at.is_some()),
                    "round {round}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}
