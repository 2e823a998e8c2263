//! What the core asks of a kind and what it gets back: the Rust side of `dwp_request` and `dwp_reply`.
//!
//! The verdict is data, decided before this module's types are made: whatever is unclear has become `Deny` or an
//! error by then (the fail-closed matrix stands in `include/doorward_plugin.h`).

use std::time::Duration;

use super::ports::Limit;
use doorward_base::id::{AuthenticatorId, UserId};
use doorward_base::secret::Secret;

/// Where a kind's identifier comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifierSource {
    /// Only verification reveals it (OIDC, a passkey without a name).
    Found,
    /// The person gives it (an address, a name).
    Given,
    /// There is none: a second factor of a user who is known already.
    User,
}

/// The class of a factor; two factors of one sign-in must differ in it and in channel (NIST SP 800-63B-4 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FactorClass {
    /// Something the person is.
    Inherence,
    /// Something the person knows.
    Knowledge,
    /// Something the person has.
    Possession,
}

impl FactorClass {
    /// The stable text.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Inherence => "inherence",
            Self::Knowledge => "knowledge",
            Self::Possession => "possession",
        }
    }

    /// The class with this text.
    pub fn of(id: &str) -> Option<Self> {
        [Self::Inherence, Self::Knowledge, Self::Possession]
            .into_iter()
            .find(|class| class.id() == id)
    }
}

/// One operation of a kind that takes credentials, and the purpose of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Makes the records of a new authenticator.
    Enroll,
    /// Resumes after `Continue`, with the state that was returned.
    Step,
    /// Replaces an authenticator's credentials.
    Update,
    /// Compares credentials with the records.
    Verify,
}

/// Most bytes of a state that a kind with [`Declaration::unstored_start`] has travel in a flow token.
pub const UNSTORED_MAX_STATE: usize = doorward_plugin_abi::UNSTORED_MAX_STATE as usize;

/// One credential field of one step, as a form needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the credentials.
    pub name: String,
    /// Never shown, never logged.
    pub secret: bool,
    /// May be absent.
    pub optional: bool,
    /// Largest length in bytes.
    pub max_len: usize,
    /// The HTML autocomplete token, such as `current-password` or `one-time-code`; may be empty.
    pub autocomplete: String,
    /// The operation that takes it: for `Step`, the fields of the resumed operation's second and later steps.
    pub operation: Operation,
    /// Which operation is resumed; the same as `operation` unless that is `Step`.
    pub purpose: Operation,
    /// 0 with the operation itself, 1 with the first step after it, and so on.
    pub step: u32,
    /// For `Update`: it is part of the new credentials.
    pub replacement: bool,
}

/// What a kind declares about itself, read once when it is loaded.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the header's flags, each independent of the others"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The kind's name, such as `password`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Where its identifiers come from.
    pub source: IdentifierSource,
    /// Whether the host keeps records for it.
    pub keeps_records: bool,
    /// Whether a user may have several authenticators of it.
    pub several_records: bool,
    /// Whether it can start a sign-in.
    pub can_start: bool,
    /// Whether its credentials hold 112 random bits or more (NIST SP 800-63B-4, 3.1.2.2): nobody guesses them, so they
    /// are verified first and never throttled.
    pub unguessable: bool,
    /// Whether a sign-in's first step, for nobody yet, travels sealed in its flow token and writes no row.
    pub unstored_start: bool,
    /// The class of the factor it proves; `None`: it proves none.
    pub class: Option<FactorClass>,
    /// The channel of the factor, such as `app` or `email`; may be empty.
    pub channel: String,
    /// Its credential fields.
    pub fields: Vec<Field>,
    /// True when it makes identifiers canonical itself (rule `provider`).
    pub normalizes: bool,
    /// True when it tells what a person may see of an authenticator.
    pub describes: bool,
    /// Which operations it has.
    pub operations: Vec<Operation>,
    /// How long one operation may take before it is given up.
    pub deadline: Duration,
    /// True when it never blocks and so answers on the caller's thread, at the first poll.
    pub inline: bool,
    /// True when its acceptance may say that it was two factors in one.
    pub two_in_one: bool,
    /// The version of its canonical identifiers; grows when `normalize` answers differently.
    pub normalize_version: u32,
    /// The version of the records that it writes now; it reads older ones.
    pub record_version: u32,
    /// Most bytes of one record as the host stores it, before sealing.
    pub max_record: usize,
    /// Most bytes of one flow state, before sealing.
    pub max_state: usize,
}

impl Declaration {
    /// True when it has the operation.
    pub fn has(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    /// The fields that the person must give for this purpose at this step (0: with the operation itself), without
    /// the replacements of an update.
    pub fn fields_at(&self, purpose: Operation, step: u32) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(move |field| field.purpose == purpose && field.step == step && !field.replacement)
    }

    /// The fields of an update's new credentials.
    pub fn replacement_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.replacement)
    }
}

/// Named byte strings: credentials or a challenge. Wiped after use, never shown.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, Secret)>);

impl Fields {
    /// The value of the field, if it is there.
    pub fn named(&self, name: &str) -> Option<&Secret> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value)
    }
}

impl<N: Into<String>, V: Into<Secret>, const COUNT: usize> From<[(N, V); COUNT]> for Fields {
    fn from(fields: [(N, V); COUNT]) -> Self {
        Self(
            fields
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// One opened record of the subject's credentials group.
#[derive(Clone, Debug)]
pub struct OpenRecord {
    /// The authenticator.
    pub id: AuthenticatorId,
    /// The version that was read.
    pub version: i64,
    /// What the kind stored.
    pub bytes: Secret,
    /// What its owner calls it.
    pub label: String,
}

/// One question to a kind.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which operation.
    pub operation: Operation,
    /// For `Step`: which operation is being resumed; otherwise the same as `operation`.
    pub purpose: Operation,
    /// For `Step`: 1 after the first `Continue`, 2 after the second; otherwise 0. A denied step keeps its number.
    pub step: u32,
    /// No such subject: answer exactly as a real one would be answered; nothing can be accepted.
    pub decoy: bool,
    /// The realm.
    pub realm: String,
    /// The user, where there is one; for a decoy an id that is nobody's, the same each time.
    pub subject: Option<UserId>,
    /// The user, if the browser that asks is one of the user's own. For limits; no kind is told.
    pub known: Option<UserId>,
    /// The provider name through which the question comes.
    pub provider: String,
    /// The identifier as given; empty where the source is not `Given`.
    pub raw: Vec<u8>,
    /// The canonical identifier.
    pub canonical: Vec<u8>,
    /// A name that the person knows the account by, for showing; may be empty.
    pub display: String,
    /// What the person sent.
    pub credentials: Fields,
    /// For `Update`: the new ones.
    pub new_credentials: Fields,
    /// All records of the subject's credentials group.
    pub records: Vec<OpenRecord>,
    /// For `Step`: the state of the step before.
    pub state: Option<Secret>,
    /// The handle that a RESOLVE of `Verify` or of its step named, and that was loaded (or decoyed) for this second call.
    pub resolved: Option<Vec<u8>>,
    /// User agent, already capped; empty without a request.
    pub agent: String,
    /// Client address as text; empty without a request.
    pub address: String,
}

/// What the kind decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The credentials are right.
    Accept,
    /// Another step is needed: state and challenge are in the verdict.
    Continue,
    /// They are not, or it cannot be said that they are.
    Deny,
    /// Load the authenticator with the verdict's handle and ask once more.
    Resolve,
}

/// Why a kind denied: for the event stream, never for the client. Only `Wrong` counts as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The account is disabled where the kind looks.
    Disabled,
    /// The credential was right once.
    Expired,
    /// The credentials cannot be read.
    InvalidInput,
    /// Locked where the kind looks.
    Locked,
    /// Right, but only good for being replaced.
    MustChange,
    /// The subject has no authenticator of this kind.
    NotEnrolled,
    /// The credential is wrong.
    Wrong,
}

impl Denial {
    /// The reason as a kind gives it.
    pub const fn number(self) -> u32 {
        match self {
            Self::Disabled => doorward_plugin_abi::DISABLED,
            Self::Expired => doorward_plugin_abi::EXPIRED,
            Self::InvalidInput => doorward_plugin_abi::INVALID_INPUT,
            Self::Locked => doorward_plugin_abi::LOCKED,
            Self::MustChange => doorward_plugin_abi::MUST_CHANGE,
            Self::NotEnrolled => doorward_plugin_abi::NOT_ENROLLED,
            Self::Wrong => doorward_plugin_abi::WRONG,
        }
    }

    /// The stable text in events.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::InvalidInput => "invalid_input",
            Self::Locked => "locked",
            Self::MustChange => "must_change",
            Self::NotEnrolled => "not_enrolled",
            Self::Wrong => "wrong",
        }
    }
}

/// A record to store after `Accept` (new, or replacing by compare-and-swap).
#[derive(Clone, Debug)]
pub struct PutRecord {
    /// `None`: a new authenticator. `Some`: replaces the record that the question carried.
    pub replaces: Option<AuthenticatorId>,
    /// What to store; the host seals it.
    pub bytes: Secret,
    /// What RESOLVE may name later.
    pub handle: Option<Vec<u8>>,
    /// What its owner sees; `None`: unchanged or empty.
    pub label: Option<String>,
}

/// A message to a person, as a kind wants it sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// How: `[a-z][a-z0-9_]{0,31}`.
    pub channel: String,
    /// Where to: 1 to 1024 bytes without control characters.
    pub address: Secret,
    /// Which words: `[a-z][a-z0-9_.-]{0,63}`.
    pub template: String,
    /// What goes into them.
    pub params: Fields,
    /// How long sending it makes sense; `None`: as long as a flow lives.
    pub lifetime: Option<Duration>,
}

/// The answer of a kind, complete and checked.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// For `Deny`: why.
    pub denial: Denial,
    /// For `Accept` of `Found` identifiers: the raw and the canonical identifier.
    pub identifier: Option<(Vec<u8>, Vec<u8>)>,
    /// For `Accept`: records to store.
    pub records: Vec<PutRecord>,
    /// For `Accept` after `Verify` or `Step`: which record did verify, where the kind says so.
    pub used: Option<AuthenticatorId>,
    /// For `Accept` after `Verify` or `Step`: what was verified was two factors in one.
    pub two_in_one: bool,
    /// For `Continue`: the state of the next step.
    pub state: Option<Secret>,
    /// For `Continue`: how long the state may live, where the kind wants less than the configured time.
    pub state_ttl: Option<Duration>,
    /// For `Continue`: what the person must see. Not secret to that person, secret to others.
    pub challenge: Fields,
    /// For `Accept`: shown once to the person, never stored (recovery codes, an API key).
    pub show_once: Fields,
    /// For `Accept`: what the kind asserts about the person; names and JSON values.
    pub attributes: Vec<(String, serde_json::Value)>,
    /// For `Continue`, and for `Accept` of `Enroll` and `Update`: messages to queue in the same transaction.
    pub messages: Vec<Message>,
    /// With the messages: counters that were open, to be charged in the same transaction. The messages are dropped if
    /// one has closed by then.
    pub limits: Vec<Limit>,
    /// For `Resolve`: the handle.
    pub handle: Option<Vec<u8>>,
    /// Records of the question that the kind has rewritten in its newest format, to be stored where nobody has changed
    /// them meanwhile.
    pub migrated: Vec<PutRecord>,
    /// Rules that new credentials break; not empty only with `Deny`.
    pub violations: Vec<doorward_base::error::Violation>,
}

impl Verdict {
    /// A verdict with nothing in it.
    pub(super) fn of(decision: Decision) -> Self {
        Self {
            decision,
            denial: Denial::Wrong,
            identifier: None,
            records: Vec::new(),
            used: None,
            two_in_one: false,
            state: None,
            state_ttl: None,
            challenge: Fields::default(),
            show_once: Fields::default(),
            attributes: Vec::new(),
            messages: Vec::new(),
            limits: Vec::new(),
            handle: None,
            violations: Vec::new(),
            migrated: Vec::new(),
        }
    }

    /// An acceptance with nothing in it: what the host has seen for itself.
    pub fn accepting() -> Self {
        Self::of(Decision::Accept)
    }
}
/// What is asked of an instance.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// An operation that takes credentials.
    Ask(&'a Ask),
    /// What a person may see of the one record of the question.
    Describe(&'a Ask),
    Health,
    /// The one record of the question in the newest format.
    Migrate(&'a Ask),
    /// The canonical form of an identifier.
    Normalize(&'a [u8]),
    Start,
}
