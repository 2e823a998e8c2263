//! What a plugin may ask of the dynamic linker and do to the process while it is loaded; and who hears of it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use doorward::ErrorKind;
use doorward::plugin::{Kinds, PoolSettings};
use nix::sys::signal::{SigSet, Signal};

use crate::build;
use crate::context::services;

/// What the copy of this program is called that [`a_privileged_process_loads_nothing_of_other_folders`] starts.
const CHILD: &str = "privileged";

fn careless(defines: &[&str], flags: &[&str]) -> PathBuf {
    let object = build::folder().join("careless.so");
    let source = build::root().join("tests/plugins/careless.c");
    build::compile_with(&source, &object, defines, flags);
    object
}

fn refused(object: &Path) -> String {
    match Kinds::load(&[build::settings(object)], &[], services().0, PoolSettings::of(1)) {
        Ok(_) => panic!("{} was loaded", object.display()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PluginRefused);
            error.message().to_owned()
        }
    }
}

#[test]
fn an_object_that_asks_too_much_of_the_dynamic_linker_is_refused() {
    let nothing = "CHANGE='n'";
    let folder = build::folder();
    let open_folder = folder.join("open");
    std::fs::create_dir(&open_folder).unwrap();
    std::fs::set_permissions(&open_folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let absent = open_folder.join("not-there-yet");
    let rpath = |path: &Path| format!("-Wl,-rpath,{}", path.display());
    for (defines, flag, why) in [
        (
            &[nothing, "EXPORTS"][..],
            "-O1",
            "exports 1 more symbols than doorward_plugin_v1 (another_symbol)",
        ),
        (&[nothing, "STATIC_TLS"], "-O1", "static thread-local storage"),
        (&[nothing], "-Wl,-z,execstack", "executable stack"),
        (&[nothing], "-Wl,-rpath,lib", "\"lib\" is not an absolute path"),
        (&[nothing], "-Wl,-rpath,$ORIGIN", "is not an absolute path"),
        (
            &[nothing],
            "-Wl,--disable-new-dtags,-rpath,/usr/lib:",
            "\"\" is not an absolute path",
        ),
        (&[nothing], &rpath(&open_folder), "chmod go-w"),
        (&[nothing], &rpath(&absent), "chmod go-w"),
    ] {
        let said = refused(&careless(defines, &[flag]));
        assert!(said.contains(why), "{flag}: {said}");
    }
    // The same plugin as it should be built is taken.
    for flag in ["-O1", "-Wl,-rpath,/usr/lib"] {
        let right = careless(&[nothing], &[flag]);
        Kinds::load(&[build::settings(&right)], &[], services().0, PoolSettings::of(1)).unwrap();
    }
}

#[test]
fn a_plugin_that_is_for_a_process_of_its_own_is_not_run_in_this_one() {
    let said = refused(&careless(&["CHANGE='n'", "ALONE"], &[]));
    assert!(said.contains("isolation = \"process\""), "{said}");
}

#[test]
fn a_plugin_that_changes_what_belongs_to_the_process_is_refused_and_undone() {
    let of_process = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let lines = status
            .lines()
            .filter(|line| line.starts_with("Umask:") || line.starts_with("SigIgn:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let here = std::env::current_dir().unwrap();
    let before = of_process();
    for (change, what) in [
        ("CHANGE='h'", "the handler of signal 10"),
        ("CHANGE='m'", "the signal mask"),
        ("CHANGE='l'", "the locale"),
        ("CHANGE='u'", "the umask"),
        ("CHANGE='d'", "the working directory"),
    ] {
        for defines in [&[change][..], &[change, "IN_LOAD"]] {
            let object = careless(defines, &[]);
            let said = refused(&object);
            assert!(said.contains(what), "{defines:?}: {said}");
            assert_eq!(of_process(), before);
            assert_eq!(std::env::current_dir().unwrap(), here);
            assert!(!SigSet::thread_get_mask().unwrap().contains(Signal::SIGUSR2));
            if defines.len() == 2 {
                // It stays mapped, and stays refused.
                assert!(refused(&object).contains(what));
            }
        }
    }
}

#[test]
fn every_load_is_told_with_the_file_and_every_refusal_with_its_reason() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let (right, wrong) = (build::sha256(&object), "0".repeat(64));
    for _ in 0..2 {
        let (services, heard) = services();
        let mut settings = build::settings(&object);
        settings.sha256 = Some(right.clone());
        Kinds::load(&[settings], &[], services, PoolSettings::of(1)).unwrap();
        let heard = heard.0.lock().unwrap().clone();
        let [told] = heard.as_slice() else {
            panic!("{heard:?}")
        };
        let told: serde_json::Value = serde_json::from_str(told.strip_prefix("loaded ").unwrap()).unwrap();
        assert_eq!(told["path"], object.to_str().unwrap());
        assert_eq!(told["sha256"], right.as_str());
        assert_eq!(told["pinned"], true);
        assert_eq!(told["plugin"], "org.doorward.probe");
        assert!(
            told["inode"].as_u64().unwrap() > 0 && told["device"].is_u64() && told["version"].is_string()
        );
    }
    let (services, heard) = services();
    let mut settings = build::settings(&object);
    settings.sha256 = Some(wrong);
    assert!(Kinds::load(&[settings], &[], services, PoolSettings::of(1)).is_err());
    let heard = heard.0.lock().unwrap().clone();
    assert!(
        heard.len() == 1 && heard[0].starts_with("refused ") && heard[0].contains(&right),
        "{heard:?}"
    );
}

/// A real set-user-id program: this one, copied, owned by root and started by somebody else.
#[test]
fn a_privileged_process_loads_nothing_of_other_folders() {
    let here = std::env::current_exe().unwrap();
    if here.ends_with(CHILD) {
        print!("{}", refused(&here.with_file_name("plugin.so")));
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        // Only root can make a program that AT_SECURE holds for; the rule itself is tested in the loader.
        return;
    }
    let folder = std::env::temp_dir().join(format!("doorward-privileged-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (program, object) = (folder.join(CHILD), folder.join("plugin.so"));
    std::fs::copy(&here, &program).unwrap();
    std::fs::copy(careless(&["CHANGE='n'"], &[]), &object).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let output = Command::new(&program)
        .args([
            "--exact",
            "policy::a_privileged_process_loads_nothing_of_other_folders",
            "--nocapture",
        ])
        .current_dir("/")
        .uid(65534)
        .output();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(
        said.contains("AT_SECURE") && said.contains("/usr/lib/doorward/plugins"),
        "{said}"
    );
}
