//! The first proof of an address: what a click on the link of a message proves, and of whom.
//!
//! Whoever clicks may be somebody whose address a stranger used for an account: a click must never make the address part
//! of that account. So it proves something beside a session or a proof of the user only; without, the account changes
//! owners, or nothing happens at all (`first_proof`).

use super::Auth;
use super::call::Call;
use super::change::done;
use super::tokens::{GoodToken, TokenInfo, TokenPurpose};
use crate::config::FirstProof;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::outcome::{Answer, Outcome};
use crate::policy::{Account, Fault, Taking};
use crate::proof::Proof;
use crate::store::{Bump, Change, ChangeStep, Changed, EndReason, Identity, Post};

/// How often a verification is tried again that met another change of the same user.
const TRIES: usize = 3;

/// The value of `Answer::show_once` after a hand-over: a recovery token over the address, so that the page asks for new
/// credentials at once.
const RECOVERY_TOKEN: &str = "recovery_token";

impl Auth {
    /// Consumes a token of the purpose `verify`: its address is verified from now on, and the user's, where
    /// [`link_identity`](Self::link_identity) asked for it; other sessions end then. Call it on a POST: scanners of mail
    /// follow links. Tokens of other purposes are refused and stay good: the operation that they are good for
    /// consumes them.
    ///
    /// It takes a live session of the token's user on the request, or a `proof` of that user: nothing ends then. Without
    /// either the setting `first_proof` says what an account is whose owner nobody has shown: by `hand_over` the click
    /// makes it the clicker's; everything else that opened it goes, the password too (`Answer::took`), and `show_once`
    /// has a `recovery_token` to set a new one with.
    ///
    /// # Errors
    /// - `ProofRequired`, of `session`: neither a session nor a proof of this user. The token stays good: sign in, then
    ///   confirm. The message says where recovery over the address is open instead.
    /// - `Conflict` (`identifier`): an address that was to be linked is somebody else's by now.
    /// - `PolicyViolation`: as for `link_identity`.
    /// - `Unavailable`.
    #[doc = include_str!("../../doc/operations/consume_token.md")]
    pub async fn consume_token(&self, token: &[u8], proof: Option<&Proof>) -> Result<Answer<TokenInfo>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        for _ in 0..TRIES {
            let good = match call.good_token(token, Some(TokenPurpose::Verify)).await? {
                Ok(good) => good,
                Err(refused) => return Ok(refused),
            };
            if let Some(answer) = call.first_proof(&good, proof).await? {
                return Ok(answer);
            }
            // The user was changed at the same moment.
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "the user was changed again and again at the same moment: try again",
        ))
    }
}

impl Call<'_> {
    /// `None`: the user was changed at the same moment.
    async fn first_proof(
        &self,
        good: &GoodToken,
        proof: Option<&Proof>,
    ) -> Result<Option<Answer<TokenInfo>>> {
        let account = self.account(good.user.id).await?;
        // One that proves what is the user's already is good under any epoch.
        if good.token.epoch.is_some() {
            return self.link_proved(good, proof, &account).await;
        }
        let proved = account
            .over(&good.token.at)
            .is_some_and(|address| account.is_proved(&address));
        // What is proved already is proved to nobody anew.
        let anybody = account.is_established() && self.planted(Fault::VerifyEstablished);
        if proved || anybody || self.is_of_user(good, proof).await? {
            return self.prove(good).await;
        }
        let unclaimed = !account.is_established();
        match self.context.settings.recovery.first_proof {
            FirstProof::HandOver if unclaimed => self.hand_over(good, &account).await,
            FirstProof::SignIn if unclaimed => Err(needs_session(
                "sign in, then confirm the address; whoever cannot sign in may recover the account over this address",
            )),
            FirstProof::SignIn | FirstProof::HandOver | FirstProof::Refuse => {
                Err(needs_session("sign in, then confirm the address"))
            }
        }
    }

    /// True with a live session of the token's user, or with a proof of that user.
    async fn is_of_user(&self, good: &GoodToken, proof: Option<&Proof>) -> Result<bool> {
        let user = &good.user;
        let Some(proof) = proof else {
            let session = self.live_session().await?;
            return Ok(session.is_some_and(|session| session.user().id == user.id));
        };
        proof.check(self.issuer(), self.realm, self.now)?;
        let live = match proof.sign_in_id() {
            Some(id) => self.is_live(proof.user_id(), id).await?,
            None => true,
        };
        Ok(live && proof.user_id() == user.id && proof.epoch() == user.session_epoch)
    }

    async fn prove(&self, good: &GoodToken) -> Result<Option<Answer<TokenInfo>>> {
        let step = ChangeStep::VerifyIdentity(good.token.at.clone(), self.now);
        let change = good.change(vec![step], self.now);
        match self.commit(&good.token.at.provider, change).await? {
            Changed::Done { .. } => {
                self.emit_token(EventName::TokenConsumed, good);
                self.emit_token(EventName::IdentifierVerified, good);
                Ok(Some(Answer::of(Outcome::Accepted(good.info()))))
            }
            Changed::Stale => Ok(None),
            _ => Ok(Some(self.spent(good))),
        }
    }

    /// The address becomes the user's, who asked for it: whoever reads there has confirmed it, in a session or with a
    /// proof of the user. A click alone binds nothing: the asker may be a stranger to whoever clicks.
    async fn link_proved(
        &self,
        good: &GoodToken,
        proof: Option<&Proof>,
        account: &Account<'_>,
    ) -> Result<Option<Answer<TokenInfo>>> {
        if !self.is_of_user(good, proof).await? {
            return Err(needs_session("sign in, then confirm the address"));
        }
        let keep = match proof {
            Some(proof) => proof.sign_in_id(),
            None => self.live_session().await?.map(|session| session.id()),
        };
        let provider = self.provider(&good.token.at.provider)?;
        let identity = Identity {
            verified_at: Some(self.now),
            ..self.identity(provider, &good.token.at.canonical, good.user.id)?
        };
        let steps = vec![ChangeStep::AddIdentity(identity)];
        if account.adds_second(&steps) {
            account.check_second()?;
        }
        let reason = EndReason::FactorChanged;
        let change = Change {
            bump: Some(Bump { reason, keep }),
            ..good.change(steps, self.now)
        };
        let (epoch, ended) = match self.commit(&provider.name, change).await? {
            Changed::Stale => return Ok(None),
            Changed::Spent => return Ok(Some(self.spent(good))),
            changed => done(changed)?,
        };
        self.emit_token(EventName::TokenConsumed, good);
        self.emit_token(EventName::IdentifierVerified, good);
        self.emit_provider(EventName::IdentityLinked, good.user.id, provider);
        self.emit_ended(good.user.id, reason.id(), ended);
        let mut answer = Answer::of(Outcome::Accepted(good.info()));
        self.remember_device(&mut answer.headers, good.user.id, epoch)?;
        Ok(Some(answer))
    }

    /// The account changes owners: all that opened it goes, and whoever clicked may set new credentials.
    async fn hand_over(&self, good: &GoodToken, account: &Account<'_>) -> Result<Option<Answer<TokenInfo>>> {
        let at = &good.token.at;
        let spoils = account.spoils(at, Taking::NewOwner { group: None });
        let mut steps = spoils.steps();
        steps.push(ChangeStep::VerifyIdentity(at.clone(), self.now));
        let reason = EndReason::CredentialsChanged;
        let change = Change {
            bump: Some(Bump { reason, keep: None }),
            ..good.change(steps, self.now)
        };
        let (epoch, ended) = match self.commit(&at.provider, change).await? {
            Changed::Stale => return Ok(None),
            Changed::Spent | Changed::Absent => return Ok(Some(self.spent(good))),
            changed => done(changed)?,
        };
        let user = good.user.id;
        let (secret, token) =
            self.draw_token(TokenPurpose::Recovery, at.clone(), Some((user, Some(epoch))))?;
        self.store().put_token(token, Post::default(), self.now).await?;
        self.emit_token(EventName::TokenConsumed, good);
        self.emit_token(EventName::IdentifierVerified, good);
        self.emit_ended(user, reason.id(), ended);
        let mut answer = Answer::of(Outcome::Accepted(good.info()));
        self.tell_spoils(&mut answer, user, &spoils, "handed_over");
        answer.show_once.0.push((RECOVERY_TOKEN.into(), secret.text()));
        Ok(Some(answer))
    }

    fn spent(&self, good: &GoodToken) -> Answer<TokenInfo> {
        self.denied(&good.token.at.provider, Some(good.user.id), "token_spent")
    }
}

fn needs_session(message: &str) -> Error {
    Error::proof_required("session", message)
}
