//! A provider in Rust: a passphrase, hashed by the host. The smallest whole one; `plugins/totp` is a larger one.

#![forbid(unsafe_code)]

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, IdentifierSource, Kind, Operation, Property, Purpose,
    Reason, Reply, Request, Verdict,
};

doorward_plugin::options! {
    /// What an operator may set.
    struct Options {
        /// Fewest words of a new passphrase.
        min_words: usize [4..=20] = 5,
    }
}

/// One configured provider.
struct Passphrase {
    options: Options,
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
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"passphrase", c"Passphrase", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
        })
    }

    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let phrase = request.credential("phrase");
        let least = self.options.min_words;
        if words(phrase) < least {
            let least = i64::try_from(least).unwrap_or(i64::MAX);
            reply.violation(c"phrase", c"too_few_words", least);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_options_that_are_declared() {
        doorward_plugin_testing::same_options(include_str!("../README.md"), Options::DECLARED);
    }
}
