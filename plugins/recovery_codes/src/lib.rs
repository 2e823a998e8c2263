//! Recovery codes: a set of one-time codes for the day on which the phone is gone (NIST SP 800-63B-4: look-up secrets).
//!
//! Enrollment shows the codes once; the record keeps a hash of each. A code that was used is marked in the record, which
//! the host stores by compare-and-swap, so a code is good once, not even at two servers in the same moment twice.

#![forbid(unsafe_code)]

mod code;
mod options;
mod provider;
mod set;

doorward_plugin::export_module! {
    id: c"org.doorward.recovery_codes",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::RecoveryCodes],
}
