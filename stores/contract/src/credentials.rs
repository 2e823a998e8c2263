//! Identities and authenticators, and their change under the user's epoch.

use doorward_store::{
    Authenticator, AuthenticatorAt, AuthenticatorStatus, Bump, Change, ChangeStep, Changed, EndReason,
    Naming, Post, Store, Subject, Swapped, User, WayIn,
};

use crate::samples::{
    alone, another, at, authenticator, identity, named, open, put, sign_in, step_up, stored, user, whole,
};
use crate::{race, wait};

fn change(user: &User, steps: Vec<ChangeStep>) -> Change {
    Change {
        user_id: user.id,
        epoch: user.session_epoch,
        steps,
        ways_in: Vec::new(),
        bump: None,
        token: None,
        charges: Vec::new(),
        deliveries: Vec::new(),
        letters: Post::default(),
        now: at(10),
    }
}

const UNCHANGED: Changed = Changed::Done { epoch: 0, ended: 0 };

/// One trip each, and all in order.
pub fn subjects_are_found_by_provider_id_user_and_handle(store: &dyn Store) {
    let mut new = whole("r", "ann@example.org");
    let password = new.authenticators[0].clone();
    let key = authenticator(&new.user, "passkey", b"one");
    let keys = [
        another(&key, Some(b"handle 1")),
        another(&key, Some(b"handle 2")),
        another(&key, None),
    ];
    new.authenticators.extend(keys.iter().rev().cloned());
    let user = put(store, new);
    let email = identity(&user, "email", "ann@example.org");
    let subject = |identity, authenticators: &[Authenticator]| Subject {
        user: user.clone(),
        identity,
        authenticators: authenticators.to_vec(),
    };

    let by_name = |canonical: &str, group: &str| {
        wait(store.subject(named("r", "email", canonical), group.into())).found
    };
    let found = by_name("ann@example.org", "password");
    assert_eq!(
        found,
        Some(subject(Some(email.clone()), std::slice::from_ref(&password)))
    );
    assert_eq!(
        by_name("ann@example.org", "passkey"),
        Some(subject(Some(email.clone()), &keys))
    );
    assert_eq!(
        by_name("ann@example.org", "totp"),
        Some(subject(Some(email.clone()), &[]))
    );
    assert_eq!(by_name("bea@example.org", "password"), None);
    assert_eq!(
        wait(store.subject_of(user.id, "passkey".into())),
        Some(subject(None, &keys))
    );
    let by_handle = |realm: &str, group: &str, handle: &[u8]| {
        wait(store.subject_by_handle(realm.into(), group.into(), handle.to_vec()))
    };
    assert_eq!(
        by_handle("r", "passkey", b"handle 2"),
        Some(subject(None, &keys[1..2]))
    );
    for (realm, group, handle) in [
        ("", "passkey", "handle 2"),
        ("r", "password", "handle 2"),
        ("r", "passkey", ""),
    ] {
        assert_eq!(
            by_handle(realm, group, handle.as_bytes()),
            None,
            "{realm} {group} {handle}"
        );
    }
    assert_eq!(wait(store.identities(user.id)), [email]);
    let all: Vec<_> = keys.iter().cloned().chain([password]).collect();
    assert_eq!(wait(store.authenticators(user.id)), all);
}

/// What keeps a TOTP step from being used twice.
pub fn a_record_is_swapped_by_one_of_many(store: &dyn Store) {
    let new = whole("", "ann@example.org");
    let place = new.authenticators[0].at.clone();
    let user = put(store, new);
    let swap = |expect, text: &str| {
        let swapped = store.swap_record(place.clone(), expect, text.into(), Naming::default(), at(3));
        wait(swapped) == Swapped::Done
    };
    let won = race(32, |n| swap(1, &format!("sealed by {n}")));
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = won.iter().position(|won| *won).unwrap();
    let now = &wait(store.authenticators(user.id))[0];
    assert_eq!(
        (now.record_version, &now.record),
        (2, &format!("sealed by {winner}").into_bytes())
    );
    assert!(!swap(1, "late"));
    assert!(swap(2, "in time"));
    assert_eq!(
        wait(store.user(user.id)).unwrap().session_epoch,
        0,
        "no epoch moves"
    );
    let mut absent = place.clone();
    absent.group = "totp".into();
    let nowhere = store.swap_record(absent, 1, Vec::new(), Naming::default(), at(3));
    assert_eq!(wait(nowhere), Swapped::Lost);
}

/// A kind that replaces a record may give it another label and another handle; what it leaves out stays.
pub fn a_replaced_record_has_the_names_that_its_kind_gave_it(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let bea = put(store, whole("", "bea@example.org"));
    let mut key = another(&authenticator(&ann, "api_key", b"one"), Some(b"first"));
    key.label = "laptop".into();
    let theirs = another(&authenticator(&bea, "api_key", b"one"), Some(b"theirs"));
    for (of, new) in [(&ann, &key), (&bea, &theirs)] {
        let added = change(of, vec![ChangeStep::AddAuthenticator(new.clone())]);
        assert_eq!(wait(store.change(added)), UNCHANGED);
    }
    let named = |label: Option<&str>, handle: Option<&[u8]>| Naming {
        label: label.map(str::to_owned),
        handle: handle.map(<[u8]>::to_vec),
    };
    let held = || {
        let held = wait(store.authenticators(ann.id));
        let held = held.into_iter().find(|held| held.at == key.at).unwrap();
        (held.record_version, held.label, held.handle.unwrap())
    };
    let expected = |version, label: &str, handle: &[u8]| (version, label.to_owned(), handle.to_vec());
    let replace = |expect, naming| {
        let new = key.clone();
        let step = ChangeStep::ReplaceAuthenticator { new, expect, naming };
        wait(store.change(change(&ann, vec![step])))
    };
    let swap =
        |expect, naming| wait(store.swap_record(key.at.clone(), expect, b"sealed".to_vec(), naming, at(3)));
    assert_eq!(replace(1, named(None, None)), UNCHANGED);
    assert_eq!(held(), expected(2, "laptop", b"first"));
    assert_eq!(replace(2, named(Some("phone"), Some(b"second"))), UNCHANGED);
    assert_eq!(held(), expected(3, "phone", b"second"));
    assert_eq!(replace(3, named(None, Some(b"theirs"))), Changed::Taken("handle"));
    assert_eq!(replace(2, named(None, Some(b"theirs"))), Changed::Lost);
    assert_eq!(swap(3, named(Some("x"), Some(b"theirs"))), Swapped::Taken);
    assert_eq!(swap(2, named(Some("x"), Some(b"theirs"))), Swapped::Lost);
    assert_eq!(held(), expected(3, "phone", b"second"));
    assert_eq!(swap(3, named(None, None)), Swapped::Done);
    assert_eq!(held(), expected(4, "phone", b"second"));
    assert_eq!(swap(4, named(Some("watch"), Some(b"second"))), Swapped::Done);
    assert_eq!(held(), expected(5, "watch", b"second"));
    let by_handle =
        |handle: &[u8]| wait(store.subject_by_handle(String::new(), "api_key".into(), handle.to_vec()));
    assert!(by_handle(b"second").is_some() && by_handle(b"first").is_none());
}

/// A proof from before a bump or a disabling is worth nothing.
pub fn a_change_needs_the_epoch_of_an_enabled_user(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let add = |epoch| Change {
        epoch,
        ..change(
            &ann,
            vec![ChangeStep::AddIdentity(identity(&ann, "username", "ann"))],
        )
    };
    assert_eq!(wait(store.change(add(1))), Changed::Stale);
    assert_eq!(wait(store.change(add(-1))), Changed::Stale);
    wait(store.set_enabled(ann.id, false, at(1)));
    assert_eq!(wait(store.change(add(1))), Changed::Stale, "disabled");
    wait(store.set_enabled(ann.id, true, at(2)));
    assert_eq!(wait(store.change(add(0))), Changed::Stale, "the epoch moved");
    assert_eq!(wait(store.change(change(&user(""), Vec::new()))), Changed::Absent);
    assert_eq!(wait(store.user_by_identity(named("", "username", "ann"))), None);
    assert_eq!(wait(store.change(add(1))), Changed::Done { epoch: 1, ended: 0 });
    assert!(wait(store.user_by_identity(named("", "username", "ann"))).is_some());
}

/// The last step that cannot be done undoes the first.
pub fn a_change_happens_whole_or_not_at_all(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let bea = put(store, whole("", "bea@example.org"));
    let password = authenticator(&ann, "password", b"sealed 2");
    let totp = another(&authenticator(&ann, "totp", b"totp"), Some(b"shared"));
    let theirs = another(&authenticator(&bea, "totp", b"totp"), Some(b"shared"));
    assert_eq!(
        wait(store.change(change(&bea, vec![ChangeStep::AddAuthenticator(theirs.clone())]))),
        UNCHANGED
    );
    let before = (wait(store.identities(ann.id)), wait(store.authenticators(ann.id)));

    let replace = |expect| ChangeStep::ReplaceAuthenticator {
        new: password.clone(),
        expect,
        naming: Naming::default(),
    };
    let cases = [
        (
            ChangeStep::AddIdentity(identity(&ann, "email", "bea@example.org")),
            Changed::Taken("identifier"),
        ),
        (
            ChangeStep::AddAuthenticator(totp.clone()),
            Changed::Taken("handle"),
        ),
        (
            ChangeStep::AddAuthenticator(password.clone()),
            Changed::Taken("authenticator"),
        ),
        (
            ChangeStep::RemoveIdentity(named("", "email", "bea@example.org")),
            Changed::Absent,
        ),
        (
            ChangeStep::RemoveIdentity(named("", "email", "ANN@example.org")),
            Changed::Absent,
        ),
        (
            ChangeStep::RemoveAuthenticator(theirs.at.clone()),
            Changed::Absent,
        ),
        (ChangeStep::RemoveAuthenticator(totp.at.clone()), Changed::Absent),
        (
            ChangeStep::RenameAuthenticator(totp.at.clone(), "x".into()),
            Changed::Absent,
        ),
        (replace(2), Changed::Lost),
        (
            ChangeStep::ReplaceAuthenticator {
                new: totp.clone(),
                expect: 1,
                naming: Naming::default(),
            },
            Changed::Absent,
        ),
    ];
    for (step, why) in cases {
        let mut whole = change(
            &ann,
            vec![
                ChangeStep::AddIdentity(identity(&ann, "username", "ann")),
                ChangeStep::RenameAuthenticator(password.at.clone(), "renamed".into()),
                step.clone(),
            ],
        );
        whole.bump = Some(Bump {
            reason: EndReason::FactorChanged,
            keep: None,
        });
        assert_eq!(wait(store.change(whole)), why, "{step:?}");
        let after = (wait(store.identities(ann.id)), wait(store.authenticators(ann.id)));
        assert_eq!(after, before, "{step:?}");
        assert_eq!(wait(store.user(ann.id)), Some(ann.clone()), "{step:?}");
    }

    let mut totp = totp;
    totp.handle = Some(b"own".to_vec());
    let steps = vec![
        ChangeStep::AddIdentity(identity(&ann, "username", "ann")),
        ChangeStep::RemoveIdentity(named("", "email", "ann@example.org")),
        ChangeStep::AddAuthenticator(totp.clone()),
        ChangeStep::RenameAuthenticator(totp.at.clone(), "phone".into()),
        replace(1),
    ];
    assert_eq!(wait(store.change(change(&ann, steps))), UNCHANGED);
    assert_eq!(
        wait(store.identities(ann.id)),
        [identity(&ann, "username", "ann")]
    );
    totp.label = "phone".into();
    let mut password = password;
    password.record_version = 2;
    assert_eq!(wait(store.authenticators(ann.id)), [password, totp]);
    assert_eq!(wait(store.user(bea.id)), Some(bea));
}

/// A way in is an identity whose credentials group, if it needs one, has a usable authenticator; or that alone.
pub fn the_last_way_in_stays(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let ways = || {
        vec![
            WayIn {
                provider: Some("email".into()),
                group: Some("password".into()),
            },
            WayIn {
                provider: Some("github".into()),
                group: None,
            },
            WayIn {
                provider: None,
                group: Some("passkey".into()),
            },
        ]
    };
    let guarded = |steps| {
        let mut change = change(&ann, steps);
        change.ways_in = ways();
        wait(store.change(change))
    };
    let password = authenticator(&ann, "password", b"sealed");
    let email = || ChangeStep::RemoveIdentity(named("", "email", "ann@example.org"));
    let github = || ChangeStep::AddIdentity(identity(&ann, "github", "4711"));
    let replace = |expect, status, expires_at| ChangeStep::ReplaceAuthenticator {
        new: Authenticator {
            status,
            expires_at,
            ..password.clone()
        },
        expect,
        naming: Naming::default(),
    };
    assert_eq!(guarded(vec![email()]), Changed::LastWayIn);
    assert_eq!(
        guarded(vec![ChangeStep::RemoveAuthenticator(password.at.clone())]),
        Changed::LastWayIn
    );
    assert_eq!(
        guarded(vec![replace(1, AuthenticatorStatus::Suspended, None)]),
        Changed::LastWayIn
    );
    assert_eq!(wait(store.identities(ann.id)).len(), 1, "nothing has changed");
    assert_eq!(
        guarded(vec![replace(1, AuthenticatorStatus::MustChange, None)]),
        UNCHANGED
    );
    assert_eq!(
        guarded(vec![email(), github()]),
        UNCHANGED,
        "the order of steps does not matter"
    );
    let github_gone = || ChangeStep::RemoveIdentity(named("", "github", "4711"));
    assert_eq!(
        guarded(vec![github_gone()]),
        Changed::LastWayIn,
        "a password without a name"
    );
    assert_eq!(
        wait(store.change(change(&ann, vec![github_gone()]))),
        UNCHANGED,
        "not asked"
    );

    // Where the handle finds the user, the authenticator alone is a way in.
    let passkey = authenticator(&ann, "passkey", b"sealed");
    let added = ChangeStep::AddAuthenticator(passkey.clone());
    assert_eq!(guarded(vec![added]), UNCHANGED, "a passkey without a name");
    assert_eq!(
        guarded(vec![ChangeStep::RemoveAuthenticator(passkey.at)]),
        Changed::LastWayIn
    );

    // An authenticator that has run out is no way in.
    let mut expired = whole("", "bea@example.org");
    expired.authenticators[0].expires_at = Some(at(10));
    let bea = put(store, expired);
    let mut nothing = change(&bea, Vec::new());
    nothing.ways_in = ways();
    assert_eq!(wait(store.change(nothing.clone())), Changed::LastWayIn);
    nothing.now = at(9);
    assert_eq!(wait(store.change(nothing)), UNCHANGED);
}

/// The device that made the change stays, with a step-up pending on it.
pub fn a_bump_ends_the_others_and_takes_the_kept_ones_along(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let bea = put(store, alone(user("")));
    let kept = open(store, sign_in(&ann, 0));
    let pending = open(store, step_up(&kept, 1));
    let other = open(store, sign_in(&ann, 2));
    let other_pending = open(store, step_up(&other, 3));
    let elsewhere = open(store, sign_in(&bea, 0));
    let mut change = change(&ann, Vec::new());
    change.bump = Some(Bump {
        reason: EndReason::CredentialsChanged,
        keep: Some(kept.id),
    });
    assert_eq!(
        wait(store.change(change.clone())),
        Changed::Done { epoch: 1, ended: 1 }
    );
    assert_eq!(wait(store.user(ann.id)).unwrap().session_epoch, 1);
    for row in [&kept, &pending] {
        let now = stored(store, row);
        assert_eq!(
            (now.epoch, now.ended_at, now.refresh_hash),
            (1, None, row.refresh_hash)
        );
    }
    for row in [&other, &other_pending] {
        let now = stored(store, row);
        assert_eq!(
            (now.ended_at, now.end_reason),
            (Some(at(10)), Some(EndReason::CredentialsChanged))
        );
    }
    assert_eq!(stored(store, &elsewhere), elsewhere);
    assert_eq!(
        wait(store.change(change.clone())),
        Changed::Stale,
        "the old proof is spent"
    );
    change.epoch = 1;
    change.bump = Some(Bump {
        reason: EndReason::FactorChanged,
        keep: None,
    });
    assert_eq!(wait(store.change(change)), Changed::Done { epoch: 2, ended: 1 });
    assert_eq!(stored(store, &kept).end_reason, Some(EndReason::FactorChanged));
    assert_eq!(stored(store, &pending).end_reason, Some(EndReason::FactorChanged));
}

/// Counted by many at once, forgotten at a right attempt and with what is replaced; of nobody there is nothing to count.
pub fn failures_in_a_row_are_kept_with_the_record(store: &dyn Store) {
    let (ann, bea) = (
        put(store, whole("", "ann@example.org")),
        put(store, whole("", "bea@example.org")),
    );
    let held = |of: &User| wait(store.authenticators(of.id))[0].clone();
    let count = |failed| wait(store.count_failure(held(&ann).at, failed));
    assert_eq!(held(&ann).failures, 0);
    race(16, |_| count(true));
    assert_eq!((held(&ann).failures, held(&bea).failures), (16, 0));
    let subject = wait(store.subject_of(ann.id, "password".into())).unwrap();
    assert_eq!(subject.authenticators[0].failures, 16);
    count(false);
    assert_eq!(held(&ann).failures, 0);
    count(true);
    let rehashed = store.swap_record(held(&ann).at, 1, b"sealed 2".to_vec(), Naming::default(), at(1));
    assert_eq!(wait(rehashed), Swapped::Done);
    assert_eq!(held(&ann).failures, 1, "a rehash is no new record");
    let new = held(&ann);
    let naming = Naming::default();
    let step = ChangeStep::ReplaceAuthenticator {
        new,
        expect: 2,
        naming,
    };
    let replaced = change(&ann, vec![step]);
    assert_eq!(wait(store.change(replaced)), UNCHANGED);
    assert_eq!(held(&ann).failures, 0);
    let nobody = AuthenticatorAt {
        user_id: user("").id,
        ..held(&ann).at
    };
    wait(store.count_failure(nobody, true));
}
