//! Header fields as they stand: names, values and their places, nothing decoded (RFC 5322 §2.2).

use std::ops::Range;

/// One field of a header. Ranges count from the header's first octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// As the sender spelled it, without the colon.
    pub name: &'a [u8],
    /// What stands behind the colon, folds included, without the last line break.
    pub value: &'a [u8],
    /// The whole field with its last line break.
    pub range: Range<usize>,
    /// Where [`Field::value`] stands.
    pub value_range: Range<usize>,
}

impl Field<'_> {
    /// Whether this is the field of that name; case does not count (RFC 5322 §1.2.2).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header, in order. Lines that are none are passed over.
pub fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            at += line_len(header.get(start..)?);
            while matches!(header.get(at), Some(b' ' | b'\t')) {
                at += line_len(header.get(at..)?);
            }
            if start == at {
                return None;
            }
            let octets = header.get(start..at)?;
            if let Some(colon) = name_len(octets) {
                let end = start + without_break(octets).len();
                let value_range = (start + colon + 1).min(end)..end;
                let name = header.get(start..start + colon)?.trim_ascii_end();
                return Some(Field {
                    name,
                    value: header.get(value_range.clone())?,
                    range: start..at,
                    value_range,
                });
            }
        }
    })
}

/// What a line of a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderLine {
    /// A field, its continuation, or the line that mailbox files put in front (`From `).
    Field,
    /// The empty line.
    End,
    /// The first line of a body whose empty line is missing.
    Other,
}

impl HeaderLine {
    /// Tells by the line alone.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        match without_break(line) {
            b"" => Self::End,
            [b' ' | b'\t', ..] => Self::Field,
            text if text.starts_with(b"From ") || text.starts_with(b">From ") => Self::Field,
            text if name_len(text).is_some() => Self::Field,
            _ => Self::Other,
        }
    }
}

/// Octets before the colon of a field's first line; `None` if the line begins no field. White space before the colon
/// is old but known (RFC 5322 §4.5.1).
fn name_len(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

/// A line, or several, without the last CRLF or LF.
#[must_use]
pub fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Octets of the first line with its line break.
fn line_len(octets: &[u8]) -> usize {
    memchr::memchr(b'\n', octets).map_or(octets.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_names_values_and_places() {
        let header = b"From: a@b.c\r\nnonsense\r\nSubject :one\r\n two\r\nEmpty:\r\n\r\n";
        let found: Vec<_> = fields(header).collect();
        assert_eq!(found.len(), 3);
        assert!(found[1].is("SUBJECT"));
        assert_eq!(found[1].value, b"one\r\n two");
        assert_eq!(&header[found[1].range.clone()], b"Subject :one\r\n two\r\n");
        assert_eq!(found[2].value, b"");
        assert_eq!(&header[found[2].range.clone()], b"Empty:\r\n");
    }

    #[test]
    fn an_unfinished_last_line_is_a_field_too() {
        let found: Vec<_> = fields(b"A: 1\r\nB: 2").collect();
        assert_eq!(found[1].value, b" 2");
    }
}
