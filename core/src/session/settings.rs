//! The numbers of the session protocol, their defaults, and the combinations that are refused at start.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// By how much the grace must exceed the store deadline: a reply, a page load and a second tab fit into it.
const GRACE_MARGIN: Duration = Duration::from_secs(5);
/// The longest lifetime of anything: ten years, so that no time stored overflows a date type.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// Lifetimes and limits of sign-ins: the same in all processes of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Lifetime of an access token. Default 8 hours; more than 2 × (grace + store deadline).
    pub access_ttl: Duration,
    /// How long after its successor was first used a token is still good for the same successor: lost replies and
    /// other tabs live in it, and so would a thief. Default 30 seconds; at least store deadline + 5 seconds.
    pub grace: Duration,
    /// How long a sign-in lives without use. Default 14 days.
    pub idle_ttl: Duration,
    /// How long a sign-in lives at most. Default 90 days.
    pub absolute_ttl: Duration,
    /// Whether cookies outlive the browser. Default true.
    pub persistent: bool,
    /// How many live sign-ins a user may have. Default 100.
    pub max_sign_ins: u32,
    /// What happens at that number. Default: evict.
    pub at_cap: AtCap,
    /// How long a database may take to answer. Default 5 seconds. No attempt begins later than this after entry.
    pub store_deadline: Duration,
    /// Lifts both rules about short lifetimes: for development and tests only. Default false.
    pub unsafe_short_lifetimes: bool,
}

/// What `create_session` does when the user has `max_sign_ins` live sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtCap {
    /// Answers that the cap is reached.
    Deny,
    /// Ends the least recently seen one.
    Evict,
}

/// What one sign-in asks for; `None`: as configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Lifetime of its access tokens, at most the configured one.
    pub access: Option<Duration>,
    /// Lifetime without use, at most the configured one.
    pub idle: Option<Duration>,
    /// Lifetime in any case, at most the configured one.
    pub absolute: Option<Duration>,
    /// Whether its cookies outlive the browser; only where that is configured.
    pub persistent: Option<bool>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            access_ttl: Duration::from_hours(8),
            grace: Duration::from_secs(30),
            idle_ttl: Duration::from_hours(14 * 24),
            absolute_ttl: Duration::from_hours(90 * 24),
            persistent: true,
            max_sign_ins: 100,
            at_cap: AtCap::Evict,
            store_deadline: Duration::from_secs(5),
            unsafe_short_lifetimes: false,
        }
    }
}

impl SessionSettings {
    /// Refuses numbers under which the protocol would sign honest people out.
    ///
    /// # Errors
    /// `Configuration`, naming the field, its limit and what to do.
    pub fn check(&self) -> Result<()> {
        for (field, value) in [
            ("session.access_ttl", self.access_ttl),
            ("session.idle_ttl", self.idle_ttl),
            ("session.absolute_ttl", self.absolute_ttl),
            ("store.deadline", self.store_deadline),
        ] {
            if value.is_zero() || value > LONGEST {
                return refused(format!(
                    "`{field}` is {value:?}: set it above zero and to at most 10 years"
                ));
            }
        }
        if self.max_sign_ins == 0 {
            return refused("`session.max_sign_ins` is 0: set it to at least 1".into());
        }
        if self.grace > LONGEST {
            return refused("`session.grace` is above 10 years: set it to at most that".into());
        }
        if self.unsafe_short_lifetimes {
            return Ok(());
        }
        // A page that holds the access token must outlive a refresh by another tab whose reply was slow.
        let shortest = self.shortest_access_ttl();
        if self.access_ttl <= shortest {
            return refused(format!(
                "`session.access_ttl` is {:?} and must be above {shortest:?}, 2 x (`session.grace` + \
                 `store.deadline`): raise it, or set `session.unsafe_short_lifetimes` for development",
                self.access_ttl
            ));
        }
        // A client whose reply took the whole deadline must still find the generation settling.
        let least = self.store_deadline.saturating_add(GRACE_MARGIN);
        if self.grace < least {
            return refused(format!(
                "`session.grace` is {:?} and must be at least {least:?}, `store.deadline` + {GRACE_MARGIN:?}: \
                 raise it, or set `session.unsafe_short_lifetimes` for development",
                self.grace
            ));
        }
        Ok(())
    }

    fn shortest_access_ttl(&self) -> Duration {
        self.grace.saturating_add(self.store_deadline).saturating_mul(2)
    }

    /// The lifetimes in force for a sign-in that asks for `asked`.
    pub(super) fn lifetimes(&self, asked: Lifetimes) -> Result<InForce> {
        let at_most = |field: &str, asked: Option<Duration>, configured: Duration| match asked {
            Some(ttl) if ttl.is_zero() || ttl > configured => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("lifetime `{field}` is {ttl:?}: it must be above zero and at most {configured:?}"),
            )),
            asked => Ok(asked.unwrap_or(configured)),
        };
        let access = at_most("access", asked.access, self.access_ttl)?;
        if access <= self.shortest_access_ttl() && !self.unsafe_short_lifetimes {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "lifetime `access` is {access:?}: it must be above {:?}, 2 x (grace + store deadline)",
                    self.shortest_access_ttl()
                ),
            ));
        }
        if asked.persistent == Some(true) && !self.persistent {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "lifetime `persistent` asks for more than `session.persistent` allows: leave it out",
            ));
        }
        Ok(InForce {
            access,
            idle: at_most("idle", asked.idle, self.idle_ttl)?,
            absolute: at_most("absolute", asked.absolute, self.absolute_ttl)?,
            persistent: asked.persistent.unwrap_or(self.persistent),
        })
    }
}

/// The lifetimes of one sign-in.
pub(super) struct InForce {
    pub(super) access: Duration,
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    pub(super) persistent: bool,
}

fn refused(message: String) -> Result<()> {
    Err(Error::new(ErrorKind::Configuration, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const MICRO: Duration = Duration::from_micros(1);

    fn with(change: impl FnOnce(&mut SessionSettings)) -> SessionSettings {
        let mut settings = SessionSettings::default();
        change(&mut settings);
        settings
    }

    #[test]
    fn refuses_numbers_that_sign_honest_people_out_naming_field_and_limit() {
        let table: [(SessionSettings, Option<[&str; 2]>); 11] = [
            (SessionSettings::default(), None),
            (
                with(|s| s.access_ttl = S(70)),
                Some(["session.access_ttl", "70s"]),
            ),
            (with(|s| s.access_ttl = S(70) + MICRO), None),
            (
                with(|s| s.grace = S(10).saturating_sub(MICRO)),
                Some(["session.grace", "10s"]),
            ),
            (with(|s| s.grace = S(10)), None),
            (with(|s| s.store_deadline = S(26)), Some(["session.grace", "31s"])),
            (
                with(|s| s.idle_ttl = Duration::ZERO),
                Some(["session.idle_ttl", "above zero"]),
            ),
            (
                with(|s| s.absolute_ttl = Duration::MAX),
                Some(["session.absolute_ttl", "10 years"]),
            ),
            (
                with(|s| s.max_sign_ins = 0),
                Some(["session.max_sign_ins", "at least 1"]),
            ),
            (
                with(|s| (s.access_ttl, s.grace, s.unsafe_short_lifetimes) = (S(1), S(0), true)),
                None,
            ),
            (
                with(|s| (s.access_ttl, s.unsafe_short_lifetimes) = (S(0), true)),
                Some(["session.access_ttl", "above zero"]),
            ),
        ];
        for (settings, refused) in table {
            match (settings.check(), refused) {
                (Ok(()), None) => {}
                (Err(error), Some(words)) => {
                    assert_eq!(error.kind(), ErrorKind::Configuration);
                    for word in words {
                        assert!(error.message().contains(word), "{error}: {word}");
                    }
                }
                (got, wanted) => panic!("{settings:?}: {got:?} instead of {wanted:?}"),
            }
        }
    }

    #[test]
    fn a_sign_in_asks_for_at_most_what_is_configured() {
        let settings = with(|s| s.persistent = false);
        let none = Lifetimes::default();
        for (asked, granted) in [
            (none, true),
            (
                Lifetimes {
                    access: Some(settings.access_ttl),
                    ..none
                },
                true,
            ),
            (
                Lifetimes {
                    access: Some(settings.access_ttl + MICRO),
                    ..none
                },
                false,
            ),
            (
                Lifetimes {
                    access: Some(S(70)),
                    ..none
                },
                false,
            ),
            (
                Lifetimes {
                    access: Some(S(71)),
                    ..none
                },
                true,
            ),
            (
                Lifetimes {
                    idle: Some(Duration::ZERO),
                    ..none
                },
                false,
            ),
            (
                Lifetimes {
                    idle: Some(settings.idle_ttl + MICRO),
                    ..none
                },
                false,
            ),
            (
                Lifetimes {
                    absolute: Some(settings.absolute_ttl + MICRO),
                    ..none
                },
                false,
            ),
            (
                Lifetimes {
                    persistent: Some(true),
                    ..none
                },
                false,
            ),
            (
                Lifetimes {
                    persistent: Some(false),
                    ..none
                },
                true,
            ),
        ] {
            assert_eq!(settings.lifetimes(asked).is_ok(), granted, "{asked:?}");
        }
    }
}
