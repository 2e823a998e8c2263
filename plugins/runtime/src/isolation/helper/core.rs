//! The services of a worker: the clock and the randomness of the system, and the core for the rest.

use std::sync::Arc;
use std::time::Duration;

use doorward_plugin_abi as abi;
use zeroize::Zeroizing;

use super::line::{ask_core, keep_line, log_line, look};
use super::{AskedClock, limits, values};
use crate::call::Call;
use crate::fetch::Outgoing;
use crate::frame;
use crate::host_services::{Fetched, Given, HostServices};
use crate::isolation::services::Service;
use crate::ports::{KeyValue, Limiter};
use crate::told::ToldLimits;
use doorward_base::clock::Clock as _;
use doorward_base::rng::{Random as _, SystemRandom};
use doorward_base::secret::Secret;

/// Asks the core. Realm, provider name and browser are those of the question that is being answered there.
pub(super) struct OfTheCore {
    pub(super) clock: Arc<AskedClock>,
}

/// What the core gave, or its status.
fn asked(service: Service, has_call: bool, arguments: &[&[u8]]) -> Given<Zeroizing<Vec<u8>>> {
    let (status, result) = ask_core(service, has_call, arguments)?;
    let result = Zeroizing::new(result);
    if status == abi::OK {
        Ok(result)
    } else {
        Err(status)
    }
}

/// A number that is the whole result.
fn number<const N: usize>(result: &[u8]) -> Given<[u8; N]> {
    result.try_into().map_err(|_| abi::E_INTERNAL)
}

impl HostServices for OfTheCore {
    fn unix_micros(&self) -> i64 {
        self.clock.now().as_micros()
    }

    fn random(&self, out: &mut [u8]) -> Given<()> {
        SystemRandom.fill(out).map_err(|_| abi::E_UNAVAILABLE)
    }

    /// The core counts.
    fn told(&self) -> ToldLimits {
        ToldLimits {
            log_lines: u32::MAX,
            audit_records: u32::MAX,
        }
    }

    fn log(&self, _provider: &str, level: i32, line: &str) {
        if frame::services().is_some() {
            log_line(level, line);
        } else {
            keep_line(level, line);
        }
    }

    fn audit(&self, call: Option<&Call<'_>>, event: &str, detail: &str) -> Given<()> {
        let arguments = [event.as_bytes(), detail.as_bytes()];
        asked(Service::Audit, call.is_some(), &arguments).map(drop)
    }

    fn look(&self) {
        look();
    }

    fn seal(&self, _call: &Call<'_>, purpose: &str, data: &[u8]) -> Given<Secret> {
        asked(Service::Seal, true, &[purpose.as_bytes(), data]).map(|sealed| Secret::new(sealed.as_slice()))
    }

    fn unseal(&self, _call: &Call<'_>, purpose: &str, sealed: &[u8]) -> Given<Secret> {
        asked(Service::Unseal, true, &[purpose.as_bytes(), sealed]).map(|data| Secret::new(data.as_slice()))
    }

    fn hash(&self, _call: &Call<'_>, password: &[u8]) -> Given<Secret> {
        asked(Service::Hash, true, &[password]).map(|phc| Secret::new(phc.as_slice()))
    }

    fn verify(&self, _call: &Call<'_>, password: &[u8], phc: &[u8]) -> Given<bool> {
        let result = asked(Service::VerifyHash, true, &[password, phc])?;
        match u32::from_le_bytes(number(&result)?) {
            abi::ACCEPT => Ok(true),
            abi::DENY => Ok(false),
            _ => Err(abi::E_INTERNAL),
        }
    }

    fn needs_rehash(&self, phc: &[u8]) -> Given<bool> {
        let result = asked(Service::NeedsRehash, false, &[phc])?;
        Ok(i32::from_le_bytes(number(&result)?) != 0)
    }

    fn fetch(&self, _call: &Call<'_>, request: Outgoing<'_>, _wait: Duration, most: usize) -> Given<Fetched> {
        let most = u64::try_from(most).unwrap_or(u64::MAX).to_le_bytes();
        let (method, url) = (request.method.name().as_bytes(), request.url.as_bytes());
        let mut arguments = vec![method, url, request.body, &most];
        for (name, value) in request.headers {
            arguments.extend([name.as_bytes(), value.as_bytes()]);
        }
        // Too much for one frame: the request is the plugin's, and no answer was too large.
        let (status, result) = ask_core(Service::Fetch, true, &arguments).map_err(|status| match status {
            abi::E_TOO_LARGE => abi::E_ARGUMENT,
            status => status,
        })?;
        if status != abi::OK {
            return Err(status);
        }
        let result = Zeroizing::new(result);
        let (code, rest) = result.split_first_chunk().ok_or(abi::E_INTERNAL)?;
        let (length, body) = rest.split_first_chunk().ok_or(abi::E_INTERNAL)?;
        Ok(Fetched {
            status: u32::from_le_bytes(*code),
            length: usize::try_from(u64::from_le_bytes(*length)).map_err(|_| abi::E_INTERNAL)?,
            body: body.to_vec(),
        })
    }

    fn values(&self) -> Option<&dyn KeyValue> {
        Some(&values::OfTheCore)
    }

    fn counters(&self) -> Option<&dyn Limiter> {
        Some(&limits::OfTheCore)
    }
}
