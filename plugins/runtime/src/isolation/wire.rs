//! Frames between the core and `doorward-plugin-host`: one codec for both sides.
//!
//! ```text
//! u32 length of what follows │ u16 type │ u16 flags (0) │ u64 call │ fields: u16 tag │ u32 length │ bytes …
//! ```
//!
//! All little-endian, at most 1 MiB. Fields of unknown tags are read over, so either side may grow; frames of unknown
//! types are refused. The other side may be a plugin that went mad and writes to the descriptor itself: a length is
//! compared before anything is allocated, and every field is found to lie within its frame before any is read.

use zeroize::Zeroizing;

/// Most bytes of a frame after its length.
pub(super) const MAX: usize = 1024 * 1024;
/// Bytes of the length.
pub(super) const LENGTH: usize = 4;
/// Bytes of type, flags and call.
const HEADER: usize = 12;
/// Bytes in front of a field's value.
const FIELD: usize = 6;

/// What a frame says. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Core: versions, the plugin's file, the sandbox.
    Hello = 1,
    /// Helper: versions, the plugin's descriptors.
    Module = 2,
    /// Core: make an instance.
    Open = 3,
    /// Core: begin service of an instance.
    Start = 4,
    /// Core: an operation of an instance.
    Ask = 5,
    /// Helper: the end of what was asked, with status and reply.
    Answer = 6,
    /// Helper: a service of the host is wanted.
    Service = 7,
    /// Core: what that service gave.
    Served = 8,
    /// Core: nobody waits any more for what was asked.
    Cancel = 9,
    /// Core: end an instance.
    Close = 10,
    /// Helper: lines for the operator; nothing is answered.
    Log = 11,
}

impl Type {
    const ALL: [Self; 11] = [
        Self::Hello,
        Self::Module,
        Self::Open,
        Self::Start,
        Self::Ask,
        Self::Answer,
        Self::Service,
        Self::Served,
        Self::Cancel,
        Self::Close,
        Self::Log,
    ];
}

/// Bytes that are no frame of this protocol, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbage(pub(super) &'static str);

/// A frame that was read.
pub(super) struct Frame {
    pub(super) kind: Type,
    pub(super) call: u64,
    fields: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// The fields.
    ///
    /// # Errors
    /// [`Garbage`] when they do not fill the frame exactly.
    pub(super) fn fields(&self) -> Result<Fields<'_>, Garbage> {
        Fields::of(&self.fields)
    }
}

/// How long the frame is that begins with these bytes, its length included; `None`: too few to tell.
///
/// # Errors
/// [`Garbage`]: longer than a frame may be, or too short to be one.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, Garbage> {
    let Some(length) = bytes.first_chunk::<LENGTH>() else {
        return Ok(None);
    };
    match u32::from_le_bytes(*length) as usize {
        length if length > MAX => Err(Garbage("it sent a frame longer than 1 MiB")),
        length if length < HEADER => Err(Garbage("it sent a frame without a header")),
        length => Ok(Some(LENGTH + length)),
    }
}

/// Reads one whole frame, as long as [`length`] said.
///
/// # Errors
/// [`Garbage`]: of another length, of an unknown type, with flags.
pub(super) fn read(bytes: &[u8]) -> Result<Frame, Garbage> {
    if length(bytes)? != Some(bytes.len()) {
        return Err(Garbage("it sent a frame of another length than it said"));
    }
    let truncated = Garbage("it sent a frame without a header");
    let mut left = bytes.get(LENGTH..).ok_or(truncated)?;
    let number = u16::from_le_bytes(take(&mut left).ok_or(truncated)?);
    let flags = u16::from_le_bytes(take(&mut left).ok_or(truncated)?);
    let call = u64::from_le_bytes(take(&mut left).ok_or(truncated)?);
    let kind = Type::ALL
        .into_iter()
        .find(|kind| *kind as u16 == number)
        .ok_or(Garbage("it sent a frame of a type that does not exist"))?;
    if flags != 0 {
        return Err(Garbage("it sent a frame with flags that do not exist"));
    }
    Ok(Frame {
        kind,
        call,
        fields: Zeroizing::new(left.to_vec()),
    })
}

/// The next `N` bytes.
fn take<const N: usize>(left: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = left.split_first_chunk::<N>()?;
    *left = rest;
    Some(*taken)
}

/// Fields that are known to fill their bytes exactly.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// # Errors
    /// [`Garbage`] when a field reaches beyond the end.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Garbage> {
        let mut left = bytes;
        while !left.is_empty() {
            field(&mut left).ok_or(Garbage("it sent a field that reaches beyond its frame"))?;
        }
        Ok(Self(bytes))
    }

    /// All fields of the tag, in order.
    pub(super) fn all(self, tag: u16) -> impl Iterator<Item = &'a [u8]> {
        let mut left = self.0;
        std::iter::from_fn(move || field(&mut left))
            .filter_map(move |(found, value)| (found == tag).then_some(value))
    }

    /// The field of the tag.
    ///
    /// # Errors
    /// [`Garbage`] when it is there twice: two readers of one frame must not see two values.
    pub(super) fn find(self, tag: u16) -> Result<Option<&'a [u8]>, Garbage> {
        let mut found = self.all(tag);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(Garbage("it sent a field twice")),
        }
    }

    /// As [`Fields::find`]; absent is empty.
    pub(super) fn bytes(self, tag: u16) -> Result<&'a [u8], Garbage> {
        Ok(self.find(tag)?.unwrap_or_default())
    }

    /// As [`Fields::find`], UTF-8; absent is empty.
    pub(super) fn text(self, tag: u16) -> Result<&'a str, Garbage> {
        std::str::from_utf8(self.bytes(tag)?).map_err(|_| Garbage("it sent a text that is not UTF-8"))
    }

    /// As [`Fields::find`], of an exact length.
    pub(super) fn exact<const N: usize>(self, tag: u16) -> Result<Option<[u8; N]>, Garbage> {
        match self.find(tag)? {
            None => Ok(None),
            Some(value) => value
                .try_into()
                .map(Some)
                .map_err(|_| Garbage("it sent a field of a wrong length")),
        }
    }

    /// An integer; absent is 0.
    pub(super) fn number(self, tag: u16) -> Result<u64, Garbage> {
        Ok(self.exact(tag)?.map_or(0, u64::from_le_bytes))
    }

    /// As [`Fields::number`], no larger than a `u32`.
    pub(super) fn small(self, tag: u16) -> Result<u32, Garbage> {
        u32::try_from(self.number(tag)?).map_err(|_| Garbage("it sent a number that is too large"))
    }
}

/// The next field; `None`: none left, or broken.
fn field<'a>(left: &mut &'a [u8]) -> Option<(u16, &'a [u8])> {
    let tag = u16::from_le_bytes(take(left)?);
    let length = u32::from_le_bytes(take(left)?) as usize;
    let (value, rest) = left.split_at_checked(length)?;
    *left = rest;
    Some((tag, value))
}

/// Fields being written. Wiped when dropped, for credentials are among them.
#[derive(Default)]
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(super) fn new() -> Self {
        // Small, for all of it is wiped in the end; `grow` leaves nothing behind.
        Self(Zeroizing::new(Vec::with_capacity(256)))
    }

    #[must_use]
    pub(super) fn put(mut self, tag: u16, value: &[u8]) -> Self {
        self.grow(FIELD + value.len());
        self.0.extend_from_slice(&tag.to_le_bytes());
        // Too long a value makes too long a frame, which `frame` refuses.
        self.0
            .extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.extend_from_slice(value);
        self
    }

    #[must_use]
    pub(super) fn number(self, tag: u16, value: u64) -> Self {
        self.put(tag, &value.to_le_bytes())
    }

    /// Nothing, where there is no value.
    #[must_use]
    pub(super) fn maybe(self, tag: u16, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.put(tag, value),
            None => self,
        }
    }

    /// Fields within a field.
    #[must_use]
    pub(super) fn nest(self, tag: u16, inner: &Self) -> Self {
        self.put(tag, &inner.0)
    }

    /// The whole frame; `None`: it would be longer than [`MAX`].
    pub(super) fn frame(&self, kind: Type, call: u64) -> Option<Zeroizing<Vec<u8>>> {
        let length = HEADER + self.0.len();
        if length > MAX {
            return None;
        }
        let mut frame = Zeroizing::new(Vec::with_capacity(LENGTH + length));
        frame.extend_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
        frame.extend_from_slice(&(kind as u16).to_le_bytes());
        frame.extend_from_slice(&0_u16.to_le_bytes());
        frame.extend_from_slice(&call.to_le_bytes());
        frame.extend_from_slice(&self.0);
        Some(frame)
    }

    /// Makes room by hand: a vector that grows by itself frees its old memory unwiped.
    fn grow(&mut self, more: usize) {
        let wanted = self.0.len() + more;
        if wanted > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted.next_power_of_two()));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: Type, call: u64, fields: &[(u16, Vec<u8>)]) -> Zeroizing<Vec<u8>> {
        let written = fields
            .iter()
            .fold(Writer::new(), |writer, (tag, value)| writer.put(*tag, value));
        written.frame(kind, call).unwrap()
    }

    /// Everything a reader may ask of bytes; the answer does not matter, only that there is one.
    fn read_all(bytes: &[u8]) {
        let _ = length(bytes);
        let Ok(frame) = read(bytes) else { return };
        let Ok(fields) = frame.fields() else { return };
        for tag in 0..64 {
            let _ = (
                fields.bytes(tag),
                fields.text(tag),
                fields.number(tag),
                fields.small(tag),
            );
            let _ = fields.exact::<16>(tag);
            for inner in fields.all(tag) {
                let _ = Fields::of(inner).map(|inner| inner.all(tag).count());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            number in 0..Type::ALL.len(), call: u64,
            fields in prop::collection::vec((0_u16..40, prop::collection::vec(any::<u8>(), 0..300)), 0..12),
        ) {
            let kind = Type::ALL[number];
            let bytes = frame(kind, call, &fields);
            prop_assert_eq!(length(&bytes), Ok(Some(bytes.len())));
            let read = read(&bytes).map_err(|_| TestCaseError::fail("refused"))?;
            prop_assert_eq!((read.kind, read.call), (kind, call));
            let found = read.fields().map_err(|_| TestCaseError::fail("refused"))?;
            for tag in 0..40 {
                let wanted: Vec<&[u8]> = fields.iter().filter(|(of, _)| *of == tag).map(|(_, v)| v.as_slice()).collect();
                prop_assert_eq!(found.all(tag).collect::<Vec<_>>(), wanted);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            read_all(&bytes);
        }

        #[test]
        fn a_frame_with_changed_bytes_is_read_or_refused(
            fields in prop::collection::vec((0_u16..40, prop::collection::vec(any::<u8>(), 0..40)), 1..8),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(), cuts: bool,
        ) {
            let mut bytes = frame(Type::Ask, 7, &fields).to_vec();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if cuts {
                bytes.truncate(cut.index(bytes.len()));
            }
            read_all(&bytes);
        }
    }

    #[test]
    fn lengths_types_and_flags_that_lie_are_refused() {
        let good = frame(Type::Answer, 1, &[(1, b"x".to_vec())]);
        let with = |at: usize, value: &[u8]| {
            let mut bytes = good.to_vec();
            bytes[at..at + value.len()].copy_from_slice(value);
            bytes
        };
        assert!(read(&good).is_ok());
        assert!(length(&u32::try_from(MAX + 1).unwrap().to_le_bytes()).is_err());
        assert!(length(&u32::MAX.to_le_bytes()).is_err());
        assert!(length(&11_u32.to_le_bytes()).is_err());
        assert_eq!(length(&[1, 0, 0]), Ok(None));
        for broken in [
            with(0, &20_u32.to_le_bytes()),
            with(4, &0_u16.to_le_bytes()),
            with(4, &12_u16.to_le_bytes()),
            with(6, &1_u16.to_le_bytes()),
        ] {
            assert!(read(&broken).is_err(), "{broken:?}");
        }
        for long in [2, u32::MAX] {
            let broken = with(18, &long.to_le_bytes());
            assert!(read(&broken).unwrap().fields().is_err());
        }
    }

    #[test]
    fn a_field_twice_is_no_field_and_frames_have_a_limit() {
        let twice = frame(Type::Ask, 1, &[(3, b"a".to_vec()), (3, b"b".to_vec())]);
        assert!(read(&twice).unwrap().fields().unwrap().find(3).is_err());
        let most = vec![0; MAX - HEADER - FIELD];
        assert!(Writer::new().put(1, &most).frame(Type::Ask, 1).is_some());
        assert!(
            Writer::new()
                .put(1, &most)
                .put(2, b"")
                .frame(Type::Ask, 1)
                .is_none()
        );
    }
}
