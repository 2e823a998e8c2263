//! Addresses: mailboxes and telephones, as the rules about factors compare them.
//!
//! An address is realm, channel and what the *channel* makes of an identifier, whatever rule the provider name has: two
//! names with one mailbox have one address. What follows a `+` in the local part of an email address is dropped for this
//! comparison, and for nothing else: it is one mailbox's label.

use sha2::{Digest, Sha256};

use crate::identifier::{Identifier, Rule};
use crate::store::Hash;

/// The channel of mailboxes.
pub(crate) const EMAIL: &str = "email";
/// The channel of telephones that get texts.
pub(crate) const SMS: &str = "sms";
/// The channels of telephones.
const TELEPHONE: [&str; 2] = [SMS, "voice"];

/// True for a channel whose codes reach an address: whoever reads there can answer.
pub(crate) fn is_address_channel(channel: &str) -> bool {
    channel == EMAIL || TELEPHONE.contains(&channel)
}

/// The hash of an address, as the table of a user's addresses has it.
pub(crate) fn of(realm: &str, channel: &str, identifier: &[u8]) -> Hash {
    let canonical = canonical(channel, identifier);
    let mut hash = Sha256::new().chain_update(b"doorward address");
    for part in [realm.as_bytes(), channel.as_bytes(), &canonical] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn canonical(channel: &str, identifier: &[u8]) -> Vec<u8> {
    if channel == EMAIL {
        return mailbox(identifier);
    }
    if TELEPHONE.contains(&channel) {
        // Written for people: spaces, hyphens, dots and parentheses dial nothing.
        let dialled = identifier
            .iter()
            .filter(|byte| !matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'));
        return dialled.copied().collect();
    }
    identifier.to_vec()
}

/// What is no address by the rule is compared in lower case: better one too many held for the same.
fn mailbox(identifier: &[u8]) -> Vec<u8> {
    let canonical = match Identifier::parse(Rule::Email, identifier.trim_ascii()) {
        Ok(parsed) => parsed.canonical().to_vec(),
        Err(_) => identifier.trim_ascii().to_ascii_lowercase(),
    };
    let Some(at) = canonical.iter().rposition(|byte| *byte == b'@') else {
        return canonical;
    };
    let (local, domain) = canonical.split_at(at);
    let label = local.iter().position(|byte| *byte == b'+').filter(|at| *at > 0);
    [&local[..label.unwrap_or(local.len())], domain].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_one_address_however_it_is_written() {
        let ann = of("", "email", b"ann@example.com");
        for same in [
            "Ann@Example.COM",
            "ann+shop@example.com",
            "ANN+@example.com",
            " ann@example.com ",
        ] {
            assert_eq!(of("", "email", same.as_bytes()), ann, "{same}");
        }
        for other in ["a.nn@example.com", "ann@example.org", "+ann@example.com", "ann"] {
            assert_ne!(of("", "email", other.as_bytes()), ann, "{other}");
        }
        assert_ne!(of("r", "email", b"ann@example.com"), ann, "of another realm");
        assert_ne!(of("", "post", b"ann@example.com"), ann, "of another channel");
        assert_eq!(
            of("", "sms", b"+44 (20) 7946-0001"),
            of("", "sms", b"+442079460001")
        );
    }
}
