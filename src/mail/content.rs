//! What a part's header says of its content (RFC 2045, RFC 2046, RFC 2183, RFC 2231, RFC 3676).

use crate::mail::field::fields;
use crate::mail::parameters::{Cursor, Parameters};

/// Longest boundary taken. RFC 2046 §5.1.1 allows 70 octets; some clients write more.
pub const BOUNDARY_MAX: usize = 250;

/// The content fields of one part, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// `type/subtype` in lower case; `text/plain` where nothing usable is said (RFC 2045 §5.2).
    pub media: String,
    /// The charset parameter, in lower case.
    pub charset: Option<String>,
    /// What parts the bodies of a multipart.
    pub boundary: Option<Vec<u8>>,
    /// `format=flowed` (RFC 3676 §4).
    pub flowed: bool,
    /// `DelSp=yes` (RFC 3676 §4).
    pub del_sp: bool,
    /// Which part is the root of a multipart/related (RFC 2387 §3.2), without angle brackets.
    pub start: Option<String>,
    /// The method of a text/calendar: it is a meeting request or an answer to one (RFC 5546).
    pub method: Option<String>,
    /// Content-ID, without angle brackets.
    pub id: Option<String>,
    /// How the octets are written.
    pub encoding: TransferEncoding,
    /// Meant to be kept rather than shown, or named like a file.
    pub attachment: Attachment,
    /// The name it should have as a file, in lower case.
    pub file_name: Option<String>,
    /// Said twice and differently, or not as RFC 2045 §5.1 wants it: readers may disagree about the structure.
    pub contradictory: bool,
}

/// Content-Transfer-Encoding (RFC 2045 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// Plain lines of ASCII; also where nothing is said.
    SevenBit,
    /// Plain lines.
    EightBit,
    /// Plain octets.
    Binary,
    /// RFC 2045 §6.7.
    QuotedPrintable,
    /// RFC 2045 §6.8.
    Base64,
    /// Something else, which nobody can decode here.
    Unknown,
}

/// How far a part is an attachment (RFC 2183 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attachment {
    /// Nothing says so.
    No,
    /// It has a file name, though it may be shown.
    Named,
    /// Its disposition says so; an unknown disposition counts as one (RFC 2183 §2.8).
    Yes,
}

impl Content {
    /// Reads the header of a part. `default_media` is what the part is if it does not say.
    #[must_use]
    pub fn read(header: &[u8], default_media: &str) -> Self {
        let mut content = Self::unsaid(default_media);
        let mut types_seen = 0;
        let mut encoding = None;
        for field in fields(header) {
            if field.is("Content-Type") {
                types_seen += 1;
                if types_seen == 1 {
                    content.read_type(field.value, default_media);
                }
            } else if field.is("Content-Transfer-Encoding") {
                let said = TransferEncoding::read(field.value);
                content.contradictory |= encoding.is_some_and(|before| before != said);
                encoding = Some(said);
                content.encoding = said;
            } else if field.is("Content-Disposition") {
                content.read_disposition(field.value);
            } else if field.is("Content-ID") {
                content.id = Some(in_brackets(&String::from_utf8_lossy(field.value)).to_owned());
            }
        }
        content.contradictory |= types_seen > 1;
        content
    }

    /// Whether it is made of parts.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.media.starts_with("multipart/")
    }

    fn unsaid(media: &str) -> Self {
        Self {
            media: media.to_owned(),
            charset: None,
            boundary: None,
            flowed: false,
            del_sp: false,
            start: None,
            method: None,
            id: None,
            encoding: TransferEncoding::SevenBit,
            attachment: Attachment::No,
            file_name: None,
            contradictory: false,
        }
    }

    fn read_type(&mut self, value: &[u8], default_media: &str) {
        let said = Parameters::read(value);
        let usable = said.head.split('/').count() == 2 && said.head.split('/').all(|half| !half.is_empty());
        // `text` alone is an old way to say text/plain (RFC 1049).
        self.contradictory |= !usable && said.head != "text";
        self.media = if usable { said.head } else { default_media.to_owned() };
        let mut values = said.values;
        let mut take = |name: &str| values.remove(name);
        let lower = |text: String| text.trim().to_ascii_lowercase();
        self.charset = take("charset").map(lower).filter(|charset| !charset.is_empty());
        self.boundary = take("boundary")
            .map(|text| text.trim_end().as_bytes().to_vec())
            .filter(|boundary| (1..=BOUNDARY_MAX).contains(&boundary.len()));
        self.flowed = take("format").map(lower).is_some_and(|format| format == "flowed");
        self.del_sp = take("delsp").map(lower).is_some_and(|answer| answer == "yes");
        self.start = take("start").map(|id| in_brackets(&id).to_owned());
        self.method = take("method").map(lower);
        if let Some(name) = take("name") {
            self.attachment = self.attachment.max(Attachment::Named);
            self.file_name = Some(name.to_lowercase());
        }
        self.contradictory |= said.contradictory;
    }

    fn read_disposition(&mut self, value: &[u8]) {
        let said = Parameters::read(value);
        let by_disposition = match said.head.as_str() {
            "" | "inline" if said.values.contains_key("filename") => Attachment::Named,
            "" | "inline" => Attachment::No,
            _ => Attachment::Yes,
        };
        self.attachment = self.attachment.max(by_disposition);
        if let Some(name) = said.values.get("filename") {
            self.file_name = Some(name.to_lowercase());
        }
    }
}

impl TransferEncoding {
    /// Reads the field's value.
    #[must_use]
    pub fn read(value: &[u8]) -> Self {
        let mut cursor = Cursor { rest: value };
        let said = match cursor.word(b";").to_ascii_lowercase().as_str() {
            "" | "7bit" => Self::SevenBit,
            "8bit" => Self::EightBit,
            "binary" => Self::Binary,
            "quoted-printable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            _ => Self::Unknown,
        };
        // More than a word and comments (RFC 2045 §6.1) is overlooked by some readers, and is no encoding to others,
        // who show the octets as they stand.
        if said.is_identity() || cursor.rest.is_empty() { said } else { Self::Unknown }
    }

    /// Whether the octets stand as they are (RFC 2045 §6.2).
    #[must_use]
    pub const fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

/// What stands between `<` and `>`, or the trimmed whole.
fn in_brackets(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(fields: &str) -> Content {
        Content::read(fields.as_bytes(), "text/plain")
    }

    fn boundary(fields: &str) -> Option<String> {
        read(fields).boundary.map(|octets| String::from_utf8(octets).unwrap())
    }

    #[test]
    fn what_clients_write_is_read() {
        let content = read(
            "Content-Type: TEXT/Plain; charset=\"UTF-8\"; Format=Flowed; DelSp=yes\r\n\
             Content-Transfer-Encoding: Quoted-Printable\r\nContent-Disposition: inline\r\n",
        );
        assert_eq!(content.media, "text/plain");
        assert_eq!(content.charset.as_deref(), Some("utf-8"));
        assert!(content.flowed && content.del_sp && !content.contradictory);
        assert_eq!(content.encoding, TransferEncoding::QuotedPrintable);
        assert_eq!(content.attachment, Attachment::No);
    }

    #[test]
    fn a_boundary_is_found_however_it_is_written() {
        for text in [
            "Content-Type: multipart/mixed; boundary=\"=_a b(c)\"\r\n",
            "Content-Type: multipart/mixed;\r\n\tboundary=\"=_a b(c) \" (said the client)\r\n",
            "Content-Type: multipart (a (nested) note)/mixed; x=\"; boundary=no\"; boundary=\"=_a b\\(c)\"\r\n",
            "Content-Type: multipart/mixed; boundary*0=\"=_a \"; boundary*1=\"b(c)\"\r\n",
            "Content-Type: multipart/mixed; boundary*1*=b%28c%29; boundary*0*=us-ascii'en'=_a%20\r\n",
            "content-type:multipart/mixed;boundary*=''=_a%20b%28c%29\r\n",
        ] {
            assert_eq!(boundary(text).as_deref(), Some("=_a b(c)"), "{text}");
        }
        assert_eq!(
            boundary("Content-Type: multipart/mixed; boundary=--=_x/y:z; q=1\r\n").as_deref(),
            Some("--=_x/y:z")
        );
        assert_eq!(boundary("Content-Type: multipart/mixed; boundary=\"\"\r\n"), None);
    }

    #[test]
    fn comments_do_not_belong_to_values() {
        let content = read("Content-Type: text/plain; charset=us-ascii (Plain text)\r\n");
        assert_eq!(content.charset.as_deref(), Some("us-ascii"));
    }

    #[test]
    fn attachments_are_told_from_what_is_shown() {
        assert_eq!(read("Content-Disposition: attachment\r\n").attachment, Attachment::Yes);
        assert_eq!(read("Content-Disposition: whatever\r\n").attachment, Attachment::Yes);
        assert_eq!(read("Content-Type: text/plain; name=a.txt\r\n").attachment, Attachment::Named);
        assert_eq!(
            read("Content-Disposition: inline; filename*=utf-8''a.txt\r\n").attachment,
            Attachment::Named
        );
    }

    #[test]
    fn nonsense_is_text_and_contradictions_are_told() {
        assert_eq!(read("Content-Type: text\r\n").media, "text/plain");
        assert_eq!(read("Content-Type: ;;;\r\n").media, "text/plain");
        for (text, encoding) in [
            ("x-uuencode", TransferEncoding::Unknown),
            ("quoted-printable\r\n\tmore", TransferEncoding::Unknown),
            ("Base64 (as it must be)", TransferEncoding::Base64),
            ("(note) base64", TransferEncoding::Base64),
            ("base64 (a) junk", TransferEncoding::Unknown),
            ("8bit;", TransferEncoding::EightBit),
        ] {
            let field = format!("Content-Transfer-Encoding: {text}\r\n");
            assert_eq!(read(&field).encoding, encoding, "{text}");
        }
        assert!(
            read("Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: quoted-printable\r\n")
                .contradictory
        );
        assert!(
            !read("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 7BIT\r\n").contradictory
        );
        assert!(read("Content-Type: multipart+mixed; boundary=a\r\n").contradictory);
        assert!(!read("Content-Type: text\r\n").contradictory);
        assert!(read("Content-Type: text/plain\r\nContent-Type: text/html\r\n").contradictory);
        assert!(read("Content-Type: multipart/mixed; boundary=a; boundary=b\r\n").contradictory);
        assert!(read("Content-Type: multipart/mixed; boundary=\"a\"--; x=y\r\n").contradictory);
        assert!(read("Content-Type: multipart/mixed; boundary=a b\r\n").contradictory);
        assert!(!read("Content-Type: multipart/mixed; boundary=a; boundary=a\r\n").contradictory);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(octets: Vec<u8>) {
            let mut header = b"Content-Type: ".to_vec();
            header.extend(octets);
            let _ = Content::read(&header, "text/plain");
        }
    }
}
