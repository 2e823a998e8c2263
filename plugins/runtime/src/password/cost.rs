//! What one Argon2id hash costs, and the range in which a cost is accepted.

use doorward_base::error::{Error, ErrorKind, Result};

/// The cost of one hash (RFC 9106 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Floors by number of passes: (passes, least memory in KiB). ASVS 5.0 appendix C and the OWASP Password Storage
/// Cheat Sheet: 46 MiB with one pass, 19 MiB with two, 12 MiB with three or more.
const FLOORS: [(u32, u32); 3] = [(1, 47_104), (2, 19_456), (3, 12_288)];

/// Most memory: KiB. 2 GiB is the first recommendation of RFC 9106 section 4, and nobody recommends more.
const MAX_MEMORY_KIB: u32 = 2 * 1024 * 1024;

/// Most work: KiB written over all passes. 4 GiB is libsodium's `SENSITIVE` (1 GiB, four passes), about a hundred
/// default hashes. A stored hash can cost a server no more than this, whoever wrote it.
const MAX_WORK_KIB: u64 = 4 * 1024 * 1024;

/// Most lanes. They are computed one after the other, so they never cost more; more than this is not recommended
/// anywhere.
const MAX_LANES: u32 = 16;

/// Which costs are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    floor: bool,
}

impl Limits {
    /// The floors and ceilings of this module: what a server uses.
    pub const STANDARD: Self = Self { floor: true };

    /// Ceilings only. For tests that hash a thousand times, and for nothing else: passwords stored so are cheap to
    /// guess.
    pub const fn danger_without_floor() -> Self {
        Self { floor: false }
    }
}

impl Cost {
    /// m = 19456 KiB, t = 2, p = 1: the second of the equal choices of the OWASP Password Storage Cheat Sheet, the
    /// least memory that ASVS 5.0 appendix C allows with two passes.
    pub const DEFAULT: Self = Self {
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// A cost to hash new passwords with: memory in KiB, number of passes, lanes (1 unless you know why not).
    ///
    /// # Errors
    /// `Configuration`: below the floor or above a ceiling; the message says which, and what would do.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32, limits: Limits) -> Result<Self> {
        let cost = Self::within_ceilings(memory_kib, passes, lanes)
            .map_err(|message| Error::new(ErrorKind::Configuration, message))?;
        if cost.is_below_floor(limits) {
            let needed = floor_for(passes).unwrap_or(MAX_MEMORY_KIB);
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "password.memory_kib is {memory_kib} with password.passes {passes}; it must be at least {needed}"
                ),
            ));
        }
        Ok(cost)
    }

    /// The checks that hold for stored hashes too, made before any memory is taken for them.
    pub(super) fn within_ceilings(
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    ) -> std::result::Result<Self, String> {
        if lanes == 0 || lanes > MAX_LANES {
            return Err(format!("password.lanes is {lanes}; it must be 1 to {MAX_LANES}"));
        }
        if memory_kib > MAX_MEMORY_KIB || memory_kib < 8 * lanes {
            let least = 8 * lanes;
            return Err(format!(
                "password.memory_kib is {memory_kib}; it must be {least} to {MAX_MEMORY_KIB}"
            ));
        }
        let cost = Self {
            memory_kib,
            passes,
            lanes,
        };
        if passes == 0 || cost.work_kib() > MAX_WORK_KIB {
            return Err(format!(
                "password.passes is {passes}; it must be at least 1, and {memory_kib} KiB times it at most {MAX_WORK_KIB}"
            ));
        }
        Ok(cost)
    }

    /// Memory: KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// How long a hash takes, in a unit that does not depend on the machine: KiB written over all passes.
    pub(super) fn work_kib(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }

    pub(super) fn is_below_floor(self, limits: Limits) -> bool {
        limits.floor && floor_for(self.passes).is_none_or(|least| self.memory_kib < least)
    }

    /// A cost of this much work, to within one KiB a pass, that needs no more memory than `self`: what makes up for a
    /// cheaper stored hash. None where that is too little to compute.
    pub(super) fn filler(self, work_kib: u64) -> Option<Self> {
        let passes = work_kib.div_ceil(u64::from(self.memory_kib)).max(1);
        let memory_kib = u32::try_from(work_kib / passes).ok()?;
        Self::within_ceilings(memory_kib, u32::try_from(passes).ok()?, 1).ok()
    }
}

fn floor_for(passes: u32) -> Option<u32> {
    FLOORS
        .iter()
        .rev()
        .find(|(least, _)| passes >= *least)
        .map(|(_, memory)| *memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_and_ceilings_hold_at_their_boundaries() {
        let cases = [
            (47_104, 1, 1, true),
            (47_103, 1, 1, false),
            (19_456, 2, 1, true),
            (19_455, 2, 1, false),
            (12_288, 3, 1, true),
            (12_287, 3, 1, false),
            (12_287, 99, 1, false),
            (19_456, 0, 1, false),
            (19_456, 2, 0, false),
            (19_456, 2, 16, true),
            (19_456, 2, 17, false),
            (2_097_152, 2, 1, true),
            (2_097_153, 1, 1, false),
            (2_097_152, 3, 1, false),
            (u32::MAX, u32::MAX, 1, false),
        ];
        for (memory, passes, lanes, fine) in cases {
            let made = Cost::new(memory, passes, lanes, Limits::STANDARD);
            assert_eq!(made.is_ok(), fine, "m={memory} t={passes} p={lanes}: {made:?}");
        }
        assert!(!Cost::DEFAULT.is_below_floor(Limits::STANDARD));
    }

    #[test]
    fn a_filler_makes_up_within_the_same_memory() {
        let deployed = Cost::DEFAULT;
        for missing in [8, 100, 19_456, 19_457, 30_000, 38_912] {
            let filler = deployed.filler(missing).unwrap();
            assert!(filler.memory_kib() <= deployed.memory_kib());
            assert!(missing - filler.work_kib() < 8, "{missing}: {filler:?}");
        }
        assert_eq!(deployed.filler(7), None);
    }
}
