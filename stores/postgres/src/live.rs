//! What `doorward_store` decides of a row, as conditions of SQL, each once: for a row of `doorward_sign_in` called `s` and
//! its user `u`, or of `doorward_authenticator` called `a`. The operand is what stands for now.

/// `SignIn::is_live` at that moment.
macro_rules! live {
    ($now:literal) => {
        concat!(
            "s.ended_at IS NULL AND s.idle_expires_at > ",
            $now,
            " AND s.absolute_expires_at > ",
            $now,
            " AND u.session_epoch = s.epoch AND u.disabled_at IS NULL"
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
        concat!($crate::live::live!($now), " AND NOT ", $crate::live::pending!())
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
            $crate::live::pending!(),
            "))"
        )
    };
}

/// `Authenticator::is_usable` at that moment.
macro_rules! usable {
    ($now:literal) => {
        concat!(
            "a.status IN (0, 1) AND (a.expires_at IS NULL OR a.expires_at > ",
            $now,
            ")"
        )
    };
}

pub(super) use {counted, goes_with, live, pending, usable};
