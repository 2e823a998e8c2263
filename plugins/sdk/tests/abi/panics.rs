//! What a panic in a Rust provider becomes: a refusal, and an instance that is not called again.

#![expect(clippy::panic, reason = "panics are what is tested")]

use doorward_plugin::{
    Config, Declaration, Failure, Field, Host, IdentifierSource, Kind, Operation, Property, Purpose, Reply,
    Request, Verdict, abi,
};
use doorward_plugin_testing::{Ask, ConfigValue, Outcome, TestHost};

struct Fragile;

impl Kind for Fragile {
    const DECLARATION: Declaration = Declaration {
        fields: &[&Field::new(c"do", 16).asked_for(&[Purpose::Verify])],
        properties: &[Property::Inline],
        operations: &[Operation::Verify, Operation::Update, Operation::Health],
        ..Declaration::new(c"fragile", c"Fragile", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        match config.text(c"open")? {
            Some("panic") => panic!("in open"),
            Some("refuse") => Err(Failure::config("open must not be refuse")),
            _ => Ok(Self),
        }
    }

    fn start(&self, host: Host<'_>) -> Result<(), Failure> {
        host.log(doorward_plugin::LogLevel::Info, "started");
        Ok(())
    }

    fn stop(&self) {
        panic!("in stop");
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        match request.credential("do") {
            b"panic" => panic!("in verify"),
            b"accept, panic" => {
                reply.used_record(&request.records().next().unwrap());
                panic!("after writing");
            }
            b"unavailable" => Err(Failure::unavailable("the directory is down")),
            _ => Ok(Verdict::Accept),
        }
    }

    fn health(&self, _host: Host<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

doorward_plugin::static_module! {
    id: c"org.doorward.fragile",
    version: c"1.0.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [Fragile],
}

#[test]
fn a_panic_refuses_and_the_instance_is_not_called_again() {
    let host = TestHost::new();
    let plugin = host.adopt(doorward_module());
    for what in ["panic", "accept, panic"] {
        let provider = plugin.open("fragile", "fragile", &[]).unwrap();
        assert_eq!(
            provider.ask(&Ask::verify().credential("do", "x")).outcome(),
            Outcome::Accepted
        );
        let broken = provider.ask(&Ask::verify().credential("do", what));
        assert_eq!(broken.outcome(), Outcome::Fault(abi::E_BROKEN));
        let after = provider.ask(&Ask::verify().credential("do", "x"));
        assert_eq!(after.outcome(), Outcome::Fault(abi::E_BROKEN));
        assert_eq!(after.message, "the plugin panicked earlier");
        // Another instance of the same kind is not affected.
        let other = plugin.open("fragile", "fragile", &[]).unwrap();
        assert_eq!(
            other.ask(&Ask::verify().credential("do", "x")).outcome(),
            Outcome::Accepted
        );
    }
    assert!(host.logged().iter().any(|line| line == "3 started"));
}

#[test]
fn open_says_why_it_refuses() {
    let plugin = TestHost::new().adopt(doorward_module());
    let open = |value: &str| {
        let options = [("open", ConfigValue::Text(value.to_owned()))];
        plugin.open("fragile", "fragile", &options).err()
    };
    assert_eq!(
        open("panic"),
        Some((abi::E_BROKEN, "the plugin panicked".to_owned()))
    );
    assert_eq!(
        open("refuse"),
        Some((abi::E_CONFIG, "open must not be refuse".to_owned()))
    );
    assert_eq!(open("well"), None);
    let wrong_type = plugin
        .open("fragile", "fragile", &[("open", ConfigValue::Integer(1))])
        .err();
    assert_eq!(wrong_type.map(|(status, _)| status), Some(abi::E_CONFIG));
}

#[test]
fn could_not_decide_is_not_a_refusal() {
    let provider = TestHost::new()
        .adopt(doorward_module())
        .open("fragile", "fragile", &[])
        .unwrap();
    let answer = provider.ask(&Ask::verify().credential("do", "unavailable"));
    assert_eq!(answer.outcome(), Outcome::Undecided(abi::E_UNAVAILABLE));
    assert_eq!(answer.message, "the directory is down");
    assert_eq!(provider.ask(&Ask::health()).status, abi::OK);
    // Declared, and not written: the default says so.
    assert_eq!(
        provider.ask(&Ask::update()).outcome(),
        Outcome::Fault(abi::E_UNSUPPORTED)
    );
    // Not declared: not in the table.
    assert_eq!(provider.ask(&Ask::enroll()).status, abi::E_UNSUPPORTED);
    let kinds = TestHost::new().adopt(doorward_module()).kinds();
    assert!(kinds[0].enroll.is_none() && kinds[0].verify.is_some());
}

#[test]
fn a_host_of_another_version_is_refused() {
    let load = doorward_module().load.unwrap();
    // SAFETY: NULL is what the function must survive.
    assert_eq!(unsafe { load(std::ptr::null()) }, abi::E_UNSUPPORTED);
    let small = [8_u32; 80];
    // SAFETY: begins with a size that says that no more than these bytes may be read.
    assert_eq!(unsafe { load(small.as_ptr().cast()) }, abi::E_UNSUPPORTED);
}
