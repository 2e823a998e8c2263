//! SQLite on file systems that a test must mount: an overlay, and a disk that is full. Each test runs itself once more in a
//! name space of its own, where that needs no rights; where the system refuses even that, it says that it was not run.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{CreatedUser, Store, StoreError};
use doorward_tests::contract::samples::{alone, at, put, user};
use doorward_tests::contract::{settled, wait};

use crate::second_copy::SecondCopy;
use crate::stores::Folder;

/// Names the folder to the test that runs in the name space.
const MOUNTED: &str = "DOORWARD_TEST_MOUNTED";
/// The shell's exit code where nothing can be mounted.
const REFUSED: i32 = 77;

/// Runs `test` again in a folder where `mount` was done; the folder, in that run.
#[expect(clippy::disallowed_methods, reason = "how a test's second run knows itself")]
fn mounted(test: &str, mount: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(MOUNTED) {
        return Some(folder.into());
    }
    let folder = Folder::new();
    let script =
        format!("cd \"$1\" && {{ {mount}; }} || exit {REFUSED}; exec \"$0\" --exact {test} --nocapture");
    let again = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .arg(folder.path())
        .env(MOUNTED, folder.path())
        .output()
        .unwrap();
    let [said, failed] = [again.stdout, again.stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    let refused = again.status.code() == Some(REFUSED) || failed.contains("unshare failed");
    if refused {
        eprintln!("NOT RUN: {test}: nothing can be mounted here: {}", failed.trim());
    } else {
        assert!(again.status.success(), "{said}\n{failed}");
        assert!(said.contains("1 passed"), "{said}");
    }
    None
}

fn started(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(SqliteSettings::new(path));
    wait(store.start());
    wait(store.migrate());
    store
}

fn users(store: &SqliteStore) -> u64 {
    wait(store.stats(at(0))).users
}

/// The database is in an image's layer, and is copied up when it is opened. What differs between path and descriptor is
/// not compared (`place.rs` tests that alone); on this page's kernels nothing does, and all is as on any file system.
#[test]
fn an_overlay_raises_no_false_alarm_and_a_moved_file_is_noticed_where_numbers_agree() {
    let mount = "mkdir image upper work all && mount -t tmpfs none image && mkdir upper/layer upper/work &&
        mount -t overlay none -o lowerdir=image,upperdir=upper/layer,workdir=upper/work all &&
        umount all && mkdir image/data";
    let Some(folder) = mounted(
        "mounts::an_overlay_raises_no_false_alarm_and_a_moved_file_is_noticed_where_numbers_agree",
        mount,
    ) else {
        return;
    };
    let (image, all) = (folder.join("image/data/doorward.db"), folder.join("all"));
    let store = started(&image);
    put(&store, alone(user("")));
    wait(store.stop());
    drop(store);
    let options = "lowerdir=image,upperdir=upper/layer,workdir=upper/work";
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "overlay", "none", "-o", options, "all"])
        .current_dir(&folder);
    assert!(mount.status().unwrap().success());

    let path = all.join("data/doorward.db");
    let number = |file: fs::Metadata| (file.dev(), file.ino());
    let agree =
        number(fs::File::open(&path).unwrap().metadata().unwrap()) == number(fs::metadata(&path).unwrap());
    let store = started(&path);
    for made in 1..=50 {
        put(&store, alone(user("")));
        assert_eq!(users(&store), made + 1);
    }
    wait(store.health());
    // The copy in the upper layer is another file than the image's, and after a restart still the one that is held.
    wait(store.stop());
    wait(store.start());
    put(&store, alone(user("")));
    let aside = all.join("data/aside.db");
    fs::rename(&path, &aside).unwrap();
    let refused = settled(store.create_user(alone(user(""))));
    assert_eq!(
        matches!(refused, Err(StoreError::Replaced(_))),
        agree,
        "{refused:?}"
    );
    fs::rename(&aside, &path).unwrap();
    wait(store.stop());
    let foreign = SecondCopy::open(&path);
    let shared = settled(store.start());
    assert!(
        matches!(shared, Err(StoreError::SharedInProcess(_))),
        "{shared:?}"
    );
    drop(foreign);
    wait(store.start());
    assert_eq!(users(&store), 52);
}

#[test]
fn a_full_disk_makes_health_red_and_loses_nothing() {
    let Some(folder) = mounted(
        "mounts::a_full_disk_makes_health_red_and_loses_nothing",
        "mkdir disk && mount -t tmpfs -o size=6m none disk",
    ) else {
        return;
    };
    let path = folder.join("disk/doorward.db");
    let others = folder.join("disk/others");
    fs::write(&others, vec![0; 3 << 20]).unwrap();
    let store = started(&path);
    wait(store.health());
    let mut made = 0;
    let full = loop {
        match settled(store.create_user(alone(user("")))) {
            Ok(CreatedUser::Created) => made += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(made > 50, "{made}");
    assert!(
        matches!(&full, StoreError::Full(text) if text.contains("make room")),
        "{full}"
    );
    // A write of a few pages may still have room: to the last block.
    let mut rest = fs::File::create(folder.join("disk/rest")).unwrap();
    while rest.write_all(&[0; 4096]).is_ok() {}
    for _ in 0..3 {
        let health = settled(store.health());
        assert!(
            matches!(&health, Err(StoreError::Full(text)) if text.contains("make room")),
            "{health:?}"
        );
        // Whoever is signed in stays so.
        assert_eq!(users(&store), made);
    }
    drop(rest);
    fs::remove_file(others).unwrap();
    wait(store.health());
    put(&store, alone(user("")));
    wait(store.stop());
    wait(store.start());
    assert_eq!(users(&store), made + 1);
}
