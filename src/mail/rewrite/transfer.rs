//! Transfer encodings, with places: where in the raw octets a decoded octet stands, and how to put something there
//! without touching the rest (RFC 2045 §6).

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::mail::content::TransferEncoding;
use crate::mail::edit::Edit;

/// Longest line of encoded text, without CRLF (RFC 2045 §6.7 rule 5, §6.8).
const ENCODED_LINE_MAX: usize = 76;
/// Octets that fill one line of base64.
pub const BASE64_LINE_OCTETS: usize = 57;
/// Lenient about what ends the last quantum: senders are, and every reader is.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The body of a part, decoded, with the way back.
#[derive(Debug)]
pub struct Decoded<'a> {
    raw: &'a [u8],
    encoding: TransferEncoding,
    /// What the sender meant.
    pub octets: Cow<'a, [u8]>,
    /// Of quoted-printable: where each raw line begins, decoded and raw.
    lines: Vec<(usize, usize)>,
}

/// What to replace in the raw body, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// Empty, or the base64 quantum in the middle of which the place lies.
    pub range: Range<usize>,
    /// Whole lines.
    pub octets: Vec<u8>,
}

impl<'a> Decoded<'a> {
    /// Decodes a body; `None` where that is not possible without loss.
    #[must_use]
    pub fn of(raw: &'a [u8], encoding: TransferEncoding) -> Option<Self> {
        let mut lines = Vec::new();
        let octets = match encoding {
            TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => raw.into(),
            TransferEncoding::QuotedPrintable => quoted_printable_decoded(raw, &mut lines).into(),
            TransferEncoding::Base64 => {
                let quanta: Vec<u8> = raw.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
                BASE64.decode(quanta).ok()?.into()
            }
            TransferEncoding::Unknown => return None,
        };
        Some(Self { raw, encoding, octets, lines })
    }

    /// Two blocks at their places, the first not behind the second.
    #[must_use]
    pub fn insertions(&self, first: (usize, &[u8]), second: (usize, &[u8])) -> Option<Vec<Insertion>> {
        let both = [self.insertion(first.0, first.1)?, self.insertion(second.0, second.1)?];
        if let [one, other] = &both
            && one.range.end <= other.range.start
        {
            return Some(both.into());
        }
        // Both lie in one quantum of base64.
        let (above, rest) = self.octets.split_at_checked(first.0)?;
        let (between, below) = rest.split_at_checked(second.0.checked_sub(first.0)?)?;
        let octets = base64_lines(&[above, first.1, between, second.1, below].concat());
        Some(vec![Insertion { range: 0..self.raw.len(), octets }])
    }

    /// Puts `block`, whole lines of decoded octets, in front of the decoded octet at `place`. The block begins on a
    /// line of its own.
    fn insertion(&self, place: usize, block: &[u8]) -> Option<Insertion> {
        match self.encoding {
            TransferEncoding::QuotedPrintable => {
                let at = self.quoted_printable_place(place)?;
                let mut octets = match column(self.raw, at) {
                    0 => Vec::new(),
                    // The body ends in a soft break that lacks its line break.
                    _ if at == self.raw.len() && self.raw.trim_ascii_end().ends_with(b"=") => {
                        b"\r\n".to_vec()
                    }
                    1..ENCODED_LINE_MAX => b"=\r\n".to_vec(),
                    _ => b"\r\n".to_vec(),
                };
                octets.extend(quoted_printable(block));
                Some(Insertion { range: at..at, octets })
            }
            TransferEncoding::Base64 => self.base64_insertion(place, block),
            _ => {
                let lead = if column(self.raw, place) == 0 { &b""[..] } else { b"\r\n" };
                Some(Insertion { range: place..place, octets: [lead, block].concat() })
            }
        }
    }

    /// The raw octet that begins the encoding of the decoded octet at `place`.
    fn quoted_printable_place(&self, place: usize) -> Option<usize> {
        if place == self.octets.len() {
            return Some(self.raw.len());
        }
        let line = self.lines.partition_point(|(decoded, _)| *decoded <= place).checked_sub(1)?;
        let (mut decoded, mut raw) = self.lines.get(line).copied()?;
        while decoded < place {
            raw += escape(self.raw.get(raw..)?).map_or(1, |_| 3);
            decoded += 1;
        }
        Some(raw)
    }

    /// Only the quantum that `place` lies in is written anew; the block is padded with empty lines, so that all
    /// quanta behind it keep their places.
    fn base64_insertion(&self, place: usize, block: &[u8]) -> Option<Insertion> {
        let at_end = place >= self.octets.len() / 3 * 3;
        let quantum = place / 3;
        let start = base64_place(self.raw, quantum * 4);
        let before = self.octets.get(quantum * 3..place)?;
        let (end, behind) = if at_end {
            (self.raw.trim_ascii_end().len().max(start), self.octets.get(place..)?)
        } else if before.is_empty() {
            (start, &b""[..])
        } else {
            (base64_place(self.raw, quantum * 4 + 3) + 1, self.octets.get(place..quantum * 3 + 3)?)
        };
        let mut whole = [before, block].concat();
        // CRLF adds two octets, twice CRLF four: one of none, one and two makes the whole a multiple of three.
        while !at_end && !(whole.len() + behind.len()).is_multiple_of(3) {
            whole.extend_from_slice(b"\r\n");
        }
        whole.extend_from_slice(behind);
        let mut octets = if column(self.raw, start) == 0 { Vec::new() } else { b"\r\n".to_vec() };
        octets.extend(base64_lines(&whole));
        if self.raw.get(end..).is_some_and(|rest| rest.starts_with(b"\r\n")) {
            octets.truncate(octets.len().saturating_sub(2));
        }
        Some(Insertion { range: start..end, octets })
    }
}

impl Insertion {
    /// The same as an edit of the message in which the body begins at `body_start`.
    #[must_use]
    pub fn edit(self, body_start: u64) -> Edit {
        let range = body_start + self.range.start as u64..body_start + self.range.end as u64;
        Edit::replace(range, self.octets)
    }
}

/// Encodes whole lines of text (RFC 2045 §6.7): their CRLF stay line breaks.
///
/// A line that is too long is broken where no link can be: behind or before a character that no link has, if there is
/// one.
#[must_use]
pub fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while !rest.is_empty() {
        let (line, ends) = match memchr::memmem::find(rest, b"\r\n") {
            Some(at) => (rest.get(..at).unwrap_or_default(), true),
            None => (rest, false),
        };
        rest = rest.get(line.len() + if ends { 2 } else { 0 }..).unwrap_or_default();
        quoted_printable_line(line, &mut encoded);
        if ends {
            encoded.extend_from_slice(b"\r\n");
        }
    }
    encoded
}

fn quoted_printable_line(line: &[u8], encoded: &mut Vec<u8>) {
    let (first, mut start) = (encoded.len(), encoded.len());
    // Where the present output line may be broken.
    let mut good_break = None;
    for (index, &octet) in line.iter().enumerate() {
        let is_last = index + 1 == line.len();
        let escaped = || format!("={octet:02X}").into_bytes();
        let mut unit = match octet {
            b' ' | b'\t' if !is_last => vec![octet],
            b'!'..=b'<' | b'>'..=b'~' => vec![octet],
            _ => escaped(),
        };
        // One octet is kept for the `=` of a soft break, unless the line ends here.
        let room = ENCODED_LINE_MAX - usize::from(!is_last);
        while encoded.len() - start + unit.len() > room {
            let at = good_break.filter(|&at| at > start).unwrap_or(encoded.len());
            encoded.splice(at..at, *b"=\r\n");
            start = at + 3;
            good_break = None;
        }
        // A line that begins here was none before, and must not be taken for a delimiter (RFC 2046 §5.1.1).
        if octet == b'-' && start == encoded.len() && start != first {
            unit = escaped();
        }
        if !is_link_octet(octet) {
            good_break = Some(encoded.len());
        }
        encoded.extend(unit);
        let is_before_hyphen = line.get(index + 1) == Some(&b'-');
        if !is_link_octet(octet) && !is_before_hyphen && encoded.len() - start < ENCODED_LINE_MAX {
            good_break = Some(encoded.len());
        }
    }
}

/// What links are made of: letters, digits, `-`, `.`, `:`, `/`.
const fn is_link_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b':' | b'/')
}

/// Decodes quoted-printable as readers do: wrong escapes stay as they are, white space at the end of a line goes.
fn quoted_printable_decoded(raw: &[u8], lines: &mut Vec<(usize, usize)>) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        lines.push((decoded.len(), at));
        let line_len = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..line_len).unwrap_or_default();
        at += line_len;
        let has_break = line.ends_with(b"\n");
        // At the very end of a body the white space may be all there is of a text without line break.
        let text =
            if has_break || line.trim_ascii_end().ends_with(b"=") { line.trim_ascii_end() } else { line };
        let (text, is_soft) = match text.strip_suffix(b"=") {
            Some(text) => (text, true),
            None => (text, false),
        };
        decode_escapes(text, &mut decoded);
        if has_break && !is_soft {
            decoded.extend_from_slice(if line.ends_with(b"\r\n") { b"\r\n" } else { b"\n" });
        }
    }
    decoded
}

fn decode_escapes(text: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (plain, behind) = rest.split_at(at);
        decoded.extend_from_slice(plain);
        let octet = escape(behind);
        decoded.push(octet.unwrap_or(b'='));
        rest = behind.get(if octet.is_some() { 3 } else { 1 }..).unwrap_or_default();
    }
    decoded.extend_from_slice(rest);
}

/// The octet that `=XY` stands for, at the beginning of `text`.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'=', digits @ ..] = text else { return None };
    let digits = digits.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Encodes octets as lines of base64, each with its CRLF.
#[must_use]
pub fn base64_lines(octets: &[u8]) -> Vec<u8> {
    octets
        .chunks(BASE64_LINE_OCTETS)
        .flat_map(|line| {
            let mut encoded = BASE64.encode(line).into_bytes();
            encoded.extend_from_slice(b"\r\n");
            encoded
        })
        .collect()
}

/// Where the base64 character with that number stands; the end if there are not so many.
fn base64_place(raw: &[u8], number: usize) -> usize {
    let mut places = raw.iter().enumerate().filter(|(_, b)| !b.is_ascii_whitespace()).map(|(at, _)| at);
    places.nth(number).unwrap_or_else(|| raw.trim_ascii_end().len())
}

/// Octets between the last line break and `at`.
fn column(raw: &[u8], at: usize) -> usize {
    let before = raw.get(..at).unwrap_or(raw);
    memchr::memrchr(b'\n', before).map_or(before.len(), |line_break| before.len() - line_break - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn applied(raw: &[u8], insertion: &Insertion) -> Vec<u8> {
        [&raw[..insertion.range.start], &insertion.octets, &raw[insertion.range.end..]].concat()
    }

    fn decoded(raw: &[u8], encoding: TransferEncoding) -> Vec<u8> {
        Decoded::of(raw, encoding).unwrap().octets.into_owned()
    }

    #[test]
    fn quoted_printable_is_read_leniently() {
        let read = |raw: &str| decoded(raw.as_bytes(), TransferEncoding::QuotedPrintable);
        assert_eq!(read("a=3Db=\r\nc  \r\nd=\t\r\n=zz= =4"), b"a=bc\r\nd=zz= =4");
        assert_eq!(read("soft="), b"soft");
    }

    #[test]
    fn a_soft_break_spares_a_link() {
        let link = "https://postern.corp.example/i/0123456789abcdefghjkmnpqrs";
        let tag = format!("<a href=\"{link}\" style=\"color:red\">{link}</a> and a good deal more\r\n");
        let encoded = String::from_utf8(quoted_printable(tag.as_bytes())).unwrap();
        assert_eq!(encoded.matches(link).count(), 2, "{encoded}");
        assert!(encoded.lines().all(|line| line.len() <= 76), "{encoded}");
        let exact = format!("{}\r\n", "x".repeat(76));
        assert_eq!(quoted_printable(exact.as_bytes()), exact.as_bytes());
    }

    #[test]
    fn a_soft_break_makes_neither_a_delimiter_nor_a_long_line() {
        for text in [format!("{}--b", "x".repeat(75)), format!("{} --b{}", "x".repeat(60), "y".repeat(60))] {
            let encoded = String::from_utf8(quoted_printable(text.as_bytes())).unwrap();
            assert!(!encoded.contains("\n-"), "{encoded}");
        }
        for text in [format!(" {}\u{e9}", "x".repeat(74)), format!(" {}", "-".repeat(80))] {
            let encoded = String::from_utf8(quoted_printable(text.as_bytes())).unwrap();
            assert!(encoded.lines().all(|line| line.len() <= 76), "{encoded}");
        }
    }

    #[test]
    fn base64_is_changed_in_one_quantum_only() {
        let raw = b"QUJD\r\nREVG\r\nRw==\r\n";
        let body = Decoded::of(raw, TransferEncoding::Base64).unwrap();
        let at_start = body.insertion(0, b"x\r\n").unwrap();
        assert_eq!(
            (at_start.range.clone(), applied(raw, &at_start)),
            (0..0, b"eA0K\r\nQUJD\r\nREVG\r\nRw==\r\n".to_vec())
        );
        let inside = body.insertion(4, b"x\r\n").unwrap();
        assert_eq!(inside.range, 6..10);
        assert_eq!(decoded(&applied(raw, &inside), TransferEncoding::Base64), b"ABCDx\r\nEFG");
        let at_end = body.insertion(7, b"x\r\n").unwrap();
        assert_eq!(decoded(&applied(raw, &at_end), TransferEncoding::Base64), b"ABCDEFGx\r\n");
        assert!(Decoded::of(b"Q*JD", TransferEncoding::Base64).is_none());
    }

    proptest! {
        #[test]
        fn quoted_printable_comes_back(text in "[ -~é\t=]{0,200}(\r\n[ -~é\t=]{0,200}){0,3}") {
            let encoded = quoted_printable(text.as_bytes());
            prop_assert!(encoded.is_ascii());
            for line in encoded.split(|&b| b == b'\n') {
                prop_assert!(line.strip_suffix(b"\r").unwrap_or(line).len() <= 76);
            }
            prop_assert_eq!(decoded(&encoded, TransferEncoding::QuotedPrintable), text.as_bytes());
            let theirs = mailparse::parse_mail(&[b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", encoded.as_slice()].concat())
                .unwrap().get_body_raw().unwrap();
            prop_assert_eq!(theirs, text.as_bytes());
        }

        #[test]
        fn an_insertion_changes_nothing_else(
            text in "[a-c é<>=]{0,90}(\r\n[a-c é<>=]{0,90}){0,3}",
            at in 0_usize..200,
            encoding in prop_oneof![
                Just(TransferEncoding::QuotedPrintable), Just(TransferEncoding::Base64), Just(TransferEncoding::EightBit)
            ],
        ) {
            let raw = match encoding {
                TransferEncoding::QuotedPrintable => quoted_printable(text.as_bytes()),
                TransferEncoding::Base64 => base64_lines(text.as_bytes()),
                _ => text.clone().into_bytes(),
            };
            let at = at.min(text.len());
            let body = Decoded::of(&raw, encoding).unwrap();
            prop_assert_eq!(body.octets.as_ref(), text.as_bytes());
            let changed = applied(&raw, &body.insertion(at, b"<BLOCK>\r\n").unwrap());
            let after = decoded(&changed, encoding);
            let squeezed = |octets: &[u8]| octets.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>();
            let expected = [&text.as_bytes()[..at], b"<BLOCK>", &text.as_bytes()[at..]].concat();
            prop_assert_eq!(squeezed(&after), squeezed(&expected));
            if encoding != TransferEncoding::EightBit {
                for line in changed.split(|&b| b == b'\n') {
                    prop_assert!(line.strip_suffix(b"\r").unwrap_or(line).len() <= 76);
                }
            }
        }

        #[test]
        fn nothing_makes_it_panic(raw: Vec<u8>, at in 0_usize..40) {
            for encoding in [TransferEncoding::QuotedPrintable, TransferEncoding::Base64, TransferEncoding::Binary] {
                if let Some(body) = Decoded::of(&raw, encoding) {
                    let _ = body.insertion(at.min(body.octets.len()), b"block\r\n");
                }
            }
        }
    }
}
