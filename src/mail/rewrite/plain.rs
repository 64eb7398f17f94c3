//! Blocks in text/plain (RFC 2046 §4.1, RFC 3676).

use bytes::Bytes;

use crate::mail::content::TransferEncoding;
use crate::mail::edit::Edit;
use crate::mail::outline::Part;
use crate::mail::rewrite::Blocks;
use crate::mail::rewrite::block::{plain_lines, with_breaks};
use crate::mail::rewrite::charset::Charset;
use crate::mail::rewrite::relabel::relabel;
use crate::mail::rewrite::transfer::{Decoded, base64_lines, quoted_printable};

/// Begins what must not be edited (RFC 4880 §6.2, §7).
const INLINE_PGP: [&[u8]; 2] = [b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP SIGNED MESSAGE-----"];

/// The edits of a part, or `None` if this part cannot be edited. `raw` is its body.
#[must_use]
pub fn edits(part: &Part, raw: &Bytes, blocks: &Blocks) -> Option<Vec<Edit>> {
    let charset = Charset::of(part.content.charset.as_deref())?;
    if has_inline_pgp(part, raw) {
        return None;
    }
    let top = with_breaks(&plain_lines(&blocks.top_text, &part.content)) + "\r\n";
    let bottom = with_breaks(&plain_lines(&blocks.bottom_text, &part.content));
    let in_charset = charset.encode(&top).zip(charset.encode(&bottom));
    match in_charset {
        Some((top, bottom)) if fits(part, &top) && fits(part, &bottom) => {
            inserted(part, charset, raw, &top, &bottom)
        }
        // The charset will do, but seven bits will not.
        Some((top, bottom)) => {
            let text = Decoded::of(raw, part.content.encoding)?.octets.into_owned();
            rewritten(part, part.content.charset.as_deref(), &[top, text, bottom])
        }
        None => {
            let text = charset.decode(&Decoded::of(raw, part.content.encoding)?.octets);
            rewritten(part, Some("utf-8"), &[top, text, bottom].map(String::into_bytes))
        }
    }
}

/// Whether the text is signed or encrypted in place.
fn has_inline_pgp(part: &Part, raw: &[u8]) -> bool {
    let marked = |octets: &[u8]| INLINE_PGP.iter().any(|mark| memchr::memmem::find(octets, mark).is_some());
    match part.content.encoding {
        TransferEncoding::Base64 => {
            Decoded::of(raw, TransferEncoding::Base64).is_some_and(|body| marked(&body.octets))
        }
        // Quoted-printable writes both lines as they are.
        _ => marked(raw),
    }
}

/// Whether the octets may stand in the part as it is. A part without eight bit octets gets none, whatever it is
/// labelled: the message may be on a way that lets none through (RFC 6152 §2).
fn fits(part: &Part, octets: &[u8]) -> bool {
    octets.is_ascii() || !part.content.encoding.is_identity() || part.octets.eight_bit
}

/// Insertions above and below; every octet of the sender's stays.
fn inserted(part: &Part, charset: Charset, raw: &Bytes, top: &[u8], bottom: &[u8]) -> Option<Vec<Edit>> {
    let at = part.body.start;
    if part.content.encoding == TransferEncoding::Base64 {
        let body = Decoded::of(raw, part.content.encoding)?;
        let bottom = [end_of(&body.octets).gap(), bottom].concat();
        let insertions =
            body.insertions((charset.mark_len(&body.octets), top), (body.octets.len(), &bottom))?;
        return Some(insertions.into_iter().map(|insertion| insertion.edit(at)).collect());
    }
    let (mark, top, mut gap, mut bottom, end) = if part.content.encoding == TransferEncoding::QuotedPrintable
    {
        let end = end_of_quoted_printable(raw);
        // The same mark, encoded.
        let mark = if raw.starts_with(b"=EF=BB=BF") { 9 } else { 0 };
        (mark, quoted_printable(top), end.gap().to_vec(), quoted_printable(bottom), end)
    } else {
        let end = end_of(raw);
        (charset.mark_len(raw), top.to_vec(), end.gap().to_vec(), bottom.to_vec(), end)
    };
    // The line break behind the last line is the next delimiter's, unless the sender's text had one of its own.
    if end != End::LineStart {
        bottom.truncate(bottom.len().saturating_sub(2));
    }
    gap.extend(bottom);
    Some(vec![Edit::insert(at + mark as u64, top), Edit::insert(part.body.end, gap)])
}

/// The whole body anew, where the part's charset or seven bits cannot hold the blocks.
fn rewritten(part: &Part, charset: Option<&str>, [top, text, bottom]: &[Vec<u8>; 3]) -> Option<Vec<Edit>> {
    let whole = [top, text.as_slice(), end_of(text).gap(), bottom].concat();
    let (octets, encoding) = match part.content.encoding {
        TransferEncoding::Base64 => (base64_lines(&whole), "base64"),
        _ => (quoted_printable(&whole), "quoted-printable"),
    };
    let mut edits = relabel(part, charset, encoding)?;
    edits.push(Edit::replace(part.body.clone(), octets));
    Some(edits)
}

/// How a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With a line break, or it is empty.
    LineStart,
    /// Within a line.
    Line,
    /// Within a quoted-printable line that is to go on, behind its soft line break.
    SoftBreak,
    /// As before, without the line break itself.
    SoftBreakOpen,
}

impl End {
    /// What makes an empty line from there.
    const fn gap(self) -> &'static [u8] {
        match self {
            Self::LineStart => b"\r\n",
            Self::Line | Self::SoftBreak => b"\r\n\r\n",
            Self::SoftBreakOpen => b"\r\n\r\n\r\n",
        }
    }
}

fn end_of(text: &[u8]) -> End {
    if text.is_empty() || text.ends_with(b"\n") { End::LineStart } else { End::Line }
}

fn end_of_quoted_printable(raw: &[u8]) -> End {
    let line = raw.strip_suffix(b"\r\n");
    let is_soft = |line: &[u8]| line.trim_ascii_end().ends_with(b"=") && !line.ends_with(b"\n");
    match line {
        Some(line) if is_soft(line) => End::SoftBreak,
        None if is_soft(raw) => End::SoftBreakOpen,
        _ => end_of(raw),
    }
}
