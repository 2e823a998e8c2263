//! Who reads a mailbox alone: the four ways past a second factor that were found by attack (C1 to C4), and what else the
//! one function decides for everybody who asks.

use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::plugin::FactorClass;
use doorward::{
    Answer, Auth, Config, ErrorKind, Factor, Fields, FlowHandle, Outcome, Proof, SessionOptions, TokenPurpose,
};

use crate::context::{PASSWORD, World, accepted, password, run};

const ANN: &str = "ann@example.com";
const NEW: &str = "attacker sets this one now";

/// The plugins as cargo built them beside the test programs.
fn world(more: &str) -> World {
    let program = std::env::current_exe().unwrap();
    let plugin = |name: &str| {
        let built = program
            .ancestors()
            .nth(2)
            .unwrap()
            .join(format!("libdoorward_{name}.so"));
        assert!(
            built.exists(),
            "build the workspace first: cargo build --workspace"
        );
        format!("plugin.{name}.path = '{}'\n", built.display())
    };
    World::with(&format!(
        "{}{}provider.totp.kind = 'totp'\n{more}",
        plugin("email_code"),
        plugin("totp")
    ))
}

const CODE: &str = "provider.code = { kind = 'email_code', rule = 'email' }\n";

/// The newest message's parameter of this name.
pub(crate) fn mailed(world: &World, name: &str) -> Option<Vec<u8>> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let mut found = taken.iter().rev().filter_map(|one| one.params.named(name));
    found.next().map(|value| value.expose().to_vec())
}

pub(crate) fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn offered(answer: Answer<Proof>) -> Vec<String> {
    flow(answer)
        .next()
        .iter()
        .map(|next| next.provider.clone())
        .collect()
}

pub(crate) fn go_on(world: &World, flow: &FlowHandle, with: Fields) -> Answer<Proof> {
    run(world.auth.continue_flow(flow.token().expose(), None, with)).unwrap()
}

/// Signs in by a code sent to this address.
fn by_code(world: &World, address: &str) -> Answer<Proof> {
    mailed(world, "code");
    let begun = run(world
        .auth
        .authenticate("code", Some(address.as_bytes()), Fields::default()))
    .unwrap();
    let code = mailed(world, "code").unwrap_or_default();
    let code = String::from_utf8(code).unwrap();
    go_on(world, &flow(begun), Fields::from([("code", code.as_str())]))
}

/// Links an address for codes.
fn link_code(world: &World, proof: &Proof, address: &str) -> doorward::Result<Proof> {
    mailed(world, "code");
    let begun = run(world
        .auth
        .begin_link(proof, "code", Some(address.as_bytes()), Fields::default()));
    let code = String::from_utf8(mailed(world, "code").unwrap()).unwrap();
    let answer = go_on(
        world,
        &flow(begun.unwrap()),
        Fields::from([("code", code.as_str())]),
    );
    let Outcome::Unregistered(claim) = answer.outcome else {
        panic!("{answer:?}")
    };
    run(world.auth.link_claim(proof, claim.token().expose())).map(|answer| answer.require().unwrap())
}

/// Enrolls an authenticator app that nobody will ask again.
pub(crate) fn enroll_totp(world: &World, proof: &Proof) -> Proof {
    crate::second_factor::enroll(world, proof).1
}

fn sign_in(world: &World) -> Answer<Proof> {
    world.try_sign_in(ANN, PASSWORD)
}

#[test]
fn c3_a_first_factor_of_the_same_class_skips_no_second_factor() {
    // The demo's configuration: a code by mail starts, an app is second, both are possession.
    let world = world(&format!("{CODE}policy.second_factor = ['totp']\n"));
    let ann = world.sign_up(ANN);
    let ann = link_code(&world, &ann, ANN).unwrap();
    let ann = enroll_totp(&world, &ann);
    let held = run(world.auth.list_authenticators(ann.user_id())).unwrap();
    let app = held.iter().find(|one| one.group == "totp").unwrap().id;
    world.advance(86_400);
    assert_eq!(offered(sign_in(&world)), ["totp"]);
    assert_eq!(
        offered(by_code(&world, ANN)),
        ["totp"],
        "two of one class are no less than one"
    );
    // Trusted code asserts something of the same class, and the app is asked for all the same.
    let sso = Factor {
        provider: "sso".into(),
        class: FactorClass::Possession,
        channel: String::new(),
        at: world.clock.now(),
        via: Vec::new(),
        two_in_one: true,
    };
    let as_asserted = |factors: &[Factor]| {
        run(world
            .auth
            .create_session_for_user(ann.user_id(), factors, SessionOptions::default()))
        .unwrap()
    };
    assert_eq!(as_asserted(std::slice::from_ref(&sso)).outcome.id(), "refused");
    let totp = Factor {
        provider: "totp".into(),
        two_in_one: false,
        ..sso.clone()
    };
    let session = as_asserted(&[sso, totp]).require().unwrap();
    // Both factors once more for what is sensitive: one that is fresh is not enough.
    let proof = run(world.auth.session_proof(&session)).unwrap();
    world.advance(599);
    let removed = run(world.auth.remove_authenticator(&proof, "totp", app));
    assert_eq!(removed.unwrap().outcome.id(), "accepted", "both are fresh");
}

#[test]
fn a_sensitive_operation_wants_each_factor_fresh() {
    let world = world("policy.second_factor = ['totp']\n");
    let session = world.proved_user(ANN);
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let renewed = enroll_totp(&world, &proof);
    let held = run(world.auth.list_authenticators(renewed.user_id())).unwrap();
    let app = held.iter().find(|one| one.group == "totp").unwrap().id;
    // The session itself has proved the password alone, and nobody signs in with that any more.
    let session = run(world.auth.validate_session(&crate::context::access(&session))).unwrap();
    let alone = run(world.auth.session_proof(&session.require().unwrap())).unwrap();
    let remove = |proof: &Proof| run(world.auth.remove_authenticator(proof, "totp", app));
    assert_eq!(remove(&alone).unwrap_err().kind(), ErrorKind::ProofRequired);
    let rename = world
        .auth
        .rename_authenticator(&alone, "totp", app, "old telephone");
    run(rename).unwrap();
    assert_eq!(remove(&renewed).unwrap().outcome.id(), "accepted");
}

#[test]
fn an_address_serves_first_or_second_factors_never_both() {
    let world = world(&format!("{CODE}policy.second_factor = ['code']\n"));
    let ann = world.sign_up_proved(ANN);
    // However it is spelled: what follows a plus sign is one mailbox's label.
    for same in [ANN, "ANN@Example.com", "ann+codes@example.com"] {
        let error = link_code(&world, &ann, same).unwrap_err();
        assert_eq!(error.violations()[0].rule, "address_on_both_sides", "{same}");
    }
    let ann = link_code(&world, &ann, "ann@second.example").unwrap();
    // The other way round.
    let first = |proof: &Proof, address: &str| {
        run(world
            .auth
            .update_identifier(proof, "email", ANN.as_bytes(), address.as_bytes()))
    };
    let error = first(&ann, "ann@second.example").unwrap_err();
    assert_eq!(error.violations()[0].rule, "address_on_both_sides");
    accepted(first(&ann, "ann@third.example"));
}

#[test]
fn a_second_factor_waits_until_each_address_is_proved() {
    let world = world(&format!(
        "{CODE}provider.pin = {{ kind = 'password', group = 'pin', rule = 'opaque' }}\n\
         policy.second_factor = ['code', 'pin', 'totp']\n"
    ));
    let refused = |of: doorward::Result<Answer<Proof>>| {
        let error = of.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PolicyViolation);
        let broken = &error.violations()[0];
        assert_eq!(broken.rule, "address_unproved");
        assert!(broken.message.contains("`email`"), "{}", broken.message);
        assert!(broken.message.contains("prove it first"), "{}", broken.message);
    };
    // Every way to add something at a second name.
    let everything = |ann: &Proof| {
        refused(run(world.auth.begin_enrollment("totp", None, Some(ann))));
        refused(run(world.auth.link_identity(
            ann,
            "pin",
            b"pin-1",
            password(PASSWORD),
        )));
        let link = world
            .auth
            .begin_link(ann, "code", Some(b"ann@second.example"), Fields::default());
        refused(run(link));
        let nobody = flow(
            run(world
                .auth
                .authenticate("code", Some(b"ann@second.example"), Fields::default()))
            .unwrap(),
        );
        let code = String::from_utf8(mailed(&world, "code").unwrap()).unwrap();
        let Outcome::Unregistered(claim) =
            go_on(&world, &nobody, Fields::from([("code", code.as_str())])).outcome
        else {
            panic!("nobody has it")
        };
        refused(run(world.auth.link_claim(ann, claim.token().expose())));
    };
    let ann = world.sign_up(ANN);
    everything(&ann);
    doorward_tests::prove::address(&world.auth, &ann, "email", ANN);
    let (_, ann) = crate::second_factor::enroll(&world, &ann);
    // A further address that nobody has proved; its proof, and all is open again.
    let further = "ann@work.example";
    let ann = accepted(run(world.auth.link_identity(
        &ann,
        "email",
        further.as_bytes(),
        Fields::default(),
    )));
    everything(&ann);
    doorward_tests::prove::address(&world.auth, &ann, "email", further);
    let ann = link_code(&world, &ann, "ann@second.example").unwrap();
    accepted(run(world.auth.link_identity(
        &ann,
        "pin",
        b"pin-1",
        password(PASSWORD),
    )));
}

#[test]
fn what_an_issuer_asserts_is_no_address_to_prove_first() {
    let world = World::with(&format!(
        "{}policy.second_factor = ['mail']\n",
        crate::context::claims()
    ));
    let code = |text: &str| Fields::from([("code", text)]);
    let claim = |answer: Answer<Proof>| match answer.outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    };
    let made = claim(
        run(world
            .auth
            .authenticate("github", None, code("good:7:bob@work.example")))
        .unwrap(),
    );
    let create = world
        .auth
        .create_user_from_claim(made.token().expose(), doorward::NewUserOptions::default());
    let bob = accepted(run(create));
    let begun = world
        .auth
        .begin_link(&bob, "mail", Some(b"bob@home.example"), Fields::default());
    let made = claim(go_on(&world, &flow(run(begun).unwrap()), code("1234")));
    accepted(run(world.auth.link_claim(&bob, made.token().expose())));
}

#[test]
fn the_last_first_factor_stays_while_second_ones_are_there() {
    let world = world(&format!("{CODE}policy.second_factor = ['code']\n"));
    let ann = world.sign_up_proved(ANN);
    let ann = link_code(&world, &ann, "ann@second.example").unwrap();
    let unlink = |proof: &Proof, provider: &str, address: &str| {
        run(world.auth.unlink_identity(proof, provider, address.as_bytes()))
    };
    assert_eq!(
        unlink(&ann, "email", ANN).unwrap_err().kind(),
        ErrorKind::LastWayIn
    );
    let ann = accepted(unlink(&ann, "code", "ann@second.example"));
    assert_eq!(
        unlink(&ann, "email", ANN).unwrap_err().kind(),
        ErrorKind::LastWayIn
    );
}

#[test]
fn open_refuses_a_policy_that_nobody_could_meet() {
    let refused = |settings: &str| {
        let names = "provider.email.kind = 'password'\nprovider.username.kind = 'password'\n";
        let config = Config::from_toml(&format!("database = 'memory:'\n{names}{settings}")).unwrap();
        Auth::open(&config).unwrap_err().message().to_owned()
    };
    let half = refused("policy.second_factor = ['email']\n");
    assert!(half.contains("`username`") && half.contains("group"), "{half}");
    let pin = "provider.pin = { kind = 'password', group = 'pin', rule = 'opaque' }\n";
    let required = refused(&format!(
        "{pin}policy.second_factor = ['pin']\npolicy.require = true\n"
    ));
    assert!(required.contains("policy.require"), "{required}");
}

#[test]
fn an_issuer_that_asserts_the_second_factors_mailbox_is_told_and_lets_nobody_in_by_it() {
    let world = World::with(&format!(
        "{}policy.second_factor = ['mail', 'passkey']\n",
        crate::context::claims()
    ));
    let code = |text: &str| Fields::from([("code", text)]);
    let claim = |answer: Answer<Proof>| match answer.outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    };
    let issuer = |with: &str| run(world.auth.authenticate("github", None, code(with))).unwrap();
    let ann = world.sign_up_proved(ANN);
    let made = claim(issuer("good:7"));
    let ann = accepted(run(world.auth.link_claim(&ann, made.token().expose())));
    let mail = |proof: &Proof, address: &[u8]| {
        let begun = run(world
            .auth
            .begin_link(proof, "mail", Some(address), Fields::default()))
        .unwrap();
        let made = claim(go_on(&world, &flow(begun), code("1234")));
        run(world.auth.link_claim(proof, made.token().expose()))
    };
    accepted(mail(&ann, b"ann@second.example"));
    assert_eq!(offered(issuer("good:7")), ["mail"]);
    world.events();
    // From now on the issuer says that its account is the second factor's mailbox.
    let asked = flow(issuer("good:7:ann@second.example"));
    assert!(
        world
            .events()
            .iter()
            .any(|event| event.contains("address_on_both_sides"))
    );
    assert_eq!(asked.next()[0].provider, "mail", "asked for all the same");
    let step = flow(go_on(&world, &asked, Fields::default()));
    let proof = go_on(&world, &step, code("1234")).require().unwrap();
    // And whoever has it by another way has two.
    assert_eq!(
        proof
            .factors()
            .iter()
            .filter(|factor| !factor.via.is_empty())
            .count(),
        2
    );
    // Asserted first, it is refused as a second factor.
    let bob = world.sign_up_proved("bob@example.com");
    let made = claim(issuer("good:8:bob@second.example"));
    let bob = accepted(run(world.auth.link_claim(&bob, made.token().expose())));
    let error = mail(&bob, b"bob@second.example").unwrap_err();
    assert_eq!(error.violations()[0].rule, "address_on_both_sides");
}

#[test]
fn c1_c2_c4_what_recovery_reaches_is_no_second_factor() {
    let world = world(&format!(
        "{CODE}provider.pin = {{ kind = 'password', group = 'pin', rule = 'opaque' }}\n\
         policy.second_factor = ['code', 'pin']\n"
    ));
    let ann = world.sign_up(ANN);
    let verify = world
        .auth
        .request_token(TokenPurpose::Verify, "email", ANN.as_bytes(), Some(&ann));
    accepted(run(verify));
    let token = mailed(&world, "token").unwrap();
    run(world.auth.consume_token(&token, Some(&ann)))
        .unwrap()
        .require()
        .unwrap();
    let ann = accepted(run(world.auth.link_identity(
        &ann,
        "pin",
        b"ann-1",
        password("another word of hers"),
    )));
    link_code(&world, &ann, "ann@second.example").unwrap();
    world.advance(3_600);
    let token = |provider: &str, address: &str| {
        mailed(&world, "token");
        let asked = world
            .auth
            .request_token(TokenPurpose::Recovery, provider, address.as_bytes(), None);
        accepted(run(asked));
        mailed(&world, "token")
    };
    // C4: the second factor's own mailbox recovers nothing.
    assert_eq!(token("code", "ann@second.example"), None);
    // C2: nor does the first one's replace the second factor's credentials.
    let good = token("email", ANN).unwrap();
    let replaced = run(world
        .auth
        .update_credentials_with_token(&good, "pin", password(NEW)));
    assert_ne!(replaced.map_or("error", |answer| answer.outcome.id()), "accepted");
    // C1: and it takes no second factor, whatever it is.
    let good = token("email", ANN).unwrap();
    accepted(run(world.auth.update_credentials_with_token(
        &good,
        "email",
        password(NEW),
    )));
    world.advance(60);
    assert_eq!(
        offered(world.try_sign_in(ANN, NEW)),
        ["code"],
        "the PIN would be of the same class"
    );
    let kept = run(world.auth.list_identities(ann.user_id())).unwrap();
    assert!(kept.iter().any(|one| one.provider == "code") && kept.iter().any(|one| one.provider == "pin"));
}
