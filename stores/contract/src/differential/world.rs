//! What the operations of a history are about: a few users, names, keys and moments, so that they meet.

use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_base::id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, AuthenticatorAt, AuthenticatorStatus, Flow, Hash, Identity, KvAt, NewSignIn, Post,
    ProvedBy, QueuedDelivery, Side, SignIn, Store, ThrottleKey, ThrottleLaw, Token, TokenUse, User,
    UserAddress,
};

use super::random::Random;
use crate::wait;

/// Users of a history.
pub(super) const USERS: u8 = 3;
/// Values of each other kind.
pub(super) const FEW: u8 = 3;
/// Hours that a history knows.
pub(super) const HOURS: u8 = 12;

/// A history as it is drawn.
pub(super) struct World<'s> {
    pub(super) random: Random,
    /// Which history it is.
    pub(super) number: u64,
    /// Hour 0.
    pub(super) base: Timestamp,
    /// The hour that it is: sign-ins have to do with clocks that are set back.
    hour: u8,
    /// The latest hour that it was: a row that is over then may be gone, whatever the clock says later.
    latest: u8,
    /// The store that is looked at for what could succeed.
    pub(super) store: &'s dyn Store,
    /// What was inserted, to be asked for again.
    pub(super) sign_ins: Vec<NewSignIn>,
    pub(super) flows: Vec<Flow>,
    pub(super) tokens: Vec<Token>,
    pub(super) deliveries: Vec<DeliveryId>,
    made: u8,
}

impl<'s> World<'s> {
    pub(super) fn new(seed: u64, number: u64, base: Timestamp, store: &'s dyn Store) -> Self {
        Self {
            random: Random::new(seed, number),
            number,
            base,
            hour: 2,
            latest: 2,
            store,
            sign_ins: Vec::new(),
            flows: Vec::new(),
            tokens: Vec::new(),
            deliveries: Vec::new(),
            made: 0,
        }
    }

    /// Time goes on, or stands, or was set back.
    pub(super) fn pass(&mut self) {
        let by = self.random.below(8);
        self.hour = match by {
            0 => self.hour.saturating_sub(2),
            1..=4 => self.hour,
            _ => (self.hour + by - 4).min(HOURS),
        };
        self.latest = self.latest.max(self.hour);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.at(self.hour)
    }

    /// The latest moment that it was.
    pub(super) fn late(&self) -> Timestamp {
        self.at(self.latest)
    }

    /// So many hours later than that.
    pub(super) fn later(&self, hours: u8) -> Timestamp {
        self.at(self.latest + hours)
    }

    pub(super) fn at(&self, hour: u8) -> Timestamp {
        self.base.plus(Duration::from_hours(hour.into()))
    }

    /// From an hour ago to five hours on.
    pub(super) fn about(&mut self) -> Timestamp {
        let by = self.random.below(7);
        self.at(self.hour + by).minus(Duration::from_hours(1))
    }

    /// Later than it ever was, by five hours at most.
    pub(super) fn soon(&mut self) -> Timestamp {
        let by = self.random.below(5);
        self.later(by + 1)
    }

    fn id(&self, kind: u8, n: u8) -> [u8; 16] {
        let mut id = [kind; 16];
        id[1] = n;
        id[8..].copy_from_slice(&self.number.to_be_bytes());
        id
    }

    fn made(&mut self) -> u8 {
        self.made += 1;
        self.made
    }

    pub(super) fn fresh(&mut self, kind: u8) -> [u8; 16] {
        let n = self.made();
        self.id(kind, n)
    }

    /// A hash that was not given before.
    pub(super) fn new_hash(&mut self) -> Hash {
        let n = self.made();
        self.hash(0xf0, n)
    }

    pub(super) fn hash(&self, kind: u8, n: u8) -> Hash {
        let id = self.id(kind, n);
        std::array::from_fn(|at| id[at % 16])
    }

    pub(super) fn few_hash(&mut self, kind: u8) -> Hash {
        let n = self.random.below(FEW);
        self.hash(kind, n)
    }

    pub(super) fn user_of(&self, n: u8) -> UserId {
        UserId::from_bytes(self.id(b'u', n))
    }

    pub(super) fn user_id(&mut self) -> UserId {
        let n = self.random.below(USERS);
        self.user_of(n)
    }

    /// A user as it is, or as one that is not there would be.
    pub(super) fn user(&mut self) -> User {
        let id = self.user_id();
        wait(self.store.user(id)).unwrap_or_else(|| self.absent(id))
    }

    pub(super) fn absent(&self, id: UserId) -> User {
        User {
            id,
            realm: self.realm_of(id),
            attributes: "{}".into(),
            version: 1,
            session_epoch: 0,
            disabled_at: None,
            created_at: self.late(),
            updated_at: self.late(),
        }
    }

    /// Of two users the first realm, of the third another.
    fn realm_of(&self, id: UserId) -> String {
        self.realm(u8::from(id.as_bytes()[1] == USERS - 1))
    }

    pub(super) fn realm(&self, n: u8) -> String {
        format!("realm {} of {}", n, self.number)
    }

    pub(super) fn a_realm(&mut self) -> String {
        let n = self.random.below(2);
        self.realm(n)
    }

    pub(super) fn name(&mut self, realm: &str) -> ProviderId {
        ProviderId {
            realm: realm.into(),
            provider: self.random.one(&["email", "username"]).into(),
            canonical: vec![b'a', b'a' + self.random.below(FEW)],
        }
    }

    pub(super) fn a_name(&mut self) -> ProviderId {
        let realm = self.a_realm();
        self.name(&realm)
    }

    pub(super) fn group(&mut self) -> String {
        self.random.one(&["password", "totp"]).into()
    }

    pub(super) fn authenticator_at(&mut self, user: UserId) -> AuthenticatorAt {
        AuthenticatorAt {
            user_id: user,
            group: self.group(),
            id: AuthenticatorId::from_bytes([self.random.below(2); 16]),
        }
    }

    pub(super) fn authenticator(&mut self, user: &User) -> Authenticator {
        let at = self.authenticator_at(user.id);
        let status = [
            AuthenticatorStatus::Active,
            AuthenticatorStatus::Active,
            AuthenticatorStatus::MustChange,
            AuthenticatorStatus::Suspended,
        ];
        Authenticator {
            at,
            realm: user.realm.clone(),
            handle: self.random.maybe(30, |random| vec![random.below(FEW)]),
            kind: "password".into(),
            record: vec![self.random.below(200)],
            record_version: 1,
            label: "label".into(),
            status: self.random.one(&status),
            created_at: self.now(),
            last_used_at: None,
            expires_at: if self.random.chance(30) {
                Some(self.about())
            } else {
                None
            },
            set_over: self.random.maybe(20, |random| [random.below(FEW); 32]),
            failures: 0,
        }
    }

    pub(super) fn identity(&mut self, user: &User) -> Identity {
        let at = self.name(&user.realm);
        Identity {
            raw: at.canonical.to_ascii_uppercase(),
            at,
            rule: "email".into(),
            rule_version: 1,
            user_id: user.id,
            verified_at: self.random.chance(50).then(|| self.now()),
            created_at: self.now(),
            last_used_at: None,
            reach: self.random.some(2, |random| [random.below(FEW); 32]),
            vouched: self.random.chance(30),
        }
    }

    pub(super) fn address(&mut self) -> UserAddress {
        UserAddress {
            address: self.few_hash(b'a'),
            side: self.random.one(&[Side::First, Side::Second]),
            proved: self.random.chance(40).then(|| (self.now(), ProvedBy::Message)),
        }
    }

    pub(super) fn provider(&self) -> String {
        format!("totp {}", self.number)
    }

    pub(super) fn kv_at(&mut self) -> KvAt {
        KvAt {
            realm: self.a_realm(),
            provider: self.provider(),
            key: vec![self.random.below(FEW) + 1],
        }
    }

    pub(super) fn throttle_key(&mut self) -> ThrottleKey {
        let n = self.random.below(FEW);
        let hour = Duration::from_hours(1);
        ThrottleKey {
            bucket: self.hash(b't', n),
            law: if n == 0 {
                ThrottleLaw::Delay {
                    free: 1,
                    first: hour,
                    ceiling: hour * 4,
                }
            } else {
                ThrottleLaw::Rate {
                    burst: 2,
                    every: hour,
                }
            },
        }
    }

    pub(super) fn delivery(&mut self, user: Option<UserId>) -> QueuedDelivery {
        let id = DeliveryId::from_bytes(self.fresh(b'd'));
        self.deliveries.push(id);
        QueuedDelivery {
            id,
            user_id: user,
            payload: b"sealed".to_vec(),
            due_at: self.late(),
            attempts: 0,
            expires_at: self.soon(),
        }
    }

    pub(super) fn token(&mut self, user: Option<&User>) -> Token {
        let token = Token {
            id: TokenId::from_bytes(self.fresh(b'k')),
            purpose: "recovery".into(),
            secret_hash: self.new_hash(),
            at: self.a_name(),
            user_id: user.map(|user| user.id),
            epoch: user.map(|user| user.session_epoch),
            expires_at: self.soon(),
            consumed_at: None,
        };
        self.tokens.push(token.clone());
        token
    }

    pub(super) fn token_use(&mut self) -> TokenUse {
        let known: Vec<TokenUse> = (self.tokens.iter())
            .map(|token| TokenUse {
                id: token.id,
                secret_hash: token.secret_hash,
            })
            .collect();
        if known.is_empty() || self.random.chance(10) {
            return TokenUse {
                id: TokenId::from_bytes(self.id(b'k', 0)),
                secret_hash: self.hash(b'k', 0),
            };
        }
        self.random.one(&known)
    }

    /// Mostly free, and without messages.
    pub(super) fn post(&mut self, user: Option<&User>) -> Post {
        if self.random.chance(60) {
            return Post::default();
        }
        let owner = user.map(|user| user.id);
        let deliveries: Vec<_> = (0..self.random.below(2)).map(|_| self.delivery(owner)).collect();
        Post {
            charges: (0..self.random.below(2)).map(|_| self.throttle_key()).collect(),
            postage: (0..self.random.below(2)).map(|_| self.throttle_key()).collect(),
            decoys: deliveries.iter().map(|_| self.delivery(None)).collect(),
            deliveries,
            link: self.random.chance(20).then(|| self.token(user)),
            beside: UserId::NOBODY,
        }
    }

    pub(super) fn flow(&mut self) -> Flow {
        let user = self.random.chance(60).then(|| self.user_id());
        let flow = Flow {
            id: FlowId::from_bytes(self.fresh(b'f')),
            step: 0,
            secret_hash: self.new_hash(),
            user_id: user,
            browser_hash: None,
            attempts_left: u32::from(self.random.below(FEW)),
            state: b"state".to_vec(),
            expires_at: self.soon(),
        };
        self.flows.push(flow.clone());
        flow
    }

    /// A sign-in that was asked for, as it is, or as it was to be.
    pub(super) fn known_sign_in(&mut self) -> SignIn {
        let known: Vec<SignIn> = self.sign_ins.iter().map(|new| new.row.clone()).collect();
        if known.is_empty() {
            let user = self.user();
            return self.sign_in(&user);
        }
        let row = self.random.one(&known);
        wait(self.store.sign_in(row.id)).map_or(row, |(row, _)| row)
    }

    pub(super) fn sign_in(&mut self, user: &User) -> SignIn {
        SignIn {
            id: SignInId::from_bytes(self.fresh(b's')),
            user_id: user.id,
            epoch: user.session_epoch,
            generation: 0,
            family_hash: self.new_hash(),
            salt: None,
            refresh_hash: Some(self.new_hash()),
            access_hash: Some(self.new_hash()),
            access_expires_at: self.about(),
            previous_refresh_hash: None,
            previous_access_hash: None,
            previous_access_expires_at: None,
            confirmed_at: self.random.chance(60).then(|| self.now()),
            idle_expires_at: self.about(),
            absolute_expires_at: self.about().plus(Duration::from_hours(2)),
            access_ttl: Duration::from_hours(1),
            idle_ttl: Duration::from_hours(2),
            persistent: self.random.chance(50),
            authenticated_at: self.now(),
            factors: "[]".into(),
            attributes: "{}".into(),
            version: 1,
            agent: "a browser".into(),
            address: "192.0.2.1".into(),
            replaces: None,
            created_at: self.now(),
            last_seen_at: self.now(),
            ended_at: None,
            end_reason: None,
        }
    }
}
