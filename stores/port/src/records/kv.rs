//! What plugins keep besides records: values under keys, and what a change makes of them. The same decision for every store.

use doorward_base::clock::Timestamp;

/// Names one value. Realm and provider are the host's to say, the key is the plugin's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KvAt {
    /// The realm.
    pub realm: String,
    /// The provider name.
    pub provider: String,
    /// The key: 1 to 1024 bytes.
    pub key: Vec<u8>,
}

/// What stands under a key.
#[derive(Clone, PartialEq, Eq)]
pub enum KvValue {
    /// What was put: sealed by the caller.
    Bytes(Vec<u8>),
    /// What was added up: a number, so that adding needs no key.
    Counter(i64),
}

impl std::fmt::Debug for KvValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} of them)", bytes.len()),
            Self::Counter(sum) => write!(f, "Counter({sum})"),
        }
    }
}

const BYTES: u8 = 0;
const COUNTER: u8 = 1;

impl KvValue {
    /// As a column holds it: what it is, then what it says.
    pub fn to_column(&self) -> Vec<u8> {
        let (tag, content) = match self {
            Self::Bytes(bytes) => (BYTES, bytes.clone()),
            Self::Counter(sum) => (COUNTER, sum.to_le_bytes().to_vec()),
        };
        [&[tag], content.as_slice()].concat()
    }

    /// `None`: no such column.
    pub fn of_column(column: &[u8]) -> Option<Self> {
        match column.split_first()? {
            (&BYTES, bytes) => Some(Self::Bytes(bytes.to_vec())),
            (&COUNTER, sum) => sum
                .try_into()
                .ok()
                .map(|sum| Self::Counter(i64::from_le_bytes(sum))),
            _ => None,
        }
    }
}

/// One stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvEntry {
    /// The value.
    pub value: KvValue,
    /// Differs with every change: whoever changes it brings a new one.
    pub version: i64,
    /// When it is not there any more; `None`: it stays.
    pub expires_at: Option<Timestamp>,
}

impl KvEntry {
    /// Whether it is still there.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KvUsage {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and of values as they are stored.
    pub bytes: u64,
}

/// What must be there for a change to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvExpect {
    /// Nothing.
    Absent,
    /// Whatever is there.
    Any,
    /// The value of this version.
    Version(i64),
}

impl KvExpect {
    fn holds(self, stored: Option<&KvEntry>) -> bool {
        match self {
            Self::Absent => stored.is_none(),
            Self::Any => true,
            Self::Version(version) => stored.is_some_and(|stored| stored.version == version),
        }
    }
}

/// One change of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvChange {
    /// Which value.
    pub at: KvAt,
    /// What to do with it.
    pub action: KvAction,
    /// Its next version, positive, never used before: a random number is.
    pub version: i64,
    /// Now.
    pub now: Timestamp,
}

/// What to do with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvAction {
    /// Add to a counter; one that is not there is 0 and gets this end.
    Add {
        /// What to add.
        delta: i64,
        /// The end of one that is made; `None`: it stays.
        expires_at: Option<Timestamp>,
    },
    /// Write sealed bytes.
    Put {
        /// The bytes.
        sealed: Vec<u8>,
        /// What must be there.
        expect: KvExpect,
        /// The end; `None`: it stays.
        expires_at: Option<Timestamp>,
    },
    /// Forget it.
    Remove {
        /// What must be there.
        expect: KvExpect,
    },
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvChanged {
    /// There is nothing to remove.
    Absent,
    /// Another value is there than was expected.
    Conflict,
    /// It is done.
    Done,
    /// What is there was put and is no counter.
    NotACounter,
    /// The counter is this now.
    Sum(i64),
    /// The sum does not fit.
    TooLarge,
}

/// What a store has to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvWrite {
    /// This stands under the key then.
    Entry(KvEntry),
    /// What stands there stays.
    Nothing,
    /// The key goes.
    Removal,
}

impl KvChange {
    /// What the change makes of what is stored. The store holds the value's lock, or the whole database, meanwhile.
    pub fn decide(&self, stored: Option<&KvEntry>) -> (KvChanged, KvWrite) {
        let stored = stored.filter(|stored| stored.is_live(self.now));
        let entry = |value, expires_at| {
            KvWrite::Entry(KvEntry {
                value,
                version: self.version,
                expires_at,
            })
        };
        match &self.action {
            KvAction::Add { delta, expires_at } => {
                let (before, expires_at) = match stored {
                    None => (0, *expires_at),
                    Some(KvEntry {
                        value: KvValue::Counter(sum),
                        expires_at,
                        ..
                    }) => (*sum, *expires_at),
                    Some(_) => return (KvChanged::NotACounter, KvWrite::Nothing),
                };
                before
                    .checked_add(*delta)
                    .map_or((KvChanged::TooLarge, KvWrite::Nothing), |sum| {
                        (KvChanged::Sum(sum), entry(KvValue::Counter(sum), expires_at))
                    })
            }
            KvAction::Put { expect, .. } if !expect.holds(stored) => (KvChanged::Conflict, KvWrite::Nothing),
            KvAction::Put {
                sealed, expires_at, ..
            } => (
                KvChanged::Done,
                entry(KvValue::Bytes(sealed.clone()), *expires_at),
            ),
            KvAction::Remove { .. } if stored.is_none() => (KvChanged::Absent, KvWrite::Nothing),
            KvAction::Remove { expect } if !expect.holds(stored) => (KvChanged::Conflict, KvWrite::Nothing),
            KvAction::Remove { .. } => (KvChanged::Done, KvWrite::Removal),
        }
    }
}
