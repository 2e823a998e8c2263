//! The host's services as a Rust provider sees them: each is asked once through the raw table.

use doorward_plugin::{
    Config, Declaration, Failure, IdentifierSource, Kind, Operation, Reason, Reply, Request, Verdict,
};
use doorward_plugin_testing::{Ask, ConfigValue, Outcome, TestHost};

struct Curious;

impl Kind for Curious {
    const DECLARATION: Declaration = Declaration {
        operations: &[Operation::Normalize, Operation::Verify],
        ..Declaration::new(c"curious", c"Curious", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        assert_eq!(config.provider(), "name");
        assert_eq!(config.integer(c"server.port"), Ok(Some(389)));
        assert_eq!(config.boolean(c"server.tls"), Ok(Some(true)));
        assert_eq!(config.secret(c"server.password"), Ok(Some(&b"hush"[..])));
        assert_eq!(config.text(c"server.name"), Ok(None));
        assert!(config.integer(c"server.tls").is_err());
        Ok(Self)
    }

    fn normalize(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        match std::str::from_utf8(request.identifier_raw()) {
            Ok(raw) if !raw.is_empty() => {
                reply.identifier(raw.to_lowercase().as_bytes());
                Ok(Verdict::Accept)
            }
            _ => Ok(Verdict::Deny(Reason::InvalidInput)),
        }
    }

    fn verify(&self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let host = request.host();
        let mut drawn = [[0; 40]; 2];
        for place in &mut drawn {
            host.random(place)?;
        }
        assert_ne!(drawn[0], drawn[1]);
        assert_eq!(host.unix_micros()?, 1_000_000_007_000_000);
        assert!(host.monotonic_ns()? > 0 && !host.remaining().is_zero() && !host.is_cancelled());
        assert!(host.ct_equal(b"same", b"same") && host.ct_equal(b"", b""));
        assert!(!host.ct_equal(b"same", b"sane") && !host.ct_equal(b"same", b"sam"));
        // FIPS 180-4's "abc", RFC 4231 test case 2.
        assert_eq!(host.sha256(b"abc")?[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(
            host.hmac_sha256(b"Jefe", b"what do ya want for nothing?")?[..4],
            [0x5b, 0xdc, 0xc1, 0x46]
        );
        let sealed = host.seal(c"one", b"secret")?;
        assert_eq!(host.unseal(c"one", &sealed)?.as_slice(), b"secret");
        assert!(host.unseal(c"two", &sealed).is_err());
        let pwhash = host.pwhash().ok_or_else(Failure::unsupported)?;
        let phc = pwhash.hash(b"password")?;
        assert!(pwhash.matches(b"password", &phc)? && !pwhash.matches(b"Password", &phc)?);
        assert!(!pwhash.matches(b"password", "")? && pwhash.matches(b"password", "$argon2id$").is_err());
        assert!(!pwhash.needs_rehash(&phc)?);
        host.audit(c"curious.asked", "{}")?;
        Ok(Verdict::Accept)
    }
}

mod module {
    doorward_plugin::static_module! {
        id: c"org.doorward.curious",
        version: c"1.0.0",
        vendor: c"Doorward",
        license: c"MIT OR Apache-2.0",
        kinds: [super::Curious],
    }
}

#[test]
fn every_service_works_through_the_table() {
    let host = TestHost::new();
    host.set_unix_seconds(1_000_000_007);
    let options = [
        ("server.port", ConfigValue::Integer(389)),
        ("server.tls", ConfigValue::Boolean(true)),
        ("server.password", ConfigValue::Secret(b"hush".to_vec())),
    ];
    let provider = host
        .adopt(module::doorward_module())
        .open("curious", "name", &options)
        .unwrap();
    let answer = provider.ask(&Ask::verify());
    assert_eq!(answer.outcome(), Outcome::Accepted, "{}", answer.message);
    assert_eq!(host.logged(), ["curious.asked {}"]);
    let canonical = provider.ask(&Ask::normalize("Jane"));
    assert_eq!(
        (canonical.outcome(), canonical.identifier.unwrap()),
        (Outcome::Accepted, b"jane".to_vec())
    );
    assert!(matches!(
        provider.ask(&Ask::normalize("")).outcome(),
        Outcome::Denied(_)
    ));
}
