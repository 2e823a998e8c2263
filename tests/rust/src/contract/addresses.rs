//! A user's addresses: on one side each, in the transaction of the identities that bring them.

use doorward::store::{Change, ChangeStep, Changed, ProvedBy, Side, Store, User, UserAddress};

use super::samples::{at, authenticator, hash, identity, named, put, whole};
use super::{race, wait};

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
