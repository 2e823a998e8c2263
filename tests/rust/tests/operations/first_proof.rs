//! Whose an account is: what recovery takes and leaves, and what a click proves. The inputs are those by which a mailbox
//! got past a second factor, or an account was prepared for its victim.

use std::time::Duration;

use doorward::{Answer, ErrorKind, Fields, Outcome, Proof, Settlement, TokenPurpose, UserId};

use crate::context::{OTHER, PASSWORD, World, accepted, access, claims, password, request, run, steps};

const ANN: &str = "ann@example.com";
const SECOND: &str = "ann@second.example";

fn mailed(world: &World, template: &str, to: &str) -> Option<Vec<u8>> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &taken {
        run(world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered))
        .unwrap();
    }
    let letter = taken
        .iter()
        .find(|one| one.template == template && one.address == to)?;
    Some(letter.params.named("token").unwrap().expose().to_vec())
}

fn ask(
    world: &World,
    purpose: TokenPurpose,
    provider: &str,
    to: &str,
    by: Option<&Proof>,
) -> Option<Vec<u8>> {
    let asked = world.auth.request_token(purpose, provider, to.as_bytes(), by);
    accepted(run(asked));
    mailed(world, purpose.id(), to)
}

fn verify(world: &World, provider: &str, to: &str, by: &Proof) {
    let token = ask(world, TokenPurpose::Verify, provider, to, Some(by)).unwrap();
    accepted(run(world.auth.consume_token(&token, Some(by))));
}

fn recover(world: &World, over: (&str, &str), provider: &str) -> doorward::Result<Answer<UserId>> {
    let token = ask(world, TokenPurpose::Recovery, over.0, over.1, None).unwrap();
    run(world
        .auth
        .update_credentials_with_token(&token, provider, password(OTHER)))
}

/// A code that is read at an address, linked to the account.
fn link_code(world: &World, by: &Proof, address: &str) -> Proof {
    let begun = world
        .auth
        .begin_link(by, "mail", Some(address.as_bytes()), Fields::default());
    let Outcome::Continue(flow) = run(begun).unwrap().outcome else {
        panic!("a mailbox asks for its code")
    };
    let code = Fields::from([("code", "1234")]);
    let answered = run(world.auth.continue_flow(flow.token().expose(), None, code)).unwrap();
    let Outcome::Unregistered(claim) = answered.outcome else {
        panic!("{answered:?}")
    };
    accepted(run(world.auth.link_claim(by, claim.token().expose())))
}

fn names(ways: &[doorward::WayInfo]) -> Vec<(&str, &str)> {
    let mut names: Vec<_> = ways
        .iter()
        .map(|one| (one.provider.as_str(), one.name.as_str()))
        .collect();
    names.sort_unstable();
    names
}

/// C1: recovery deleted a second factor that is an identity.
#[test]
fn recovery_leaves_a_second_factor_that_is_an_identity() {
    let world = World::with(&format!("{}policy.second_factor = ['mail']\n", claims()));
    let ann = world.sign_up(ANN);
    verify(&world, "email", ANN, &ann);
    link_code(&world, &ann, SECOND);
    world.advance(3600);
    assert_eq!(world.try_sign_in(ANN, PASSWORD).outcome.id(), "continue");
    let answer = recover(&world, ("email", ANN), "email").unwrap();
    assert_eq!(names(&answer.kept), [("email", ANN), ("mail", SECOND)]);
    assert_eq!(names(&answer.took), []);
    assert_eq!(
        world.try_sign_in(ANN, OTHER).outcome.id(),
        "continue",
        "the second factor is asked for"
    );
}

/// C2: a token replaced the credentials of a second factor, and of any group.
#[test]
fn a_token_replaces_the_group_that_it_names_and_no_second_factor() {
    let world = World::with(&format!(
        "{}provider.pin = {{ kind = 'password', group = 'pin', rule = 'opaque' }}\n\
         provider.other = {{ kind = 'password', group = 'other', rule = 'opaque' }}\n\
         policy.second_factor = ['pin']\n",
        claims()
    ));
    let ann = world.sign_up(ANN);
    verify(&world, "email", ANN, &ann);
    let ann = accepted(run(world.auth.link_identity(
        &ann,
        "other",
        b"ann",
        password(PASSWORD),
    )));
    accepted(run(world.auth.link_identity(
        &ann,
        "pin",
        b"ann-1",
        password(PASSWORD),
    )));
    let token = ask(&world, TokenPurpose::Recovery, "email", ANN, None).unwrap();
    let with = |provider| {
        run(world
            .auth
            .update_credentials_with_token(&token, provider, password(OTHER)))
    };
    assert_eq!(with("pin").unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(with("other").unwrap().outcome.id(), "refused");
    let answer = with("email").unwrap();
    // The other group was proved by nobody: it goes.
    assert!(
        names(&answer.took).contains(&("other", "ann")),
        "{:?}",
        answer.took
    );
    let Outcome::Continue(flow) = world.try_sign_in(ANN, OTHER).outcome else {
        panic!("the PIN is asked for")
    };
    let pin = world
        .auth
        .continue_flow(flow.token().expose(), None, password(OTHER));
    assert_eq!(run(pin).unwrap().outcome.id(), "refused", "and it is the old one");
}

/// C4: the second factor's own mailbox recovered the first.
#[test]
fn the_mailbox_of_a_second_factor_recovers_nothing() {
    let world = World::with(&format!("{}policy.second_factor = ['mail']\n", claims()));
    let ann = world.sign_up(ANN);
    verify(&world, "email", ANN, &ann);
    link_code(&world, &ann, SECOND);
    mailed(&world, "", "");
    assert_eq!(ask(&world, TokenPurpose::Recovery, "mail", SECOND, None), None);
    // Whoever asks is told the same.
    assert_eq!(
        ask(&world, TokenPurpose::Recovery, "mail", "nobody@example.com", None),
        None
    );
}

/// H1: a key and an identity, added after the victim's click, survived the victim's recovery.
#[test]
fn what_was_added_after_the_address_was_proved_goes_with_recovery_too() {
    let world = World::with(&claims());
    let ann = world.sign_up(ANN);
    verify(&world, "email", ANN, &ann);
    world.advance(60);
    let thief = world.try_sign_in(ANN, PASSWORD).require().unwrap();
    let key = Fields::from([("key", "ak_thief"), ("scopes", "[]")]);
    let thief = accepted(run(world.auth.update_credentials(&thief, "api", key)));
    let session = world.session(&thief);
    let bearer = || {
        let with = request("GET", &[("authorization", "Bearer ak_thief")]);
        run(world.auth.on(with).check_request()).unwrap().outcome.id()
    };
    assert_eq!(bearer(), "accepted");
    world.advance(3600);
    let answer = recover(&world, ("email", ANN), "email").unwrap();
    assert_eq!(bearer(), "refused");
    assert!(!world.is_live(&access(&session)));
    assert_eq!(answer.took.len(), 1);
    assert_eq!(
        (answer.took[0].provider.as_str(), answer.took[0].is_identity),
        ("api", false)
    );
    assert!(answer.took[0].created_at < answer.took[0].created_at.plus(Duration::from_secs(1)));
}

/// M10: an owner who recovered by a newer address lost the older one.
#[test]
fn a_proved_address_stays_whichever_recovers() {
    let world = World::new();
    let ann = world.sign_up(ANN);
    verify(&world, "email", ANN, &ann);
    world.advance(60);
    let ann = world.try_sign_in(ANN, PASSWORD).require().unwrap();
    let ann = accepted(run(world.auth.link_identity(
        &ann,
        "email",
        SECOND.as_bytes(),
        Fields::default(),
    )));
    let ann = accepted(run(world.auth.link_identity(
        &ann,
        "email",
        b"unproved@example.net",
        Fields::default(),
    )));
    verify(&world, "email", SECOND, &ann);
    mailed(&world, "", "");
    let answer = recover(&world, ("email", SECOND), "email").unwrap();
    assert_eq!(names(&answer.took), [("email", "unproved@example.net")]);
    assert_eq!(names(&answer.kept), [("email", ANN), ("email", SECOND)]);
    accepted(Ok(world.try_sign_in(ANN, OTHER)));
    // Both proved addresses were told; the one that nobody proved was not.
    let told = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let mut told: Vec<_> = told.into_iter().map(|one| one.address).collect();
    told.sort();
    assert_eq!(told, [ANN, SECOND]);
}

/// M8: recovery by an address that nobody verified makes an account its owner's alone, or does nothing at all.
#[test]
fn an_account_that_nobody_has_shown_to_be_theirs_changes_owners_whole() {
    let plant = |world: &World| {
        let thief = world.sign_up(ANN);
        let passkey = Fields::from([("id", "planted")]);
        let thief = accepted(run(world.auth.update_credentials(&thief, "passkey", passkey)));
        let thief = accepted(run(world.auth.link_identity(
            &thief,
            "username",
            b"planted",
            Fields::default(),
        )));
        accepted(run(world.auth.link_identity(
            &thief,
            "email",
            b"thief@evil.example",
            Fields::default(),
        )))
    };
    let world = World::with(&claims());
    plant(&world);
    let answer = recover(&world, ("email", ANN), "email").unwrap();
    assert_eq!(
        names(&answer.took),
        [
            ("email", "thief@evil.example"),
            ("passkey", ""),
            ("username", "planted")
        ]
    );
    let user = answer.require().unwrap();
    let left = run(world.auth.list_identities(user)).unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].verified_at.is_some(), "the message was read there");

    // The click does it by `hand_over`, and the page may ask for a password at once.
    let world = World::with(&format!("{}first_proof = 'hand_over'\n", claims()));
    let thief = plant(&world);
    let session = world.session(&thief);
    let token = ask(&world, TokenPurpose::Verify, "email", ANN, None).unwrap();
    let answer = run(world.auth.consume_token(&token, None)).unwrap();
    assert_eq!(answer.took.len(), 4, "the password, too: {:?}", answer.took);
    assert_eq!(answer.kept.len(), 1);
    assert!(!world.is_live(&access(&session)));
    assert_eq!(world.try_sign_in(ANN, PASSWORD).outcome.id(), "refused");
    let next = answer
        .show_once
        .named("recovery_token")
        .unwrap()
        .expose()
        .to_vec();
    accepted(run(world.auth.update_credentials_with_token(
        &next,
        "email",
        password(OTHER),
    )));
    accepted(Ok(world.try_sign_in(ANN, OTHER)));
    // Once: it is somebody's by now.
    let again = ask(&world, TokenPurpose::Verify, "email", ANN, None).unwrap();
    assert_eq!(run(world.auth.consume_token(&again, None)).unwrap().took, []);
    accepted(Ok(world.try_sign_in(ANN, OTHER)));

    // By `refuse` neither does: who mistyped an address keeps what is behind it.
    let world = World::with(&format!("{}first_proof = 'refuse'\n", claims()));
    plant(&world);
    assert_eq!(ask(&world, TokenPurpose::Recovery, "email", ANN, None), None);
    let token = ask(&world, TokenPurpose::Verify, "email", ANN, None).unwrap();
    let error = run(world.auth.consume_token(&token, None)).unwrap_err();
    assert_eq!(error.what(), Some("session"));
    assert!(!error.message().contains("recover"), "{error}");
    accepted(Ok(world.try_sign_in(ANN, PASSWORD)));
}

#[test]
fn the_session_of_the_request_confirms_its_own_address_and_no_other() {
    let world = World::new();
    let ann = world.user(ANN);
    let bob = world.user("bob@example.com");
    let token = ask(&world, TokenPurpose::Verify, "email", ANN, None).unwrap();
    let with = |session| {
        let cookie = format!(
            "__Host-doorward-access={}",
            String::from_utf8(access(session)).unwrap()
        );
        let headers = [("cookie", cookie.as_str()), ("origin", "https://app.example")];
        world.auth.on(request("POST", &headers))
    };
    let error = run(with(&bob).consume_token(&token, None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProofRequired);
    accepted(run(with(&ann).consume_token(&token, None)));
    assert!(world.is_live(&access(&ann)), "nothing ends");
}

/// A token that was asked for while the account was nobody's is worth nothing once it is shown whose it is.
#[test]
fn an_address_recovers_nothing_any_more_once_another_is_proved() {
    let world = World::with(&steps());
    let ann = world.sign_up(ANN);
    let ann = accepted(run(world.auth.link_identity(
        &ann,
        "email",
        SECOND.as_bytes(),
        Fields::default(),
    )));
    let token = ask(&world, TokenPurpose::Recovery, "email", SECOND, None).unwrap();
    verify(&world, "email", ANN, &ann);
    let late = world
        .auth
        .update_credentials_with_token(&token, "email", password(OTHER));
    assert_eq!(run(late).unwrap().outcome.id(), "refused");
    accepted(Ok(world.try_sign_in(ANN, PASSWORD)));
}

/// What else opens the account is told with the first second factor, and then not again.
#[test]
fn the_first_second_factor_tells_what_else_opens_the_account() {
    let world = World::with(&format!("{}policy.second_factor = ['mail']\n", claims()));
    let ann = world.sign_up(ANN);
    verify(&world, "email", ANN, &ann);
    let key = Fields::from([("key", "ak_1")]);
    let ann = accepted(run(world.auth.update_credentials(&ann, "api", key)));
    let linked = run(world
        .auth
        .begin_link(&ann, "github", None, Fields::from([("code", "good:7")])));
    let Outcome::Unregistered(claim) = linked.unwrap().outcome else {
        panic!("an issuer vouches for somebody new")
    };
    let linked = run(world.auth.link_claim(&ann, claim.token().expose())).unwrap();
    assert_eq!(
        names(&linked.others),
        [],
        "an issuer at a first name protects nothing"
    );
    let ann = linked.require().unwrap();
    let begun = world
        .auth
        .begin_link(&ann, "mail", Some(SECOND.as_bytes()), Fields::default());
    let Outcome::Continue(flow) = run(begun).unwrap().outcome else {
        panic!("a mailbox asks for its code")
    };
    let code = Fields::from([("code", "1234")]);
    let answered = run(world.auth.continue_flow(flow.token().expose(), None, code)).unwrap();
    let Outcome::Unregistered(claim) = answered.outcome else {
        panic!("{answered:?}")
    };
    let protected = run(world.auth.link_claim(&ann, claim.token().expose())).unwrap();
    assert_eq!(
        names(&protected.others),
        [
            ("api", ""),
            ("email", ANN),
            ("github", "https://issuer.example 7")
        ],
        "a key, an address, an issuer; not the password, nor what was linked just now"
    );
    let ann = protected.require().unwrap();
    let renamed = run(world
        .auth
        .link_identity(&ann, "username", b"ann", Fields::default()))
    .unwrap();
    assert_eq!(names(&renamed.others), []);
}
