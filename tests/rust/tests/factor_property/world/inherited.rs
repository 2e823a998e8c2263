//! What no operation does: states from before a rule.

use doorward::clock::Clock as _;
use doorward::store::{AuthenticatorStatus, Change, ChangeStep, Identity};

use super::{World, run};
use crate::user::OWNER;

impl World<'_> {
    fn store_change(&self, steps: Vec<ChangeStep>) -> bool {
        let user = run(self.stage.store.user(self.user)).ok().flatten();
        let Some(user) = user else { return false };
        let changed = run(self.stage.store.change(Change {
            user_id: self.user,
            epoch: user.session_epoch,
            steps,
            ways_in: Vec::new(),
            bump: None,
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: doorward::store::Post::default(),
            now: self.stage.clock.now(),
        }));
        matches!(changed, Ok(doorward::store::Changed::Done { .. }))
    }

    /// The owner's app can be proved no more: expired, used up or suspended, which is one to the rules.
    pub(crate) fn spoil(&mut self) -> bool {
        let held = run(self.stage.store.authenticators(self.user)).unwrap_or_default();
        let owners = |id| {
            let mut devices = self.devices.iter();
            devices.any(|one| one.id == id && one.of == OWNER && one.group == "totp")
        };
        let steps: Vec<ChangeStep> = held
            .into_iter()
            .filter(|one| owners(one.at.id))
            .map(|one| ChangeStep::ReplaceAuthenticator {
                expect: one.record_version,
                new: doorward::store::Authenticator {
                    status: AuthenticatorStatus::Suspended,
                    ..one
                },
                naming: doorward::store::Naming::default(),
            })
            .collect();
        self.dead |= !steps.is_empty() && self.store_change(steps);
        self.dead
    }

    /// Codes to this address are a second factor from before the rule, whatever else the address is.
    pub(crate) fn inherit(&self, at: usize) -> bool {
        let canonical = self.addresses[at].clone().into_bytes();
        let now = self.stage.clock.now();
        self.store_change(vec![ChangeStep::AddIdentity(Identity {
            at: doorward::identifier::ProviderId {
                realm: String::new(),
                provider: "code".into(),
                canonical: canonical.clone(),
            },
            raw: canonical,
            rule: "email".into(),
            rule_version: 1,
            user_id: self.user,
            verified_at: None,
            created_at: now,
            last_used_at: None,
            reach: Vec::new(),
            vouched: true,
        })])
    }
}
