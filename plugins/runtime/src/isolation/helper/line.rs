//! The socket to the core: questions and answers, lines for the operator, and what only the core can do.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use doorward_plugin_abi as abi;

use super::{CANCELLED, Line};
use crate::frame;
use crate::isolation::channel::{Broken, Channel};
use crate::isolation::message::tag;
use crate::isolation::services::Service;
use crate::isolation::wire::{Frame, Type, Writer};

/// Lines that wait while no operation runs; more are dropped.
const MAX_LINES: usize = 64;

thread_local! {
    /// The socket belongs to the thread that runs operations. Threads of the plugin's own find none.
    static LINE: RefCell<Option<(Channel, u64)>> = const { RefCell::new(None) };
}

/// Lines of other threads, and of times when nobody listens.
static LINES: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

pub(super) fn begin(channel: Channel) {
    LINE.set(Some((channel, 0)));
}

/// Which question is being answered.
pub(super) fn answering(call: u64) {
    LINE.with_borrow_mut(|line| {
        if let Some((_, answering)) = line {
            *answering = call;
        }
    });
}

fn with<T>(body: impl FnOnce(&mut Channel, u64) -> Line<T>) -> Line<T> {
    LINE.with(|line| match line.try_borrow_mut() {
        Ok(mut line) => match &mut *line {
            Some((channel, call)) => body(channel, *call),
            None => Err(Broken::Closed),
        },
        Err(_) => Err(Broken::Closed),
    })
}

/// The next frame of the core's.
pub(super) fn next() -> Line<Option<Frame>> {
    with(|channel, _| {
        loop {
            match channel.receive(None)? {
                // Of a question that has been answered meanwhile.
                Some(frame) if frame.kind == Type::Cancel => {}
                frame => return Ok(frame),
            }
        }
    })
}

pub(super) fn send(writer: &Writer, kind: Type, call: u64) -> Line<()> {
    with(|channel, _| match writer.frame(kind, call) {
        Some(frame) => channel.send(&frame, None),
        None => Err(Broken::TooLarge),
    })
}

/// Sends what has been logged meanwhile, then the answer.
pub(super) fn finish(answer: &Writer, call: u64) -> Line<()> {
    let lines = std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner));
    for (level, line) in lines {
        log_line(level, &line);
    }
    match send(answer, Type::Answer, call) {
        Err(Broken::TooLarge) => {
            let status = Writer::new().put(tag::STATUS, &abi::E_TOO_LARGE.to_le_bytes());
            send(&status, Type::Answer, call)
        }
        sent => sent,
    }
}

/// Sends a line at once.
pub(super) fn log_line(level: i32, line: &str) {
    let writer = Writer::new()
        .number(tag::LEVEL, u64::try_from(level).unwrap_or(0))
        .put(tag::TEXT, line.as_bytes());
    let call = with(|_, call| Ok(call)).unwrap_or(0);
    // A core that has gone needs no logs.
    let _ = send(&writer, Type::Log, call);
}

/// Keeps a line for the next answer.
pub(super) fn keep_line(level: i32, line: &str) {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() < MAX_LINES {
        lines.push((level, line.to_owned()));
    }
}

/// Asks the core for a service and waits; `has_call`: as the call that is being answered. Only on the thread that runs an
/// operation, while it runs.
pub(super) fn ask_core(
    service: Service,
    has_call: bool,
    arguments: &[&[u8]],
) -> Result<(abi::Status, Vec<u8>), abi::Status> {
    if frame::services().is_none() {
        return Err(abi::E_UNAVAILABLE);
    }
    let writer = Writer::new()
        .number(tag::SERVICE, service as u64)
        .number(tag::HAS_CALL, has_call.into());
    let writer = arguments
        .iter()
        .fold(writer, |writer, argument| writer.put(tag::ARGUMENT, argument));
    let served = with(|channel, call| {
        let frame = writer.frame(Type::Service, call).ok_or(Broken::TooLarge)?;
        channel.send(&frame, None)?;
        loop {
            match channel.receive(None)? {
                Some(frame) if frame.kind == Type::Cancel => CANCELLED.store(true, Ordering::Release),
                Some(frame) if frame.kind == Type::Served && frame.call == call => {
                    let fields = frame.fields()?;
                    let status = fields
                        .exact(tag::STATUS)?
                        .map_or(abi::E_INTERNAL, abi::Status::from_le_bytes);
                    return Ok((status, fields.bytes(tag::RESULT)?.to_vec()));
                }
                _ => return Err(Broken::Garbage("the core sent something else than was asked for")),
            }
        }
    });
    match served {
        Ok(served) => Ok(served),
        Err(Broken::TooLarge) => Err(abi::E_TOO_LARGE),
        // Without the core there is nobody to answer to. Its socket is read again at the end of the operation.
        Err(_) => Err(abi::E_UNAVAILABLE),
    }
}

/// Looks whether the core has cancelled the call. One that has gone, or sends something else, has.
pub(super) fn look() {
    let looked = with(|channel, answering| {
        while channel.has_more() {
            match channel.receive(None)? {
                Some(frame) if frame.kind == Type::Cancel && frame.call == answering => {
                    CANCELLED.store(true, Ordering::Release);
                }
                _ => return Err(Broken::Garbage("the core sent something else than was asked for")),
            }
        }
        Ok(())
    });
    if looked.is_err() {
        CANCELLED.store(true, Ordering::Release);
    }
}
