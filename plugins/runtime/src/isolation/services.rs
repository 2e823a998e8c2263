//! What a helper asks the host for, answered in the core by the very checks that a plugin in this process meets.

use doorward_plugin_abi as abi;
use zeroize::Zeroizing;

use super::message::tag;
use super::wire::{Fields, Garbage};
use crate::call::Call;
use crate::fetch::MAX_BODY;
use crate::frame;
use crate::host::{MAX_DETAIL, MAX_INPUT, audited, http, kv, limit, logged, named, pwhash};
use crate::host_services::{Given, HostServices};

/// A service that only the core has. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Audit = 1,
    Seal = 2,
    Unseal = 3,
    Hash = 4,
    VerifyHash = 5,
    NeedsRehash = 6,
    Fetch = 7,
    KvGet = 8,
    KvPut = 9,
    KvRemove = 10,
    KvAdd = 11,
    Limit = 12,
}

impl Service {
    const ALL: [Self; 12] = [
        Self::Audit,
        Self::Seal,
        Self::Unseal,
        Self::Hash,
        Self::VerifyHash,
        Self::NeedsRehash,
        Self::Fetch,
        Self::KvGet,
        Self::KvPut,
        Self::KvRemove,
        Self::KvAdd,
        Self::Limit,
    ];
}

/// What a service gave.
pub(super) struct Served {
    pub(super) status: abi::Status,
    pub(super) result: Zeroizing<Vec<u8>>,
}

impl Served {
    fn of(given: Given<Zeroizing<Vec<u8>>>) -> Self {
        match given {
            Ok(result) => Self {
                status: abi::OK,
                result,
            },
            Err(status) => Self {
                status,
                result: Zeroizing::default(),
            },
        }
    }
}

/// Bytes that are given as they are.
fn bytes(of: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(of.to_vec())
}

/// Does what was asked for, with the rights of the call that runs on this thread.
pub(super) fn serve(fields: Fields<'_>) -> Result<Served, Garbage> {
    let number = fields.number(tag::SERVICE)?;
    let service = Service::ALL
        .into_iter()
        .find(|service| *service as u64 == number)
        .ok_or(Garbage("it asked for a service that does not exist"))?;
    let has_call = fields.number(tag::HAS_CALL)? != 0;
    let arguments: Vec<&[u8]> = fields.all(tag::ARGUMENT).collect();
    frame::running(|running| match running {
        Some((services, call)) => served(service, services, call.filter(|_| has_call), &arguments),
        None => Ok(Served::of(Err(abi::E_UNAVAILABLE))),
    })
}

fn served(
    service: Service,
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    arguments: &[&[u8]],
) -> Result<Served, Garbage> {
    // What is not there is empty, which is refused where more is needed.
    let [first, second] = [0, 1].map(|at| arguments.get(at).copied().unwrap_or_default());
    Ok(Served::of(match service {
        Service::Audit if second.len() > MAX_DETAIL => Err(abi::E_TOO_LARGE),
        Service::Audit => named(first)
            .and_then(|event| audited(services, call, event, second))
            .map(|()| Zeroizing::default()),
        Service::Seal | Service::Unseal if second.len() > MAX_INPUT => Err(abi::E_TOO_LARGE),
        Service::Seal | Service::Unseal => named(first).and_then(|purpose| {
            let call = call.ok_or(abi::E_ARGUMENT)?;
            let given = match service {
                Service::Seal => services.seal(call, purpose, second),
                _ => services.unseal(call, purpose, second),
            };
            given.map(|given| bytes(given.expose()))
        }),
        Service::Hash => pwhash::hashed(services, call, first).map(|phc| bytes(phc.expose())),
        Service::VerifyHash => {
            pwhash::verified(services, call, first, second).map(|verdict| bytes(&verdict.to_le_bytes()))
        }
        Service::NeedsRehash => {
            pwhash::outdated(services, first).map(|needed| bytes(&i32::from(needed).to_le_bytes()))
        }
        Service::Fetch => return fetched(services, call, arguments),
        Service::KvGet | Service::KvPut | Service::KvRemove | Service::KvAdd => {
            return kept(service, services, call, arguments);
        }
        Service::Limit => return limited(services, call, arguments),
    }))
}

fn long(bytes: &[u8], broken: Garbage) -> Result<i64, Garbage> {
    bytes.try_into().map(i64::from_le_bytes).map_err(|_| broken)
}

fn short(bytes: &[u8], broken: Garbage) -> Result<u32, Garbage> {
    bytes.try_into().map(u32::from_le_bytes).map_err(|_| broken)
}

/// What a kind keeps besides records: a key, then what the function takes. What is given begins with a version or a sum.
fn kept(
    service: Service,
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    arguments: &[&[u8]],
) -> Result<Served, Garbage> {
    let broken = Garbage("it asked for a value with too few or too many arguments");
    let (key, rest) = arguments.split_first().ok_or(broken)?;
    let number = |number: i64| bytes(&number.to_le_bytes());
    Ok(Served::of(match (service, rest) {
        (Service::KvGet, []) => kv::read(services, call, key).map(|(value, version)| {
            let mut result = number(version);
            result.extend_from_slice(value.expose());
            result
        }),
        (Service::KvPut, [value, seconds, expect]) => {
            let what = (*value, short(seconds, broken)?, long(expect, broken)?);
            kv::written(services, call, key, what).map(number)
        }
        (Service::KvRemove, [expect]) => {
            kv::removed(services, call, key, long(expect, broken)?).map(|()| Zeroizing::default())
        }
        (Service::KvAdd, [delta, seconds]) => {
            let what = (long(delta, broken)?, short(seconds, broken)?);
            kv::added(services, call, key, what).map(number)
        }
        _ => return Err(broken),
    }))
}

/// A counter: name, subject, burst and pace. What is given is how long it is closed, in seconds.
fn limited(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    arguments: &[&[u8]],
) -> Result<Served, Garbage> {
    let broken = Garbage("it asked for a limit with too few or too many arguments");
    let &[name, subject, burst, pace] = arguments else {
        return Err(broken);
    };
    let (burst, pace) = (short(burst, broken)?, short(pace, broken)?);
    Ok(Served::of(named(name).and_then(|name| {
        limit::limited(services, call, (name, subject), burst, pace).map(|wait| bytes(&wait.to_le_bytes()))
    })))
}

/// An HTTP request: method, address, body, how much is taken, then names and values of headers in turn. What it gives is
/// the status of the answer, its length, and the body where that is not more than is taken.
fn fetched(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    arguments: &[&[u8]],
) -> Result<Served, Garbage> {
    let broken = Garbage("it asked for a request without an address, or without saying how much it takes");
    let [method, url, body, most, lines @ ..] = arguments else {
        return Err(broken);
    };
    let most = (*most).try_into().map(u64::from_le_bytes).map_err(|_| broken)?;
    let most = usize::try_from(most).map_or(MAX_BODY, |most| most.min(MAX_BODY));
    let (pairs, rest) = lines.as_chunks::<2>();
    let headers: Option<Vec<(&str, &str)>> = pairs
        .iter()
        .map(|[name, value]| Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?)))
        .collect();
    let (Some(headers), []) = (headers, rest) else {
        return Ok(Served::of(Err(abi::E_ARGUMENT)));
    };
    let answer = http::fetched(services, call, (method, url), &headers, body, most);
    Ok(Served::of(answer.map(|answer| {
        let length = u64::try_from(answer.length).unwrap_or(u64::MAX);
        let mut result = bytes(&answer.status.to_le_bytes());
        result.extend_from_slice(&length.to_le_bytes());
        result.extend_from_slice(&answer.body);
        result
    })))
}

/// A line for the operator, as from a plugin in this process.
pub(super) fn log(fields: Fields<'_>) -> Result<(), Garbage> {
    let (level, text) = (fields.small(tag::LEVEL)?, fields.bytes(tag::TEXT)?);
    let level = i32::try_from(level).unwrap_or(abi::LOG_DEBUG);
    frame::running(|running| {
        if let Some((services, call)) = running {
            let provider = call.map_or("", |call| call.provider);
            logged(services, provider, level, text);
        }
    });
    Ok(())
}
