//! Signing in, by everything that a party can prove.

use doorward::{Answer, AuthenticatorId, Fields, FlowHandle, MethodAction, Outcome, Proof};

use super::{Came, Device, Party, STARTS, World, run};
use crate::user::{ISSUER, MAIL, Methods, OWNER, PASSKEY, PASSWORD, PIN, SECOND, TOTP};

impl World<'_> {
    /// Tries every way in that the party can prove.
    pub(crate) fn enter(&mut self, by: Party) -> Came {
        self.enter_by(by, None)
    }

    /// The same, by one start only where one is named.
    pub(crate) fn enter_by(&mut self, by: Party, only: Option<&str>) -> Came {
        let mut best = Came::Out;
        for (start, at) in self.starts(by) {
            if only.is_some_and(|only| only != start) {
                continue;
            }
            for first in 0..4 {
                match self.walk(by, start, at, first) {
                    Some(Came::In(proof, set)) => return Came::In(proof, set),
                    Some(came @ Came::Enrolls(_)) => best = came,
                    Some(Came::Out) => {}
                    // There is no such choice.
                    None => break,
                }
            }
        }
        match best {
            Came::Enrolls(flow) => self.enroll_required(by, flow),
            other => other,
        }
    }

    /// The starts that a party can prove.
    pub(crate) fn starts(&self, by: Party) -> impl Iterator<Item = (&'static str, usize)> + use<> {
        let provable = self.state().provable(by.who, by.boxes);
        STARTS
            .into_iter()
            .filter(move |(start, at)| provable & Self::set(start, *at) != 0)
    }

    pub(crate) const fn set(start: &str, at: usize) -> Methods {
        match start.as_bytes() {
            b"mail" => MAIL[at],
            b"code" => SECOND[at],
            b"passkey" => PASSKEY,
            b"issuer" => ISSUER,
            _ => PASSWORD,
        }
    }

    /// One way in: this start, then the `first`th of what is asked, then whatever can be proved.
    fn walk(&mut self, by: Party, start: &str, at: usize, first: usize) -> Option<Came> {
        let mut answer = self.begin(by, start, at)?;
        if matches!(start, "mail" | "code") {
            answer = self.type_code(by, at, &answer)?;
        }
        if start == "issuer" {
            self.asserted = self.asserts;
        }
        self.finish(by, answer, Self::set(start, at), first)
    }

    /// The first step of one way in.
    pub(crate) fn begin(&self, by: Party, start: &str, at: usize) -> Option<Answer<Proof>> {
        let (raw, with) = match start {
            "mail" | "code" => (Some(self.addresses[at].as_bytes()), Fields::default()),
            "username" => (Some(self.username.as_bytes()), by.password()),
            "passkey" => (None, self.passkey(by)?),
            "issuer" => (None, self.issued()),
            _ => (Some(self.addresses[at].as_bytes()), by.password()),
        };
        if matches!(start, "mail" | "code") {
            self.drain();
        }
        run(self.auth.authenticate(start, raw, with)).ok()
    }

    /// The rest of it: the `first`th of what is asked, then whatever can be proved.
    pub(crate) fn finish(
        &mut self,
        by: Party,
        mut answer: Answer<Proof>,
        mut proved: Methods,
        first: usize,
    ) -> Option<Came> {
        let (mut choice, mut chosen) = (first, false);
        loop {
            match answer.outcome {
                Outcome::Accepted(proof) => return Some(Came::In(Box::new(proof), proved)),
                Outcome::Continue(flow) => {
                    if flow.next().iter().any(|next| next.action == MethodAction::Enroll) {
                        return Some(Came::Enrolls(flow));
                    }
                    let names: Vec<String> = flow.next().iter().map(|next| next.provider.clone()).collect();
                    let name = names.get(choice)?;
                    chosen = true;
                    let Some((next, more)) = self.prove(by, &flow, name) else {
                        return Some(Came::Out);
                    };
                    (answer, choice) = (next, 0);
                    proved |= more;
                }
                // Nothing was chosen: no other choice ends otherwise.
                _ if chosen => return Some(Came::Out),
                _ => return None,
            }
        }
    }

    /// Proves one of what a flow asks for; `None`: the party cannot.
    pub(crate) fn prove(
        &mut self,
        by: Party,
        flow: &FlowHandle,
        name: &str,
    ) -> Option<(Answer<Proof>, Methods)> {
        let go =
            |world: &Self, with| run(world.auth.continue_flow(flow.token().expose(), Some(name), with)).ok();
        match name {
            "totp" => {
                let secret = self.device(by, "totp")?.secret.clone();
                Some((go(self, self.code(&secret))?, TOTP))
            }
            "passkey" => Some((go(self, self.passkey(by)?)?, PASSKEY)),
            "issuer" => {
                if by.who != OWNER && self.asserted & by.boxes == 0 {
                    return None;
                }
                let answer = go(self, self.issued())?;
                self.asserted = self.asserts;
                Some((answer, ISSUER))
            }
            "pin" => Some((go(self, by.password())?, PIN)),
            "email" | "username" => Some((go(self, by.password())?, PASSWORD)),
            "mail" | "code" => {
                self.drain();
                let asked = go(self, Fields::default())?;
                let sets = if name == "mail" { MAIL } else { SECOND };
                let held = self.state().methods();
                let at = (0..2).find(|at| by.boxes & 1 << at != 0 && held & sets[*at] != 0)?;
                Some((self.type_code(by, at, &asked)?, sets[at]))
            }
            _ => None,
        }
    }

    /// The passkey of a party, as its authenticator answers.
    pub(super) fn passkey(&self, by: Party) -> Option<Fields> {
        let device = self.device(by, "passkey")?;
        let id = String::from_utf8(device.secret.clone()).ok()?;
        Some(Fields::from([("id", id)]))
    }

    /// What a party holds of a group, and the account still has.
    pub(super) fn device(&self, by: Party, group: &str) -> Option<&Device> {
        let held = self.ids(group);
        let mine = |one: &&Device| one.group == group && one.of == by.who && held.contains(&one.id);
        self.devices.iter().rev().find(mine)
    }

    /// What the issuer answers about the account there.
    pub(super) fn issued(&self) -> Fields {
        let who = &self.username;
        let code = match (0..2).find(|at| self.asserts & 1 << at != 0) {
            Some(at) => format!("good:{who}:{}", self.addresses[at]),
            None => format!("good:{who}"),
        };
        Fields::from([("code", code)])
    }

    pub(crate) fn type_code(&self, by: Party, at: usize, asked: &Answer<Proof>) -> Option<Answer<Proof>> {
        let Outcome::Continue(flow) = &asked.outcome else {
            return None;
        };
        let code = self.mailed(by, at, "code")?;
        let with = Fields::from([("code", String::from_utf8(code).ok()?)]);
        run(self.auth.continue_flow(flow.token().expose(), None, with)).ok()
    }

    pub(crate) fn drain(&self) {
        self.mailed(Party::owner(0), 0, "");
    }

    /// Enrolls an authenticator app where that is required and offered.
    pub(super) fn enroll_required(&mut self, by: Party, flow: FlowHandle) -> Came {
        if !flow.next().iter().any(|next| next.provider == "totp") {
            return Came::Enrolls(flow);
        }
        let shown = run(self
            .auth
            .continue_flow(flow.token().expose(), Some("totp"), Fields::default()));
        match shown.ok().and_then(|shown| self.scan(by, shown)) {
            Some(proof) => Came::In(Box::new(proof), PASSWORD | TOTP),
            None => Came::Enrolls(flow),
        }
    }

    pub(super) fn scan(&mut self, by: Party, shown: Answer<Proof>) -> Option<Proof> {
        let Outcome::Continue(flow) = shown.outcome else {
            return None;
        };
        let secret = base32(flow.next().first()?.challenge.named("secret")?.expose());
        let before = self.ids("totp");
        let code = self.code(&secret);
        let answer = run(self.auth.continue_flow(flow.token().expose(), None, code)).ok()?;
        self.added(by, "totp", secret, &before)?;
        answer.require().ok()
    }

    /// Notes whose the authenticator is that is there now and was not before.
    pub(super) fn added(
        &mut self,
        by: Party,
        group: &'static str,
        secret: Vec<u8>,
        before: &[AuthenticatorId],
    ) -> Option<()> {
        let id = self.ids(group).into_iter().find(|id| !before.contains(id))?;
        self.devices.push(Device {
            of: by.who,
            group,
            secret,
            id,
        });
        Some(())
    }

    pub(super) fn ids(&self, group: &str) -> Vec<AuthenticatorId> {
        let held = run(self.auth.list_authenticators(self.user)).unwrap_or_default();
        held.iter()
            .filter(|held| held.group == group)
            .map(|held| held.id)
            .collect()
    }
}

/// The bytes of a secret as authenticator apps are shown it.
fn base32(text: &[u8]) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u64, 0, Vec::new());
    for symbol in text {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|one| one == symbol);
        bits = bits << 5 | value.unwrap_or(0) as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}
