//! Key files: 64 hexadecimal digits, nobody's but the server's and its operators'.

use std::fs;
use std::io::Write;
use std::path::Path;

use zeroize::Zeroizing;

use super::KEY_LEN;
use crate::error::{Error, ErrorKind, Result};
use crate::rng::{self, Random};

/// Makes a key file: 32 random bytes as hexadecimal digits, mode 0600, whole or not at all. False: it is there already.
///
/// # Errors
/// `Configuration` when the file cannot be written; `Unavailable` when the random source fails.
pub fn create_key_file(path: &Path, random: &dyn Random) -> Result<bool> {
    use std::os::unix::fs::OpenOptionsExt;

    let cannot = |what: &str, e: std::io::Error| {
        Error::new(
            ErrorKind::Configuration,
            format!("cannot {what} the key file {}", path.display()),
        )
        .caused_by(e)
    };
    let key: Zeroizing<[u8; KEY_LEN]> = Zeroizing::new(rng::bytes(random)?);
    let suffix: [u8; 8] = rng::bytes(random)?;
    let fresh = path.with_extension(format!("new-{:016x}", u64::from_be_bytes(suffix)));
    let mut digits = Zeroizing::new(String::with_capacity(2 * KEY_LEN + 1));
    for byte in key.iter() {
        for nibble in [byte >> 4, byte & 15] {
            digits.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    digits.push('\n');
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(digits.as_bytes())?;
            file.sync_all()
        });
    // A hard link fails where the name exists: two processes that start at once agree on one key.
    let linked = written.and_then(|()| fs::hard_link(&fresh, path));
    let removed = fs::remove_file(&fresh);
    match linked {
        Ok(()) => {
            removed.map_err(|e| cannot("tidy up after", e))?;
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(|e| cannot("sync", e))?;
            }
            Ok(true)
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(cannot("create", e)),
    }
}

/// Refuses a key that is everybody's: whoever reads it opens what the database holds, whoever writes it decides what is
/// sealed from now on. Its group may read it: a server and its operators share one.
fn check_mode(path: &Path, readable_by_others: bool) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let Ok(found) = fs::metadata(path) else {
        return Ok(());
    };
    let mode = found.permissions().mode();
    let (path, refused) = (path.display(), |message| {
        Err(Error::new(ErrorKind::Configuration, message))
    });
    if mode & 0o022 != 0 {
        return refused(format!(
            "the key file {path} can be written by its group or by everybody: chmod go-w {path}"
        ));
    }
    if mode & 0o004 != 0 && !readable_by_others {
        return refused(format!(
            "the key file {path} can be read by everybody: chmod o-rwx {path}; or, on a mount that cannot do better, \
             `readable_by_others = true` beside its `file` in `keys`"
        ));
    }
    Ok(())
}

/// Reads a key file.
///
/// # Errors
/// `KeyMissing`; `Configuration` when it is not 64 hexadecimal digits, when its group or others may write it, or when
/// others may read it and that is not said.
pub fn read_key(path: &Path, readable_by_others: bool) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let held = Zeroizing::new(fs::read(path).map_err(|e| {
        Error::new(
            ErrorKind::KeyMissing,
            format!("cannot read the key file {}", path.display()),
        )
        .caused_by(e)
    })?);
    check_mode(path, readable_by_others)?;
    let bad = || {
        Error::new(
            ErrorKind::Configuration,
            format!(
                "the key file {} must hold {} hexadecimal digits, as `openssl rand -hex {KEY_LEN}` prints them",
                path.display(),
                2 * KEY_LEN
            ),
        )
    };
    let digits = held.trim_ascii_end();
    if digits.len() != 2 * KEY_LEN || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(bad());
    }
    let mut key = Zeroizing::new([0; KEY_LEN]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::super::{KeyRing, KeySettings};
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn whatever_a_key_file_holds_instead_is_told_what_it_must_hold() {
        use std::os::unix::fs::PermissionsExt as _;

        let path = std::env::temp_dir().join(format!("doorward-key-{}", std::process::id()));
        let hex = "0f".repeat(KEY_LEN);
        // The raw key, base64, a digit less and a digit more, nothing; a mark of the encoding before the digits.
        let wrong: [Vec<u8>; 6] = [
            vec![0xff; KEY_LEN],
            b"Zm9yIGEga2V5IHRoYXQgaXMgbm90IGhleGFkZWNpbWFs".to_vec(),
            hex[1..].into(),
            format!("{hex}0").into(),
            Vec::new(),
            format!("\u{feff}{hex}").into(),
        ];
        for held in wrong {
            fs::write(&path, held).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = read_key(&path, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(
                error
                    .message()
                    .contains("64 hexadecimal digits, as `openssl rand -hex 32`"),
                "{error}"
            );
        }
        for right in [hex.clone(), format!("{hex}\r\n"), hex.to_uppercase()] {
            fs::write(&path, right).unwrap();
            assert_eq!(read_key(&path, false).unwrap()[..], [0x0f; KEY_LEN]);
        }
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_key_file_is_made_once_private_and_readable() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("doorward-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("doorward.key");
        assert!(create_key_file(&path, &SystemRandom).unwrap());
        assert!(
            !create_key_file(&path, &SystemRandom).unwrap(),
            "never overwritten"
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let settings = KeySettings {
            id: "k1".into(),
            file: path.clone(),
            seals: true,
            readable_by_others: false,
        };
        assert!(KeyRing::load(std::slice::from_ref(&settings), false).is_ok());
        let absent = KeySettings {
            id: "k2".into(),
            file: folder.join("absent"),
            seals: true,
            readable_by_others: false,
        };
        let error = KeyRing::load(&[settings.clone(), absent.clone()], false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyMissing);
        assert!(KeyRing::load(&[settings.clone(), absent], true).is_ok());
        for (mode, shown, good) in [
            (0o400, false, true),
            (0o440, false, true),
            (0o640, false, true),
            (0o644, false, false),
            (0o644, true, true),
            (0o604, false, false),
            (0o660, true, false),
            (0o620, true, false),
            (0o602, true, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let one = KeySettings {
                readable_by_others: shown,
                ..settings.clone()
            };
            match KeyRing::load(&[one], false) {
                Ok(_) => assert!(good, "{mode:o} {shown}"),
                Err(error) => {
                    assert!(!good, "{mode:o} {shown}: {error}");
                    assert!(error.message().contains("chmod"), "{error}");
                }
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
