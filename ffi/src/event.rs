//! The event callback: an event as a struct of C, for as long as the callback runs.

use std::ptr;
use std::sync::Arc;

use doorward::event::{Event, EventCallback};

use crate::abi::{RawEvent, id_within, size_of_struct};
use crate::boundary::Tag;
use crate::callback;
use crate::text::{with_nul, without_nul};

/// `doorward_event_fn`.
pub(crate) type EventFn = extern "C" fn(Tag, *const RawEvent);

/// The core's callback that calls the application's.
pub(crate) fn callback(function: EventFn, tag: Tag) -> EventCallback {
    Arc::new(move |event| call(function, tag, event))
}

fn call(function: EventFn, tag: Tag, event: &Event) {
    let texts = [
        event.name.id(),
        &event.realm,
        event.provider.as_deref().unwrap_or_default(),
        event.reason.as_deref().unwrap_or_default(),
        &event.address,
        event.origin.as_deref().unwrap_or_default(),
    ]
    .map(|text| with_nul(text.as_bytes()));
    let [name, realm, provider, reason, address, origin] = &texts;
    let raw = RawEvent {
        struct_size: size_of_struct::<RawEvent>(),
        reserved: 0,
        at: event.at.as_micros(),
        count: event.count,
        user: event
            .user_id
            .as_ref()
            .map_or(ptr::null(), |id| id_within(id.as_bytes())),
        sign_in: event
            .sign_in_id
            .as_ref()
            .map_or(ptr::null(), |id| id_within(id.as_bytes())),
        name: without_nul(name),
        realm: without_nul(realm),
        provider: without_nul(provider),
        reason: without_nul(reason),
        address: without_nul(address),
        origin: without_nul(origin),
    };
    callback::inside(|| function(tag, &raw const raw));
}
