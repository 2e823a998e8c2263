//! `doorward plugin check` notices each broken promise, and nothing where none is broken.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// What is broken in `plugins/kit/tests/broken.c`; the kind; the checks that must notice; those that may.
const BROKEN: &[Row] = &[
    ("", "word", &[], &[]),
    ("", "two", &[], &[]),
    ("", "echo", &[], &[]),
    ("FILE", "word", &["file"], &[]),
    ("LOAD", "word", &["load"], &[]),
    ("ABI", "word", &["abi"], &[]),
    ("OLD_HOST", "word", &["old_host"], &[]),
    ("NEW_HOST", "word", &["new_host"], &[]),
    ("BARE_HOST", "word", &["bare_host"], &[]),
    ("LIFECYCLE", "word", &["lifecycle"], &[]),
    ("LIFECYCLE_MEMORY", "word", &["lifecycle"], &[]),
    ("LIFECYCLE_DESCRIPTORS", "word", &["lifecycle"], EVERYTHING),
    ("LIFECYCLE_SIGNALS", "word", &["lifecycle"], &[]),
    ("LIFECYCLE_ATEXIT", "word", &["lifecycle"], &[]),
    ("CREDENTIALS_SOMETIMES", "word", &["credentials"], EVERYTHING),
    ("SECRETS_DESCRIBED", "word", &["secrets"], &["describe", "fuzz"]),
    ("DESCRIBE", "word", &["describe"], &["fuzz"]),
    ("DESCRIBE_LENGTH", "word", &["describe", "fuzz"], &[]),
    ("DESCRIBE_RECORD", "word", &["describe"], &[]),
    ("MESSAGE", "word", &["lifecycle"], &[]),
    ("NORMALIZE_AGAIN", "word", &["normalize"], &[]),
    (
        "NORMALIZE_PROCESS",
        "word",
        &["normalize"],
        &["vectors", "old_host", "new_host"],
    ),
    ("NORMALIZE_PURE", "word", &["normalize"], &[]),
    (
        "NORMALIZE_STATE",
        "word",
        &["normalize"],
        &[
            "vectors",
            "old_host",
            "new_host",
            "lifecycle",
            "concurrency",
            "fuzz",
        ],
    ),
    // One denied step, and the challenge stands no more.
    ("VECTORS_ECHO", "echo", &["vectors"], EVERYTHING),
    // What is typed and was never shown is a secret, also where a challenge is asked for.
    ("SECRETS_ECHO", "echo", &["secrets"], EVERYTHING),
    ("VECTORS", "word", &["vectors"], &["old_host", "new_host"]),
    ("LOAD_UMASK", "word", &["load"], &["abi"]),
    ("LOAD_ENTRY", "word", &["load"], &[]),
    ("ABI_FLAGS", "word", &["abi"], &[]),
    ("CREDENTIALS", "word", &["credentials"], &["fuzz"]),
    ("CREDENTIALS_NUL", "word", &["credentials"], &["fuzz"]),
    ("RECORDS", "word", &["records"], &["fuzz"]),
    ("RECORDS_UNREAD", "word", &["records"], &["fuzz"]),
    ("DECOY", "word", &["decoy"], &[]),
    ("DECOY_TIME", "word", &["decoy"], &[]),
    (
        "DECOY_ANSWER",
        "two",
        &["decoy"],
        &["vectors", "old_host", "new_host"],
    ),
    ("FLOWS", "two", &["flows"], &["records"]),
    // Isolated, a worker that `concurrency` begins may get a second step before any first one: then that sees it, too.
    ("FLOWS_MEMORY", "two", &["flows"], &["concurrency"]),
    ("CONCURRENCY", "word", &["concurrency"], &[]),
    ("DEADLINE", "word", &["deadline"], &[]),
    ("DECOY_LIMIT", "two", &["decoy"], &[]),
    ("LIMITS", "two", &["limits"], &[]),
    ("LIMITS_CHALLENGE", "two", &["limits"], &[]),
    ("LIMITS_SENT", "two", &["limits"], &[]),
    ("FAULTS", "word", &["faults"], &[]),
    ("FAULTS_CRASH", "two", &["faults"], &[]),
    ("FUZZ", "word", &["fuzz"], &[]),
    ("SECRETS", "word", &["secrets"], &[]),
    ("SECRETS_PRINTED", "word", &["secrets"], &[]),
    // One buffer for all threads is fine in a kind that says SERIAL.
    ("CONCURRENCY -DSERIALLY", "word", &[], &[]),
];

/// Of what goes wrong now and then, or wears out the process, every check may see something.
const EVERYTHING: &[&str] = &[
    "vectors",
    "flows",
    "old_host",
    "new_host",
    "lifecycle",
    "records",
    "decoy",
    "concurrency",
    "deadline",
    "faults",
    "fuzz",
    "secrets",
    "credentials",
];

/// The broken ones that are tried in a process of their own, too, as all whole ones are: what is broken shows there otherwise.
const ISOLATED: [&str; 5] = ["FILE", "FLOWS_MEMORY", "FUZZ", "NORMALIZE_PROCESS", "VECTORS"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Tests run at the same time, and each compiles its own.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The C plugin of that source, with one promise broken.
fn compiled(source: &str, broken: &str) -> PathBuf {
    let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "{name}-{broken}-{}.so",
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    let mut cc = Command::new("cc");
    cc.args([
        "-std=gnu11",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
    ]);
    cc.arg("-I").arg(repository().join("include"));
    if !broken.is_empty() {
        cc.args(format!("-DBREAK_{broken}").split(' '));
    }
    let built = cc
        .arg(repository().join(source))
        .arg("-o")
        .arg(&object)
        .status()
        .unwrap();
    assert!(built.success(), "{source} does not compile with {broken:?}");
    object
}

fn check(object: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["plugin", "check"])
        .arg(object)
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let printed = String::from_utf8_lossy(&output.stdout);
        panic!("{error}: {printed}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// The checks that failed or crashed, and everything that was found.
fn failed(report: &Value) -> (BTreeSet<String>, String) {
    let cases = report["cases"].as_array().unwrap();
    let failed = cases
        .iter()
        .filter(|case| ["fail", "crash"].contains(&case["status"].as_str().unwrap()));
    let (checks, found): (BTreeSet<String>, Vec<String>) = failed
        .map(|case| (case["check"].as_str().unwrap().to_owned(), format!("{case:#}")))
        .unzip();
    (checks, found.join("\n"))
}

#[test]
fn each_broken_promise_is_noticed_by_the_check_that_demands_it() {
    let vectors = |kind: &str| repository().join(format!("plugins/kit/tests/{kind}.toml"));
    let rows = Mutex::new(BROKEN.iter());
    let wrong = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(row) = rows.lock().unwrap().next() else {
                        return;
                    };
                    if let Err(why) = judge(row, &vectors(row.1)) {
                        writeln!(wrong.lock().unwrap(), "{why}").unwrap();
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}

type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// Runs the kit on one broken plugin.
fn judge((broken, kind, must, may): &Row, vectors: &Path) -> Result<(), String> {
    let object = compiled("plugins/kit/tests/broken.c", broken);
    let arguments = ["--json", "--kind", kind, "--vectors", vectors.to_str().unwrap()];
    let mut arguments = arguments.to_vec();
    if !must.is_empty() && !ISOLATED.contains(broken) {
        arguments.push("--in-process-only");
    }
    let output = check(&object, &arguments);
    let report = json(&output);
    let (failed, found) = failed(&report);
    let unnoticed: Vec<_> = must.iter().filter(|check| !failed.contains(**check)).collect();
    let expected = |check: &&String| must.contains(&check.as_str()) || may.contains(&check.as_str());
    let unexpected: Vec<_> = failed.iter().filter(|check| !expected(check)).collect();
    let passes = must.is_empty();
    let agrees = output.status.code() == Some(i32::from(!passes)) && report["passed"] == passes;
    if unnoticed.is_empty() && unexpected.is_empty() && agrees {
        return Ok(());
    }
    Err(format!(
        "{broken:?}: not noticed by {unnoticed:?}, but by {unexpected:?}, {}\n{found}",
        output.status
    ))
}

#[test]
fn every_failure_says_what_is_demanded_where_and_how_to_see_it_again() {
    let object = compiled("plugins/kit/tests/broken.c", "LOAD");
    let text = String::from_utf8(check(&object, &["--only", "load"]).stdout).unwrap();
    for part in [
        "FAIL  load",
        "its load changed the process: descriptor",
        "demanded:  mapping the file",
        "include/doorward_plugin.h",
        "reproduce: doorward plugin check",
        "--only load --seed 1",
        "0 passed, 1 failed, 0 warned, 0 skipped",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn a_case_that_hangs_or_leaves_is_a_crash_and_names_its_last_question() {
    let vectors = repository().join("plugins/kit/tests/word.toml");
    for (broken, how) in [
        ("HANG", "not done after 1 s, at: case \"wrong\""),
        ("EXIT", "exit code 0, at: case \"wrong\""),
    ] {
        let object = compiled("plugins/kit/tests/broken.c", broken);
        let arguments = [
            "--only",
            "vectors",
            "--kind",
            "word",
            "--timeout",
            "1",
            "--in-process-only",
            "--vectors",
            vectors.to_str().unwrap(),
        ];
        let output = check(&object, &arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("CRASH vectors") && text.contains(how),
            "{broken}: {text}"
        );
        assert_eq!(output.status.code(), Some(1), "{broken}");
    }
}

#[test]
fn mistakes_of_the_caller_are_no_failures_of_the_plugin() {
    let object = compiled("plugins/kit/tests/broken.c", "");
    for arguments in [
        &["--only", "everything"][..],
        &["--vectors", "/nonexistent"],
        &["--kind", "nobody"],
        &["--seed", "many"],
        &["--colour"],
        &["--in-process-only", "--isolated-only"],
    ] {
        let output = check(&object, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    let nothing = check(Path::new("/nonexistent.so"), &[]);
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn the_templates_keep_the_contract() {
    let object = compiled("plugins/template/c/pin.c", "");
    let vectors = repository().join("plugins/template/c/vectors.toml");
    let output = check(&object, &["--json", "--vectors", vectors.to_str().unwrap()]);
    let (failed, found) = failed(&json(&output));
    assert!(failed.is_empty(), "{found}");
    assert!(output.status.success());
}

#[test]
fn what_is_shown_before_it_is_typed_is_no_secret_and_is_said_to_be_none() {
    let object = compiled("plugins/kit/tests/broken.c", "");
    let vectors = repository().join("plugins/kit/tests/echo.toml");
    let arguments = [
        "--json",
        "--kind",
        "echo",
        "--only",
        "secrets",
        "--vectors",
        vectors.to_str().unwrap(),
    ];
    let report = json(&check(&object, &arguments));
    assert_eq!(report["passed"], true, "{report:#}");
    for case in report["cases"].as_array().unwrap() {
        let warnings = case["warnings"].to_string();
        assert!(warnings.contains("declared SECRET"), "{case:#}");
        assert!(warnings.contains("\\\"nonce\\\""), "{case:#}");
    }
}
