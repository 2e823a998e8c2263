//! Numbers from a seed: the same ones everywhere and always.

/// A generator (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// One of a seed and of what it is for.
    pub(super) const fn new(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0xa076_1d64_78bd_642f))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u8) -> u8 {
        u8::try_from(self.next() % u64::from(end.max(1))).unwrap_or(0)
    }

    /// True so many times of a hundred.
    pub(super) fn chance(&mut self, of_a_hundred: u8) -> bool {
        self.below(100) < of_a_hundred
    }

    /// One of these.
    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.below(u8::try_from(of.len()).unwrap_or(u8::MAX));
        of[usize::from(at)].clone()
    }

    /// The value so many times of a hundred.
    pub(super) fn maybe<T>(&mut self, of_a_hundred: u8, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(of_a_hundred).then(|| value(self))
    }

    /// Up to so many values.
    pub(super) fn some<T>(&mut self, most: u8, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| value(self)).collect()
    }
}
