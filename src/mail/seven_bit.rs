//! A message for servers that let only ASCII through: its 8-bit parts in quoted-printable or base64 (RFC 6152 §3, RFC
//! 2045 §6).
//!
//! [`plan`] says what changes, by the structure alone; [`Plan::chunks`] writes the converted message while it reads the
//! other, so that a part of any size takes [`CHUNK_OCTETS`] of memory. What is 7-bit already stays octet for octet. What
//! cannot be said in 7 bits without becoming another message is an [`Obstacle`]: signed content, raw 8-bit header
//! fields, a structure that readers may see differently.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use crate::mail::content::TransferEncoding;
use crate::mail::edit::{Edit, Source};
use crate::mail::field::fields;
use crate::mail::outline::{Outline, Part};
use crate::mail::rewrite::relabel::relabel;
use crate::mail::rewrite::transfer::{BASE64_LINE_OCTETS, base64_lines, quoted_printable};

/// Octets that are read and converted at once: whole lines of base64.
const CHUNK_OCTETS: u64 = 1024 * BASE64_LINE_OCTETS as u64;
/// Of a text, one octet in so many may be above 127 for quoted-printable: beyond that base64 is shorter.
const QUOTED_PRINTABLE_SHARE: u64 = 6;

/// What changes: in order, not overlapping.
#[derive(Debug)]
pub struct Plan(Vec<Change>);

/// Why a message cannot be converted, in words for its sender.
#[derive(Debug, Error)]
pub enum Obstacle {
    /// The disk's fault; worth another try.
    #[error("reading the message")]
    Read(#[from] io::Error),
    /// A signature covers the octets as they are (RFC 1847 §2.1).
    #[error("it is signed, and the signature would be broken")]
    Signed,
    /// There are fields with raw 8-bit octets (RFC 6532); no encoding of bodies helps.
    #[error("its header holds other letters than ASCII")]
    Header,
    /// Readers may see different parts, or the part is written in no encoding that is known.
    #[error("its parts are not written clearly enough")]
    Unclear,
}

#[derive(Clone, Debug)]
struct Change {
    range: Range<u64>,
    form: Form,
}

/// What stands in the place of a range.
#[derive(Clone, Debug)]
enum Form {
    /// These octets.
    Put(Bytes),
    /// What stood there, in quoted-printable.
    QuotedPrintable,
    /// What stood there, in base64.
    Base64,
}

/// What makes a message 7-bit. `outline` is that of `copy`.
///
/// # Errors
/// [`Obstacle`].
pub fn plan(copy: &dyn Source, outline: &Outline) -> Result<Plan, Obstacle> {
    if outline.fault.is_some() || outline.parts.iter().any(|part| part.doubtful) {
        return Err(Obstacle::Unclear);
    }
    let mut changes = Vec::new();
    // Behind this octet begins what is not yet encoded together with the part it lies in.
    let mut done = 0;
    for (index, part) in outline.parts.iter().enumerate() {
        if part.header_range.start < done {
            continue;
        }
        let holds_eight_bit = within(outline, index).any(|inner| inner.octets.eight_bit || inner.octets.nul);
        if !part.header.is_ascii() {
            return Err(Obstacle::Header);
        }
        if is_signed(outline, index) {
            if holds_eight_bit {
                return Err(Obstacle::Signed);
            }
            continue;
        }
        // A multipart has no encoding but those that change nothing (RFC 2045 §6.4), even if it has no parts.
        let is_leaf = outline.children(index).next().is_none() && !part.content.is_multipart();
        let is_whole = is_leaf || part.content.media == "message/global";
        let form = match part.content.encoding {
            _ if !holds_eight_bit => None,
            encoding if is_whole && encoding.is_identity() => Some(form(copy, part)?),
            // What stands around the parts of a multipart, or raw in what claims to be encoded.
            _ if part.octets.eight_bit || part.octets.nul => return Err(Obstacle::Unclear),
            _ => None,
        };
        changes.extend(relabelled(outline, part, form.as_ref()).ok_or(Obstacle::Unclear)?);
        if let Some(form) = form {
            done = part.body.end;
            changes.push(Change { range: part.body.clone(), form });
        }
    }
    Ok(Plan(changes))
}

/// The part and all that lies in it.
fn within(outline: &Outline, index: usize) -> impl Iterator<Item = &Part> {
    let range = outline.parts.get(index).map(|part| part.body.clone()).unwrap_or_default();
    let inner = outline.parts.iter().skip(index + 1);
    let inner = inner.take_while(move |part| part.header_range.start < range.end);
    outline.parts.get(index).into_iter().chain(inner)
}

/// Whether the part lies in signed content, at whatever depth.
fn is_signed(outline: &Outline, index: usize) -> bool {
    let parent = |part: &&Part| part.parent.and_then(|parent| outline.parts.get(parent));
    let above = std::iter::successors(outline.parts.get(index).as_ref().and_then(parent), parent);
    above.into_iter().any(|part| part.content.media == "multipart/signed")
}

/// The encoding for a part: quoted-printable for text that stays readable in it. It is read as it will be written.
fn form(copy: &dyn Source, part: &Part) -> io::Result<Form> {
    let is_text = part.content.media.starts_with("text/") && !part.octets.nul;
    if !is_text {
        return Ok(Form::Base64);
    }
    let mut above_127 = 0;
    let mut at = part.body.start;
    while at < part.body.end {
        let octets = copy.read(at..part.body.end.min(at + CHUNK_OCTETS))?;
        let is_last = at + octets.len() as u64 == part.body.end;
        let Some(lines) = lines(&octets, is_last) else { return Ok(Form::Base64) };
        above_127 += lines.iter().filter(|octet| !octet.is_ascii()).count() as u64;
        at += lines.len() as u64;
    }
    let is_readable = above_127 * QUOTED_PRINTABLE_SHARE <= part.body.end - part.body.start;
    Ok(if is_readable { Form::QuotedPrintable } else { Form::Base64 })
}

/// What makes the header tell the encoding. Where the body needs none, `8bit` and `binary` become `7bit`, which is what
/// the part is from now on. `None` where that cannot be written with certainty.
fn relabelled(outline: &Outline, part: &Part, form: Option<&Form>) -> Option<Vec<Change>> {
    let encoding = match (form, part.content.encoding) {
        (Some(Form::Base64), _) => "base64",
        (Some(_), _) => "quoted-printable",
        (None, TransferEncoding::EightBit | TransferEncoding::Binary) => "7bit",
        (None, _) => return Some(Vec::new()),
    };
    let mut edits = relabel(part, None, encoding)?;
    // An attached message has a header of its own, in which the encoding means nothing without the version (RFC 2045 §4).
    let parent = part.parent.and_then(|parent| outline.parts.get(parent));
    if parent.is_some_and(|parent| parent.content.media.starts_with("message/"))
        && !fields(&part.header).any(|field| field.is("MIME-Version"))
    {
        let end = part.header_range.end - part.empty_line_len() as u64;
        edits.push(Edit::insert(end, "MIME-Version: 1.0\r\n"));
    }
    edits.sort_by_key(|edit| edit.range.start);
    let change = |edit: Edit| Change { range: edit.range, form: Form::Put(edit.replacement) };
    Some(edits.into_iter().map(change).collect())
}

impl Plan {
    /// The converted message, in order, in chunks of at most some [`CHUNK_OCTETS`] times three.
    pub fn chunks<'a>(&self, copy: &'a dyn Source) -> impl Iterator<Item = io::Result<Bytes>> + Send + 'a {
        let mut changes: VecDeque<Change> = self.0.clone().into();
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let Some(next) = changes.front_mut().filter(|next| next.range.start <= at) else {
                    // Up to the next change, as it is.
                    let end = changes.front().map_or(copy.len(), |next| next.range.start);
                    let range = at..end.min(at + CHUNK_OCTETS);
                    at = range.end;
                    return (!range.is_empty()).then(|| copy.read(range));
                };
                if let Form::Put(octets) = &mut next.form {
                    let octets = std::mem::take(octets);
                    at = next.range.end;
                    changes.pop_front();
                    return Some(Ok(octets));
                }
                if next.range.is_empty() {
                    changes.pop_front();
                    continue;
                }
                let written = encoded(copy, next);
                at = next.range.start;
                return Some(written);
            }
        })
    }
}

/// The next octets of a range that is encoded, which becomes shorter by them.
fn encoded(copy: &dyn Source, change: &mut Change) -> io::Result<Bytes> {
    let Range { start, end } = change.range;
    let octets = copy.read(start..end.min(start + CHUNK_OCTETS))?;
    let is_last = start + octets.len() as u64 == end;
    let (octets, written) = match change.form {
        Form::QuotedPrintable => {
            let lines = lines(&octets, is_last).ok_or(io::ErrorKind::InvalidData)?;
            (lines.len(), quoted_printable(lines))
        }
        _ => (octets.len(), base64_lines(&octets)),
    };
    change.range.start += octets as u64;
    Ok(written.into())
}

/// Those of the octets that are whole lines; all, if they are the last. `None` where a line is longer than them.
fn lines(octets: &[u8], is_last: bool) -> Option<&[u8]> {
    let len = if is_last { octets.len() } else { memchr::memmem::rfind(octets, b"\r\n")? + 2 };
    octets.get(..len)
}

#[cfg(test)]
mod tests;
