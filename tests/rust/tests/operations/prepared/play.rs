//! What the attacker and the victim do in a script, and what opens the account.

use std::time::Duration;

use doorward::{Answer, Fields, NewUserOptions, Outcome, Proof, Session, Settlement, TokenPurpose, UserId};

use super::{ATTACKER, Deed, Start, VICTIM};
use crate::context::{OTHER, PASSWORD, World, access, password, request, run};

/// What the attacker has kept.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) proof: Option<Proof>,
    pub(super) sessions: Vec<Session>,
    /// Links of changes and recoveries.
    pub(super) tokens: Vec<Vec<u8>>,
    pub(super) claims: Vec<Vec<u8>>,
    pub(super) codes: Vec<String>,
}

fn field(name: &str, value: &str) -> Fields {
    Fields::from([(name, value)])
}

fn proof(answer: doorward::Result<Answer<Proof>>) -> Option<Proof> {
    answer.ok()?.require().ok()
}

pub(super) struct Play<'w> {
    pub(super) world: &'w World,
    pub(super) number: u32,
    pub(super) kept: Kept,
}

impl Play<'_> {
    /// The last value that was sent to an address under this name; the rest is lost.
    pub(super) fn mailed(&self, to: &str, name: &str) -> Option<Vec<u8>> {
        let taken = run(self.world.auth.take_deliveries(1000, Duration::from_mins(1))).unwrap();
        for one in &taken {
            let settled = self
                .world
                .auth
                .settle_delivery(one.id, one.attempts, Settlement::Delivered);
            run(settled).unwrap();
        }
        let sent = taken.iter().rev().filter(|one| one.address == to);
        let value = sent.into_iter().find_map(|one| one.params.named(name))?;
        Some(value.expose().to_vec())
    }

    pub(super) fn token(&self, purpose: TokenPurpose, to: &str, by: Option<&Proof>) -> Option<Vec<u8>> {
        self.mailed("", "");
        drop(run(self.world.auth.request_token(purpose, "email", to.as_bytes(), by)).ok()?);
        self.mailed(to, "token")
    }

    pub(super) fn named(&self, what: &str) -> String {
        format!("{what}{}", self.number)
    }

    pub(super) fn sign_up_by_claim(&self, provider: &str, raw: Option<&str>, with: Fields) -> Option<Proof> {
        let asked = run(self
            .world
            .auth
            .authenticate(provider, raw.map(str::as_bytes), with));
        let Outcome::Unregistered(claim) = asked.ok()?.outcome else {
            return None;
        };
        let token = claim.token().expose();
        proof(run(self
            .world
            .auth
            .create_user_from_claim(token, NewUserOptions::default())))
    }

    pub(super) fn sign_up(&self, provider: &str, name: &str, with: Fields) -> Option<Proof> {
        let new = NewUserOptions::default();
        proof(run(self.world.auth.create_user(
            provider,
            name.as_bytes(),
            with,
            new,
        )))
    }

    pub(super) fn begin(&mut self, start: Start) -> UserId {
        let user = self.named("attacker");
        let begun = match start {
            Start::Address => self.sign_up("email", VICTIM, password(PASSWORD)),
            Start::AnotherAddress => self.sign_up("email", ATTACKER, password(PASSWORD)),
            Start::Directory => {
                let with = password("staff password");
                self.sign_up_by_claim("staff", Some(&user), with)
                    .or_else(|| self.sign_up("username", &user, password(PASSWORD)))
            }
            Start::Issuer => self.sign_up_by_claim("github", None, field("code", &format!("good:{user}"))),
            Start::Passkey => self.sign_up("passkey", &user, field("id", &self.named("key"))),
            Start::Username => self.sign_up("username", &user, password(PASSWORD)),
        };
        let begun = begun.unwrap_or_else(|| panic!("{start:?} begins nothing"));
        let id = begun.user_id();
        self.kept.proof = Some(begun);
        id
    }

    pub(super) fn link(&mut self, provider: &str, name: &str) {
        self.with(|play, by| {
            let link = |with| {
                proof(run(play.world.auth.link_identity(
                    by,
                    provider,
                    name.as_bytes(),
                    with,
                )))
            };
            link(Fields::default()).or_else(|| link(password(PASSWORD)))
        });
    }

    /// Does it by the newest proof, and keeps the one that comes of it.
    pub(super) fn with(&mut self, change: impl FnOnce(&mut Self, &Proof) -> Option<Proof>) {
        if let Some(by) = self.kept.proof.clone() {
            let renewed = change(self, &by);
            self.kept.proof = renewed.or(Some(by));
        }
    }

    pub(super) fn act(&mut self, deed: Deed) {
        let (user, key) = (self.named("attacker"), self.named("trojan"));
        let auth = &self.world.auth;
        match deed {
            Deed::Address => self.link("email", ATTACKER),
            Deed::Label => self.link("email", "victim+mine@example.com"),
            Deed::Username => self.link("username", &self.named("victim")),
            Deed::Key => self.with(|_, by| {
                let with = Fields::from([("key", format!("ak_{key}").as_str()), ("scopes", "[]")]);
                proof(run(auth.update_credentials(by, "api", with)))
            }),
            Deed::Passkey => {
                self.with(|_, by| proof(run(auth.update_credentials(by, "passkey", field("id", &key)))));
            }
            Deed::Issuer => self.with(|_, by| {
                let code = field("code", &format!("good:more{user}"));
                let begun = run(auth.begin_link(by, "gitlab", None, code)).ok()?;
                let Outcome::Unregistered(claim) = begun.outcome else {
                    return None;
                };
                proof(run(auth.link_claim(by, claim.token().expose())))
            }),
            Deed::RecoveryCodes => self.with(|play, by| {
                let answer = run(auth.begin_enrollment("codes", None, Some(by))).ok()?;
                let shown = answer.show_once.named("codes")?.expose().to_vec();
                let text = String::from_utf8(shown).ok()?;
                play.kept.codes = text.lines().map(str::to_owned).collect();
                answer.require().ok()
            }),
            Deed::ProveOwn => {
                self.link("email", ATTACKER);
                self.with(|play, by| {
                    let token = play.token(TokenPurpose::Verify, ATTACKER, Some(by))?;
                    drop(run(auth.consume_token(&token, Some(by))));
                    None
                });
            }
            Deed::Session => self.with(|play, by| {
                let made = run(auth.create_session(by, doorward::SessionOptions::default())).ok()?;
                let session = made.require().ok()?;
                let proof = run(auth.session_proof(&session)).ok();
                play.kept.sessions.push(session);
                proof
            }),
            Deed::Change => self.with(|play, by| {
                let to = "next@evil.example";
                let token = play.token(TokenPurpose::ChangeIdentifier, to, Some(by));
                play.kept.tokens.extend(token);
                None
            }),
            Deed::Recovery => {
                let token = self.token(TokenPurpose::Recovery, ATTACKER, None);
                self.kept.tokens.extend(token);
            }
            Deed::Claim => self.with(|play, by| {
                let begun = auth.begin_link(by, "mail", Some(ATTACKER.as_bytes()), Fields::default());
                let Outcome::Continue(flow) = run(begun).ok()?.outcome else {
                    return None;
                };
                let code = field("code", "1234");
                let answered = run(auth.continue_flow(flow.token().expose(), None, code)).ok()?;
                if let Outcome::Unregistered(claim) = answered.outcome {
                    play.kept.claims.push(claim.token().expose().to_vec());
                }
                None
            }),
        }
    }

    /// The victim follows a link that somebody had sent.
    pub(super) fn click(&self) {
        for by in [None, self.kept.proof.as_ref()] {
            if let Some(token) = self.token(TokenPurpose::Verify, VICTIM, by) {
                let clicked = run(self.world.auth.consume_token(&token, None));
                assert!(
                    !clicked.is_ok_and(|answer| matches!(answer.outcome, Outcome::Accepted(_))),
                    "a click proves nothing"
                );
            }
        }
    }

    /// The victim recovers the account, or, where nothing comes, signs up with a code. Whose account it is then.
    pub(super) fn victim(&self) -> UserId {
        let auth = &self.world.auth;
        if let Some(token) = self.token(TokenPurpose::Recovery, VICTIM, None) {
            let recovered = run(auth.update_credentials_with_token(&token, "email", password(OTHER)));
            let user = recovered.unwrap().require().unwrap();
            let signed_in = self.world.try_sign_in(VICTIM, OTHER).require().unwrap();
            assert_eq!(signed_in.user_id(), user);
            return user;
        }
        let begun = run(auth.authenticate("mail", Some(VICTIM.as_bytes()), Fields::default())).unwrap();
        let Outcome::Continue(flow) = begun.outcome else {
            panic!("a code is asked for")
        };
        let answered = run(auth.continue_flow(flow.token().expose(), None, field("code", "1234"))).unwrap();
        let Outcome::Unregistered(claim) = answered.outcome else {
            panic!("{answered:?}")
        };
        let made = run(auth.create_user_from_claim(claim.token().expose(), NewUserOptions::default()));
        let made = made.unwrap().require().unwrap();
        // Hers for a password, too: whoever only says that it is theirs has it no more.
        let linked = run(auth.link_identity(&made, "email", VICTIM.as_bytes(), password(OTHER)));
        assert!(linked.is_ok(), "{linked:?}");
        made.user_id()
    }

    /// Whom the attacker is, by everything that was typed, enrolled or kept: of each that opens an account, whose.
    pub(super) fn opens(&self) -> Vec<(&'static str, UserId)> {
        let auth = &self.world.auth;
        let mut opened = Vec::new();
        let mut add = |what, answer: doorward::Result<Answer<Proof>>| {
            // A flow of a sign-in that asks for recovery codes is answered with what was kept.
            let mut answer = answer.ok();
            for code in &self.kept.codes {
                let Some(Outcome::Continue(flow)) = answer.as_ref().map(|answer| &answer.outcome) else {
                    break;
                };
                let next = auth.continue_flow(flow.token().expose(), None, field("code", code));
                answer = run(next).ok();
            }
            if let Some(proof) = answer.and_then(|answer| answer.require().ok()) {
                opened.push((what, proof.user_id()));
            }
        };
        let (user, key) = (self.named("attacker"), self.named("trojan"));
        for address in [VICTIM, ATTACKER, "victim+mine@example.com", "next@evil.example"] {
            let tried = run(auth.authenticate("email", Some(address.as_bytes()), password(PASSWORD)));
            add("password", tried);
        }
        for name in [user.clone(), self.named("victim")] {
            add(
                "name",
                run(auth.authenticate("username", Some(name.as_bytes()), password(PASSWORD))),
            );
        }
        for id in [key.clone(), self.named("key")] {
            add(
                "passkey",
                run(auth.authenticate("passkey", None, field("id", &id))),
            );
        }
        add(
            "issuer",
            run(auth.authenticate("github", None, field("code", &format!("good:{user}")))),
        );
        add(
            "issuer",
            run(auth.authenticate("gitlab", None, field("code", &format!("good:more{user}")))),
        );
        let bearer = format!("Bearer ak_{key}");
        let on = auth.on(request("GET", &[("authorization", bearer.as_str())]));
        if let Outcome::Accepted(doorward::Caller::Key { user, .. }) =
            run(on.check_request()).unwrap().outcome
        {
            opened.push(("key", user.id));
        }
        for session in &self.kept.sessions {
            if self.world.is_live(&access(session)) {
                opened.push(("session", session.user().id));
            }
            let refresh = session.refresh_token().unwrap().expose().to_vec();
            if let Outcome::Accepted(next) = run(auth.refresh_session(&refresh)).unwrap().outcome {
                opened.push(("refreshed session", next.user().id));
            }
        }
        opened
    }

    /// The links and claims that were kept, and a proof of before: used now, whatever becomes of them.
    pub(super) fn use_kept(&self) {
        let auth = &self.world.auth;
        for token in &self.kept.tokens {
            drop(run(auth.update_credentials_with_token(
                token,
                "email",
                password(PASSWORD),
            )));
            drop(run(auth.update_identifier_with_token(
                token,
                VICTIM.as_bytes(),
                b"next@evil.example",
            )));
        }
        let Some(by) = &self.kept.proof else { return };
        for claim in &self.kept.claims {
            drop(run(auth.link_claim(by, claim)));
        }
        drop(run(auth.link_identity(
            by,
            "email",
            ATTACKER.as_bytes(),
            Fields::default(),
        )));
        drop(run(auth.update_credentials(by, "email", password(PASSWORD))));
        drop(run(auth.update_credentials(by, "passkey", field("id", "late"))));
        let sent = self.token(TokenPurpose::Recovery, ATTACKER, None);
        if let Some(token) = sent {
            drop(run(auth.update_credentials_with_token(
                &token,
                "email",
                password(PASSWORD),
            )));
        }
    }

    /// The same where the address is the victim's by now.
    pub(super) fn click_again(&self, victim: UserId) {
        if let Some(token) = self.token(TokenPurpose::Verify, VICTIM, None) {
            drop(run(self.world.auth.consume_token(&token, None)));
        }
        let found = run(self.world.auth.find_user("email", VICTIM.as_bytes())).unwrap();
        assert_eq!(found.unwrap().id, victim);
    }
}
