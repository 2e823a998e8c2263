//! What anybody does without a proof, and what time does.

use std::time::Duration;

use doorward::{Fields, NewUserOptions, Outcome, Proof, TokenPurpose};

use super::{Came, Party, World, is_accepted, run};
use crate::user::Boxes;

impl World<'_> {
    /// Recovers over an address at a name.
    pub(crate) fn recover(&mut self, by: Party, name: &str, group: &str, at: usize) -> bool {
        let Some(token) = self.token(by, TokenPurpose::Recovery, name, at, None) else {
            return false;
        };
        self.recover_with(by, &token, group, at)
    }

    /// The same with a token that went there.
    pub(crate) fn recover_with(&mut self, by: Party, token: &[u8], group: &str, at: usize) -> bool {
        let recovered = run(self
            .auth
            .update_credentials_with_token(token, group, by.password()));
        let recovered = recovered.is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)));
        if recovered && group == "pin" {
            self.pin = by.who;
        } else if recovered {
            (self.password, self.over) = (by.who, 1 << at);
        }
        recovered
    }

    /// Follows the link of a verification, with or without a session.
    pub(crate) fn click(&mut self, by: Party, at: usize, proof: Option<&Proof>) -> bool {
        let Some(token) = self.token(by, TokenPurpose::Verify, "email", at, proof) else {
            return false;
        };
        run(self.auth.consume_token(&token, proof))
            .is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)))
    }

    /// Somebody has a message sent, in a session if they have one; whoever reads the mailbox follows its link without.
    pub(crate) fn click_for(&mut self, asks: Party, reads: Party, at: usize) -> bool {
        let proof = match self.enter(asks) {
            Came::In(proof, _) => Some(proof),
            _ => None,
        };
        let token = self.token(reads, TokenPurpose::Verify, "email", at, proof.as_deref());
        token.is_some_and(|token| {
            run(self.auth.consume_token(&token, None))
                .is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_)))
        })
    }

    pub(crate) fn token(
        &self,
        by: Party,
        purpose: TokenPurpose,
        name: &str,
        at: usize,
        proof: Option<&Proof>,
    ) -> Option<Vec<u8>> {
        self.drain();
        let asked = self
            .auth
            .request_token(purpose, name, self.addresses[at].as_bytes(), proof);
        if !is_accepted(run(asked)) {
            return None;
        }
        self.mailed(by, at, "token")
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.stage.clock.advance(Duration::from_secs(seconds));
    }

    /// The issuer says from its next sign-in on that its account has this address.
    pub(crate) fn assert_at(&mut self, boxes: Boxes) {
        self.asserts = boxes;
    }

    /// Whoever reads an address signs up with a code to it: an account of their own, which is gone afterwards.
    pub(crate) fn yields(&self, by: Party, at: usize) -> bool {
        self.drain();
        let address = self.addresses[at].as_bytes();
        let asked = run(self.auth.authenticate("mail", Some(address), Fields::default()));
        let answered = asked.ok().and_then(|asked| self.type_code(by, at, &asked));
        let Some(Outcome::Unregistered(claim)) = answered.map(|answer| answer.outcome) else {
            return false;
        };
        let before = run(self.auth.list_identities(self.user)).map_or(0, |held| held.len());
        let made = run(self
            .auth
            .create_user_from_claim(claim.token().expose(), NewUserOptions::default()));
        let other = run(self.auth.find_user("mail", address)).ok().flatten();
        if let Some(other) = other {
            run(self.auth.delete_user(other.id)).unwrap_or_else(|error| panic!("{error}"));
        }
        made.is_ok() && run(self.auth.list_identities(self.user)).map_or(0, |held| held.len()) < before
    }

    /// An operator takes the second factors away.
    pub(crate) fn reset(&mut self) -> bool {
        self.dead = false;
        run(self.auth.reset_factors(self.user, "lost")).is_ok_and(|count| count > 0)
    }
}
