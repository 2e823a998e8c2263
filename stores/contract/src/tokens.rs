//! Single-use tokens: consumed in the transaction of the change that they are good for, and only if it happens.

use doorward_store::{
    Bump, Change, ChangeStep, Changed, EndReason, Post, Posted, Purged, Store, ThrottleKey, ThrottleLaw,
    ThrottleStep, Token, TokenUse, User,
};
use std::time::Duration;

use crate::samples::{alone, at, delivery, flow, hash, identity, named, put, token, user, whole};
use crate::{race, wait};

fn change(who: &User, used: &Token, steps: Vec<ChangeStep>) -> Change {
    Change {
        user_id: who.id,
        epoch: 0,
        steps,
        ways_in: Vec::new(),
        bump: None,
        token: Some(TokenUse {
            id: used.id,
            secret_hash: used.secret_hash,
        }),
        charges: Vec::new(),
        deliveries: Vec::new(),
        letters: Post::default(),
        now: at(10),
    }
}

const DONE: Changed = Changed::Done { epoch: 0, ended: 0 };

/// Not by another secret, not after its end; looking does not consume.
pub fn a_token_is_found_by_id_and_secret_while_it_is_good(store: &dyn Store) {
    let ann = put(store, whole("r", "ann@example.org"));
    let new = Token {
        at: named("r", "email", b"\x00\xffann"),
        epoch: Some(7),
        ..token(Some(&ann), "ann@example.org")
    };
    let decoy = token(None, "nobody@example.org");
    for one in [&new, &decoy] {
        wait(store.put_token(one.clone(), Post::default(), at(0)));
        wait(store.put_token(
            Token {
                purpose: "another".into(),
                ..one.clone()
            },
            Post::default(),
            at(0),
        ));
        let find = |secret, now| wait(store.token(one.id, secret, now));
        assert_eq!(find(one.secret_hash, at(1)).as_ref(), Some(one));
        assert_eq!(find(one.secret_hash, at(599)).as_ref(), Some(one), "again");
        assert_eq!(find(hash(99), at(1)), None, "another secret");
        assert_eq!(find(one.secret_hash, at(600)), None, "expired");
    }
}

/// Of 64 that present it at once, one is let through.
pub fn a_token_is_consumed_by_one_of_many(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let new = token(Some(&ann), "ann@example.org");
    wait(store.put_token(new.clone(), Post::default(), at(0)));
    let changed = race(64, |n| {
        let steps = vec![ChangeStep::AddIdentity(identity(&ann, "username", n.to_string()))];
        wait(store.change(change(&ann, &new, steps)))
    });
    let (done, spent): (Vec<_>, Vec<_>) = changed.into_iter().partition(|one| *one == DONE);
    assert_eq!((done.len(), spent.len()), (1, 63));
    assert!(spent.iter().all(|one| *one == Changed::Spent), "{spent:?}");
    assert_eq!(wait(store.identities(ann.id)).len(), 2);
    assert_eq!(wait(store.token(new.id, new.secret_hash, at(11))), None);
}

/// A change that does not happen leaves the token good.
pub fn a_token_is_consumed_only_with_its_change(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let bea = put(store, whole("", "bea@example.org"));
    let new = token(Some(&ann), "ann@example.org");
    let decoy = token(None, "ann@example.org");
    let expired = Token {
        expires_at: at(10),
        ..token(Some(&ann), "ann@example.org")
    };
    for one in [&new, &decoy, &expired] {
        wait(store.put_token(one.clone(), Post::default(), at(0)));
    }
    let good = || wait(store.token(new.id, new.secret_hash, at(11))).is_some();
    let taken = vec![ChangeStep::AddIdentity(identity(
        &ann,
        "email",
        "bea@example.org",
    ))];
    let told = Change {
        deliveries: vec![delivery(Some(&ann), 0)],
        ..change(&ann, &new, taken)
    };
    assert_eq!(wait(store.change(told)), Changed::Taken("identifier"));
    let stale = Change {
        epoch: 1,
        ..change(&ann, &new, Vec::new())
    };
    assert_eq!(wait(store.change(stale)), Changed::Stale);
    let other_secret = Token {
        secret_hash: hash(99),
        ..new.clone()
    };
    for (who, used) in [
        (&ann, &other_secret),
        (&bea, &new),
        (&ann, &decoy),
        (&ann, &expired),
    ] {
        let steps = vec![ChangeStep::AddIdentity(identity(who, "username", "who"))];
        assert_eq!(
            wait(store.change(change(who, used, steps))),
            Changed::Spent,
            "{used:?}"
        );
    }
    assert_eq!(wait(store.identities(bea.id)).len(), 1);
    assert!(good());
    assert_eq!(wait(store.take_deliveries(9, at(99), at(1))), []);
    let bump = Some(Bump {
        reason: EndReason::CredentialsChanged,
        keep: None,
    });
    let told = Change {
        bump,
        deliveries: vec![delivery(Some(&ann), 0)],
        ..change(&ann, &new, Vec::new())
    };
    assert_eq!(wait(store.change(told)), Changed::Done { epoch: 1, ended: 0 });
    assert!(!good());
    assert_eq!(wait(store.take_deliveries(9, at(99), at(1))).len(), 1);
}

/// Once; of its own user only.
pub fn an_identity_is_verified_once(store: &dyn Store) {
    let (ann, bea) = (put(store, alone(user(""))), put(store, alone(user(""))));
    let mut unproved = identity(&ann, "email", "ann@example.org");
    unproved.verified_at = None;
    let at_ann = unproved.at.clone();
    let step = |who: &User, step| {
        let change = Change {
            token: None,
            ..change(who, &token(None, ""), vec![step])
        };
        wait(store.change(change))
    };
    assert_eq!(step(&ann, ChangeStep::AddIdentity(unproved)), DONE);
    let verify = |seconds| ChangeStep::VerifyIdentity(at_ann.clone(), at(seconds));
    assert_eq!(step(&bea, verify(3)), Changed::Absent);
    assert_eq!(wait(store.identities(ann.id))[0].verified_at, None);
    assert_eq!(step(&ann, verify(4)), DONE);
    assert_eq!(step(&ann, verify(5)), DONE);
    assert_eq!(wait(store.identities(ann.id))[0].verified_at, Some(at(4)));
}

/// With the flow of the code, and with nothing where that is not paid for; by one of many, and only while it is good.
pub fn a_link_is_written_with_its_message_and_used_once_and_the_code_with_it(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    for owner in [Some(&ann), None] {
        let code = flow(owner);
        let link = Token {
            id: doorward_base::id::TokenId::from_bytes(*code.id.as_bytes()),
            purpose: "sign_in_link".into(),
            ..token(owner, "ann@example.org")
        };
        let used = TokenUse {
            id: link.id,
            secret_hash: link.secret_hash,
        };
        let never = ThrottleKey {
            bucket: hash(41),
            law: ThrottleLaw::Rate {
                burst: 1,
                every: Duration::from_mins(1),
            },
        };
        let post = |charges| Post {
            charges,
            link: Some(link.clone()),
            ..Post::free(vec![delivery(owner, 0)])
        };
        wait(store.throttle(vec![ThrottleStep::Fail(never)], at(0)));
        let closed = wait(store.put_flow(code.clone(), post(vec![never]), at(0)));
        assert!(matches!(closed, Posted::Closed(_)), "{closed:?}");
        assert_eq!(wait(store.token(link.id, link.secret_hash, at(1))), None);
        assert!(!wait(store.spend_link(used, at(1))), "there is none");
        assert_eq!(
            wait(store.put_flow(code.clone(), post(Vec::new()), at(0))),
            Posted::Done
        );
        assert_eq!(
            wait(store.token(link.id, link.secret_hash, at(1))).as_ref(),
            Some(&link)
        );
        let other = TokenUse {
            secret_hash: hash(99),
            ..used
        };
        assert!(!wait(store.spend_link(other, at(1))), "another secret");
        assert!(!wait(store.spend_link(used, at(600))), "its time is over");
        let spent = race(32, |_| wait(store.spend_link(used, at(2))));
        assert_eq!(spent.iter().filter(|spent| **spent).count(), 1);
        assert_eq!(wait(store.token(link.id, link.secret_hash, at(3))), None);
        let taken = wait(store.take_flow(code.id, 0, code.secret_hash, at(3)));
        assert_eq!(taken, None, "the code is void");
    }
    // Where its message is withheld, the row is there all the same: known and unknown write alike.
    let code = flow(None);
    let link = Token {
        id: doorward_base::id::TokenId::from_bytes(*code.id.as_bytes()),
        ..token(None, "nobody@example.org")
    };
    let full = ThrottleKey {
        bucket: hash(42),
        law: ThrottleLaw::Rate {
            burst: 1,
            every: Duration::from_mins(1),
        },
    };
    wait(store.throttle(vec![ThrottleStep::Fail(full)], at(0)));
    let withheld = Post {
        postage: vec![full],
        link: Some(link.clone()),
        ..Post::default()
    };
    let posted = wait(store.put_flow(code, withheld, at(0)));
    assert_eq!(posted, Posted::Withheld(full.bucket));
    assert!(wait(store.token(link.id, link.secret_hash, at(1))).is_some());
}

/// They go with their user, and when they are worth nothing any more.
pub fn tokens_and_deliveries_are_purged_when_they_expire(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let of_ann = token(Some(&ann), "ann@example.org");
    wait(store.put_token(of_ann.clone(), Post::default(), at(0)));
    wait(store.delete_user(ann.id));
    assert_eq!(wait(store.token(of_ann.id, of_ann.secret_hash, at(1))), None);
    let long = Token {
        expires_at: at(9_000),
        ..token(None, "bob@example.org")
    };
    let keep = doorward_store::QueuedDelivery {
        expires_at: at(9_000),
        ..delivery(None, 700)
    };
    wait(store.put_flow(flow(None), Post::free(vec![keep.clone()]), at(0)));
    for one in [&token(None, "bob@example.org"), &long] {
        wait(store.put_token(one.clone(), Post::free(vec![delivery(None, 0)]), at(0)));
    }
    let purged = wait(store.purge(at(601), Duration::from_secs(1), 100));
    let expected = Purged {
        flows: 1,
        others: 3,
        ..Purged::default()
    };
    assert_eq!(purged, expected);
    assert!(wait(store.token(long.id, long.secret_hash, at(601))).is_some());
    assert_eq!(wait(store.take_deliveries(9, at(800), at(700))).len(), 1);
}

/// Those that were put first last longest, and do not hide what is over behind them.
pub fn what_is_over_goes_with_the_next_insert_whatever_lasts_longer(store: &dyn Store) {
    let put = |expires_at, now| {
        let new = Token {
            expires_at,
            ..token(None, "nobody@example.org")
        };
        wait(store.put_token(new, Post::default(), now));
    };
    for _ in 0..100 {
        put(at(90_000), at(0));
    }
    for _ in 0..8 {
        put(at(600), at(1));
    }
    put(at(90_000), at(600));
    assert_eq!(wait(store.purge(at(600), Duration::ZERO, 100)).others, 0);
    assert_eq!(wait(store.purge(at(90_000), Duration::ZERO, 200)).others, 101);
}
