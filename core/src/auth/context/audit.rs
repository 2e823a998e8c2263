//! What kinds report, as events.

use std::sync::Arc;

use crate::clock::{Clock as _, CorrectedClock};
use crate::event::{Event, EventName, Events};
use crate::plugin::Audit;

/// Turns what kinds report into events.
pub(super) struct KindAudit {
    pub(super) events: Events,
    pub(super) clock: Arc<CorrectedClock>,
}

impl KindAudit {
    fn emit(&self, name: EventName, provider: Option<&str>, reason: String) {
        self.events.emit(&Event {
            name,
            at: self.clock.now(),
            realm: String::new(),
            user_id: None,
            sign_in_id: None,
            provider: provider.map(Into::into),
            reason: Some(reason),
            count: 1,
            address: String::new(),
            origin: None,
        });
    }
}

impl Audit for KindAudit {
    fn audit(&self, provider: &str, event: &str, detail: &str) {
        let reason = if detail.is_empty() {
            event.to_owned()
        } else {
            format!("{event} {detail}")
        };
        self.emit(EventName::PluginAudit, Some(provider), reason);
    }

    fn plugin_loaded(&self, detail: &str) {
        self.emit(EventName::PluginLoaded, None, detail.to_owned());
    }

    fn plugin_replaced(&self, provider: &str, why: &str) {
        self.emit(EventName::PluginReplaced, Some(provider), why.to_owned());
    }

    fn plugin_refused(&self, why: &str) {
        self.emit(EventName::PluginRefused, None, why.to_owned());
    }
}
