//! From a path to checked kinds: what is refused, and why the message says what to do.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use doorward::ErrorKind;
use doorward::plugin::{Decision, Kinds, Operation, PluginSettings, PoolSettings};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, kinds, open, services};

fn refusal(settings: &PluginSettings) -> doorward::Error {
    match Kinds::load(
        std::slice::from_ref(settings),
        &[],
        services().0,
        PoolSettings::of(1),
    ) {
        Ok(_) => panic!("{settings:?} was loaded"),
        Err(error) => error,
    }
}

#[test]
fn a_wrong_pin_is_refused_and_both_hashes_are_named() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let (right, wrong) = (build::sha256(&object), "0".repeat(64));
    let error = refusal(&PluginSettings {
        sha256: Some(wrong.clone()),
        ..build::settings(&object)
    });
    assert_eq!(error.kind(), ErrorKind::PluginRefused);
    assert!(
        error.message().contains(&right) && error.message().contains(&wrong),
        "{error}"
    );
    let pinned = PluginSettings {
        sha256: Some(right),
        ..build::settings(&object)
    };
    Kinds::load(&[pinned], &[], services().0, PoolSettings::of(1)).unwrap();
}

#[test]
fn two_pinned_plugins_in_one_process_each_verify_what_is_theirs() {
    let objects = [
        build::c("tests/plugins/probe.c", &["KIND=\"probe.one\""]),
        build::c("tests/plugins/probe.c", &["KIND=\"probe.two\""]),
    ];
    let pinned = objects.each_ref().map(|object| PluginSettings {
        sha256: Some(build::sha256(object)),
        ..build::settings(object)
    });
    let kinds = Kinds::load(&pinned, &[], services().0, PoolSettings::of(1)).unwrap();
    assert_eq!(
        kinds.names().collect::<Vec<_>>(),
        ["password", "probe.one", "probe.two"]
    );
    for name in ["probe.one", "probe.two"] {
        let kind = open(&kinds, name, &json!({ "key": "k" })).unwrap();
        let verdict = answer(&kind, ask(Operation::Verify, &[])).unwrap();
        assert_eq!(verdict.decision, Decision::Accept);
        assert_eq!(verdict.attributes[0].1, json!(format!("|k|3|0|{name}")));
    }
    // Each pin is the pin of its own file: exchanged, both are refused.
    for (file, pin) in [(0, 1), (1, 0)] {
        let exchanged = PluginSettings {
            sha256: pinned[pin].sha256.clone(),
            ..pinned[file].clone()
        };
        assert_eq!(refusal(&exchanged).kind(), ErrorKind::PluginRefused);
    }
}

#[test]
fn one_file_is_loaded_once_and_not_again_after_a_change_in_place() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let (first, second) = (kinds(&object), kinds(&object));
    for kinds in [&first, &second] {
        open(kinds, "probe", &json!({ "key": "k" })).unwrap();
    }
    // Appended to, not rewritten: its mapping is in use.
    let mut file = OpenOptions::new().append(true).open(&object).unwrap();
    file.write_all(&[0]).unwrap();
    let error = refusal(&build::settings(&object));
    assert!(
        error.message().contains("changed after this process loaded it"),
        "{error}"
    );
}

#[test]
fn files_that_others_can_change_are_refused() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let chmod =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let folder = object.parent().unwrap();
    for (path, bad, good) in [
        (object.as_path(), 0o775, 0o755),
        (&object, 0o757, 0o755),
        (folder, 0o775, 0o755),
    ] {
        chmod(path, bad);
        let error = refusal(&build::settings(&object));
        assert!(error.message().contains("chmod go-w"), "{error}");
        chmod(path, good);
    }
    Kinds::load(
        &[build::settings(&object)],
        &[],
        services().0,
        PoolSettings::of(1),
    )
    .unwrap();
}

#[test]
fn only_an_absolute_path_to_a_plugin_is_loaded() {
    let folder = build::folder();
    let text = folder.join("text.so");
    std::fs::write(&text, "not an object").unwrap();
    let empty = folder.join("empty.c");
    std::fs::write(
        &empty,
        "int something_else(void); int something_else(void) { return 1; }",
    )
    .unwrap();
    let other = folder.join("other.so");
    build::compile(&empty, &other, &[]);
    for (path, named) in [
        (Path::new("probe.so"), "absolute"),
        (Path::new("/nonexistent/probe.so"), "No such file"),
        (folder.as_path(), "regular file"),
        (Path::new("/dev/null"), ""),
        (&text, "not an object file"),
        (&other, "exports no doorward_plugin_v1"),
        (Path::new("/proc/self/exe"), ""),
    ] {
        let error = refusal(&build::settings(path));
        assert_eq!(error.kind(), ErrorKind::PluginRefused);
        assert!(error.message().contains(named), "{}: {error}", path.display());
    }
}
