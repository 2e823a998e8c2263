//! Every provider of `plugins/` passes the conformance kit with its own vectors, and its README says so.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders of the providers that cargo builds: those that have vectors. Others have a suite of their own.
fn providers() -> Vec<(String, PathBuf)> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let mut found: Vec<_> = std::fs::read_dir(plugins)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            ["Cargo.toml", "vectors.toml"]
                .iter()
                .all(|file| entry.path().join(file).exists())
        })
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    found.sort();
    found
}

#[test]
fn every_provider_passes_the_kit() {
    let built = std::env::current_exe().unwrap();
    let built = built.ancestors().nth(2).unwrap();
    let doorward = built.join("doorward");
    let mut checked = 0;
    for (name, folder) in providers() {
        let object = built.join(format!("libdoorward_{name}.so"));
        for file in [&doorward, &object] {
            assert!(
                file.exists(),
                "build the workspace first: cargo build --workspace ({})",
                file.display()
            );
        }
        let run = Command::new(&doorward)
            .args(["plugin", "check"])
            .arg(&object)
            .arg("--vectors")
            .arg(folder.join("vectors.toml"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(
            run.status.success(),
            "{name}\n{said}\n{}",
            String::from_utf8_lossy(&run.stderr)
        );
        assert!(said.contains(" 0 failed, "), "{name}\n{said}");
        let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(
            readme.contains("doorward plugin check"),
            "plugins/{name}/README.md says nothing of the kit"
        );
        checked += 1;
    }
    assert!(checked >= 7, "{checked}");
}
