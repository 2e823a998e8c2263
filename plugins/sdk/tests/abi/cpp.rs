//! `doorward_plugin.hpp`: exceptions end at the edge, as statuses, and let nobody in.

use doorward_plugin::abi;
use doorward_plugin_testing::{Answer, Ask, Outcome, Provider, StoredRecord, TestHost};

use crate::cc;

#[test]
fn what_an_operation_throws_becomes_a_status_and_a_message() {
    let plugin = TestHost::new().load(cc::plugin_in_cpp("tests/plugins/throws.cpp", "throws"));
    let throws = plugin.open("throws", "throws", &[]).unwrap();
    for (what, outcome, message) in [
        (
            "unavailable",
            Outcome::Undecided(abi::E_UNAVAILABLE),
            "the backend sleeps",
        ),
        ("ok", Outcome::Fault(abi::E_INTERNAL), "fine"),
        ("memory", Outcome::Fault(abi::E_MEMORY), "out of memory"),
        ("logic", Outcome::Fault(abi::E_INTERNAL), "a broken invariant"),
        (
            "number",
            Outcome::Fault(abi::E_INTERNAL),
            "something was thrown that is no exception",
        ),
    ] {
        for ask in [
            Ask::normalize(what),
            Ask::enroll().credential("what", what),
            Ask::verify().credential("what", what),
            Ask::update().credential("what", what),
            Ask::step_of_verify(b"state").credential("what", what),
        ] {
            let answer = throws.ask(&ask);
            assert_eq!(answer.outcome(), outcome, "{what}");
            assert_eq!(answer.message, message);
        }
    }
    assert_eq!(throws.ask(&Ask::describe()).status, abi::E_INTERNAL);
    assert_eq!(throws.ask(&Ask::health()).status, abi::E_UNAVAILABLE);
    // Without a throw it accepts: the test sees what it means to see.
    assert_eq!(
        throws.ask(&Ask::enroll().credential("what", "")).outcome(),
        Outcome::Accepted
    );
    let (status, message) = plugin.open("throws", "broken", &[]).err().unwrap();
    assert_eq!(
        (status, message.as_str()),
        (abi::E_CONFIG, "the option x must be y")
    );
}

/// An answer as a person sees it: what was decided, and what is asked for next.
type Seen = (Outcome, Vec<(String, Vec<u8>)>);

/// What a person sees of a story of sign-ins, and of damage, with one provider.
fn story(pin: &Provider) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut see = |answer: &Answer| seen.push((answer.outcome(), answer.challenge.clone()));
    let mut records: Vec<StoredRecord> = Vec::new();
    let short = pin.ask(&Ask::enroll().credential("pin", "1").credential("word", "mill"));
    see(&short);
    assert_eq!(short.violations.len(), 2);
    let enrolled = pin.ask(
        &Ask::enroll()
            .credential("pin", "493817")
            .credential("word", "windmill"),
    );
    see(&enrolled);
    assert!(enrolled.store(&mut records));
    see(&pin.ask(&Ask::verify().records(&records).credential("pin", "000000")));
    see(&pin.ask(&Ask::verify().decoy().credential("pin", "493817")));
    for character in ["w", "i", "n", "d"] {
        let first = pin.ask(&Ask::verify().records(&records).credential("pin", "493817"));
        see(&first);
        let answer = |character: &str| {
            let ask = Ask::step_of_verify(first.next_state()).records(&records);
            pin.ask(&ask.credential("character", character))
        };
        see(&answer("?"));
        let (one, other) = (answer(character), answer(character));
        see(&one);
        assert!(one.store(&mut records));
        assert!(!other.store(&mut records), "one challenge signs in once");
    }
    for state in [&b""[..], b"\x02\x00", b"\x01", b"\x01\x00\x00"] {
        see(&pin.ask(
            &Ask::step_of_verify(state)
                .records(&records)
                .credential("character", "w"),
        ));
    }
    seen
}

#[test]
fn the_template_in_cpp_answers_as_the_one_in_c() {
    let open = |object| TestHost::new().load(object).open("pin", "member", &[]).unwrap();
    let c = open(cc::plugin("plugins/template/c/pin.c", "pin-told", &[]));
    let cpp = open(cc::plugin_in_cpp("plugins/template/cpp/pin.cpp", "pin-told"));
    assert_eq!(story(&c), story(&cpp));
    // What is damaged lets nobody in: the one in C++ says that it is damaged.
    let mut records = Vec::new();
    let ask = Ask::enroll()
        .credential("pin", "493817")
        .credential("word", "windmill");
    assert!(cpp.ask(&ask).store(&mut records));
    for cut in [0, 2, 10, 20] {
        let mut short = records.clone();
        short[0].bytes.truncate(cut);
        for ask in [
            Ask::verify().credential("pin", "493817"),
            Ask::step_of_verify(b"\x01\x00").credential("character", "w"),
        ] {
            assert_eq!(
                cpp.ask(&ask.records(&short)).outcome(),
                Outcome::Fault(abi::E_FORMAT),
                "{cut}"
            );
        }
    }
}

/// A kind with this in its class besides.
fn class_with(members: &str) -> String {
    format!(
        "#include <doorward_plugin.hpp>
        using namespace doorward::plugin;
        struct above {{ verdict update(const request &, reply &) {{ return verdict::deny(); }} }};
        class kind : public above {{
          public:
            static constexpr auto about = ::about(\"kind\", \"Kind\").given().knowledge().channel(\"kind\").can_start();
            explicit kind(const config &) {{}}
            {members}
        }};
        DOORWARD_PLUGIN(kind, \"org.doorward.kind\", \"1.0.0\", \"Doorward\", \"MIT OR Apache-2.0\", kind)"
    )
}

#[test]
fn an_operation_that_would_be_lost_is_told_by_its_name() {
    const VERIFY: &str =
        "verdict verify(const request &, reply &) const noexcept { return verdict::deny(); }";
    // What can be called is taken: const, inherited, by value.
    for good in [
        "",
        "verdict enroll(request, reply &) const { return verdict::deny(); }",
        "void stop() noexcept {}",
    ] {
        assert_eq!(
            cc::refused_in_cpp(&class_with(&format!("{VERIFY} {good}"))),
            "",
            "{good}"
        );
    }
    for (name, lost) in [
        ("enroll", "verdict enroll(request &, reply &);"),
        ("update", "private: verdict update(const request &, reply &);"),
        ("step", "bool step(const request &, reply &);"),
        ("normalize", "std::string normalize(std::string_view);"),
        ("describe", "verdict describe(const request &, reply &);"),
        ("health", "private: int health = 0;"),
        ("start", "void start();"),
        ("stop", "void stop(const host &);"),
    ] {
        let said = cc::refused_in_cpp(&class_with(&format!("{VERIFY} {lost}")));
        assert!(
            said.contains(&format!("the class has a `{name}` that cannot be called")),
            "{lost}: {said}"
        );
        assert_eq!(said.matches("error:").count(), 1, "{lost}: {said}");
    }
    let said = cc::refused_in_cpp(&class_with("verdict verify(request &, reply &);"));
    assert!(
        said.contains("make it public `verdict verify(const request &, reply &)`"),
        "{said}"
    );
    let said = cc::refused_in_cpp(&class_with(""));
    assert!(
        said.contains("a kind needs `verdict verify(const request &, reply &)`"),
        "{said}"
    );
    let said = cc::refused_in_cpp(&class_with(VERIFY).replace("class kind :", "class kind final :"));
    assert!(said.contains("leave out `final`"), "{said}");
}
