//! Delivery status notifications: a permanent failure, told to the sender (RFC 3464 in RFC 6522's multipart/report).
//!
//! The first part is for the person: what failed, for whom, in whose words, and what to do. The second is for programs.
//! The third returns the message or its header.

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

/// Octets of a line without its CRLF (RFC 5322 §2.1.1).
const LINE_MAX: usize = 998;
/// Characters that are kept of a next hop's words: enough for the longest that big providers send, and shorter than a
/// line may be, so that one unbroken word fits.
const DIAGNOSTIC_MAX: usize = 900;

/// A delivery status notification about recipients that will not get the message.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// Names the report; its Message-ID is made from it.
    pub id: MessageId,
    /// Our own name: the reporting MTA.
    pub host: &'a Domain,
    /// The address that stands in From, beside "Mail Delivery System". The envelope's sender is `<>` (RFC 3464 §2).
    pub from: &'a Address,
    /// The envelope sender of what failed.
    pub to: &'a Address,
    /// ENVID of the message (RFC 3461 §4.4), xtext decoded.
    pub envelope_id: Option<&'a str>,
    /// When we accepted the message.
    pub arrived: Timestamp,
    /// When the report is written.
    pub at: Timestamp,
    /// Whom it did not reach; at least one.
    pub recipients: &'a [Failed],
    /// The header of the message, or the whole of it.
    pub original: &'a [u8],
    /// Whether `original` is the whole message. It is returned whole if it is 7-bit: a message/rfc822 part cannot be
    /// encoded (RFC 2046 §5.2.1), and the report must pass everywhere. Else its header is returned.
    pub original_is_whole: bool,
}

/// One recipient's failure (RFC 3464 §2.3).
#[derive(Clone, Debug)]
pub struct Failed {
    /// Whom we tried to reach.
    pub recipient: Address,
    /// ORCPT as the sender gave it, xtext decoded: `rfc822;kim@partner.example`.
    pub original_recipient: Option<String>,
    /// The enhanced status: `5.1.1` (RFC 3463).
    pub status: String,
    /// The next hop's own words; where `remote` is none, a sentence of ours.
    pub diagnostic: Option<String>,
    /// The next hop, if it spoke.
    pub remote: Option<String>,
    /// When we tried last.
    pub last_attempt: Timestamp,
}

impl Failure<'_> {
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
            .header("Subject", Text::new(one_line(&format!("Not delivered: {subject}"), HEADER_TEXT_MAX)))
            // RFC 3834 §5.1: in answer to a particular message.
            .header("Auto-Submitted", Raw::new("auto-replied"))
            .header("X-Auto-Response-Suppress", Raw::new("All"));
        let report = ContentType::new("multipart/report").attribute("report-type", "delivery-status");
        let parts = vec![
            MimePart::new("text/plain", with_crlf(&self.words(&subject))),
            // RFC 3464 §2.1: 7-bit, never encoded.
            MimePart::new("message/delivery-status", self.status()).transfer_encoding("7bit"),
            self.returned(),
        ];
        written(threaded(builder, parent, &[]).body(MimePart::new(report, parts)))
    }

    /// The part for the person who sent the message.
    fn words(&self, subject: &str) -> String {
        let people = self.recipients.iter().map(Failed::words).collect::<Vec<_>>().join("\n");
        let subject = if subject.is_empty() { String::new() } else { format!("Subject: {subject}\n") };
        format!(
            "Your message has not reached:\n\n{people}\n\
             It will not be tried again. Recipients who are not named here are not affected.\n\n\
             {subject}Sent: {}\n",
            date(self.arrived)
        )
    }

    /// The part for programs: fields of the message, then of each recipient (RFC 3464 §2.1).
    fn status(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        if let Some(id) = self.envelope_id {
            field(&mut fields, "Original-Envelope-Id", &ascii(id));
        }
        field(&mut fields, "Reporting-MTA", &format!("dns; {}", self.host));
        field(&mut fields, "Arrival-Date", &date(self.arrived));
        for failed in self.recipients {
            fields.extend_from_slice(b"\r\n");
            if let Some(original) = &failed.original_recipient {
                field(&mut fields, "Original-Recipient", &typed(original));
            }
            field(&mut fields, "Final-Recipient", &final_recipient(&failed.recipient));
            field(&mut fields, "Action", "failed");
            field(&mut fields, "Status", &ascii(&failed.status));
            if let Some(host) = &failed.remote {
                field(&mut fields, "Remote-MTA", &format!("dns; {}", ascii(host)));
            }
            if let Some(said) = &failed.diagnostic {
                // `smtp` promises the words of an SMTP reply (RFC 3464 §9.3, diagnostic-type); ours are not one.
                let kind = if failed.remote.is_some() { "smtp" } else { "X-Postern" };
                field(&mut fields, "Diagnostic-Code", &format!("{kind}; {}", ascii(said)));
            }
            field(&mut fields, "Last-Attempt-Date", &date(failed.last_attempt));
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
        // Of type text: what is not 7-bit is encoded (RFC 6522 §4).
        MimePart::new("text/rfc822-headers", header)
    }
}

impl Failed {
    /// Who, why, and what to do.
    fn words(&self) -> String {
        let said = self.diagnostic.as_deref().map(|said| one_line(said, DIAGNOSTIC_MAX));
        let said = match (&self.remote, said) {
            (Some(host), Some(said)) => format!("    {} answered: {said}\n", one_line(host, HEADER_TEXT_MAX)),
            (None, Some(said)) => format!("    {said}\n"),
            (_, None) => String::new(),
        };
        format!("    {}\n{said}    {}\n", self.recipient, remedy(&self.status))
    }
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

/// `rfc822; kim@partner.example`; a non-ASCII local part in the 7-bit form of RFC 6533 §3.
fn final_recipient(address: &Address) -> String {
    if address.needs_utf8() {
        return format!("utf-8; {}", utf8_xtext(&address.to_string()));
    }
    format!("rfc822; {address}")
}

/// An ORCPT with its type; the value of an internationalised one in 7 bits.
fn typed(original: &str) -> String {
    match original.split_once(';') {
        Some((kind, value)) if !value.is_ascii() => format!("{}; {}", ascii(kind), utf8_xtext(value)),
        Some((kind, value)) => format!("{}; {}", ascii(kind), ascii(value.trim())),
        None => format!("rfc822; {}", ascii(original)),
    }
}

/// `utf-8-addr-xtext` of RFC 6533 §3: what is not printable ASCII, and `\`, `+`, `=`, as `\x{…}`.
fn utf8_xtext(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '+' | '=');
    text.chars()
        .map(|c| if is_plain(c) { c.to_string() } else { format!("\\x{{{:02X}}}", u32::from(c)) })
        .collect()
}

/// Foreign words in a field that knows only ASCII (RFC 3464 §2.1.2), on one line.
fn ascii(text: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    one_line(text, DIAGNOSTIC_MAX).chars().map(printable).collect()
}

#[cfg(test)]
mod tests {
    use mailparse::MailHeaderMap;

    use crate::mail::compose::tests::assert_sound;

    use super::*;

    const ORIGINAL: &[u8] =
        b"Received: from pc by gate\r\nFrom: Ann <ann@corp.example>\r\nTo: kim@partner.example\r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <m1@corp.example>\r\n\r\nThe body\r\n";

    fn failed(recipient: &str, said: Option<&str>, remote: Option<&str>) -> Failed {
        Failed {
            recipient: Address::parse(recipient).unwrap(),
            original_recipient: None,
            status: "5.1.1".to_owned(),
            diagnostic: said.map(str::to_owned),
            remote: remote.map(str::to_owned),
            last_attempt: Timestamp::from_millis(1_795_500_060_000),
        }
    }

    fn report(recipients: &[Failed], original: &[u8], original_is_whole: bool) -> Vec<u8> {
        Failure {
            id: MessageId::fresh(),
            host: &Domain::parse("gate.corp.example").unwrap(),
            from: &Address::parse("postern@corp.example").unwrap(),
            to: &Address::parse("ann@corp.example").unwrap(),
            envelope_id: Some("QQ314159"),
            arrived: Timestamp::from_millis(1_795_500_000_000),
            at: Timestamp::from_millis(1_795_500_061_000),
            recipients,
            original,
            original_is_whole,
        }
        .message()
    }

    #[test]
    fn a_report_tells_the_person_what_failed_and_what_to_do() {
        let words = "550 5.1.1 <kim@partner.example>: user unknown";
        let recipients = [
            failed("kim@partner.example", Some(words), Some("mx.partner.example")),
            failed("lee@partner.example", Some("No answer for 5 days."), None),
        ];
        let octets = report(&recipients, ORIGINAL, false);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        let field = |name: &str| mail.headers.get_first_value(name).unwrap();
        assert_eq!(field("From"), "\"Mail Delivery System\" <postern@corp.example>");
        assert_eq!(field("To"), "<ann@corp.example>");
        assert_eq!(field("Subject"), "Not delivered: Grüße");
        assert_eq!(field("Auto-Submitted"), "auto-replied");
        assert_eq!(field("In-Reply-To"), "<m1@corp.example>");
        assert_eq!(
            mail.subparts[0].get_body().unwrap(),
            "Your message has not reached:\r\n\r\n    kim@partner.example\r\n    mx.partner.example answered: \
             550 5.1.1 <kim@partner.example>: user unknown\r\n    Please check the address for a typing mistake and \
             send the message again.\r\n\r\n    lee@partner.example\r\n    No answer for 5 days.\r\n    Please check \
             the address for a typing mistake and send the message again.\r\n\r\nIt will not be tried again. \
             Recipients who are not named here are not affected.\r\n\r\nSubject: Grüße\r\n\
             Sent: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
        );
    }

    #[test]
    fn a_report_tells_programs_the_same() {
        let mut failed = failed(
            "jörg@partner.example",
            Some("550 5.1.1 Empfänger\r\nunbekannt"),
            Some("mx.partner.example"),
        );
        failed.original_recipient = Some("rfc822;j+a@partner.example".to_owned());
        let octets = report(&[failed], ORIGINAL, false);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.ctype.mimetype, "multipart/report");
        assert_eq!(mail.ctype.params.get("report-type").unwrap(), "delivery-status");
        let [_, status, header] = mail.subparts.as_slice() else { panic!("{} parts", mail.subparts.len()) };
        assert_eq!(status.ctype.mimetype, "message/delivery-status");
        assert_eq!(
            status.get_body().unwrap(),
            "Original-Envelope-Id: QQ314159\r\nReporting-MTA: dns; gate.corp.example\r\n\
             Arrival-Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n\r\n\
             Original-Recipient: rfc822; j+a@partner.example\r\n\
             Final-Recipient: utf-8; j\\x{F6}rg@partner.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
             Remote-MTA: dns; mx.partner.example\r\nDiagnostic-Code: smtp; 550 5.1.1 Empf?nger unbekannt\r\n\
             Last-Attempt-Date: Tue, 24 Nov 2026 06:01:00 +0000\r\n"
        );
        assert_eq!(header.ctype.mimetype, "text/rfc822-headers");
        assert!(header.get_body().unwrap().contains("Message-ID: <m1@corp.example>"));
        assert!(!header.get_body().unwrap().contains("The body"));
    }

    #[test]
    fn a_whole_message_comes_back_octet_by_octet_if_it_is_seven_bit() {
        let recipients = [failed("kim@partner.example", None, None)];
        let octets = report(&recipients, ORIGINAL, true);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.subparts[2].ctype.mimetype, "message/rfc822");
        assert_eq!(mail.subparts[2].get_body_raw().unwrap(), ORIGINAL);

        let eight_bit = [ORIGINAL, "Grüße\r\n".as_bytes()].concat();
        let octets = report(&recipients, &eight_bit, true);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.subparts[2].ctype.mimetype, "text/rfc822-headers");
    }

    #[test]
    fn a_hostile_next_hop_breaks_nothing() {
        let endless = "x".repeat(5000);
        for said in
            ["", "\r\n\r\n--boundary\r\nAction: delivered", endless.as_str(), "=?utf-8?Q?=0D=0AAction:_x?="]
        {
            let octets = report(&[failed("kim@partner.example", Some(said), Some(said))], ORIGINAL, false);
            assert_sound(&octets);
            let mail = mailparse::parse_mail(&octets).unwrap();
            assert_eq!(mail.subparts.len(), 3);
            let status = mail.subparts[1].get_body().unwrap();
            let (_, of_recipient) = status.split_once("\r\n\r\n").unwrap();
            let (fields, _) = mailparse::parse_headers(of_recipient.as_bytes()).unwrap();
            let names: Vec<String> = fields.iter().map(mailparse::MailHeader::get_key).collect();
            assert_eq!(
                names,
                ["Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date"]
            );
        }
    }
}
