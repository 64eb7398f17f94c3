//! New mails: what the gateway writes in its own name.
//!
//! [`Notice`] is a mail for a person, [`report::DeliveryReport`] a delivery status notification; [`letter::Letter`] is one
//! that a person writes on a page of ours. Each gives a whole message:
//! CRLF line ends, 7-bit (but for a header that names an address with a non-ASCII local part, which only SMTPUTF8 can
//! carry, RFC 6532), lines within the limits of RFC 5322 §2.1.1. Nothing that stands in a name, a subject or a foreign
//! identifier can add a header field.

pub mod letter;
pub mod report;

use std::borrow::Cow;

use bytes::Bytes;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

use crate::base::address::{Address, Domain};
use crate::base::clock::Timestamp;
use crate::base::id::MessageId;
use crate::base::mailbox::Mailbox;

/// Characters of a name, a subject or an identifier in a header of ours.
const HEADER_TEXT_MAX: usize = 256;
/// Identifiers in `References`; the last ones are kept, as RFC 5322 §3.6.4 allows.
const REFERENCES_MAX: usize = 20;

/// A mail that the gateway writes to a person in its own name.
///
/// It is marked so that no machine answers it (RFC 3834 §5).
#[derive(Clone, Debug)]
pub struct Notice<'a> {
    /// Names the message; its Message-ID is made from it.
    pub id: MessageId,
    /// Who writes.
    pub from: &'a Mailbox,
    /// Who reads.
    pub to: &'a Mailbox,
    /// Where an answer goes, if not to who writes.
    pub reply_to: Option<&'a Address>,
    /// The subject, decoded.
    pub subject: &'a str,
    /// The plain text, any line ends.
    pub text: &'a str,
    /// The same as HTML.
    pub html: &'a str,
    /// The Message-ID of what is answered, with or without angle brackets.
    pub in_reply_to: Option<&'a str>,
    /// The thread above, oldest first, with or without angle brackets.
    pub references: &'a [String],
    /// Our own name, for the Message-ID.
    pub host: &'a Domain,
    /// For the Date.
    pub at: Timestamp,
    /// Whole messages to enclose, each with a name as a file.
    pub enclosed: &'a [Enclosed],
}

/// A message inside another (RFC 2046 §5.2.1).
#[derive(Clone, Debug)]
pub struct Enclosed {
    /// Its name as a file; ASCII.
    pub name: String,
    /// Its octets. They stand as they are: such a part cannot be encoded.
    pub octets: Vec<u8>,
}

/// A file that travels with a mail.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// What the reader saves it as.
    pub name: String,
    /// What is in it.
    pub octets: Bytes,
}

impl Notice<'_> {
    /// The octets of the message.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        self.message_with(Vec::new())
    }

    /// The same with files beside the text.
    #[must_use]
    pub fn message_with(&self, attachments: Vec<Attachment>) -> Vec<u8> {
        let parts = vec![
            MimePart::new("text/plain", with_crlf(self.text)),
            MimePart::new("text/html", with_crlf(self.html)),
        ];
        let builder = opened(self.id, self.host, self.at)
            .header("From", mailbox(self.from))
            .header("To", mailbox(self.to));
        let builder = match self.reply_to {
            Some(address) => {
                builder.header("Reply-To", address::Address::new_address(None::<&str>, address.to_string()))
            }
            None => builder,
        };
        let builder = builder
            .header("Subject", Text::new(one_line(self.subject, HEADER_TEXT_MAX)))
            // RFC 3834 §5.1: made by a program, not in answer to a particular message.
            .header("Auto-Submitted", Raw::new("auto-generated"))
            // The same for Exchange and Outlook, which look for this field instead.
            .header("X-Auto-Response-Suppress", Raw::new("All"));
        let words = MimePart::new("multipart/alternative", parts);
        let enclosed = self.enclosed.iter().map(Enclosed::part);
        let files = attachments.into_iter().map(|file| {
            MimePart::new("application/octet-stream", Vec::from(file.octets)).attachment(file.name)
        });
        let beside: Vec<MimePart<'_>> = enclosed.chain(files).collect();
        let body = if beside.is_empty() {
            words
        } else {
            MimePart::new("multipart/mixed", [words].into_iter().chain(beside).collect::<Vec<_>>())
        };
        let references = self.references.iter().map(String::as_str).collect::<Vec<_>>();
        written(threaded(builder, self.in_reply_to, &references).body(body))
    }
}

impl Enclosed {
    fn part(&self) -> MimePart<'_> {
        let is_eight_bit = !self.octets.is_ascii();
        MimePart::new("message/rfc822", self.octets.as_slice())
            .transfer_encoding(if is_eight_bit { "8bit" } else { "7bit" })
            .attachment(self.name.as_str())
    }
}

/// A message with the fields that every one has (RFC 5322 §3.6).
fn opened<'x>(id: MessageId, host: &Domain, at: Timestamp) -> MessageBuilder<'x> {
    MessageBuilder::new()
        .header("Date", Date::new(at.millis().div_euclid(1000)))
        .header("Message-ID", message_id::MessageId::new(format!("{id}@{host}")))
}

/// Hangs a message below the one it answers (RFC 5322 §3.6.4): its identifier ends `References`.
fn threaded<'x>(
    builder: MessageBuilder<'x>,
    parent: Option<&str>,
    references: &[&str],
) -> MessageBuilder<'x> {
    let parent = parent.and_then(identifier);
    let mut thread: Vec<String> = references.iter().copied().filter_map(identifier).collect();
    if let Some(parent) = &parent
        && thread.last() != Some(parent)
    {
        thread.push(parent.clone());
    }
    thread.drain(..thread.len().saturating_sub(REFERENCES_MAX));
    let builder = match parent {
        Some(parent) => builder.header("In-Reply-To", message_id::MessageId::new(parent)),
        None => builder,
    };
    if thread.is_empty() {
        return builder;
    }
    builder.header("References", message_id::MessageId::from(thread))
}

/// The octets of a finished message.
fn written(builder: MessageBuilder<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    builder.serialize(&mut octets);
    octets
}

/// A person in a header field.
fn mailbox(mailbox: &Mailbox) -> HeaderType<'static> {
    let name = mailbox.name.as_deref().map(|name| one_line(name, HEADER_TEXT_MAX));
    let name = name.filter(|name| !name.is_empty());
    address::Address::new_address(name, mailbox.address.to_string()).into()
}

/// The identifier without its brackets; `None` where it is not one that a field can carry (RFC 5322 §3.6.4).
fn identifier(text: &str) -> Option<String> {
    let id = text.trim().trim_start_matches('<').trim_end_matches('>');
    let fits = (1..=HEADER_TEXT_MAX).contains(&id.len());
    (fits && id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'))).then(|| id.to_owned())
}

/// A text as a header field can carry it: one line, no control characters, and nothing that a reader would take for an
/// encoded word that we did not write (RFC 2047 §2). What is longer than `max` characters is cut with an ellipsis.
fn one_line(text: &str, max: usize) -> String {
    let printable = text.replace(char::is_control, " ").replace("=?", "= ?");
    let words = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= max {
        return words;
    }
    words.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// Canonical line ends (RFC 2046 §4.1.1), the last line ended; controls that no text needs are dropped.
fn with_crlf(text: &str) -> Cow<'static, str> {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut canonical = String::with_capacity(unified.len() + unified.len() / 32 + 2);
    for line in unified.trim_end_matches('\n').split('\n') {
        canonical.extend(line.chars().filter(|c| !c.is_control() || *c == '\t'));
        canonical.push_str("\r\n");
    }
    Cow::Owned(canonical)
}

#[cfg(test)]
pub(crate) mod tests {
    use mailparse::MailHeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn mailbox_of(name: &str, address: &str) -> Mailbox {
        Mailbox::named(name, Address::parse(address).unwrap())
    }

    /// A notice with a name and a subject from outside, as the octets that leave.
    fn notice(name: &str, subject: &str, text: &str, parent: Option<&str>) -> Vec<u8> {
        Notice {
            id: MessageId::fresh(),
            from: &mailbox_of("Example Corp", "postern@corp.example"),
            to: &mailbox_of(name, "kim@partner.example"),
            subject,
            text,
            html: "<p>Grüße</p>",
            reply_to: None,
            enclosed: &[],
            in_reply_to: parent,
            references: &["<first@corp.example>".to_owned()],
            host: &Domain::parse("gate.corp.example").unwrap(),
            at: Timestamp::from_millis(1_795_500_000_999),
        }
        .message()
    }

    /// What RFC 5322 §2.1.1 and 7-bit transport (RFC 5321 §2.4) ask of every message we make.
    pub(crate) fn assert_sound(octets: &[u8]) {
        assert!(octets.is_ascii());
        assert!(octets.ends_with(b"\r\n"));
        let text = std::str::from_utf8(octets).unwrap();
        for line in text.split("\r\n") {
            assert!(line.len() <= 998, "{} octets in a line", line.len());
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        }
    }

    #[test]
    fn a_notice_says_what_it_was_told_in_both_forms() {
        let octets = notice("Kim Roe", "Zoë has accepted", "Hello.\n\nÜber\n", Some("<second@corp.example>"));
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        let field = |name: &str| mail.headers.get_first_value(name).unwrap();
        assert_eq!(field("From"), "\"Example Corp\" <postern@corp.example>");
        assert_eq!(field("To"), "\"Kim Roe\" <kim@partner.example>");
        assert_eq!(field("Subject"), "Zoë has accepted");
        assert_eq!(mailparse::dateparse(&field("Date")).unwrap(), 1_795_500_000);
        assert_eq!(field("In-Reply-To"), "<second@corp.example>");
        assert_eq!(field("References"), "<first@corp.example> <second@corp.example>");
        assert_eq!(field("Auto-Submitted"), "auto-generated");
        assert_eq!(field("X-Auto-Response-Suppress"), "All");
        assert!(field("Message-ID").ends_with("@gate.corp.example>"));
        assert_eq!(mail.ctype.mimetype, "multipart/alternative");
        assert_eq!(mail.subparts[0].get_body().unwrap(), "Hello.\r\n\r\nÜber\r\n");
        assert_eq!(mail.subparts[1].get_body().unwrap(), "<p>Grüße</p>\r\n");
    }

    #[test]
    fn a_foreign_identifier_that_is_none_is_left_out() {
        for parent in ["<a b@x>", "<>", "a\r\nBcc: eve@x.example", "<ü@x>"] {
            let octets = notice("Kim", "Hello", "Hello", Some(parent));
            let mail = mailparse::parse_mail(&octets).unwrap();
            assert_eq!(mail.headers.get_first_value("In-Reply-To"), None, "{parent:?}");
            assert_eq!(mail.headers.get_first_value("References").unwrap(), "<first@corp.example>");
        }
    }

    proptest! {
        #[test]
        fn no_name_and_no_subject_adds_a_field(
            name in any::<String>(),
            subject in "(?s).{0,40}(\r|\n|\r\n)Bcc: eve@x.example(\r|\n|\r\n).{0,40}",
            text in any::<String>(),
        ) {
            let octets = notice(&name, &subject, &text, None);
            assert_sound(&octets);
            let mail = mailparse::parse_mail(&octets).unwrap();
            let fields: Vec<String> = mail.headers.iter().map(mailparse::MailHeader::get_key).collect();
            prop_assert_eq!(fields, [
                "Date", "Message-ID", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress",
                "References", "MIME-Version", "Content-Type",
            ]);
            let to = mailparse::addrparse_header(mail.headers.get_first_header("To").unwrap()).unwrap();
            prop_assert_eq!(to.extract_single_info().unwrap().addr, "kim@partner.example");
            prop_assert_eq!(mail.subparts.len(), 2);
        }
    }
}
