//! The scanner: one pass, a few hundred octets of state beside the headers.

use bytes::Bytes;
use memchr::memmem;

use crate::mail::content::{BOUNDARY_MAX, Content};
use crate::mail::field::{HeaderLine, without_break};
use crate::mail::outline::delimiter::{Delimiter, Kind};
use crate::mail::outline::{Bounds, Octets, Outline, OutlineFault, Part};

/// Longest line that is looked at as a delimiter: two hyphens, the boundary, two hyphens, some padding, CRLF.
const DELIMITER_LINE_MAX: usize = BOUNDARY_MAX + 64;
/// What a part is that does not say (RFC 2045 §5.2).
const DEFAULT_MEDIA: &str = "text/plain";

/// Scans a message. Feed it all octets, then [`Outliner::finish`].
#[derive(Debug)]
pub struct Outliner {
    bounds: Bounds,
    delimiter_search: memmem::Finder<'static>,
    reading: Reading,
    /// Octets seen.
    at: u64,
    /// The octet before `at`.
    previous: u8,
    /// What has been kept of the present line, and where it begins.
    line: Vec<u8>,
    line_start: u64,
    /// Octets of the line break before it: it belongs to the delimiter, if the line is one (RFC 2046 §5.1.1).
    break_len: u64,
    header_octets: usize,
    parts: Vec<Scanned>,
    /// From the message down to the part that is being read, as indices into `parts`.
    path: Vec<usize>,
    fault: Option<OutlineFault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Lines of a header are kept.
    Header,
    /// At the beginning of a body line that may be a delimiter.
    LineHead,
    /// Somewhere in a body.
    Body,
}

/// A part while it is being scanned.
#[derive(Debug)]
struct Scanned {
    part: Part,
    header: Vec<u8>,
    /// What its delimiters look like, as long as it may have more of them.
    open_boundary: Option<Vec<u8>>,
}

impl Outliner {
    /// A scanner at the first octet of a message.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let mut outliner = Self {
            bounds,
            delimiter_search: memmem::Finder::new(b"\n--"),
            reading: Reading::Header,
            at: 0,
            previous: 0,
            line: Vec::new(),
            line_start: 0,
            break_len: 0,
            header_octets: 0,
            parts: Vec::new(),
            path: Vec::new(),
            fault: None,
        };
        outliner.open_part(0, false);
        outliner
    }

    /// Goes on with the next octets.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = match self.reading {
                _ if self.fault.is_some() => rest.len(),
                Reading::Header => self.read_header(rest),
                Reading::LineHead => self.read_line_head(rest),
                Reading::Body => self.read_body(rest),
            };
            let (seen, behind) = rest.split_at(taken.clamp(1, rest.len()));
            self.at += seen.len() as u64;
            self.previous = seen.last().copied().unwrap_or(self.previous);
            rest = behind;
            if self.reading != Reading::Body && self.line.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// Passes over octets in the middle of a body of which it is known that no delimiter begins a line in them, without
    /// seeing them: what kind of octets they are stays unknown. `false`, and nothing is passed, where a header is being
    /// read.
    pub fn pass(&mut self, octets: u64) -> bool {
        if self.reading == Reading::Header {
            return false;
        }
        self.pass_line();
        self.at += octets;
        self.previous = 0;
        true
    }

    /// Why the message must be refused, as soon as it is known.
    #[must_use]
    pub const fn fault(&self) -> Option<&OutlineFault> {
        self.fault.as_ref()
    }

    /// The message has ended.
    #[must_use]
    pub fn finish(mut self) -> Outline {
        if !self.line.is_empty() && self.fault.is_none() {
            self.end_line();
        }
        while self.reading == Reading::Header {
            self.end_header(false, self.at);
        }
        self.close_parts(0, self.at);
        let parts: Vec<Part> = self
            .parts
            .into_iter()
            .map(|scanned| Part { header: Bytes::from(scanned.header), ..scanned.part })
            .collect();
        let (header, body) =
            parts.first().map(|whole| (whole.header.clone(), whole.body.clone())).unwrap_or_default();
        Outline { header, body, parts, fault: self.fault }
    }

    /// Takes octets up to the end of the line, as many as a header may still have.
    fn read_header(&mut self, rest: &[u8]) -> usize {
        let line_end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let room = (self.bounds.header_octets_max + 1).saturating_sub(self.header_octets + self.line.len());
        let piece = rest.get(..line_end.min(room)).unwrap_or_default();
        self.line.extend_from_slice(piece);
        if self.header_octets + self.line.len() > self.bounds.header_octets_max {
            self.fault = Some(OutlineFault::HeaderTooLong(self.bounds.header_octets_max));
        }
        piece.len()
    }

    /// Takes octets of a line for as long as it may be a delimiter.
    fn read_line_head(&mut self, rest: &[u8]) -> usize {
        let hyphens = b"--".get(self.line.len()..).unwrap_or_default();
        if let (Some(expected), Some(first)) = (hyphens.first(), rest.first()) {
            if first == expected {
                self.line.push(*first);
                return 1;
            }
            self.pass_line();
            return self.read_body(rest);
        }
        let line_end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let room = DELIMITER_LINE_MAX.saturating_sub(self.line.len());
        if room == 0 {
            self.pass_line();
            return self.read_body(rest);
        }
        let piece = rest.get(..line_end.min(room)).unwrap_or_default();
        self.line.extend_from_slice(piece);
        piece.len()
    }

    /// Passes over a body up to the next line that begins with hyphens.
    fn read_body(&mut self, rest: &[u8]) -> usize {
        self.reading = Reading::Body;
        let in_multipart = self.open_boundaries().next().is_some();
        let found = if in_multipart { self.delimiter_search.find(rest) } else { None };
        let len = match (found, rest) {
            (Some(at), _) => at + 1,
            // The line break is the last octet: the hyphens may come with the next chunk.
            (None, [.., b'\n']) if in_multipart => rest.len(),
            (None, [body @ .., b'\n', b'-']) if in_multipart => body.len() + 1,
            (None, _) => {
                self.observe(rest);
                return rest.len();
            }
        };
        let passed = rest.get(..len).unwrap_or_default();
        self.observe(passed);
        let before_break = passed.iter().rev().nth(1).copied().unwrap_or(self.previous);
        self.begin_line(self.at + len as u64, if before_break == b'\r' { 2 } else { 1 });
        len
    }

    /// A line begins at `start`, behind a line break of so many octets; it may be a delimiter.
    fn begin_line(&mut self, start: u64, break_len: u64) {
        self.reading = Reading::LineHead;
        self.line.clear();
        self.line_start = start;
        self.break_len = break_len;
    }

    /// What was kept of the line belongs to a body.
    fn pass_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.observe(&line);
        self.reading = Reading::Body;
    }

    /// The kept line is whole, or the message ends in it.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let (start, next) = (self.line_start, self.at);
        while self.reading == Reading::Header {
            if self.delimiter(&line).is_none() {
                match HeaderLine::of(&line) {
                    HeaderLine::Field => return self.keep_header_line(&line),
                    HeaderLine::End => {
                        self.keep_header_line(&line);
                        self.end_header(true, next);
                        return self.go_on(&line);
                    }
                    HeaderLine::Other => {}
                }
            }
            self.end_header(false, start);
        }
        match self.delimiter(&line) {
            Some(delimiter) => self.delimit(&delimiter, start),
            None => self.observe(&line),
        }
        self.go_on(&line);
    }

    /// The next line follows `line`, in a header or in a body.
    fn go_on(&mut self, line: &[u8]) {
        if self.reading == Reading::Header {
            self.line_start = self.at;
        } else {
            self.begin_line(self.at, line_break_len(line));
        }
    }

    fn keep_header_line(&mut self, line: &[u8]) {
        self.header_octets += line.len();
        self.line_start = self.at;
        if let Some(scanned) = self.last_mut() {
            scanned.header.extend_from_slice(line);
        }
    }

    /// The header of the part being read is whole; its body begins at `body_start`.
    fn end_header(&mut self, closed: bool, body_start: u64) {
        self.reading = Reading::LineHead;
        let default_media = self.default_media();
        let Some(scanned) = self.last_mut() else { return };
        let content = Content::read(&scanned.header, default_media);
        let part = &mut scanned.part;
        part.header_range.end = body_start;
        part.body = body_start..body_start;
        part.doubtful = content.contradictory || !closed;
        if content.is_multipart() {
            scanned.open_boundary.clone_from(&content.boundary);
        }
        let is_attached_message =
            matches!(content.media.as_str(), "message/rfc822" | "message/global" | "message/news")
                && content.encoding.is_identity();
        let fault = match content.media.as_str() {
            "message/partial" => Some(OutlineFault::Partial),
            "message/external-body" => Some(OutlineFault::ExternalBody),
            _ => None,
        };
        part.content = content;
        self.fault = self.fault.take().or(fault);
        if is_attached_message {
            self.open_part(body_start, true);
        }
    }

    fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        Delimiter::find(without_break(line), self.open_boundaries().rev())
    }

    /// Ends the bodies that the delimiter line at `start` ends.
    fn delimit(&mut self, delimiter: &Delimiter, start: u64) {
        let body_end = start.saturating_sub(self.break_len);
        let Delimiter { level, kind, doubtful } = *delimiter;
        if doubtful && let Some(scanned) = self.path.get(level).and_then(|&index| self.parts.get_mut(index)) {
            scanned.part.doubtful = true;
        }
        match kind {
            Kind::Next => {
                self.close_parts(level + 1, body_end);
                self.open_part(self.at, false);
            }
            Kind::Close => {
                self.close_parts(level + 1, body_end);
                if let Some(scanned) = self.last_mut() {
                    scanned.open_boundary = None;
                }
            }
            Kind::Begins => {}
        }
    }

    /// The parts on the path from `level` on end at `end`, or where their header ends: the line break in front of a
    /// delimiter belongs to a header that has nothing behind it.
    fn close_parts(&mut self, level: usize, end: u64) {
        let mut end = end;
        for index in self.path.split_off(level.min(self.path.len())).into_iter().rev() {
            if let Some(Scanned { part, .. }) = self.parts.get_mut(index) {
                end = end.max(part.body.start);
                part.body.end = end;
            }
        }
    }

    /// A part begins at `start`, inside the one that is being read.
    fn open_part(&mut self, start: u64, as_attached_message: bool) {
        let depth = self.path.len();
        if self.parts.len() >= self.bounds.parts_max {
            self.fault = self.fault.take().or(Some(OutlineFault::TooManyParts(self.bounds.parts_max)));
        }
        if depth > self.bounds.depth_max {
            self.fault = self.fault.take().or(Some(OutlineFault::TooDeep(self.bounds.depth_max)));
        }
        let parent = self.path.last().copied();
        let inherited = self.last_mut().is_some_and(|scanned| scanned.part.is_in_attached_message);
        let part = Part {
            parent,
            depth,
            header: Bytes::new(),
            header_range: start..start,
            body: start..start,
            content: Content::read(b"", DEFAULT_MEDIA),
            is_in_attached_message: as_attached_message || inherited,
            octets: Octets::default(),
            doubtful: false,
        };
        self.path.push(self.parts.len());
        self.parts.push(Scanned { part, header: Vec::new(), open_boundary: None });
        self.reading = Reading::Header;
        self.line_start = start;
    }

    /// What the part being read is if it does not say: a part of a digest is a message (RFC 2046 §5.1.5).
    fn default_media(&self) -> &'static str {
        let parent = self.path.iter().rev().nth(1).and_then(|&index| self.parts.get(index));
        match parent {
            Some(parent) if parent.part.content.media == "multipart/digest" => "message/rfc822",
            _ => DEFAULT_MEDIA,
        }
    }

    fn observe(&mut self, octets: &[u8]) {
        if let Some(Scanned { part, .. }) = self.last_mut() {
            part.octets.eight_bit = part.octets.eight_bit || !octets.is_ascii();
            part.octets.nul = part.octets.nul || memchr::memchr(0, octets).is_some();
        }
    }

    /// The multiparts that are being read, from the outside in: their levels on the path and their boundaries.
    fn open_boundaries(&self) -> impl DoubleEndedIterator<Item = (usize, &[u8])> {
        self.path.iter().enumerate().filter_map(|(level, &index)| {
            let boundary = self.parts.get(index)?.open_boundary.as_deref()?;
            Some((level, boundary))
        })
    }

    fn last_mut(&mut self) -> Option<&mut Scanned> {
        self.path.last().and_then(|&index| self.parts.get_mut(index))
    }
}

fn line_break_len(line: &[u8]) -> u64 {
    (line.len() - without_break(line).len()) as u64
}
