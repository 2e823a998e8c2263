//! Unicode mappings, repeated until they change nothing more.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::GeneralSecurityProfile;

use super::IdentifierError;

/// Rounds after which a text that still changes is given up. Two are enough for everything in Unicode.
const MAX_ROUNDS: usize = 8;

/// For names: compatibility forms and case become one.
///
/// One round is NFKC, upper case, lower case, NFKC, which joins what full case folding joins (`ß` and `ss`, the two
/// sigmas, `ſ` and `s`) and, beyond it, the Turkish `ı` and `İ` with `i`: whoever types YILDIZ and yıldız means one
/// name, whatever the keyboard. One round is *not* idempotent: the capital modifier letters of the Spotify attack become
/// capitals in the first and small letters in the second.
pub(super) fn fold(text: &str) -> Result<String, IdentifierError> {
    settle(text, |text| {
        let upper = text.nfkc().flat_map(char::to_uppercase);
        let folded: String = upper.flat_map(char::to_lowercase).nfkc().collect();
        folded.replace("i\u{307}", "i")
    })
}

/// For mailboxes: case becomes one, and nothing else but equivalent encodings of the same text.
pub(super) fn lower(text: &str) -> Result<String, IdentifierError> {
    settle(text, |text| {
        text.nfc().flat_map(char::to_lowercase).nfc().collect()
    })
}

/// The first text that another round leaves alone.
fn settle(text: &str, round: impl Fn(&str) -> String) -> Result<String, IdentifierError> {
    let mut current = text.to_owned();
    for _ in 0..MAX_ROUNDS {
        let next = round(&current);
        if next == current {
            return Ok(current);
        }
        current = next;
    }
    Err(IdentifierError::Unstable)
}

/// A letter, digit or mark that UTS 39 allows in identifiers: assigned, in modern use, unchanged by NFKC, visible.
pub(super) fn is_word(character: char) -> bool {
    (character.is_alphanumeric() || is_combining_mark(character)) && character.identifier_allowed()
}
