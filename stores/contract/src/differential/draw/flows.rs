//! What is drawn about flows, tokens and messages.

use doorward_base::id::FlowId;

use super::super::step::Step;
use super::super::world::World;

impl World<'_> {
    pub(super) fn on_a_flow(&mut self) -> Step {
        let now = self.late();
        if self.flows.is_empty() || self.random.chance(30) {
            let flow = self.flow();
            return Step::PutFlow {
                flow,
                post: self.post(None),
                now,
            };
        }
        let known = self.flows.clone();
        let mut flow = self.random.one(&known);
        match self.random.below(8) {
            0 => Step::DropFlow { id: flow.id },
            1 => Step::DropFlow {
                id: FlowId::from_bytes(self.fresh(b'f')),
            },
            2 | 3 => {
                flow.step = u32::from(self.random.below(3));
                flow.secret_hash = self.new_hash();
                flow.state = b"later".to_vec();
                flow.attempts_left += 1;
                flow.expires_at = self.soon();
                flow.user_id = flow
                    .user_id
                    .or_else(|| self.random.chance(50).then(|| self.user_id()));
                self.flows.push(flow.clone());
                Step::ReturnFlow {
                    flow,
                    post: self.post(None),
                    now,
                }
            }
            _ => Step::TakeFlow {
                id: flow.id,
                step: flow.step,
                secret_hash: flow.secret_hash,
                now,
            },
        }
    }

    pub(super) fn on_a_token(&mut self) -> Step {
        let now = self.late();
        match self.random.below(5) {
            0 | 1 => {
                let user = self.random.chance(70).then(|| self.user());
                Step::PutToken {
                    token: self.token(user.as_ref()),
                    post: self.post(user.as_ref()),
                    now,
                }
            }
            2 => Step::SpendLink {
                link: self.token_use(),
                now,
            },
            3 => {
                let used = self.token_use();
                Step::Token {
                    id: used.id,
                    secret_hash: used.secret_hash,
                    now,
                }
            }
            _ => Step::Spend {
                mark: self.few_hash(b'm'),
                expires_at: self.soon(),
                now,
            },
        }
    }
}
