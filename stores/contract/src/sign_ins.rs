//! Sign-ins: the writes that the session protocol stands on.

use doorward_store::{
    AuthenticatorAt, CreatedSignIn, EndReason, Ends, Extend, NewSignIn, PutAttributes, SignIn, Store, Touch,
};

use crate::samples::{
    alone, at, hash, named, next, open, put, sign_in, step_up, stored, uncapped, user, whole,
};
use crate::{race, wait};

fn created(store: &dyn Store, row: SignIn, max_sign_ins: u32, evict: bool) -> CreatedSignIn {
    wait(store.create_sign_in(NewSignIn {
        row,
        max_sign_ins,
        evict,
        ends: None,
    }))
}

pub(crate) fn ended(store: &dyn Store, row: &SignIn) -> Option<EndReason> {
    let row = stored(store, row);
    assert_eq!(row.ended_at.is_some(), row.end_reason.is_some());
    row.end_reason
}

/// Every column.
pub fn a_sign_in_is_read_as_it_was_written(store: &dyn Store) {
    let user = put(store, alone(user("realm")));
    let plain = open(store, sign_in(&user, 0));
    let full = SignIn {
        generation: u32::MAX,
        salt: Some(hash(30)),
        previous_refresh_hash: Some(hash(31)),
        previous_access_hash: Some(hash(32)),
        previous_access_expires_at: Some(at(33)),
        persistent: false,
        factors: r#"[{"method":"email","at":1}]"#.into(),
        attributes: r#"{"cart":[1,2]}"#.into(),
        version: 4,
        agent: "Ünïcode \u{1f98a}".into(),
        address: "2001:db8::1".into(),
        ..step_up(&plain, 5)
    };
    let full = open(store, full);
    for row in [plain, full] {
        let found = wait(store.sign_in(row.id));
        assert_eq!(found, Some((row, user.clone())));
    }
    let absent = sign_in(&user, 0);
    assert_eq!(wait(store.sign_in(absent.id)), None);
}

/// The lock is a write on the user at the proof's epoch.
pub fn a_sign_in_needs_the_users_epoch(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let mut stale = sign_in(&ann, 0);
    stale.epoch = 1;
    assert_eq!(created(store, stale.clone(), 10, true), CreatedSignIn::Refused);
    wait(store.set_enabled(ann.id, false, at(1)));
    assert_eq!(
        created(store, stale.clone(), 10, true),
        CreatedSignIn::Refused,
        "disabled"
    );
    wait(store.set_enabled(ann.id, true, at(2)));
    assert_eq!(
        created(store, sign_in(&ann, 3), 10, true),
        CreatedSignIn::Refused,
        "the epoch moved"
    );
    let nobody = sign_in(&user(""), 0);
    assert_eq!(created(store, nobody, 10, true), CreatedSignIn::Refused);
    assert_eq!(wait(store.sign_in(stale.id)), None);
    assert_eq!(
        created(store, stale, 10, true),
        CreatedSignIn::Created(Vec::new())
    );
}

/// After an unknown outcome the insert is repeated: it must neither fail nor cost another sign-in.
pub fn a_repeated_insert_counts_as_created(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let old = open(store, sign_in(&ann, 0));
    let row = sign_in(&ann, 1);
    assert_eq!(
        created(store, row.clone(), 1, true),
        CreatedSignIn::Created(vec![old.id])
    );
    for evict in [true, false] {
        assert_eq!(
            created(store, row.clone(), 1, evict),
            CreatedSignIn::Created(Vec::new())
        );
    }
    assert_eq!(stored(store, &row), row);
    let other = SignIn {
        refresh_hash: Some(hash(99)),
        ..row.clone()
    };
    assert_eq!(
        created(store, other, 10, true),
        CreatedSignIn::Refused,
        "the id is another's"
    );
    assert_eq!(stored(store, &row), row);
}

/// Counted without pending step-ups and what has ended or expired.
pub fn the_cap_ends_the_least_recently_seen_or_refuses(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let first = open(store, sign_in(&ann, 0));
    let second = open(store, sign_in(&ann, 1));
    let third = open(store, sign_in(&ann, 2));
    let on_second = open(store, step_up(&second, 3));
    open(store, sign_in(&ann, -5_000)); // expired
    let gone = open(store, sign_in(&ann, 4));
    wait(store.end(Ends::One(ann.id, gone.id), EndReason::SignedOut, at(5)));
    // The first was used since.
    wait(store.confirm(first.id, 0, at(6)));
    assert!(wait(store.advance(next(&first, 40, 6))));

    let row = sign_in(&ann, 10);
    assert_eq!(created(store, row.clone(), 3, false), CreatedSignIn::CapReached);
    assert_eq!(wait(store.sign_in(row.id)), None);
    assert_eq!(ended(store, &second), None, "a refusal ends nobody");
    assert_eq!(
        created(store, step_up(&third, 10), 3, false),
        CreatedSignIn::Created(Vec::new())
    );
    assert_eq!(
        created(store, row.clone(), 3, true),
        CreatedSignIn::Created(vec![second.id])
    );
    assert_eq!(ended(store, &second), Some(EndReason::Cap));
    assert_eq!(ended(store, &on_second), Some(EndReason::Cap));
    // The cap was lowered meanwhile.
    let last = sign_in(&ann, 11);
    assert_eq!(
        created(store, last.clone(), 2, true),
        CreatedSignIn::Created(vec![third.id, first.id])
    );
    let left: Vec<_> = wait(store.sign_ins(ann.id, at(12)))
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(left, [last.id, row.id]);
}

/// The count is made under the user's lock.
pub fn many_at_the_cap_never_exceed_it(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let answers = race(16, |_| created(store, sign_in(&ann, 0), 5, false));
    let count = |answer: &CreatedSignIn| answers.iter().filter(|given| *given == answer).count();
    assert_eq!(count(&CreatedSignIn::Created(Vec::new())), 5);
    assert_eq!(count(&CreatedSignIn::CapReached), 11);
    let answers = race(16, |_| created(store, sign_in(&ann, 1), 5, true));
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, CreatedSignIn::Created(out) if out.len() == 1))
    );
    assert_eq!(wait(store.sign_ins(ann.id, at(2))).len(), 5);
}

/// In the transaction that signs the new user in.
pub fn another_users_sign_in_on_the_browser_is_replaced(store: &dyn Store) {
    let (ann, bea) = (put(store, alone(user(""))), put(store, alone(user(""))));
    let old = open(store, sign_in(&ann, 0));
    let pending = open(store, step_up(&old, 1));
    let other = open(store, sign_in(&ann, 0));
    let with = |row: SignIn| NewSignIn {
        ends: Some(old.id),
        ..uncapped(row)
    };
    let stale = SignIn {
        epoch: 7,
        ..sign_in(&bea, 2)
    };
    assert_eq!(wait(store.create_sign_in(with(stale))), CreatedSignIn::Refused);
    assert_eq!(ended(store, &old), None);
    let new = sign_in(&bea, 2);
    assert_eq!(
        wait(store.create_sign_in(with(new))),
        CreatedSignIn::Created(Vec::new())
    );
    assert_eq!(ended(store, &old), Some(EndReason::Replaced));
    assert_eq!(ended(store, &pending), Some(EndReason::Replaced));
    assert_eq!(ended(store, &other), None);
    let absent = NewSignIn {
        ends: Some(sign_in(&ann, 0).id),
        ..uncapped(sign_in(&bea, 3))
    };
    assert_eq!(
        wait(store.create_sign_in(absent)),
        CreatedSignIn::Created(Vec::new())
    );
}

/// One successor per generation.
pub fn exactly_one_of_many_advances(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let mut row = open(store, sign_in(&ann, 0));
    for round in 0..4 {
        let won = race(32, |n| {
            let seed = u8::try_from(n * 4).unwrap() + 50;
            wait(store.advance(next(&row, seed, round)))
        });
        let winners: Vec<_> = won
            .iter()
            .enumerate()
            .filter(|(_, won)| **won)
            .map(|(n, _)| n)
            .collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        let now = stored(store, &row);
        assert_eq!(now.generation, row.generation + 1);
        let seed = u8::try_from(winners[0] * 4).unwrap() + 50;
        assert_eq!(now.refresh_hash, Some(hash(seed + 1)), "the winner's");
        row = now;
    }
}

/// Current values become previous ones; idle end and last use are maxima.
pub fn advancing_moves_the_row_on_and_times_never_back(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let row = open(store, sign_in(&ann, 100));
    for wrong in 0..3 {
        let mut step = next(&row, 40, 110);
        match wrong {
            0 => step.from_refresh_hash = hash(99),
            1 => step.from = 1,
            _ => step.id = sign_in(&ann, 0).id,
        }
        assert!(!wait(store.advance(step)), "{wrong}");
    }
    assert_eq!(stored(store, &row), row);
    assert!(wait(store.advance(next(&row, 40, 110))));
    let first = stored(store, &row);
    let expected = SignIn {
        generation: 1,
        salt: Some(hash(40)),
        refresh_hash: Some(hash(41)),
        access_hash: Some(hash(42)),
        access_expires_at: at(210),
        previous_refresh_hash: row.refresh_hash,
        previous_access_hash: row.access_hash,
        previous_access_expires_at: Some(row.access_expires_at),
        confirmed_at: None,
        idle_expires_at: at(1_110),
        last_seen_at: at(110),
        ..row.clone()
    };
    assert_eq!(first, expected);
    // A server whose clock is behind.
    assert!(wait(store.advance(next(&first, 50, 90))));
    let second = stored(store, &row);
    assert_eq!(
        (second.last_seen_at, second.idle_expires_at),
        (at(110), at(1_110))
    );
    assert_eq!(
        (second.generation, second.previous_refresh_hash),
        (2, Some(hash(41)))
    );
    assert!(!wait(store.advance(next(&first, 60, 120))), "an old generation");
    wait(store.end(Ends::All(ann.id), EndReason::Ended, at(130)));
    assert!(!wait(store.advance(next(&second, 60, 131))), "ended");
}

/// The write of a settling refresh.
pub fn extending_needs_the_current_refresh_hash(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let row = open(store, sign_in(&ann, 0));
    assert!(wait(store.advance(next(&row, 40, 10))));
    let now = stored(store, &row);
    let extend = |generation, byte, end, confirm| {
        wait(store.extend(Extend {
            id: row.id,
            generation,
            refresh_hash: hash(byte),
            access_expires_at: end,
            confirm,
        }))
    };
    assert!(!extend(0, 41, at(500), None));
    assert!(!extend(1, 10, at(500), Some(at(20))), "the previous hash");
    assert_eq!(stored(store, &row), now);
    assert!(extend(1, 41, at(500), None));
    assert_eq!(
        (
            stored(store, &row).access_expires_at,
            stored(store, &row).confirmed_at
        ),
        (at(500), None)
    );
    assert!(extend(1, 41, at(400), Some(at(21))));
    let extended = stored(store, &row);
    assert_eq!(
        (extended.access_expires_at, extended.confirmed_at),
        (at(500), Some(at(21)))
    );
    assert!(extend(1, 41, at(400), Some(at(30))));
    assert_eq!(
        stored(store, &row).confirmed_at,
        Some(at(21)),
        "the first acceptance stays"
    );
    wait(store.end(Ends::All(ann.id), EndReason::Ended, at(40)));
    assert!(!extend(1, 41, at(600), None));
}

/// Both ways of confirming do, in the same transaction.
pub fn a_confirmed_step_up_ends_what_it_replaces(store: &dyn Store) {
    for by_extending in [false, true] {
        let ann = put(store, alone(user("")));
        let old = open(store, sign_in(&ann, 0));
        let new = open(store, step_up(&old, 5));
        let rival = open(store, step_up(&old, 6));
        assert!(wait(store.extend(Extend {
            id: new.id,
            generation: 0,
            refresh_hash: hash(10),
            access_expires_at: at(200),
            confirm: None,
        })));
        assert_eq!(ended(store, &old), None, "not used yet");
        let done = if by_extending {
            wait(store.extend(Extend {
                id: new.id,
                generation: 0,
                refresh_hash: hash(10),
                access_expires_at: at(200),
                confirm: Some(at(7)),
            }))
        } else {
            wait(store.confirm(new.id, 0, at(7)))
        };
        assert!(done);
        assert_eq!(ended(store, &old), Some(EndReason::Superseded));
        assert_eq!(ended(store, &rival), Some(EndReason::Superseded));
        assert_eq!(
            (ended(store, &new), stored(store, &new).confirmed_at),
            (None, Some(at(7)))
        );
        assert_eq!(stored(store, &old).ended_at, Some(at(7)));
        // What has ended cannot be stepped up any more.
        let late = wait(store.create_sign_in(uncapped(step_up(&old, 8))));
        assert_eq!(late, CreatedSignIn::Refused);
    }
}

/// Between its exchange and the next use it is unconfirmed again, and yet no step-up that waits for its first use.
pub fn an_exchanged_step_up_stands_for_itself(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let old = open(store, sign_in(&ann, 0));
    let new = open(store, step_up(&old, 5));
    assert!(wait(store.confirm(new.id, 0, at(6))));
    assert!(wait(store.advance(next(&new, 40, 50))));
    let now = stored(store, &new);
    assert_eq!((now.confirmed_at, now.replaces), (None, None));
    assert_eq!(wait(store.sign_ins(ann.id, at(51))), [now]);
    assert_eq!(
        created(store, sign_in(&ann, 51), 1, false),
        CreatedSignIn::CapReached
    );
    let everything = wait(store.end(Ends::All(ann.id), EndReason::Ended, at(52)));
    assert_eq!(everything, 1);
}

/// True also for whoever comes second.
pub fn confirming_needs_a_live_row_at_that_generation(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let row = open(store, sign_in(&ann, 0));
    assert!(wait(store.advance(next(&row, 40, 10))));
    assert!(!wait(store.confirm(row.id, 0, at(11))));
    assert!(!wait(store.confirm(row.id, 2, at(11))));
    assert!(!wait(store.confirm(sign_in(&ann, 0).id, 0, at(11))));
    assert_eq!(stored(store, &row).confirmed_at, None);
    assert!(
        race(8, |_| wait(store.confirm(row.id, 1, at(12))))
            .into_iter()
            .all(|confirmed| confirmed)
    );
    assert!(wait(store.confirm(row.id, 1, at(13))));
    assert_eq!(stored(store, &row).confirmed_at, Some(at(12)));
    assert!(!wait(store.confirm(row.id, 1, at(1_010))), "idle for too long");
    wait(store.set_enabled(ann.id, false, at(14)));
    assert!(!wait(store.confirm(row.id, 1, at(15))));
}

/// Merged, late, and never backwards.
pub fn touches_are_written_by_maximum(store: &dyn Store) {
    let new = whole("", "ann@example.org");
    let (email, password) = (new.identity.clone().unwrap().at, new.authenticators[0].at.clone());
    let ann = put(store, new);
    let row = open(store, sign_in(&ann, 0));
    let ended = open(store, sign_in(&ann, 0));
    wait(store.end(Ends::One(ann.id, ended.id), EndReason::Ended, at(1)));
    let seen = |row: &SignIn, seconds| Touch::Seen {
        id: row.id,
        at: at(seconds),
        idle_expires_at: at(seconds + 1_000),
    };
    for seconds in [30, 20, -10] {
        store.touch(seen(&row, seconds));
        store.touch(seen(&ended, seconds));
        store.touch(Touch::IdentityUsed(email.clone(), at(seconds)));
        store.touch(Touch::AuthenticatorUsed(password.clone(), at(seconds)));
    }
    let nobody = AuthenticatorAt {
        group: "totp".into(),
        ..password
    };
    store.touch(Touch::AuthenticatorUsed(nobody, at(1)));
    store.touch(Touch::IdentityUsed(named("", "email", "nobody"), at(1)));
    // Stopping writes what is queued.
    wait(store.stop());
    wait(store.start());
    let now = stored(store, &row);
    assert_eq!((now.last_seen_at, now.idle_expires_at), (at(30), at(1_030)));
    assert_eq!(stored(store, &ended).last_seen_at, at(0));
    assert_eq!(wait(store.identities(ann.id))[0].last_used_at, Some(at(30)));
    assert_eq!(wait(store.authenticators(ann.id))[0].last_used_at, Some(at(30)));

    assert!(wait(store.advance(next(&now, 40, 40))));
    store.touch(Touch::Confirm {
        id: row.id,
        generation: 0,
        at: at(41),
    });
    wait(store.stop());
    wait(store.start());
    assert_eq!(stored(store, &row).confirmed_at, None, "another generation's");
    for seconds in [42, 43] {
        store.touch(Touch::Confirm {
            id: row.id,
            generation: 1,
            at: at(seconds),
        });
        wait(store.stop());
        wait(store.start());
    }
    assert_eq!(stored(store, &row).confirmed_at, Some(at(42)));
}

/// What a person sees under "your devices".
pub fn listed_sign_ins_are_live_and_newest_first(store: &dyn Store) {
    let (ann, bea) = (put(store, alone(user(""))), put(store, alone(user(""))));
    let first = open(store, sign_in(&ann, 0));
    let second = open(store, sign_in(&ann, 500));
    let third = open(store, sign_in(&ann, 501));
    open(store, step_up(&first, 502));
    open(store, sign_in(&bea, 503));
    wait(store.end(Ends::One(ann.id, third.id), EndReason::SignedOut, at(504)));
    assert_eq!(wait(store.sign_ins(ann.id, at(600))), [second.clone(), first]);
    assert_eq!(
        wait(store.sign_ins(ann.id, at(1_000))),
        [second],
        "the first has idled out"
    );
    assert!(wait(store.sign_ins(ann.id, at(1_500))).is_empty());
    assert!(wait(store.sign_ins(user("").id, at(0))).is_empty());
}

/// Compare-and-swap by version, of live sign-ins.
pub fn session_attributes_change_only_at_the_version_that_was_read(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let row = open(store, sign_in(&ann, 0));
    let put_at =
        |version, n: usize| wait(store.put_session_attributes(row.id, version, format!("{{\"n\":{n}}}")));
    let answers = race(16, |n| put_at(1, n));
    let winner = answers
        .iter()
        .position(|answer| *answer == PutAttributes::Won(2))
        .unwrap();
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == PutAttributes::Lost)
            .count(),
        15
    );
    let now = stored(store, &row);
    assert_eq!((now.version, now.attributes), (2, format!("{{\"n\":{winner}}}")));
    wait(store.end(Ends::All(ann.id), EndReason::Ended, at(1)));
    assert_eq!(put_at(2, 0), PutAttributes::Absent);
    let absent = wait(store.put_session_attributes(sign_in(&ann, 0).id, 1, "{}".into()));
    assert_eq!(absent, PutAttributes::Absent);
}
