//! Passwords: what a hash costs, how many may be made at once, and what is refused.

use std::time::Duration;

use super::positive;
use crate::config::reader::{Reader, bad};
use crate::error::Result;
use crate::governor;
use crate::password::{Cost, HasherSettings, Limits, PasswordPolicySettings};

/// The longest that the kind `password` may take, waiting included.
const MAX_HASHING_DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn hashing(r: &Reader<'_>) -> Result<governor::Settings> {
    let memory_kib: u32 = r.integer("password.memory_kib")?;
    let mut settings = governor::Settings::for_hashes_of(memory_kib);
    settings.budget_mib = r.integer("hashing.budget_mib")?;
    settings.queue = r.integer("hashing.queue")?;
    Ok(settings)
}

pub(super) fn password_settings(r: &Reader<'_>) -> Result<HasherSettings> {
    let limits = if r.boolean("password.unsafe_fast_hashes")? {
        Limits::danger_without_floor()
    } else {
        Limits::STANDARD
    };
    let cost = Cost::new(
        r.integer("password.memory_kib")?,
        r.integer("password.passes")?,
        r.integer("password.lanes")?,
        limits,
    )?;
    Ok(HasherSettings {
        cost,
        limits,
        pepper: r.text("password.pepper")?,
    })
}

pub(super) fn password_policy(r: &Reader<'_>) -> Result<PasswordPolicySettings> {
    Ok(PasswordPolicySettings {
        min_length: r.integer("password.min_length")?,
        max_bytes: r.integer("password.max_bytes")?,
        blocklist: r.path("password.blocklist")?,
        context_words: r.texts("password.context_words")?,
    })
}

pub(super) fn hashing_deadline(r: &Reader<'_>) -> Result<Duration> {
    match positive(r, "hashing.deadline")? {
        length if length <= MAX_HASHING_DEADLINE => Ok(length),
        _ => Err(bad("hashing.deadline", "takes at most \"10s\"")),
    }
}
