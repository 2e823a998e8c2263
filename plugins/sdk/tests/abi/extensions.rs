//! The extensions through the SDK's own types, on the test host.

use std::time::Duration;

use doorward_plugin::{
    Allowed, Config, Declaration, Expect, FactorClass, Failure, Field, HttpAnswer, IdentifierSource, Kind,
    Message, Operation, Property, Purpose, Reason, Reply, Request, Verdict, abi,
};
use doorward_plugin_testing::{Ask, Conditions, Outcome, StoredRecord, TestHost};

const FIELDS: &[&Field] = &[
    &Field::new(c"do", 64).asked_for(&[Purpose::Enroll, Purpose::Verify]),
    &Field::new(c"code", 64)
        .secret()
        .optional()
        .asked_for(&[Purpose::Enroll, Purpose::Verify]),
];

const GATEWAY: &std::ffi::CStr =
    cr#"{"type":"object","properties":{"gateway":{"type":"object","properties":{"key":{"type":"string"}}}}}"#;

/// Sends a code, remembers it, and takes it once; its records are of version 2.
struct Sender;

impl Kind for Sender {
    const DECLARATION: Declaration = Declaration {
        fields: FIELDS,
        properties: &[Property::KeepsRecords, Property::CanStart],
        factor: FactorClass::Possession,
        channel: c"sms",
        operations: &[
            Operation::Enroll,
            Operation::Verify,
            Operation::Step,
            Operation::Migrate,
        ],
        config_schema: Some(GATEWAY),
        record_version: 2,
        max_record: 64,
        max_state: 64,
        ..Declaration::new(c"sender", c"Sender", IdentifierSource::Given)
    };

    fn open(_config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        reply.new_record(request.credential("code"));
        Ok(Verdict::Accept)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let kv = request.host().kv().ok_or_else(Failure::unsupported)?;
        match request.credential("do") {
            b"send" => {
                let tries = kv.add(b"sent", 1, Some(Duration::from_mins(1)))?;
                if tries > 2 {
                    return Ok(Verdict::Deny(Reason::Locked));
                }
                kv.put(b"code", b"123456", Some(Duration::from_mins(10)), Expect::Any)?;
                reply.deliver(&Message {
                    channel: c"sms",
                    address: "+15550100",
                    template: c"sender.code",
                    params: &[("code", "123456")],
                    lifetime: Duration::from_mins(10),
                })?;
                reply.state(b"1", Duration::ZERO);
                Ok(Verdict::Continue)
            }
            b"limited" => {
                let name = c"hint";
                if request.host().limit(name, b"ann", 2, Duration::from_mins(1))? == Allowed::Open {
                    reply.deliver(&Message {
                        channel: c"sms",
                        address: "+15550100",
                        template: c"sender.hint",
                        params: &[],
                        lifetime: Duration::ZERO,
                    })?;
                }
                reply.state(b"1", Duration::ZERO);
                match request.credential("code") {
                    b"deny" => Ok(Verdict::Deny(Reason::Wrong)),
                    _ => Ok(Verdict::Continue),
                }
            }
            b"limitless" => {
                let odd = [
                    request.host().limit(c"Hint", b"ann", 2, Duration::from_mins(1)),
                    request.host().limit(c"hint", b"", 2, Duration::from_mins(1)),
                    request.host().limit(c"hint", b"ann", 0, Duration::from_mins(1)),
                    request.host().limit(c"hint", b"ann", 2, Duration::ZERO),
                    request.host().limit(c"hint", b"ann", 2, Duration::from_hours(25)),
                ];
                let refused = odd
                    .iter()
                    .all(|odd| odd.as_ref().is_err_and(|why| why.status() == abi::E_ARGUMENT));
                Ok(if refused {
                    Verdict::Accept
                } else {
                    Verdict::Deny(Reason::Wrong)
                })
            }
            b"badly" => {
                let message = Message {
                    channel: c"SMS",
                    address: "+15550100",
                    template: c"sender.code",
                    params: &[],
                    lifetime: Duration::ZERO,
                };
                assert!(reply.deliver(&message).is_err());
                Ok(Verdict::Accept)
            }
            b"fetch" => {
                let http = request.host().http().ok_or_else(Failure::unsupported)?;
                let answer = http.send(
                    c"POST",
                    "https://gateway.example/check",
                    &[("accept", "text/plain")],
                    request.credential("code"),
                    4,
                )?;
                Ok(match (answer.status, answer.body.as_slice()) {
                    (200, b"good") => Verdict::Accept,
                    _ => Verdict::Deny(Reason::Wrong),
                })
            }
            _ => Ok(Verdict::Deny(Reason::InvalidInput)),
        }
    }

    fn step(&self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let kv = request.host().kv().ok_or_else(Failure::unsupported)?;
        let Some(sent) = kv.get(b"code")? else {
            return Ok(Verdict::Deny(Reason::Expired));
        };
        let is_right = request.host().ct_equal(&sent.bytes, request.credential("code"));
        Ok(
            if is_right && kv.remove(b"code", Expect::Version(sent.version))? {
                Verdict::Accept
            } else {
                Verdict::Deny(Reason::Wrong)
            },
        )
    }

    fn migrate(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let record = request
            .records()
            .next()
            .ok_or_else(|| Failure::format("no record"))?;
        let Some(number) = record.bytes().strip_prefix(b"v1:") else {
            return Err(Failure::format("not of version 1"));
        };
        reply.replace_record(&record, number);
        Ok(Verdict::Accept)
    }
}

const ASKED: &[&Field] = &[&Field::new(c"do", 64).asked_for(&[Purpose::Verify])];

/// Never waits, and so may not ask; it reads all its formats itself.
struct Inline;

impl Kind for Inline {
    const DECLARATION: Declaration = Declaration {
        fields: ASKED,
        config_schema: Some(cr#"{"type":"object","properties":{"token":{"type":"string"}}}"#),
        properties: &[Property::Inline, Property::CanStart],
        operations: &[Operation::Verify],
        ..Declaration::new(c"inline", c"Inline", IdentifierSource::Given)
    };

    fn open(_config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn verify(&self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let host = request.host();
        let kept = host.kv().ok_or_else(Failure::unsupported)?.get(b"k");
        let http = host.http().ok_or_else(Failure::unsupported)?;
        let fetched = http.get("https://gateway.example/", &[], 1);
        let limited = host.limit(c"hint", b"ann", 1, Duration::from_mins(1));
        let refused = |failed: Option<Failure>| failed.is_some_and(|why| why.status() == abi::E_UNSUPPORTED);
        Ok(
            if refused(kept.err()) && refused(fetched.err()) && refused(limited.err()) {
                Verdict::Accept
            } else {
                Verdict::Deny(Reason::Wrong)
            },
        )
    }
}

mod both {
    doorward_plugin::static_module! {
        id: c"org.example.sender", version: c"1", vendor: c"Example", license: c"MIT",
        kinds: [super::Sender, super::Inline],
        secrets: [(c"sender", c"gateway.key"), (c"inline", c"token")],
    }
}

mod plain {
    doorward_plugin::static_module! {
        id: c"org.example.inline", version: c"1", vendor: c"Example", license: c"MIT", kinds: [super::Inline],
    }
}

fn record(format: u32, bytes: &[u8]) -> StoredRecord {
    StoredRecord {
        id: [7; 16],
        format,
        version: 1,
        bytes: bytes.to_vec(),
        label: String::new(),
    }
}

fn ask(what: &str) -> Ask {
    Ask::verify().records(&[record(2, b"x")]).credential("do", what)
}

#[test]
fn a_code_is_sent_and_taken_once() {
    let host = TestHost::new();
    let sender = host
        .adopt(both::doorward_module())
        .open("sender", "sms", &[])
        .unwrap();
    let sent = sender.ask(&ask("send"));
    assert_eq!(sent.outcome(), Outcome::Continue);
    assert_eq!(sent.deliveries.len(), 1);
    let delivery = &sent.deliveries[0];
    assert_eq!(
        (
            delivery.channel.as_str(),
            delivery.address.as_str(),
            delivery.template.as_str()
        ),
        ("sms", "+15550100", "sender.code")
    );
    assert_eq!((delivery.param("code"), delivery.seconds), ("123456", 600));
    assert_eq!(host.kept("sms", b"code").unwrap(), b"123456");
    assert_eq!(host.kept("call", b"code"), None);
    let step = |code: &str| {
        let ask = Ask::step_of_verify(sent.next_state())
            .records(&[record(2, b"x")])
            .credential("code", code);
        sender.ask(&ask).outcome()
    };
    assert_eq!(step("000000"), Outcome::Denied(abi::WRONG));
    assert_eq!(step("123456"), Outcome::Accepted);
    assert_eq!(step("123456"), Outcome::Denied(abi::EXPIRED), "used up");
    assert_eq!(sender.ask(&ask("send")).outcome(), Outcome::Continue);
    assert_eq!(sender.ask(&ask("send")).outcome(), Outcome::Denied(abi::LOCKED));
    host.advance_seconds(60);
    assert_eq!(sender.ask(&ask("send")).outcome(), Outcome::Continue);
    host.advance_seconds(600);
    assert_eq!(step("123456"), Outcome::Denied(abi::EXPIRED));
    // A message that no host would take voids the reply.
    assert_eq!(sender.ask(&ask("badly")).outcome(), Outcome::BrokenContract);
    assert_eq!(
        sender
            .ask(&ask("send"))
            .host_calls
            .iter()
            .filter(|call| call.starts_with("kv."))
            .count(),
        2
    );
}

#[test]
fn what_is_open_is_charged_with_the_answer_that_is_stored() {
    let host = TestHost::new();
    let sender = host
        .adopt(both::doorward_module())
        .open("sender", "sms", &[])
        .unwrap();
    let sent = || sender.ask(&ask("limited")).deliveries.len();
    for _ in 0..5 {
        let denied = sender.ask(&ask("limited").credential("code", "deny"));
        assert_eq!(denied.outcome(), Outcome::Denied(abi::WRONG), "costs nothing");
    }
    assert_eq!((sent(), sent(), sent()), (1, 1, 0));
    host.advance_seconds(59);
    assert_eq!(sent(), 0);
    host.advance_seconds(1);
    assert_eq!((sent(), sent()), (1, 0));
    host.reopen();
    assert_eq!(sent(), 1);
    let closed = Conditions {
        closed: true,
        ..Conditions::default()
    };
    let answer = sender.ask_under(&ask("limited"), closed);
    assert_eq!(
        (answer.outcome(), answer.deliveries.len()),
        (Outcome::Continue, 0)
    );
    assert_eq!(sender.ask(&ask("limitless")).outcome(), Outcome::Accepted);
}

#[test]
fn http_is_answered_by_the_test() {
    let host = TestHost::new();
    let sender = host
        .adopt(both::doorward_module())
        .open("sender", "sms", &[])
        .unwrap();
    let fetch = |code: &str| sender.ask(&ask("fetch").credential("code", code)).outcome();
    assert_eq!(fetch("1"), Outcome::Fault(abi::E_CONFIG), "nobody answers yet");
    host.answer_http(|asked| {
        let answer = |status, body: &[u8]| {
            let body = body.to_vec();
            Ok(HttpAnswer { status, body })
        };
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.url, "https://gateway.example/check");
        assert_eq!(asked.headers, [("accept".to_owned(), "text/plain".to_owned())]);
        match asked.body.as_slice() {
            b"1" => answer(200, b"good"),
            b"2" => answer(403, b"good"),
            b"3" => answer(200, b"longer than asked for"),
            _ => Err(abi::E_UNAVAILABLE),
        }
    });
    assert_eq!(fetch("1"), Outcome::Accepted);
    assert_eq!(fetch("2"), Outcome::Denied(abi::WRONG));
    // The other side's doing: nobody is told of a bug here.
    assert_eq!(fetch("3"), Outcome::Undecided(abi::E_UNAVAILABLE));
    assert_eq!(fetch("4"), Outcome::Undecided(abi::E_UNAVAILABLE));
}

#[test]
fn an_inline_kind_may_not_wait_and_a_bare_host_offers_nothing() {
    let inline = TestHost::new().adopt(both::doorward_module());
    let inline = inline.open("inline", "in", &[]).unwrap();
    assert_eq!(
        inline.ask(&Ask::verify().credential("do", "")).outcome(),
        Outcome::Accepted
    );
    let bare = TestHost::bare().adopt(both::doorward_module());
    let sender = bare.open("sender", "sms", &[]).unwrap();
    assert_eq!(
        sender.ask(&ask("send")).outcome(),
        Outcome::Fault(abi::E_UNSUPPORTED)
    );
}

#[test]
fn an_older_record_is_rewritten_and_a_foreign_one_refused() {
    let plugin = TestHost::new().adopt(both::doorward_module());
    let sender = plugin.open("sender", "sms", &[]).unwrap();
    let mut records = vec![record(1, b"v1:+15550100")];
    let migrated = sender.ask(&Ask::migrate(&records[0]));
    assert_eq!(migrated.outcome(), Outcome::Accepted);
    assert!(migrated.store(&mut records));
    assert_eq!(
        (records[0].format, records[0].bytes.as_slice()),
        (2, b"+15550100".as_slice())
    );
    let foreign = sender.ask(&Ask::migrate(&record(1, b"?")));
    assert_eq!(foreign.outcome(), Outcome::Fault(abi::E_FORMAT));
    let inline = plugin.open("inline", "in", &[]).unwrap();
    assert_eq!(inline.ask(&Ask::migrate(&records[0])).status, abi::E_UNSUPPORTED);
}

#[test]
fn a_plugin_says_which_options_are_secret() {
    let both = TestHost::new().adopt(both::doorward_module());
    let named = |kind: &str, option: &str| (kind.to_owned(), option.to_owned());
    assert_eq!(
        both.secrets(),
        [named("sender", "gateway.key"), named("inline", "token")]
    );
    let plain = TestHost::new().adopt(plain::doorward_module());
    assert!(plain.secrets().is_empty());
    let extension = plain.module().extension.unwrap();
    for id in [abi::EXT_SECRETS, abi::EXT_MIGRATE, c"org.example.other/1"] {
        // SAFETY: the plugin's own function with an id that ends with NUL.
        assert!(unsafe { extension(id.as_ptr()) }.is_null());
    }
}
