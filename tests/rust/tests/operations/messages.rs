//! Messages of kinds (`doorward.deliver/1`): queued with the flow, the record or the user, or not at all. The kind is
//! `tests/plugins/courier.c`, which writes to whoever is named, known or not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use doorward::{Answer, Delivery, ErrorKind, Fields, FlowHandle, NewUserOptions, Outcome, Proof, Settlement};

use crate::context::{World, accepted, run};

const LEASE: Duration = Duration::from_mins(1);

/// The configuration of the kind, built once.
fn courier() -> String {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("courier-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let object = folder.join("courier.so");
        let flags = [
            "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
        ];
        let made = Command::new("cc")
            .args(flags)
            .args(["-fvisibility=hidden", "-I"])
            .arg(root.join("include"))
            .arg(root.join("tests/plugins/courier.c"))
            .arg("-o")
            .arg(&object)
            .status();
        assert!(made.unwrap().success());
        object.canonicalize().unwrap()
    });
    format!(
        "plugin.courier.path = '{}'\nprovider.mail.kind = 'courier'\n",
        built.display()
    )
}

fn world() -> World {
    World::with(&courier())
}

fn how(text: &str) -> Fields {
    Fields::from([("do", text)])
}

fn sign_up(world: &World, who: &str, with: &str) -> doorward::Result<Answer<Proof>> {
    let options = NewUserOptions::default();
    run(world.auth.create_user("mail", who.as_bytes(), how(with), options))
}

fn begin(world: &World, who: &str, with: &str) -> doorward::Result<Answer<Proof>> {
    run(world.auth.authenticate("mail", Some(who.as_bytes()), how(with)))
}

fn flow(answer: doorward::Result<Answer<Proof>>) -> FlowHandle {
    match answer.unwrap().outcome {
        Outcome::Continue(flow) | Outcome::Refused(Some(flow)) => flow,
        other => panic!("{other:?}"),
    }
}

fn step(world: &World, flow: &FlowHandle, code: &str) -> doorward::Result<Answer<Proof>> {
    let code = Fields::from([("code", code)]);
    run(world.auth.continue_flow(flow.token().expose(), None, code))
}

fn mail(world: &World) -> Vec<Delivery> {
    let taken = run(world.auth.take_deliveries(100, LEASE)).unwrap();
    for one in &taken {
        run(world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered))
        .unwrap();
    }
    taken
}

fn templates(world: &World) -> Vec<String> {
    mail(world).into_iter().map(|one| one.template).collect()
}

#[test]
fn a_kinds_message_goes_with_the_user_or_the_flow_that_it_is_about() {
    let world = world();
    let proof = accepted(sign_up(&world, "ann@example.com", ""));
    let welcome = &mail(&world)[0];
    assert_eq!(
        (
            welcome.channel.as_str(),
            welcome.address.as_str(),
            welcome.template.as_str()
        ),
        ("email", "ann@example.com", "courier.welcome")
    );
    assert_eq!(
        (welcome.provider.as_str(), welcome.user_id),
        ("mail", Some(proof.user_id()))
    );
    assert_eq!(welcome.params.named("code").unwrap().expose(), b"4711");
    // Taken: no user, no welcome.
    let taken = sign_up(&world, "ann@example.com", "").unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert!(mail(&world).is_empty());

    let begun = flow(begin(&world, "ann@example.com", "four"));
    assert_eq!(templates(&world), vec!["courier.code"; 4]);
    let denied = flow(step(&world, &begun, "1234"));
    assert!(mail(&world).is_empty(), "nothing is sent with a refusal");
    let again = flow(step(&world, &denied, "again"));
    assert_eq!(templates(&world), ["courier.code"]);
    accepted(step(&world, &again, "4711"));
    assert!(mail(&world).is_empty());
    assert!(matches!(
        step(&world, &again, "again").unwrap().outcome,
        Outcome::Refused(None)
    ));
    assert!(mail(&world).is_empty(), "the flow is spent");
}

#[test]
fn nothing_is_sent_with_a_refusal_an_error_or_a_verification_that_is_over() {
    let world = world();
    accepted(sign_up(&world, "ann@example.com", ""));
    mail(&world);
    for (with, outcome) in [("deny", "refused"), ("silent", "refused"), ("accept", "accepted")] {
        assert_eq!(
            begin(&world, "ann@example.com", with).unwrap().outcome.id(),
            outcome
        );
        assert!(mail(&world).is_empty(), "{with}");
    }
    let down = begin(&world, "ann@example.com", "fail").unwrap_err();
    assert_eq!(down.kind(), ErrorKind::Unavailable);
    assert!(mail(&world).is_empty());
}

#[test]
fn a_decoys_messages_are_stored_and_never_sent() {
    let world = world();
    accepted(sign_up(&world, "ann@example.com", ""));
    mail(&world);
    let known = flow(begin(&world, "ann@example.com", ""));
    assert_eq!(mail(&world).len(), 1);
    let unknown = flow(begin(&world, "nobody@example.com", ""));
    assert_eq!(known.next().len(), unknown.next().len());
    // Two rows, so far: the flow's, and its message, which goes when it is looked at.
    world.advance(700);
    let purged = run(world.auth.purge_expired()).unwrap();
    assert_eq!(
        (purged.flows, purged.others),
        (2, 1),
        "the decoy's message was a row like any other"
    );
    let unknown = flow(begin(&world, "nobody@example.com", ""));
    assert!(mail(&world).is_empty());
    // Whatever is answered: the code of somebody who does not exist is never right.
    assert!(matches!(
        step(&world, &unknown, "4711").unwrap().outcome,
        Outcome::Refused(Some(_))
    ));
    assert!(mail(&world).is_empty());
}

#[test]
fn a_message_that_breaks_the_rules_voids_the_reply() {
    let world = world();
    accepted(sign_up(&world, "ann@example.com", ""));
    mail(&world);
    for lie in [
        "five",
        "bad_channel",
        "null_channel",
        "bad_template",
        "long_template",
        "no_address",
        "null_address",
        "long_address",
        "two_lines",
        "not_utf8",
        "param_twice",
        "many_params",
        "param_unnamed",
        "param_long",
        "param_null",
        "param_not_utf8",
        "endless",
        "too_much",
        "foreign",
    ] {
        for told in [
            begin(&world, "ann@example.com", lie),
            sign_up(&world, "new@example.com", lie),
        ] {
            let error = told.map(|answer| answer.outcome.id()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PluginFault, "{lie}: {error}");
        }
        assert!(mail(&world).is_empty(), "{lie}");
    }
    assert_eq!(run(world.auth.stats()).unwrap().users, 1);
}

#[test]
fn a_message_expires_with_its_flow_unless_the_kind_says_otherwise() {
    let world = world();
    accepted(sign_up(&world, "ann@example.com", ""));
    mail(&world);
    flow(begin(&world, "ann@example.com", ""));
    flow(begin(&world, "ann@example.com", "hour"));
    world.advance(601);
    assert_eq!(mail(&world).len(), 1, "of the one that is good for an hour");
}
