//! The host table, as hosts of other ages have it.

#![expect(unsafe_code, reason = "a table of another size is known by its address")]

use std::ffi::CStr;
use std::sync::Arc;

use doorward_base::forever;
use doorward_plugin_abi as abi;

use crate::foreign::count;
use crate::host::Host;
use crate::host_services::HostServices;

/// Size of `dwp_host` in version 1.0.
const FIRST_SIZE: u32 = 288;

/// A host table over services of the caller's. It lives as long as the process, as a host table must.
#[derive(Clone, Copy)]
pub struct HostTable {
    host: Host,
    abi_minor: u16,
}

impl std::fmt::Debug for HostTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostTable")
            .field("abi_minor", &self.abi_minor)
            .finish_non_exhaustive()
    }
}

/// How old a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Of version 1.0: a smaller table, beyond which there is nothing that may be used.
    First,
    /// Of this version.
    Current,
    /// Of a later version: a larger table, with more that this version does not know.
    Later,
}

/// A table with room behind it: what a later host would have there, and what must not be read in an older one.
#[repr(C)]
struct Roomy {
    host: abi::Host,
    beyond: [usize; 32],
}

// SAFETY: the table is constant; what its context points at is a `Weak` that is only read.
unsafe impl Sync for Roomy {}

impl HostTable {
    /// A table of that age. When the services are gone, its functions answer "unavailable".
    pub fn new(services: &Arc<dyn HostServices>, age: Age) -> Self {
        let table = Host::table(services);
        let (struct_size, abi_minor, version): (_, _, &CStr) = match age {
            Age::First => (FIRST_SIZE, 0, c"1.0"),
            Age::Current => (table.struct_size, table.abi_minor, c"1"),
            Age::Later => (
                count(size_of::<Roomy>()),
                table.abi_minor.saturating_add(7),
                c"later",
            ),
        };
        let roomy: &'static Roomy = forever::lend(Roomy {
            host: abi::Host {
                struct_size,
                abi_minor,
                product: c"doorward test host".as_ptr(),
                version: version.as_ptr(),
                ..table
            },
            // No address of anything.
            beyond: [usize::MAX / 3; 32],
        });
        debug_assert!(roomy.beyond[0] != 0, "nobody may call what is there");
        Self {
            // SAFETY: a table of ours but for its size and version; `Roomy` has room for the largest of them, and is lent
            // for ever.
            host: unsafe { Host::at(std::ptr::from_ref(roomy).cast()) },
            abi_minor,
        }
    }

    /// The minor version of the contract that it offers.
    pub const fn abi_minor(self) -> u16 {
        self.abi_minor
    }

    pub(super) const fn host(self) -> Host {
        self.host
    }
}
