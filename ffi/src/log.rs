//! The log: `tracing` lines of this copy of the library, sent to the callbacks of its open contexts.
//!
//! The library carries its own copy of `tracing`, which nobody but it can reach, so its one global subscriber is ours to
//! set; it is set when the first context asks for a log. Only lines of Doorward itself are sent: those of the libraries
//! beneath it may quote what it keeps out of logs.

use std::ffi::c_char;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Once, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::boundary::{Tag, c_text};
use crate::callback;
use crate::text::with_nul;

/// `doorward_log_fn`.
pub(crate) type LogFn = extern "C" fn(Tag, i32, *const c_char, *const c_char, usize);

/// Where one context's log goes.
#[derive(Clone)]
pub(crate) struct Sink(Arc<Inner>);

struct Inner {
    level: i32,
    log: LogFn,
    tag: Tag,
}

static SINKS: RwLock<Vec<Sink>> = RwLock::new(Vec::new());

impl Sink {
    pub(crate) fn new(level: i32, log: LogFn, tag: Tag) -> Self {
        Self(Arc::new(Inner { level, log, tag }))
    }
}

/// A sink that gets lines until this is dropped.
pub(crate) struct Registration(Sink);

impl Registration {
    pub(crate) fn new(sink: &Sink) -> Self {
        static SET: Once = Once::new();
        // Its own copy, although the configuration's may be used for several contexts: each leaves by itself.
        let sink = Sink::new(sink.0.level, sink.0.log, sink.0.tag);
        SINKS
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sink.clone());
        // Fails only if something set one already, which nobody else can: see above.
        SET.call_once(|| _ = tracing::subscriber::set_global_default(Lines));
        tracing::callsite::rebuild_interest_cache();
        Self(sink)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Waits for callbacks under way: after this the application may free what `tag` points to.
        SINKS
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|sink| !Arc::ptr_eq(&sink.0, &self.0.0));
        tracing::callsite::rebuild_interest_cache();
    }
}

/// The subscriber.
struct Lines;

fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

fn most_verbose() -> i32 {
    let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
    sinks.iter().map(|sink| sink.0.level).max().unwrap_or(0)
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target() == "doorward" || metadata.target().starts_with("doorward::");
        // What a callback itself sets off is not logged: it would never end.
        ours && !callback::is_inside() && number(*metadata.level()) <= most_verbose()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match most_verbose() {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = number(*event.metadata().level());
        let (target, message) = (
            with_nul(event.metadata().target().as_bytes()),
            with_nul(line.0.as_bytes()),
        );
        let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
        for sink in sinks.iter().filter(|sink| level <= sink.0.level) {
            let Inner { log, tag, .. } = *sink.0;
            callback::inside(|| log(tag, level, c_text(&target), c_text(&message), line.0.len()));
        }
    }

    // The library logs lines, not spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields of a line as text: the message first, then `name=value`. A NUL would end it early in C, so there is none.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let before = if self.0.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        _ = match field.name() {
            "message" => write!(self.0, "{before}{value:?}"),
            name => write!(self.0, "{before}{name}={value:?}"),
        };
        if self.0.contains('\0') {
            self.0 = self.0.replace('\0', "\u{fffd}");
        }
    }
}
