//! The heart: an invitee's copy as edits on the sender's own mail.
//!
//! [`invite`] puts the top block above and the bottom block, with the link, below the sender's text, in every part that
//! a client may show as the text (`target`). What must not be edited, or cannot be with certainty, is wrapped
//! (`wrap`). Either way the copy is then parsed again and compared with the original (`check`): what is not named in
//! an edit is octet for octet the sender's.

mod block;
mod charset;
mod check;
mod html;
mod plain;
mod readdress;
pub(in crate::mail) mod relabel;
mod target;
pub(in crate::mail) mod transfer;
mod wrap;

use std::io;

use bytes::Bytes;
use thiserror::Error;

use crate::base::address::Address;
use crate::mail::edit::{Edit, Edits, Source};
use crate::mail::field::{Field, fields};
use crate::mail::outline::{Outline, Part};
use crate::mail::rewrite::charset::Charset;
use crate::mail::rewrite::check::{Check, Expected, Flaw};
use crate::mail::rewrite::target::{Form, Target, is_doubtful, is_sealed, shown_texts, targets};
use crate::mail::rewrite::transfer::Decoded;

/// Octets of a text part that is edited; a longer one is wrapped, so that memory stays bounded.
const TEXT_OCTETS_MAX: u64 = 5 * 1024 * 1024;

/// Octets behind a header without its empty line in which fields are looked for.
const HEADER_REST_MAX: u64 = 256 * 1024;
/// Fields by which a header would go on, beside those of content.
const SPLIT_FIELDS: &[&str] =
    &["From", "To", "Cc", "Bcc", "Resent-Bcc", "Subject", "Date", "Message-ID", "MIME-Version"];

/// The admin's blocks, rendered for one invitee, the link inside the bottom ones.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// Above the text.
    pub top_text: String,
    /// Above the text, as a piece of HTML that may stand in a body.
    pub top_html: String,
    /// Below the text, with the link.
    pub bottom_text: String,
    /// Below the text, as a piece of HTML, with the link.
    pub bottom_html: String,
    /// The link: must survive decoding in every edited part.
    pub link: String,
}

/// What becomes of addresses in To and Cc.
#[derive(Clone, Debug, Default)]
pub struct Readdress {
    /// These leave To and Cc (invite addresses, compared by mailbox with any +tag given literally).
    pub remove: Vec<Address>,
    /// Tagged addresses, and the real ones that take their places.
    pub replace: Vec<(Address, Address)>,
}

/// In which form the blocks came into the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// In the sender's own text.
    Inserted,
    /// Before the sender's content, which is signed, encrypted, a meeting request, Outlook's own format, without text,
    /// or written in a way that cannot be edited.
    Wrapped,
    /// As [`How::Wrapped`], because insertion failed its check. Worth a line in the audit log.
    WrappedAfterFailedCheck,
}

/// A copy for one invitee.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// What makes it of the original.
    pub edits: Edits,
    /// Its form.
    pub how: How,
    /// What the check found wrong with the insertion, if it did. For the audit log.
    pub flaw: Option<String>,
}

/// Why there is no copy.
#[derive(Debug, Error)]
pub enum RewriteFault {
    /// The disk's fault; worth another try.
    #[error("reading the message")]
    Read(#[from] io::Error),
    /// The admin's: a copy without its link would be of no use.
    #[error("the blocks do not hold the link: {0}")]
    NoLink(&'static str),
    /// The message's: nothing is sent that has not passed.
    #[error("no form of the rewritten message passed its check: {0}")]
    Check(String),
}

/// The copy for one invitee. The result has been parsed again and checked.
///
/// # Errors
/// [`RewriteFault`] if the message cannot be read, or no form of the copy passes the check.
pub fn invite(
    source: &dyn Source,
    outline: &Outline,
    blocks: &Blocks,
    readdress: &Readdress,
) -> Result<Rewritten, RewriteFault> {
    let whole = outline.parts.first().ok_or_else(|| RewriteFault::Check("an empty outline".to_owned()))?;
    for (form, block) in [("text", &blocks.bottom_text), ("HTML", &blocks.bottom_html)] {
        if !block.contains(&blocks.link) {
            return Err(RewriteFault::NoLink(form));
        }
    }
    if has_split_header(source, whole)? {
        return Err(RewriteFault::Check("a header with a line that is no field".to_owned()));
    }
    let addresses = readdress::edits(&whole.header, readdress);
    let check = |edits: Edits, expected: Expected<'_>| {
        Check { source, outline, edits: &edits, blocks }.run(expected).map(|()| edits)
    };

    let mut flaw = None;
    let targets = if is_sealed(outline) || is_doubtful(outline) { Vec::new() } else { targets(outline) };
    if let Some(edits) = insertions(source, outline, &targets, blocks)? {
        match joined(&addresses, &edits).and_then(|edits| check(edits, Expected::Inserted(&targets))) {
            Ok(edits) => return Ok(Rewritten { edits, how: How::Inserted, flaw: None }),
            Err(Flaw::Read(error)) => return Err(RewriteFault::Read(error)),
            Err(Flaw::Found(found)) => flaw = Some(found),
        }
    }

    let how = if flaw.is_some() { How::WrappedAfterFailedCheck } else { How::Wrapped };
    let wrapping = wrap::edits(outline, whole, blocks);
    match joined(&addresses, &wrapping).and_then(|edits| check(edits, Expected::Wrapped)) {
        Ok(edits) => Ok(Rewritten { edits, how, flaw }),
        Err(Flaw::Read(error)) => Err(RewriteFault::Read(error)),
        Err(Flaw::Found(flaw)) => Err(RewriteFault::Check(flaw)),
    }
}

/// The courtesy copy: only the header changes (readdressed, Bcc removed). Also used with an empty [`Readdress`].
/// `None` is an error of the program: then there is no copy, rather than one that shows a Bcc.
#[must_use]
pub fn courtesy(outline: &Outline, readdress: &Readdress) -> Option<Edits> {
    Edits::new(readdress::edits(&outline.header, readdress))
}

/// Whether a person sees any words in it (HTML stripped, white space aside). Sealed messages count as having text, and
/// so does a text that is too long or too strange to look into.
///
/// # Errors
/// What the source says.
pub fn has_visible_text(source: &dyn Source, outline: &Outline) -> io::Result<bool> {
    if is_sealed(outline) || has_undivided_text(source, outline)? {
        return Ok(true);
    }
    for part in shown_texts(outline) {
        let Some(raw) = body(source, part)? else { return Ok(true) };
        let Some(text) = text(part, &raw) else { return Ok(true) };
        let is_html = part.content.media == "text/html";
        let text = if is_html { html::visible_text(&text) } else { Some(text) };
        if text.is_none_or(|text| text.chars().any(is_visible)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there is something in a multipart that has no parts, because its boundary is missing or wrong: many readers
/// show it as text.
fn has_undivided_text(source: &dyn Source, outline: &Outline) -> io::Result<bool> {
    let has_no_parts = |index: usize| outline.children(index).next().is_none();
    for (index, part) in outline.parts.iter().enumerate() {
        if part.content.is_multipart() && !part.is_in_attached_message && has_no_parts(index) {
            let start = source.read(part.body.start..part.body.end.min(part.body.start + TEXT_OCTETS_MAX))?;
            if start.iter().any(u8::is_ascii_graphic) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a line that is no field has ended the header, and fields that matter stand behind it: some readers go on to
/// the empty line. No copy can please both, and none must show a Bcc to one of them.
fn has_split_header(source: &dyn Source, whole: &Part) -> io::Result<bool> {
    if whole.empty_line_len() > 0 {
        return Ok(false);
    }
    let start = source.read(whole.body.start..whole.body.end.min(whole.body.start + HEADER_REST_MAX))?;
    let end = memchr::memmem::find(&start, b"\r\n\r\n").unwrap_or(start.len());
    let matters = |field: Field<'_>| {
        SPLIT_FIELDS.iter().any(|name| field.is(name))
            || field.name.to_ascii_lowercase().starts_with(b"content-")
    };
    Ok(fields(start.get(..end).unwrap_or_default()).any(matters))
}

/// The edits of all parts that get the blocks; `None` if there are none, or one of them cannot be edited.
fn insertions(
    source: &dyn Source,
    outline: &Outline,
    targets: &[Target],
    blocks: &Blocks,
) -> io::Result<Option<Vec<Edit>>> {
    let mut edits = Vec::new();
    for target in targets {
        let Some(part) = outline.parts.get(target.index) else { return Ok(None) };
        let Some(raw) = body(source, part)? else { return Ok(None) };
        let inserted = match target.form {
            Form::Plain => plain::edits(part, &raw, blocks),
            Form::Html => html::edits(part, &raw, blocks),
        };
        let Some(inserted) = inserted else { return Ok(None) };
        edits.extend(inserted);
    }
    Ok((!edits.is_empty()).then_some(edits))
}

/// All edits of a copy. That they do not overlap is a promise of those who made them, checked here.
fn joined(addresses: &[Edit], content: &[Edit]) -> Result<Edits, Flaw> {
    Edits::new([addresses, content].concat()).ok_or_else(|| Flaw::Found("edits that overlap".to_owned()))
}

/// The raw body of a part, unless it is too long.
fn body(source: &dyn Source, part: &Part) -> io::Result<Option<Bytes>> {
    let is_bounded = part.body.end - part.body.start <= TEXT_OCTETS_MAX;
    is_bounded.then(|| source.read(part.body.clone())).transpose()
}

/// The text of a part, if it can be decoded.
fn text(part: &Part, raw: &Bytes) -> Option<String> {
    let charset = Charset::of(part.content.charset.as_deref())?;
    Some(charset.decode(&Decoded::of(raw, part.content.encoding)?.octets))
}

fn is_visible(c: char) -> bool {
    let is_blank = c.is_whitespace() || c.is_control();
    // Characters of no width, and the byte order mark.
    !is_blank && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
