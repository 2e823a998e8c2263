//! The five ways to prepare an account for its victim (Sudhodanan and Paverd, USENIX Security 2022), each as a script: what
//! the attacker does first, what the victim does then, and whether the attacker is in.

use std::cell::Cell;
use std::time::Duration;

use doorward::{
    Answer, Claim, ErrorKind, Fields, NewUserOptions, Outcome, Proof, Settlement, TokenPurpose, UserId,
};

use doorward_tests::scratch::Scratch;

use crate::context::{OTHER, PASSWORD, World, accepted, access, claims, password, request, run};

const VICTIM: &str = "victim@example.com";
const ATTACKER: &str = "attacker@evil.example";

/// Where a script is played.
enum Place {
    Memory,
    Sqlite(Scratch, Cell<u32>),
}

impl Place {
    fn world(&self, more: &str) -> World {
        let more = format!("{}{more}", claims());
        match self {
            Self::Memory => World::with(&more),
            Self::Sqlite(folder, number) => {
                number.set(number.get() + 1);
                let file = folder.path().join(format!("{}.db", number.get()));
                World::on(&format!("sqlite:{}", file.display()), &more)
            }
        }
    }
}

fn each(script: impl Fn(&Place)) {
    script(&Place::Memory);
    script(&Place::Sqlite(Scratch::new(), Cell::new(0)));
}

fn issuer(world: &World, provider: &str, who: &str) -> Answer<Proof> {
    let code = Fields::from([("code", format!("good:{who}"))]);
    run(world.auth.authenticate(provider, None, code)).unwrap()
}

fn claim(answer: Answer<Proof>) -> Claim {
    match answer.outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn link(world: &World, proof: &Proof, who: &str) -> Proof {
    let claim = claim(issuer(world, "github", who));
    accepted(run(world.auth.link_claim(proof, claim.token().expose())))
}

/// The token that was sent to the address; nobody else can read it.
fn token(world: &World, purpose: TokenPurpose, address: &str, proof: Option<&Proof>) -> Vec<u8> {
    let asked = world
        .auth
        .request_token(purpose, "email", address.as_bytes(), proof);
    accepted(run(asked));
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &taken {
        assert!(
            run(world
                .auth
                .settle_delivery(one.id, one.attempts, Settlement::Delivered))
            .unwrap()
        );
    }
    let letter = taken
        .iter()
        .find(|one| one.template == purpose.id() && one.address == address)
        .unwrap();
    letter.params.named("token").unwrap().expose().to_vec()
}

/// The owner of the account proves its address.
fn verify(world: &World, address: &str, owner: &Proof) {
    let token = token(world, TokenPurpose::Verify, address, Some(owner));
    accepted(run(world.auth.consume_token(&token, Some(owner))));
}

/// One click more: anybody has a message sent to the address, and the victim follows its link, signed in nowhere. How
/// many links there were: none to an address that no account claims.
fn click(world: &World, address: &str) -> usize {
    let asked = world
        .auth
        .request_token(TokenPurpose::Verify, "email", address.as_bytes(), None);
    accepted(run(asked));
    let letters = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let links = letters.iter().filter(|one| one.template == "verify");
    for one in links.clone() {
        let token = one.params.named("token").unwrap().expose();
        let error = run(world.auth.consume_token(token, None)).unwrap_err();
        assert_eq!(
            (error.kind(), error.what()),
            (ErrorKind::ProofRequired, Some("session"))
        );
        assert!(
            run(world.auth.peek_token(token)).unwrap().require().is_ok(),
            "it stays good"
        );
    }
    links.count()
}

/// The same where the address is proved already: the click proves to nobody anew, and it is still its owner's.
fn click_on_proved(world: &World, owner: &Proof) -> usize {
    // Messages to one address are charged.
    world.advance(86_400);
    let token = token(world, TokenPurpose::Verify, VICTIM, None);
    let info = accepted(run(world.auth.consume_token(&token, None)));
    world.advance(86_400);
    usize::from(info.user_id == owner.user_id())
}

/// The victim finds that the address has an account, and recovers it.
fn recover(world: &World) -> UserId {
    let token = token(world, TokenPurpose::Recovery, VICTIM, None);
    let user = accepted(run(world.auth.update_credentials_with_token(
        &token,
        "email",
        password(OTHER),
    )));
    let victim = world.try_sign_in(VICTIM, OTHER).require().unwrap();
    assert_eq!(victim.user_id(), user);
    user
}

#[test]
fn a_classic_account_is_not_merged_with_a_federated_one_of_the_same_address() {
    each(|place| {
        let world = place.world("");
        let planted = world.sign_up(VICTIM);
        assert_eq!(click(&world, VICTIM), 1);
        // The victim signs in with an issuer that knows the address.
        let made = claim(issuer(&world, "github", &format!("victim:{VICTIM}")));
        let victim = accepted(run(world
            .auth
            .create_user_from_claim(made.token().expose(), NewUserOptions::default())));
        assert_ne!(victim.user_id(), planted.user_id());
        assert_eq!(click(&world, VICTIM), 1);
        // With what it knows the attacker is where it was, and not where the victim is.
        let attacker = world.try_sign_in(VICTIM, PASSWORD).require().unwrap();
        assert_eq!(attacker.user_id(), planted.user_id());
        let held = run(world.auth.list_identities(victim.user_id())).unwrap();
        assert_eq!(held.len(), 1, "its issuer's, and no address");
        // The other way round: a federated account is prepared, and the victim signs up with the address.
        let world = place.world("");
        let made = claim(issuer(&world, "github", &format!("attacker:{VICTIM}")));
        let planted = accepted(run(world
            .auth
            .create_user_from_claim(made.token().expose(), NewUserOptions::default())));
        assert_eq!(
            click(&world, VICTIM),
            0,
            "an issuer's word is no address of the account"
        );
        let victim = world.sign_up(VICTIM);
        assert_eq!(click(&world, VICTIM), 1);
        verify(&world, VICTIM, &victim);
        assert_eq!(click_on_proved(&world, &victim), 1);
        assert_ne!(victim.user_id(), planted.user_id());
        let held = run(world.auth.list_identities(planted.user_id())).unwrap();
        assert_eq!(held.len(), 1, "no click has added anything to the attacker's");
        let attacker = issuer(&world, "github", "attacker").require().unwrap();
        assert_eq!(attacker.user_id(), planted.user_id());
    });
}

#[test]
fn no_session_outlives_the_victims_recovery() {
    each(|place| {
        let world = place.world("");
        let planted = world.user(VICTIM);
        let held = run(world.auth.session_proof(&planted)).unwrap();
        let flow = match run(world.auth.begin_link(&held, "github", None, Fields::default()))
            .unwrap()
            .outcome
        {
            Outcome::Continue(flow) => flow,
            other => panic!("{other:?}"),
        };
        assert_eq!(click(&world, VICTIM), 1);
        recover(&world);
        assert!(!world.is_live(&access(&planted)));
        let refresh = planted.refresh_token().unwrap().expose().to_vec();
        let refreshed = run(world.auth.refresh_session(&refresh)).unwrap();
        assert_eq!(refreshed.outcome.id(), "signed_out");
        // Nor does what was begun in it: its proof, and the link that it opened.
        let claim = claim(issuer(&world, "github", "attacker"));
        assert!(run(world.auth.link_claim(&held, claim.token().expose())).is_err());
        let code = Fields::from([("code", "good:attacker")]);
        let resumed = run(world.auth.continue_flow(flow.token().expose(), None, code)).unwrap();
        assert_eq!(resumed.outcome.id(), "refused");
    });
}

#[test]
fn no_trojan_identifier_outlives_the_victims_recovery() {
    each(|place| {
        let world = place.world("");
        // A second address, a passkey, a key and a name, all added to the victim's account to be.
        let planted = world.sign_up(VICTIM);
        let proof = accepted(run(world.auth.link_identity(
            &planted,
            "email",
            ATTACKER.as_bytes(),
            Fields::default(),
        )));
        let proof = accepted(run(world.auth.link_identity(
            &proof,
            "username",
            b"victim",
            Fields::default(),
        )));
        let passkey = Fields::from([("id", "trojan")]);
        let proof = accepted(run(world.auth.update_credentials(&proof, "passkey", passkey)));
        let key = Fields::from([("key", "ak_trojan"), ("scopes", "[]")]);
        accepted(run(world.auth.update_credentials(&proof, "api", key)));
        assert_eq!(click(&world, VICTIM), 1);
        world.events();
        let user = recover(&world);
        let events = world.events().join("\n");
        assert!(
            events.contains("identity_unlinked") && events.contains("authenticator_removed"),
            "{events}"
        );
        assert!(
            run(world.auth.find_user("email", ATTACKER.as_bytes()))
                .unwrap()
                .is_none()
        );
        let passkey = Fields::from([("id", "trojan")]);
        let signed_in = run(world.auth.authenticate("passkey", None, passkey)).unwrap();
        assert_eq!(signed_in.outcome.id(), "refused");
        let bearer = request("GET", &[("authorization", "Bearer ak_trojan")]);
        let called = run(world.auth.on(bearer).check_request()).unwrap();
        assert_eq!(called.outcome.id(), "refused");
        let named = run(world
            .auth
            .authenticate("username", Some(b"victim"), password(PASSWORD)))
        .unwrap();
        assert_eq!(named.outcome.id(), "refused", "the name went, too");
        // What was added after the address was proved, which it is by now, goes at the next recovery all the same: a mailbox
        // proves its address, and nothing else. What the operator lists stays.
        world.advance(1);
        let own = world.try_sign_in(VICTIM, OTHER).require().unwrap();
        link(&world, &own, "victim");
        assert_eq!(recover(&world), user);
        assert_eq!(issuer(&world, "github", "victim").outcome.id(), "unregistered");
    });
}

#[test]
fn what_recovery_keeps_is_the_operators_choice() {
    each(|place| {
        let world = place.world("recovery.keeps = ['github']\n");
        let own = world.sign_up(VICTIM);
        verify(&world, VICTIM, &own);
        link(&world, &own, "victim");
        let user = recover(&world);
        let kept = issuer(&world, "github", "victim").require().unwrap();
        assert_eq!(kept.user_id(), user);
    });
}

#[test]
fn an_account_that_an_issuer_vouches_for_is_not_shared_with_whoever_owns_its_unproved_address() {
    each(|place| {
        let world = place.world("");
        let planted = world.sign_up(VICTIM);
        link(&world, &planted, "attacker");
        // The victim's click and recovery get nothing: no part of the attacker's account becomes the victim's.
        assert_eq!(
            click(&world, VICTIM),
            0,
            "nobody's to prove but the attacker's, in a session"
        );
        let asked = world
            .auth
            .request_token(TokenPurpose::Recovery, "email", VICTIM.as_bytes(), None);
        accepted(run(asked));
        let waiting = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
        assert!(
            waiting.iter().all(|one| one.template != "recovery"),
            "{waiting:?}"
        );
    });
}

#[test]
fn recovery_is_no_way_around_a_second_factor_that_is_also_a_first() {
    each(|place| {
        let world = place.world("policy.second_factor = ['passkey']\n");
        let ann = world.sign_up(VICTIM);
        let passkey = Fields::from([("id", "k1")]);
        verify(&world, VICTIM, &ann);
        accepted(run(world.auth.update_credentials(&ann, "passkey", passkey)));
        let token = token(&world, TokenPurpose::Recovery, VICTIM, None);
        accepted(run(world.auth.update_credentials_with_token(
            &token,
            "email",
            password(OTHER),
        )));
        assert_eq!(world.try_sign_in(VICTIM, OTHER).outcome.id(), "continue");
    });
}

#[test]
fn no_change_of_address_outlives_the_victims_recovery() {
    each(|place| {
        let world = place.world("");
        let planted = world.sign_up(VICTIM);
        // The attacker asks for another address, and keeps the message.
        let waiting = token(&world, TokenPurpose::ChangeIdentifier, ATTACKER, Some(&planted));
        assert_eq!(click(&world, VICTIM), 1);
        let user = recover(&world);
        let changed =
            world
                .auth
                .update_identifier_with_token(&waiting, VICTIM.as_bytes(), ATTACKER.as_bytes());
        assert_eq!(run(changed).unwrap().outcome.id(), "refused");
        let held = run(world.auth.list_identities(user)).unwrap();
        assert_eq!(held[0].identifier, VICTIM.as_bytes());
    });
}

#[test]
fn an_issuer_that_verifies_no_address_gets_nobody_into_anything() {
    each(|place| {
        let world = place.world("attributes.unique = ['email']\n");
        // Its word about the victim's address makes the attacker an account of its own, whatever the program does with it.
        let made = claim(issuer(&world, "github", &format!("attacker:{VICTIM}")));
        let options = NewUserOptions {
            attributes: Some(made.attributes().into()),
            ..NewUserOptions::default()
        };
        let attacker = accepted(run(world
            .auth
            .create_user_from_claim(made.token().expose(), options)));
        assert_eq!(click(&world, VICTIM), 0);
        // The victim signs up by address, by another issuer, by a mailbox: each time it is somebody else.
        let by_address = world.sign_up(VICTIM);
        assert_eq!(click(&world, VICTIM), 1);
        verify(&world, VICTIM, &by_address);
        assert_eq!(click_on_proved(&world, &by_address), 1);
        let by_issuer = issuer(&world, "gitlab", &format!("victim:{VICTIM}"));
        assert_eq!(by_issuer.outcome.id(), "unregistered");
        assert_ne!(by_address.user_id(), attacker.user_id());
        // And recovery by the address recovers the victim's, never the attacker's.
        assert_eq!(recover(&world), by_address.user_id());
        let held = run(world.auth.list_identities(attacker.user_id())).unwrap();
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].provider, "github");
    });
}
