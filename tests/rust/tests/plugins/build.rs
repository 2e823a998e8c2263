//! Plugins built for one test each, in a folder that nobody else may write to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use doorward::plugin::PluginSettings;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A new folder of this test's own.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "plugins-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Compiles a C plugin of the repository to a new file; `defines` are `NAME=value`.
pub(crate) fn c(source: &str, defines: &[&str]) -> PathBuf {
    let object = folder().join("plugin.so");
    compile(&root().join(source), &object, defines);
    object
}

/// Compiles a C source to the given file.
pub(crate) fn compile(source: &Path, object: &Path, defines: &[&str]) {
    compile_with(source, object, defines, &[]);
}

/// The same with more options, after the source.
pub(crate) fn compile_with(source: &Path, object: &Path, defines: &[&str], options: &[&str]) {
    let output = Command::new("cc")
        .args([
            "-std=c11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
        ])
        .args(defines.iter().map(|define| format!("-D{define}")))
        .arg("-I")
        .arg(root().join("include"))
        .arg(source)
        .arg("-o")
        .arg(object)
        .args(options)
        .output()
        .expect("a C compiler named cc");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The TOTP plugin, which cargo builds for these tests.
pub(crate) fn totp() -> PathBuf {
    beside("libdoorward_totp.so")
}

/// A shared object that cargo builds for these tests.
pub(crate) fn beside(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(name)
}

/// The setting for the file, without a pin.
pub(crate) fn settings(object: &Path) -> PluginSettings {
    PluginSettings {
        name: "tested".into(),
        path: object.to_owned(),
        sha256: None,
        kinds: Vec::new(),
        isolation: None,
    }
}

/// SHA-256 of the file as `sha256sum` prints it.
pub(crate) fn sha256(object: &Path) -> String {
    let output = Command::new("sha256sum").arg(object).output().expect("sha256sum");
    String::from_utf8(output.stdout)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}
