//! The counters, each with its law.

use std::time::Duration;

use crate::store::ThrottleLaw;

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Wrong credentials of a first step, by identifier and network.
    In,
    /// The same by identifier, from everywhere.
    Id,
    /// The same with a good device cookie, by user: nothing else is counted then.
    Device,
    /// Wrong answers in later steps, by user and provider.
    Step,
    /// The same with a good device cookie.
    StepDevice,
    /// Wrong credentials and identifiers found taken, by network.
    Net,
    /// The same by IPv6 /48.
    Net48,
    /// Flows stored for strangers, by network.
    Begin,
    /// The same by IPv6 /48.
    Begin48,
    /// Flows stored for strangers, by process: counted in its memory.
    BeginAll,
    /// Flows stored for a known device, by user.
    BeginDevice,
    /// Messages queued to one address for one purpose.
    To,
    /// The same where the message is a code, which lives shorter.
    ToCode,
    /// Messages that a known device asked for, by user.
    ToDevice,
    /// Messages that strangers caused, by network.
    MailNet,
    /// Messages to addresses that no user has, by domain.
    MailDomain,
    /// Users made, by network.
    SignUp,
    /// Changes of identifiers, by user.
    Change,
}

impl Counter {
    /// Every counter, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::In,
        Self::Id,
        Self::Device,
        Self::Step,
        Self::StepDevice,
        Self::Net,
        Self::Net48,
        Self::Begin,
        Self::Begin48,
        Self::BeginAll,
        Self::BeginDevice,
        Self::To,
        Self::ToCode,
        Self::ToDevice,
        Self::MailNet,
        Self::MailDomain,
        Self::SignUp,
        Self::Change,
    ];

    /// The name in settings, and the scope in buckets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Id => "id",
            Self::Device => "device",
            Self::Step => "step",
            Self::StepDevice => "step_device",
            Self::Net => "net",
            Self::Net48 => "net48",
            Self::Begin => "begin",
            Self::Begin48 => "begin48",
            Self::BeginAll => "begin_all",
            Self::BeginDevice => "begin_device",
            Self::To => "to",
            Self::ToCode => "to_code",
            Self::ToDevice => "to_device",
            Self::MailNet => "mail_net",
            Self::MailDomain => "mail_domain",
            Self::SignUp => "sign_up",
            Self::Change => "change",
        }
    }

    /// The law where nothing is configured.
    pub const fn default_law(self) -> ThrottleLaw {
        const fn delay(free: u32, ceiling: u64) -> ThrottleLaw {
            ThrottleLaw::Delay {
                free,
                first: Duration::from_secs(2),
                ceiling: Duration::from_secs(ceiling),
            }
        }
        const fn rate(burst: u32, millis: u64) -> ThrottleLaw {
            ThrottleLaw::Rate {
                burst,
                every: Duration::from_millis(millis),
            }
        }
        match self {
            Self::In | Self::Step | Self::StepDevice => delay(5, 3600),
            Self::Id => delay(10, 3600),
            Self::Device => delay(10, 900),
            Self::Net => rate(100, 20_000),
            Self::Net48 => rate(400, 5_000),
            Self::Begin => rate(300, 2_000),
            Self::Begin48 => rate(1_200, 500),
            Self::BeginAll => rate(20_000, 20),
            Self::BeginDevice => rate(20, 30_000),
            Self::To => rate(3, 1_200_000),
            Self::ToCode => rate(3, 600_000),
            Self::ToDevice => rate(3, 300_000),
            Self::MailNet => rate(300, 5_000),
            Self::MailDomain => rate(3_000, 200),
            Self::SignUp => rate(50, 30_000),
            Self::Change => rate(10, 300_000),
        }
    }
}

/// Throttling by configuration.
#[derive(Clone, Debug)]
pub struct ThrottleSettings {
    /// On by default.
    pub enabled: bool,
    /// Attempts of one subject and lane that one process lets work at once. Default 2.
    pub parallel: usize,
    /// After how many failures in a row at one password strangers have one attempt a day, until a success or a recovery.
    /// 0: never. Default 0.
    pub consecutive: u32,
    laws: [ThrottleLaw; Counter::ALL.len()],
}

impl ThrottleSettings {
    /// The law of a counter.
    pub fn law(&self, counter: Counter) -> ThrottleLaw {
        self.laws
            .get(counter as usize)
            .copied()
            .unwrap_or(counter.default_law())
    }

    /// Gives a counter another law.
    pub fn set(&mut self, counter: Counter, law: ThrottleLaw) {
        if let Some(slot) = self.laws.get_mut(counter as usize) {
            *slot = law;
        }
    }
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            parallel: 2,
            consecutive: 0,
            laws: Counter::ALL.map(Counter::default_law),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_own_place() {
        for (number, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, number, "{}", counter.name());
        }
    }
}
