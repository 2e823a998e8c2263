//! Which paths are touched while a plugin is loaded, as the kernel sees it: nothing but the plugin and the libraries it
//! needs, whatever working directory and environment the process has.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where it cannot go on"
)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a plugin of the repository.
fn plugin(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let object = folder.join("plugin.so");
    let status = Command::new("cc")
        .args([
            "-std=c11",
            "-O1",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
            "-DCHANGE='n'",
            "-I",
        ])
        .arg(root.join("include"))
        .arg(root.join("tests/plugins/careless.c"))
        .args(["-o", object.to_str().unwrap()])
        .status()
        .expect("a C compiler named cc");
    assert!(status.success());
    object
}

/// The paths that the program asks the kernel about between its marks.
fn touched(object: &Path, directory: &Path, environment: &[(&str, &Path)]) -> BTreeSet<String> {
    let trace = directory.with_extension("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=%file", "-o"]).arg(&trace);
    for (name, value) in environment {
        // For the traced program only: strace itself is not to be led astray.
        command.arg("-E").arg(format!("{name}={}", value.display()));
    }
    let output = command
        .arg(env!("CARGO_BIN_EXE_load_plugin"))
        .arg(object)
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .expect("strace");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(&trace).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mark = |name: &str| {
        lines
            .iter()
            .position(|line| line.contains(&format!("/doorward-mark/{name}")))
            .unwrap()
    };
    lines[mark("begin") + 1..mark("end")]
        .iter()
        .filter_map(|line| line.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

#[test]
fn loading_touches_the_plugin_and_what_it_needs_and_nothing_else() {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("paths-{}", std::process::id()));
    let (good, hostile) = (base.join("good"), base.join("hostile"));
    for folder in [&good, &hostile] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let object = plugin(&good).canonicalize().unwrap();
    // Where the process stands there are files with all the right names, and the environment points at them.
    for name in ["plugin.so", "libc.so.6", "doorward.toml", "doorward_plugin.so"] {
        std::fs::write(hostile.join(name), "not a library").unwrap();
    }
    std::fs::set_permissions(&hostile, std::fs::Permissions::from_mode(0o777)).unwrap();
    let environment = [
        "DOORWARD_PLUGIN_PATH",
        "DOORWARD_PROVIDER_PATH",
        "HOME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "PWD",
    ]
    .map(|name| (name, hostile.as_path()));
    let touched = touched(&object, &hostile, &environment);

    let own: Vec<&str> = object.ancestors().filter_map(Path::to_str).collect();
    let allowed = |path: &str| {
        // fstat asks about a descriptor, by an empty path.
        path.is_empty()
            || own.contains(&path)
            || path.starts_with("/proc/self/fd/")
            || ["/proc/self/maps", "/proc/self/status", "/etc/ld.so.cache"].contains(&path)
            // The C library, by its absolute name: what the plugin needs. Nothing else is searched for.
            || ((path.starts_with("/lib/") || path.starts_with("/usr/lib/")) && path.ends_with("/libc.so.6"))
    };
    let others: Vec<&String> = touched
        .iter()
        // getcwd answers with the working directory; it asks about no path.
        .filter(|path| !allowed(path) && Path::new(path) != hostile)
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    for needed in [object.to_str().unwrap(), "/proc/self/maps"] {
        assert!(
            touched.contains(needed),
            "the trace shows what happens: {needed} in {touched:#?}"
        );
    }
    assert!(
        !touched
            .iter()
            .any(|path| Path::new(path).starts_with(&hostile) && Path::new(path) != hostile),
        "{touched:#?}"
    );
    std::fs::remove_dir_all(&base).unwrap();
}
