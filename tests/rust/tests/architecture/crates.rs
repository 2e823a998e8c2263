//! What each crate stands on, and what is built with it.

use std::collections::BTreeSet;

use super::{root, table};

#[test]
fn crates_depend_in_one_direction() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(members, _)| members)
        .expect("the workspace has members");
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    let mut listed = BTreeSet::new();
    for row in table("Crates") {
        let [name, folder, depends] = &row[..] else {
            panic!("three cells: {row:?}")
        };
        listed.insert(folder[0].clone());
        let manifest = std::fs::read_to_string(root().join(&folder[0]).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains(&format!("name = \"{}\"", name[0])),
            "{folder:?} is not {name:?}"
        );
        let real = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
        let real = real.split("\n[").next().unwrap_or_default();
        let real: BTreeSet<&str> = real
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| name.starts_with("doorward"))
            .collect();
        let expected: BTreeSet<&str> = depends.iter().map(String::as_str).collect();
        assert_eq!(real, expected, "{}", name[0]);
    }
    assert_eq!(
        listed.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        members
    );
}

/// The crates that a crate of ours is built with.
fn built_with(package: &str, features: &[&str]) -> BTreeSet<String> {
    let told = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--package", package])
        .args(features)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        told.status.success(),
        "{package}: {}",
        String::from_utf8_lossy(&told.stderr)
    );
    let told = String::from_utf8(told.stdout).unwrap();
    told.lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_worker_has_no_database_driver_and_no_tls() {
    let built = built_with("doorward-plugin-host", &[]);
    assert!(built.contains("doorward-runtime"), "{built:?}");
    for crate_name in [
        "doorward",
        "rusqlite",
        "sqlx",
        "sqlx-core",
        "ureq",
        "rustls",
        "ring",
    ] {
        assert!(!built.contains(crate_name), "a worker is built with {crate_name}");
    }
}

#[test]
fn what_an_author_ships_has_nothing_of_the_host() {
    for plugin in ["doorward-template", "doorward-totp"] {
        let built = built_with(plugin, &[]);
        let ours: Vec<&str> = (built.iter().map(String::as_str))
            .filter(|name| name.starts_with("doorward") && *name != plugin)
            .collect();
        assert_eq!(ours, ["doorward-plugin", "doorward-plugin-abi"], "{plugin}");
    }
}

#[test]
fn an_engine_that_is_not_wanted_is_not_built() {
    for package in ["doorward", "doorward-ffi", "doorward-python"] {
        for (feature, there, absent) in [
            ("sqlite", "rusqlite", "sqlx-core"),
            ("postgres", "sqlx-core", "rusqlite"),
        ] {
            let built = built_with(package, &["--no-default-features", "--features", feature]);
            assert!(built.contains(there), "{package}, {feature}: no {there}");
            assert!(!built.contains(absent), "{package}: {feature} brings {absent}");
        }
    }
}
