//! One question to a provider, built up by a test.

use doorward_plugin::abi;
use doorward_runtime::direct::{Question, StoredRecord};

/// The user id of every question that does not say otherwise.
const SOMEBODY: [u8; 16] = *b"somebody's id 16";

/// One question. Begin with the operation, add what it carries.
#[derive(Clone, Debug)]
pub struct Ask {
    /// `OP_…`
    pub operation: u32,
    /// `FOR_…`; 0 where there is none.
    pub purpose: u32,
    /// `RF_…`
    pub flags: u32,
    /// In a step: 1 after the first CONTINUE.
    pub step: u32,
    /// The user's id; empty where there is no user yet.
    pub subject: Vec<u8>,
    /// The identifier as it was typed.
    pub identifier_raw: Vec<u8>,
    /// Its canonical form.
    pub identifier: Vec<u8>,
    /// A name to show for the account.
    pub display: Vec<u8>,
    /// The credentials.
    pub credentials: Vec<(String, Vec<u8>)>,
    /// The credentials that replace them.
    pub new_credentials: Vec<(String, Vec<u8>)>,
    /// The records of the user.
    pub records: Vec<StoredRecord>,
    /// In a step: what the last CONTINUE stored.
    pub state: Vec<u8>,
    /// The client's User-Agent.
    pub agent: Vec<u8>,
    /// The client's address.
    pub address: Vec<u8>,
    /// In the second verification after RESOLVE: the handle.
    pub resolved: Vec<u8>,
}

impl Ask {
    /// A question that carries nothing yet.
    pub fn new(operation: u32, purpose: u32) -> Self {
        Self {
            operation,
            purpose,
            flags: 0,
            step: 0,
            subject: SOMEBODY.to_vec(),
            identifier_raw: Vec::new(),
            identifier: Vec::new(),
            display: Vec::new(),
            credentials: Vec::new(),
            new_credentials: Vec::new(),
            records: Vec::new(),
            state: Vec::new(),
            agent: Vec::new(),
            address: Vec::new(),
            resolved: Vec::new(),
        }
    }

    /// Identifier to canonical form.
    pub fn normalize(identifier: &str) -> Self {
        let mut ask = Self::new(abi::OP_NORMALIZE, 0);
        ask.identifier_raw = identifier.into();
        ask
    }

    /// Credentials to a new record.
    pub fn enroll() -> Self {
        Self::new(abi::OP_ENROLL, abi::FOR_ENROLL)
    }

    /// Credentials against records.
    pub fn verify() -> Self {
        Self::new(abi::OP_VERIFY, abi::FOR_VERIFY)
    }

    /// Replace credentials.
    pub fn update() -> Self {
        Self::new(abi::OP_UPDATE, abi::FOR_UPDATE)
    }

    /// Resumes the enrollment that answered CONTINUE with this state.
    pub fn step_of_enroll(state: &[u8]) -> Self {
        Self::step(abi::FOR_ENROLL, state)
    }

    /// Resumes the verification that answered CONTINUE with this state.
    pub fn step_of_verify(state: &[u8]) -> Self {
        Self::step(abi::FOR_VERIFY, state)
    }

    /// Rewrite this record of an older format.
    pub fn migrate(record: &StoredRecord) -> Self {
        Self::new(abi::OP_MIGRATE, 0).records(std::slice::from_ref(record))
    }

    /// Is the provider well.
    pub fn health() -> Self {
        Self::new(abi::OP_HEALTH, 0)
    }

    /// What may be shown about the records.
    pub fn describe() -> Self {
        Self::new(abi::OP_DESCRIBE, 0)
    }

    /// As the host puts it.
    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            operation: self.operation,
            purpose: self.purpose,
            flags: self.flags,
            step: self.step,
            subject: &self.subject,
            identifier_raw: &self.identifier_raw,
            identifier: &self.identifier,
            display: &self.display,
            credentials: &self.credentials,
            new_credentials: &self.new_credentials,
            records: &self.records,
            state: &self.state,
            agent: &self.agent,
            address: &self.address,
            resolved: &self.resolved,
        }
    }

    fn step(purpose: u32, state: &[u8]) -> Self {
        let mut ask = Self::new(abi::OP_STEP, purpose);
        ask.step = 1;
        ask.state = state.to_vec();
        ask
    }

    /// Adds a credential.
    #[must_use]
    pub fn credential(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.credentials.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds a replacing credential.
    #[must_use]
    pub fn new_credential(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.new_credentials
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The records of the user.
    #[must_use]
    pub fn records(mut self, records: &[StoredRecord]) -> Self {
        self.records = records.to_vec();
        self
    }

    /// Nobody has this identifier.
    #[must_use]
    pub fn decoy(mut self) -> Self {
        self.flags |= abi::RF_DECOY;
        self
    }

    /// The identifier, canonical as it is.
    #[must_use]
    pub fn identifier(mut self, identifier: &str) -> Self {
        self.identifier_raw = identifier.into();
        self.identifier = identifier.into();
        self
    }

    /// The name to show for the account.
    #[must_use]
    pub fn display(mut self, display: &str) -> Self {
        self.display = display.into();
        self
    }

    /// There is no user yet: an enrollment that begins an account, a verification of nobody known.
    #[must_use]
    pub fn nobody(mut self) -> Self {
        self.subject.clear();
        self
    }

    /// The second call after RESOLVE.
    #[must_use]
    pub fn resolved(mut self, handle: &[u8]) -> Self {
        self.resolved = handle.to_vec();
        self
    }
}
