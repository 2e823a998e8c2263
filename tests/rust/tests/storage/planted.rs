//! The contract itself on trial: a claim that passes on a broken store proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use doorward_tests::contract::broken::{Broken, PlantedBug};
use doorward_tests::contract::{CLAIMS, Fixture, ROW_CLAIMS};

use crate::stores;

/// Each bug with the claim that must find it.
const FOUND_BY: [(PlantedBug, &str); 25] = [
    (
        PlantedBug::AdvanceIgnoresItsCondition,
        "exactly_one_of_many_advances",
    ),
    (
        PlantedBug::AttributesIgnoreTheVersion,
        "attributes_change_only_at_the_version_that_was_read",
    ),
    (PlantedBug::CapIsNotCounted, "many_at_the_cap_never_exceed_it"),
    (
        PlantedBug::ChangeIgnoresTheEpoch,
        "a_change_needs_the_epoch_of_an_enabled_user",
    ),
    (
        PlantedBug::FailuresAreForgotten,
        "failures_in_a_row_are_kept_with_the_record",
    ),
    (
        PlantedBug::ChargedBesideTheWrite,
        "a_user_is_paid_for_when_it_is_made",
    ),
    (
        PlantedBug::ChargeIsGivenBack,
        "a_change_is_paid_for_whatever_becomes_of_it",
    ),
    (
        PlantedBug::NamesOfReplacedRecordsAreLost,
        "a_replaced_record_has_the_names_that_its_kind_gave_it",
    ),
    (
        PlantedBug::PostageIsNotAsked,
        "messages_give_way_to_decoys_where_their_postage_is_closed",
    ),
    (
        PlantedBug::DeliveryIsQueuedFirst,
        "deliveries_are_queued_with_what_they_are_about",
    ),
    (PlantedBug::EndIgnoresTheOwner, "an_end_names_its_owner"),
    (
        PlantedBug::ExtendIgnoresTheHash,
        "extending_needs_the_current_refresh_hash",
    ),
    (PlantedBug::FlowIsTakenTwice, "a_flow_is_taken_by_one_of_many"),
    (PlantedBug::KeyIsPutUnasked, "a_key_is_put_by_one_of_many"),
    (
        PlantedBug::LinkIsNotConsumed,
        "a_link_is_written_with_its_message_and_used_once_and_the_code_with_it",
    ),
    (
        PlantedBug::LinkLeavesTheCode,
        "a_link_is_written_with_its_message_and_used_once_and_the_code_with_it",
    ),
    (
        PlantedBug::LeaseIsNotWritten,
        "due_deliveries_are_taken_under_a_lease",
    ),
    (
        PlantedBug::SettleIgnoresTheAttempt,
        "a_delivery_is_settled_at_its_attempt_only",
    ),
    (PlantedBug::SidesAreNotCompared, "an_address_stands_on_one_side"),
    (PlantedBug::SpendingIsNotKept, "a_mark_is_left_by_one_of_many"),
    (
        PlantedBug::SwapIgnoresTheVersion,
        "a_record_is_swapped_by_one_of_many",
    ),
    (
        PlantedBug::ThrottleStepsOneByOne,
        "a_charge_is_refused_with_all_that_stands_beside_it",
    ),
    (
        PlantedBug::ClaimIgnoresWhatWasSeen,
        "a_claim_is_won_by_one_of_many",
    ),
    (
        PlantedBug::TokenIsNotConsumed,
        "a_token_is_consumed_by_one_of_many",
    ),
    (PlantedBug::TouchesAreLost, "touches_are_written_by_maximum"),
];

#[test]
fn every_planted_bug_turns_its_claim_red() {
    for (bug, name) in FOUND_BY {
        let (_, claim) = CLAIMS
            .iter()
            .find(|(claim, _)| *claim == name)
            .expect("the claim exists");
        let sound = stores::memory();
        let inner = Arc::clone(&sound.store);
        let broken = Fixture::start(Arc::new(Broken { inner, bug }), sound);
        let judged = catch_unwind(AssertUnwindSafe(|| claim(&*broken.store)));
        assert!(judged.is_err(), "{name} passes on a store with the bug {bug:?}");
    }
}

#[test]
fn a_row_that_is_judged_otherwise_turns_the_table_red() {
    let name = "rows_that_count_are_listed_and_counted";
    let claim = ROW_CLAIMS.iter().find(|(claim, _)| *claim == name);
    let (_, claim) = claim.expect("the claim exists");
    let sound = stores::memory();
    claim(&sound);
    let (inner, bug) = (Arc::clone(&sound.store), PlantedBug::ExpiredIsListed);
    let broken = Fixture::start(Arc::new(Broken { inner, bug }), sound);
    assert!(catch_unwind(AssertUnwindSafe(|| claim(&broken))).is_err());
}
