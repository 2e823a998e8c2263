//! A message as an operation writes it, before it is sealed into a row.

use crate::clock::Timestamp;
use crate::id::UserId;
use crate::plugin::Fields;
use crate::secret::Secret;

/// The parameter that is the link beside a code.
pub(crate) const ENCLOSED: &str = "token";

/// A message before it is sealed.
pub(crate) struct Letter<'a> {
    pub(crate) channel: &'a str,
    pub(crate) address: &'a str,
    pub(crate) template: &'a str,
    pub(crate) params: Fields,
    pub(crate) enclosed: Option<Enclosed<'a>>,
    pub(crate) realm: &'a str,
    pub(crate) provider: &'a str,
    /// Whose it is, where it must go with the user. A decoy's is nobody's.
    pub(crate) user_id: Option<UserId>,
    /// Stored, and never sent.
    pub(crate) decoy: bool,
    pub(crate) expires_at: Timestamp,
}

/// The link beside a mailed code: the parameter [`ENCLOSED`] of the message, where it is sent.
pub(crate) struct Enclosed<'a> {
    pub(crate) link: &'a Secret,
    /// Otherwise it is sealed with the row, and given to nobody.
    pub(crate) is_sent: bool,
}
