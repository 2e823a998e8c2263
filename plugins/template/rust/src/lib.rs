//! A provider in Rust: a passphrase, hashed by the host. The smallest whole one; `plugins/totp` is a larger one.

#![forbid(unsafe_code)]

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, IdentifierSource, Kind, Operation, Property, Purpose,
    Reason, Reply, Request, Verdict,
};

/// One configured provider.
struct Passphrase {
    min_words: usize,
}

impl Kind for Passphrase {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Knowledge,
        channel: c"passphrase",
        fields: &[&Field::new(c"phrase", 256)
            .secret()
            .autocomplete(c"current-password")
            .asked_for(&[Purpose::Enroll, Purpose::Verify])],
        properties: &[Property::KeepsRecords, Property::CanStart],
        operations: &[Operation::Enroll, Operation::Verify],
        max_record: 256,
        config_schema: Some(
            cr#"{ "type": "object", "properties": {
                "min_words": { "type": "integer", "minimum": 4, "maximum": 20, "default": 5 } } }"#,
        ),
        ..Declaration::new(c"passphrase", c"Passphrase", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        let min_words = config.integer(c"min_words")?.unwrap_or(5);
        let min_words =
            usize::try_from(min_words).map_err(|_| Failure::config("min_words must be 4 to 20"))?;
        Ok(Self { min_words })
    }

    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let phrase = request.credential("phrase");
        if words(phrase) < self.min_words {
            reply.violation(
                c"phrase",
                c"too_few_words",
                i64::try_from(self.min_words).unwrap_or(i64::MAX),
            );
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let pwhash = request.host().pwhash().ok_or_else(Failure::unsupported)?;
        reply.new_record(pwhash.hash(phrase)?.as_bytes());
        Ok(Verdict::Accept)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let pwhash = request.host().pwhash().ok_or_else(Failure::unsupported)?;
        let phrase = request.credential("phrase");
        let record = request.records().next();
        // Without a record the hash is empty: the same work, and never a match. So nobody learns who exists.
        let phc = record.map_or(Ok(""), |record| std::str::from_utf8(record.bytes()));
        let phc = phc.map_err(|_| Failure::format("the record is not a hash"))?;
        let matches = pwhash.matches(phrase, phc)?;
        match record {
            Some(record) if matches => {
                // The host would hash differently today: replace the record on the way in.
                if pwhash.needs_rehash(phc)? {
                    reply.replace_record(&record, pwhash.hash(phrase)?.as_bytes());
                }
                Ok(Verdict::Accept)
            }
            Some(_) => Ok(Verdict::Deny(Reason::Wrong)),
            None => Ok(Verdict::Deny(Reason::NotEnrolled)),
        }
    }
}

fn words(phrase: &[u8]) -> usize {
    phrase
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .count()
}

doorward_plugin::export_module! {
    id: c"org.example.passphrase",
    version: c"1.0.0",
    vendor: c"Example",
    license: c"MIT OR Apache-2.0",
    kinds: [Passphrase],
}
