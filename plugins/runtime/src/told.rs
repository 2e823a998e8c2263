//! How much one call may tell: log lines and audit records beyond its share are counted, not written. A kind whose callers
//! can make it talk would otherwise fill the operator's disk, or spend the call's deadline in a slow log.

use std::cell::Cell;

/// What one call of a kind may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldLimits {
    /// Log lines. Default 100; the setting `plugin_limits.log_lines`.
    pub log_lines: u32,
    /// Audit records, each one event. Default 20; the setting `plugin_limits.audit_records`.
    pub audit_records: u32,
}

impl Default for ToldLimits {
    fn default() -> Self {
        Self {
            log_lines: 100,
            audit_records: 20,
        }
    }
}

/// What one call has told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    lines: Cell<u32>,
    records: Cell<u32>,
}

impl Told {
    /// True while another line may be written.
    pub(super) fn line(&self, limits: ToldLimits) -> bool {
        counted(&self.lines) <= limits.log_lines
    }

    /// True while another record may be written.
    pub(super) fn record(&self, limits: ToldLimits) -> bool {
        counted(&self.records) <= limits.audit_records
    }

    /// Says once, at the end of the call, what was not written.
    pub(super) fn report(&self, limits: ToldLimits, provider: &str) {
        let lines = self.lines.get().saturating_sub(limits.log_lines);
        let records = self.records.get().saturating_sub(limits.audit_records);
        if lines > 0 || records > 0 {
            tracing::warn!(
                target: "doorward::plugin",
                provider,
                "{lines} log lines and {records} audit records of one call were not written: `plugin_limits.log_lines` is \
                 {}, `plugin_limits.audit_records` is {}",
                limits.log_lines,
                limits.audit_records
            );
        }
    }
}

fn counted(cell: &Cell<u32>) -> u32 {
    let now = cell.get().saturating_add(1);
    cell.set(now);
    now
}
