//! Delivery status notifications: what became of a message, told to its sender (RFC 3464 in RFC 6522's
//! multipart/report).
//!
//! The first part is for the person: what happened, to whom, in whose words, and what to do. The second is for
//! programs. The third returns the message or its header. Where an address needs UTF-8, the second is that of RFC 6533,
//! encoded so that it passes everywhere.

use memchr::memmem;

use mail_builder::headers::Header;
use mail_builder::headers::address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;
use mail_parser::MessageParser;

use crate::base::address::{Address, Domain};
use crate::base::clock::Timestamp;
use crate::base::id::MessageId;
use crate::mail::compose::{HEADER_TEXT_MAX, one_line, opened, threaded, with_crlf, written};
use crate::mail::rewrite::transfer::quoted_printable;

/// Octets of a line without its CRLF (RFC 5322 §2.1.1).
const LINE_MAX: usize = 998;
/// Characters that are kept of a next hop's words: enough for the longest that big providers send, and shorter than a
/// line may be, so that one unbroken word fits.
const DIAGNOSTIC_MAX: usize = 900;

/// A delivery status notification: what became of some recipients of a message.
#[derive(Clone, Debug)]
pub struct DeliveryReport<'a> {
    /// Names the report; its Message-ID is made from it.
    pub id: MessageId,
    /// Our own name: the reporting MTA.
    pub host: &'a Domain,
    /// The address that stands in From, beside "Mail Delivery System". The envelope's sender is `<>` (RFC 3464 §2).
    pub from: &'a Address,
    /// The envelope sender of the message.
    pub to: &'a Address,
    /// ENVID of the message (RFC 3461 §4.4), xtext decoded.
    pub envelope_id: Option<&'a str>,
    /// When we accepted the message.
    pub arrived: Timestamp,
    /// When the report is written.
    pub at: Timestamp,
    /// Who is spoken of; at least one.
    pub recipients: &'a [Reported],
    /// The header of the message, or the whole of it.
    pub original: &'a [u8],
    /// Whether `original` is the whole message. It is returned whole if it is 7-bit: a message/rfc822 part cannot be
    /// encoded (RFC 2046 §5.2.1), and the report must pass everywhere. Else its header is returned.
    pub original_is_whole: bool,
}

/// What became of one recipient (RFC 3464 §2.3).
#[derive(Clone, Debug)]
pub struct Reported {
    /// Whom we tried to reach.
    pub recipient: Address,
    /// ORCPT as the sender gave it, xtext decoded: `rfc822;kim@partner.example`.
    pub original_recipient: Option<String>,
    /// What happened.
    pub action: Action,
    /// The enhanced status: `5.1.1` (RFC 3463).
    pub status: String,
    /// The next hop's own words; where `remote` is none, a sentence of ours.
    pub diagnostic: Option<String>,
    /// The next hop, if it spoke.
    pub remote: Option<String>,
    /// When we tried last.
    pub last_attempt: Timestamp,
}

/// What happened to a recipient's copy (RFC 3464 §2.3.3), the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It will not be delivered.
    Failed,
    /// It was not delivered yet.
    Delayed {
        /// How long it will be tried.
        until: Timestamp,
    },
    /// It was handed to a server that does not report what becomes of it.
    Relayed,
    /// It is in the recipient's mailbox.
    Delivered,
}

impl DeliveryReport<'_> {
    /// The octets of the report.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let original = MessageParser::new().parse_headers(self.original);
        let subject = original.as_ref().and_then(|message| message.subject()).unwrap_or_default();
        let subject = one_line(subject, HEADER_TEXT_MAX);
        let parent = original.as_ref().and_then(|message| message.message_id());

        let builder = opened(self.id, self.host, self.at)
            .header(
                "From",
                address::Address::new_address(Some("Mail Delivery System"), self.from.to_string()),
            )
            .header("To", address::Address::new_address(None::<&str>, self.to.to_string()))
            .header(
                "Subject",
                Text::new(one_line(&format!("{}: {subject}", self.headline()), HEADER_TEXT_MAX)),
            )
            // RFC 3834 §5.1: in answer to a particular message.
            .header("Auto-Submitted", Raw::new("auto-replied"))
            .header("X-Auto-Response-Suppress", Raw::new("All"));
        let report = ContentType::new("multipart/report").attribute("report-type", "delivery-status");
        let parts = vec![
            MimePart::new("text/plain", with_crlf(&self.words(&subject))),
            self.for_programs(),
            self.returned(),
        ];
        written(threaded(builder, parent, &[]).body(MimePart::new(report, parts)))
    }

    /// What stands before the subject: the worst of the news.
    fn headline(&self) -> &'static str {
        match self.recipients.iter().map(|recipient| recipient.action).min() {
            Some(Action::Failed) | None => "Not delivered",
            Some(Action::Delayed { .. }) => "Delayed",
            Some(Action::Relayed) => "On its way",
            Some(Action::Delivered) => "Delivered",
        }
    }

    /// The part for the person who sent the message: what is worst comes first.
    fn words(&self, subject: &str) -> String {
        let mut recipients: Vec<&Reported> = self.recipients.iter().collect();
        recipients.sort_by_key(|recipient| recipient.action);
        let alike = recipients.chunk_by(|one, next| one.action == next.action);
        let news: Vec<String> =
            alike.filter_map(|alike| Some(section(alike.first()?.action, alike))).collect();
        let subject = if subject.is_empty() { String::new() } else { format!("Subject: {subject}\n") };
        format!("{}\n{subject}Sent: {}\n", news.join("\n"), date(self.arrived))
    }

    /// The part for programs.
    fn for_programs(&self) -> MimePart<'_> {
        if self.is_global() {
            // RFC 6533 §3: UTF-8, which may be encoded.
            let status = String::from_utf8_lossy(&self.status()).into_owned();
            return encoded("message/global-delivery-status", &status);
        }
        // RFC 3464 §2.1: 7-bit, never encoded.
        MimePart::new("message/delivery-status", self.status()).transfer_encoding("7bit")
    }

    /// Whether an address that the report speaks of needs UTF-8 (RFC 6533 §3).
    fn is_global(&self) -> bool {
        self.recipients.iter().any(|reported| {
            let original = reported.original_recipient.as_deref();
            reported.recipient.needs_utf8() || original.is_some_and(|original| !original.is_ascii())
        })
    }

    /// Its fields: of the message, then of each recipient (RFC 3464 §2.1).
    fn status(&self) -> Vec<u8> {
        let is_global = self.is_global();
        let foreign = |text: &str| if is_global { one_line(text, DIAGNOSTIC_MAX) } else { ascii(text) };
        let mut fields = Vec::new();
        if let Some(id) = self.envelope_id {
            field(&mut fields, "Original-Envelope-Id", &ascii(id));
        }
        field(&mut fields, "Reporting-MTA", &format!("dns; {}", self.host));
        field(&mut fields, "Arrival-Date", &date(self.arrived));
        for recipient in self.recipients {
            fields.extend_from_slice(b"\r\n");
            if let Some(original) = &recipient.original_recipient {
                field(&mut fields, "Original-Recipient", &typed(original));
            }
            field(&mut fields, "Final-Recipient", &final_recipient(&recipient.recipient));
            field(&mut fields, "Action", recipient.action.keyword());
            field(&mut fields, "Status", &ascii(&recipient.status));
            if let Some(host) = &recipient.remote {
                field(&mut fields, "Remote-MTA", &format!("dns; {}", ascii(host)));
            }
            if let Some(said) = &recipient.diagnostic {
                // `smtp` promises the words of an SMTP reply (RFC 3464 §9.3, diagnostic-type); ours are not one.
                let kind = if recipient.remote.is_some() { "smtp" } else { "X-Postern" };
                field(&mut fields, "Diagnostic-Code", &format!("{kind}; {}", foreign(said)));
            }
            field(&mut fields, "Last-Attempt-Date", &date(recipient.last_attempt));
            if let Action::Delayed { until } = recipient.action {
                field(&mut fields, "Will-Retry-Until", &date(until));
            }
        }
        fields
    }

    /// The message as it came, or its header (RFC 6522 §3, third part).
    fn returned(&self) -> MimePart<'_> {
        // RFC 2045 §2.7, what may be called 7bit.
        let mut lines = self.original.split(|&octet| octet == b'\n');
        let is_seven_bit =
            self.original.is_ascii() && lines.all(|l| l.len() <= LINE_MAX + 1 && !l.contains(&0));
        if self.original_is_whole && is_seven_bit {
            return MimePart::new("message/rfc822", self.original).transfer_encoding("7bit");
        }
        let end = memmem::find(self.original, b"\r\n\r\n").map_or(self.original.len(), |end| end + 2);
        let (header, _) = self.original.split_at(end);
        match std::str::from_utf8(header) {
            // RFC 6533 §5.
            Ok(text) if self.is_global() && !text.is_ascii() => encoded("message/global-headers", text),
            // Of type text: what is not 7-bit is encoded (RFC 6522 §4).
            _ => MimePart::new("text/rfc822-headers", header),
        }
    }
}

impl Action {
    /// The word that programs read (RFC 3464 §2.3.3).
    const fn keyword(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed { .. } => "delayed",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
        }
    }
}

impl Reported {
    /// Who, in whose words and, where it failed, what to do.
    fn words(&self) -> String {
        let said = self.diagnostic.as_deref().map(|said| one_line(said, DIAGNOSTIC_MAX));
        let said = match (&self.remote, said) {
            (Some(host), Some(said)) => format!("    {} answered: {said}\n", one_line(host, HEADER_TEXT_MAX)),
            (None, Some(said)) => format!("    {said}\n"),
            (_, None) => String::new(),
        };
        let remedy = match self.action {
            Action::Failed => format!("    {}\n", remedy(&self.status)),
            _ => String::new(),
        };
        format!("    {}\n{said}{remedy}", self.recipient)
    }
}

/// All to whom the same has happened: what, who, and what comes of it.
fn section(action: Action, alike: &[&Reported]) -> String {
    let people: Vec<String> = alike.iter().map(|recipient| recipient.words()).collect();
    let (what, then) = match action {
        Action::Failed => (
            "Your message has not reached:",
            "It will not be tried again. Recipients who are not named here are not affected.".to_owned(),
        ),
        Action::Delayed { until } => (
            "Your message has not yet reached:",
            format!("It is tried again until {}. There is no need to send it again.", date(until)),
        ),
        Action::Relayed => (
            "Your message is on its way to:",
            "The mail system that took it does not report what arrives. If it cannot be delivered after all, you \
             should hear of it."
                .to_owned(),
        ),
        Action::Delivered => (
            "Your message has arrived in the mailbox of:",
            "This does not say that it was read.".to_owned(),
        ),
    };
    format!("{what}\n\n{}\n{then}\n", people.join("\n"))
}

/// What the sender can do, by the class of the failure (RFC 3463 §3).
fn remedy(status: &str) -> &'static str {
    let mut digits = status.split('.').skip(1);
    match (digits.next(), digits.next()) {
        (Some("1"), Some("8")) => {
            "The receiving system does not accept your own address; please tell your administrator."
        }
        (Some("1"), _) => "Please check the address for a typing mistake and send the message again.",
        (Some("2"), Some("2")) => "The mailbox is full. Please reach the person in another way.",
        (Some("2"), Some("3")) | (Some("3"), Some("4")) => {
            "The message is too large for the recipient. Please send it with smaller or fewer files."
        }
        (Some("2"), _) => "The mailbox does not take mail. Please reach the person in another way.",
        (Some("3" | "4"), _) => {
            "The recipient's mail system could not be reached or could not take the message. \
             Please try again later."
        }
        (Some("6"), _) => {
            "The recipient's mail system cannot handle the form of this message. \
             Please send it in another form, for example as plain text."
        }
        (Some("7"), _) => {
            "The recipient's mail system refuses the message by its own rules. \
             If the words above do not help, please show them to your administrator."
        }
        _ => "If the words above do not help, please show them to your administrator.",
    }
}

/// One field, folded, with its CRLF.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    Raw::new(value).write_header(out, name.len() + 2);
}

fn date(at: Timestamp) -> String {
    Date::new(at.millis().div_euclid(1000)).to_rfc822()
}

/// `rfc822; kim@partner.example`, `utf-8; jörg@partner.example` (RFC 6533 §3).
fn final_recipient(address: &Address) -> String {
    let kind = if address.needs_utf8() { "utf-8" } else { "rfc822" };
    format!("{kind}; {address}")
}

/// An ORCPT with its type; one beyond ASCII is of the type that allows it, whatever the sender wrote.
fn typed(original: &str) -> String {
    match original.split_once(';') {
        Some((_, value)) if !value.is_ascii() => {
            format!("utf-8; {}", one_line(value.trim(), DIAGNOSTIC_MAX))
        }
        Some((kind, value)) => format!("{}; {}", ascii(kind), ascii(value.trim())),
        None if original.is_ascii() => format!("rfc822; {}", ascii(original)),
        None => format!("utf-8; {}", one_line(original, DIAGNOSTIC_MAX)),
    }
}

/// A part of UTF-8 in quoted-printable, which RFC 6533 allows for those of its types.
fn encoded<'a>(kind: &'static str, text: &str) -> MimePart<'a> {
    MimePart::new(kind, quoted_printable(text.as_bytes())).transfer_encoding("quoted-printable")
}

/// Foreign words in a field that knows only ASCII (RFC 3464 §2.1.2), on one line.
fn ascii(text: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    one_line(text, DIAGNOSTIC_MAX).chars().map(printable).collect()
}

#[cfg(test)]
mod tests;
