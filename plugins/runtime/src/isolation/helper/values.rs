//! `doorward.kv/1` in a helper: the core keeps the values, for it has the store.

use std::time::Duration;

use doorward_plugin_abi as abi;

use super::line::ask_core;
use crate::isolation::services::Service;
use crate::ports::{Kept, KeyAt, KeyValue, NotKept};
use doorward_base::error::{Error, ErrorKind};
use doorward_base::secret::Secret;

/// Asks the core. Realm and provider name are those of the question that is being answered there; what is named here
/// counts for nothing.
pub(super) struct OfTheCore;

fn asked(service: Service, arguments: &[&[u8]]) -> Kept<Vec<u8>> {
    let failed = |kind| NotKept::Failed(Error::new(kind, "the core keeps no value"));
    match ask_core(service, true, arguments) {
        Ok((abi::OK, result)) => Ok(result),
        Ok((status, _)) | Err(status) => Err(match status {
            abi::E_NOT_FOUND => NotKept::Absent,
            abi::E_CONFLICT => NotKept::Conflict,
            abi::E_FORMAT => NotKept::NotACounter,
            abi::E_TOO_LARGE => NotKept::TooLarge,
            abi::E_TIMEOUT => failed(ErrorKind::Timeout),
            abi::E_UNSUPPORTED => failed(ErrorKind::Unsupported),
            abi::E_OVERLOADED => failed(ErrorKind::Overloaded),
            _ => failed(ErrorKind::Unavailable),
        }),
    }
}

/// The number at the front of a result, and the rest.
fn number(result: &[u8]) -> Kept<(i64, &[u8])> {
    let (number, rest) = result
        .split_first_chunk()
        .ok_or_else(|| NotKept::Failed(Error::new(ErrorKind::Unavailable, "the core gave no number")))?;
    Ok((i64::from_le_bytes(*number), rest))
}

impl KeyValue for OfTheCore {
    fn get(&self, at: &KeyAt<'_>, _wait: Duration) -> Kept<(Secret, i64)> {
        let result = zeroize::Zeroizing::new(asked(Service::KvGet, &[at.key])?);
        let (version, value) = number(&result)?;
        Ok((Secret::new(value), version))
    }

    fn put(&self, at: &KeyAt<'_>, value: &[u8], seconds: u32, expect: i64, _wait: Duration) -> Kept<i64> {
        let (seconds, expect) = (seconds.to_le_bytes(), expect.to_le_bytes());
        let result = asked(Service::KvPut, &[at.key, value, &seconds, &expect])?;
        number(&result).map(|(version, _)| version)
    }

    fn remove(&self, at: &KeyAt<'_>, expect: i64, _wait: Duration) -> Kept<()> {
        asked(Service::KvRemove, &[at.key, &expect.to_le_bytes()]).map(drop)
    }

    fn add(&self, at: &KeyAt<'_>, delta: i64, seconds: u32, _wait: Duration) -> Kept<i64> {
        let (delta, seconds) = (delta.to_le_bytes(), seconds.to_le_bytes());
        let result = asked(Service::KvAdd, &[at.key, &delta, &seconds])?;
        number(&result).map(|(sum, _)| sum)
    }
}
