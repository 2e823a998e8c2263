//! The sign-in policy: which factors a proof must hold before a session may be made from it.

use std::time::Duration;

use crate::factor::Factor;
use crate::plugin::FactorClass;

/// The policy by configuration.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// Provider names of second factors; any one of them does. Empty: one factor is enough.
    pub second_factor: Vec<String>,
    /// True: everyone must have one, and whoever has none is led to enrol. False: asked of users who have one.
    pub require: bool,
    /// How old a factor may be for a sensitive operation. Default 10 minutes.
    pub step_up_max_age: Duration,
}

/// A second factor that the policy names, as far as this user is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecondFactor {
    pub(crate) provider: String,
    pub(crate) class: Option<FactorClass>,
    pub(crate) channel: String,
    pub(crate) enrolled: bool,
}

/// What is still missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing: a session may be made.
    Nothing,
    /// One of these, which the user has.
    Verify(Vec<String>),
    /// One of these, which the user must enrol first.
    Enrol(Vec<String>),
}

/// Judges the factors proved so far. `second` is what [`PolicySettings::second_factor`] means for this user.
pub(crate) fn missing(require: bool, proved: &[Factor], second: &[SecondFactor]) -> Missing {
    // Two factors count as two only when their classes differ (NIST SP 800-63B-4 section 2.2.1), and when they travel
    // by different channels: who reads somebody's mail must not have both halves. Where nothing is proved yet, because a
    // kind proves no factor or trusted code asserts none, any one is new.
    let adds_a_factor = |candidate: &SecondFactor| {
        candidate.class.is_some_and(|class| {
            proved.is_empty()
                || proved
                    .iter()
                    .any(|factor| factor.class != class && factor.channel != candidate.channel)
        })
    };
    let is_proved =
        |candidate: &SecondFactor| proved.iter().any(|factor| factor.provider == candidate.provider);
    let useful: Vec<&SecondFactor> = second
        .iter()
        .filter(|candidate| adds_a_factor(candidate))
        .collect();
    if useful.iter().any(|candidate| is_proved(candidate)) {
        return Missing::Nothing;
    }
    let names = |enrolled: bool| -> Vec<String> {
        useful
            .iter()
            .filter(|candidate| candidate.enrolled == enrolled)
            .map(|candidate| candidate.provider.clone())
            .collect()
    };
    let enrolled = names(true);
    if !enrolled.is_empty() {
        return Missing::Verify(enrolled);
    }
    if require {
        Missing::Enrol(names(false))
    } else {
        Missing::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn factor(provider: &str, class: FactorClass, channel: &str) -> Factor {
        Factor {
            provider: provider.into(),
            class,
            channel: channel.into(),
            at: Timestamp::from_micros(0),
        }
    }

    fn second(provider: &str, class: FactorClass, channel: &str, enrolled: bool) -> SecondFactor {
        SecondFactor {
            provider: provider.into(),
            class: Some(class),
            channel: channel.into(),
            enrolled,
        }
    }

    #[test]
    fn judges_every_combination() {
        use FactorClass::{Knowledge, Possession};
        let password = factor("email", Knowledge, "password");
        let one = [password.clone()];
        let both = [password.clone(), factor("totp", Possession, "totp")];
        let alike = [password, factor("pin", Knowledge, "pin")];
        let totp = |enrolled| [second("totp", Possession, "totp", enrolled)];
        let pin = |enrolled| [second("pin", Knowledge, "pin", enrolled)];
        let verify = |name: &str| Missing::Verify(vec![name.into()]);
        let enrol = |names: &[&str]| Missing::Enrol(names.iter().map(|n| (*n).into()).collect());
        for (require, proved, second, expected) in [
            // A first step that proves no factor leaves the second one to be asked for.
            (false, &[][..], &totp(true)[..], verify("totp")),
            (true, &[], &totp(false), enrol(&["totp"])),
            (false, &one, &[], Missing::Nothing),
            (false, &one, &totp(false), Missing::Nothing),
            (false, &one, &totp(true), verify("totp")),
            (true, &one, &totp(true), verify("totp")),
            (true, &one, &totp(false), enrol(&["totp"])),
            (true, &both, &totp(true), Missing::Nothing),
            // The same class twice is one factor: a PIN beside a password satisfies nothing.
            (true, &alike, &pin(true), enrol(&[])),
            (false, &one, &pin(true), Missing::Nothing),
            (true, &one, &[], enrol(&[])),
        ] {
            assert_eq!(
                missing(require, proved, second),
                expected,
                "{require} {proved:?} {second:?}"
            );
        }
    }

    #[test]
    fn two_factors_differ_in_class_and_in_channel() {
        use FactorClass::{Inherence, Knowledge, Possession};
        let classes = [Knowledge, Possession, Inherence];
        let channels = ["password", "email", ""];
        let each = || {
            classes
                .into_iter()
                .flat_map(move |class| channels.map(|channel| (class, channel)))
        };
        for (first, second_factor) in each().flat_map(|first| each().map(move |second| (first, second))) {
            let counts = first.0 != second_factor.0 && first.1 != second_factor.1;
            let proved = [factor("first", first.0, first.1)];
            let candidate = |enrolled| [second("second", second_factor.0, second_factor.1, enrolled)];
            let asked = if counts {
                Missing::Verify(vec!["second".into()])
            } else {
                Missing::Nothing
            };
            assert_eq!(
                missing(false, &proved, &candidate(true)),
                asked,
                "{first:?} {second_factor:?}"
            );
            // What does not count is not led to, either, where a second factor is required.
            let enrolled = if counts { vec!["second".into()] } else { Vec::new() };
            assert_eq!(
                missing(true, &proved, &candidate(false)),
                Missing::Enrol(enrolled),
                "{first:?} {second_factor:?}"
            );
            let both = [
                proved[0].clone(),
                factor("second", second_factor.0, second_factor.1),
            ];
            assert_eq!(
                missing(true, &both, &candidate(true)) == Missing::Nothing,
                counts,
                "{first:?} {second_factor:?}"
            );
        }
    }

    #[test]
    fn a_third_factor_may_pair_with_either() {
        use FactorClass::{Knowledge, Possession};
        // A code by mail after a link by mail is one channel; with a password beside it, there are two factors.
        let link = factor("link", Possession, "email");
        let code = [second("code", Knowledge, "email", true)];
        assert_eq!(
            missing(true, std::slice::from_ref(&link), &code),
            Missing::Enrol(vec![])
        );
        let password = factor("email", Knowledge, "password");
        let mail = [second("link", Possession, "email", true)];
        assert_eq!(missing(true, &[link, password], &mail), Missing::Nothing);
    }
}
