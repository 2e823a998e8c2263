//! The boundary: every cast, every use of a caller's pointer, and the catch of every panic. It knows nothing of the rest: what
//! a caller must keep to stands in `include/doorward.h`, and each SAFETY comment names the rule.

mod caught;
mod pointer;
#[cfg(test)]
mod tests;
mod text;
mod versioned;

pub(crate) use caught::{caught, caught_or, found_or, invalid, panicked};
pub(crate) use pointer::{In, Owned, Place, Tag, Within, hand_over, session};
pub(crate) use text::{bytes, c_static, c_text, write_text};
pub(crate) use versioned::{Grows, Versioned};
