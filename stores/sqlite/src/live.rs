//! What `doorward_store` decides of a row, as conditions of SQL, each once: for a row of `doorward_sign_in` called `s` and
//! its user `u`, or of `doorward_authenticator` called `a`. The number is that of the parameter.

/// `User::accepts` of the sign-in's epoch.
macro_rules! accepts {
    () => {
        "u.disabled_at IS NULL AND u.session_epoch = s.epoch"
    };
}

/// `SignIn::is_live` at that moment.
macro_rules! live {
    ($now:literal) => {
        concat!(
            "s.ended_at IS NULL AND s.idle_expires_at > ",
            $now,
            " AND s.absolute_expires_at > ",
            $now,
            " AND ",
            accepts!()
        )
    };
}

/// `SignIn::is_pending`.
macro_rules! pending {
    () => {
        "(s.replaces IS NOT NULL AND s.confirmed_at IS NULL)"
    };
}

/// `SignIn::is_counted` at that moment.
macro_rules! counted {
    ($now:literal) => {
        concat!(live!($now), " AND NOT ", pending!())
    };
}

/// `SignIn::goes_with` that sign-in.
macro_rules! goes_with {
    ($id:literal) => {
        concat!(
            "(s.id = ",
            $id,
            " OR (s.replaces = ",
            $id,
            " AND ",
            pending!(),
            "))"
        )
    };
}

/// Counted at ?1.
pub(super) const COUNTED_AT_1: &str = counted!("?1");
/// Counted at ?2.
pub(super) const COUNTED_AT_2: &str = counted!("?2");
/// Live at ?3.
pub(super) const LIVE_AT_3: &str = live!("?3");
/// Goes with ?3.
pub(super) const GOES_WITH_3: &str = goes_with!("?3");
/// `Authenticator::is_usable` at ?3.
pub(super) const USABLE_AT_3: &str = "a.status IN (0, 1) AND (a.expires_at IS NULL OR a.expires_at > ?3)";
