//! The rule `email`.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::fold::{is_word, lower};
use super::{IdentifierError, MAX_EMAIL_BYTES, MAX_LOCAL_PART_BYTES};

/// The full stops that UTS 46 takes for a dot and NFKC leaves alone.
const IDEOGRAPHIC_FULL_STOP: char = '\u{3002}';

/// The canonical address. `text` has neither whitespace nor controls.
pub(super) fn canonical(text: &str) -> Result<String, IdentifierError> {
    let (local, domain) = text.split_once('@').ok_or(IdentifierError::At)?;
    let address = format!("{}@{}", local_part(local)?, domain_name(domain)?);
    judge(&address)?;
    Ok(address)
}

fn local_part(local: &str) -> Result<String, IdentifierError> {
    // What would turn into ASCII is not the letter it looks like to the mail server: refused, not repaired.
    let foreign = local.chars().filter(|character| !character.is_ascii());
    if foreign
        .flat_map(char::to_lowercase)
        .nfkc()
        .any(|character| character.is_ascii())
    {
        return Err(IdentifierError::Character);
    }
    lower(local)
}

/// The name as the DNS sees it. Characters that UTS 46 would drop (soft hyphens, joiners) are refused.
fn domain_name(domain: &str) -> Result<String, IdentifierError> {
    let visible =
        |character: char| character.is_ascii() || character == IDEOGRAPHIC_FULL_STOP || is_word(character);
    if domain.contains('@') {
        return Err(IdentifierError::At);
    }
    if !domain
        .nfkc()
        .all(|character| character.to_lowercase().all(visible))
    {
        return Err(IdentifierError::Domain);
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| IdentifierError::Domain)?;
    Ok(ascii.into_owned())
}

/// Judges the canonical address and nothing before it: what a normalisation brought to light counts too.
fn judge(address: &str) -> Result<(), IdentifierError> {
    let (local, domain) = address.split_once('@').ok_or(IdentifierError::At)?;
    if domain.contains('@') {
        return Err(IdentifierError::At);
    }
    for (part, limit) in [(local, MAX_LOCAL_PART_BYTES), (address, MAX_EMAIL_BYTES)] {
        if part.len() > limit {
            return Err(IdentifierError::TooLong { limit });
        }
    }
    if local
        .contains(|character: char| !(is_atext(character) || character == '.' || is_foreign_word(character)))
    {
        return Err(IdentifierError::Character);
    }
    if local.split('.').any(str::is_empty) {
        return Err(IdentifierError::LocalPart);
    }
    // The last label of a host name is never a number; an address without brackets is not a domain (RFC 1123 2.1).
    let last = domain.rsplit('.').next().unwrap_or_default();
    if last.is_empty() || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(IdentifierError::Domain);
    }
    Ok(())
}

/// RFC 5322 section 3.2.3.
fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

/// RFC 6532 allows every character beyond ASCII; words are enough for mailboxes, and cannot hide anything.
fn is_foreign_word(character: char) -> bool {
    !character.is_ascii() && is_word(character)
}
