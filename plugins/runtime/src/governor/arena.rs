//! The memory in which one hash is computed: taken once per permit, used again, wiped before it is given back.

use argon2::Block;

use doorward_base::error::{Error, ErrorKind, Result};

/// Working memory of Argon2id. It grows to what the largest hash of one permit needs and is freed with the permit, so
/// that memory is never held without a slot of the budget.
#[derive(Default)]
pub struct Arena(Vec<Block>);

impl Arena {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// `count` blocks of 1 KiB. What they hold is left over from an earlier hash; Argon2 writes each block before
    /// it reads it.
    ///
    /// # Errors
    /// `Overloaded`: the system gave no memory.
    pub fn blocks(&mut self, count: usize) -> Result<&mut [Block]> {
        if self.0.len() < count {
            self.wipe();
            self.0 = Vec::new(); // the old blocks go first: never both at once, and never moved unwiped
            self.0.try_reserve_exact(count).map_err(|e| {
                Error::new(
                    ErrorKind::Overloaded,
                    "the system has no memory for a password hash",
                )
                .caused_by(e)
            })?;
            self.0.resize(count, Block::new());
        }
        Ok(self.0.get_mut(..count).unwrap_or_default())
    }

    fn wipe(&mut self) {
        self.0.fill(Block::new());
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.wipe();
    }
}
