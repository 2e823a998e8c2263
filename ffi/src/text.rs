//! Texts that a handle lends to the caller: made when first asked for, with a NUL after them, wiped when freed.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::abi::{Bytes, Pair, Pairs};
use crate::boundary::{self, In};

/// One text of a handle.
#[derive(Default)]
pub(crate) struct Text(OnceLock<Zeroizing<Vec<u8>>>);

impl Text {
    /// The text as C sees it. `value` must be the same each time.
    pub(crate) fn lend(&self, value: &[u8]) -> Bytes {
        without_nul(self.0.get_or_init(|| with_nul(value)))
    }
}

/// The bytes with a NUL after them.
pub(crate) fn with_nul(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(value.len() + 1));
    text.extend_from_slice(value);
    text.push(0);
    text
}

/// One text accessor: nothing for a NULL handle.
pub(crate) fn of<'a, T: 'a>(handle: In<T>, value: impl FnOnce(&'a T) -> (&'a Text, &'a [u8])) -> Bytes {
    let Some(handle) = handle.optional() else {
        return Bytes::empty();
    };
    boundary::caught_or(Bytes::empty(), || {
        let (text, value) = value(handle);
        text.lend(value)
    })
}

/// Named values of a handle, as `doorward_pairs`.
#[derive(Default)]
pub(crate) struct PairList(OnceLock<Lent>);

struct Lent {
    pairs: Vec<Pair>,
    /// What the pairs point into; a vector's bytes stay where they are when it moves.
    _texts: Vec<Zeroizing<Vec<u8>>>,
}

impl PairList {
    /// The array as C sees it. `values` must be the same each time.
    pub(crate) fn lend<'a>(&self, values: impl Iterator<Item = (&'a str, &'a [u8])>) -> Pairs {
        let lent = self.0.get_or_init(|| {
            let (mut pairs, mut texts) = (Vec::new(), Vec::new());
            for (name, value) in values {
                let (name, value) = (with_nul(name.as_bytes()), with_nul(value));
                pairs.push(Pair {
                    name: without_nul(&name),
                    value: without_nul(&value),
                });
                texts.extend([name, value]);
            }
            Lent { pairs, _texts: texts }
        });
        match lent.pairs.as_slice() {
            [] => Pairs::empty(),
            pairs => Pairs {
                ptr: pairs.as_ptr(),
                len: pairs.len(),
            },
        }
    }
}

/// A text that ends with a NUL, lent without it.
pub(crate) fn without_nul(text: &Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::lent(text.split_last().map_or(&[], |(_, text)| text))
}

/// The value at an index of a list, or NULL beyond the last.
pub(crate) fn at<T>(list: &[T], index: usize) -> *const T {
    list.get(index).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Declares text accessors: the function, the handle's type, and where text and value are.
macro_rules! texts {
    ($($name:ident($of:ty) |$handle:ident| $text:expr, $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(handle: $crate::boundary::In<$of>) -> $crate::abi::Bytes {
            $crate::text::of(handle, |$handle| (&$text, $value))
        }
    )*};
}

/// Declares accessors of plain values: the function, the handle's type, what NULL gives, and the value.
macro_rules! values {
    ($($name:ident($of:ty $(, $index:ident)?) -> $gives:ty, $none:expr, |$handle:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(handle: $crate::boundary::In<$of> $(, $index: usize)?) -> $gives {
            match handle.optional() {
                Some($handle) => $crate::boundary::caught_or($none, || $value),
                None => $none,
            }
        }
    )*};
}

pub(crate) use {texts, values};
