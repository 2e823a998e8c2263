//! The storage contract: what every store must do, as claims that each take a fresh store. Nothing here knows which store
//! it judges, so whoever writes one runs them:
//!
//! ```
//! use std::sync::Arc;
//!
//! use doorward_contract::{CLAIMS, Fixture};
//! use doorward_memory::MemoryStore;
//!
//! // A store of one's own in place of this one; the second value lives as long as the store: a folder, a server.
//! fn fresh() -> Fixture {
//!     Fixture::start(Arc::new(MemoryStore::new()), ())
//! }
//!
//! // In a test file this line makes one test of each claim: doorward_contract::storage_contract!(mine, crate::fresh);
//! for (name, claim) in CLAIMS {
//!     println!("{name}");
//!     claim(&*fresh().store);
//! }
//! ```
//!
//! [`differential`] puts a store beside others and asks all of them the same random questions:
//!
//! ```
//! use std::sync::Arc;
//!
//! use doorward_contract::Fixture;
//! use doorward_contract::differential::{Engine, Histories};
//! use doorward_memory::MemoryStore;
//!
//! let engine = |name| Engine::new(name, Fixture::start(Arc::new(MemoryStore::new()), ()));
//! let histories = Histories { seed: 1, numbers: 0..20, steps: 14 };
//! if let Err(parted) = histories.compare(&|| vec![engine("memory"), engine("mine")]) {
//!     panic!("{parted}");
//! }
//! ```

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "claims are tests: they judge by panicking"
)]

pub mod addresses;
pub mod broken;
pub mod credentials;
pub mod differential;
pub mod ends;
pub mod flows;
pub mod kv;
pub mod live;
pub mod outbox;
pub mod post;
pub mod samples;
pub mod sign_ins;
pub mod throttles;
pub mod tokens;
pub mod upkeep;
pub mod users;

use std::any::Any;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use doorward_store::{Reply, Store, StoreResult, User};

/// A started store with the current schema and no rows, and what must live as long as it (a folder, a server).
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Dropped after the store has been stopped.
    pub keep: Box<dyn Any + Send + Sync>,
    /// Writes what no operation leaves, where the store's tables can be reached: rows of it are left out else.
    pub meddle: Option<Meddle>,
}

/// Writes a user's epoch and state as they are given, and nothing else: what somebody with SQL leaves, or a restored backup.
pub type Meddle = Box<dyn Fn(&User) + Send + Sync>;

impl Fixture {
    /// Starts and migrates a store.
    pub fn start(store: Arc<dyn Store>, keep: impl Any + Send + Sync) -> Self {
        wait(store.start());
        wait(store.migrate());
        Self {
            store,
            keep: Box::new(keep),
            meddle: None,
        }
    }

    /// With a way to its tables.
    #[must_use]
    pub fn with_meddle(mut self, meddle: impl Fn(&User) + Send + Sync + 'static) -> Self {
        self.meddle = Some(Box::new(meddle));
        self
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A claim that has failed already says more than the stop could.
        drop(settled(self.store.stop()));
    }
}

/// One claim about a store.
pub type Claim = fn(&dyn Store);

/// One claim about a store with a way to its tables.
pub type RowClaim = fn(&Fixture);

macro_rules! claims {
    (rows { $($row:ident)* } $($module:ident: $($claim:ident)*;)*) => {
        /// Every claim, by name.
        pub const CLAIMS: &[(&str, Claim)] = &[$($((stringify!($claim), $module::$claim as Claim),)*)*];

        /// Every claim that asks each operation of each row, by name.
        pub const ROW_CLAIMS: &[(&str, RowClaim)] = &[$((stringify!($row), live::$row as RowClaim),)*];

        /// One test per claim for a store: `storage_contract!(name, path::to::fixture)`, where the second is a function
        /// that gives a fresh [`Fixture`].
        #[macro_export]
        macro_rules! storage_contract {
            ($store:ident, $fixture:path) => {
                mod $store {
                    $(
                        #[test]
                        fn $row() {
                            $crate::live::$row(&$fixture());
                        }
                    )*
                    $($(
                        #[test]
                        fn $claim() {
                            let fixture = $fixture();
                            $crate::$module::$claim(&*fixture.store);
                        }
                    )*)*
                }
            };
        }
    };
}

claims! {
    rows {
        live_rows_are_confirmed_and_no_others
        rows_that_count_are_counted_as_they_end
        rows_that_count_are_listed_and_counted
        rows_that_count_stand_at_the_cap
        rows_that_have_not_ended_go_on
        ways_in_are_open_by_what_is_usable
    }
    users:
        a_user_is_inserted_whole_or_not_at_all
        an_id_that_exists_gives_its_user
        identifiers_compare_as_bytes
        one_of_many_wins_an_identifier
        users_come_in_pages_of_one_realm_in_order_of_id
        users_are_listed_and_counted_by_what_they_are
        users_are_found_by_how_an_identifier_begins
        attributes_change_only_at_the_version_that_was_read
        unique_values_belong_to_one_user_at_a_time
        disabling_moves_the_epoch_and_ends_every_sign_in
        a_deletion_reaches_every_table;
    credentials:
        subjects_are_found_by_provider_id_user_and_handle
        a_record_is_swapped_by_one_of_many
        a_replaced_record_has_the_names_that_its_kind_gave_it
        failures_in_a_row_are_kept_with_the_record
        a_change_needs_the_epoch_of_an_enabled_user
        a_change_happens_whole_or_not_at_all
        the_last_way_in_stays
        a_bump_ends_the_others_and_takes_the_kept_ones_along;
    addresses:
        an_address_stands_on_one_side
        of_two_sides_at_once_one_wins
        what_another_user_yields_is_taken_whole
        of_proving_and_taking_at_once_one_wins
        an_address_is_proved_once
        what_an_address_reaches_is_kept;
    sign_ins:
        a_sign_in_is_read_as_it_was_written
        a_sign_in_needs_the_users_epoch
        a_repeated_insert_counts_as_created
        the_cap_ends_the_least_recently_seen_or_refuses
        many_at_the_cap_never_exceed_it
        another_users_sign_in_on_the_browser_is_replaced
        exactly_one_of_many_advances
        advancing_moves_the_row_on_and_times_never_back
        extending_needs_the_current_refresh_hash
        a_confirmed_step_up_ends_what_it_replaces
        an_exchanged_step_up_stands_for_itself
        confirming_needs_a_live_row_at_that_generation
        touches_are_written_by_maximum
        listed_sign_ins_are_live_and_newest_first
        session_attributes_change_only_at_the_version_that_was_read;
    ends:
        ending_clears_every_hash_but_the_familys
        ending_others_spares_the_kept_one
        an_end_names_its_owner
        pending_step_ups_end_with_what_they_replace;
    kv:
        a_value_is_read_as_it_was_put_until_it_expires
        a_value_belongs_to_its_realm_provider_and_key
        a_value_changes_only_where_it_is_what_was_expected
        a_key_is_put_by_one_of_many
        a_value_is_removed_by_one_of_many
        many_add_to_one_counter
        a_counter_keeps_its_end_and_is_no_value
        expired_values_are_purged
        what_a_provider_keeps_is_counted_in_all_realms;
    flows:
        a_flow_is_taken_once_and_costs_an_attempt
        a_flow_is_taken_by_one_of_many
        a_taken_flow_is_given_back_at_its_step_only
        a_mark_is_left_by_one_of_many
        marks_stay_until_they_expire_and_are_trimmed;
    tokens:
        a_token_is_found_by_id_and_secret_while_it_is_good
        a_token_is_consumed_by_one_of_many
        a_token_is_consumed_only_with_its_change
        an_identity_is_verified_once
        a_link_is_written_with_its_message_and_used_once_and_the_code_with_it
        tokens_and_deliveries_are_purged_when_they_expire
        what_is_over_goes_with_the_next_insert_whatever_lasts_longer;
    outbox:
        deliveries_are_queued_with_what_they_are_about
        due_deliveries_are_taken_under_a_lease
        a_delivery_is_taken_by_one_of_many
        a_delivery_is_settled_at_its_attempt_only
        deliveries_go_with_their_user;
    throttles:
        failures_are_counted_and_delay_beyond_the_free_ones
        a_claim_is_won_by_one_of_many
        a_claim_is_put_back_or_a_success_empties
        a_charge_is_refused_with_all_that_stands_beside_it
        an_insert_removes_a_few_expired_rows;
    post:
        a_write_is_paid_for_or_not_made
        a_user_is_paid_for_when_it_is_made
        messages_give_way_to_decoys_where_their_postage_is_closed
        a_change_is_paid_for_whatever_becomes_of_it
        letters_of_a_change_are_paid_for_in_it
        what_is_nobodys_outlives_whom_it_is_kept_beside
        what_is_closed_does_not_tell_who_is_gone
        a_flow_is_not_given_back_to_who_is_gone;
    upkeep:
        an_agreed_item_is_inserted_if_absent
        agreement_has_one_winner
        purging_takes_what_has_ended_or_expired_and_no_more
        counts_are_of_live_rows
        counts_are_of_one_realm
        migrating_twice_changes_nothing;
}

/// The answer of a store.
pub fn wait<T: Unpin>(reply: Reply<T>) -> T {
    match settled(reply) {
        Ok(answer) => answer,
        Err(error) => panic!("the store answered with an error: {error}"),
    }
}

/// The answer of a store, or its error.
///
/// # Errors
/// The store's.
pub fn settled<T: Unpin>(reply: Reply<T>) -> StoreResult<T> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut reply = pin!(reply);
    loop {
        match reply.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

/// Runs `work` on so many threads that begin at the same moment; their answers.
pub fn race<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let start = |index| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(index)
            })
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
