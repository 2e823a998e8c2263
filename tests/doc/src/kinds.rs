//! Two kinds: an issuer that vouches for whoever has a code of it, and a key with a number.

use std::time::Duration;

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, IdentifierSource, Kind, Operation, Property, Purpose,
    Reason, Reply, Request, Verdict,
};

/// Vouches for the subject that the code names: `good:SUBJECT`.
struct Issuer;

impl Kind for Issuer {
    const DECLARATION: Declaration = Declaration {
        fields: &[&Field::new(c"code", 64).secret().asked_for(&[Purpose::Verify])],
        properties: &[Property::Inline, Property::CanStart, Property::Unguessable],
        factor: FactorClass::Knowledge,
        channel: c"issuer",
        operations: &[Operation::Verify],
        ..Declaration::new(c"issuer", c"An issuer", IdentifierSource::Found)
    };

    fn open(_: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let Some(subject) = request.credential("code").strip_prefix(b"good:") else {
            return Ok(Verdict::Deny(Reason::Wrong));
        };
        reply.identifier(&[b"https://issuer.example ", subject].concat());
        Ok(Verdict::Accept)
    }
}

/// Keeps the number that it is enrolled with, in a second step.
struct Key;

impl Kind for Key {
    const DECLARATION: Declaration = Declaration {
        fields: &[
            &Field::new(c"number", 16)
                .secret()
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"number", 16).secret().asked_for(&[Purpose::Verify]),
        ],
        properties: &[Property::Inline, Property::KeepsRecords, Property::SeveralRecords],
        factor: FactorClass::Possession,
        channel: c"key",
        operations: &[Operation::Enroll, Operation::Step, Operation::Verify],
        max_record: 16,
        max_state: 1,
        ..Declaration::new(c"key", c"A key", IdentifierSource::User)
    };

    fn open(_: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn enroll(&self, _: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        reply.state(b"e", Duration::from_mins(5));
        Ok(Verdict::Continue)
    }

    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        reply.new_record(request.credential("number"));
        Ok(Verdict::Accept)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let number = request.credential("number");
        match request
            .records()
            .find(|record| request.host().ct_equal(record.bytes(), number))
        {
            Some(record) => {
                reply.used_record(&record);
                Ok(Verdict::Accept)
            }
            None => Ok(Verdict::Deny(Reason::Wrong)),
        }
    }
}

doorward_plugin::static_module! {
    id: c"org.example.doc",
    version: c"1.0.0",
    vendor: c"Example",
    license: c"MIT",
    kinds: [Issuer, Key],
}
