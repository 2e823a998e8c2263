//! A PAM stack in a folder of its own, the plugin, and accounts that are nobody's.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use doorward_tests::scratch::Scratch;

/// What the copy of this program is called that runs with other accounts.
const WRAPPED: &str = "pam_under_wrapper";
const WRAPPER: &str = "/usr/lib/x86_64-linux-gnu/libnss_wrapper.so";

/// A folder with the service `tested`.
pub(crate) struct Stack(Scratch);

impl Stack {
    /// `{folder}` in the text is the stack's folder.
    pub(crate) fn of(text: &str) -> Self {
        let folder = Scratch::new();
        let text = text.replace("{folder}", &folder.path().display().to_string());
        std::fs::write(folder.path().join("tested"), text).unwrap();
        Self(folder)
    }

    /// `{program}` in the text is a program with this source.
    pub(crate) fn with_program(text: &str, source: &str) -> Self {
        let program = Scratch::new();
        let path = program.path().join("program");
        std::fs::write(&path, source).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let stack = Self::of(&text.replace("{program}", &path.display().to_string()));
        // As long as the test runs.
        std::mem::forget(program);
        stack
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// The plugin, built as its Makefile says.
pub(crate) fn plugin() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| compiled("plugins/pam/pam.c", "pam", &["-lpam"]))
        .clone()
}

fn compiled(source: &str, name: &str, libraries: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.so", std::process::id()));
    let built = Command::new("cc")
        .args([
            "-std=c11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror",
            "-fPIC",
            "-shared",
        ])
        .args(["-fvisibility=hidden", "-I"])
        .arg(root.join("include"))
        .arg(root.join(source))
        .args(libraries)
        .arg("-o")
        .arg(&object)
        .output()
        .expect("a C compiler named cc");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    object
}

pub(crate) fn is_under_wrapper() -> bool {
    std::env::current_exe().unwrap().ends_with(WRAPPED)
}

/// Runs one test of this program again, with accounts from files of its own.
pub(crate) fn run_under_wrapper(test: &str) {
    let folder = Scratch::new();
    let file = |name: &str| folder.path().join(name);
    let hash = Command::new("openssl")
        .args(["passwd", "-6", "-salt", "doorward", "correct horse"])
        .output()
        .expect("openssl");
    let hash = String::from_utf8(hash.stdout).unwrap();
    let hash = hash.trim();
    let mut passwd = String::from("root:x:0:0:root:/root:/bin/sh\n");
    let mut shadow = String::from("root:*:19000:0:99999:7:::\n");
    // Days since 1970: last change, shortest, longest, warning, inactive, end.
    for (number, (name, hash, days)) in [
        ("dw_ann", hash, "19000:0:99999:7::"),
        ("dw_gone", hash, "19000:0:99999:7::1"),
        ("dw_stale", hash, "1000:0:10:7:5:"),
        ("dw_due", hash, "0:0:99999:7::"),
        ("dw_empty", "", "19000:0:99999:7::"),
        ("dw_locked", &format!("!{hash}"), "19000:0:99999:7::"),
    ]
    .into_iter()
    .enumerate()
    {
        writeln!(
            passwd,
            "{name}:x:{id}:{id}::/nonexistent:/bin/false",
            id = 70000 + number
        )
        .unwrap();
        writeln!(shadow, "{name}:{hash}:{days}:").unwrap();
    }
    std::fs::write(file("passwd"), passwd).unwrap();
    std::fs::write(file("shadow"), shadow).unwrap();
    std::fs::write(file("group"), "root:x:0:\n").unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), file(WRAPPED)).unwrap();
    // Visible, for it takes the place of the C library's.
    let shadows = compiled(
        "tests/plugins/getspnam_r.c",
        "getspnam_r",
        &["-fvisibility=default"],
    );
    let output = Command::new(file(WRAPPED))
        .args(["--exact", test, "--nocapture"])
        .env("LD_PRELOAD", format!("{WRAPPER}:{}", shadows.display()))
        .env("NSS_WRAPPER_PASSWD", file("passwd"))
        .env("NSS_WRAPPER_SHADOW", file("shadow"))
        .env("NSS_WRAPPER_GROUP", file("group"))
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
