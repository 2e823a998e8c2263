//! An address that nobody has proved goes to whoever proves it by message for an account of their own; its established
//! claimant is told, and keeps a last way in.

use std::time::Duration;

use doorward::{
    Answer, Claim, ErrorKind, Fields, NewUserOptions, Outcome, Proof, Settlement, TokenPurpose, UserId,
};
use doorward_tests::scratch::Scratch;

use crate::context::{OTHER, PASSWORD, World, accepted, claims, password, run};

const HERS: &str = "ann@example.com";
const HIS: &str = "bob@example.com";

/// On memory and on SQLite.
fn each(more: &str, judge: impl Fn(&World)) {
    let more = format!("{}{more}", claims());
    judge(&World::with(&more));
    let folder = Scratch::new();
    judge(&World::on(
        &format!("sqlite:{}", folder.path().join("doorward.db").display()),
        &more,
    ));
}

fn claim(answer: Answer<Proof>) -> Claim {
    match answer.outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn code(text: &str) -> Fields {
    Fields::from([("code", text)])
}

/// Somebody whom an issuer vouches for, and who says that this address is theirs, and never shows it.
fn claimant(world: &World, who: &str) -> Proof {
    let made = claim(
        run(world
            .auth
            .authenticate("github", None, code(&format!("good:{who}"))))
        .unwrap(),
    );
    let created = world
        .auth
        .create_user_from_claim(made.token().expose(), NewUserOptions::default());
    let proof = accepted(run(created));
    let link = world
        .auth
        .link_identity(&proof, "email", HERS.as_bytes(), password(PASSWORD));
    accepted(run(link))
}

/// A code to the address was read: a claim, of nobody.
fn read_code(world: &World) -> Claim {
    let begun = run(world
        .auth
        .authenticate("mail", Some(HERS.as_bytes()), Fields::default()))
    .unwrap();
    let Outcome::Continue(flow) = begun.outcome else {
        panic!("{begun:?}")
    };
    claim(
        run(world
            .auth
            .continue_flow(flow.token().expose(), None, code("1234")))
        .unwrap(),
    )
}

/// The same, and an account of their own.
fn sign_up_by_code(world: &World) -> Answer<Proof> {
    let made = read_code(world);
    let created = world
        .auth
        .create_user_from_claim(made.token().expose(), NewUserOptions::default());
    run(created).unwrap()
}

fn owner(world: &World) -> Option<UserId> {
    let found = run(world.auth.find_user("email", HERS.as_bytes())).unwrap();
    found.map(|user| user.id)
}

/// What was sent, and where to.
fn sent(world: &World) -> Vec<(String, String, Option<Vec<u8>>)> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &taken {
        let settled = world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered);
        assert!(run(settled).unwrap());
    }
    let value = |one: &doorward::Delivery| one.params.named("token").map(|token| token.expose().to_vec());
    taken
        .into_iter()
        .map(|one| (one.template.clone(), one.address.clone(), value(&one)))
        .collect()
}

fn was_told(world: &World, user: UserId) -> bool {
    world.events().iter().any(|event| {
        event.contains("identity_unlinked")
            && event.contains("reason=yielded")
            && event.contains(&user.to_string())
    })
}

#[test]
fn whoever_signs_up_with_a_code_takes_it() {
    each("", |world| {
        let claimed = claimant(world, "7");
        // The claimant has another address, which is proved: the notice goes there.
        let link = world
            .auth
            .link_identity(&claimed, "email", HIS.as_bytes(), Fields::default());
        let claimed = accepted(run(link));
        doorward_tests::prove::address(&world.auth, &claimed, "email", HIS);
        let session = world.session(&claimed);
        sent(world);
        world.events();
        let ann = accepted(Ok(sign_up_by_code(world)));
        assert_eq!(owner(world), None);
        assert!(was_told(world, claimed.user_id()));
        let notices: Vec<_> = sent(world)
            .into_iter()
            .filter(|one| one.0 == "credentials_changed")
            .collect();
        assert_eq!(notices, [("credentials_changed".into(), HIS.into(), None)]);
        // The claimant's session goes on, without the address; and it is not to be had again while it is hers.
        assert!(world.is_live(&crate::context::access(&session)));
        let link = world
            .auth
            .link_identity(&ann, "email", HERS.as_bytes(), password(OTHER));
        accepted(run(link));
        assert_eq!(owner(world), Some(ann.user_id()));
        let again = world
            .auth
            .link_identity(&claimed, "email", HERS.as_bytes(), Fields::default());
        assert_eq!(run(again).unwrap_err().kind(), ErrorKind::Conflict);
    });
}

#[test]
fn whoever_links_it_with_a_fresh_proof_takes_it() {
    each("", |world| {
        let claimed = claimant(world, "7");
        let ann = accepted(run(world.auth.create_user(
            "username",
            b"ann",
            password(OTHER),
            NewUserOptions::default(),
        )));
        let begun = world
            .auth
            .begin_link(&ann, "mail", Some(HERS.as_bytes()), Fields::default());
        let Outcome::Continue(flow) = run(begun).unwrap().outcome else {
            panic!("a code is asked for")
        };
        let made = claim(
            run(world
                .auth
                .continue_flow(flow.token().expose(), None, code("1234")))
            .unwrap(),
        );
        assert_eq!(owner(world), Some(claimed.user_id()), "begun is not done");
        let ann = accepted(run(world.auth.link_claim(&ann, made.token().expose())));
        assert_eq!(owner(world), None);
        assert!(was_told(world, claimed.user_id()));
        // Hers, and proved: she may have it for her password, too, whoever says meanwhile that it is his.
        let link = world
            .auth
            .link_identity(&claimed, "email", HERS.as_bytes(), Fields::default());
        accepted(run(link));
        let link = world
            .auth
            .link_identity(&ann, "email", HERS.as_bytes(), Fields::default());
        accepted(run(link));
        assert_eq!(owner(world), Some(ann.user_id()));
    });
}

#[test]
fn whoever_changes_to_it_with_its_token_takes_it() {
    each("", |world| {
        let claimed = claimant(world, "7");
        let ann = world.sign_up("ann@old.example");
        sent(world);
        let asked = world.auth.request_token(
            TokenPurpose::ChangeIdentifier,
            "email",
            HERS.as_bytes(),
            Some(&ann),
        );
        accepted(run(asked));
        let letters = sent(world);
        let token = letters[0].2.clone().unwrap();
        let changed = world
            .auth
            .update_identifier_with_token(&token, b"ann@old.example", HERS.as_bytes());
        accepted(run(changed));
        assert_eq!(owner(world), Some(ann.user_id()));
        assert!(was_told(world, claimed.user_id()));
        // Proved now: nobody is sent anything there for another account.
        let other = claimant_without(world, "8");
        let asked = world.auth.request_token(
            TokenPurpose::ChangeIdentifier,
            "email",
            HERS.as_bytes(),
            Some(&other),
        );
        accepted(run(asked));
        assert!(sent(world).iter().all(|one| one.0 != "change_identifier"));
    });
}

fn claimant_without(world: &World, who: &str) -> Proof {
    let made = claim(
        run(world
            .auth
            .authenticate("github", None, code(&format!("good:{who}"))))
        .unwrap(),
    );
    let created = world
        .auth
        .create_user_from_claim(made.token().expose(), NewUserOptions::default());
    accepted(run(created))
}

#[test]
fn a_last_way_in_a_proved_address_and_an_account_of_nobody_stay() {
    // Of nobody yet: whoever reads the address recovers the account.
    each("", |world| {
        let planted = world.sign_up(HERS);
        accepted(Ok(sign_up_by_code(world)));
        assert_eq!(owner(world), Some(planted.user_id()));
        sent(world);
        let asked = world
            .auth
            .request_token(TokenPurpose::Recovery, "email", HERS.as_bytes(), None);
        accepted(run(asked));
        assert_eq!(sent(world)[0].0, "recovery");
    });
    // Proved by its owner.
    each("", |world| {
        let owned = claimant(world, "7");
        doorward_tests::prove::address(&world.auth, &owned, "email", HERS);
        accepted(Ok(sign_up_by_code(world)));
        assert_eq!(owner(world), Some(owned.user_id()));
    });
    // The last way in: established by a badge that a sign-in demanded, which starts nothing.
    let more = format!(
        "{}provider.pin = {{ kind = 'password', group = 'pin', rule = 'opaque' }}\n\
         policy.second_factor = ['badge', 'pin']\npolicy.require = true\n",
        crate::context::steps()
    );
    let world = World::with(&format!("{more}{}", claims_of_mail()));
    let asked = run(world.auth.create_user(
        "email",
        HERS.as_bytes(),
        password(PASSWORD),
        NewUserOptions::default(),
    ));
    let Outcome::Continue(flow) = asked.unwrap().outcome else {
        panic!("a badge is demanded")
    };
    let number = Fields::from([("number", "17")]);
    let established = accepted(run(world.auth.continue_flow(flow.token().expose(), None, number)));
    assert_eq!(sign_up_by_code(&world).outcome.id(), "continue");
    assert_eq!(owner(&world), Some(established.user_id()));
}

/// The mailbox of `claims` alone.
fn claims_of_mail() -> String {
    let all = claims();
    let plugin = all.lines().next().unwrap();
    format!("{plugin}\nprovider.mail = {{ kind = 'mailbox', rule = 'email' }}\n")
}
