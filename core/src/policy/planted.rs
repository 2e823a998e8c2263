//! Rules that are broken on purpose, so that the tests of all rules see that each of them matters (`tests/rust/tests/factor_property`).
//!
//! In builds with debug assertions a test may plant one fault in a context (`Config::plant`); in release builds there is
//! nothing to plant it with, and every question here is answered `false` at compile time.

/// A rule that is not kept, by the names of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Every second factor that is held is offered, one at the proved mailbox too, and any two are enough.
    AnyOfAll,
    /// A second factor at the first one's mailbox is not asked for.
    BothSidesIsNone,
    /// Two mailboxes are one channel: refused.
    ChannelNotAddress,
    /// A second factor that is expired or spent counts as none.
    DeadIsAbsent,
    /// A second factor may be enrolled beside an unproved address.
    EnrollUnproved,
    /// The first proof of an address takes nothing away.
    FirstKeeps,
    /// Two in one counts for names that are not second, too.
    MultiAnywhere,
    /// The address over which a password was set is forgotten.
    NoOver,
    /// One address may serve first and second factors.
    NoSides,
    /// A recovery token replaces a second factor's credentials.
    RecoveryAnyGroup,
    /// Recovery removes the identities of second factors.
    RecoveryTakesSeconds,
    /// A second factor of the class that was proved is not asked for.
    SameClassIsNothing,
    /// Only second factors complete a set: what starts and is second is enough alone.
    SecondsOnlyNext,
    /// Names of second factors take recovery tokens.
    SecondsRecover,
    /// A way in may be removed although only unproved or second ones are left.
    SingleLeft,
    /// An address that nobody proved recovers where a second factor is held.
    UnprovedRecovers,
    /// A further address is proved without a session of the user.
    VerifyEstablished,
}

/// The fault of a context, if one is planted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Planted(#[cfg(debug_assertions)] Option<Fault>);

impl Planted {
    /// True when this rule is not kept.
    #[cfg(debug_assertions)]
    pub(crate) fn is(self, fault: Fault) -> bool {
        self.0 == Some(fault)
    }

    /// Every rule is kept.
    #[cfg(not(debug_assertions))]
    #[expect(clippy::unused_self, reason = "a build that plants asks the same question")]
    pub(crate) const fn is(self, _: Fault) -> bool {
        false
    }

    /// The fault of this name, as the model spells it; `None`: there is no such fault.
    #[cfg(debug_assertions)]
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            ("any_of_all", Fault::AnyOfAll),
            ("both_sides_is_none", Fault::BothSidesIsNone),
            ("channel_not_address", Fault::ChannelNotAddress),
            ("dead_is_absent", Fault::DeadIsAbsent),
            ("enroll_unproved", Fault::EnrollUnproved),
            ("first_keeps", Fault::FirstKeeps),
            ("multi_anywhere", Fault::MultiAnywhere),
            ("no_over", Fault::NoOver),
            ("no_sides", Fault::NoSides),
            ("recovery_any_group", Fault::RecoveryAnyGroup),
            ("recovery_takes_seconds", Fault::RecoveryTakesSeconds),
            ("same_class_is_nothing", Fault::SameClassIsNothing),
            ("seconds_only_next", Fault::SecondsOnlyNext),
            ("seconds_recover", Fault::SecondsRecover),
            ("single_left", Fault::SingleLeft),
            ("unproved_recovers", Fault::UnprovedRecovers),
            ("verify_established", Fault::VerifyEstablished),
        ];
        let found = all.into_iter().find(|(known, _)| *known == name)?;
        Some(Self(Some(found.1)))
    }
}
