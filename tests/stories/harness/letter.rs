//! Mails as people's programs write them.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A mail that is being written.
#[derive(Clone, Debug)]
pub struct Letter {
    from: String,
    fields: Vec<(&'static str, String)>,
    text: String,
    html: Option<String>,
    attachment: Option<(String, Vec<u8>)>,
}

impl Letter {
    /// From Alice of the staff, with a subject.
    pub fn new(subject: &str) -> Self {
        Self {
            from: "Alice Archer <alice@corp.example>".to_owned(),
            fields: vec![("Subject", subject.to_owned())],
            text: "Dear Kim,\r\n\r\nplease send us the plans of the east wing.\r\n\r\nAlice\r\n".to_owned(),
            html: None,
            attachment: None,
        }
    }

    pub fn from(mut self, from: &str) -> Self {
        from.clone_into(&mut self.from);
        self
    }

    pub fn to(self, to: &str) -> Self {
        self.field("To", to)
    }

    pub fn cc(self, cc: &str) -> Self {
        self.field("Cc", cc)
    }

    /// One more header field.
    pub fn field(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    /// The text, in ASCII, with CRLF.
    pub fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// The same once more in HTML.
    pub fn html(mut self, html: &str) -> Self {
        self.html = Some(html.to_owned());
        self
    }

    pub fn attach(mut self, name: &str, octets: &[u8]) -> Self {
        self.attachment = Some((name.to_owned(), octets.to_vec()));
        self
    }

    /// The mail as it is sent.
    pub fn octets(&self) -> Vec<u8> {
        let mut mail = format!("From: {}\r\n", self.from);
        for (name, value) in &self.fields {
            write!(mail, "{name}: {value}\r\n").unwrap();
        }
        mail += "Date: Tue, 24 Nov 2026 13:37:00 +0100\r\nMessage-ID: <plans.1@corp.example>\r\nMIME-Version: 1.0\r\n";
        match &self.attachment {
            None => mail += &self.body(),
            Some((name, octets)) => {
                write!(
                    mail,
                    "Content-Type: multipart/mixed; boundary=\"=_outer\"\r\n\r\n--=_outer\r\n{}\r\n--=_outer\r\n\
                     Content-Type: application/octet-stream; name=\"{name}\"\r\n\
                     Content-Disposition: attachment; filename=\"{name}\"\r\n\
                     Content-Transfer-Encoding: base64\r\n\r\n{}--=_outer--\r\n",
                    self.body(),
                    base64_lines(octets),
                )
                .unwrap();
            }
        }
        mail.into_bytes()
    }

    /// The text, or text and HTML as alternatives, with its own header.
    fn body(&self) -> String {
        let text = format!(
            "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{}",
            self.text
        );
        let Some(html) = &self.html else {
            return text;
        };
        format!(
            "Content-Type: multipart/alternative; boundary=\"=_inner\"\r\n\r\n--=_inner\r\n{text}\r\n--=_inner\r\n\
             Content-Type: text/html; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{html}\r\n\
             --=_inner--\r\n"
        )
    }
}

/// Base64 in lines of 76 (RFC 2045 §6.8).
fn base64_lines(octets: &[u8]) -> String {
    let encoded = STANDARD.encode(octets);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / 38 + 2);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(76));
        lines.push_str(line);
        lines.push_str("\r\n");
        rest = behind;
    }
    lines
}

/// So many octets that no compressor, encoder or lucky accident makes equal to others.
pub fn noise(count: usize) -> Vec<u8> {
    // Xorshift (Marsaglia 2003) with a fixed seed: the same noise in each run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    })
    .take(count)
    .collect()
}
