//! What may become a password. It is asked only when a password is set, never when one is verified.

use std::path::PathBuf;

use super::MAX_BYTES;
use super::blocklist::Blocklist;
use super::context::Context;
use super::guess;
use super::stored_form::is_stored_hash;
use doorward_base::error::{Error, ErrorKind, Result, Violation};
use doorward_base::secret::Secret;

/// The least length where a password alone lets somebody in: Unicode code points. NIST SP 800-63B-4 3.1.1.2 (1); ASVS
/// 5.0 6.2.1 advises the same.
pub const MIN_LENGTH: u32 = 15;

/// The least length that may be configured, where a second factor is enforced: Unicode code points. NIST SP 800-63B-4
/// 3.1.1.2 (1), ASVS 5.0 6.2.1.
pub const MIN_LENGTH_WITH_SECOND_FACTOR: u32 = 8;

/// A length that is always allowed: Unicode code points. NIST SP 800-63B-4 3.1.1.2 (2), ASVS 5.0 6.2.9.
pub const ALWAYS_ALLOWED_LENGTH: u32 = 64;

/// The least cap in bytes: what [`ALWAYS_ALLOWED_LENGTH`] code points take at four bytes of UTF-8 each.
pub const MIN_MAX_BYTES: usize = 4 * ALWAYS_ALLOWED_LENGTH as usize;

/// The credential field that violations name.
const FIELD: &str = "password";

/// The policy by configuration. There is nothing here about digits, capitals or signs, and there will not be: NIST SP
/// 800-63B-4 3.1.1.2 and ASVS 5.0 6.2.5 forbid composition rules.
#[derive(Clone, Debug)]
pub struct PasswordPolicySettings {
    /// Least length: Unicode code points, 15 to 64; from 8 where a second factor is enforced. Default 15.
    pub min_length: u32,
    /// Greatest length: bytes of UTF-8, 256 to 1024. Default 1024.
    pub max_bytes: usize,
    /// A file of passwords to refuse besides the built-in rules, one per line. Default none.
    pub blocklist: Option<PathBuf>,
    /// Words to refuse as passwords: the service's name, the provider names, whatever else is near at hand. Default none.
    pub context_words: Vec<String>,
}

impl Default for PasswordPolicySettings {
    fn default() -> Self {
        Self {
            min_length: MIN_LENGTH,
            max_bytes: MAX_BYTES,
            blocklist: None,
            context_words: Vec::new(),
        }
    }
}

/// What the sign-in policy asks for besides the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactorRule {
    /// Everyone needs a second factor.
    Enforced,
    /// Some sign in with a password alone.
    Optional,
}

/// The policy in force.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    min_length: u32,
    max_bytes: usize,
    blocklist: Blocklist,
    service: Context,
}

impl PasswordPolicy {
    /// Checks the settings and reads the blocklist.
    ///
    /// # Errors
    /// `Configuration`: a setting is out of range, also for want of an enforced second factor; or the blocklist cannot
    /// be read.
    pub fn new(settings: &PasswordPolicySettings, second_factor: SecondFactorRule) -> Result<Self> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        let min_length = settings.min_length;
        if !(MIN_LENGTH_WITH_SECOND_FACTOR..=ALWAYS_ALLOWED_LENGTH).contains(&min_length) {
            return wrong(format!(
                "password.min_length is {min_length}; it must be {MIN_LENGTH_WITH_SECOND_FACTOR} to {ALWAYS_ALLOWED_LENGTH} code points"
            ));
        }
        if min_length < MIN_LENGTH && second_factor == SecondFactorRule::Optional {
            return wrong(format!(
                "password.min_length is {min_length}; below {MIN_LENGTH} a second factor must be enforced: name one in policy.second_factor and set policy.require = true"
            ));
        }
        if !(MIN_MAX_BYTES..=MAX_BYTES).contains(&settings.max_bytes) {
            return wrong(format!(
                "password.max_bytes is {}; it must be {MIN_MAX_BYTES} to {MAX_BYTES}",
                settings.max_bytes
            ));
        }
        let blocklist = match &settings.blocklist {
            Some(path) => Blocklist::with_file(path)?,
            None => Blocklist::built_in(),
        };
        Ok(Self {
            min_length,
            max_bytes: settings.max_bytes,
            blocklist,
            service: Context::of(settings.context_words.iter().map(String::as_str)),
        })
    }

    /// Whether this may become a password of the user whom `user` describes: their identifiers, at least.
    ///
    /// Blocking and without I/O; a millisecond for ordinary lengths. The length counts code points of the bytes as they
    /// are; what is not UTF-8 has none and is refused.
    ///
    /// # Errors
    /// `PolicyViolation` with every rule that is broken: `too_short`, `too_long`, `not_text`, `hash_as_password`,
    /// `common`, `context`.
    pub fn check(&self, password: &Secret, user: &Context) -> Result<()> {
        let violations = self.violations(password.expose(), user);
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::policy(violations))
        }
    }

    fn violations(&self, password: &[u8], user: &Context) -> Vec<Violation> {
        let mut found = Vec::new();
        if password.len() > self.max_bytes {
            let message = format!("use at most {} bytes", self.max_bytes);
            found.push(violation("too_long", self.max_bytes as u64, message));
        }
        // Beyond the cap only as much is looked at as a password may have.
        let head = password.get(..MAX_BYTES).unwrap_or(password);
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            // The cut may fall inside a character.
            Err(e) if e.error_len().is_none() && head.len() < password.len() => head
                .get(..e.valid_up_to())
                .and_then(|whole| std::str::from_utf8(whole).ok())
                .unwrap_or_default(),
            Err(_) => {
                found.push(violation("not_text", 0, "use text in UTF-8".into()));
                return found;
            }
        };
        let length = text.chars().take(self.min_length as usize).count();
        if length < self.min_length as usize {
            let message = format!("use at least {} characters", self.min_length);
            found.push(violation("too_short", u64::from(self.min_length), message));
        }
        if is_stored_hash(text) {
            let message = "this is the hash of a password, not a password: whoever reads the hash could sign in with it; let people set a new password by recovery";
            found.push(violation("hash_as_password", 0, message.into()));
        }
        let folded = guess::fold(text);
        if self.blocklist.refuses(&folded) {
            let message =
                "this is among the first passwords to be tried; put several unrelated words together";
            found.push(violation("common", 0, message.into()));
        }
        if self.service.refuses(&folded) || user.refuses(&folded) {
            let message = "do not make it of your own name, your address or the name of this service";
            found.push(violation("context", 0, message.into()));
        }
        found
    }
}

fn violation(rule: &'static str, limit: u64, message: String) -> Violation {
    Violation {
        rule,
        field: FIELD.into(),
        limit,
        message,
    }
}

#[cfg(test)]
mod tests;
