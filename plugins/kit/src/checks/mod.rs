//! The checks, one file each; what they demand stands in [`crate::contract`].

pub(crate) mod abi;
pub(crate) mod answers;
pub(crate) mod file;
pub(crate) mod lifecycle;
pub(crate) mod load;
pub(crate) mod normalize;
