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
    // Two factors count as two only when their classes differ (NIST SP 800-63B-4 section 2.2.1). Where nothing is proved
    // yet, because a kind proves no factor or trusted code asserts none, any class is a new one.
    let adds_a_class = |candidate: &SecondFactor| {
        candidate
            .class
            .is_some_and(|class| proved.is_empty() || proved.iter().any(|factor| factor.class != class))
    };
    let is_proved =
        |candidate: &SecondFactor| proved.iter().any(|factor| factor.provider == candidate.provider);
    let useful: Vec<&SecondFactor> = second
        .iter()
        .filter(|candidate| adds_a_class(candidate))
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

    fn factor(provider: &str, class: FactorClass) -> Factor {
        Factor {
            provider: provider.into(),
            class,
            channel: String::new(),
            at: Timestamp::from_micros(0),
        }
    }

    fn second(provider: &str, class: FactorClass, enrolled: bool) -> SecondFactor {
        SecondFactor {
            provider: provider.into(),
            class: Some(class),
            enrolled,
        }
    }

    #[test]
    fn judges_every_combination() {
        use FactorClass::{Knowledge, Possession};
        let password = factor("email", Knowledge);
        let one = [password.clone()];
        let both = [password.clone(), factor("totp", Possession)];
        let alike = [password, factor("pin", Knowledge)];
        let totp = |enrolled| [second("totp", Possession, enrolled)];
        let pin = |enrolled| [second("pin", Knowledge, enrolled)];
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
}
