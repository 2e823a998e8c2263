//! Values that are no longer what they were.

use crate::exchange::Exchange;
use crate::kind_view::{FieldView, KindView};
use crate::randomness::Dice;

/// The secret fields of a question, with their right values; all fields where none is secret.
pub(crate) fn secrets<'a>(view: &'a KindView, exchange: &'a Exchange) -> Vec<(&'a FieldView, &'a [u8])> {
    let ask = &exchange.ask;
    let given: Vec<(&FieldView, &[u8])> = view
        .fields_at(ask.purpose, ask.step)
        .filter_map(|field| {
            let (_, value) = ask.credentials.iter().find(|(name, _)| *name == field.name)?;
            (!value.is_empty()).then_some((field, value.as_slice()))
        })
        .collect();
    let secret: Vec<_> = given.iter().copied().filter(|(field, _)| field.secret).collect();
    if secret.is_empty() { given } else { secret }
}

/// Of the same length and of the same characters, and different in each of them.
pub(crate) fn another(value: &[u8]) -> Vec<u8> {
    let next = |byte: u8, first: u8, count: u8| first + (byte - first + 1) % count;
    value
        .iter()
        .map(|&byte| match byte {
            b'0'..=b'9' => next(byte, b'0', 10),
            b'a'..=b'z' => next(byte, b'a', 26),
            b'A'..=b'Z' => next(byte, b'A', 26),
            other => other ^ 1,
        })
        .collect()
}

/// Stored bytes that are cut, doubled, random or somebody else's; each says what it is. None is longer than `most`.
pub(crate) fn stored(value: &[u8], most: usize, dice: &mut Dice) -> Vec<(&'static str, Vec<u8>)> {
    let cut = |len: usize| value.get(..len).unwrap_or_default().to_vec();
    let foreign: &[u8] = br#"{"v":1,"kind":"another","secret":"c29tZWJvZHkgZWxzZQ"}"#;
    let all = [
        ("empty", Vec::new()),
        ("its first byte", cut(1)),
        ("its first half", cut(value.len() / 2)),
        ("without its last byte", cut(value.len().saturating_sub(1))),
        ("twice in a row", [value, value].concat()),
        ("all zero", vec![0; value.len()]),
        ("random bytes", dice.bytes(value.len())),
        ("of another kind", foreign.to_vec()),
    ];
    all.into_iter()
        .filter(|(_, bytes)| bytes.as_slice() != value && bytes.len() <= most)
        .collect()
}

/// The bytes with one bit turned, at up to `most` places.
pub(crate) fn flipped(value: &[u8], most: usize, dice: &mut Dice) -> Vec<Vec<u8>> {
    let step = value.len().div_ceil(most).max(1);
    (0..value.len())
        .step_by(step)
        .map(|place| {
            let mut bytes = value.to_vec();
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << dice.below(8);
            }
            bytes
        })
        .collect()
}
