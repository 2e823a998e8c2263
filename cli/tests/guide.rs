//! `docs/plugins.md`, followed word for word: its first commands, its configuration, its sign-in.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::process::Command;

use doorward::{Auth, Config, Fields, NewUserOptions, Outcome};

const GUIDE: &str = include_str!("../../docs/plugins.md");

/// The first block in that language.
fn block(language: &str) -> &'static str {
    let block = GUIDE.split(&format!("\n```{language}\n")).nth(1).unwrap();
    block.split("\n```\n").next().unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    doorward::block_on(future)
}

#[test]
fn the_guide_leads_from_nothing_to_an_accepted_sign_in() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let command = Path::new(env!("CARGO_BIN_EXE_doorward")).parent().unwrap();
    let prepared = format!("PATH={}:$PATH\n{}", command.display(), block("sh"));
    let shell = Command::new("sh")
        .args(["-euc", &prepared])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&shell.stdout);
    assert!(
        shell.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&shell.stderr)
    );
    assert!(said.contains(" 0 failed, 0 warned"), "{said}");

    let configuration =
        block("toml").replace("/absolute/path/to", folder.join("member_pin").to_str().unwrap());
    assert!(configuration.contains(folder.to_str().unwrap()));
    let around = "database = 'memory:'\npassword.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n";
    let auth = Auth::open(&Config::from_toml(&format!("{around}{configuration}")).unwrap()).unwrap();
    run(auth.start()).unwrap();
    let credentials = Fields::from([("pin", "493817"), ("word", "windmill")]);
    let created =
        run(auth.create_user("member", b"1234567", credentials, NewUserOptions::default())).unwrap();
    assert!(matches!(created.outcome, Outcome::Accepted(_)));
    let pin = Fields::from([("pin", "493817")]);
    let first = run(auth.authenticate("member", Some(b"1234567"), pin)).unwrap();
    let Outcome::Continue(flow) = first.outcome else {
        panic!("{first:?}")
    };
    // The challenge "position" says 1: the first character of the word, please.
    let character = Fields::from([("character", "w")]);
    let second = run(auth.continue_flow(flow.token().expose(), None, character)).unwrap();
    assert!(matches!(second.outcome, Outcome::Accepted(_)));
    let stated = "assert!(matches!(second.outcome, Outcome::Accepted(_)));";
    assert!(
        block("rust").ends_with(stated),
        "the guide's first program is this one"
    );
    let wrong = Fields::from([("pin", "493818")]);
    let refused = run(auth.authenticate("member", Some(b"1234567"), wrong)).unwrap();
    assert!(!matches!(
        refused.outcome,
        Outcome::Continue(_) | Outcome::Accepted(_)
    ));
    run(auth.stop()).unwrap();
}

#[test]
fn the_vectors_of_the_guide_are_the_templates() {
    let template = include_str!("../../plugins/template/c/vectors.toml");
    let blocks: Vec<&str> = GUIDE.split("\n```toml\n").skip(1).collect();
    let shown = blocks.iter().find(|block| block.contains("[[case]]")).unwrap();
    let shown = shown.split("\n```\n").next().unwrap();
    for case in shown.split("\n\n") {
        assert!(template.contains(case), "not in the template's vectors:\n{case}");
    }
}
