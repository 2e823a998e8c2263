//! `docs/plugins.md` from its first command to an accepted sign-in: the C template, built as its README says, serves a name.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use doorward::{
    Answer, Auth, Config, ErrorKind, Fields, FlowHandle, NewUserOptions, Outcome, Proof, SessionOptions,
};

/// `make` in a copy of the folder, where nothing but the header is at hand.
fn template() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("template-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["pin.c", "Makefile"] {
        std::fs::copy(
            repository.join("plugins/template/c").join(file),
            folder.join(file),
        )
        .unwrap();
    }
    let include = format!("INCLUDE={}", repository.join("include").display());
    let made = Command::new("make")
        .arg("-C")
        .arg(&folder)
        .args(["-s", &include])
        .status()
        .unwrap();
    assert!(made.success());
    folder.join("pin.so")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn verify(auth: &Auth, number: &str, pin: &str) -> Answer<Proof> {
    run(auth.authenticate("member", Some(number.as_bytes()), Fields::from([("pin", pin)]))).unwrap()
}

fn step(auth: &Auth, flow: &FlowHandle, character: &str) -> Answer<Proof> {
    let character = Fields::from([("character", character)]);
    run(auth.continue_flow(flow.token().expose(), None, character)).unwrap()
}

fn asked(answer: Answer<Proof>, position: &str) -> FlowHandle {
    let Outcome::Continue(flow) = answer.outcome else {
        panic!("{answer:?}")
    };
    let next = &flow.next()[0];
    assert_eq!(
        next.challenge.named("position").unwrap().expose(),
        position.as_bytes()
    );
    flow
}

#[test]
fn the_template_enrolls_and_signs_in() {
    let configuration = format!(
        "database = 'memory:'\n\
         password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
         plugin.pin.path = '{}'\nprovider.member.kind = 'pin'\n",
        template().display()
    );
    let auth = Auth::open(&Config::from_toml(&configuration).unwrap()).unwrap();
    run(auth.start()).unwrap();

    let short = Fields::from([("pin", "1"), ("word", "mill")]);
    let refused = run(auth.create_user("member", b"1234567", short, NewUserOptions::default())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PolicyViolation);
    let fields = Fields::from([("pin", "493817"), ("word", "windmill")]);
    let created = run(auth.create_user("member", b"1234567", fields, NewUserOptions::default())).unwrap();
    created.require().unwrap();

    for (position, character) in [("1", "w"), ("2", "i")] {
        let flow = asked(verify(&auth, "1234567", "493817"), position);
        let proof = step(&auth, &flow, character).require().unwrap();
        run(auth.create_session(&proof, SessionOptions::default()))
            .unwrap()
            .require()
            .unwrap();
        assert!(
            matches!(step(&auth, &flow, character).outcome, Outcome::Refused(None)),
            "the flow is spent"
        );
    }
    // A denied step costs an attempt and does not send the person back to the start.
    let flow = asked(verify(&auth, "1234567", "493817"), "3");
    let Outcome::Refused(Some(again)) = step(&auth, &flow, "?").outcome else {
        panic!("no further attempt")
    };
    step(&auth, &again, "n").require().unwrap();
    for (number, pin) in [("1234567", "000000"), ("7654321", "493817")] {
        assert!(
            matches!(verify(&auth, number, pin).outcome, Outcome::Refused(None)),
            "{number}"
        );
    }
    run(auth.stop()).unwrap();
}
