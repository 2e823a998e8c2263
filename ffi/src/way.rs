//! `doorward_way`.

use doorward::WayInfo;

use crate::answer::Answer;
use crate::text::{Text, at, texts, values};
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

/// The ways that an answer tells of.
#[derive(Default)]
pub(crate) struct Ways {
    pub(crate) took: Vec<WayView>,
    pub(crate) kept: Vec<WayView>,
    pub(crate) others: Vec<WayView>,
}

texts! {
    doorward_way_provider(WayView) |v| v.provider, v.way.provider.as_bytes();
    doorward_way_name(WayView) |v| v.name, v.way.name.as_bytes();
}

values! {
    doorward_answer_took(Answer, index) -> *const WayView, std::ptr::null(), |a| at(&a.ways().took, index);
    doorward_answer_kept(Answer, index) -> *const WayView, std::ptr::null(), |a| at(&a.ways().kept, index);
    doorward_answer_others(Answer, index) -> *const WayView, std::ptr::null(), |a| at(&a.ways().others, index);
    doorward_way_is_identity(WayView) -> i32, 0, |v| i32::from(v.way.is_identity);
    doorward_way_created_at(WayView) -> i64, i64::MIN, |v| v.way.created_at.as_micros();
    doorward_way_last_used_at(WayView) -> i64, i64::MIN, |v| micros(v.way.last_used_at);
    doorward_way_verified_at(WayView) -> i64, i64::MIN, |v| micros(v.way.verified_at);
}
