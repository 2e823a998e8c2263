//! Where events go: to be counted, to `tracing`, and to the application.

use std::sync::Arc;

use super::{Event, EventCallback};
use crate::metrics::Metrics;

/// Sends events to `tracing` and to the application's callback.
#[derive(Clone, Default)]
pub struct Events {
    callback: Option<EventCallback>,
    metrics: Arc<Metrics>,
}

impl Events {
    /// Events go to the callback, where there is one, and are counted in any case.
    pub fn to(callback: Option<EventCallback>, metrics: Arc<Metrics>) -> Self {
        Self { callback, metrics }
    }

    /// Counts an event and hands it to the callback.
    pub fn emit(&self, event: &Event) {
        self.metrics.event(event.name);
        tracing::info!(
            target: "doorward::event",
            name = event.name.id(),
            realm = ?event.realm,
            user = event.user_id.map(tracing::field::display),
            sign_in = event.sign_in_id.map(tracing::field::display),
            provider = event.provider.as_deref(),
            reason = event.reason.as_ref().map(tracing::field::debug),
            count = event.count,
            address = event.address,
            origin = event.origin.as_deref(),
        );
        if let Some(callback) = &self.callback {
            callback(event);
        }
    }
}
