//! The provider through the raw ABI: what people, thieves and copied keys can do with passkeys.

use doorward_passkey::credential::Credential;
use doorward_passkey::doorward_module;
use doorward_plugin::{FactorClass, IdentifierSource, Property, abi};
use doorward_plugin_testing::{Answer, Ask, ConfigValue, Outcome, Provider, StoredRecord, TestHost};
use serde_json::Value;

use crate::authenticator::{Authenticator, RP_ID, base64url, unbase64url};

fn text(value: &str) -> ConfigValue {
    ConfigValue::Text(value.to_owned())
}

fn open(host: TestHost, more: &[(&str, ConfigValue)]) -> Result<Provider, (i32, String)> {
    let mut options = vec![("rp_id", text(RP_ID))];
    options.extend_from_slice(more);
    host.adopt(doorward_module()).open("passkey", "passkey", &options)
}

fn provider() -> Provider {
    open(TestHost::new(), &[]).unwrap()
}

fn options(begun: &Answer) -> Value {
    assert_eq!(begun.outcome(), Outcome::Continue, "{}", begun.message);
    serde_json::from_str(&begun.challenged("options")).unwrap()
}

fn challenge(begun: &Answer) -> Vec<u8> {
    unbase64url(options(begun)["challenge"].as_str().unwrap())
}

fn begin(passkey: &Provider, held: &[StoredRecord]) -> Answer {
    passkey.ask(&Ask::enroll().records(held).display("jane@example.org"))
}

fn finish(passkey: &Provider, held: &[StoredRecord], begun: &Answer, response: &str) -> Answer {
    let step = Ask::step_of_enroll(begun.next_state()).records(held);
    passkey.ask(&step.credential("response", response).credential("label", "phone"))
}

/// A new authenticator that has registered a credential.
fn enroll(passkey: &Provider, held: &mut Vec<StoredRecord>) -> Authenticator {
    let begun = begin(passkey, held);
    let user_handle = unbase64url(options(&begun)["user"]["id"].as_str().unwrap());
    let authenticator = Authenticator::new(&user_handle);
    let response = authenticator.register(&challenge(&begun)).json();
    let enrolled = finish(passkey, held, &begun, &response);
    assert_eq!(enrolled.outcome(), Outcome::Accepted, "{}", enrolled.message);
    assert_eq!(enrolled.handle.as_deref(), Some(authenticator.id.as_slice()));
    assert!(enrolled.store(held));
    authenticator
}

/// Somebody who says nothing about who they are.
fn anybody() -> Ask {
    Ask::verify().nobody()
}

fn begin_known(passkey: &Provider, held: &[StoredRecord]) -> Answer {
    passkey.ask(&Ask::verify().records(held))
}

fn answer_known(passkey: &Provider, held: &[StoredRecord], begun: &Answer, response: &str) -> Answer {
    passkey.ask(
        &Ask::step_of_verify(begun.next_state())
            .records(held)
            .credential("response", response),
    )
}

/// The two calls of a sign-in that begins with a passkey: who is it, and is it so.
fn answer_found(passkey: &Provider, held: &[StoredRecord], begun: &Answer, response: &str) -> Answer {
    let step = Ask::step_of_verify(begun.next_state()).credential("response", response);
    let resolve = passkey.ask(&step.clone().nobody());
    assert_eq!(resolve.outcome(), Outcome::Resolve, "{}", resolve.message);
    let handle = resolve.handle.unwrap();
    let owned = held
        .iter()
        .any(|record| Credential::from_bytes(&record.bytes).unwrap().id == handle);
    let step = step.resolved(&handle);
    passkey.ask(&if owned { step.records(held) } else { step.decoy() })
}

#[test]
fn it_declares_a_first_factor_that_finds_its_user() {
    let kinds = TestHost::new().adopt(doorward_module()).kinds();
    let kind = kinds[0];
    assert_eq!(kind.identifier_source, IdentifierSource::Found as u32);
    assert_eq!(kind.factor, FactorClass::Possession as u32);
    for property in [
        Property::CanStart,
        Property::KeepsRecords,
        Property::SeveralRecords,
        Property::Unguessable,
        Property::UnstoredStart,
    ] {
        assert_ne!(kind.flags & property as u32, 0, "{property:?}");
    }
    assert!(kind.update.is_none() && kind.normalize.is_none());
}

#[test]
fn the_options_of_a_registration_say_what_will_be_verified() {
    let begun = begin(&provider(), &[]);
    let asked = options(&begun);
    assert_eq!(asked["rp"]["id"], RP_ID);
    assert_eq!(asked["user"]["name"], "jane@example.org");
    assert_eq!(unbase64url(asked["user"]["id"].as_str().unwrap()).len(), 32);
    assert_eq!(challenge(&begun).len(), 32);
    let algorithms = asked["pubKeyCredParams"].as_array().unwrap();
    let numbers: Vec<i64> = algorithms.iter().filter_map(|one| one["alg"].as_i64()).collect();
    assert_eq!(numbers, [-7, -8, -35, -257]);
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(asked["attestation"], "none");
    assert_eq!(asked["timeout"], 300_000);
    assert_eq!(begun.state.as_ref().unwrap().1, 300);
}

#[test]
fn every_challenge_is_new() {
    let passkey = provider();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        assert!(seen.insert(challenge(&begin(&passkey, &[]))));
        assert!(seen.insert(challenge(&passkey.ask(&anybody()))));
    }
}

#[test]
fn a_passkey_that_was_registered_signs_in_whoever_it_belongs_to() {
    let passkey = provider();
    let mut held = Vec::new();
    let mut authenticator = enroll(&passkey, &mut held);
    assert_eq!(held[0].label, "phone");
    for count in 1..4 {
        authenticator.sign_count = count;
        let begun = passkey.ask(&anybody());
        assert_eq!(options(&begun)["allowCredentials"], serde_json::json!([]));
        let response = authenticator.assert(&challenge(&begun)).json();
        let signed_in = answer_found(&passkey, &held, &begun, &response);
        assert_eq!(signed_in.outcome(), Outcome::Accepted, "{}", signed_in.message);
        assert!(signed_in.store(&mut held));
        assert_eq!(Credential::from_bytes(&held[0].bytes).unwrap().sign_count, count);
    }
}

#[test]
fn an_authenticator_that_does_not_count_changes_no_record() {
    let passkey = provider();
    let mut held = Vec::new();
    let authenticator = enroll(&passkey, &mut held);
    let begun = passkey.ask(&anybody());
    let response = authenticator.assert(&challenge(&begun)).json();
    let signed_in = answer_found(&passkey, &held, &begun, &response);
    assert_eq!(signed_in.outcome(), Outcome::Accepted);
    assert!(signed_in.record.is_none());
    assert_eq!(signed_in.used, Some(held[0].id));
}

#[test]
fn a_known_user_is_asked_for_one_of_their_own() {
    let passkey = provider();
    let (mut held, mut others) = (Vec::new(), Vec::new());
    let first = enroll(&passkey, &mut held);
    let second = enroll(&passkey, &mut held);
    let stranger = enroll(&passkey, &mut others);
    let begun = begin_known(&passkey, &held);
    let allowed = options(&begun)["allowCredentials"].as_array().unwrap().clone();
    assert_eq!(allowed.len(), 2);
    assert_eq!(allowed[0]["id"], base64url(&first.id));
    assert_eq!(
        allowed[0]["transports"],
        serde_json::json!(["hybrid", "internal"])
    );
    let accepted = answer_known(&passkey, &held, &begun, &second.assert(&challenge(&begun)).json());
    assert_eq!(accepted.outcome(), Outcome::Accepted, "{}", accepted.message);
    assert_eq!(accepted.used, Some(held[1].id));
    let refused = answer_known(
        &passkey,
        &held,
        &begun,
        &stranger.assert(&challenge(&begun)).json(),
    );
    assert_eq!(refused.outcome(), Outcome::Denied(abi::NOT_ENROLLED));
}

#[test]
fn a_known_user_without_a_passkey_cannot_use_somebody_elses() {
    let refused = begin_known(&provider(), &[]);
    assert_eq!(refused.outcome(), Outcome::Denied(abi::NOT_ENROLLED));
}

#[test]
fn all_passkeys_of_a_user_have_one_user_handle_and_exclude_each_other() {
    let passkey = provider();
    let mut held = Vec::new();
    let first = enroll(&passkey, &mut held);
    let begun = begin(&passkey, &held);
    let asked = options(&begun);
    assert_eq!(asked["user"]["id"], base64url(&first.user_handle));
    assert_eq!(asked["excludeCredentials"][0]["id"], base64url(&first.id));
    let again = finish(
        &passkey,
        &held,
        &begun,
        &first.register(&challenge(&begun)).json(),
    );
    assert_eq!(again.outcome(), Outcome::Denied(abi::INVALID_INPUT));
    assert_eq!(
        again.violations,
        [("response".to_owned(), "reused".to_owned(), 0)]
    );
}

#[test]
fn somebody_new_is_identified_by_a_random_user_handle() {
    let passkey = provider();
    let begun = passkey.ask(&Ask::enroll().nobody().credential("name", "Jane"));
    let asked = options(&begun);
    assert_eq!(asked["user"]["name"], "Jane");
    let user_handle = unbase64url(asked["user"]["id"].as_str().unwrap());
    let authenticator = Authenticator::new(&user_handle);
    let response = authenticator.register(&challenge(&begun)).json();
    let step = Ask::step_of_enroll(begun.next_state())
        .nobody()
        .credential("response", response);
    let enrolled = passkey.ask(&step);
    assert_eq!(enrolled.outcome(), Outcome::Accepted, "{}", enrolled.message);
    assert_eq!(enrolled.identifier, Some(user_handle));
}

#[test]
fn a_response_is_good_for_its_own_ceremony_only() {
    let passkey = provider();
    let mut held = Vec::new();
    let authenticator = enroll(&passkey, &mut held);
    let (first, second) = (passkey.ask(&anybody()), passkey.ask(&anybody()));
    let response = authenticator.assert(&challenge(&first)).json();
    let replayed = answer_found(&passkey, &held, &second, &response);
    assert_eq!(replayed.outcome(), Outcome::Denied(abi::WRONG));
    // The state of one ceremony in the step of the other.
    let crossed = passkey.ask(&Ask::step_of_enroll(first.next_state()).credential("response", &response));
    assert_eq!(crossed.outcome(), Outcome::Fault(abi::E_FORMAT));
    let begun = begin(&passkey, &held);
    let crossed = passkey.ask(&Ask::step_of_verify(begun.next_state()).credential("response", &response));
    assert_eq!(crossed.outcome(), Outcome::Fault(abi::E_FORMAT));
}

#[test]
fn a_counter_that_went_back_is_refused_and_reported() {
    let host = TestHost::new();
    let passkey = open(host, &[]).unwrap();
    let mut held = Vec::new();
    let mut authenticator = enroll(&passkey, &mut held);
    for (count, outcome) in [
        (5, Outcome::Accepted),
        (5, Outcome::Denied(abi::WRONG)),
        (6, Outcome::Accepted),
    ] {
        authenticator.sign_count = count;
        let begun = passkey.ask(&anybody());
        let response = authenticator.assert(&challenge(&begun)).json();
        let answer = answer_found(&passkey, &held, &begun, &response);
        assert_eq!(answer.outcome(), outcome, "{count}: {}", answer.message);
        assert_eq!(answer.store(&mut held), outcome == Outcome::Accepted);
    }
    let reported = host.logged();
    assert_eq!(
        reported
            .iter()
            .filter(|line| line.contains("passkey.sign_count_regressed"))
            .count(),
        1,
        "{reported:?}"
    );
}

#[test]
fn of_two_servers_that_see_one_assertion_one_refuses_it() {
    let passkey = provider();
    let mut held = Vec::new();
    let mut authenticator = enroll(&passkey, &mut held);
    authenticator.sign_count = 1;
    let begun = passkey.ask(&anybody());
    let response = authenticator.assert(&challenge(&begun)).json();
    let one = answer_found(&passkey, &held, &begun, &response);
    let other = answer_found(&passkey, &held, &begun, &response);
    assert_eq!(
        (one.outcome(), other.outcome()),
        (Outcome::Accepted, Outcome::Accepted)
    );
    assert!(one.store(&mut held));
    assert!(!other.store(&mut held), "the record has changed since");
}

#[test]
fn an_unknown_passkey_is_refused_like_a_wrong_one() {
    let passkey = provider();
    let mut held = Vec::new();
    enroll(&passkey, &mut held);
    let begun = passkey.ask(&anybody());
    let response = Authenticator::new(b"nobody").assert(&challenge(&begun)).json();
    let refused = answer_found(&passkey, &held, &begun, &response);
    assert_eq!(refused.outcome(), Outcome::Denied(abi::NOT_ENROLLED));
}

#[test]
fn a_decoy_is_answered_like_anybody() {
    let passkey = provider();
    let real = options(&passkey.ask(&anybody()));
    let decoy = options(&passkey.ask(&Ask::verify().decoy()));
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&real), names(&decoy));
    assert_eq!(real["allowCredentials"], decoy["allowCredentials"]);
}

#[test]
fn nonsense_is_no_failed_attempt() {
    let passkey = provider();
    let begun = passkey.ask(&anybody());
    for nonsense in ["", "{}", "null", "\u{0}", "[1,2]"] {
        let step = Ask::step_of_verify(begun.next_state()).credential("response", nonsense);
        assert_eq!(
            passkey.ask(&step).outcome(),
            Outcome::Denied(abi::INVALID_INPUT),
            "{nonsense:?}"
        );
    }
    let begun = begin(&passkey, &[]);
    let refused = finish(&passkey, &[], &begun, "{}");
    assert_eq!(refused.outcome(), Outcome::Denied(abi::INVALID_INPUT));
    assert_eq!(
        refused.violations,
        [("response".to_owned(), "bad_format".to_owned(), 0)]
    );
    for state in [b"".as_slice(), b"\x02", b"\x01\x01", &[0xff; 400]] {
        let step = Ask::step_of_verify(state).credential("response", "{}");
        assert_eq!(passkey.ask(&step).outcome(), Outcome::Fault(abi::E_FORMAT));
    }
}

#[test]
fn a_damaged_record_locks_out_itself_only() {
    let passkey = provider();
    let mut held = Vec::new();
    enroll(&passkey, &mut held);
    let second = enroll(&passkey, &mut held);
    held[0].bytes[0] = 9;
    let alone = begin_known(&passkey, &held[..1]);
    assert_eq!(alone.outcome(), Outcome::Fault(abi::E_FORMAT));
    let begun = begin_known(&passkey, &held);
    let accepted = answer_known(&passkey, &held, &begun, &second.assert(&challenge(&begun)).json());
    assert_eq!(accepted.outcome(), Outcome::Accepted, "{}", accepted.message);
}

#[test]
fn a_person_is_told_what_their_authenticator_lacks() {
    let passkey = open(TestHost::new(), &[("backup_eligibility", text("required"))]).unwrap();
    let begun = begin(&passkey, &[]);
    let response = Authenticator::new(b"handle").register(&challenge(&begun)).json();
    let refused = finish(&passkey, &[], &begun, &response);
    assert_eq!(
        refused.violations,
        [("response".to_owned(), "backup_eligibility".to_owned(), 0)]
    );
}

#[test]
fn a_user_has_as_many_as_configured() {
    let passkey = open(TestHost::new(), &[("max_passkeys", ConfigValue::Integer(1))]).unwrap();
    let mut held = Vec::new();
    let begun = begin(&passkey, &held);
    enroll(&passkey, &mut held);
    let full = [("response".to_owned(), "too_many_passkeys".to_owned(), 1)];
    assert_eq!(begin(&passkey, &held).violations, full);
    let response = Authenticator::new(b"handle").register(&challenge(&begun)).json();
    assert_eq!(
        finish(&passkey, &held, &begun, &response).violations,
        full,
        "begun before"
    );
}

#[test]
fn a_configuration_that_cannot_work_says_why() {
    for (options, word) in [
        (vec![("rp_id", text("https://example.org"))], "rp_id"),
        (vec![("origins.0", text("https://example.org/"))], "origins"),
        (vec![("origins.0", text("http://example.org"))], "origins"),
        (
            vec![
                ("origins.0", text("https://example.org")),
                ("origins.1", text("*")),
            ],
            "origins",
        ),
        (vec![("top_origins.0", text("shop.example"))], "top_origins"),
        (vec![("user_verification", text("maybe"))], "user_verification"),
        (
            vec![("timeout_seconds", ConfigValue::Integer(1))],
            "timeout_seconds",
        ),
        (vec![("max_passkeys", ConfigValue::Integer(0))], "max_passkeys"),
    ] {
        let module = TestHost::new().adopt(doorward_module());
        let mut all = options.clone();
        if !options.iter().any(|(name, _)| *name == "rp_id") {
            all.push(("rp_id", text(RP_ID)));
        }
        let refused = module.open("passkey", "passkey", &all).err();
        assert!(
            refused
                .as_ref()
                .is_some_and(|(status, why)| *status == abi::E_CONFIG && why.contains(word)),
            "{options:?}: {refused:?}"
        );
    }
    let missing = TestHost::new()
        .adopt(doorward_module())
        .open("passkey", "passkey", &[])
        .err();
    assert!(missing.is_some_and(|(_, why)| why.contains("rp_id must be set, to a domain in lower case")));
}
