//! The time, and how much of it a call has.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use doorward_plugin_abi as abi;

use super::entry::{guarded, services_of};
use crate::call::Call;
use crate::frame;
use doorward_base::clock::{Clock, SystemClock};

pub(super) unsafe extern "C" fn unix_micros(host: *const abi::Host) -> i64 {
    guarded(0, || {
        frame::noted("unix_micros");
        // SAFETY: the header asks for the table that the plugin got.
        unsafe { services_of(host) }.map_or(0, |services| services.unix_micros())
    })
}

pub(super) unsafe extern "C" fn monotonic_ns(host: *const abi::Host) -> u64 {
    let system = || SystemClock.monotonic();
    let now = guarded(None, || {
        frame::noted("monotonic_ns");
        // SAFETY: the header asks for the table that the plugin got.
        unsafe { services_of(host) }
            .ok()
            .map(|services| services.monotonic())
    });
    u64::try_from(now.unwrap_or_else(system).as_nanos()).unwrap_or(u64::MAX)
}

pub(super) unsafe extern "C" fn remaining_ns(_host: *const abi::Host, call: *const abi::Call) -> i64 {
    guarded((), || frame::noted("remaining_ns"));
    frame::with_call(call, |call| {
        call.map_or(0, |call| {
            i64::try_from(call.remaining().as_nanos()).unwrap_or(i64::MAX)
        })
    })
}

pub(super) unsafe extern "C" fn cancelled(_host: *const abi::Host, call: *const abi::Call) -> i32 {
    guarded(1, || {
        frame::noted("cancelled");
        if let Some(services) = frame::services().filter(|_| frame::with_call(call, |call| call.is_some())) {
            services.look();
        }
        frame::with_call(call, |call| i32::from(call.is_none_or(Call::is_cancelled)))
    })
}
