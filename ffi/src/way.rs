//! `doorward_way`.

use doorward::WayInfo;

use crate::text::{Text, texts, values};
use crate::user::micros;

/// The view of a way into an account.
pub(crate) struct WayView {
    way: WayInfo,
    provider: Text,
    name: Text,
}

impl From<WayInfo> for WayView {
    fn from(way: WayInfo) -> Self {
        Self {
            way,
            provider: Text::default(),
            name: Text::default(),
        }
    }
}

texts! {
    doorward_way_provider(WayView) |v| v.provider, v.way.provider.as_bytes();
    doorward_way_name(WayView) |v| v.name, v.way.name.as_bytes();
}

values! {
    doorward_way_is_identity(WayView) -> bool, false, |v| v.way.is_identity;
    doorward_way_created_at(WayView) -> i64, i64::MIN, |v| v.way.created_at.as_micros();
    doorward_way_last_used_at(WayView) -> i64, i64::MIN, |v| micros(v.way.last_used_at);
    doorward_way_verified_at(WayView) -> i64, i64::MIN, |v| micros(v.way.verified_at);
}
