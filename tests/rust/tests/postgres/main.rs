//! What only PostgreSQL can show: lost servers and answers, races, other people's foreign keys, roles.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod clock;
mod decoys;
mod failover;
mod few;
mod hot;
mod life;
mod locked;
mod lost;
mod plans;
mod poolers;
mod races;
mod rights;
mod unknown;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use doorward::clock::{Clock as _, CorrectedClock, ManualClock, SystemClock};
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::{
    Advance, Agreed, CreatedSignIn, CreatedUser, DeletedUser, Disagreement, EndReason, Ends, NewSignIn,
    NewUser, Post, SignIn, Store, StoreError, ThrottleKey, ThrottleLaw, ThrottleStep, Throttled, Touch, User,
};
use doorward::{SignInId, Timestamp, UserId};
use doorward_tests::contract::{race, settled as wait}; // drive answers without tokio: callers bring no runtime
use doorward_tests::postgres::Server;
use doorward_tests::proxy::{Cut, Proxy};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::parse(url).unwrap()
}

fn store(options: PostgresOptions) -> PostgresStore {
    let store = PostgresStore::new(options);
    wait(store.start()).unwrap();
    wait(store.migrate()).unwrap();
    store
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(4_000_000_000_000_000 + seconds * 1_000_000)
}

fn user(number: u8) -> NewUser {
    NewUser {
        user: User {
            id: UserId::from_bytes([number; 16]),
            realm: String::new(),
            attributes: "{}".into(),
            version: 1,
            session_epoch: 0,
            disabled_at: None,
            created_at: time(0),
            updated_at: time(0),
        },
        unique: Vec::new(),
        identity: None,
        authenticators: Vec::new(),
        addresses: Vec::new(),
        takes: Vec::new(),
        post: Post::default(),
    }
}

fn sign_in(user: u8, number: u8) -> NewSignIn {
    NewSignIn {
        row: SignIn {
            id: SignInId::from_bytes([number; 16]),
            user_id: UserId::from_bytes([user; 16]),
            epoch: 0,
            generation: 0,
            family_hash: [number; 32],
            salt: None,
            refresh_hash: Some([number; 32]),
            access_hash: Some([number; 32]),
            access_expires_at: time(100),
            previous_refresh_hash: None,
            previous_access_hash: None,
            previous_access_expires_at: None,
            confirmed_at: Some(time(0)),
            idle_expires_at: time(1000),
            absolute_expires_at: time(10_000),
            access_ttl: Duration::from_secs(100),
            idle_ttl: Duration::from_secs(1000),
            persistent: true,
            authenticated_at: time(0),
            factors: "[]".into(),
            attributes: "{}".into(),
            version: 1,
            agent: "agent".into(),
            address: "192.0.2.1".into(),
            replaces: None,
            created_at: time(0),
            last_seen_at: time(0),
            ended_at: None,
            end_reason: None,
        },
        max_sign_ins: 100,
        evict: true,
        ends: None,
    }
}
