//! `doorward_delivery` and `doorward_token_info`.

use std::ptr;
use std::sync::Arc;

use doorward::delivery::DeliveryCallback;
use doorward::{Delivery, Settlement, TokenInfo};

use crate::abi::{Id, Pairs, id_within};
use crate::boundary::{self, In, Tag};
use crate::text::{PairList, Text, texts, values};

/// The view of a message to send.
pub(crate) struct DeliveryView {
    delivery: Delivery,
    channel: Text,
    address: Text,
    template: Text,
    params: PairList,
    realm: Text,
    provider: Text,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            delivery,
            channel: Text::default(),
            address: Text::default(),
            template: Text::default(),
            params: PairList::default(),
            realm: Text::default(),
            provider: Text::default(),
        }
    }
}

/// The view of what the holder of a good token may know.
pub(crate) struct TokenInfoView {
    info: TokenInfo,
    purpose: Text,
    provider: Text,
    identifier: Text,
}

impl From<TokenInfo> for TokenInfoView {
    fn from(info: TokenInfo) -> Self {
        Self {
            info,
            purpose: Text::default(),
            provider: Text::default(),
            identifier: Text::default(),
        }
    }
}

texts! {
    doorward_delivery_channel(DeliveryView) |v| v.channel, v.delivery.channel.as_bytes();
    doorward_delivery_address(DeliveryView) |v| v.address, v.delivery.address.as_bytes();
    doorward_delivery_template(DeliveryView) |v| v.template, v.delivery.template.as_bytes();
    doorward_delivery_realm(DeliveryView) |v| v.realm, v.delivery.realm.as_bytes();
    doorward_delivery_provider(DeliveryView) |v| v.provider, v.delivery.provider.as_bytes();
    doorward_token_info_purpose(TokenInfoView) |v| v.purpose, v.info.purpose.id().as_bytes();
    doorward_token_info_provider(TokenInfoView) |v| v.provider, v.info.provider.as_bytes();
    doorward_token_info_identifier(TokenInfoView) |v| v.identifier, &v.info.identifier;
}

values! {
    doorward_delivery_id(DeliveryView) -> *const Id, ptr::null(), |v| id_within(v.delivery.id.as_bytes());
    doorward_delivery_user_id(DeliveryView) -> *const Id, ptr::null(),
        |v| v.delivery.user_id.as_ref().map_or(ptr::null(), |id| id_within(id.as_bytes()));
    doorward_delivery_attempts(DeliveryView) -> u32, 0, |v| v.delivery.attempts;
    doorward_delivery_expires_at(DeliveryView) -> i64, i64::MIN, |v| v.delivery.expires_at.as_micros();
    doorward_token_info_user_id(TokenInfoView) -> *const Id, ptr::null(), |v| id_within(v.info.user_id.as_bytes());
    doorward_token_info_expires_at(TokenInfoView) -> i64, i64::MIN, |v| v.info.expires_at.as_micros();
}

#[unsafe(no_mangle)]
extern "C" fn doorward_delivery_params(delivery: In<DeliveryView>) -> Pairs {
    let Some(view) = delivery.optional() else {
        return Pairs::empty();
    };
    boundary::caught_or(Pairs::empty(), || {
        let params = view
            .delivery
            .params
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        view.params.lend(params)
    })
}

/// `doorward_delivery_fn`.
pub(crate) type DeliveryFn = extern "C" fn(Tag, *const DeliveryView) -> i32;

/// The core's callback that calls the application's.
pub(crate) fn callback(function: DeliveryFn, tag: Tag) -> DeliveryCallback {
    Arc::new(move |delivery| {
        let view = DeliveryView::from(delivery.clone());
        // Nothing is settled for good by a value that is none: it is tried again.
        settlement(function(tag, &raw const view)).unwrap_or(Settlement::Retry)
    })
}

/// `doorward_settlement`. Zero is none of them: nothing is settled by a variable that nobody set.
pub(crate) fn settlement(how: i32) -> Option<Settlement> {
    match how {
        1 => Some(Settlement::Delivered),
        2 => Some(Settlement::Retry),
        3 => Some(Settlement::Failed),
        _ => None,
    }
}
