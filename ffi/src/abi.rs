//! The structs of `include/doorward.h`, field for field. `tests/c/layout.c` compares sizes and offsets.

use std::ffi::c_char;

use doorward::Result;

use crate::boundary::{self, Grows, In, Tag, invalid};

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

    /// What an accessor gives where there is nothing: no bytes, and a NUL after them.
    pub(crate) fn empty() -> Self {
        Self {
            ptr: c"".as_ptr(),
            len: 0,
        }
    }

    /// Whether it is {NULL, 0}: an operand that is absent.
    pub(crate) fn is_absent(self) -> bool {
        self.ptr.is_null() && self.len == 0
    }

    /// The bytes, or `None` for {NULL, 0}.
    pub(crate) fn optional<'a>(self, name: &str, most: usize) -> Result<Option<&'a [u8]>> {
        boundary::bytes(self.ptr, self.len, name, most)
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

/// `doorward_pair`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) name: Bytes,
    pub(crate) value: Bytes,
}

// SAFETY: pointers into memory that is owned by the same handle and not written any more: which thread reads it does not
// matter.
unsafe impl Send for Pair {}
// SAFETY: as it may be sent, so it may be shared: nobody writes.
unsafe impl Sync for Pair {}

/// `doorward_pairs`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pairs {
    pub(crate) ptr: *const Pair,
    pub(crate) len: usize,
}

impl Pairs {
    /// None.
    pub(crate) fn empty() -> Self {
        Self {
            ptr: std::ptr::null(),
            len: 0,
        }
    }
}

/// The id with these bytes, inside the handle that owns them.
pub(crate) fn id_within(bytes: &[u8; 16]) -> *const Id {
    std::ptr::from_ref(bytes).cast()
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

// SAFETY: pointers into memory that is owned by the same handle and not written any more: which thread reads it does not
// matter.
unsafe impl Send for Violation {}
// SAFETY: as it may be sent, so it may be shared: nobody writes.
unsafe impl Sync for Violation {}

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
    RawRequest = "doorward_request", 80 {
        method: Bytes,
        target: Bytes,
        peer: Bytes,
        headers: In<Pair>,
        n_headers: usize,
        tag: Tag,
    }
    /// `doorward_new_user`.
    RawNewUser = "doorward_new_user", 32 { attributes: Bytes, id: In<Id>, }
    /// `doorward_user_filter`.
    RawUserFilter = "doorward_user_filter", 48 { enabled: u32, newest_first: u32, provider: Bytes, begins: Bytes, }
    /// `doorward_new_session`.
    RawNewSession = "doorward_new_session", 56 {
        attributes: Bytes,
        access_ttl: i64,
        idle_ttl: i64,
        absolute_ttl: i64,
        persistent: u32,
        reserved: u32,
    }
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
    use crate::answer::Answer;

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
            "doorward_pair" Pair { name value }
            "doorward_pairs" Pairs { ptr len }
            "doorward_answer" Answer { status kind held }
            "doorward_id" Id { bytes }
            "doorward_violation" Violation { struct_size reserved rule field message limit }
            "doorward_event" RawEvent { struct_size reserved at count user sign_in name realm provider reason address origin }
            "doorward_row_counts" RowCounts { struct_size more users sign_ins flows throttles others }
            "doorward_asserted_factor" AssertedFactor { provider factor_class channel at two_in_one reserved }
            "doorward_request" RawRequest { struct_size flags method target peer headers n_headers tag }
            "doorward_new_user" RawNewUser { struct_size flags attributes id }
            "doorward_user_filter" RawUserFilter { struct_size flags enabled newest_first provider begins }
            "doorward_new_session" RawNewSession { struct_size flags attributes access_ttl idle_ttl absolute_ttl persistent reserved }
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
            ("request", first::<RawRequest>()),
            ("new_user", first::<RawNewUser>()),
            ("user_filter", first::<RawUserFilter>()),
            ("new_session", first::<RawNewSession>()),
        ] {
            assert_eq!(first, now, "{name}");
        }
    }
}
