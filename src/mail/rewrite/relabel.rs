//! The header of a part whose body is written anew: its charset and its transfer encoding.

use std::ops::Range;

use crate::mail::content::{Content, TransferEncoding};
use crate::mail::edit::{Edit, Edited, Edits, Source};
use crate::mail::field::{Field, fields};
use crate::mail::outline::Part;

/// Places in one field that are tried: more than one are rare, and each costs reading the header again.
const PLACES_MAX: usize = 8;

/// Edits that make the header say `charset` and `encoding`, each only where it does not say so yet. Nothing else in the
/// header changes. `None` if it is written in a way that cannot be changed with certainty.
#[must_use]
pub fn relabel(part: &Part, charset: Option<&str>, encoding: &str) -> Option<Vec<Edit>> {
    let end = part.header.len() - part.empty_line_len();
    let field = |name: &str| fields(&part.header).find(|field| field.is(name));
    let mut others = match field("Content-Transfer-Encoding") {
        Some(_) if part.content.encoding == TransferEncoding::read(encoding.as_bytes()) => Vec::new(),
        Some(field) => vec![edit(field.value_range, &format!(" {encoding}"))],
        None => vec![edit(end..end, &format!("Content-Transfer-Encoding: {encoding}\r\n"))],
    };
    // Without it the other two mean nothing (RFC 2045 §4); parts have none of their own.
    if part.parent.is_none() && field("MIME-Version").is_none() {
        others.push(edit(end..end, "MIME-Version: 1.0\r\n"));
    }
    let with = |change: Option<Edit>| [change.as_slice(), &others].concat();
    let other_charset = charset.filter(|charset| part.content.charset.as_deref() != Some(charset));
    let candidates = match (other_charset, field("Content-Type")) {
        (None, _) => vec![with(None)],
        (Some(charset), Some(field)) => {
            charset_edits(&field, charset).into_iter().map(|change| with(Some(change))).collect()
        }
        (Some(charset), None) => {
            vec![with(Some(edit(end..end, &format!("Content-Type: text/plain; charset={charset}\r\n"))))]
        }
    };
    let right = candidates.into_iter().find(|edits| says(part, edits, charset, encoding))?;
    Some(right.into_iter().map(|edit| moved(edit, part.header_range.start)).collect())
}

/// Whether the edited header, read again, says what it should, and of all else the same as before.
fn says(part: &Part, edits: &[Edit], charset: Option<&str>, encoding: &str) -> bool {
    let Some(edits) = Edits::new(edits.to_vec()) else { return false };
    let copy = Edited::new(&part.header, &edits);
    let Ok(header) = copy.read(0..copy.len()) else { return false };
    let wanted = Content {
        charset: charset.map(ToOwned::to_owned).or_else(|| part.content.charset.clone()),
        encoding: TransferEncoding::read(encoding.as_bytes()),
        ..part.content.clone()
    };
    Content::read(&header, "text/plain") == wanted
}

/// The ways to change the charset in a Content-Type field: at every place that looks like its value (one may be in a
/// comment), else as a new parameter.
fn charset_edits(field: &Field<'_>, charset: &str) -> Vec<Edit> {
    let lower = field.value.to_ascii_lowercase();
    let start = field.value_range.start;
    let end = field.value_range.end;
    memchr::memmem::find_iter(&lower, b"charset")
        .filter_map(|at| value_range(&lower, at + b"charset".len()))
        .take(PLACES_MAX)
        .map(|range| edit(start + range.start..start + range.end, charset))
        .chain([edit(end..end, &format!("; charset={charset}"))])
        .collect()
}

/// The range of the value whose `=` comes next, quotes included.
fn value_range(text: &[u8], behind_name: usize) -> Option<Range<usize>> {
    let next = |from: usize| Some(from + text.get(from..)?.iter().position(|b| !b.is_ascii_whitespace())?);
    let equals = next(behind_name).filter(|&at| text.get(at) == Some(&b'='))?;
    let start = next(equals + 1)?;
    let value = text.get(start..)?;
    let len = if let (b'"', quoted) = value.split_first()? {
        memchr::memchr(b'"', quoted)? + 2
    } else {
        let is_end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b';' | b'(' | b')');
        value.iter().position(is_end).unwrap_or(value.len())
    };
    Some(start..start + len)
}

fn edit(range: Range<usize>, text: &str) -> Edit {
    Edit::replace(range.start as u64..range.end as u64, text.to_owned())
}

fn moved(edit: Edit, by: u64) -> Edit {
    Edit { range: edit.range.start + by..edit.range.end + by, ..edit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::outline::{Bounds, Outliner};

    fn relabelled(header: &str) -> Option<String> {
        let mut outliner = Outliner::new(Bounds { header_octets_max: 10_000, parts_max: 10, depth_max: 5 });
        outliner.feed(header.as_bytes());
        outliner.feed(b"\r\n");
        let part = outliner.finish().parts.remove(0);
        let edits = Edits::new(relabel(&part, Some("utf-8"), "quoted-printable")?)?;
        let copy = Edited::new(&part.header, &edits);
        Some(String::from_utf8(copy.read(0..copy.len()).unwrap().to_vec()).unwrap())
    }

    #[test]
    fn only_charset_and_encoding_change() {
        for (before, after) in [
            (
                "MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tCHARSET=us-ascii; format=flowed\r\nX: y\r\nContent-Transfer-Encoding: 7bit\r\n",
                "MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tCHARSET=utf-8; format=flowed\r\nX: y\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            ),
            (
                "Content-Type: text/plain (charset=x) ; charset = \"us-ascii\" (y)\r\nMIME-Version: 1.0\r\n",
                "Content-Type: text/plain (charset=x) ; charset = utf-8 (y)\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            ),
            (
                "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n",
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            ),
            (
                "Subject: x\r\n",
                "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n",
            ),
        ] {
            assert_eq!(relabelled(before).as_deref(), Some(after));
        }
    }

    #[test]
    fn what_is_not_certain_is_left() {
        assert_eq!(
            relabelled("MIME-Version: 1.0\r\nContent-Type: text/plain; charset*=us-ascii''koi8-r\r\n"),
            None
        );
    }
}
