//! Reading what mail systems say of mail that they could not deliver (RFC 3464; the writer is
//! [`compose::report`](crate::mail::compose::report)).
//!
//! Read is the part for programs, and nothing that only looks like a report: an automatic answer of a person on holiday
//! comes to the same address. Beside it counts the field `X-Failed-Recipients`, which Exim writes, alone in its older
//! versions.

use memchr::memmem;

use mail_parser::{MessageParser, MimeHeaders, PartType};

use crate::mail::field::fields;

/// Octets of a mail that are looked at. What a report says stands before the mail it gives back.
pub const LOOKED_AT_MAX: u64 = 256 * 1024;
/// Recipients that are read of a report. Ours are about one.
const RECIPIENTS_MAX: usize = 100;
/// Characters that are kept of a mail system's words.
const WORDS_MAX: usize = 500;

/// What a report says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The address, without its type; of several, that which the sender wrote.
    pub recipient: String,
    /// Whether it will never be delivered; else it is late, or has arrived.
    pub has_failed: bool,
    /// `5.1.1` (RFC 3463); of an older report `5.0.0`.
    pub status: String,
    /// In the words of the mail system, or what little it says.
    pub words: String,
}

/// What a mail says of the recipients of another; nothing where it is no report. `octets` is the mail, or its beginning.
#[must_use]
pub fn read(octets: &[u8]) -> Vec<Returned> {
    let Some(message) = MessageParser::default().parse(octets) else {
        return Vec::new();
    };
    let status = message.parts.iter().find(|part| {
        part.content_type().is_some_and(|kind| {
            let is = |name: &str| kind.c_subtype.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(name));
            kind.c_type.eq_ignore_ascii_case("message")
                && (is("delivery-status") || is("global-delivery-status"))
        })
    });
    if let Some(status) = status {
        return match &status.body {
            PartType::Text(text) => recipients(text.as_bytes()),
            PartType::Binary(octets) | PartType::InlineBinary(octets) => recipients(octets),
            _ => Vec::new(),
        };
    }
    let header_len = memmem::find(octets, b"\r\n\r\n").unwrap_or(octets.len());
    let (header, _) = octets.split_at(header_len);
    let failed = fields(header).find(|field| field.is("X-Failed-Recipients"));
    let addresses = failed.map(|field| one_line(field.value)).unwrap_or_default();
    let addresses = addresses.split(',').map(str::trim).filter(|address| !address.is_empty());
    let failed = addresses.take(RECIPIENTS_MAX).map(|address| Returned {
        recipient: address.to_owned(),
        has_failed: true,
        status: "5.0.0".to_owned(),
        words: "the recipient's mail system returned the mail without a reason that programs can read"
            .to_owned(),
    });
    failed.collect()
}

/// The groups of fields behind the first, one for each recipient (RFC 3464 §2.1).
fn recipients(octets: &[u8]) -> Vec<Returned> {
    let text = octets.iter().filter(|octet| **octet != b'\r').copied().collect::<Vec<u8>>();
    let groups = text.split(|octet| *octet == b'\n').fold(vec![Vec::new()], |mut groups, line| {
        if line.iter().all(u8::is_ascii_whitespace) {
            if groups.last().is_some_and(|group: &Vec<u8>| !group.is_empty())
                && groups.len() <= RECIPIENTS_MAX
            {
                groups.push(Vec::new());
            }
        } else if let Some(group) = groups.last_mut() {
            group.extend_from_slice(line);
            group.extend_from_slice(b"\r\n");
        }
        groups
    });
    groups.iter().filter_map(|group| recipient(group)).collect()
}

fn recipient(group: &[u8]) -> Option<Returned> {
    let field = |name: &str| fields(group).find(|field| field.is(name)).map(|field| one_line(field.value));
    let action = field("Action")?.to_ascii_lowercase();
    let recipient = field("Original-Recipient").or_else(|| field("Final-Recipient"))?;
    let status = field("Status").unwrap_or_default();
    let status = status.split([' ', '(']).next().filter(|status| !status.is_empty()).unwrap_or("5.0.0");
    let words = field("Diagnostic-Code").map(|code| untyped(&code)).filter(|words| !words.is_empty());
    Some(Returned {
        recipient: address(&recipient),
        has_failed: action == "failed",
        status: status.to_owned(),
        words: words.unwrap_or_else(|| format!("{status} (no reason was given)")),
    })
}

/// An address without its type and brackets.
fn address(value: &str) -> String {
    let bare = untyped(value);
    let is_utf8 = value.split_once(';').is_some_and(|(kind, _)| kind.trim().eq_ignore_ascii_case("utf-8"));
    let bare = bare.trim_matches(['<', '>']);
    if is_utf8 { from_7_bits(bare) } else { bare.to_owned() }
}

/// `utf-8-addr-xtext` (RFC 6533 §3): `j\x{F6}rg` → `jörg`. What is no such escape stays.
fn from_7_bits(text: &str) -> String {
    let mut pieces = text.split("\\x{");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let escaped = piece.split_once('}').and_then(|(digits, rest)| {
            Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(|it| !it.is_control())?, rest))
        });
        match escaped {
            Some((character, rest)) => {
                plain.push(character);
                plain.push_str(rest);
            }
            None => plain.extend(["\\x{", piece]),
        }
    }
    plain
}

/// `rfc822; kim@partner.example` → `kim@partner.example`.
fn untyped(value: &str) -> String {
    value.split_once(';').map_or(value, |(_, value)| value).trim().to_owned()
}

/// A value unfolded, printable and bounded.
fn one_line(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value).replace(char::is_control, " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::address::{Address, Domain};
    use crate::base::clock::Timestamp;
    use crate::base::id::MessageId;
    use crate::mail::compose::report::{Action, DeliveryReport, Reported};

    fn report(action: Action, words: &str) -> Vec<u8> {
        report_of("kim@partner.example", action, words)
    }

    fn report_of(recipient: &str, action: Action, words: &str) -> Vec<u8> {
        let at = Timestamp::from_millis(1_795_500_000_000);
        let kim = Address::parse(recipient).unwrap();
        DeliveryReport {
            id: MessageId::fresh(),
            host: &Domain::parse("mx.partner.example").unwrap(),
            from: &Address::parse("postmaster@partner.example").unwrap(),
            to: &Address::parse("bounce@corp.example").unwrap(),
            envelope_id: None,
            arrived: at,
            at,
            recipients: &[Reported {
                recipient: kim,
                original_recipient: None,
                action,
                status: "5.1.1".to_owned(),
                diagnostic: Some(words.to_owned()),
                remote: Some("mx.partner.example".to_owned()),
                last_attempt: at,
            }],
            original: b"Subject: Plans\r\nFrom: a@b.example\r\n\r\n",
            original_is_whole: false,
        }
        .message()
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let failed = Returned {
            recipient: "kim@partner.example".to_owned(),
            has_failed: true,
            status: "5.1.1".to_owned(),
            words: "550 5.1.1 no such user".to_owned(),
        };
        assert_eq!(read(&report(Action::Failed, "550 5.1.1 no such user")), [failed]);
        assert!(!read(&report(Action::Relayed, "250 ok"))[0].has_failed);
    }

    #[test]
    fn addresses_beyond_ascii_are_read_as_we_and_as_others_write_them() {
        let ours = read(&report_of("jörg@partner.example", Action::Failed, "550 Empfänger")).remove(0);
        assert_eq!((ours.recipient.as_str(), ours.words.as_str()), ("jörg@partner.example", "550 Empfänger"));
        for (written, address) in [
            (r"utf-8; j\x{F6}rg@partner.example", "jörg@partner.example"),
            (r"UTF-8;<j\x{f6}\x{72}g@x>", "jörg@x"),
            (r"utf-8; a\x{A}\x{D800}\x{@x", r"a\x{A}\x{D800}\x{@x"),
            (r"rfc822; j\x{F6}rg@x", r"j\x{F6}rg@x"),
        ] {
            let mail = format!(
                "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n\
                 Final-Recipient: {written}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            );
            assert_eq!(read(mail.as_bytes())[0].recipient, address);
        }
    }

    #[test]
    fn reports_of_others_are_read() {
        let exchange = "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=b\r\n\r\n--b\r\n\r\nHi\r\n\
            --b\r\nContent-type: message/delivery-status\r\n\r\nReporting-MTA: dns;mx.example\r\n\r\n\r\n\
            Final-recipient: RFC822; Kim@Partner.example\r\nAction: failed\r\nStatus: 5.1.10 (bad)\r\n\
            Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound;\r\n Recipient not found\r\n\r\n--b--\r\n";
        let read_one = read(exchange.as_bytes()).remove(0);
        assert_eq!(
            (read_one.recipient.as_str(), read_one.status.as_str()),
            ("Kim@Partner.example", "5.1.10")
        );
        assert_eq!(read_one.words, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found");

        let exim =
            "X-Failed-Recipients: kim@partner.example\r\nSubject: Mail delivery failed\r\n\r\nSorry\r\n";
        assert!(read(exim.as_bytes())[0].has_failed);
    }

    #[test]
    fn what_is_no_report_says_nothing() {
        for mail in [
            "Auto-Submitted: auto-replied\r\nSubject: On holiday\r\n\r\nAction: failed\r\nFinal-Recipient: x; y\r\n",
            "Subject: x\r\n\r\nX-Failed-Recipients: kim@partner.example\r\n",
            "",
        ] {
            assert_eq!(read(mail.as_bytes()), [], "{mail}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_is_bounded_and_on_one_line(words in any::<String>(), cut in 0..2000_usize) {
            let octets = report(Action::Failed, &words);
            let cut = octets.len().saturating_sub(cut);
            for returned in read(&octets[..cut]) {
                prop_assert!(returned.words.chars().count() <= WORDS_MAX + 30);
                prop_assert!(!returned.words.contains(char::is_control));
            }
        }

        #[test]
        fn nothing_makes_it_panic(octets: Vec<u8>) {
            let mut mail = b"Content-Type: message/delivery-status\r\n\r\n".to_vec();
            mail.extend(octets);
            let _ = read(&mail);
        }
    }
}
