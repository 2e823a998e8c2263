//! What a store answers, of whatever operation, so that two of them can be compared.

use doorward_base::clock::Timestamp;
use doorward_base::id::SignInId;
use doorward_store::{
    Agreed, Authenticator, Changed, CreatedSignIn, CreatedUser, DeletedUser, Disagreement, Flow, Identity,
    KvChanged, KvEntry, KvUsage, Posted, Purged, PutAttributes, QueuedDelivery, Reply, SignIn, StoreStats,
    Subject, SubjectLook, Swapped, ThrottleRow, Throttled, Token, User, UserAddress,
};

use crate::settled;

macro_rules! answers {
    ($($name:ident($of:ty))*) => {
        /// An answer.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(clippy::large_enum_variant, reason = "as many as there are stores stand at once")]
        pub enum Answer {
            /// The store failed; the name of its error.
            Failed(String),
            /// Nothing to tell.
            Nothing,
            $(#[doc = concat!("`", stringify!($of), "`.")] $name($of),)*
        }

        $(impl From<$of> for Answer {
            fn from(answer: $of) -> Self {
                Self::$name(answer)
            }
        })*
    };
}

answers! {
    Addresses(Vec<UserAddress>)
    Agreed(Vec<Agreed>)
    Authenticators(Vec<Authenticator>)
    Changed(Changed)
    Count(u64)
    CreatedSignIn(CreatedSignIn)
    CreatedUser(CreatedUser)
    DeletedUser(DeletedUser)
    Deliveries(Vec<QueuedDelivery>)
    Disagreements(Vec<Disagreement>)
    Flow(Option<Flow>)
    Identities(Vec<Identity>)
    Is(bool)
    Kv(Option<KvEntry>)
    KvChanged(KvChanged)
    KvUsage(KvUsage)
    MaybeCount(Option<u64>)
    Posted(Posted)
    Purged(Purged)
    PutAttributes(PutAttributes)
    Returned(Option<Posted>)
    SignIn(Option<(SignIn, User)>)
    SignIns(Vec<SignIn>)
    Stats(StoreStats)
    Subject(Option<Subject>)
    Swapped(Swapped)
    Throttled(Throttled)
    Throttles(Vec<ThrottleRow>)
    Token(Option<Token>)
    User(Option<User>)
    Users(Vec<User>)
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

/// Whose rows were read in vain is nobody's concern.
impl From<SubjectLook> for Answer {
    fn from(look: SubjectLook) -> Self {
        Self::Subject(look.found)
    }
}

/// The port says nothing of the time that a store measures.
impl From<Timestamp> for Answer {
    fn from(_: Timestamp) -> Self {
        Self::Nothing
    }
}

impl Answer {
    /// What came of it, without the order of what has none.
    pub fn of<T: Into<Self> + Unpin>(reply: Reply<T>) -> Self {
        match settled(reply) {
            Ok(answer) => answer.into().in_order(),
            Err(error) => {
                let text = format!("{error:?}");
                Self::Failed(text.split('(').next().unwrap_or_default().to_owned())
            }
        }
    }

    /// Without what is over at this moment: it may be gone as well.
    pub(super) fn without(mut self, now: Timestamp) -> Self {
        if let Self::Throttles(rows) = &mut self {
            for row in rows.iter_mut().filter(|row| row.expires_at <= now) {
                *row = ThrottleRow::default();
            }
        }
        self
    }

    fn in_order(mut self) -> Self {
        match &mut self {
            Self::Deliveries(rows) => rows.sort_by_key(|row| row.id),
            Self::CreatedSignIn(CreatedSignIn::Created(evicted)) => evicted.sort_by_key(|id: &SignInId| *id),
            // An insert removes a few rows that are over: how many a purge finds is the store's own affair.
            Self::Purged(purged) => {
                *purged = Purged {
                    sign_ins: purged.sign_ins,
                    more: purged.more,
                    ..Purged::default()
                }
            }
            _ => {}
        }
        self
    }
}
