//! What `open` refuses of a policy: second names that are not whole, and a requirement that some way in cannot meet.

use super::decide::{Method, would_be_distinct};
use super::{Names, SecondName};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;

impl Names<'_> {
    /// Checks the policy against the provider names.
    ///
    /// # Errors
    /// `Configuration`: a second name whose kind proves no factor; a credentials group that is half second; with
    /// `policy.require`, a name that starts a sign-in and beside which no second factor would be distinct.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        for name in &self.policy.second_factor {
            let second = self.providers.named(name)?;
            if second.kind.declaration().class.is_none() {
                return refuse(format!(
                    "`policy.second_factor` names `{name}`, whose kind proves no factor"
                ));
            }
            if let Some(first) = self
                .of_group(&second.group)
                .find(|other| !self.is_second(&other.name))
            {
                return refuse(format!(
                    "`policy.second_factor` names `{name}` and not `{}`, which share the credentials group `{}`: name \
                     both, or give one a group of its own (`provider.{name}.group`)",
                    first.name, second.group
                ));
            }
        }
        match self.same_class_only().first() {
            Some(name) if self.policy.require => refuse(format!(
                "`policy.require` cannot be met by whoever signs in with `{name}`: no name of `policy.second_factor` \
                 proves a factor of another class beside it; add one that does"
            )),
            _ => Ok(()),
        }
    }

    /// Names that start a sign-in and beside which no second factor would be distinct. Empty without second names.
    pub(crate) fn same_class_only(&self) -> Vec<String> {
        let seconds = self.second_names();
        if seconds.is_empty() {
            return Vec::new();
        }
        let starting = self.providers.starting();
        let poor = starting
            .filter(|start| start.kind.declaration().class.is_some() && !self.has_distinct(start, &seconds));
        poor.map(|start| start.name.clone()).collect()
    }

    fn has_distinct(&self, start: &Provider, seconds: &[SecondName]) -> bool {
        if self.is_second(&start.name) {
            let firsts = self
                .providers
                .starting()
                .filter(|other| !self.is_second(&other.name));
            let others = firsts.map(second_name).chain(seconds.iter().cloned());
            return start.may_be_two_in_one() || self.any_distinct(start, others);
        }
        self.any_distinct(start, seconds.iter().cloned())
    }

    fn any_distinct(&self, start: &Provider, mut others: impl Iterator<Item = SecondName>) -> bool {
        let one = second_name(start);
        let proved = [Method {
            name: one.name,
            group: one.group,
            class: one.class,
            reach: std::collections::BTreeSet::new(),
            second: self.is_second(&start.name),
            starts: true,
            two_in_one: false,
            usable: true,
            identifier: None,
        }];
        others.any(|other| other.group != start.group && would_be_distinct(&other, &proved))
    }
}

pub(super) fn second_name(provider: &Provider) -> SecondName {
    SecondName {
        name: provider.name.clone(),
        group: provider.group.clone(),
        class: provider.kind.declaration().class,
        two_in_one: provider.may_be_two_in_one(),
    }
}
