//! The template through the raw ABI, as Doorward would call it.

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, ConfigValue, Outcome, TestHost};

#[test]
fn the_phrase_that_was_enrolled_signs_in() {
    let plugin = TestHost::new().adopt(doorward_template::doorward_module());
    let provider = plugin.open("passphrase", "passphrase", &[]).unwrap();
    let mut records = Vec::new();
    let enrolled = provider.ask(&Ask::enroll().credential("phrase", "five words are enough here"));
    assert!(enrolled.store(&mut records));

    let right = Ask::verify()
        .records(&records)
        .credential("phrase", "five words are enough here");
    assert_eq!(provider.ask(&right).outcome(), Outcome::Accepted);
    let wrong = Ask::verify()
        .records(&records)
        .credential("phrase", "five words were enough here");
    assert_eq!(provider.ask(&wrong).outcome(), Outcome::Denied(abi::WRONG));
    let nobody = Ask::verify()
        .decoy()
        .credential("phrase", "five words are enough here");
    assert_eq!(
        provider.ask(&nobody).outcome(),
        Outcome::Denied(abi::NOT_ENROLLED)
    );
}

#[test]
fn a_hash_of_other_parameters_is_replaced_and_a_damaged_one_refused() {
    let plugin = TestHost::new().adopt(doorward_template::doorward_module());
    let provider = plugin.open("passphrase", "passphrase", &[]).unwrap();
    let mut records = Vec::new();
    assert!(
        provider
            .ask(&Ask::enroll().credential("phrase", "a b c d e"))
            .store(&mut records)
    );
    let right = Ask::verify().records(&records).credential("phrase", "a b c d e");
    assert!(provider.ask(&right).record.is_none(), "today's parameters");
    for damaged in [&b"\xff"[..], b"no hash"] {
        records[0].bytes = damaged.to_vec();
        let ask = Ask::verify().records(&records).credential("phrase", "a b c d e");
        assert_eq!(provider.ask(&ask).outcome(), Outcome::Fault(abi::E_FORMAT));
    }
}

#[test]
fn too_few_words_are_refused_with_the_limit() {
    let plugin = TestHost::new().adopt(doorward_template::doorward_module());
    let options = [("min_words", ConfigValue::Integer(6))];
    let provider = plugin.open("passphrase", "passphrase", &options).unwrap();
    let answer = provider.ask(&Ask::enroll().credential("phrase", "five  words are\tenough here "));
    assert_eq!(answer.outcome(), Outcome::Denied(abi::INVALID_INPUT));
    assert_eq!(
        answer.violations,
        [("phrase".to_owned(), "too_few_words".to_owned(), 6)]
    );
}
