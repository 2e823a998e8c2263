//! `doorward.limit/1` in a helper: the core counts, for it has the store, and notes there what is charged with the answer.

use std::time::Duration;

use doorward_plugin_abi as abi;

use super::line::ask_core;
use crate::isolation::services::Service;
use crate::ports::{Limit, Limiter};
use doorward_base::error::{Error, ErrorKind, Result};

/// Asks the core. Realm, provider name and browser are those of the question that is being answered there; what is named
/// here counts for nothing.
pub(super) struct OfTheCore;

impl Limiter for OfTheCore {
    fn closed_for(&self, _realm: &str, _provider: &str, limit: &Limit, _wait: Duration) -> Result<Duration> {
        let pace = u32::try_from(limit.pace.as_secs()).unwrap_or(u32::MAX);
        let (burst, pace) = (limit.burst.to_le_bytes(), pace.to_le_bytes());
        let arguments = [limit.name.as_bytes(), limit.subject.as_slice(), &burst, &pace];
        let failed = |kind| Error::new(kind, "the core could not read a counter");
        match ask_core(Service::Limit, true, &arguments) {
            Ok((abi::OK, result)) => result
                .try_into()
                .map(|seconds| Duration::from_secs(u32::from_le_bytes(seconds).into()))
                .map_err(|_| failed(ErrorKind::Unavailable)),
            Ok((status, _)) | Err(status) => Err(failed(match status {
                abi::E_TIMEOUT => ErrorKind::Timeout,
                abi::E_UNSUPPORTED => ErrorKind::Unsupported,
                _ => ErrorKind::Unavailable,
            })),
        }
    }
}
