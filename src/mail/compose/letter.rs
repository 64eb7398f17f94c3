//! A mail that a person writes on a page of ours, made in pieces while its files arrive.
//!
//! ```text
//! whole                                    without files
//! opened ─▶ (file ─▶ base64 …)… ─▶ closed  with files
//! ```
//! No piece is larger than what it was made from by more than a third, so that memory does not grow with a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

use crate::base::address::Domain;
use crate::base::clock::Timestamp;
use crate::base::id::MessageId;
use crate::base::mailbox::Mailbox;
use crate::mail::compose::{mailbox, one_line, opened, with_crlf, written};

/// Octets in one line of base64: 76 characters of text (RFC 2045 §6.8).
const LINE_OCTETS: usize = 57;
/// Characters of a file's name: what file systems take.
const FILE_NAME_MAX: usize = 255;
/// Characters of a media type (RFC 6838 §4.2: twice 127 and the slash).
const MEDIA_TYPE_MAX: usize = 255;

/// What a person has written.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Names the message; its Message-ID is made from it.
    pub id: MessageId,
    /// Who writes.
    pub from: &'a Mailbox,
    /// Who reads; at least one.
    pub to: &'a [Mailbox],
    /// Who else does, for all to see.
    pub cc: &'a [Mailbox],
    /// The subject, decoded.
    pub subject: &'a str,
    /// The plain text, any line ends.
    pub text: &'a str,
    /// Our own name, for the Message-ID.
    pub host: &'a Domain,
    /// For the Date.
    pub at: Timestamp,
}

/// Octets on their way into lines of base64.
#[derive(Debug, Default)]
pub struct Base64 {
    /// Less than a line.
    rest: Vec<u8>,
}

impl Letter<'_> {
    /// The message, without files.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        written(self.header().body(self.body()))
    }

    /// The message up to where its first file goes.
    #[must_use]
    pub fn opened(&self) -> Vec<u8> {
        let mixed = ContentType::new("multipart/mixed").attribute("boundary", self.boundary());
        let body = MimePart::new(mixed, BodyPart::Multipart(vec![self.body()]));
        let mut octets = written(self.header().body(body));
        let end = octets.len().saturating_sub(self.closed().len());
        octets.truncate(end);
        octets
    }

    /// What stands before a file's octets. Only its last name counts, and only a media type that may be in base64: else
    /// it is a file like any other (RFC 2046 §4.5.1).
    #[must_use]
    pub fn file(&self, name: &str, media_type: &str) -> Vec<u8> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = match one_line(name, FILE_NAME_MAX) {
            name if name.is_empty() => "file".to_owned(),
            name => name,
        };
        let kind = if may_be_base64(media_type) { media_type } else { "application/octet-stream" };
        let mut octets = format!("\r\n--{}\r\n", self.boundary()).into_bytes();
        MimePart::new(ContentType::new(kind), BodyPart::Binary(Vec::new().into()))
            .transfer_encoding("base64")
            .attachment(name)
            .write_part(&mut octets);
        octets
    }

    /// What stands behind the last file.
    #[must_use]
    pub fn closed(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary()).into_bytes()
    }

    fn header(&self) -> MessageBuilder<'static> {
        let builder = opened(self.id, self.host, self.at)
            .header("From", mailbox(self.from))
            .header("To", mailboxes(self.to));
        let builder = if self.cc.is_empty() { builder } else { builder.header("Cc", mailboxes(self.cc)) };
        builder.header("Subject", Text::new(one_line(self.subject, usize::MAX)))
    }

    fn body(&self) -> MimePart<'static> {
        MimePart::new("text/plain", with_crlf(self.text))
    }

    /// Neither base64 nor quoted-printable can make these characters (RFC 2045 §6.7), so no content holds the delimiter.
    fn boundary(&self) -> String {
        format!("=_{}", self.id)
    }
}

impl Base64 {
    /// Takes more octets, gives the lines that are full.
    pub fn write(&mut self, octets: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(octets);
        let full = self.rest.len() - self.rest.len() % LINE_OCTETS;
        let rest = self.rest.split_off(full);
        lines(&std::mem::replace(&mut self.rest, rest))
    }

    /// The last line.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        lines(&self.rest)
    }
}

fn lines(octets: &[u8]) -> Vec<u8> {
    let mut lines = String::with_capacity(octets.len() / 3 * 4 + octets.len() / LINE_OCTETS * 2 + 8);
    for line in octets.chunks(LINE_OCTETS) {
        STANDARD.encode_string(line, &mut lines);
        lines.push_str("\r\n");
    }
    lines.into_bytes()
}

fn mailboxes(people: &[Mailbox]) -> HeaderType<'static> {
    let people = people.iter().map(|person| match mailbox(person) {
        HeaderType::Address(address) => address,
        _ => address::Address::new_address(None::<&str>, person.address.to_string()),
    });
    address::Address::new_list(people.collect()).into()
}

/// A media type, and none that holds messages or parts, which must stay in clear (RFC 2045 §6.4).
fn may_be_base64(media_type: &str) -> bool {
    let is_token = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    media_type.len() <= MEDIA_TYPE_MAX
        && media_type.split_once('/').is_some_and(|(kind, subtype)| {
            is_token(kind)
                && is_token(subtype)
                && !["multipart", "message"].iter().any(|other| kind.eq_ignore_ascii_case(other))
        })
}

#[cfg(test)]
mod tests {
    use mailparse::MailHeaderMap;
    use proptest::prelude::*;

    use crate::base::address::Address;
    use crate::mail::compose::tests::assert_sound;

    use super::*;

    fn people(list: &[(&str, &str)]) -> Vec<Mailbox> {
        list.iter().map(|(name, address)| Mailbox::named(name, Address::parse(address).unwrap())).collect()
    }

    /// A letter to Kim with these files, in pieces of an odd size.
    fn with_files(subject: &str, text: &str, files: &[(&str, &str, Vec<u8>)]) -> Vec<u8> {
        let (from, to) =
            (people(&[("Ana Berg", "ana@corp.example")]), people(&[("Kim Röe", "kim@x.example")]));
        let cc = people(&[("", "lee@x.example"), ("Max, M.", "max@x.example")]);
        let host = Domain::parse("gate.corp.example").unwrap();
        let at = Timestamp::from_millis(1_795_500_000_000);
        let (id, from) = (MessageId::fresh(), &from[0]);
        let letter = Letter { id, from, to: &to, cc: &cc, subject, text, host: &host, at };
        if files.is_empty() {
            return letter.whole();
        }
        let mut octets = letter.opened();
        for (name, kind, content) in files {
            octets.extend(letter.file(name, kind));
            let mut base64 = Base64::default();
            for piece in content.chunks(101) {
                octets.extend(base64.write(piece));
            }
            octets.extend(base64.finish());
        }
        octets.extend(letter.closed());
        octets
    }

    #[test]
    fn a_letter_without_files_is_plain_text() {
        let octets = with_files("Pläne", "Hello Kim,\nGrüße", &[]);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.ctype.mimetype, "text/plain");
        assert_eq!(mail.get_body().unwrap(), "Hello Kim,\r\nGrüße\r\n");
        let field = |name: &str| mail.headers.get_first_value(name).unwrap();
        assert_eq!(field("Subject"), "Pläne");
        assert_eq!(field("From"), "\"Ana Berg\" <ana@corp.example>");
        assert_eq!(field("To"), "Kim Röe <kim@x.example>");
        let cc = mailparse::addrparse(&field("Cc")).unwrap();
        assert_eq!(cc.len(), 2);
        assert!(mail.headers.get_first_header("Auto-Submitted").is_none(), "a person wrote it");
    }

    #[test]
    fn files_arrive_with_their_octets_and_names() {
        let picture: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let files = [
            ("C:\\plans\\Brücke \"1\".pdf", "application/pdf", picture.clone()),
            ("", "message/rfc822", b"From: x".to_vec()),
            ("empty.txt", "text/plain; x=\r\nBcc: eve@x.example", Vec::new()),
        ];
        let octets = with_files("Plans", "--=_ is no delimiter", &files);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.subparts.len(), 4);
        let names: Vec<_> = mail.subparts[1..]
            .iter()
            .map(|part| part.get_content_disposition().params["filename"].clone())
            .collect();
        assert_eq!(names, ["Brücke \"1\".pdf", "file", "empty.txt"]);
        assert_eq!(mail.subparts[1].get_body_raw().unwrap(), picture);
        assert_eq!(mail.subparts[1].ctype.mimetype, "application/pdf");
        for part in &mail.subparts[2..] {
            assert_eq!(part.ctype.mimetype, "application/octet-stream");
        }
        assert_eq!(mail.subparts[3].get_body_raw().unwrap(), b"");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_stays_where_it_was_typed(
            subject in any::<String>(), text in any::<String>(), name in any::<String>(), kind in any::<String>(),
        ) {
            let octets = with_files(&subject, &text, &[(&name, &kind, b"content".to_vec())]);
            assert_sound(&octets);
            let mail = mailparse::parse_mail(&octets).unwrap();
            let fields: Vec<String> = mail.headers.iter().map(mailparse::MailHeader::get_key).collect();
            prop_assert_eq!(
                fields,
                ["Date", "Message-ID", "From", "To", "Cc", "Subject", "MIME-Version", "Content-Type"]
            );
            prop_assert_eq!(mail.subparts.len(), 2);
            prop_assert_eq!(mail.subparts[1].get_body_raw().unwrap(), b"content");
        }
    }
}
