//! Builds C plugins as their own files say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn out(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn compiler() -> Command {
    let mut command = Command::new("cc");
    command.args([
        "-std=c11",
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-pedantic",
        "-Werror",
        "-I",
    ]);
    command.arg(repository().join("include"));
    command
}

/// The shared object made of `source` (a path in the repository), with `flags` besides the usual ones.
pub(crate) fn plugin(source: &str, name: &str, flags: &[&str]) -> PathBuf {
    let object = out(&format!("{name}.so"));
    let mut command = compiler();
    command
        .args(["-fPIC", "-shared", "-fvisibility=hidden"])
        .args(flags);
    let built = command
        .arg(repository().join(source))
        .arg("-o")
        .arg(&object)
        .status()
        .unwrap();
    assert!(built.success(), "{source} does not compile");
    object
}

/// The shared object made of a C++ source, as `plugins/template/cpp/Makefile` makes it.
pub(crate) fn plugin_in_cpp(source: &str, name: &str) -> PathBuf {
    let object = out(&format!("{name}-cpp.so"));
    let exports = repository().join("plugins/template/cpp/exports.map");
    let built = Command::new("c++")
        .args([
            "-std=c++17",
            "-O1",
            "-g",
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror",
            "-fPIC",
            "-shared",
        ])
        .args(["-fvisibility=hidden", "-static-libstdc++", "-static-libgcc", "-I"])
        .arg(repository().join("include"))
        .arg(repository().join(source))
        .arg(format!("-Wl,--version-script={}", exports.display()))
        .arg("-o")
        .arg(&object)
        .status()
        .unwrap();
    assert!(built.success(), "{source} does not compile");
    object
}

/// What the compiler says of a C++ source that it does not take; empty: it takes it.
pub(crate) fn refused_in_cpp(source: &str) -> String {
    let mut compiler = Command::new("c++")
        .args([
            "-std=c++17",
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror",
            "-fsyntax-only",
            "-I",
        ])
        .arg(repository().join("include"))
        .args(["-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    compiler
        .stdin
        .take()
        .unwrap()
        .write_all(source.as_bytes())
        .unwrap();
    let output = compiler.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

/// A program of `main` with plugins linked into it.
pub(crate) fn program(name: &str, plugins: &[&str], main: &str) -> PathBuf {
    let source = out(&format!("{name}.c"));
    std::fs::write(&source, main).unwrap();
    let mut command = compiler();
    command
        .arg("-DDWP_STATIC")
        .args(plugins.iter().map(|plugin| repository().join(plugin)));
    let built = command.arg(source).arg("-o").arg(out(name)).status().unwrap();
    assert!(built.success(), "{name} does not compile");
    out(name)
}

/// A plugin of `tests/abi/v1`, built with the header of that version.
pub(crate) fn frozen(source: &str) -> PathBuf {
    let (folder, object) = (repository().join("tests/abi/v1"), out(&format!("v1-{source}.so")));
    let built = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Werror",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
            "-I",
        ])
        .arg(&folder)
        .arg(folder.join(source))
        .arg("-o")
        .arg(&object)
        .status()
        .unwrap();
    assert!(built.success(), "{source} does not compile");
    object
}
