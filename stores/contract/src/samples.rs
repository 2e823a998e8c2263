//! Rows to put into a store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_base::id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Advance, Authenticator, AuthenticatorAt, AuthenticatorStatus, CreatedSignIn, CreatedUser, Flow, Hash,
    Identity, NewSignIn, NewUser, Post, QueuedDelivery, SignIn, Store, Token, User,
};

use crate::wait;

/// So many seconds after the beginning of the samples' time.
pub const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_700_000_000 + seconds) * 1_000_000)
}

/// Sixteen bytes that were not given before; later ones sort after earlier ones.
pub fn fresh() -> [u8; 16] {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let mut id = [7; 16];
    id[8..].copy_from_slice(&LAST.fetch_add(1, Ordering::SeqCst).to_be_bytes());
    id
}

/// A hash of 32 equal bytes.
pub const fn hash(byte: u8) -> Hash {
    [byte; 32]
}

/// A user of a realm.
pub fn user(realm: &str) -> User {
    User {
        id: UserId::from_bytes(fresh()),
        realm: realm.into(),
        attributes: r#"{"name":"Änne"}"#.into(),
        version: 1,
        session_epoch: 0,
        disabled_at: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A provider id.
pub fn named(realm: &str, provider: &str, canonical: impl AsRef<[u8]>) -> ProviderId {
    ProviderId {
        realm: realm.into(),
        provider: provider.into(),
        canonical: canonical.as_ref().to_vec(),
    }
}

/// An identity of a user.
pub fn identity(user: &User, provider: &str, canonical: impl AsRef<[u8]>) -> Identity {
    Identity {
        at: named(&user.realm, provider, &canonical),
        raw: canonical.as_ref().to_ascii_uppercase(),
        rule: "email".into(),
        rule_version: 1,
        user_id: user.id,
        verified_at: Some(at(1)),
        created_at: at(0),
        last_used_at: None,
        reach: Vec::new(),
        vouched: false,
    }
}

/// An authenticator of a user, the group's only one.
pub fn authenticator(user: &User, group: &str, record: &[u8]) -> Authenticator {
    Authenticator {
        at: AuthenticatorAt {
            user_id: user.id,
            group: group.into(),
            id: AuthenticatorId::SINGLE,
        },
        realm: user.realm.clone(),
        handle: None,
        kind: "password".into(),
        record: record.to_vec(),
        record_version: 1,
        label: "first".into(),
        status: AuthenticatorStatus::Active,
        created_at: at(0),
        last_used_at: None,
        expires_at: None,
        set_over: None,
        failures: 0,
    }
}

/// Another authenticator of the same group.
pub fn another(first: &Authenticator, handle: Option<&[u8]>) -> Authenticator {
    Authenticator {
        at: AuthenticatorAt {
            id: AuthenticatorId::from_bytes(fresh()),
            ..first.at.clone()
        },
        handle: handle.map(<[u8]>::to_vec),
        ..first.clone()
    }
}

/// A user with nothing that belongs to it.
pub fn alone(user: User) -> NewUser {
    NewUser {
        user,
        unique: Vec::new(),
        identity: None,
        authenticators: Vec::new(),
        addresses: Vec::new(),
        takes: Vec::new(),
        post: Post::default(),
    }
}

/// A user with an identity of `email` and a password.
pub fn whole(realm: &str, email: &str) -> NewUser {
    let user = user(realm);
    NewUser {
        identity: Some(identity(&user, "email", email)),
        authenticators: vec![authenticator(&user, "password", b"sealed 1")],
        addresses: Vec::new(),
        takes: Vec::new(),
        post: Post::default(),
        unique: Vec::new(),
        user,
    }
}

/// Inserts it; the user.
pub fn put(store: &dyn Store, new: NewUser) -> User {
    let user = new.user.clone();
    assert_eq!(wait(store.create_user(new)), CreatedUser::Created);
    user
}

/// A sign-in at generation 0, confirmed, from `at(created)` on.
pub fn sign_in(user: &User, created: i64) -> SignIn {
    SignIn {
        id: SignInId::from_bytes(fresh()),
        user_id: user.id,
        epoch: user.session_epoch,
        generation: 0,
        family_hash: hash(1),
        salt: None,
        refresh_hash: Some(hash(10)),
        access_hash: Some(hash(20)),
        access_expires_at: at(created + 100),
        previous_refresh_hash: None,
        previous_access_hash: None,
        previous_access_expires_at: None,
        confirmed_at: Some(at(created)),
        idle_expires_at: at(created + 1_000),
        absolute_expires_at: at(created + 10_000),
        access_ttl: Duration::from_secs(100),
        idle_ttl: Duration::from_secs(1_000),
        persistent: true,
        authenticated_at: at(created),
        factors: "[]".into(),
        attributes: "{}".into(),
        version: 1,
        agent: "a browser".into(),
        address: "192.0.2.1".into(),
        replaces: None,
        created_at: at(created),
        last_seen_at: at(created),
        ended_at: None,
        end_reason: None,
    }
}

/// A step-up of a sign-in, not used yet.
pub fn step_up(old: &SignIn, created: i64) -> SignIn {
    SignIn {
        id: SignInId::from_bytes(fresh()),
        confirmed_at: None,
        replaces: Some(old.id),
        created_at: at(created),
        last_seen_at: at(created),
        ..old.clone()
    }
}

/// An insert without a cap.
pub fn uncapped(row: SignIn) -> NewSignIn {
    NewSignIn {
        row,
        max_sign_ins: 1_000,
        evict: false,
        ends: None,
    }
}

/// Inserts it; the row.
pub fn open(store: &dyn Store, row: SignIn) -> SignIn {
    let created = wait(store.create_sign_in(uncapped(row.clone())));
    assert_eq!(created, CreatedSignIn::Created(Vec::new()));
    row
}

/// The row as the store has it.
pub fn stored(store: &dyn Store, row: &SignIn) -> SignIn {
    let found = wait(store.sign_in(row.id));
    let (found, user) = found.unwrap_or_else(|| panic!("the sign-in is gone"));
    assert_eq!(user.id, found.user_id);
    found
}

/// The exchange of a row's current refresh token; hashes from `seed` on.
pub fn next(row: &SignIn, seed: u8, seconds: i64) -> Advance {
    Advance {
        id: row.id,
        from: row.generation,
        from_refresh_hash: row
            .refresh_hash
            .unwrap_or_else(|| panic!("the sign-in has ended")),
        salt: hash(seed),
        refresh_hash: hash(seed + 1),
        access_hash: hash(seed + 2),
        access_expires_at: at(seconds + 100),
        idle_expires_at: at(seconds + 1_000),
        now: at(seconds),
    }
}

/// A flow with three attempts, until `at(600)`.
pub fn flow(user: Option<&User>) -> Flow {
    Flow {
        id: FlowId::from_bytes(fresh()),
        step: 0,
        secret_hash: hash(5),
        user_id: user.map(|user| user.id),
        browser_hash: Some(hash(6)),
        attempts_left: 3,
        state: b"sealed state".to_vec(),
        expires_at: at(600),
    }
}

/// A token of a user, or a decoy's, until `at(600)`.
pub fn token(user: Option<&User>, canonical: &str) -> Token {
    Token {
        id: TokenId::from_bytes(fresh()),
        purpose: "recovery".into(),
        secret_hash: hash(7),
        at: named("", "email", canonical),
        user_id: user.map(|user| user.id),
        epoch: user.map(|user| user.session_epoch),
        expires_at: at(600),
        consumed_at: None,
    }
}

/// A message, due from `at(seconds)` until `at(600)`.
pub fn delivery(user: Option<&User>, seconds: i64) -> QueuedDelivery {
    QueuedDelivery {
        id: DeliveryId::from_bytes(fresh()),
        user_id: user.map(|user| user.id),
        payload: b"sealed message".to_vec(),
        due_at: at(seconds),
        attempts: 0,
        expires_at: at(600),
    }
}
