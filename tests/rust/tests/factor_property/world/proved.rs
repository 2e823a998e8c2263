//! What a party does with a proof.

use doorward::{Fields, Outcome, Proof};

use super::{Party, World, is_accepted, run};
use crate::user::{Methods, OWNER};

impl World<'_> {
    pub(crate) fn link_address(&mut self, proof: &Proof, name: &str, at: usize, by: Party) -> bool {
        if name == "email" {
            let address = self.addresses[at].as_bytes();
            // As a program binds it that may know who exists: at once, and unproved.
            let trusted = self.auth.trusted();
            return is_accepted(run(trusted.link_identity(proof, name, address, self.needed(by))));
        }
        self.claim(proof, name, at, by)
            .is_some_and(|claim| is_accepted(run(self.auth.link_claim(proof, &claim))))
    }

    /// What a code to an address proves, of nobody yet.
    pub(crate) fn claim(&self, proof: &Proof, name: &str, at: usize, by: Party) -> Option<Vec<u8>> {
        self.drain();
        let address = self.addresses[at].as_bytes();
        let begun = run(self
            .auth
            .begin_link(proof, name, Some(address), Fields::default()));
        let answered = begun.ok().and_then(|begun| self.type_code(by, at, &begun));
        let Some(Outcome::Unregistered(claim)) = answered.map(|answer| answer.outcome) else {
            return None;
        };
        Some(claim.token().expose().to_vec())
    }

    /// A password where there is none.
    fn needed(&self, by: Party) -> Fields {
        if self.state().password == 0 {
            by.password()
        } else {
            Fields::default()
        }
    }

    pub(crate) fn link_username(&self, proof: &Proof, by: Party) -> bool {
        is_accepted(run(self.auth.link_identity(
            proof,
            "username",
            self.username.as_bytes(),
            self.needed(by),
        )))
    }

    pub(crate) fn link_pin(&mut self, proof: &Proof, by: Party) -> bool {
        let linked = is_accepted(run(self.auth.link_identity(
            proof,
            "pin",
            self.username.as_bytes(),
            by.password(),
        )));
        if linked {
            self.pin = by.who;
        }
        linked
    }

    pub(crate) fn enroll_app(&mut self, proof: &Proof, by: Party) -> bool {
        // One for each party, as in the model.
        if self.device(by, "totp").is_some() {
            return false;
        }
        let begun = run(self.auth.begin_enrollment("totp", None, Some(proof)));
        begun.ok().and_then(|begun| self.scan(by, begun)).is_some()
    }

    pub(crate) fn enroll_passkey(&mut self, proof: &Proof, by: Party) -> bool {
        if self.device(by, "passkey").is_some() {
            return false;
        }
        let id = format!("{}-{}-{}", self.username, by.who, self.devices.len());
        let before = self.ids("passkey");
        let with = Fields::from([("id", id.as_str())]);
        is_accepted(run(self.auth.update_credentials(proof, "passkey", with)))
            && self.added(by, "passkey", id.into_bytes(), &before).is_some()
    }

    pub(crate) fn link_issuer(&mut self, proof: &Proof) -> bool {
        let begun = run(self.auth.begin_link(proof, "issuer", None, self.issued()));
        let Some(Outcome::Unregistered(claim)) = begun.ok().map(|answer| answer.outcome) else {
            return false;
        };
        let linked = is_accepted(run(self.auth.link_claim(proof, claim.token().expose())));
        if linked {
            self.asserted = self.asserts;
        }
        linked
    }

    /// Removes the newest authenticator of a group.
    pub(crate) fn remove(&mut self, proof: &Proof, group: &str) -> bool {
        let newest = self.devices.iter().rposition(|one| one.group == group);
        let Some(at) = newest else {
            return false;
        };
        let removed = is_accepted(run(self.auth.remove_authenticator(
            proof,
            group,
            self.devices[at].id,
        )));
        if removed {
            let gone = self.devices.remove(at);
            self.dead &= gone.group != "totp" || gone.of != OWNER;
        }
        removed
    }

    pub(crate) fn unlink(&mut self, proof: &Proof, name: &str, at: usize) -> bool {
        let raw = match name {
            "username" | "pin" => self.username.clone(),
            "issuer" => format!("https://issuer.example {}", self.username),
            _ => self.addresses[at].clone(),
        };
        is_accepted(run(self.auth.unlink_identity(proof, name, raw.as_bytes())))
    }

    pub(crate) fn change_password(&mut self, proof: &Proof, by: Party, proved: Methods) -> bool {
        let cover = self.rules.cover(&self.state(), proved);
        let changed = is_accepted(run(self.auth.update_credentials(proof, "email", by.password())));
        if changed {
            (self.password, self.over) = (by.who, self.over & cover);
        }
        changed
    }
}
