//! From the table of C function pointers to the methods of [`Kind`]: checks, casts, panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::size::size_of_u32;
use crate::{Config, Failure, Host, Kind, Operation, Reply, Request, Verdict, abi, request};

/// One configured provider, behind the opaque pointer that the host holds.
struct Instance<K> {
    kind: K,
    /// Set by a panic: what it left behind is unknown, so this instance is not called again. The host opens another.
    broken: AtomicBool,
}

/// The table of a kind; see [`export_module!`](crate::export_module).
#[expect(
    clippy::cast_possible_truncation,
    reason = "a kind lists its fields by hand; the host refuses more than 32"
)]
pub const fn table<K: Kind>() -> abi::Kind {
    let declaration = &K::DECLARATION;
    abi::Kind {
        struct_size: size_of_u32::<abi::Kind>(),
        flags: declaration.flags(),
        name: declaration.name.as_ptr(),
        title: declaration.title.as_ptr(),
        identifier_source: declaration.source as u32,
        factor: declaration.factor as u32,
        channel: declaration.channel.as_ptr(),
        fields: declaration.fields.as_ptr().cast(),
        n_fields: declaration.fields.len() as u32,
        normalize_version: declaration.normalize_version,
        record_version: declaration.record_version,
        max_record: declaration.max_record,
        max_state: declaration.max_state,
        default_deadline_ms: declaration.default_deadline_ms,
        max_concurrency: declaration.max_concurrency,
        reserved: 0,
        config_schema: match declaration.config_schema {
            Some(schema) => schema.as_ptr(),
            None => std::ptr::null(),
        },
        open: Some(open::<K>),
        close: Some(close::<K>),
        start: Some(operation::<K, { abi::OP_START }>),
        stop: Some(stop::<K>),
        normalize: entry::<K, { abi::OP_NORMALIZE }>(declaration.can(Operation::Normalize)),
        enroll: entry::<K, { abi::OP_ENROLL }>(declaration.can(Operation::Enroll)),
        verify: entry::<K, { abi::OP_VERIFY }>(declaration.can(Operation::Verify)),
        update: entry::<K, { abi::OP_UPDATE }>(declaration.can(Operation::Update)),
        step: entry::<K, { abi::OP_STEP }>(declaration.can(Operation::Step)),
        describe: entry::<K, { abi::OP_DESCRIBE }>(declaration.can(Operation::Describe)),
        health: entry::<K, { abi::OP_HEALTH }>(declaration.can(Operation::Health)),
    }
}

/// One operation of a kind, if it declares it.
pub(crate) const fn entry<K: Kind, const OPERATION: u32>(declared: bool) -> Option<abi::Operation> {
    if declared {
        Some(operation::<K, OPERATION>)
    } else {
        None
    }
}

/// One operation of one kind, as the host calls it.
unsafe extern "C" fn operation<K: Kind, const OPERATION: u32>(
    this: *mut abi::Instance,
    rq: *const abi::Request,
    rp: *mut abi::Reply,
) -> abi::Status {
    if this.is_null() || rq.is_null() || rp.is_null() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; every request begins with its size.
    if (unsafe { rq.cast::<u32>().read() } as usize) < size_of::<abi::Request>() {
        return abi::E_UNSUPPORTED;
    }
    // SAFETY: large enough, and the host keeps it until this function returns.
    let raw = unsafe { &*rq };
    // SAFETY: the host's table and call, valid until this function returns.
    let Some(host) = (unsafe { Host::new(raw.host, raw.call) }) else {
        return abi::E_UNSUPPORTED;
    };
    // SAFETY: the host passes back what `open` gave it, before `close`; it is only ever shared.
    let instance = unsafe { &*this.cast::<Instance<K>>() };
    // SAFETY: as for `raw`.
    let request = unsafe { Request::new(raw, host) };
    // SAFETY: the host's reply, ours until this function returns.
    let mut reply = unsafe { Reply::new(rp, host) };

    if instance.broken.load(Ordering::Acquire) {
        return reply.conclude(Err(Failure::broken("the plugin panicked earlier")));
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let kind = &instance.kind;
        match OPERATION {
            abi::OP_NORMALIZE => Answer::Verdict(kind.normalize(&request, &mut reply)),
            abi::OP_ENROLL => Answer::Verdict(kind.enroll(&request, &mut reply)),
            abi::OP_VERIFY => Answer::Verdict(kind.verify(&request, &mut reply)),
            abi::OP_UPDATE => Answer::Verdict(kind.update(&request, &mut reply)),
            abi::OP_STEP => Answer::Verdict(kind.step(&request, &mut reply)),
            abi::OP_MIGRATE => Answer::Verdict(kind.migrate(&request, &mut reply)),
            abi::OP_DESCRIBE => Answer::Done(kind.describe(&request, &mut reply)),
            abi::OP_HEALTH => Answer::Done(kind.health(host)),
            abi::OP_START => Answer::Done(kind.start(host)),
            _ => Answer::Done(Err(Failure::unsupported())),
        }
    }));
    match outcome {
        Ok(Answer::Verdict(outcome)) => reply.conclude(outcome),
        Ok(Answer::Done(Ok(()))) => abi::OK,
        Ok(Answer::Done(Err(failure))) => reply.conclude(Err(failure)),
        Err(payload) => {
            // Dropping it could panic again, outside of the guard.
            std::mem::forget(payload);
            instance.broken.store(true, Ordering::Release);
            reply.conclude(Err(Failure::broken("the plugin panicked")))
        }
    }
}

/// What a method returned: some decide, some only do.
enum Answer {
    Verdict(Result<Verdict, Failure>),
    Done(Result<(), Failure>),
}

unsafe extern "C" fn open<K: Kind>(
    args: *const abi::Open,
    out: *mut *mut abi::Instance,
    rp: *mut abi::Reply,
) -> abi::Status {
    if args.is_null() || out.is_null() || rp.is_null() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; every `dwp_open` begins with its size.
    if (unsafe { args.cast::<u32>().read() } as usize) < size_of::<abi::Open>() {
        return abi::E_UNSUPPORTED;
    }
    // SAFETY: large enough, and the host keeps it until this function returns.
    let args = unsafe { &*args };
    // SAFETY: the host's table; there is no call in `open`.
    let Some(host) = (unsafe { Host::new(args.host, std::ptr::null()) }) else {
        return abi::E_UNSUPPORTED;
    };
    // SAFETY: the host's reply, ours until this function returns.
    let mut reply = unsafe { Reply::new(rp, host) };
    // SAFETY: the host's bytes, valid until this function returns.
    let Ok(provider) = std::str::from_utf8(unsafe { request::slice(args.provider) }) else {
        return reply.conclude(Err(Failure::argument("the provider name is not UTF-8")));
    };
    let config = Config::new(host, args.config, provider);
    match catch_unwind(AssertUnwindSafe(|| K::open(&config))) {
        Ok(Ok(kind)) => {
            let instance = Box::new(Instance {
                kind,
                broken: AtomicBool::new(false),
            });
            // SAFETY: not NULL, and the host's to be written.
            unsafe { out.write(Box::into_raw(instance).cast()) };
            abi::OK
        }
        Ok(Err(failure)) => reply.conclude(Err(failure)),
        Err(payload) => {
            std::mem::forget(payload);
            reply.conclude(Err(Failure::broken("the plugin panicked")))
        }
    }
}

unsafe extern "C" fn close<K: Kind>(this: *mut abi::Instance) {
    if this.is_null() {
        return;
    }
    // SAFETY: what `open` made, and the host calls this once, after the last operation has returned.
    let instance = unsafe { Box::from_raw(this.cast::<Instance<K>>()) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(instance))) {
        std::mem::forget(payload);
    }
}

unsafe extern "C" fn stop<K: Kind>(this: *mut abi::Instance) {
    if this.is_null() {
        return;
    }
    // SAFETY: the host passes back what `open` gave it, before `close`.
    let instance = unsafe { &*this.cast::<Instance<K>>() };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| instance.kind.stop())) {
        std::mem::forget(payload);
        instance.broken.store(true, Ordering::Release);
    }
}
