//! The one function that judges factors: what is still asked of somebody who has proved these.
//!
//! Pure, over sets: no order, no clock, no request. Whoever holds a second factor never gets in with one, and two count
//! as two only where no single address gives both (NIST SP 800-63B-4 section 2.2.1, for the classes).

use std::collections::BTreeSet;

use super::{Fault, Planted};
use crate::plugin::FactorClass;
use crate::store::Hash;

/// A way to prove something of a user: held, or proved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the rules ask each by itself")]
pub(crate) struct Method {
    /// The provider name.
    pub(crate) name: String,
    /// The credentials group: what counts as one.
    pub(crate) group: String,
    pub(crate) class: Option<FactorClass>,
    /// The addresses each of which alone gives it.
    pub(crate) reach: BTreeSet<Hash>,
    /// True at a name of `policy.second_factor`.
    pub(crate) second: bool,
    /// True when its kind starts a sign-in.
    pub(crate) starts: bool,
    /// Of a proved one: two in one, by its verdict. Of another: its kind may say so.
    pub(crate) two_in_one: bool,
    /// False for one that is held and cannot be proved: expired, spent, suspended, its key absent.
    pub(crate) usable: bool,
    /// The canonical identifier, where one name has a method for each.
    pub(crate) identifier: Option<Vec<u8>>,
}

impl Method {
    /// True when both are the same: one group, and one identifier where each has its own.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.group == other.group
            && match (&self.identifier, &other.identifier) {
                (Some(_), Some(_)) => self.name == other.name && self.reach == other.reach,
                _ => true,
            }
    }
}

/// A second name that a user may be led to enroll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecondName {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) class: Option<FactorClass>,
    /// Its kind may say that it was two in one.
    pub(crate) two_in_one: bool,
}

/// What is still asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing: a session may be made.
    Accept,
    /// One of these methods, which the user has.
    Verify(Vec<Method>),
    /// One of these second names, which the user must enroll first.
    Enroll(Vec<String>),
    /// Nothing helps.
    Refuse(Unsatisfiable),
}

impl Decision {
    /// The provider names that are asked for, each once, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Accept | Self::Refuse(_) => Vec::new(),
            Self::Verify(methods) => methods.iter().map(|method| method.name.clone()).collect(),
            Self::Enroll(names) => names.clone(),
        };
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }
}

/// Why nothing that the user could still do makes a session. For the event; outside, every refusal is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsatisfiable {
    /// `policy.require`, and no second name is distinct from what was proved.
    NoDistinctFactorPossible,
    /// A second factor is held that nobody can prove any more.
    SecondFactorUnusable,
}

impl Unsatisfiable {
    /// The stable text.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::NoDistinctFactorPossible => "no_distinct_factor_possible",
            Self::SecondFactorUnusable => "second_factor_unusable",
        }
    }
}

/// What may be asked for beyond what the user has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    /// `policy.require`.
    pub(crate) require: bool,
    /// The names of `policy.second_factor`.
    pub(crate) seconds: &'a [SecondName],
    /// The rule that is broken for a test.
    pub(crate) planted: Planted,
}

/// Judges what was proved of a user who has these methods.
pub(crate) fn decide(methods: &[Method], proved: &[Method], demand: Demand<'_>) -> Decision {
    let planted = demand.planted;
    let counts = |method: &&Method| method.second && (method.usable || !planted.is(Fault::DeadIsAbsent));
    let held: Vec<&Method> = methods.iter().filter(counts).collect();
    // 1. Nothing held.
    if held.is_empty() {
        return enroll_or_accept(&held, proved, demand);
    }
    // 2. Enough.
    let two = |set: &[Method]| two(set, planted);
    let distinct = |set: &[Method]| distinct(set, planted);
    if distinct(proved) {
        return Decision::Accept;
    }
    // 3. Candidates.
    let only_second = proved.iter().all(|method| method.second);
    let candidates: Vec<&Method> = methods
        .iter()
        .filter(|method| method.usable && !proved.iter().any(|other| other.is(method)))
        .filter(|method| {
            method.second || (only_second && method.starts && !planted.is(Fault::SecondsOnlyNext))
        })
        .collect();
    let verify = |fits: &dyn Fn(&Method) -> bool| {
        let those: Vec<Method> = candidates
            .iter()
            .filter(|method| fits(method))
            .map(|method| (*method).clone())
            .collect();
        (!those.is_empty()).then_some(Decision::Verify(those))
    };
    let with = |method: &Method| [proved, std::slice::from_ref(method)].concat();
    if let Some(wrong) = misjudged(proved, &candidates, demand, &verify) {
        return wrong;
    }
    // 4. What makes the set distinct.
    if let Some(asked) = verify(&|method| distinct(&with(method))) {
        return asked;
    }
    // 5. Two of one class are enough where none is required.
    let is_two = two(proved);
    if is_two && !demand.require {
        return Decision::Accept;
    }
    // 6. What makes it two; what leaves fewer addresses that would do for all; what is weak is still asked for.
    let asked = (!is_two)
        .then(|| verify(&|method| two(&with(method))))
        .flatten()
        .or_else(|| {
            let before = cover(proved);
            verify(&|method| is_smaller(cover(&with(method)).as_ref(), before.as_ref()))
        })
        .or_else(|| {
            let none_second = !proved.iter().any(|method| method.second);
            (none_second && !planted.is(Fault::BothSidesIsNone))
                .then(|| verify(&|method| method.second))
                .flatten()
        });
    if let Some(asked) = asked {
        return asked;
    }
    // 7. Unusable is not absent.
    if !is_two && held.iter().any(|method| !method.usable) {
        return Decision::Refuse(Unsatisfiable::SecondFactorUnusable);
    }
    // 8. The rest is to be enrolled, where it is required.
    enroll_or_accept(&held, proved, demand)
}

/// Asks for those of the candidates that fit.
type Verify<'v> = dyn Fn(&dyn Fn(&Method) -> bool) -> Option<Decision> + 'v;

/// What the faults say that judge the candidates otherwise.
fn misjudged(
    proved: &[Method],
    candidates: &[&Method],
    demand: Demand<'_>,
    verify: &Verify<'_>,
) -> Option<Decision> {
    let planted = demand.planted;
    let with = |method: &Method| [proved, std::slice::from_ref(method)].concat();
    let has_second = proved.iter().any(|method| method.second);
    if planted.is(Fault::SameClassIsNothing) {
        let asked = verify(&|method| method.second && distinct(&with(method), planted));
        return Some(asked.unwrap_or(Decision::Accept));
    }
    if planted.is(Fault::AnyOfAll) {
        if has_second && proved.len() > 1 {
            return Some(Decision::Accept);
        }
        if !has_second {
            return verify(&|_| true);
        }
    }
    let is_code = |method: &Method| method.identifier.is_some() && method.reach.len() == 1;
    if planted.is(Fault::ChannelNotAddress) && proved.iter().any(is_code) {
        let others = candidates.iter().any(|method| !is_code(method));
        return (!others && !candidates.is_empty())
            .then_some(Decision::Refuse(Unsatisfiable::NoDistinctFactorPossible));
    }
    None
}

fn enroll_or_accept(held: &[&Method], proved: &[Method], demand: Demand<'_>) -> Decision {
    if !demand.require {
        return Decision::Accept;
    }
    let names: Vec<String> = demand
        .seconds
        .iter()
        .filter(|second| {
            let known = held.iter().copied().chain(proved);
            !known.into_iter().any(|method| method.group == second.group) && would_be_distinct(second, proved)
        })
        .map(|second| second.name.clone())
        .collect();
    if names.is_empty() {
        Decision::Refuse(Unsatisfiable::NoDistinctFactorPossible)
    } else {
        Decision::Enroll(names)
    }
}

/// True when a factor of this second name would be distinct beside these. Beside nothing, any one is new: a kind proves
/// no factor, or trusted code asserts none.
pub(crate) fn would_be_distinct(second: &SecondName, proved: &[Method]) -> bool {
    second.two_in_one || proved.is_empty() || proved.iter().any(|method| differ(method.class, second.class))
}

fn differ(one: Option<FactorClass>, other: Option<FactorClass>) -> bool {
    one.is_some() && other.is_some() && one != other
}

fn is_multi(method: &Method, planted: Planted) -> bool {
    (method.second || planted.is(Fault::MultiAnywhere)) && method.two_in_one
}

/// At least two groups, one of them at a second name, that no single address gives; or two in one.
fn two(set: &[Method], planted: Planted) -> bool {
    let groups: BTreeSet<&str> = set.iter().map(|method| method.group.as_str()).collect();
    set.iter().any(|method| is_multi(method, planted))
        || (groups.len() >= 2
            && set.iter().any(|method| method.second)
            && cover(set).is_some_and(|cover| cover.is_empty()))
}

/// Two, and of two classes.
fn distinct(set: &[Method], planted: Planted) -> bool {
    let of_two_classes = set
        .iter()
        .enumerate()
        .any(|(at, one)| set[at + 1..].iter().any(|other| differ(one.class, other.class)));
    two(set, planted) && (of_two_classes || set.iter().any(|method| is_multi(method, planted)))
}

/// The addresses each of which alone gives all of the set; `None`: the set is empty, any does.
fn cover(set: &[Method]) -> Option<BTreeSet<Hash>> {
    let mut reaches = set.iter().map(|method| &method.reach);
    let first = reaches.next()?.clone();
    Some(reaches.fold(first, |cover, reach| &cover & reach))
}

fn is_smaller(after: Option<&BTreeSet<Hash>>, before: Option<&BTreeSet<Hash>>) -> bool {
    match (after, before) {
        (Some(_), None) => true,
        (Some(after), Some(before)) => after.len() < before.len(),
        (None, _) => false,
    }
}

/// The addresses that alone suffice for all of these.
pub(crate) fn covering(set: &[Method]) -> BTreeSet<Hash> {
    cover(set).unwrap_or_default()
}

#[cfg(test)]
mod tests;
