//! Passwords that are too common: those made of common parts, and those in a file of the operator's.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::MAX_BYTES;
use super::guess::{self, COMMON_BELOW, Words};
use doorward_base::error::{Error, ErrorKind, Result};

/// The largest file: bytes. Ten million passwords of fifteen characters are a sixth of it.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// What is refused for being common: whatever can be spelled cheaply with common parts, and the lines of a file.
#[derive(Clone, Debug, Default)]
pub struct Blocklist {
    /// The first eight bytes of the SHA-256 of each folded line, sorted: eight bytes an entry instead of a string, and one
    /// uncommon password in 10^12 refused for nothing with ten million entries.
    listed: Vec<u64>,
}

impl Blocklist {
    /// The built-in rules and words alone.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// The built-in rules and words, and the lines of a file: one password per line, UTF-8, at most 1 GiB, no comments.
    /// Compared as whole passwords without regard to case, accents and compatibility forms. Empty lines, and lines longer
    /// than any password may be, are left out.
    ///
    /// # Errors
    /// `Configuration`: the file cannot be read, or is too large.
    pub fn with_file(path: &Path) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(
                ErrorKind::Configuration,
                format!("password.blocklist: the file {} {what}", path.display()),
            )
        };
        let file = File::open(path).map_err(|e| wrong("cannot be opened").caused_by(e))?;
        let mut lines = BufReader::new(file.take(MAX_FILE_BYTES + 1));
        let (mut listed, mut read, mut line) = (Vec::new(), 0, Vec::new());
        loop {
            line.clear();
            let len = lines
                .read_until(b'\n', &mut line)
                .map_err(|e| wrong("cannot be read").caused_by(e))?;
            if len == 0 {
                break;
            }
            read += len as u64;
            if read > MAX_FILE_BYTES {
                return Err(wrong("is larger than 1 GiB"));
            }
            let text = String::from_utf8_lossy(&line);
            let password = text.trim_end_matches(['\r', '\n']);
            if !password.is_empty() && password.len() <= MAX_BYTES {
                listed.push(fingerprint(&guess::fold(password)));
            }
        }
        listed.sort_unstable();
        listed.dedup();
        Ok(Self { listed })
    }

    /// Entries that came from the file.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// True when no file was read, or an empty one. The built-in rules hold all the same.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// True for a folded password that is common.
    pub(super) fn refuses(&self, folded: &str) -> bool {
        guess::cost(folded, &[Words::common()]) < COMMON_BELOW
            || self.listed.binary_search(&fingerprint(folded)).is_ok()
    }
}

fn fingerprint(folded: &str) -> u64 {
    let hash = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(folded.as_bytes())));
    hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_compared_by_whole_lines_without_case() {
        let path = std::env::temp_dir().join(format!("doorward-blocklist-{}", std::process::id()));
        std::fs::write(
            &path,
            "Quietly Humming Tramways\r\n\n# no comment\nzwölf Boxkämpfer jagen\n",
        )
        .unwrap();
        let blocklist = Blocklist::with_file(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(blocklist.len(), 3);
        let cases = [
            ("quietly humming tramways", true),
            ("QUIETLY humming tramways", true),
            ("quietly humming tramways!", false),
            ("quietly humming", false),
            ("# no comment", true),
            ("Zwo\u{308}lf Boxkampfer jagen", true),
            ("", true), // costs nothing to guess
        ];
        for (password, refused) in cases {
            assert_eq!(blocklist.refuses(&guess::fold(password)), refused, "{password}");
        }
        assert!(!Blocklist::built_in().refuses(&guess::fold("quietly humming tramways")));
    }

    #[test]
    fn a_file_that_is_not_there_is_a_configuration_error_that_names_it() {
        let error = Blocklist::with_file(Path::new("/nowhere/common.txt")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains("/nowhere/common.txt"), "{error}");
    }
}
