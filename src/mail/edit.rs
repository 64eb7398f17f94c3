//! Edits: what a copy has that the original has not. Everything not named in an edit leaves as it came.
//!
//! One body is kept for all recipients of a message; a recipient's copy is that body and its [`Edits`]. Delivery
//! walks over the [`Piece`]s and never builds the copy in memory.

use std::io;
use std::ops::Range;

use bytes::{Buf, BufMut, Bytes};

/// First octet of encoded edits, so that a later form can be told apart.
const ENCODING_VERSION: u8 = 1;

/// Replaces the octets of `range` in the original; an empty range inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where in the original, in octets from its first.
    pub range: Range<u64>,
    /// What stands there in the copy.
    pub replacement: Bytes,
}

/// All edits of one copy: sorted, not overlapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

/// A run of the edited message. Pieces come in order and are never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// These octets of the original.
    Original(Range<u64>),
    /// Octets that an edit brings.
    Replacement(&'a Bytes),
}

/// A copy, read as if it existed: a source through its edits.
#[derive(Clone, Copy)]
pub struct Edited<'a> {
    original: &'a dyn Source,
    edits: &'a Edits,
}

/// Random access to the octets of a message. The spool implements it; [`Bytes`] are their own source.
pub trait Source: Send + Sync {
    /// Octets of the message.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets of `range`, all of them.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the range reaches beyond the end; else what the disk says.
    fn read(&self, range: Range<u64>) -> io::Result<Bytes>;
}

impl Edit {
    /// Puts `octets` in front of what stands at `at`.
    #[must_use]
    pub fn insert(at: u64, octets: impl Into<Bytes>) -> Self {
        Self { range: at..at, replacement: octets.into() }
    }

    /// Takes `range` out.
    #[must_use]
    pub const fn remove(range: Range<u64>) -> Self {
        Self { range, replacement: Bytes::new() }
    }

    /// Puts `octets` in the place of `range`.
    #[must_use]
    pub fn replace(range: Range<u64>, octets: impl Into<Bytes>) -> Self {
        Self { range, replacement: octets.into() }
    }
}

impl Edits {
    /// Sorts by place; insertions at one place keep their order and stand before a replacement that begins there.
    /// Edits that overlap, or run backwards, are an error of the program, answered `None`.
    #[must_use]
    pub fn new(mut edits: Vec<Edit>) -> Option<Self> {
        edits.retain(|edit| !(edit.range.is_empty() && edit.replacement.is_empty()));
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let apart =
            edits.iter().zip(edits.iter().skip(1)).all(|(one, next)| one.range.end <= next.range.start);
        let forward = edits.iter().all(|edit| edit.range.start <= edit.range.end);
        (apart && forward).then_some(Self(edits))
    }

    /// Whether the copy is the original.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The edits, in order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.0.iter()
    }

    /// The edited message, piece by piece. What an edit names beyond `original_len` is cut off.
    pub fn pieces(&self, original_len: u64) -> impl Iterator<Item = Piece<'_>> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|edit| edit.range.end));
        let ends = self.0.iter().map(|edit| edit.range.start).chain(std::iter::once(original_len));
        let replacements = self.0.iter().map(|edit| Some(&edit.replacement)).chain(std::iter::once(None));
        starts.zip(ends).zip(replacements).flat_map(move |((start, end), replacement)| {
            let kept = start.min(original_len)..end.min(original_len);
            let kept = (!kept.is_empty()).then_some(Piece::Original(kept));
            let put = replacement.filter(|octets| !octets.is_empty()).map(Piece::Replacement);
            [kept, put].into_iter().flatten()
        })
    }

    /// Octets of the edited message.
    #[must_use]
    pub fn len_after(&self, original_len: u64) -> u64 {
        self.pieces(original_len)
            .map(|piece| match piece {
                Piece::Original(range) => range.end - range.start,
                Piece::Replacement(octets) => octets.len() as u64,
            })
            .sum()
    }

    /// Where the octet at `place` of the original stands in the copy, insertions at `place` before it. `None` if an
    /// edit took it out.
    #[must_use]
    pub fn place_after(&self, place: u64) -> Option<u64> {
        let mut moved = place;
        for edit in self.0.iter().take_while(|edit| edit.range.start <= place) {
            if edit.range.end > place {
                return None;
            }
            moved = moved - (edit.range.end - edit.range.start) + edit.replacement.len() as u64;
        }
        Some(moved)
    }

    /// The form that is kept beside the body. [`Edits::decode`] reads it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let octets: usize = self.0.iter().map(|edit| 24 + edit.replacement.len()).sum();
        let mut encoded = Vec::with_capacity(1 + octets);
        encoded.put_u8(ENCODING_VERSION);
        for edit in &self.0 {
            encoded.put_u64(edit.range.start);
            encoded.put_u64(edit.range.end);
            encoded.put_u64(edit.replacement.len() as u64);
            encoded.put_slice(&edit.replacement);
        }
        encoded
    }

    /// Reads what [`Edits::encode`] wrote; `None` if it is something else.
    #[must_use]
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let mut rest = octets;
        if rest.try_get_u8().ok()? != ENCODING_VERSION {
            return None;
        }
        let mut edits = Vec::new();
        while rest.has_remaining() {
            let (start, end) = (rest.try_get_u64().ok()?, rest.try_get_u64().ok()?);
            let len = usize::try_from(rest.try_get_u64().ok()?).ok()?;
            let (replacement, behind) = rest.split_at_checked(len)?;
            edits.push(Edit { range: start..end, replacement: Bytes::copy_from_slice(replacement) });
            rest = behind;
        }
        Self::new(edits)
    }
}

impl<'a> Edited<'a> {
    /// The copy that `edits` make of `original`.
    #[must_use]
    pub const fn new(original: &'a dyn Source, edits: &'a Edits) -> Self {
        Self { original, edits }
    }
}

impl Source for Edited<'_> {
    fn len(&self) -> u64 {
        self.edits.len_after(self.original.len())
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let mut octets = Vec::new();
        let mut at = 0;
        for piece in self.edits.pieces(self.original.len()) {
            let len = match &piece {
                Piece::Original(kept) => kept.end - kept.start,
                Piece::Replacement(put) => Source::len(*put),
            };
            // What of this piece is asked for, counted from its first octet.
            let wanted = range.start.saturating_sub(at).min(len)..range.end.saturating_sub(at).min(len);
            if wanted.start < wanted.end {
                octets.extend_from_slice(&match piece {
                    Piece::Original(kept) => {
                        self.original.read(kept.start + wanted.start..kept.start + wanted.end)?
                    }
                    Piece::Replacement(put) => put.read(wanted)?,
                });
            }
            at += len;
        }
        if range.end > at || range.start > range.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(octets.into())
    }
}

impl Source for Bytes {
    fn len(&self) -> u64 {
        Self::len(self) as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let within = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        match within {
            Some((start, end)) if start <= end && end <= Self::len(self) => Ok(self.slice(start..end)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn applied(edits: &Edits, original: &Bytes) -> Vec<u8> {
        edits
            .pieces(original.len() as u64)
            .flat_map(|piece| match piece {
                Piece::Original(range) => original.read(range).unwrap(),
                Piece::Replacement(octets) => octets.clone(),
            })
            .collect()
    }

    #[test]
    fn edits_come_out_in_order_and_touch_nothing_else() {
        let original = Bytes::from_static(b"0123456789");
        let edits = Edits::new(vec![
            Edit::replace(8..10, "END"),
            Edit::insert(0, "a"),
            Edit::remove(3..5),
            Edit::insert(0, "b"),
            Edit::insert(3, "|"),
        ])
        .unwrap();
        assert_eq!(applied(&edits, &original), b"ab012|567END");
        assert_eq!(edits.len_after(10), 12);
        assert_eq!(edits.place_after(5), Some(6));
        assert_eq!(edits.place_after(4), None);
    }

    #[test]
    fn overlapping_edits_are_refused() {
        assert_eq!(Edits::new(vec![Edit::remove(0..3), Edit::remove(2..4)]), None);
        assert_eq!(Edits::new(vec![Edit::remove(0..3), Edit::insert(2, "x")]), None);
        assert!(Edits::new(vec![Edit::remove(0..3), Edit::remove(3..4)]).is_some());
    }

    #[test]
    fn a_copy_is_read_as_if_it_existed() {
        let original = Bytes::from_static(b"0123456789");
        let edits = Edits::new(vec![Edit::replace(2..5, "ab"), Edit::insert(9, "c")]).unwrap();
        let copy = Edited::new(&original, &edits);
        assert_eq!(copy.read(0..copy.len()).unwrap(), "01ab5678c9");
        assert_eq!(copy.read(1..4).unwrap(), "1ab");
        assert_eq!(copy.read(7..9).unwrap(), "8c");
        assert!(copy.read(5..11).is_err());
    }

    #[test]
    fn reading_beyond_the_end_is_an_error() {
        let source = Bytes::from_static(b"abc");
        assert_eq!(source.read(1..3).unwrap(), "bc");
        assert_eq!(source.read(1..4).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    fn any_edits() -> impl Strategy<Value = Vec<Edit>> {
        let step = (0_u64..20, 0_u64..5, proptest::collection::vec(any::<u8>(), 0..8));
        proptest::collection::vec(step, 0..8).prop_map(|steps| {
            let mut at = 0;
            let mut edits = Vec::new();
            for (gap, len, octets) in steps {
                let start = at + gap;
                at = start + len;
                edits.push(Edit::replace(start..at, octets));
            }
            edits
        })
    }

    proptest! {
        #[test]
        fn no_edit_is_the_identity(octets: Vec<u8>) {
            let original = Bytes::from(octets);
            prop_assert_eq!(applied(&Edits::default(), &original), original);
        }

        #[test]
        fn the_length_is_told_beforehand(edits in any_edits(), octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let original = Bytes::from(octets);
            let edits = Edits::new(edits).unwrap();
            prop_assert_eq!(edits.len_after(original.len() as u64), applied(&edits, &original).len() as u64);
        }

        #[test]
        fn what_is_encoded_is_decoded(edits in any_edits()) {
            let edits = Edits::new(edits).unwrap();
            prop_assert_eq!(Edits::decode(&edits.encode()), Some(edits));
        }

        #[test]
        fn nothing_makes_decoding_panic(octets: Vec<u8>) {
            let _ = Edits::decode(&octets);
        }
    }
}
