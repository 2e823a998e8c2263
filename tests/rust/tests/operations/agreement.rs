//! What must be equal in all processes of one database, and what happens when it is not.

use std::path::{Path, PathBuf};

use doorward::{Auth, Config, ErrorKind, NewUserOptions, SessionOptions};

use crate::context::{PASSWORD, password, run};

fn folder(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("agreement-{name}-{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn open(folder: &std::path::Path, more: &str) -> doorward::Result<Auth> {
    let text = format!(
        "database = 'sqlite:{}/doorward.db'\npassword.memory_kib = 64\npassword.passes = 1\n\
         password.unsafe_fast_hashes = true\n{more}",
        folder.display()
    );
    let auth = Auth::open(&Config::from_toml(&text)?)?;
    run(auth.start())?;
    Ok(auth)
}

const EMAIL: &str = "provider.email.kind = 'password'\n";

#[test]
fn a_changed_item_stops_the_start_and_names_itself_until_agreed() {
    let folder = folder("changed");
    run(open(&folder, EMAIL).unwrap().stop()).unwrap();
    // What only one side has is no disagreement.
    run(
        open(&folder, &format!("{EMAIL}provider.name.kind = 'password'\n"))
            .unwrap()
            .stop(),
    )
    .unwrap();
    run(open(&folder, EMAIL).unwrap().stop()).unwrap();
    let changed = format!("{EMAIL}provider.email.rule = 'username'\n");
    let error = open(&folder, &changed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disagreement);
    assert!(
        error.message().contains("provider/email") && error.message().contains("rule=username"),
        "{error}"
    );
    let text = format!("database = 'sqlite:{}/doorward.db'\n{changed}", folder.display());
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap();
    run(auth.agree("provider/email")).unwrap();
    assert_eq!(
        run(auth.agree("provider/nothing")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    run(open(&folder, &changed).unwrap().stop()).unwrap();
}

#[test]
fn an_absent_key_stops_the_start_and_sessions_survive_without_it() {
    let folder = folder("key");
    let auth = open(&folder, EMAIL).unwrap();
    let proof = run(auth.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        NewUserOptions::default(),
    ));
    let proof = proof.unwrap().require().unwrap();
    let session = run(auth.create_session(&proof, SessionOptions::default()))
        .unwrap()
        .require()
        .unwrap();
    let token = session.access_token().unwrap().expose().to_vec();
    run(auth.stop()).unwrap();
    drop(auth);
    let file = folder.join("doorward.key");
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(open(&folder, EMAIL).unwrap_err().kind(), ErrorKind::KeyMissing);
    assert!(
        !file.exists(),
        "a database without its key does not get a new one"
    );
    // Another key of the same id is not the key.
    write_key(&file, "0".repeat(64));
    assert_eq!(open(&folder, EMAIL).unwrap_err().kind(), ErrorKind::Disagreement);
    // Nor is none at all, but sessions need none.
    std::fs::remove_file(&file).unwrap();
    let auth = open(&folder, &format!("allow_missing_keys = true\n{EMAIL}")).unwrap();
    run(auth.validate_session(&token)).unwrap().require().unwrap();
    let tried = run(auth.authenticate("email", Some(b"a@example.com"), password(PASSWORD)));
    assert_eq!(tried.unwrap_err().kind(), ErrorKind::Unavailable);
    run(auth.stop()).unwrap();
    write_key(&file, "0".repeat(64));
    let other = folder.join("other.key");
    write_key(&other, "1".repeat(64));
    let keys = format!(
        "allow_missing_keys = true\nkeys = [{{ id = 'k2', file = '{}' }}]\n{EMAIL}",
        other.display()
    );
    let auth = open(&folder, &keys).unwrap();
    run(auth.validate_session(&token)).unwrap().require().unwrap();
    // A sealed record that cannot be opened is unavailable, never wrong.
    let tried = run(auth.authenticate("email", Some(b"a@example.com"), password(PASSWORD)));
    assert_eq!(tried.unwrap_err().kind(), ErrorKind::Unavailable);
    run(auth.stop()).unwrap();
    write_key(&file, &kept);
    // Back with both keys: the database knows the second one by now.
    let both = format!(
        "keys = [{{ id = 'k2', file = '{}' }}, {{ id = 'k1', file = '{}' }}]\n{EMAIL}",
        other.display(),
        file.display()
    );
    let auth = open(&folder, &both).unwrap();
    let again = run(auth.authenticate("email", Some(b"a@example.com"), password(PASSWORD)));
    again.unwrap().require().unwrap();
    run(auth.stop()).unwrap();
}

/// A key file as it must be: its owner's alone.
fn write_key(path: &Path, digits: impl AsRef<[u8]>) {
    std::fs::write(path, digits).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, private).unwrap();
}
