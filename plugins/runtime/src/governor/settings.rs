//! How large the budget is, and how much may wait for it.

use doorward_base::error::{Error, ErrorKind, Result};

/// Memory for concurrent hashes of the whole fork family, when nothing else is configured: MiB. Six hashes of the
/// default cost, which is three times what two processor cores can compute at once.
pub const DEFAULT_BUDGET_MIB: u32 = 128;

/// The largest budget that may be configured: MiB (1 TiB). Above it a typing error is more likely than a wish.
pub const MAX_BUDGET_MIB: u32 = 1024 * 1024;

/// How many jobs may wait for a worker, per process, when nothing else is configured. At 30 ms a hash on two
/// cores that is about two seconds of work; a person does not wait longer.
pub const DEFAULT_QUEUE: usize = 128;

/// The longest queue that may be configured. Each entry holds one password of at most 1 KiB.
pub const MAX_QUEUE: usize = 65_536;

/// The most slots a budget is cut into: one byte-range lock each, looked for one by one.
const MAX_SLOTS: usize = 4096;

/// How the governor is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Memory of all hashes that run at once in the whole fork family. MiB, 1 to [`MAX_BUDGET_MIB`], default
    /// [`DEFAULT_BUDGET_MIB`].
    pub budget_mib: u32,
    /// Memory of one slot: what one hash at the deployed cost needs. KiB.
    pub slot_kib: u32,
    /// Jobs that may wait for a worker, in this process. 1 to [`MAX_QUEUE`], default [`DEFAULT_QUEUE`].
    pub queue: usize,
    /// Worker threads of this process. 0, the default: as many as the process may use processors. Never more than
    /// there are slots.
    pub threads: usize,
}

impl Settings {
    /// The defaults, for hashes of `slot_kib` KiB each.
    pub const fn for_hashes_of(slot_kib: u32) -> Self {
        Self {
            budget_mib: DEFAULT_BUDGET_MIB,
            slot_kib,
            queue: DEFAULT_QUEUE,
            threads: 0,
        }
    }

    /// How many slots the budget has.
    pub(super) fn slots(&self) -> Result<usize> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        if self.budget_mib == 0 || self.budget_mib > MAX_BUDGET_MIB {
            return wrong(format!(
                "hashing.budget_mib is {}; it must be 1 to {MAX_BUDGET_MIB}",
                self.budget_mib
            ));
        }
        if self.queue == 0 || self.queue > MAX_QUEUE {
            return wrong(format!(
                "hashing.queue is {}; it must be 1 to {MAX_QUEUE}",
                self.queue
            ));
        }
        let budget_kib = u64::from(self.budget_mib) * 1024;
        let slots = budget_kib / u64::from(self.slot_kib.max(1));
        if slots == 0 {
            return wrong(format!(
                "hashing.budget_mib is {}, but one hash takes {} KiB; raise it to {} or lower password.memory_kib",
                self.budget_mib,
                self.slot_kib,
                self.slot_kib.div_ceil(1024)
            ));
        }
        Ok(usize::try_from(slots).unwrap_or(MAX_SLOTS).min(MAX_SLOTS))
    }
}
