//! The structure of a message, scanned once, as its octets arrive (RFC 5322, RFC 2045, RFC 2046).
//!
//! [`Outliner`] takes chunks of any size and keeps headers only: bodies are passed over by searching for lines that
//! begin with `--`, and never decoded. What comes out, [`Outline`], names the place of every part in the message.
//! Where readers of mail are known to disagree about a structure the part is marked [`Part::doubtful`], so that
//! nothing is built on it.

mod delimiter;
mod scan;

use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

pub use self::scan::Outliner;
use crate::mail::content::Content;

/// Bounds of the scan (see `config::Limits`).
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Octets of all headers together, those of the parts included.
    pub header_octets_max: usize,
    /// Parts, the message itself and those of attached messages included.
    pub parts_max: usize,
    /// Levels of parts within parts; the message itself is level 0.
    pub depth_max: usize,
}

/// Where everything stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The top header, up to and with the empty line.
    pub header: Bytes,
    /// What follows it, to the end of the message.
    pub body: Range<u64>,
    /// The message itself first, then every part before its own parts. Never empty.
    pub parts: Vec<Part>,
    /// Why the message must be refused. If there is one, the rest is only what was seen until then.
    pub fault: Option<OutlineFault>,
}

/// One part of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which part it lies in, by its index; the message itself lies in none.
    pub parent: Option<usize>,
    /// Levels above it.
    pub depth: usize,
    /// Its header, with the empty line.
    pub header: Bytes,
    /// Where the header stands.
    pub header_range: Range<u64>,
    /// Where the body stands, without the line break that belongs to the next delimiter.
    pub body: Range<u64>,
    /// What the header says.
    pub content: Content,
    /// Part of an attached message (message/rfc822): counted, never edited.
    pub is_in_attached_message: bool,
    /// What kind of octets the body has, parts aside.
    pub octets: Octets,
    /// Readers may see another structure here: a line that only begins like a delimiter, fields said twice.
    pub doubtful: bool,
}

/// The kind of octets a body has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Octets {
    /// Some are above 127.
    pub eight_bit: bool,
    /// Some are NUL.
    pub nul: bool,
}

/// A structure that is refused (550 5.6.1), in words for the sender.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutlineFault {
    /// The limit is given.
    #[error("the message has more than {0} parts; please attach fewer files, or put them into one archive")]
    TooManyParts(usize),
    /// The limit is given.
    #[error(
        "the message has parts nested more than {0} levels deep; please attach what was forwarded as a file"
    )]
    TooDeep(usize),
    /// The limit in octets is given.
    #[error(
        "the headers of the message are longer than {0} octets; please write a new message, or to fewer people"
    )]
    HeaderTooLong(usize),
    /// RFC 2046 §5.2.2.
    #[error("the message is one piece of a split message (message/partial); please send it in one piece")]
    Partial,
    /// RFC 2046 §5.2.3.
    #[error(
        "the message points to content kept elsewhere (message/external-body); please attach the content itself"
    )]
    ExternalBody,
}

impl Outline {
    /// Octets of the message.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.body.end
    }

    /// Whether the message has no octets at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parts that lie directly in a part, in order.
    pub fn children(&self, index: usize) -> impl Iterator<Item = (usize, &Part)> {
        self.parts.iter().enumerate().filter(move |(_, part)| part.parent == Some(index))
    }

    /// Whether the header or any body needs a path that lets eight bits through (RFC 6152, RFC 6531).
    #[must_use]
    pub fn has_eight_bit(&self) -> bool {
        self.parts.iter().any(|part| part.octets.eight_bit || !part.header.is_ascii())
    }
}

impl Part {
    /// Octets of the empty line that ends the header, as it must (RFC 5322 §2.1); 0 if it is missing.
    #[must_use]
    pub fn empty_line_len(&self) -> usize {
        match self.header.as_ref() {
            b"\r\n" | [.., b'\n', b'\r', b'\n'] => 2,
            b"\n" | [.., b'\n', b'\n'] => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
