//! Rules that new credentials break, as a kind names them and as people read them.

use std::sync::{Mutex, PoisonError};

use doorward_base::error::Violation;

/// The rules that hosts and kinds both know, with what to say; `{}` is the limit.
const KNOWN: &[(&str, &str)] = &[
    ("bad_format", "it does not have the expected form"),
    ("common", "it is too common or too easy to guess; choose another"),
    (
        "context",
        "it contains your name, your address or the name of this service; choose another",
    ),
    ("mismatch", "the two entries differ"),
    ("missing", "it must not be empty"),
    ("not_text", "use text in UTF-8"),
    ("reused", "it was used before; choose another"),
    ("too_long", "use at most {} bytes"),
    ("too_short", "use at least {} characters"),
];

/// How many rules of plugins' own are kept apart; more than that is garbage.
const MAX_OWN: usize = 256;

/// The violation of the rule `code`; 0 is no limit.
pub(super) fn of(field: &str, code: &str, limit: i64) -> Violation {
    let limit = u64::try_from(limit).unwrap_or(0);
    let known = KNOWN.iter().find(|(rule, _)| *rule == code);
    let said = match known {
        Some((_, text)) => text.replace("{}", &limit.to_string()),
        None if limit > 0 => format!("it breaks the rule {code} (limit {limit})"),
        None => format!("it breaks the rule {code}"),
    };
    Violation {
        rule: known.map_or_else(|| own(code), |(rule, _)| rule),
        field: field.to_owned(),
        limit,
        message: format!("{field}: {said}"),
    }
}

/// Rules are compared by programs, so they are static texts; those of plugins are kept for the process's life.
fn own(code: &str) -> &'static str {
    static OWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut rules = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rule) = rules.iter().find(|rule| **rule == code) {
        return rule;
    }
    if rules.len() >= MAX_OWN {
        return "rejected";
    }
    let rule: &'static str = Box::leak(code.to_owned().into_boxed_str());
    rules.push(rule);
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_say_their_limit_or_their_name_and_are_bounded() {
        let short = of("password", "too_short", 15);
        assert_eq!((short.rule, short.limit), ("too_short", 15));
        assert_eq!(short.message, "password: use at least 15 characters");
        let own = of("pin", "needs_prime", 0);
        assert_eq!(own.rule, "needs_prime");
        assert_eq!(own.message, "pin: it breaks the rule needs_prime");
        // A plugin cannot fill memory with rules. In the same test, for the table is the process's.
        for i in 0..2 * MAX_OWN {
            of("pin", &format!("rule_{i}"), 0);
        }
        assert_eq!(of("pin", "one_more", -5).rule, "rejected");
    }
}
