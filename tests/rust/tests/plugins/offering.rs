//! What a plugin offers besides its kinds (`tests/plugins/older.c`): records in their newest format, and its secrets.

use doorward::config::Config;
use doorward::plugin::{Ask, Decision, Kind, Kinds, OpenRecord, Operation, PoolSettings};
use doorward::{Auth, AuthenticatorId, ErrorKind, Fields, NewUserOptions, Outcome, Secret, block_on};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, kinds, open, services};

fn record(format: u8, bytes: &str, id: u8) -> OpenRecord {
    OpenRecord {
        id: AuthenticatorId::from_bytes([id; 16]),
        version: 1,
        bytes: Secret::new([&[0, 0, 0, format], bytes.as_bytes()].concat()),
        label: String::new(),
    }
}

fn verify(word: &str, records: Vec<OpenRecord>) -> Ask {
    Ask {
        records,
        ..ask(Operation::Verify, &[("word", word)])
    }
}

fn older(defines: &[&str]) -> (Kinds, Kind) {
    let kinds = kinds(&build::c("tests/plugins/older.c", defines));
    let kind = open(&kinds, "older", &json!({})).unwrap();
    (kinds, kind)
}

#[test]
fn older_records_are_rewritten_before_an_operation_sees_them() {
    let (_kinds, kind) = older(&[]);
    let records = vec![
        record(1, "v1:yes", 1),
        record(2, "no", 2),
        record(1, "v1:maybe", 3),
    ];
    let verdict = answer(&kind, verify("yes", records.clone())).unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    let put: Vec<_> = verdict
        .migrated
        .iter()
        .map(|put| (put.replaces.unwrap(), put.bytes.expose().to_vec()))
        .collect();
    let rewritten = |id, word: &str| {
        let one = record(2, word, id);
        (one.id, one.bytes.expose().to_vec())
    };
    assert_eq!(put, [rewritten(1, "yes"), rewritten(3, "maybe")]);
    // A refusal rewrites them as well; what is new already is left alone.
    assert_eq!(answer(&kind, verify("?", records)).unwrap().migrated.len(), 2);
    let newest = answer(&kind, verify("no", vec![record(2, "no", 2)])).unwrap();
    assert!(newest.decision == Decision::Accept && newest.migrated.is_empty());
    assert_eq!(kind.faults(), 0);
    // Without the extension the operation gets what is stored.
    let (_kinds, kind) = older(&["WITHOUT_MIGRATE=1"]);
    let error = answer(&kind, verify("yes", vec![record(1, "v1:yes", 1)])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn a_record_that_cannot_be_rewritten_lets_nobody_in() {
    let (_kinds, kind) = older(&[]);
    for (word, expected) in [
        ("deny", ErrorKind::Corrupt),
        ("format", ErrorKind::Corrupt),
        ("verdictless", ErrorKind::Corrupt),
        ("down", ErrorKind::Unavailable),
        ("nothing", ErrorKind::PluginFault),
        ("new", ErrorKind::PluginFault),
        ("long", ErrorKind::PluginFault),
    ] {
        let records = vec![record(1, &format!("v1:{word}"), 1)];
        let error = answer(&kind, verify(word, records)).unwrap_err();
        assert_eq!(error.kind(), expected, "{word}");
    }
    assert_eq!(kind.faults(), 3);
}

#[test]
fn an_option_that_the_plugin_calls_secret_is_one() {
    let folder = build::folder();
    std::fs::write(folder.join("key"), "from a file\n").unwrap();
    let kinds = kinds(&build::c("tests/plugins/older.c", &[]));
    open(&kinds, "older", &json!({ "gateway": { "key": "k" } })).unwrap();
    open(
        &kinds,
        "older",
        &json!({ "gateway": { "key": { "file": folder.join("key") } } }),
    )
    .unwrap();
    for option in ["gateway", "number", "no.such", "gateway.key.more"] {
        let object = build::c("tests/plugins/older.c", &[&format!("SECRET_OPTION=\"{option}\"")]);
        let refused = Kinds::load(
            &[build::settings(&object)],
            &[],
            services().0,
            PoolSettings::of(1),
        );
        let error = refused.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginRefused);
        assert!(error.message().contains(option), "{error}");
    }
}

/// Signs in with the plugin built this way, in a process of its own or not.
fn sign_in(database: &str, object: &std::path::Path, new: bool) -> doorward::Result<bool> {
    let text = format!(
        "database = 'sqlite:{database}'\npassword.memory_kib = 64\n\
         password.passes = 1\npassword.unsafe_fast_hashes = true\nplugin.older.path = '{}'\n\
         provider.older.kind = 'older'\n",
        object.display()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap())?;
    block_on(auth.start())?;
    let word = || Fields::from([("word", "yes")]);
    let outcome = if new {
        block_on(auth.create_user("older", b"ann", word(), NewUserOptions::default()))
            .map(|answer| answer.outcome)
    } else {
        block_on(auth.authenticate("older", Some(b"ann"), word())).map(|answer| answer.outcome)
    };
    block_on(auth.stop())?;
    outcome.map(|outcome| matches!(outcome, Outcome::Accepted(_)))
}

#[test]
fn a_rewritten_record_is_stored() {
    let folder = build::folder();
    let database = folder.join("older.db").display().to_string();
    let built = |defines: &[&str]| build::c("tests/plugins/older.c", defines);
    let (first, second) = (built(&["VERSION=1"]), built(&[]));
    let without = built(&["WITHOUT_MIGRATE=1"]);
    assert!(sign_in(&database, &first, true).unwrap());
    assert!(sign_in(&database, &first, false).unwrap());
    assert_eq!(
        sign_in(&database, &without, false).unwrap_err().kind(),
        ErrorKind::Corrupt,
        "nothing has rewritten it yet"
    );
    assert!(sign_in(&database, &second, false).unwrap());
    assert!(
        sign_in(&database, &without, false).unwrap(),
        "now it is of version 2"
    );
}
