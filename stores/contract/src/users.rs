//! Users, their unique attributes, and their end.

use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{
    CreatedUser, DeletedUser, EndReason, NewUser, Post, PutAttributes, Store, User, UserPage,
};

use crate::samples::{
    alone, at, authenticator, flow, hash, identity, named, open, put, sign_in, step_up, stored, user, whole,
};
use crate::{race, wait};

/// The first key that is taken is named, and nothing of the user stays.
pub fn a_user_is_inserted_whole_or_not_at_all(store: &dyn Store) {
    let mut first = whole("", "ann@example.org");
    first.unique = vec![("nick".into(), b"ann".to_vec())];
    first.authenticators[0].handle = Some(b"handle".to_vec());
    let first = put(store, first);
    assert_eq!(wait(store.user(first.id)), Some(first.clone()));

    let taken = |what: &str, new: NewUser| {
        let id = new.user.id;
        let answer = wait(store.create_user(new));
        assert!(
            matches!(answer, CreatedUser::Taken(got) if got == what),
            "{what}: {answer:?}"
        );
        assert_eq!(wait(store.user(id)), None);
        assert!(wait(store.identities(id)).is_empty());
        assert!(wait(store.authenticators(id)).is_empty());
    };
    taken("identifier", whole("", "ann@example.org"));
    let mut other = whole("", "bea@example.org");
    other.unique = vec![("free".into(), b"x".to_vec()), ("nick".into(), b"ann".to_vec())];
    taken("attribute", other);
    let mut other = whole("", "bea@example.org");
    other.authenticators[0].handle = Some(b"handle".to_vec());
    taken("handle", other);

    assert_eq!(
        wait(store.user_by_identity(named("", "email", "bea@example.org"))),
        None
    );
    assert_eq!(
        wait(store.user_by_attribute(String::new(), "free".into(), b"x".to_vec())),
        None
    );
    put(store, whole("", "bea@example.org"));
    // Another realm is another namespace.
    let mut elsewhere = whole("b", "ann@example.org");
    elsewhere.unique = vec![("nick".into(), b"ann".to_vec())];
    elsewhere.authenticators[0].handle = Some(b"handle".to_vec());
    put(store, elsewhere);
}

/// The id decides before any other key.
pub fn an_id_that_exists_gives_its_user(store: &dyn Store) {
    let new = whole("", "ann@example.org");
    let first = put(store, new.clone());
    let mut again = whole("", "other@example.org");
    again.user.id = first.id;
    again.user.attributes = "{}".into();
    assert_eq!(wait(store.create_user(again)), CreatedUser::SameId(first.clone()));
    assert_eq!(wait(store.create_user(new)), CreatedUser::SameId(first));
    assert_eq!(
        wait(store.user_by_identity(named("", "email", "other@example.org"))),
        None
    );
}

/// No folding, trimming, joining or ending at a NUL.
pub fn identifiers_compare_as_bytes(store: &dyn Store) {
    let different: [(&str, &str, &[u8]); 13] = [
        ("", "a:b", b"c"),
        ("", "a", b"b:c"),
        ("", "a", b"c"),
        ("", "A", b"c"),
        ("", "a", b"C"),
        ("", "a", b"c "),
        ("", "a", b" c"),
        ("", "a", b"c\0"),
        ("", "a", b"c\0d"),
        ("", "a", "\u{ff20}".as_bytes()),
        ("", "a", b"@"),
        ("", "a", b"\xff\xfe"),
        ("x", "a", b"c"),
    ];
    for (realm, provider, canonical) in different {
        let user = user(realm);
        let new = NewUser {
            identity: Some(identity(&user, provider, canonical)),
            unique: vec![(provider.into(), canonical.to_vec())],
            ..alone(user.clone())
        };
        put(store, new);
        let found = wait(store.user_by_identity(named(realm, provider, canonical)));
        assert_eq!(found, Some(user.clone()), "{provider} {canonical:?}");
        let found = wait(store.user_by_attribute(realm.into(), provider.into(), canonical.to_vec()));
        assert_eq!(found, Some(user.clone()), "{provider} {canonical:?}");
        let stored = wait(store.identities(user.id));
        assert_eq!(stored, [identity(&user, provider, canonical)]);
    }
}

/// Insert-if-absent under contention.
pub fn one_of_many_wins_an_identifier(store: &dyn Store) {
    let answers = race(16, |_| {
        let new = whole("", "ann@example.org");
        (new.user.id, wait(store.create_user(new)))
    });
    let won: Vec<_> = (answers.iter())
        .filter(|(_, answer)| *answer == CreatedUser::Created)
        .collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(_, answer)| matches!(answer, CreatedUser::Created | CreatedUser::Taken("identifier")))
    );
    let found = wait(store.user_by_identity(named("", "email", "ann@example.org")));
    assert_eq!(found.map(|user| user.id), Some(won[0].0));
    assert_eq!(wait(store.users(page("", None, 100))).len(), 1);
}

/// Keyset pages.
pub fn users_come_in_pages_of_one_realm_in_order_of_id(store: &dyn Store) {
    let made: Vec<User> = (0..5).map(|_| put(store, alone(user("")))).collect();
    let other = put(store, alone(user("b")));
    let first = wait(store.users(page("", None, 3)));
    assert_eq!(first, made[..3]);
    assert_eq!(wait(store.users(page("", Some(made[2].id), 3))), made[3..]);
    assert!(wait(store.users(page("", Some(made[4].id), 3))).is_empty());
    assert_eq!(wait(store.users(page("b", None, 3))), [other]);
}

fn page(realm: &str, after: Option<UserId>, limit: u32) -> UserPage {
    UserPage {
        realm: realm.into(),
        after,
        limit,
        ..UserPage::default()
    }
}

/// Either order, and those that are enabled or not.
pub fn users_are_listed_and_counted_by_what_they_are(store: &dyn Store) {
    let made: Vec<User> = (0..6).map(|_| put(store, alone(user("")))).collect();
    let other = put(store, alone(user("b")));
    for disabled in [&made[1], &made[4], &other] {
        wait(store.set_enabled(disabled.id, false, at(5)));
    }
    let ids =
        |page: UserPage| -> Vec<UserId> { (wait(store.users(page)).iter()).map(|user| user.id).collect() };
    let of = |which: &[usize]| -> Vec<UserId> { which.iter().map(|one| made[*one].id).collect() };
    for (enabled, upwards) in [
        (None, &[0, 1, 2, 3, 4, 5][..]),
        (Some(true), &[0, 2, 3, 5]),
        (Some(false), &[1, 4]),
    ] {
        let downwards: Vec<usize> = upwards.iter().rev().copied().collect();
        for (newest_first, listed) in [(false, upwards), (true, &downwards)] {
            // Page by page, one at a time and two at a time.
            for limit in [1, 2, 100] {
                let mut seen = Vec::new();
                loop {
                    let next = ids(UserPage {
                        enabled,
                        newest_first,
                        ..page("", seen.last().copied(), limit)
                    });
                    if next.is_empty() {
                        break;
                    }
                    seen.extend(next);
                }
                assert_eq!(seen, of(listed), "{enabled:?} {newest_first} {limit}");
            }
        }
        let count = |limit| wait(store.count_users(String::new(), enabled, limit));
        assert_eq!(count(100), upwards.len() as u64, "{enabled:?}");
        assert_eq!(count(1), 1, "{enabled:?}");
    }
    assert_eq!(wait(store.count_users("b".into(), Some(true), 100)), 0);
    assert_eq!(wait(store.count_users("b".into(), None, 100)), 1);
}

/// Identifiers are bytes: what begins so, at this provider, in this realm.
pub fn users_are_found_by_how_an_identifier_begins(store: &dyn Store) {
    let put_as = |realm: &str, provider: &str, canonical: &[u8]| -> UserId {
        let user = user(realm);
        let identity = Some(identity(&user, provider, canonical));
        put(
            store,
            NewUser {
                identity,
                ..alone(user)
            },
        )
        .id
    };
    let ada = put_as("", "email", b"ada@example.org");
    let adam = put_as("", "email", b"adam@example.org");
    let last = put_as("", "email", b"ad\xff\xff");
    put_as("", "email", b"AD");
    put_as("", "email", b"ae");
    put_as("", "email", b"a");
    put_as("b", "email", b"ada@example.org");
    put_as("", "name", b"ada");
    let begin = |canonical: &[u8], limit| -> Vec<UserId> {
        let at = ProviderId {
            canonical: canonical.to_vec(),
            ..named("", "email", "")
        };
        (wait(store.users_by_prefix(at, limit)).iter())
            .map(|user| user.id)
            .collect()
    };
    assert_eq!(begin(b"ad", 10), [ada, adam, last]);
    assert_eq!(begin(b"ad", 2), [ada, adam]);
    assert_eq!(begin(b"ada@", 10), [ada]);
    assert_eq!(begin(b"ad\xff\xff", 10), [last]);
    assert_eq!(begin(b"ad\xff\xff\xff", 10), []);
    assert_eq!(begin(b"", 10).len(), 6);
    assert_eq!(begin(b"b", 10), []);
}

/// Compare-and-swap by version; times only grow.
pub fn attributes_change_only_at_the_version_that_was_read(store: &dyn Store) {
    let user = put(store, alone(user("")));
    let put_at = |version: i64, text: &str, now| {
        wait(store.put_attributes(user.id, version, text.into(), Vec::new(), now))
    };
    let answers = race(16, |n| put_at(1, &format!("{{\"n\":{n}}}"), at(50)));
    let won = answers.iter().position(|answer| *answer == PutAttributes::Won(2));
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == PutAttributes::Lost)
            .count(),
        15
    );
    let now = wait(store.user(user.id)).unwrap();
    assert_eq!(now.attributes, format!("{{\"n\":{}}}", won.unwrap()));
    assert_eq!((now.version, now.updated_at), (2, at(50)));
    assert_eq!(put_at(2, "{}", at(10)), PutAttributes::Won(3));
    assert_eq!(
        wait(store.user(user.id)).unwrap().updated_at,
        at(50),
        "times never decrease"
    );
    let absent = alone(crate::samples::user("")).user;
    let answer = wait(store.put_attributes(absent.id, 1, "{}".into(), Vec::new(), at(1)));
    assert_eq!(answer, PutAttributes::Absent);
}

/// All of a user's unique values are replaced at once, or none.
pub fn unique_values_belong_to_one_user_at_a_time(store: &dyn Store) {
    let with = |value: &[u8]| NewUser {
        unique: vec![("nick".into(), value.to_vec())],
        ..alone(user(""))
    };
    let (ann, bea) = (put(store, with(b"ann")), put(store, with(b"bea")));
    let owner = |value: &[u8]| {
        wait(store.user_by_attribute(String::new(), "nick".into(), value.to_vec())).map(|user| user.id)
    };
    let put_at = |user: &User, version, values: &[&[u8]]| {
        let unique = values
            .iter()
            .map(|value| ("nick".to_owned(), value.to_vec()))
            .collect();
        wait(store.put_attributes(user.id, version, "{\"new\":1}".into(), unique, at(1)))
    };
    assert_eq!(put_at(&ann, 1, &[b"anna", b"bea"]), PutAttributes::Taken);
    assert_eq!(owner(b"ann"), Some(ann.id), "nothing has changed");
    assert_eq!(owner(b"anna"), None);
    assert_eq!(wait(store.user(ann.id)), Some(ann.clone()));
    assert_eq!(put_at(&ann, 1, &[b"anna"]), PutAttributes::Won(2));
    assert_eq!(owner(b"ann"), None, "the old value is free");
    assert_eq!(put_at(&bea, 1, &[b"ann", b"bea"]), PutAttributes::Won(2));
    assert_eq!(
        (owner(b"ann"), owner(b"anna"), owner(b"bea")),
        (Some(bea.id), Some(ann.id), Some(bea.id))
    );
}

/// In one transaction; enabling brings none back.
pub fn disabling_moves_the_epoch_and_ends_every_sign_in(store: &dyn Store) {
    let user = put(store, whole("", "ann@example.org"));
    let rows = [open(store, sign_in(&user, 0)), open(store, sign_in(&user, 1))];
    let pending = open(store, step_up(&rows[0], 2));
    open(store, sign_in(&user, -5_000)); // expired: not counted
    assert_eq!(wait(store.set_enabled(user.id, false, at(5))), Some(2));
    let now = wait(store.user(user.id)).unwrap();
    assert_eq!((now.disabled_at, now.session_epoch), (Some(at(5)), 1));
    for row in rows.iter().chain([&pending]) {
        let row = stored(store, row);
        assert_eq!(
            (row.ended_at, row.end_reason),
            (Some(at(5)), Some(EndReason::UserDisabled))
        );
        assert_eq!(row.refresh_hash, None);
    }
    assert_eq!(wait(store.set_enabled(user.id, true, at(6))), Some(0));
    let now = wait(store.user(user.id)).unwrap();
    assert_eq!((now.disabled_at, now.session_epoch), (None, 1));
    assert!(wait(store.sign_ins(user.id, at(7))).is_empty());
    assert_eq!(
        wait(store.set_enabled(crate::samples::user("").id, false, at(5))),
        None
    );
}

/// Nothing of the user is left, and its keys are free.
pub fn a_deletion_reaches_every_table(store: &dyn Store) {
    let mut new = whole("", "ann@example.org");
    new.unique = vec![("nick".into(), b"ann".to_vec())];
    new.authenticators
        .push(authenticator(&new.user, "totp", b"sealed"));
    let user = put(store, new.clone());
    let other = put(store, whole("", "bea@example.org"));
    // delete_user has no `now` of its own: the rows are made to live long.
    let mut row = sign_in(&user, 0);
    row.idle_expires_at = doorward_base::clock::Timestamp::from_micros(i64::MAX / 2);
    row.absolute_expires_at = row.idle_expires_at;
    let row = open(store, row);
    let pending = open(store, step_up(&row, 2));
    let begun = flow(Some(&user));
    wait(store.put_flow(begun.clone(), Post::default(), at(0)));
    let kept = open(store, sign_in(&other, 0));

    assert_eq!(wait(store.delete_user(user.id)), DeletedUser::Deleted(1));
    assert_eq!(wait(store.user(user.id)), None);
    assert_eq!(
        wait(store.user_by_identity(named("", "email", "ann@example.org"))),
        None
    );
    assert_eq!(
        wait(store.user_by_attribute(String::new(), "nick".into(), b"ann".to_vec())),
        None
    );
    assert!(wait(store.identities(user.id)).is_empty());
    assert!(wait(store.authenticators(user.id)).is_empty());
    assert!(wait(store.sign_in(row.id)).is_none());
    assert!(wait(store.sign_in(pending.id)).is_none());
    assert!(wait(store.take_flow(begun.id, 0, begun.secret_hash, at(1))).is_none());
    assert_eq!(wait(store.delete_user(user.id)), DeletedUser::Absent);
    assert_eq!(stored(store, &kept), kept, "others keep what is theirs");
    // What comes late finds nobody, and leaves nothing behind.
    assert!(!wait(store.advance(crate::samples::next(&row, 40, 3))));
    let mut late = flow(Some(&user));
    late.secret_hash = hash(9);
    wait(store.put_flow(late.clone(), Post::default(), at(0)));
    assert!(wait(store.take_flow(late.id, 0, hash(9), at(1))).is_none());
    put(store, new);
}
