//! The kind `totp`: what it declares and what it does.

use std::time::Duration;

use doorward_plugin::options::FromText as _;
use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, LogLevel, Operation,
    Property, Purpose, Reason, Reply, Request, Verdict, Zeroizing,
};

use crate::code::{Algorithm, parse, step_of};
use crate::device::{self, Device, MAX_LABEL};
use crate::options::{Issuer, Options};
use crate::{qr, uri};

/// Longest input for a code: eight digits and their grouping.
const MAX_CODE: u32 = 16;
/// How long a person may take to scan the secret and type the first code.
const ENROLLMENT_LIFETIME: Duration = Duration::from_mins(10);

/// One configured TOTP provider.
pub(crate) struct Totp {
    issuer: Issuer,
    options: Options,
}

impl Kind for Totp {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Possession,
        channel: c"totp",
        fields: &[
            &Field::new(c"label", MAX_LABEL)
                .optional()
                .asked_for(&[Purpose::Enroll]),
            &Field::new(c"code", MAX_CODE)
                .secret()
                .autocomplete(c"one-time-code")
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"code", MAX_CODE)
                .secret()
                .autocomplete(c"one-time-code")
                .asked_for(&[Purpose::Verify]),
        ],
        properties: &[Property::Inline, Property::KeepsRecords, Property::SeveralRecords],
        operations: &[Operation::Enroll, Operation::Verify, Operation::Step],
        max_record: device::MAX_LEN,
        max_state: device::MAX_LEN + MAX_LABEL,
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"totp", c"Authenticator app", IdentifierSource::User)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        let mut options = Options::read(config)?;
        let issuer = match options.issuer.take() {
            Some(issuer) => issuer,
            None => Issuer::from_text(config.provider())
                .ok_or_else(|| Failure::config(format!("issuer must be set, to {}", Issuer::SHAPE)))?,
        };
        Ok(Self { issuer, options })
    }

    /// First step: a secret that nobody has yet, kept in the state until a code shows that the app has it.
    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if self.is_full(request, reply) {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let label = request.credential("label");
        if std::str::from_utf8(label).is_err() {
            reply.violation(c"label", c"not_utf8", 0);
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let mut secret = Zeroizing::new(vec![0; self.options.algorithm.secret_len()]);
        request.host().random(&mut secret)?;
        let device = Device {
            algorithm: self.options.algorithm,
            digits: self.options.digits,
            last_step: 0,
            secret,
        };
        let mut state = device.to_bytes();
        // Room was left for the label: growing would leave a copy of the secret behind.
        state.extend_from_slice(label);
        reply.state(&state, ENROLLMENT_LIFETIME);
        reply.challenge(c"secret", uri::base32(&device.secret).as_bytes());
        let address = uri::otpauth(&device, &self.issuer.0, request.display());
        reply.challenge(c"uri", address.as_bytes());
        if let Some(svg) = qr::svg(&address) {
            reply.challenge(c"qr_svg", svg.as_bytes());
        }
        Ok(Verdict::Continue)
    }

    /// Second step of the enrollment: the app has the secret, so the device is stored.
    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if request.purpose() != Some(Purpose::Enroll) {
            return Err(Failure::unsupported());
        }
        let (mut device, label) = Device::from_bytes(request.state())?;
        let label = std::str::from_utf8(label).map_err(|_| Failure::format("the label is not UTF-8"))?;
        let Some(code) = parse(request.credential("code"), device.digits) else {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        // Another enrollment may have finished since the first step.
        if self.is_full(request, reply) {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let now = now(request.host())?;
        let Some(step) = self.matching_step(&device, code, now, request.host()) else {
            return Ok(Verdict::Deny(Reason::Wrong));
        };
        // The code that enrolled the device has been typed: it signs nobody in.
        device.last_step = step;
        reply.new_record(&device.to_bytes());
        reply.label(label);
        Ok(Verdict::Accept)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let now = now(request.host())?;
        if request.records().len() == 0 {
            // No device or no user: the same work as for one device. The host lets nobody in on a decoy.
            let code = parse(request.credential("code"), self.options.digits);
            let nobodys = nobodys_device(&self.options);
            let _ = self.matching_step(&nobodys, code.unwrap_or(0), now, request.host());
            return Ok(Verdict::Deny(Reason::NotEnrolled));
        }
        let mut refusal = Reason::InvalidInput;
        let mut readable = false;
        for record in request.records() {
            let mut device = match Device::from_bytes(record.bytes()) {
                Ok((device, [])) => device,
                // One damaged device must not lock out the others.
                Ok(_) => {
                    request
                        .host()
                        .log(LogLevel::Error, "a TOTP record is longer than its device");
                    continue;
                }
                Err(failure) => {
                    request.host().log(LogLevel::Error, failure.message());
                    continue;
                }
            };
            readable = true;
            let Some(code) = parse(request.credential("code"), device.digits) else {
                continue;
            };
            match self.matching_step(&device, code, now, request.host()) {
                Some(step) if step > device.last_step => {
                    device.last_step = step;
                    reply.replace_record(&record, &device.to_bytes());
                    return Ok(Verdict::Accept);
                }
                // A replay, or the same form sent twice: right once, so no guess.
                Some(_) => refusal = Reason::Expired,
                None if refusal == Reason::InvalidInput => refusal = Reason::Wrong,
                None => {}
            }
        }
        if readable {
            Ok(Verdict::Deny(refusal))
        } else {
            Err(Failure::format("no device can be read"))
        }
    }
}

impl Totp {
    fn matching_step(&self, device: &Device, code: u32, now: u64, host: Host<'_>) -> Option<u64> {
        let (back, ahead) = (self.options.window, self.options.ahead);
        let steps = now.saturating_sub(back)..=now.saturating_add(ahead);
        device.matching_step(code, steps, |a, b| host.ct_equal(a, b))
    }

    /// Whether the user has as many devices as are allowed; then it says so.
    fn is_full(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> bool {
        let full = request.records().len() >= self.options.max_devices;
        if full {
            let limit = i64::try_from(self.options.max_devices).unwrap_or(i64::MAX);
            reply.violation(c"label", c"too_many_devices", limit);
        }
        full
    }
}

fn now(host: Host<'_>) -> Result<u64, Failure> {
    step_of(host.unix_micros()?).ok_or_else(|| Failure::unavailable("the clock is before 1970"))
}

/// Something to compute codes with where there is no device.
fn nobodys_device(options: &Options) -> Device {
    let algorithm: Algorithm = options.algorithm;
    Device {
        algorithm,
        digits: options.digits,
        last_step: u64::MAX,
        secret: Zeroizing::new(vec![0; algorithm.secret_len()]),
    }
}
