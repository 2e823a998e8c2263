//! Every operation of the port with its operands, to be asked of several stores.

use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_base::id::{DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Advance, Agreed, AuthenticatorAt, Change, DeliveryEnd, EndReason, Ends, Extend, Flow, Hash, KvAt,
    KvChange, Naming, NewSignIn, NewUser, Post, Store, ThrottleStep, Token, TokenUse, Touch, UserPage,
};

use super::answer::Answer;
use crate::settled;

macro_rules! steps {
    ($($name:ident { $($operand:ident: $of:ty),* } => $method:ident;)*) => {
        /// One operation.
        #[derive(Clone)]
        #[expect(missing_docs, reason = "each is the method of the port with its operands")]
        pub enum Step {
            /// Life: stopped and started, with all that a started store answers.
            Restart,
            /// A write that nobody waits for, written before the next step.
            Touch(Touch),
            Throttles { buckets: Vec<Hash>, now: Timestamp },
            $($name { $($operand: $of),* },)*
        }

        impl Step {
            /// The method.
            pub const fn name(&self) -> &'static str {
                match self {
                    Self::Restart => "stop, start",
                    Self::Touch(_) => "touch",
                    Self::Throttles { .. } => "throttles",
                    $(Self::$name { .. } => stringify!($method),)*
                }
            }

            /// Asks a store.
            pub fn ask(&self, store: &dyn Store, has_late_touches: bool) -> Answer {
                match self.clone() {
                    Self::Restart => restart(store),
                    Self::Touch(touch) => {
                        store.touch(touch);
                        // What is queued goes with the next write, or when the store stops.
                        if has_late_touches {
                            restart(store)
                        } else {
                            Answer::of(store.drop_flow(FlowId::from_bytes([0; 16])))
                        }
                    }
                    Self::Throttles { buckets, now } => Answer::of(store.throttles(buckets)).without(now),
                    $(Self::$name { $($operand),* } => Answer::of(store.$method($($operand),*)),)*
                }
            }
        }
    };
}

steps! {
    Agree { items: Vec<Agreed>, replace: bool, now: Timestamp } => agree;
    Agreed { prefix: String } => agreed;
    ChangeKv { change: KvChange } => change_kv;
    Change { change: Change } => change;
    Confirm { id: SignInId, generation: u32, now: Timestamp } => confirm;
    CountFailure { at: AuthenticatorAt, failed: bool } => count_failure;
    CountUsers { realm: String, enabled: Option<bool>, limit: u32 } => count_users;
    CreateSignIn { new: NewSignIn } => create_sign_in;
    CreateUser { new: NewUser } => create_user;
    Advance { next: Advance } => advance;
    DeleteUser { id: UserId } => delete_user;
    DropFlow { id: FlowId } => drop_flow;
    End { which: Ends, reason: EndReason, now: Timestamp } => end;
    Extend { extend: Extend } => extend;
    Addresses { user: UserId } => addresses;
    Authenticators { user: UserId } => authenticators;
    Identities { user: UserId } => identities;
    Kv { at: KvAt, now: Timestamp } => kv;
    KvUsage { provider: String, now: Timestamp } => kv_usage;
    Purge { now: Timestamp, keep_ended: Duration, limit: u32 } => purge;
    PutAttributes { id: UserId, expect: i64, attributes: String, unique: Vec<(String, Vec<u8>)>, now: Timestamp } => put_attributes;
    PutFlow { flow: Flow, post: Post, now: Timestamp } => put_flow;
    PutSessionAttributes { id: SignInId, expect: i64, attributes: String } => put_session_attributes;
    PutToken { token: Token, post: Post, now: Timestamp } => put_token;
    RealmStats { realm: String, now: Timestamp } => realm_stats;
    ReturnFlow { flow: Flow, post: Post, now: Timestamp } => return_flow;
    SetEnabled { id: UserId, enabled: bool, now: Timestamp } => set_enabled;
    SettleDelivery { id: DeliveryId, attempt: u32, end: DeliveryEnd } => settle_delivery;
    SignIn { id: SignInId } => sign_in;
    SignIns { user: UserId, now: Timestamp } => sign_ins;
    Spend { mark: Hash, expires_at: Timestamp, now: Timestamp } => spend;
    SpendLink { link: TokenUse, now: Timestamp } => spend_link;
    Stats { now: Timestamp } => stats;
    Subject { at: ProviderId, group: String } => subject;
    SubjectByHandle { realm: String, group: String, handle: Vec<u8> } => subject_by_handle;
    SubjectOf { user: UserId, group: String } => subject_of;
    SwapRecord { at: AuthenticatorAt, expect: i64, sealed: Vec<u8>, naming: Naming, now: Timestamp } => swap_record;
    TakeDeliveries { limit: u32, leased_until: Timestamp, now: Timestamp } => take_deliveries;
    TakeFlow { id: FlowId, step: u32, secret_hash: Hash, now: Timestamp } => take_flow;
    Throttle { steps: Vec<ThrottleStep>, now: Timestamp } => throttle;
    Token { id: TokenId, secret_hash: Hash, now: Timestamp } => token;
    User { id: UserId } => user;
    UserByAttribute { realm: String, name: String, value: Vec<u8> } => user_by_attribute;
    UserByIdentity { at: ProviderId } => user_by_identity;
    Users { page: UserPage } => users;
    UsersByPrefix { at: ProviderId, limit: u32 } => users_by_prefix;
}

fn restart(store: &dyn Store) -> Answer {
    for reply in [store.stop(), store.start(), store.migrate(), store.health()] {
        if let Err(error) = settled(reply) {
            return Answer::Failed(error.to_string());
        }
    }
    let state = settled(store.schema());
    match state {
        Ok(state) if state.found == state.current => Answer::of(store.clock()),
        state => Answer::Failed(format!("{state:?}")),
    }
}
