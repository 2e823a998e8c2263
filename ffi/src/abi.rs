//! The structs of `include/doorward.h`, field for field. `tests/c/layout.c` compares sizes and offsets.

use std::ffi::c_char;

use doorward::Result;

use crate::answer::Answer;
use crate::boundary::{Grows, In, Place, UserPointer, Versioned, invalid};
use crate::error::Failure;
use crate::proof::ProofView;
use crate::queue::Queue;

/// `doorward_bytes`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Bytes {
    pub(crate) ptr: *const c_char,
    pub(crate) len: usize,
}

impl Bytes {
    /// Bytes that belong to a handle. There is a NUL after them.
    pub(crate) fn lent(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr().cast(),
            len: bytes.len(),
        }
    }

    /// The bytes; {NULL, 0} is an error.
    pub(crate) fn bytes<'a>(self, name: &str, most: usize) -> Result<&'a [u8]> {
        self.optional(name, most)?
            .ok_or_else(|| invalid(format!("`{name}` is NULL")))
    }

    /// The text, or `None` for {NULL, 0}.
    pub(crate) fn optional_text<'a>(self, name: &str, most: usize) -> Result<Option<&'a str>> {
        let Some(bytes) = self.optional(name, most)? else {
            return Ok(None);
        };
        std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|e| invalid(format!("`{name}` is not UTF-8 from byte {} on", e.valid_up_to())))
    }

    /// The text; {NULL, 0} is an error.
    pub(crate) fn text<'a>(self, name: &str, most: usize) -> Result<&'a str> {
        self.optional_text(name, most)?
            .ok_or_else(|| invalid(format!("`{name}` is NULL")))
    }
}

/// `doorward_field`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: Bytes,
    pub(crate) value: Bytes,
}

/// `doorward_id`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Id {
    pub(crate) bytes: [u8; 16],
}

/// `doorward_violation`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Violation {
    pub(crate) struct_size: u32,
    pub(crate) reserved: u32,
    pub(crate) rule: Bytes,
    pub(crate) field: Bytes,
    pub(crate) message: Bytes,
    pub(crate) limit: u64,
}

/// `doorward_event`.
#[repr(C)]
pub(crate) struct RawEvent {
    pub(crate) struct_size: u32,
    pub(crate) reserved: u32,
    pub(crate) at: i64,
    pub(crate) count: u64,
    pub(crate) user: *const Id,
    pub(crate) sign_in: *const Id,
    pub(crate) name: Bytes,
    pub(crate) realm: Bytes,
    pub(crate) provider: Bytes,
    pub(crate) reason: Bytes,
    pub(crate) address: Bytes,
    pub(crate) origin: Bytes,
}

/// `doorward_row_counts`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RowCounts {
    pub(crate) struct_size: u32,
    pub(crate) more: u32,
    pub(crate) users: u64,
    pub(crate) sign_ins: u64,
    pub(crate) flows: u64,
    pub(crate) throttles: u64,
    pub(crate) others: u64,
}

/// `doorward_asserted_factor`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct AssertedFactor {
    pub(crate) provider: Bytes,
    pub(crate) factor_class: Bytes,
    pub(crate) channel: Bytes,
    pub(crate) at: i64,
    pub(crate) two_in_one: u32,
    pub(crate) reserved: u32,
}

macro_rules! grows {
    ($($(#[$doc:meta])* $type:ident = $name:literal, $size:literal { $($field:ident: $of:ty,)* })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub(crate) struct $type {
            pub(crate) struct_size: u32,
            pub(crate) flags: u32,
            $(pub(crate) $field: $of,)*
        }

        // SAFETY: `repr(C)`, begins with two `u32`, and consists of integers and nullable pointers only.
        unsafe impl Grows for $type {
            const FIRST_SIZE: usize = $size;
            const NAME: &'static str = $name;
        }
    )*};
}

grows! {
    /// `doorward_request`.
    RawRequest = "doorward_request", 56 { method: Bytes, headers: In<Field>, n_headers: usize, peer: Bytes, }
    /// `doorward_call`.
    Call = "doorward_call", 64 {
        realm: Bytes,
        request: Versioned<RawRequest>,
        timeout: i64,
        queue: In<Queue>,
        user: UserPointer,
        operation: Place<u64>,
    }
    /// `doorward_options`.
    NoOptions = "doorward_options", 8 {}
    /// `doorward_create_user_options`.
    CreateUserOptions = "doorward_create_user_options", 32 { attributes: Bytes, id: In<Id>, }
    /// `doorward_begin_enrolment_options`.
    BeginEnrolmentOptions = "doorward_begin_enrolment_options", 32 { identifier: Bytes, proof: In<ProofView>, }
    /// `doorward_continue_flow_options`.
    ContinueFlowOptions = "doorward_continue_flow_options", 24 { provider: Bytes, }
    /// `doorward_list_methods_options`.
    ListMethodsOptions = "doorward_list_methods_options", 16 { user: In<Id>, }
    /// `doorward_create_session_options`.
    CreateSessionOptions = "doorward_create_session_options", 56 {
        attributes: Bytes,
        access_ttl: i64,
        idle_ttl: i64,
        absolute_ttl: i64,
        persistent: u32,
        reserved: u32,
    }
    /// `doorward_create_session_for_user_options`.
    CreateSessionForUserOptions = "doorward_create_session_for_user_options", 32 {
        factors: In<AssertedFactor>,
        n_factors: usize,
        session: Versioned<CreateSessionOptions>,
    }
    /// `doorward_list_users_options`.
    ListUsersOptions = "doorward_list_users_options", 24 { after: In<Id>, limit: u32, reserved: u32, }
    /// `doorward_update_attributes_options`.
    UpdateAttributesOptions = "doorward_update_attributes_options", 16 { version: i64, }
    /// `doorward_request_token_options`.
    RequestTokenOptions = "doorward_request_token_options", 16 { proof: In<ProofView>, }
    /// `doorward_consume_token_options`.
    ConsumeTokenOptions = "doorward_consume_token_options", 16 { proof: In<ProofView>, }
    /// `doorward_take_deliveries_options`.
    TakeDeliveriesOptions = "doorward_take_deliveries_options", 24 { lease: i64, limit: u32, reserved: u32, }
}

/// `doorward_completion`. It has a status where the others have flags.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Completion {
    pub(crate) struct_size: u32,
    pub(crate) status: i32,
    pub(crate) operation: u64,
    pub(crate) user: UserPointer,
    pub(crate) answer: *mut Answer,
    pub(crate) error: *mut Failure,
}

// SAFETY: `repr(C)`, begins with 32-bit integers, and consists of integers and nullable pointers only.
unsafe impl Grows for Completion {
    const FIRST_SIZE: usize = 40;
    const NAME: &'static str = "doorward_completion";
}

/// What stands in the `struct_size` of a struct that the library fills.
pub(crate) fn size_of_struct<T>() -> u32 {
    // No struct here comes near 4 GiB.
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::mem::offset_of;

    use super::*;

    /// The rows of one struct, as `tests/c/layout.c` writes them.
    macro_rules! rows {
        ($($name:literal $type:ident { $($field:ident)* })*) => {
            [$(
                format!("SIZE({}, {})", $name, size_of::<$type>()),
                $(format!("FIELD({}, {}, {})", $name, stringify!($field), offset_of!($type, $field)),)*
            )*]
        };
    }

    #[test]
    fn structs_have_the_layout_of_the_header() {
        let ours: BTreeSet<String> = rows! {
            "doorward_bytes" Bytes { ptr len }
            "doorward_field" Field { name value }
            "doorward_id" Id { bytes }
            "doorward_violation" Violation { struct_size reserved rule field message limit }
            "doorward_event" RawEvent { struct_size reserved at count user sign_in name realm provider reason address origin }
            "doorward_row_counts" RowCounts { struct_size more users sign_ins flows throttles others }
            "doorward_asserted_factor" AssertedFactor { provider factor_class channel at two_in_one reserved }
            "doorward_request" RawRequest { struct_size flags method headers n_headers peer }
            "doorward_call" Call { struct_size flags realm request timeout queue user operation }
            "doorward_completion" Completion { struct_size status operation user answer error }
            "doorward_options" NoOptions { struct_size flags }
            "doorward_create_user_options" CreateUserOptions { struct_size flags attributes id }
            "doorward_begin_enrolment_options" BeginEnrolmentOptions { struct_size flags identifier proof }
            "doorward_continue_flow_options" ContinueFlowOptions { struct_size flags provider }
            "doorward_list_methods_options" ListMethodsOptions { struct_size flags user }
            "doorward_create_session_options" CreateSessionOptions { struct_size flags attributes access_ttl idle_ttl absolute_ttl persistent reserved }
            "doorward_create_session_for_user_options" CreateSessionForUserOptions { struct_size flags factors n_factors session }
            "doorward_list_users_options" ListUsersOptions { struct_size flags after limit reserved }
            "doorward_update_attributes_options" UpdateAttributesOptions { struct_size flags version }
            "doorward_request_token_options" RequestTokenOptions { struct_size flags proof }
            "doorward_consume_token_options" ConsumeTokenOptions { struct_size flags proof }
            "doorward_take_deliveries_options" TakeDeliveriesOptions { struct_size flags lease limit reserved }
        }
        .into();
        let theirs: BTreeSet<String> = include_str!("../../tests/c/layout.c")
            .lines()
            .filter(|line| line.starts_with("SIZE(") || line.starts_with("FIELD("))
            .map(str::to_owned)
            .collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn the_first_release_has_these_sizes() {
        fn first<T: Grows>() -> (usize, usize) {
            (T::FIRST_SIZE, size_of::<T>())
        }
        // A later release that adds a field takes its struct out of this list, and leaves FIRST_SIZE alone.
        for (name, (first, now)) in [
            ("call", first::<Call>()),
            ("completion", first::<Completion>()),
            ("request", first::<RawRequest>()),
            ("options", first::<NoOptions>()),
            ("create_user", first::<CreateUserOptions>()),
            ("begin_enrolment", first::<BeginEnrolmentOptions>()),
            ("continue_flow", first::<ContinueFlowOptions>()),
            ("list_methods", first::<ListMethodsOptions>()),
            ("create_session", first::<CreateSessionOptions>()),
            ("create_session_for_user", first::<CreateSessionForUserOptions>()),
            ("list_users", first::<ListUsersOptions>()),
            ("update_attributes", first::<UpdateAttributesOptions>()),
            ("request_token", first::<RequestTokenOptions>()),
            ("consume_token", first::<ConsumeTokenOptions>()),
            ("take_deliveries", first::<TakeDeliveriesOptions>()),
        ] {
            assert_eq!(first, now, "{name}");
        }
    }
}
