//! A user's addresses: on one side each, in the transaction of the identities that bring them.

use doorward_store::{
    Change, ChangeStep, Changed, CreatedUser, Identity, Naming, Post, ProvedBy, Side, Store, User,
    UserAddress, WayIn, Yield,
};

use crate::samples::{at, authenticator, hash, identity, named, put, whole};
use crate::{race, wait};

fn change(user: &User, steps: Vec<ChangeStep>) -> Change {
    Change {
        user_id: user.id,
        epoch: 0,
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

const fn address(byte: u8, side: Side) -> UserAddress {
    UserAddress {
        address: hash(byte),
        side,
        proved: None,
    }
}

const DONE: Changed = Changed::Done { epoch: 0, ended: 0 };

/// The key decides, and the whole change with it.
pub fn an_address_stands_on_one_side(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let add = |side, name: &str| {
        let steps = vec![
            ChangeStep::AddIdentity(identity(&ann, name, "ann@example.org")),
            ChangeStep::AddAddress(address(1, side)),
        ];
        wait(store.change(change(&ann, steps)))
    };
    assert_eq!(add(Side::First, "mail"), DONE);
    assert_eq!(add(Side::Second, "code"), Changed::BothSides);
    assert_eq!(
        wait(store.user_by_identity(named("", "code", "ann@example.org"))),
        None
    );
    assert_eq!(add(Side::First, "other"), DONE, "twice on one side is once");
    assert_eq!(wait(store.addresses(ann.id)), [address(1, Side::First)]);
    let moved = vec![
        ChangeStep::RemoveAddress(hash(1)),
        ChangeStep::AddAddress(address(1, Side::Second)),
    ];
    assert_eq!(wait(store.change(change(&ann, moved))), DONE);
    assert_eq!(wait(store.addresses(ann.id)), [address(1, Side::Second)]);
    // Another user's side is another's concern.
    let bea = put(store, whole("", "bea@example.org"));
    let theirs = vec![ChangeStep::AddAddress(address(1, Side::First))];
    assert_eq!(wait(store.change(change(&bea, theirs))), DONE);
    wait(store.delete_user(ann.id));
    assert!(wait(store.addresses(ann.id)).is_empty());
    assert_eq!(wait(store.addresses(bea.id)).len(), 1);
}

/// Both orders at once: whichever comes second loses, whole.
pub fn of_two_sides_at_once_one_wins(store: &dyn Store) {
    for round in 0..8 {
        let ann = put(store, whole("", &format!("ann{round}@example.org")));
        let sides = [Side::First, Side::Second];
        let ends = race(2, |n| {
            let n = (n + round) % 2;
            let name = format!("name{n}");
            let steps = vec![
                ChangeStep::AddIdentity(identity(&ann, &name, format!("x{round}"))),
                ChangeStep::AddAddress(address(9, sides[n])),
            ];
            wait(store.change(change(&ann, steps)))
        });
        assert_eq!(ends.iter().filter(|end| **end == DONE).count(), 1, "{ends:?}");
        assert_eq!(
            ends.iter().filter(|end| **end == Changed::BothSides).count(),
            1,
            "{ends:?}"
        );
        assert_eq!(wait(store.addresses(ann.id)).len(), 1);
        assert_eq!(
            wait(store.identities(ann.id)).len(),
            2,
            "the loser's identity is not there"
        );
    }
}

/// By whom it was proved first stays; what was not there is not proved.
pub fn an_address_is_proved_once(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let run = |steps| assert_eq!(wait(store.change(change(&ann, steps))), DONE);
    run(vec![ChangeStep::ProveAddress(hash(2), at(3), ProvedBy::Message)]);
    assert!(wait(store.addresses(ann.id)).is_empty());
    run(vec![
        ChangeStep::AddAddress(address(2, Side::First)),
        ChangeStep::ProveAddress(hash(2), at(3), ProvedBy::Operator),
        ChangeStep::ProveAddress(hash(2), at(4), ProvedBy::Message),
    ]);
    let proved = UserAddress {
        proved: Some((at(3), ProvedBy::Operator)),
        ..address(2, Side::First)
    };
    assert_eq!(wait(store.addresses(ann.id)), [proved]);
    let again = UserAddress {
        proved: Some((at(5), ProvedBy::Message)),
        ..proved
    };
    run(vec![ChangeStep::AddAddress(again)]);
    assert_eq!(wait(store.addresses(ann.id)), [proved]);
    // A new user brings its own.
    let mut new = whole("", "bea@example.org");
    new.addresses = vec![again];
    let bea = put(store, new);
    assert_eq!(wait(store.addresses(bea.id)), [again]);
}

/// What recovery set over, and what an issuer asserts, are read as they were written.
pub fn what_an_address_reaches_is_kept(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let mut sso = identity(&ann, "sso", "7");
    (sso.reach, sso.vouched) = (vec![hash(1), hash(255)], true);
    let mut password = authenticator(&ann, "password", b"sealed 2");
    password.set_over = Some(hash(3));
    let steps = vec![
        ChangeStep::AddIdentity(sso.clone()),
        ChangeStep::ReplaceAuthenticator {
            new: password.clone(),
            expect: 1,
            naming: Naming::default(),
        },
    ];
    assert_eq!(wait(store.change(change(&ann, steps))), DONE);
    assert_eq!(wait(store.identities(ann.id))[1], sso);
    assert_eq!(wait(store.authenticators(ann.id))[0].set_over, Some(hash(3)));
    let steps = vec![ChangeStep::SetReach(sso.at.clone(), vec![hash(4)])];
    assert_eq!(wait(store.change(change(&ann, steps))), DONE);
    assert_eq!(wait(store.identities(ann.id))[1].reach, [hash(4)]);
    let steps = vec![ChangeStep::SetReach(named("", "sso", "8"), Vec::new())];
    assert_eq!(wait(store.change(change(&ann, steps))), Changed::Absent);
}

/// One that nobody has proved.
fn unproved_identity(of: &User, provider: &str, canonical: impl AsRef<[u8]>) -> Identity {
    Identity {
        verified_at: None,
        ..identity(of, provider, canonical)
    }
}

/// What nobody has proved goes to whoever has, with the rest of the change or not at all.
pub fn what_another_user_yields_is_taken_whole(store: &dyn Store) {
    let (ann, bea) = (
        put(store, whole("", "ann@example.org")),
        put(store, whole("", "bea@example.org")),
    );
    let shared = |of: &User| unproved_identity(of, "email", "shared@example.org");
    let more = vec![
        ChangeStep::AddIdentity(shared(&ann)),
        ChangeStep::AddAddress(address(3, Side::First)),
    ];
    assert_eq!(wait(store.change(change(&ann, more))), DONE);
    let mine = || named("", "email", "shared@example.org");
    let yielded = |epoch, ways_in: Vec<WayIn>| Yield {
        user_id: ann.id,
        epoch,
        identities: vec![mine()],
        addresses: vec![hash(3)],
        ways_in,
    };
    let way = |provider: &str| WayIn {
        provider: Some(provider.into()),
        group: Some("password".into()),
    };
    let take = |from: Yield, then: ChangeStep| {
        let steps = vec![
            ChangeStep::Take(from),
            ChangeStep::AddIdentity(shared(&bea)),
            then,
        ];
        wait(store.change(change(&bea, steps)))
    };
    let fine = || ChangeStep::AddAddress(address(3, Side::First));
    let owner = || wait(store.user_by_identity(mine())).map(|user| user.id);
    let untouched = || {
        assert_eq!(owner(), Some(ann.id));
        assert_eq!(wait(store.addresses(ann.id)), [address(3, Side::First)]);
        assert_eq!(wait(store.identities(bea.id)).len(), 1);
        assert!(wait(store.addresses(bea.id)).is_empty());
    };
    // Changed since; no way in left; a later step that fails: nobody has lost anything.
    assert_eq!(take(yielded(1, Vec::new()), fine()), Changed::Lost);
    untouched();
    assert_eq!(take(yielded(0, vec![way("other")]), fine()), Changed::Lost);
    untouched();
    let gone = ChangeStep::RemoveIdentity(named("", "email", "nobody@example.org"));
    assert_eq!(take(yielded(0, Vec::new()), gone), Changed::Absent);
    untouched();
    // A new user takes it, or is not there.
    let new = |takes: Vec<Yield>| {
        let mut new = whole("", "cleo@example.org");
        new.identity = new
            .identity
            .map(|first| doorward_store::Identity { at: mine(), ..first });
        new.takes = takes;
        new
    };
    assert_eq!(
        wait(store.create_user(new(Vec::new()))),
        CreatedUser::Taken("identifier")
    );
    assert_eq!(
        wait(store.create_user(new(vec![yielded(1, Vec::new())]))),
        CreatedUser::Lost
    );
    untouched();
    assert_eq!(take(yielded(0, vec![way("email")]), fine()), DONE);
    assert_eq!(owner(), Some(bea.id));
    assert!(wait(store.addresses(ann.id)).is_empty());
    assert_eq!(wait(store.addresses(bea.id)), [address(3, Side::First)]);
    // Proved, it is nobody's to take.
    let proved = vec![ChangeStep::VerifyIdentity(mine(), at(11))];
    assert_eq!(wait(store.change(change(&bea, proved))), DONE);
    let mut from = yielded(0, Vec::new());
    from.user_id = bea.id;
    assert_eq!(wait(store.create_user(new(vec![from]))), CreatedUser::Lost);
    assert_eq!(owner(), Some(bea.id));
    // What a new user takes is its own.
    let unproved = vec![ChangeStep::AddIdentity(unproved_identity(
        &ann,
        "mail",
        "late@example.org",
    ))];
    assert_eq!(wait(store.change(change(&ann, unproved))), DONE);
    let mut late = whole("", "cleo@example.org");
    late.takes = vec![Yield {
        identities: vec![named("", "mail", "late@example.org")],
        ..yielded(0, vec![way("email")])
    }];
    put(store, late);
    assert_eq!(
        wait(store.user_by_identity(named("", "mail", "late@example.org"))),
        None
    );
}

/// Its owner proves it while somebody else takes it: one of them has it, and two who take from one another both end.
pub fn of_proving_and_taking_at_once_one_wins(store: &dyn Store) {
    for round in 0..8 {
        let (ann, bea) = (
            put(store, whole("", &format!("ann{round}@example.org"))),
            put(store, whole("", &format!("bea{round}@example.org"))),
        );
        let name = |of: usize| format!("shared{round}-{of}@example.org");
        for (user, of) in [(&ann, 0), (&bea, 1)] {
            let add = vec![ChangeStep::AddIdentity(unproved_identity(
                user,
                "email",
                name(of),
            ))];
            assert_eq!(wait(store.change(change(user, add))), DONE);
        }
        let take = |by: &User, from: &User, of: usize| {
            let steps = vec![
                ChangeStep::Take(Yield {
                    user_id: from.id,
                    epoch: 0,
                    identities: vec![named("", "email", name(of))],
                    addresses: Vec::new(),
                    ways_in: Vec::new(),
                }),
                ChangeStep::AddIdentity(unproved_identity(by, "email", name(of))),
            ];
            wait(store.change(change(by, steps)))
        };
        let ends = race(2, |n| {
            if (n + round) % 2 == 0 {
                let prove = vec![ChangeStep::VerifyIdentity(named("", "email", name(0)), at(12))];
                wait(store.change(change(&ann, prove)))
            } else {
                take(&bea, &ann, 0)
            }
        });
        assert_eq!(ends.iter().filter(|end| **end == DONE).count(), 1, "{ends:?}");
        let held = wait(store.user_by_identity(named("", "email", name(0)))).map(|user| user.id);
        let proved = ends[round % 2] == DONE;
        assert_eq!(held, Some(if proved { ann.id } else { bea.id }), "{ends:?}");
        // Both want what the other has.
        let cleo = put(store, whole("", &format!("cleo{round}@example.org")));
        let more = vec![ChangeStep::AddIdentity(unproved_identity(
            &cleo,
            "email",
            name(2),
        ))];
        assert_eq!(wait(store.change(change(&cleo, more))), DONE);
        let ends = race(2, |n| {
            if n == 0 {
                take(&cleo, &bea, 1)
            } else {
                take(&bea, &cleo, 2)
            }
        });
        assert_eq!(ends, [DONE, DONE]);
    }
}
