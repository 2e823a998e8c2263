//! What a struct of the ABI says of its size.

/// Sizes of the ABI's structs are small; this says so once.
#[expect(
    clippy::cast_possible_truncation,
    reason = "no struct of the ABI is larger than a few hundred bytes"
)]
pub(crate) const fn size_of_u32<T>() -> u32 {
    size_of::<T>() as u32
}
