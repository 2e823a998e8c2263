//! What a kind shows of an authenticator stands in the list, and a kind that cannot show it takes nothing from the list.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};
use doorward::{Fields, NewUserOptions};
use doorward_tests::scratch::Scratch;

use crate::world::{World, accepted, run};

/// The kind `word` of the kit's own plugin, with what breaks it.
fn built(folder: &Scratch, broken: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let object = folder.path().join("word.so");
    let output = Command::new("cc")
        .args(["-std=gnu11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden"])
        .arg(format!("-DBREAK_{broken}"))
        .arg("-I")
        .arg(root.join("include"))
        .arg(root.join("plugins/kit/tests/broken.c"))
        .arg("-o")
        .arg(&object)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    object
}

#[test]
fn a_kind_that_cannot_describe_takes_nothing_from_the_list() {
    for (broken, description) in [
        ("NOTHING", r#"{"words":1}"#),
        // It writes a label besides, more than is shown, and nothing for a minute.
        ("DESCRIBE", "{}"),
        ("DESCRIBE_LENGTH", "{}"),
        ("DESCRIBE_HANG", "{}"),
    ] {
        let folder = Scratch::new();
        let object = built(&folder, broken);
        let more = format!(
            "plugin.word.path = '{}'\nprovider.word.kind = 'word'\n",
            object.display()
        );
        let world = World::with(&[], &more);
        let created = world.auth.create_user(
            "word",
            b"ann",
            Fields::from([("word", "windmill")]),
            NewUserOptions::default(),
        );
        let proof = accepted(run(created));
        let asked = SystemClock.monotonic();
        let listed = run(world.auth.list_authenticators(proof.user_id())).unwrap();
        // The kind itself sleeps for a minute.
        let took = SystemClock.monotonic().saturating_sub(asked);
        assert!(took < Duration::from_mins(1), "{broken}");
        let listed: Vec<_> = listed
            .iter()
            .map(|held| (held.kind.as_str(), held.description.as_str()))
            .collect();
        assert_eq!(listed, [("word", description)], "{broken}");
    }
}
