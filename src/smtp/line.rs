//! Lines of commands and replies: they end with CRLF, and with nothing else (RFC 5321 §2.3.8).

use bytes::{Buf, BytesMut};
use memchr::memchr;
use thiserror::Error;

/// Octets of a command line. RFC 5321 §4.5.3.1.4 asks for 512; parameters of extensions need more.
pub const COMMAND_OCTETS_MAX: usize = 2048;
/// Octets of a line that carries authentication data (RFC 4954 §4).
pub const AUTH_OCTETS_MAX: usize = 12_288;

/// Takes lines off the front of a buffer that somebody else fills.
#[derive(Debug, Default)]
pub struct LineReader {
    /// The line is longer than this: its octets are thrown away until it ends.
    over: Option<usize>,
}

/// A line that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineFault {
    /// The line is gone; the next one can be read.
    #[error("the line is longer than {0} octets")]
    TooLong(usize),
    /// Nothing behind it can be trusted: where we see two lines, somebody before us saw one.
    #[error("a line was ended by a bare LF instead of CRLF")]
    BareLf,
}

impl LineReader {
    /// The next line, without its CRLF; `None` where the buffer holds only a part of it. At most `octets_max`
    /// and what one read brings are ever kept.
    ///
    /// # Errors
    /// [`LineFault::TooLong`] when the end of the over-long line has come, [`LineFault::BareLf`] at once.
    pub fn take(&mut self, buffer: &mut BytesMut, octets_max: usize) -> Result<Option<BytesMut>, LineFault> {
        let Some(end) = memchr(b'\n', buffer) else {
            if buffer.len() > octets_max {
                self.over.get_or_insert(octets_max);
                // The last octet may be the CR of the line's end.
                buffer.advance(buffer.len() - 1);
            }
            return Ok(None);
        };
        let mut line = buffer.split_to(end + 1);
        if !line.ends_with(b"\r\n") {
            return Err(LineFault::BareLf);
        }
        let over = self.over.take().or((line.len() > octets_max).then_some(octets_max));
        if let Some(octets_max) = over {
            return Err(LineFault::TooLong(octets_max));
        }
        line.truncate(end - 1);
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(buffer: &mut BytesMut) -> Result<Option<BytesMut>, LineFault> {
        LineReader::default().take(buffer, 10)
    }

    #[test]
    fn a_line_is_taken_and_the_rest_stays() {
        let mut buffer = BytesMut::from("NOOP\r\nQUIT\r\nRS");
        assert_eq!(take(&mut buffer).unwrap().unwrap(), "NOOP");
        assert_eq!(take(&mut buffer).unwrap().unwrap(), "QUIT");
        assert_eq!(take(&mut buffer), Ok(None));
        assert_eq!(buffer, "RS");
    }

    #[test]
    fn a_bare_lf_ends_nothing() {
        assert_eq!(take(&mut BytesMut::from("NOOP\nQUIT\r\n")), Err(LineFault::BareLf));
        assert_eq!(take(&mut BytesMut::from("\n")), Err(LineFault::BareLf));
    }

    #[test]
    fn an_over_long_line_costs_no_memory_and_only_itself() {
        let mut reader = LineReader::default();
        let mut buffer = BytesMut::new();
        for _ in 0..100 {
            buffer.extend_from_slice(b"xxxxxxxxxxx\r");
            assert_eq!(reader.take(&mut buffer, 10), Ok(None));
            assert!(buffer.len() <= 1);
        }
        buffer.extend_from_slice(b"\nNOOP\r\n");
        assert_eq!(reader.take(&mut buffer, 10), Err(LineFault::TooLong(10)));
        assert_eq!(reader.take(&mut buffer, 10).unwrap().unwrap(), "NOOP");
    }

    #[test]
    fn the_limit_counts_the_line_end() {
        assert_eq!(take(&mut BytesMut::from("12345678\r\n")).unwrap().unwrap(), "12345678");
        assert_eq!(take(&mut BytesMut::from("123456789\r\n")), Err(LineFault::TooLong(10)));
    }
}
