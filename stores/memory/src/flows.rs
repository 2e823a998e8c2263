//! Flows: the state between two steps.

use super::{Tables, trim};
use doorward_base::clock::Timestamp;
use doorward_base::id::FlowId;
use doorward_base::secret;
use doorward_store::{Flow, Hash, Post, Posted};

/// What a taken flow has in place of a secret. No token's hash is equal to it.
const TAKEN: Hash = [0; 32];

impl Tables {
    pub(super) fn put_flow(&mut self, flow: Flow, post: &Post, now: Timestamp) -> Posted {
        // First: what is closed does not tell who is gone.
        if let Err(wait) = self.priced(post, now) {
            return Posted::Closed(wait);
        }
        // A flow of a user who is gone goes with the user: as if it had been put a moment earlier.
        if !self.stands(flow.user_id, post) {
            return Posted::Done;
        }
        let posted = self.pay(post, now);
        if !matches!(posted, Posted::Closed(_)) {
            trim(&mut self.flows, &mut self.flow_ends, now, |flow| flow.expires_at);
            self.flow_ends.insert((flow.expires_at, flow.id));
            self.flows.entry(flow.id).or_insert(flow);
        }
        posted
    }

    pub(super) fn take_flow(&mut self, id: FlowId, step: u32, hash: &Hash, now: Timestamp) -> Option<Flow> {
        let flow = self.flows.get_mut(&id)?;
        let fits = flow.step == step && *hash != TAKEN && secret::equal(&flow.secret_hash, hash);
        if !fits || flow.expires_at <= now || flow.attempts_left == 0 {
            return None;
        }
        flow.step = flow.step.checked_add(1)?;
        flow.attempts_left -= 1;
        flow.secret_hash = TAKEN;
        Some(flow.clone())
    }

    pub(super) fn return_flow(&mut self, new: Flow, post: &Post, now: Timestamp) -> Option<Posted> {
        if let Err(wait) = self.priced(post, now) {
            return Some(Posted::Closed(wait));
        }
        let is_taken = |flow: &&Flow| flow.step == new.step && flow.secret_hash == TAKEN;
        self.flows.get(&new.id).filter(is_taken)?;
        if !self.stands(new.user_id, post) {
            return None;
        }
        let posted = self.pay(post, now);
        if let Some(flow) = self.flows.get_mut(&new.id)
            && !matches!(posted, Posted::Closed(_))
        {
            flow.secret_hash = new.secret_hash;
            flow.state = new.state;
            flow.attempts_left = new.attempts_left;
            flow.expires_at = flow.expires_at.max(new.expires_at);
            flow.user_id = flow.user_id.or(new.user_id);
        }
        Some(posted)
    }
}
