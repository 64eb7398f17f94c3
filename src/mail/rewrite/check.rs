//! The check of a copy: it is parsed again, from its octets, and compared with the original.
//!
//! What is edited is decoded by mail-parser, which had no part in making the edits.

use std::io;
use std::ops::Range;

use mail_parser::MessageParser;
use thiserror::Error;

use crate::mail::content::TransferEncoding;
use crate::mail::edit::{Edited, Edits, Piece, Source};
use crate::mail::field::fields;
use crate::mail::message::Facts;
use crate::mail::outline::{Bounds, Outline, Outliner, Part};
use crate::mail::rewrite::Blocks;
use crate::mail::rewrite::block::html_lines_in_ascii;
use crate::mail::rewrite::html::visible_text;
use crate::mail::rewrite::target::{Form, Target};

/// Octets of the copy that are read at once.
const CHUNK: u64 = 256 * 1024;
/// Octets at both ends of a long body that are read again: more than the longest delimiter line.
const MARGIN: u64 = 4096;
/// Longest line, with its CRLF (RFC 5321 §4.5.3.1.6).
const LINE_OCTETS_MAX: usize = 1000;
/// Parts that wrapping puts around the sender's: mixed, alternative, text, HTML.
const WRAPPING_PARTS: usize = 4;
/// How deep the last of these lie.
const WRAPPING_DEPTH: usize = 2;

/// What a copy must be.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// The same tree; these parts carry the blocks.
    Inserted(&'a [Target]),
    /// The whole tree inside a new one.
    Wrapped,
}

/// Why a copy is not what it must be.
#[derive(Debug, Error)]
pub enum Flaw {
    /// The message could not be read.
    #[error("reading the message")]
    Read(#[from] io::Error),
    /// In words for the log.
    #[error("{0}")]
    Found(String),
}

/// An original and the copy to be checked.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// The sender's message.
    pub source: &'a dyn Source,
    /// Its structure.
    pub outline: &'a Outline,
    /// What makes the copy of it.
    pub edits: &'a Edits,
    /// What the copy must carry.
    pub blocks: &'a Blocks,
}

impl Check<'_> {
    /// Compares.
    ///
    /// # Errors
    /// [`Flaw`] says what is wrong with the copy.
    pub fn run(&self, expected: Expected<'_>) -> Result<(), Flaw> {
        let copy = Edited::new(self.source, self.edits);
        let outline = self.outline_of(&copy)?;
        self.lines(&copy)?;
        self.header(&outline)?;
        // A line of ours may begin as a delimiter of the sender's does.
        let doubts = |outline: &Outline| outline.parts.iter().filter(|part| part.doubtful).count();
        require(doubts(&outline) <= doubts(self.outline), "a structure that can be read in two ways")?;
        match expected {
            Expected::Inserted(targets) => {
                require(outline.parts.len() == self.outline.parts.len(), "another number of parts")?;
                for (index, (old, new)) in self.outline.parts.iter().zip(&outline.parts).enumerate() {
                    match targets.iter().find(|target| target.index == index) {
                        Some(target) => {
                            require(
                                old.parent == new.parent && old.content.media == new.content.media,
                                "a part moved",
                            )?;
                            self.edited_part(target.form, old, new, &copy)?;
                        }
                        None => self.kept_part((index, old), new, 0)?,
                    }
                }
                Ok(())
            }
            Expected::Wrapped => self.wrapped(&outline, &copy),
        }
    }

    /// The copy's structure, from its octets.
    fn outline_of(&self, copy: &Edited<'_>) -> Result<Outline, Flaw> {
        let headers: usize = self.outline.parts.iter().map(|part| part.header.len()).sum();
        let added: usize = self.edits.iter().map(|edit| edit.replacement.len()).sum();
        let mut outliner = Outliner::new(Bounds {
            // And one line more, of which it is seen only at its end that it is no field.
            header_octets_max: headers + added + LINE_OCTETS_MAX,
            parts_max: self.outline.parts.len() + WRAPPING_PARTS,
            depth_max: self.outline.parts.iter().map(|part| part.depth + 1).fold(WRAPPING_DEPTH, usize::max),
        });
        let mut known = self.known_bodies().peekable();
        for piece in self.edits.pieces(self.source.len()) {
            let mut range = match piece {
                Piece::Replacement(octets) => {
                    outliner.feed(octets);
                    continue;
                }
                Piece::Original(range) => range,
            };
            while let Some(body) = known.next_if(|body| body.start < range.end) {
                // An edited body lies in several pieces.
                if body.start < range.start || body.end > range.end {
                    continue;
                }
                self.feed(&mut outliner, range.start..body.start)?;
                range.start = if outliner.pass(body.end - body.start) { body.end } else { body.start };
            }
            self.feed(&mut outliner, range)?;
        }
        let outline = outliner.finish();
        require(outline.len() == copy.len(), "a length that does not add up")?;
        match &outline.fault {
            Some(fault) => Err(Flaw::Found(fault.to_string())),
            None => Ok(outline),
        }
    }

    /// The insides of long bodies. The first scan has shown that no delimiter of the sender's stands there, our own
    /// boundaries nobody can foresee, and that the multiparts around have kept theirs is seen in their headers. So they
    /// need not be read again for each copy; their margins are, that all ends where it should.
    fn known_bodies(&self) -> impl Iterator<Item = Range<u64>> {
        let parts = self.outline.parts.iter().enumerate();
        parts
            .filter(move |(index, part)| !part.content.is_multipart() && !self.has_parts(*index))
            .map(|(_, part)| part.body.start + MARGIN..part.body.end.saturating_sub(MARGIN))
            .filter(|body| !body.is_empty())
    }

    fn has_parts(&self, index: usize) -> bool {
        self.outline.parts.get(index + 1).is_some_and(|next| next.parent == Some(index))
    }

    fn feed(&self, outliner: &mut Outliner, range: Range<u64>) -> io::Result<()> {
        for chunk in chunks(range) {
            outliner.feed(&self.source.read(chunk)?);
        }
        Ok(())
    }

    /// Lines that the edits made or changed: CRLF, and not too long.
    fn lines(&self, copy: &Edited<'_>) -> Result<(), Flaw> {
        let mut at = 0_u64;
        for piece in self.edits.pieces(self.source.len()) {
            let len = match piece {
                Piece::Original(range) => range.end - range.start,
                Piece::Replacement(octets) => {
                    // With what stands on the same lines before and behind.
                    let len = octets.len() as u64;
                    let around = at.saturating_sub(LINE_OCTETS_MAX as u64)
                        ..(at + len + LINE_OCTETS_MAX as u64).min(copy.len());
                    let lead = usize::try_from(at - around.start).unwrap_or_default();
                    let end = lead + octets.len();
                    line_flaw(&copy.read(around)?, lead..end)?;
                    len
                }
            };
            at += len;
        }
        Ok(())
    }

    /// What the header says of sender, subject and thread is the same.
    fn header(&self, copy: &Outline) -> Result<(), Flaw> {
        let (old, new) = (Facts::read(self.outline), Facts::read(copy));
        require(old.from == new.from && old.sender == new.sender, "another sender")?;
        require(old.subject == new.subject, "another subject")?;
        require(old.message_id == new.message_id && old.references == new.references, "another thread")?;
        let hidden = fields(&copy.header).any(|field| field.is("Bcc") || field.is("Resent-Bcc"));
        require(!hidden, "a hidden recipient named")
    }

    /// A part that no edit touches: header and body are the original's octets.
    fn kept_part(&self, (index, old): (usize, &Part), new: &Part, parents_added: usize) -> Result<(), Flaw> {
        let is_top = old.parent.is_none();
        require(old.parent.map(|parent| parent + parents_added) == new.parent || is_top, "a part moved")?;
        require(old.content == new.content, "another kind of content")?;
        require(is_top || is_same_header(old, new), "a part's header changed")?;
        // A part with parts of its own, attached messages included, is kept if they are.
        if self.has_parts(index) {
            return Ok(());
        }
        let touched =
            self.edits.iter().any(|edit| edit.range.start < old.body.end && edit.range.end > old.body.start);
        let same_len = old.body.end - old.body.start == new.body.end - new.body.start;
        // What has no octets stands nowhere.
        let same_place =
            old.body.is_empty() || self.edits.place_after(old.body.start) == Some(new.body.start);
        require(same_place && same_len && !touched, "a part's body changed")
    }

    /// A part with the blocks in it.
    fn edited_part(&self, form: Form, old: &Part, new: &Part, copy: &Edited<'_>) -> Result<(), Flaw> {
        let is_seven_bit = new.content.encoding == TransferEncoding::SevenBit;
        require(
            !is_seven_bit || new.octets.eight_bit <= old.octets.eight_bit,
            "eight bits in a seven bit part",
        )?;
        let before = text_of(self.source, old)?;
        let after = text_of(copy, new)?;
        self.blocks_in(form, &after)?;
        let blocks = match form {
            Form::Plain => [&self.blocks.top_text, &self.blocks.bottom_text],
            Form::Html => [&self.blocks.top_html, &self.blocks.bottom_html],
        };
        let rest = without_blocks(squeezed(&after), blocks);
        require(rest == squeezed(&before), "the sender's text changed")
    }

    fn blocks_in(&self, form: Form, text: &str) -> Result<(), Flaw> {
        require(text.contains(&self.blocks.link), "no link")?;
        let (seen, blocks) = match form {
            Form::Plain => (
                Some(text.to_owned()),
                [&self.blocks.top_text, &self.blocks.bottom_text].map(|b| Some(b.clone())),
            ),
            Form::Html => (
                visible_text(text),
                [&self.blocks.top_html, &self.blocks.bottom_html].map(|block| visible_text(block)),
            ),
        };
        let seen = squeezed(&seen.unwrap_or_default());
        let all_seen = blocks.iter().flatten().all(|block| seen.contains(&squeezed(block)));
        require(all_seen, "a block that nobody sees")
    }

    /// mixed { alternative { text, HTML }, the sender's tree }
    fn wrapped(&self, outline: &Outline, copy: &Edited<'_>) -> Result<(), Flaw> {
        let media: Vec<&str> =
            outline.parts.iter().take(WRAPPING_PARTS).map(|part| part.content.media.as_str()).collect();
        let expected = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"];
        require(media == expected, "not wrapped as it should be")?;
        require(outline.parts.len() == self.outline.parts.len() + WRAPPING_PARTS, "another number of parts")?;
        for (form, part) in [Form::Plain, Form::Html].into_iter().zip(outline.parts.iter().skip(2)) {
            self.blocks_in(form, &text_of(copy, part)?)?;
        }
        let content = outline.parts.iter().skip(WRAPPING_PARTS);
        require(
            content.clone().next().is_some_and(|part| part.parent == Some(0)),
            "the content is not the second part",
        )?;
        self.outline
            .parts
            .iter()
            .enumerate()
            .zip(content)
            .try_for_each(|(old, new)| self.kept_part(old, new, WRAPPING_PARTS))
    }
}

/// Whether the header is octet for octet the same. One that ends with the message, and so has no empty line, gets one by
/// what wrapping puts behind it.
fn is_same_header(old: &Part, new: &Part) -> bool {
    let has_no_end = old.empty_line_len() == 0 && old.body.is_empty();
    let rest = new.header.strip_prefix(old.header.as_ref());
    rest.is_some_and(|rest| rest.is_empty() || has_no_end && rest == b"\r\n")
}

/// The text of a part, decoded by a parser that did not make the edits.
fn text_of(source: &dyn Source, part: &Part) -> Result<String, Flaw> {
    let body = source.read(part.body.clone())?;
    let mut message: Vec<u8> = Vec::with_capacity(part.header.len() + body.len());
    message.extend_from_slice(&part.header);
    message.extend_from_slice(&body);
    let parsed = MessageParser::default().parse(&message);
    let text = parsed.as_ref().and_then(|message| message.part(0)).and_then(|part| part.text_contents());
    text.map(ToOwned::to_owned).ok_or_else(|| Flaw::Found("a text that cannot be read".to_owned()))
}

/// The text without the blocks: the first occurrence of the top one, the last of the bottom one.
fn without_blocks(mut text: String, [top, bottom]: [&String; 2]) -> String {
    let written = |block: &str| [squeezed(block), squeezed(&html_lines_in_ascii(block).concat())];
    let first = written(top).into_iter().find_map(|block| Some((text.find(&block)?, block.len())));
    if let Some((at, len)) = first {
        text.replace_range(at..at + len, "");
    }
    let last = written(bottom).into_iter().find_map(|block| Some((text.rfind(&block)?, block.len())));
    if let Some((at, len)) = last {
        text.replace_range(at..at + len, "");
    }
    text
}

/// Without white space: lines may be folded, stuffed and padded.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect()
}

/// Looks at the lines that touch `range`.
fn line_flaw(octets: &[u8], range: Range<usize>) -> Result<(), Flaw> {
    let new = octets.get(range.clone()).unwrap_or_default();
    let feeds = memchr::memchr_iter(b'\n', new).map(|at| range.start + at);
    for at in feeds {
        require(at.checked_sub(1).and_then(|before| octets.get(before)) == Some(&b'\r'), "a bare LF")?;
    }
    for at in memchr::memchr_iter(b'\r', new).map(|at| range.start + at) {
        require(octets.get(at + 1) == Some(&b'\n'), "a bare CR")?;
    }
    let mut at = 0;
    for line in octets.split_inclusive(|&b| b == b'\n') {
        let touches = at < range.end && at + line.len() > range.start;
        require(!touches || line.len() <= LINE_OCTETS_MAX, "a line that is too long")?;
        at += line.len();
    }
    Ok(())
}

fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let chunk = at..(at + CHUNK).min(range.end);
        at = chunk.end;
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn require(holds: bool, flaw: &str) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(Flaw::Found(flaw.to_owned())) }
}
