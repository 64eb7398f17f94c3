//! Reading what arrived, with a parser that is not the one that wrote it.

use mailparse::{MailHeaderMap, ParsedMail};

/// A mail that arrived, as its reader sees it.
pub struct Arrived {
    octets: Vec<u8>,
}

impl Arrived {
    pub fn new(octets: &[u8]) -> Self {
        Self { octets: octets.to_vec() }
    }

    /// The header field, decoded; `None` if it is not there.
    pub fn field(&self, name: &str) -> Option<String> {
        self.parsed().headers.get_first_value(name)
    }

    /// All parts of this type, decoded to text, but for those that cannot be decoded.
    pub fn texts(&self, mimetype: &str) -> Vec<String> {
        self.parsed()
            .parts()
            .filter(|part| media_type(part) == mimetype)
            .filter_map(|part| part.get_body().ok())
            .collect()
    }

    /// The decoded octets of the part with this file name.
    pub fn attachment(&self, name: &str) -> Vec<u8> {
        let mail = self.parsed();
        let part = mail
            .parts()
            .find(|part| part.get_content_disposition().params.get("filename").is_some_and(|it| it == name));
        part.unwrap_or_else(|| panic!("no attachment {name}")).get_body_raw().unwrap()
    }

    /// All links that begin so, in text and HTML parts, each as often as it stands there.
    pub fn links(&self, start: &str) -> Vec<String> {
        let mut links = Vec::new();
        for text in ["text/plain", "text/html"].iter().flat_map(|mimetype| self.texts(mimetype)) {
            for (at, _) in text.match_indices(start) {
                let is_link = |c: &char| c.is_ascii_alphanumeric() || "-.:/".contains(*c);
                links.push(text[at..].chars().take_while(is_link).collect());
            }
        }
        links
    }

    /// The one link that begins so.
    pub fn link(&self, start: &str) -> String {
        let mut links = self.links(start);
        links.dedup();
        assert_eq!(links.len(), 1, "one link in {}", String::from_utf8_lossy(&self.octets));
        links.remove(0)
    }

    fn parsed(&self) -> ParsedMail<'_> {
        mailparse::parse_mail(&self.octets).unwrap()
    }
}

/// `text/plain`, without what people write in brackets behind it (RFC 2045 §5.1).
pub fn media_type<'a>(part: &'a ParsedMail<'_>) -> &'a str {
    part.ctype.mimetype.split(['(', ' ']).next().unwrap_or_default()
}

/// Header with its last CRLF, and body, without the empty line between.
pub fn halves(octets: &[u8]) -> (&[u8], &[u8]) {
    match octets.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(at) => (&octets[..at + 2], &octets[at + 4..]),
        None => (octets, &[]),
    }
}

/// The fields of a header, each with its folded lines.
pub fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut start = 0;
    for (at, _) in header.windows(2).enumerate().filter(|(_, two)| *two == b"\r\n") {
        let next = at + 2;
        if !matches!(header.get(next), Some(b' ' | b'\t')) {
            fields.push(&header[start..next]);
            start = next;
        }
    }
    fields
}
