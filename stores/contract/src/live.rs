//! The table of rows and operations: whatever counts, lists, confirms or ends sign-ins answers as the port's own decisions
//! say of the row, whether it is pending, of another epoch, of a disabled user, past either end, or ended.

use std::time::Duration;

use doorward_base::clock::{Clock as _, SystemClock, Timestamp};
use doorward_base::id::SignInId;
use doorward_store::{
    Advance, Authenticator, AuthenticatorStatus, Bump, Change, Changed, CreatedSignIn, DeletedUser,
    EndReason, Ends, Extend, NewSignIn, Post, PutAttributes, SignIn, Store, Touch, User, WayIn,
};

use crate::samples::{
    alone, at, authenticator, fresh, hash, identity, open, put, sign_in, step_up, stored, user,
};
use crate::{Fixture, wait};

const NOW: Timestamp = at(500);
const A_MOMENT: Duration = Duration::from_micros(1);
/// Later than anybody reads this.
const FAR: Timestamp = Timestamp::from_micros(i64::MAX / 2);

/// How far a row's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Left,
    Idle,
    Absolute,
    Ended,
}

/// What became of its user since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    AsBefore,
    Disabled,
    OtherEpoch,
}

/// A user with that row, and with what it would replace.
struct Case<'f> {
    store: &'f dyn Store,
    name: String,
    user: User,
    row: SignIn,
    old: Option<SignIn>,
    /// Sign-ins that counted before there was this one.
    before: u64,
}

/// An operation and what it answers to a case.
type Operation = fn(&Case<'_>);

/// Each operation on each row. `last` is the latest end of a row that has time left.
fn judge(fixture: &Fixture, last: Timestamp, operations: &[Operation]) {
    for is_pending in [false, true] {
        for time in [Time::Left, Time::Idle, Time::Absolute, Time::Ended] {
            for owner in [Owner::AsBefore, Owner::Disabled, Owner::OtherEpoch] {
                for operation in operations {
                    if let Some(case) = Case::make(fixture, is_pending, time, owner, last) {
                        operation(&case);
                    }
                }
            }
        }
    }
}

impl<'f> Case<'f> {
    /// `None`: no operation leaves such a row, and the fixture cannot write it.
    fn make(
        fixture: &'f Fixture,
        is_pending: bool,
        time: Time,
        owner: Owner,
        last: Timestamp,
    ) -> Option<Self> {
        let store = &*fixture.store;
        let before = wait(store.stats(NOW)).sign_ins;
        let number = u64::from_be_bytes(*fresh().last_chunk()?);
        let mut user = put(store, alone(user(&format!("realm {number}"))));
        let ends = |row: SignIn, idle, absolute| SignIn {
            idle_expires_at: idle,
            absolute_expires_at: absolute,
            ..row
        };
        let old = is_pending.then(|| open(store, ends(sign_in(&user, 0), last, last)));
        let row = old
            .as_ref()
            .map_or_else(|| sign_in(&user, 0), |old| step_up(old, 1));
        let row = match time {
            Time::Left | Time::Ended => ends(row, last, last),
            Time::Idle => ends(row, NOW, last),
            Time::Absolute => ends(row, last, NOW),
        };
        let row = open(store, row);
        if time == Time::Ended {
            wait(store.end(Ends::One(user.id, row.id), EndReason::SignedOut, at(2)));
        }
        match owner {
            Owner::AsBefore => {}
            Owner::Disabled => user.disabled_at = Some(at(3)),
            Owner::OtherEpoch => user.session_epoch += 1,
        }
        if owner != Owner::AsBefore {
            (fixture.meddle.as_ref()?)(&user);
        }
        let case = Self {
            store,
            name: format!("pending {is_pending}, {time:?}, user {owner:?}"),
            row: stored(store, &row),
            old,
            user,
            before,
        };
        let is_live = time == Time::Left && owner == Owner::AsBefore;
        assert_eq!(case.row.is_live(&case.user, NOW), is_live, "{}", case.name);
        assert_eq!(wait(store.user(case.user.id)).as_ref(), Some(&case.user));
        Some(case)
    }

    /// Those of the user's sign-ins that count then, and fit.
    fn counted(&self, now: Timestamp, fits: impl Fn(&SignIn) -> bool) -> Vec<SignInId> {
        let rows = self.old.iter().chain([&self.row]);
        let counted = rows.filter(|row| row.is_counted(&self.user, now) && fits(row));
        counted.map(|row| row.id).collect()
    }

    fn count(&self, fits: impl Fn(&SignIn) -> bool) -> u64 {
        self.counted(NOW, fits).len() as u64
    }

    /// A further sign-in, at a cap of one.
    fn one_more(&self, evict: bool, replaces: Option<SignInId>) -> CreatedSignIn {
        let row = SignIn {
            idle_expires_at: FAR,
            absolute_expires_at: FAR,
            confirmed_at: None,
            replaces,
            created_at: NOW,
            ..sign_in(&self.user, 500)
        };
        wait(self.store.create_sign_in(NewSignIn {
            row,
            max_sign_ins: 1,
            evict,
            ends: None,
        }))
    }

    fn bump(&self, keep: Option<SignInId>) -> Changed {
        wait(self.store.change(Change {
            user_id: self.user.id,
            epoch: self.user.session_epoch,
            steps: Vec::new(),
            ways_in: Vec::new(),
            bump: Some(Bump {
                reason: EndReason::CredentialsChanged,
                keep,
            }),
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
            now: NOW,
        }))
    }
}

/// In lists, and in numbers of the whole store and of a realm.
pub fn rows_that_count_are_listed_and_counted(fixture: &Fixture) {
    let listed: Operation = |case| {
        let listed = wait(case.store.sign_ins(case.user.id, NOW));
        let listed: Vec<SignInId> = listed.iter().map(|row| row.id).collect();
        assert_eq!(listed, case.counted(NOW, |_| true), "{}", case.name);
    };
    let counted: Operation = |case| {
        let count = case.count(|_| true);
        let of_realm = wait(case.store.realm_stats(case.user.realm.clone(), NOW));
        assert_eq!(of_realm.sign_ins, count, "{}", case.name);
        let of_all = wait(case.store.stats(NOW)).sign_ins;
        assert_eq!(of_all, case.before + count, "{}", case.name);
    };
    judge(fixture, NOW.plus(A_MOMENT), &[listed, counted]);
}

/// By whatever ends them: what does not count is ended and not counted.
pub fn rows_that_count_are_counted_as_they_end(fixture: &Fixture) {
    let ends: [Operation; 6] = [
        |case| {
            let (user, id) = (case.user.id, case.row.id);
            let ended = wait(case.store.end(Ends::One(user, id), EndReason::Ended, NOW));
            assert_eq!(ended, case.count(|row| row.goes_with(id)), "one: {}", case.name);
            assert!(stored(case.store, &case.row).ended_at.is_some());
        },
        |case| {
            let (user, id) = (case.user.id, case.row.id);
            let ended = wait(case.store.end(Ends::Others(user, id), EndReason::Ended, NOW));
            assert_eq!(
                ended,
                case.count(|row| !row.goes_with(id)),
                "others: {}",
                case.name
            );
            assert_eq!(stored(case.store, &case.row), case.row, "{}", case.name);
        },
        |case| {
            let ended = wait(case.store.end(Ends::All(case.user.id), EndReason::Ended, NOW));
            assert_eq!(ended, case.count(|_| true), "all: {}", case.name);
            assert!(stored(case.store, &case.row).ended_at.is_some());
        },
        |case| {
            let ended = wait(case.store.set_enabled(case.user.id, false, NOW));
            assert_eq!(ended, Some(case.count(|_| true)), "disabled: {}", case.name);
        },
        |case| {
            let done = Changed::Done {
                epoch: case.user.session_epoch + 1,
                ended: case.count(|_| true),
            };
            let is_enabled = case.user.disabled_at.is_none();
            let expected = if is_enabled { done } else { Changed::Stale };
            assert_eq!(case.bump(None), expected, "changed: {}", case.name);
        },
        |case| {
            let id = case.row.id;
            let done = Changed::Done {
                epoch: case.user.session_epoch + 1,
                ended: case.count(|row| !row.goes_with(id)),
            };
            let is_enabled = case.user.disabled_at.is_none();
            let expected = if is_enabled { done } else { Changed::Stale };
            assert_eq!(case.bump(Some(id)), expected, "changed, and kept: {}", case.name);
            let moves = case.row.ended_at.is_none() && case.user.accepts(case.row.epoch);
            let epoch = case.row.epoch + i64::from(moves);
            assert_eq!(stored(case.store, &case.row).epoch, epoch, "{}", case.name);
        },
    ];
    judge(fixture, NOW.plus(A_MOMENT), &ends);
    // A deletion is counted by the store's own clock.
    let deleted: Operation = |case| {
        let count = case.counted(SystemClock.now(), |_| true).len() as u64;
        let deleted = wait(case.store.delete_user(case.user.id));
        assert_eq!(deleted, DeletedUser::Deleted(count), "{}", case.name);
    };
    judge(fixture, FAR, &[deleted]);
}

/// A row that does not count makes room.
pub fn rows_that_count_stand_at_the_cap(fixture: &Fixture) {
    let refused: Operation = |case| {
        let expected = match (case.user.disabled_at, case.count(|_| true)) {
            (Some(_), _) => CreatedSignIn::Refused,
            (None, 0) => CreatedSignIn::Created(Vec::new()),
            (None, _) => CreatedSignIn::CapReached,
        };
        assert_eq!(case.one_more(false, None), expected, "{}", case.name);
    };
    let evicted: Operation = |case| {
        let expected = match case.user.disabled_at {
            Some(_) => CreatedSignIn::Refused,
            None => CreatedSignIn::Created(case.counted(NOW, |_| true)),
        };
        assert_eq!(case.one_more(true, None), expected, "{}", case.name);
    };
    judge(fixture, NOW.plus(A_MOMENT), &[refused, evicted]);
}

/// And what a live one replaces ends with it, where somebody waits for that.
pub fn live_rows_are_confirmed_and_no_others(fixture: &Fixture) {
    let confirmed: Operation = |case| {
        let (id, generation) = (case.row.id, case.row.generation);
        let is_live = case.row.is_live(&case.user, NOW);
        assert_eq!(
            wait(case.store.confirm(id, generation, NOW)),
            is_live,
            "{}",
            case.name
        );
        let expected = case.row.confirmed_at.or(is_live.then_some(NOW));
        assert_eq!(
            stored(case.store, &case.row).confirmed_at,
            expected,
            "{}",
            case.name
        );
        if let Some(old) = &case.old {
            let reason = is_live.then_some(EndReason::Superseded);
            assert_eq!(stored(case.store, old).end_reason, reason, "{}", case.name);
        }
    };
    let touched: Operation = |case| {
        let row = SignIn {
            confirmed_at: None,
            ..case.row.clone()
        };
        case.store.touch(Touch::Confirm {
            id: row.id,
            generation: row.generation,
            at: NOW,
        });
        wait(case.store.stop());
        wait(case.store.start());
        // Whatever replaces another waits; the others of this table are confirmed already.
        assert_eq!(stored(case.store, &case.row), case.row, "{}", case.name);
    };
    judge(fixture, NOW.plus(A_MOMENT), &[confirmed, touched]);
}

/// What has not ended is exchanged, extended and written to: whoever asks has judged the rest.
pub fn rows_that_have_not_ended_go_on(fixture: &Fixture) {
    let operations: [Operation; 4] = [
        |case| {
            let extend = Extend {
                id: case.row.id,
                generation: 0,
                refresh_hash: hash(10),
                access_expires_at: at(900),
                confirm: None,
            };
            let goes_on = case.row.ended_at.is_none();
            assert_eq!(wait(case.store.extend(extend)), goes_on, "{}", case.name);
        },
        |case| {
            let next = Advance {
                id: case.row.id,
                from: 0,
                from_refresh_hash: hash(10),
                salt: hash(40),
                refresh_hash: hash(41),
                access_hash: hash(42),
                access_expires_at: at(900),
                idle_expires_at: at(900),
                now: NOW,
            };
            let goes_on = case.row.ended_at.is_none();
            assert_eq!(wait(case.store.advance(next)), goes_on, "{}", case.name);
        },
        |case| {
            let put = (case.store).put_session_attributes(case.row.id, 1, r#"{"cart":[]}"#.into());
            let expected = match case.row.ended_at {
                None => PutAttributes::Won(2),
                Some(_) => PutAttributes::Absent,
            };
            assert_eq!(wait(put), expected, "{}", case.name);
        },
        |case| {
            let goes_on = case.row.ended_at.is_none() && case.user.disabled_at.is_none();
            let expected = if goes_on {
                CreatedSignIn::Created(Vec::new())
            } else {
                CreatedSignIn::Refused
            };
            assert_eq!(case.one_more(false, Some(case.row.id)), expected, "{}", case.name);
        },
    ];
    judge(fixture, NOW.plus(A_MOMENT), &operations);
}

/// A way in is an identity of its provider and a usable authenticator of its group, where it names them.
pub fn ways_in_are_open_by_what_is_usable(fixture: &Fixture) {
    let store = &*fixture.store;
    let statuses = [
        AuthenticatorStatus::Active,
        AuthenticatorStatus::MustChange,
        AuthenticatorStatus::Suspended,
    ];
    for status in statuses {
        for expires_at in [None, Some(NOW), Some(NOW.plus(A_MOMENT))] {
            let mut new = alone(user(""));
            let name = format!("{status:?}{expires_at:?}@example.org");
            new.identity = Some(identity(&new.user, "email", name));
            new.authenticators.push(Authenticator {
                status,
                expires_at,
                ..authenticator(&new.user, "password", b"sealed")
            });
            let (identities, authenticators) = (new.identity.clone(), new.authenticators.clone());
            let user = put(store, new);
            for provider in [None, Some("email"), Some("phone")] {
                for group in [None, Some("password"), Some("totp")] {
                    let way = WayIn {
                        provider: provider.map(str::to_owned),
                        group: group.map(str::to_owned),
                    };
                    let changed = wait(store.change(Change {
                        user_id: user.id,
                        epoch: 0,
                        steps: Vec::new(),
                        ways_in: vec![way.clone()],
                        bump: None,
                        token: None,
                        charges: Vec::new(),
                        deliveries: Vec::new(),
                        letters: Post::default(),
                        now: NOW,
                    }));
                    let expected = if way.is_open(&identities, &authenticators, NOW) {
                        Changed::Done { epoch: 0, ended: 0 }
                    } else {
                        Changed::LastWayIn
                    };
                    assert_eq!(changed, expected, "{status:?}, {expires_at:?}, {way:?}");
                }
            }
        }
    }
}
