//! What a monitoring system reads: counters, times and queues of this process, since the context was started in it.
//!
//! No label has a value from outside: there are as many lines as this file says, whoever calls.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock as _, SystemClock};
use crate::event::EventName;

/// Upper bounds of the buckets, in microseconds, and as they are printed, in seconds.
const BUCKETS: [(u64, &str); 12] = [
    (50, "0.00005"),
    (250, "0.00025"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (5_000_000, "5"),
];

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// A whole operation, from its entry to its answer.
    Operation,
    /// A question to the store, its wait included.
    Read,
    /// A write of the store, its wait included.
    Write,
}

/// What may be seen of a governor at one moment. Numbers of this process, not of the family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Slots in the budget, of the whole family.
    pub slots: usize,
    /// Slots that this process holds now.
    pub held: usize,
    /// Jobs that wait for a worker.
    pub queued: usize,
    /// Jobs that run now.
    pub running: usize,
    /// Threads that have been started and not stopped.
    pub threads: usize,
}

/// The counters of a context.
#[derive(Default)]
pub struct Metrics {
    /// The process they are of.
    process: AtomicU32,
    events: Events,
    operations: Histogram,
    reads: Histogram,
    writes: Histogram,
}

struct Events([AtomicU64; EventName::ALL.len()]);

impl Default for Events {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

#[derive(Default)]
struct Histogram {
    /// How many took at most as long as the bucket says and longer than the one before says; the last: longer than all.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
    /// How many are under way.
    under_way: AtomicU64,
}

/// Something under way; counted when it is dropped.
pub struct Timer {
    metrics: Arc<Metrics>,
    timed: Timed,
    process: u32,
    since: Duration,
}

impl Drop for Timer {
    fn drop(&mut self) {
        // What a parent began is not counted in its child, whose counters begin anew.
        if self.process != self.metrics.process.load(Ordering::Relaxed) {
            return;
        }
        let took = SystemClock.monotonic().saturating_sub(self.since);
        let histogram = self.metrics.histogram(self.timed);
        histogram.count(took);
        histogram.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Histogram {
    fn count(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|(bound, _)| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn clear(&self) {
        for number in self.buckets.iter().chain([&self.micros, &self.under_way]) {
            number.store(0, Ordering::Relaxed);
        }
    }
}

impl Metrics {
    /// Begins to count in this process: with nothing, if it was another one so far.
    pub fn begin(&self) {
        let here = std::process::id();
        if self.process.swap(here, Ordering::Relaxed) != here {
            for number in &self.events.0 {
                number.store(0, Ordering::Relaxed);
            }
            for histogram in [&self.operations, &self.reads, &self.writes] {
                histogram.clear();
            }
        }
    }

    /// Counts an event.
    pub fn event(&self, name: EventName) {
        if let Some(number) = self.events.0.get(name as usize) {
            number.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Times what happens until the timer is dropped.
    pub fn time(self: &Arc<Self>, timed: Timed) -> Timer {
        self.histogram(timed).under_way.fetch_add(1, Ordering::Relaxed);
        Timer {
            metrics: self.clone(),
            timed,
            process: self.process.load(Ordering::Relaxed),
            since: SystemClock.monotonic(),
        }
    }

    fn histogram(&self, timed: Timed) -> &Histogram {
        match timed {
            Timed::Operation => &self.operations,
            Timed::Read => &self.reads,
            Timed::Write => &self.writes,
        }
    }

    /// All of it as Prometheus reads it (text format 0.0.4), with what is going on now: hashes, and the store's own gauges.
    pub fn text(&self, hashing: Usage, store: &[(&'static str, u64)]) -> String {
        let mut text = Text(String::new());
        text.family("doorward_events_total", "counter", "Events, by name.");
        for (name, number) in EventName::ALL.iter().zip(&self.events.0) {
            let label = format!("{{name=\"{}\"}}", name.id());
            text.sample("doorward_events_total", &label, number.load(Ordering::Relaxed));
        }
        text.histograms(
            "doorward_operation",
            "Operations, from entry to answer.",
            &[("", &self.operations)],
        );
        text.histograms(
            "doorward_store",
            "Questions and writes of the store, from call to answer.",
            &[("asked=\"read\"", &self.reads), ("asked=\"write\"", &self.writes)],
        );
        for (name, value, help) in [
            (
                "doorward_hashes_waiting",
                hashing.queued,
                "Password hashes that wait for a thread or for memory.",
            ),
            (
                "doorward_hashes_running",
                hashing.running,
                "Password hashes being computed.",
            ),
            (
                "doorward_hash_memory_slots",
                hashing.slots,
                "Hashes for which the budget of all processes has memory.",
            ),
            (
                "doorward_hash_memory_slots_held",
                hashing.held,
                "Those that this process holds.",
            ),
        ] {
            text.family(name, "gauge", help);
            text.sample(name, "", value as u64);
        }
        if !store.is_empty() {
            text.family(
                "doorward_store_connections",
                "gauge",
                "Connections of this process to the server, by state.",
            );
            for (state, value) in store {
                text.sample(
                    "doorward_store_connections",
                    &format!("{{state=\"{state}\"}}"),
                    *value,
                );
            }
        }
        text.0
    }
}

/// The text under way.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, sort: &str, help: &str) {
        // Err: never, for a String.
        let _: std::fmt::Result = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {sort}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _: std::fmt::Result = writeln!(self.0, "{name}{labels} {value}");
    }

    fn histograms(&mut self, stem: &str, help: &str, each: &[(&str, &Histogram)]) {
        let name = format!("{stem}_seconds");
        self.family(&name, "histogram", help);
        for (label, histogram) in each {
            let (before, alone) = if label.is_empty() {
                (String::new(), String::new())
            } else {
                (format!("{label},"), format!("{{{label}}}"))
            };
            let mut counted = 0;
            let bounds = BUCKETS.iter().map(|(_, printed)| *printed).chain(["+Inf"]);
            for (bound, bucket) in bounds.zip(&histogram.buckets) {
                counted += bucket.load(Ordering::Relaxed);
                self.sample(
                    &format!("{name}_bucket"),
                    &format!("{{{before}le=\"{bound}\"}}"),
                    counted,
                );
            }
            let micros = histogram.micros.load(Ordering::Relaxed);
            let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
            let _: std::fmt::Result = writeln!(self.0, "{name}_sum{alone} {whole}.{part:06}");
            self.sample(&format!("{name}_count"), &alone, counted);
        }
        let name = format!("{stem}_under_way");
        self.family(&name, "gauge", "Those that have no answer yet.");
        for (label, histogram) in each {
            let alone = if label.is_empty() {
                String::new()
            } else {
                format!("{{{label}}}")
            };
            self.sample(&name, &alone, histogram.under_way.load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, begins: &str) -> String {
        let found = text.lines().find(|line| line.starts_with(begins));
        found.unwrap_or_default().to_owned()
    }

    #[test]
    fn buckets_hold_what_took_at_most_as_long() {
        let metrics = Metrics::default();
        for micros in [0, 50, 51, 1_000, 5_000_001] {
            metrics.reads.count(Duration::from_micros(micros));
        }
        let text = metrics.text(Usage::default(), &[]);
        for (bound, counted) in [
            ("0.00005", 2),
            ("0.00025", 3),
            ("0.001", 4),
            ("5", 4),
            ("+Inf", 5),
        ] {
            let begins = format!("doorward_store_seconds_bucket{{asked=\"read\",le=\"{bound}\"}}");
            assert_eq!(line(&text, &begins), format!("{begins} {counted}"));
        }
        let sum = "doorward_store_seconds_sum{asked=\"read\"}";
        assert_eq!(line(&text, sum), format!("{sum} 5.001102"));
        assert_eq!(
            line(&text, "doorward_operation_seconds_count"),
            "doorward_operation_seconds_count 0"
        );
    }

    #[test]
    fn each_event_has_a_counter_of_its_own() {
        let metrics = Metrics::default();
        for (times, name) in EventName::ALL.iter().enumerate() {
            (0..times).for_each(|_| metrics.event(*name));
        }
        let text = metrics.text(Usage::default(), &[]);
        for (times, name) in EventName::ALL.iter().enumerate() {
            let begins = format!("doorward_events_total{{name=\"{}\"}}", name.id());
            assert_eq!(line(&text, &begins), format!("{begins} {times}"));
        }
    }

    #[test]
    fn what_is_under_way_is_told_and_a_child_begins_anew() {
        let metrics = Arc::new(Metrics::default());
        let under_way = || {
            let text = metrics.text(Usage::default(), &[]);
            line(&text, "doorward_store_under_way{asked=\"write\"}")
        };
        // A parent, and what a child of it finds: counters of another process, and a timer that it never began.
        metrics.process.store(1, Ordering::Relaxed);
        let parents = metrics.time(Timed::Write);
        metrics.event(EventName::UserCreated);
        assert!(under_way().ends_with(" 1"));
        metrics.begin();
        assert!(under_way().ends_with(" 0"));
        let own = metrics.time(Timed::Write);
        drop(parents);
        assert!(under_way().ends_with(" 1"));
        drop(own);
        assert!(under_way().ends_with(" 0"));
        let text = metrics.text(Usage::default(), &[]);
        let writes = line(&text, "doorward_store_seconds_count{asked=\"write\"}");
        assert!(writes.ends_with(" 1"), "{writes}");
        assert!(line(&text, "doorward_events_total{name=\"user_created\"}").ends_with(" 0"));
        // Starting again in the same process forgets nothing.
        metrics.event(EventName::UserCreated);
        metrics.begin();
        let text = metrics.text(Usage::default(), &[]);
        assert!(line(&text, "doorward_events_total{name=\"user_created\"}").ends_with(" 1"));
    }
}
