//! The octets between DATA and the dot (RFC 5321 §4.5.2), strictly in lines that end with CRLF.
//!
//! Both directions copy runs, not octets, and give the same result however the octets are cut into chunks.

use bytes::{BufMut, BytesMut};
use memchr::{memchr2, memchr2_iter, memmem};
use thiserror::Error;

/// Octets of a line of text without its CRLF (RFC 5321 §4.5.3.1.6).
pub const LINE_OCTETS_MAX: usize = 998;

/// Takes the octets of the wire, gives those of the message, finds the end.
#[derive(Debug, Default)]
pub struct DataReader {
    at: At,
    /// Octets of the present line, without a dot that was dropped.
    line: usize,
    fault: Option<DataFault>,
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, Default)]
enum At {
    /// Before the first octet of a line. The data begin here: DATA's own CRLF is the one before the dot.
    #[default]
    LineStart,
    /// Behind the first octet of a line, a dot, which was dropped.
    Dot,
    /// Behind dot and CR; the CR is held back.
    DotCr,
    /// Inside a line.
    Text,
    /// Behind a CR that may begin a line end.
    Cr,
    /// Behind a CR that follows a CR. An LF now ends no line.
    CrCr,
}

/// How far the reader came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEnd {
    /// All was read; the end has not come.
    Pending,
    /// The end has come.
    Complete {
        /// So many octets belong to the data, the dot included; the rest is the next command.
        used: usize,
    },
}

/// What is wrong with data. It is told after their end: before it, the client does not listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DataFault {
    /// Servers that disagree on what ends a line see different messages in it (“SMTP smuggling”).
    #[error("the message has a bare CR or LF; lines must end with CRLF")]
    BareCrOrLf,
    /// A server that drops NUL, as many of those written in C do, sees the dot of such a line as the end.
    #[error("the message has a NUL at the beginning of a line; please encode what is not text")]
    NulBeginsLine,
    /// Longer than any server has to take.
    #[error("the message has a line of more than {LINE_OCTETS_MAX} octets")]
    LineTooLong,
}

/// Checks octets that come by BDAT, where nothing is doubled and no dot ends anything (RFC 3030 §2): the
/// rules for lines are the same.
#[derive(Debug, Default)]
pub struct LineCheck {
    line: usize,
    is_behind_cr: bool,
    fault: Option<DataFault>,
}

/// Makes a message fit for DATA, chunk by chunk: doubles the dots, adds the end.
#[derive(Debug, Default)]
pub struct DataWriter {
    last: Last,
}

/// What the message ended with, so far.
#[derive(Clone, Copy, Debug, Default)]
enum Last {
    /// CRLF, or nothing yet.
    #[default]
    LineEnd,
    Cr,
    Text,
}

impl DataReader {
    /// Reads `input` up to the end of the data or its own; appends the message's octets to `out`. Nothing may
    /// be read behind [`DataEnd::Complete`].
    pub fn read(&mut self, input: &[u8], out: &mut BytesMut) -> DataEnd {
        // What stands before `kept` is in `out` or dropped; what stands from there to `index` waits to be
        // copied as one.
        let mut kept = 0;
        let mut index = 0;
        while let Some(&octet) = input.get(index) {
            match (self.at, octet) {
                (At::LineStart, b'.') => {
                    out.extend_from_slice(input.get(kept..index).unwrap_or_default());
                    kept = index + 1;
                    self.at = At::Dot;
                }
                (At::Dot, b'\r') => {
                    kept = index + 1;
                    self.at = At::DotCr;
                }
                (At::DotCr, b'\n') => return DataEnd::Complete { used: index + 1 },
                (At::DotCr, _) => {
                    // Not the end after all: the CR belongs to the message, and `octet` is looked at again.
                    out.put_u8(b'\r');
                    self.line += 1;
                    self.at = At::Cr;
                    continue;
                }
                (At::Cr, b'\n') => self.end_line(),
                (At::Cr, b'\r') => {
                    self.fail(DataFault::BareCrOrLf);
                    self.at = At::CrCr;
                }
                (At::CrCr, b'\r') => {}
                (At::Cr | At::CrCr, _) => {
                    self.fail(DataFault::BareCrOrLf);
                    self.at = At::Text;
                    continue;
                }
                (At::LineStart | At::Dot, 0) => {
                    self.fail(DataFault::NulBeginsLine);
                    self.at = At::Text;
                    continue;
                }
                (At::LineStart | At::Dot | At::Text, _) => {
                    index += self.text(input.get(index..).unwrap_or_default());
                    continue;
                }
            }
            index += 1;
        }
        out.extend_from_slice(input.get(kept..).unwrap_or_default());
        DataEnd::Pending
    }

    /// What was wrong with the data, if anything: the first fault.
    #[must_use]
    pub const fn fault(&self) -> Option<DataFault> {
        self.fault
    }

    /// Passes over the inside of a line up to and with the next CR or LF; gives the octets passed.
    fn text(&mut self, input: &[u8]) -> usize {
        self.at = At::Text;
        let Some(end) = memchr2(b'\r', b'\n', input) else {
            self.line += input.len();
            return input.len();
        };
        self.line += end;
        if input.get(end) == Some(&b'\r') {
            self.at = At::Cr;
        } else {
            self.fail(DataFault::BareCrOrLf);
        }
        end + 1
    }

    fn end_line(&mut self) {
        if self.line > LINE_OCTETS_MAX {
            self.fail(DataFault::LineTooLong);
        }
        self.line = 0;
        self.at = At::LineStart;
    }

    fn fail(&mut self, fault: DataFault) {
        self.fault.get_or_insert(fault);
    }
}

impl LineCheck {
    /// Looks at the next octets of the message.
    pub fn read(&mut self, input: &[u8]) {
        let mut start = 0;
        for end in memchr2_iter(b'\r', b'\n', input) {
            self.text(input.get(start..end).unwrap_or_default());
            if input.get(end) == Some(&b'\r') {
                self.expect(!self.is_behind_cr, DataFault::BareCrOrLf);
                self.is_behind_cr = true;
            } else {
                self.expect(self.is_behind_cr, DataFault::BareCrOrLf);
                self.expect(self.line <= LINE_OCTETS_MAX, DataFault::LineTooLong);
                self.is_behind_cr = false;
                self.line = 0;
            }
            start = end + 1;
        }
        self.text(input.get(start..).unwrap_or_default());
    }

    /// What was wrong with the message, if anything: the first fault. Its last line may lack its CRLF.
    #[must_use]
    pub fn finish(mut self) -> Option<DataFault> {
        self.expect(!self.is_behind_cr, DataFault::BareCrOrLf);
        self.expect(self.line <= LINE_OCTETS_MAX, DataFault::LineTooLong);
        self.fault
    }

    fn text(&mut self, octets: &[u8]) {
        if let Some(first) = octets.first() {
            self.expect(!self.is_behind_cr, DataFault::BareCrOrLf);
            self.expect(self.line > 0 || *first != 0, DataFault::NulBeginsLine);
            self.is_behind_cr = false;
            self.line += octets.len();
        }
    }

    fn expect(&mut self, holds: bool, fault: DataFault) {
        if !holds {
            self.fault.get_or_insert(fault);
        }
    }
}

impl DataWriter {
    /// A writer at the beginning of a message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a chunk of the message to `out`, dots doubled.
    pub fn write(&mut self, chunk: &[u8], out: &mut BytesMut) {
        let mut rest = chunk;
        if let (Last::Cr, Some(behind)) = (self.last, rest.strip_prefix(b"\n")) {
            out.put_u8(b'\n');
            self.last = Last::LineEnd;
            rest = behind;
        }
        if rest.is_empty() {
            return;
        }
        out.reserve(rest.len() + 1);
        if matches!(self.last, Last::LineEnd) && rest.starts_with(b".") {
            out.put_u8(b'.');
        }
        self.last = match rest {
            [.., b'\r', b'\n'] => Last::LineEnd,
            [.., b'\r'] => Last::Cr,
            _ => Last::Text,
        };
        while let Some(end) = memmem::find(rest, b"\r\n.") {
            let (lines, behind) = rest.split_at(end + 2);
            out.extend_from_slice(lines);
            out.put_u8(b'.');
            rest = behind;
        }
        out.extend_from_slice(rest);
    }

    /// Appends the end: the dot on its own line. A last line without its CRLF gets it.
    pub fn finish(self, out: &mut BytesMut) {
        out.extend_from_slice(match self.last {
            Last::LineEnd => b".\r\n",
            Last::Cr => b"\n.\r\n",
            Last::Text => b"\r\n.\r\n",
        });
    }
}

#[cfg(test)]
mod tests;
