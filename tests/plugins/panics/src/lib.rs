//! Kinds "panics" and "panics.inline": each does what the credential says, and counts how often it was opened, started and
//! asked. Only the shared object shows what a panic costs.

#![expect(clippy::panic, reason = "panics are what is tested")]

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, Operation, Property,
    Purpose, Reason, Reply, Request, Verdict,
};

static OPENED: AtomicU64 = AtomicU64::new(0);
static CLOSED: AtomicU64 = AtomicU64::new(0);

/// The instance, and whether `start` has run on it.
struct Panics {
    number: u64,
    started: AtomicU64,
}

struct Inline(Panics);

const PANICS: Declaration = Declaration {
    factor: FactorClass::Knowledge,
    channel: c"panics",
    fields: &[&Field::new(c"do", 16).asked_for(&[Purpose::Verify])],
    properties: &[Property::CanStart],
    operations: &[Operation::Verify, Operation::Health],
    ..Declaration::new(c"panics", c"Panics", IdentifierSource::Given)
};

impl Kind for Panics {
    const DECLARATION: Declaration = PANICS;

    fn open(_: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            number: OPENED.fetch_add(1, Ordering::Relaxed) + 1,
            started: AtomicU64::new(0),
        })
    }

    fn start(&self, _: Host<'_>) -> Result<(), Failure> {
        self.started.store(1, Ordering::Relaxed);
        Ok(())
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        for (name, count) in [
            (c"instance", self.number),
            (c"started", self.started.load(Ordering::Relaxed)),
            (c"closed", CLOSED.load(Ordering::Relaxed)),
        ] {
            reply.attribute(name, &count.to_string());
        }
        match request.credential("do") {
            b"panic" => panic!("told to"),
            b"accept" => Ok(Verdict::Accept),
            _ => Ok(Verdict::Deny(Reason::Wrong)),
        }
    }

    fn health(&self, _: Host<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        CLOSED.fetch_add(1, Ordering::Relaxed);
    }
}

impl Kind for Inline {
    const DECLARATION: Declaration = Declaration {
        name: c"panics.inline",
        properties: &[Property::CanStart, Property::Inline],
        ..PANICS
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Panics::open(config).map(Self)
    }

    fn start(&self, host: Host<'_>) -> Result<(), Failure> {
        self.0.start(host)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.0.verify(request, reply)
    }

    fn health(&self, host: Host<'_>) -> Result<(), Failure> {
        self.0.health(host)
    }
}

doorward_plugin::export_module! {
    id: c"org.doorward.panics",
    version: c"1.0.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [Panics, Inline],
}
