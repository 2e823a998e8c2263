//! `doorward_delivery` and `doorward_token_info`.

use std::ptr;

use doorward::{Delivery, DeliveryId, TokenInfo};

use crate::abi::{Field, Id};
use crate::boundary::{self, In, Length, id_within};
use crate::text::{FieldList, Text, texts, values};

/// The view of a message to send.
pub(crate) struct DeliveryView {
    delivery: Delivery,
    channel: Text,
    address: Text,
    template: Text,
    params: FieldList,
    realm: Text,
    provider: Text,
}

impl DeliveryView {
    /// What settles it: the message, and the attempt that was handed out.
    pub(crate) fn attempt(&self) -> (DeliveryId, u32) {
        (self.delivery.id, self.delivery.attempts)
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            delivery,
            channel: Text::default(),
            address: Text::default(),
            template: Text::default(),
            params: FieldList::default(),
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
extern "C" fn doorward_delivery_params(delivery: In<DeliveryView>, count: Length) -> *const Field {
    count.write(0);
    let Some(view) = delivery.optional() else {
        return ptr::null();
    };
    boundary::caught_or(ptr::null(), || {
        let params = view
            .delivery
            .params
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        view.params.lend(params, count)
    })
}
