//! Schema, agreement and upkeep.

/// Versions of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaState {
    /// What the database has; 0: nothing yet.
    pub found: u32,
    /// What this release writes.
    pub current: u32,
}

/// One configuration item that all processes must see alike, such as `provider/email`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Slash-separated name, without the `agree/` that stores put before it.
    pub name: String,
    /// Its canonical text.
    pub value: String,
}

/// An agreed item whose stored value is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The item.
    pub name: String,
    /// What this process has.
    pub ours: String,
    /// What the database has.
    pub stored: String,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Ended or expired sign-ins.
    pub sign_ins: u64,
    /// Expired flows.
    pub flows: u64,
    /// Expired tokens, deliveries and key-value entries.
    pub others: u64,
    /// Forgotten throttle buckets.
    pub throttles: u64,
    /// Whether there may be more to remove: time or limit was up.
    pub more: bool,
}

impl Purged {
    /// What two slices removed; the second one says whether there is more.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        Self {
            sign_ins: self.sign_ins.saturating_add(next.sign_ins),
            flows: self.flows.saturating_add(next.flows),
            others: self.others.saturating_add(next.others),
            throttles: self.throttles.saturating_add(next.throttles),
            more: next.more,
        }
    }
}

/// How long a store removes rows in one go: whoever writes beside it waits no longer than that.
pub const PURGE_SLICE: std::time::Duration = std::time::Duration::from_millis(20);

/// Counts of rows: of the whole database on a handle of the default realm, else of the handle's realm.
///
/// On PostgreSQL exact up to 10,000 of a sort. Beyond, of the whole database the server's own estimate
/// (`pg_class.reltuples`, as of the last vacuum), which counts sign-ins that have expired and were not purged yet, too, and
/// of a realm what its first 10,000 users have: counting a large table would read all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Users.
    pub users: u64,
    /// Live sign-ins.
    pub sign_ins: u64,
    /// Open flows. Of a realm those whose user is known: the others do not say where they were begun.
    pub flows: u64,
}
