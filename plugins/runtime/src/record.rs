//! The frame of a stored record: which format of the kind it has, then the kind's bytes.

use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::secret::Secret;

/// Bytes in front of what the kind wrote.
pub(super) const FRAME: usize = 4;

/// The format of a record in which a verification left nothing. No kind's: versions begin at 1 and go up by ones.
const SPENT: u32 = u32::MAX;

/// The record as it is sealed and stored after a verification that left nothing in it: the user holds it, and nobody can
/// prove it any more.
pub(super) fn spent() -> Secret {
    framed(SPENT, &[])
}

/// True for a record in which nothing is left.
pub fn is_spent(stored: &Secret) -> bool {
    stored.expose() == SPENT.to_be_bytes()
}

/// The record as it is sealed and stored.
pub(super) fn framed(format: u32, bytes: &[u8]) -> Secret {
    let mut framed = Vec::with_capacity(FRAME + bytes.len());
    framed.extend_from_slice(&format.to_be_bytes());
    framed.extend_from_slice(bytes);
    Secret::new(framed)
}

/// The format and the kind's bytes.
///
/// # Errors
/// `Corrupt` when there is no frame.
pub(super) fn unframed(stored: &Secret) -> Result<(u32, &[u8])> {
    match stored.expose().split_first_chunk::<FRAME>() {
        Some((format, bytes)) => Ok((u32::from_be_bytes(*format), bytes)),
        None => Err(Error::new(
            ErrorKind::Corrupt,
            "a stored authenticator record is shorter than its frame",
        )),
    }
}
