//! Replies: three digits, an enhanced status code, words (RFC 5321 §4.2, RFC 3463, RFC 2034).

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Octets of one line of a reply that we write, CRLF included (RFC 5321 §4.5.3.1.5).
const LINE_OCTETS_MAX: usize = 512;
/// Octets of the codes before the words: `550-5.999.999 `.
const PREFIX_OCTETS_MAX: usize = 14;
/// Lines of one reply that we read. The longest EHLO answers have two dozen.
const LINES_MAX: usize = 100;
/// Octets of one line that we read: generous, for servers that do not count.
const READ_OCTETS_MAX: usize = 2048;

/// Class, subject and detail of a status (RFC 3463 §2): `5.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnhancedCode(pub u8, pub u16, pub u16);

/// What a server answers: one code, one or several lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Three digits: 200 to 599.
    pub code: u16,
    /// The status, where the reply has one: not in greetings, in the answer to EHLO, nor in 3yz (RFC 2034
    /// §4).
    pub enhanced: Option<EnhancedCode>,
    /// The words, line by line, without codes.
    pub lines: Vec<String>,
}

/// Puts a server's reply together, line by line.
#[derive(Debug, Default)]
pub struct ReplyReader {
    /// What came so far of a reply of several lines.
    begun: Option<Reply>,
}

/// The peer does not speak SMTP; what it said instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the server's reply was not SMTP: {0}")]
pub struct ReplyFault(pub String);

impl Reply {
    /// A reply with a status, as most are.
    #[must_use]
    pub fn new(code: u16, enhanced: EnhancedCode, text: impl Into<String>) -> Self {
        Self { code, enhanced: Some(enhanced), lines: vec![text.into()] }
    }

    /// A reply without a status: a greeting, the answer to EHLO, a challenge.
    #[must_use]
    pub fn bare(code: u16, lines: Vec<String>) -> Self {
        Self { code, enhanced: None, lines }
    }

    /// Whether the command did what it should, or may go on (2yz, 3yz).
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// Whether the same command may work later (4yz).
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        400 <= self.code && self.code < 500
    }

    /// Whether it never will (5yz).
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Appends the reply as it goes over the wire.
    ///
    /// The words become ASCII (a client that did not ask for SMTPUTF8 cannot read more, RFC 6531 §3.7.4)
    /// without control characters, so that no text can pretend to be another reply; long ones are broken at a
    /// space.
    pub fn write(&self, out: &mut BytesMut) {
        let folded: Vec<String> = self.lines.iter().map(|line| ascii(line)).collect();
        let mut pieces: Vec<&str> = folded.iter().flat_map(|line| broken(line)).collect();
        let last = pieces.pop().unwrap_or_default();
        for piece in pieces {
            self.write_line(b'-', piece, out);
        }
        self.write_line(b' ', last, out);
    }

    fn write_line(&self, separator: u8, text: &str, out: &mut BytesMut) {
        out.extend_from_slice(self.code.to_string().as_bytes());
        out.put_u8(separator);
        if let Some(enhanced) = self.enhanced {
            // Each line repeats it (RFC 2034 §4).
            out.extend_from_slice(format!("{enhanced} ").as_bytes());
        }
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

impl ReplyReader {
    /// Takes one line, without its CRLF; gives the reply when it is whole, and is then ready for the next.
    ///
    /// # Errors
    /// [`ReplyFault`] if the line has no code, its code is another than that of the lines before (RFC 5321
    /// §4.2.1), or line and reply grow out of bounds.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        let text = printable(line);
        let fault = || ReplyFault(text.chars().take(80).collect());
        if line.len() > READ_OCTETS_MAX {
            return Err(fault());
        }
        let code = code_of(line).ok_or_else(fault)?;
        // "The text after the code is optional", and so is the space before it (RFC 5321 §4.2).
        let is_last = match line.get(3) {
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err(fault()),
        };
        let mut reply = self.begun.take().unwrap_or(Reply { code, enhanced: None, lines: Vec::new() });
        if reply.code != code || reply.lines.len() >= LINES_MAX {
            return Err(fault());
        }
        let (enhanced, words) = split_enhanced(code, text.get(4..).unwrap_or_default());
        reply.enhanced = reply.enhanced.or(enhanced);
        reply.lines.push(words.to_owned());
        if is_last {
            return Ok(Some(reply));
        }
        self.begun = Some(reply);
        Ok(None)
    }
}

/// The three digits at the head of a line: 2 to 5, then 0 to 5 (RFC 5321 §4.2: `Reply-code`), then any.
fn code_of(line: &[u8]) -> Option<u16> {
    let &[class @ b'2'..=b'5', subject @ b'0'..=b'5', detail @ b'0'..=b'9', ..] = line else {
        return None;
    };
    let [class, subject, detail] = [class, subject, detail].map(|digit| u16::from(digit - b'0'));
    Some(class * 100 + subject * 10 + detail)
}

/// Parts the status from the words. A status whose class is not the code's is only words (RFC 2034 §4).
fn split_enhanced(code: u16, text: &str) -> (Option<EnhancedCode>, &str) {
    let (head, words) = text.split_once(' ').unwrap_or((text, ""));
    match head.parse::<EnhancedCode>() {
        Ok(enhanced) if u16::from(enhanced.0) == code / 100 => (Some(enhanced), words),
        _ => (None, text),
    }
}

/// A line from outside as text that can go into a report or the journal: UTF-8, no control characters.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line).replace(char::is_control, " ")
}

/// The same words in printable ASCII: typographic quotes become plain ones, what has no likeness a question
/// mark.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => plain.push(c),
            '“' | '”' | '„' => plain.push('"'),
            '‘' | '’' => plain.push('\''),
            '–' | '—' => plain.push('-'),
            '…' => plain.push_str("..."),
            _ if c.is_control() => plain.push(' '),
            _ => plain.push('?'),
        }
    }
    plain
}

/// A line of ASCII in pieces that fit the wire, broken at spaces where there are any; an empty line is one
/// piece.
fn broken(line: &str) -> Vec<&str> {
    const WORDS_MAX: usize = LINE_OCTETS_MAX - PREFIX_OCTETS_MAX - 2;
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.len() > WORDS_MAX {
        let head = rest.get(..WORDS_MAX).unwrap_or_default();
        let end = head.rfind(' ').filter(|&end| end > 0).unwrap_or(WORDS_MAX);
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece);
        rest = behind.trim_start();
    }
    pieces.push(rest);
    pieces
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for EnhancedCode {
    type Err = ReplyFault;

    /// `class "." subject "." detail`: class 2, 4 or 5, the others up to three digits (RFC 3463 §2).
    fn from_str(text: &str) -> Result<Self, ReplyFault> {
        let number = |part: Option<&str>| {
            part.filter(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|part| part.parse::<u16>().ok())
        };
        let mut parts = text.split('.');
        let class = match parts.next() {
            Some("2") => Some(2),
            Some("4") => Some(4),
            Some("5") => Some(5),
            _ => None,
        };
        match (class, number(parts.next()), number(parts.next()), parts.next()) {
            (Some(class), Some(subject), Some(detail), None) => Ok(Self(class, subject, detail)),
            _ => Err(ReplyFault(text.chars().take(20).collect())),
        }
    }
}

impl fmt::Display for Reply {
    /// On one line, for people and reports: `550 5.1.1 no such user`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut out = BytesMut::new();
        reply.write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn read(lines: &[&str]) -> Result<Option<Reply>, ReplyFault> {
        let mut reader = ReplyReader::default();
        let mut last = Ok(None);
        for line in lines {
            last = Ok(reader.line(line.as_bytes())?);
        }
        last
    }

    #[test]
    fn a_reply_of_one_line() {
        let reply = Reply::new(550, EnhancedCode(5, 1, 1), "no such user");
        assert_eq!(wire(&reply), "550 5.1.1 no such user\r\n");
        assert_eq!(reply.to_string(), "550 5.1.1 no such user");
        assert_eq!(read(&["550 5.1.1 no such user"]).unwrap().unwrap(), reply);
    }

    #[test]
    fn a_reply_of_several_lines() {
        let lines = vec!["mail.corp.example".to_owned(), "SIZE 1000".to_owned()];
        let reply = Reply::bare(250, lines);
        assert_eq!(wire(&reply), "250-mail.corp.example\r\n250 SIZE 1000\r\n");
        assert_eq!(read(&["250-mail.corp.example", "250 SIZE 1000"]).unwrap().unwrap(), reply);
    }

    #[test]
    fn words_can_neither_forge_a_reply_nor_leave_ascii() {
        let reply = Reply::new(550, EnhancedCode(5, 1, 3), "“a\r\n250 ok”…é");
        assert_eq!(wire(&reply), "550 5.1.3 \"a  250 ok\"...?\r\n");
    }

    #[test]
    fn the_text_is_optional_and_the_status_must_fit_the_code() {
        assert_eq!(read(&["250"]).unwrap().unwrap(), Reply::bare(250, vec![String::new()]));
        assert_eq!(read(&["250 5.1.1 odd"]).unwrap().unwrap().enhanced, None);
        assert_eq!(read(&["250 2.0.0"]).unwrap().unwrap().enhanced, Some(EnhancedCode(2, 0, 0)));
    }

    #[test]
    fn what_is_not_a_reply_is_a_fault() {
        for lines in [
            &["250-begins", "550 ends otherwise"][..],
            &["HTTP/1.1 400 Bad Request"],
            &["25 x"],
            &["650 x"],
            &["250+x"],
            &["2500"],
            &[""],
        ] {
            assert!(read(lines).is_err(), "{lines:?}");
        }
        assert!(read(&vec!["250-x"; LINES_MAX + 1]).is_err());
        assert!(read(&[&format!("250 {}", "x".repeat(READ_OCTETS_MAX))]).is_err());
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_word_is_lost(text in "[!-~]{0,600}( [!-~]{1,30}){0,80}") {
            let written = wire(&Reply::new(452, EnhancedCode(4, 5, 3), text.clone()));
            let mut reader = ReplyReader::default();
            let mut whole = None;
            for line in written.split_terminator("\r\n") {
                prop_assert!(line.len() + 2 <= LINE_OCTETS_MAX);
                whole = reader.line(line.as_bytes()).unwrap();
            }
            let solid = |text: &str| text.replace(' ', "");
            prop_assert_eq!(solid(&whole.unwrap().lines.concat()), solid(&text));
        }

        #[test]
        fn the_neighbours_parser_reads_what_we_write(code in 200_u16..600, text in "[a-z ]{0,40}") {
            prop_assume!(code / 10 % 10 < 6);
            let written = wire(&Reply::bare(code, vec![text.clone(), text]));
            let theirs = smtp_proto::response::parser::ResponseReceiver::default()
                .parse(&mut written.as_bytes().iter())
                .unwrap();
            prop_assert_eq!(theirs.code, code);
        }

        #[test]
        fn nothing_makes_the_reader_panic(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = ReplyReader::default().line(&line);
        }
    }
}
