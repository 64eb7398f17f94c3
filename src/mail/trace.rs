//! Trace headers (RFC 5321 §4.4) and the fields a submission server adds (RFC 6409 §8).

use std::fmt::Write as _;
use std::net::IpAddr;

use uuid::Uuid;

use crate::base::address::Domain;
use crate::base::clock::Timestamp;

/// Longest line that is written, without CRLF (RFC 5322 §2.1.1).
const LINE_MAX: usize = 78;
/// Characters of what others called themselves that are repeated; the rest says nothing more.
const WORD_MAX: usize = 64;

/// What a Received header tells. Never names recipients: one body serves them all, the hidden ones too.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// What the client called itself.
    pub helo: &'a str,
    /// Where it really was.
    pub peer: IpAddr,
    /// Our name.
    pub by: &'a Domain,
    /// The cipher suite, if the connection was under TLS; the last word counts, as in `TLSv1.3 TLS_AES_128_GCM_SHA256`.
    pub tls: Option<&'a str>,
    /// Whether the client has signed in.
    pub authenticated: bool,
    /// Whether the client asked for SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// Our name for the message.
    pub id: String,
    /// When it arrived.
    pub at: Timestamp,
}

impl Received<'_> {
    /// The field, folded, with its CRLF.
    #[must_use]
    pub fn field(&self) -> Vec<u8> {
        let from = format!("from {} ([{}])", self.greeting(), address_literal(self.peer));
        let by = format!("by {} (Postern)", self.by);
        let with = format!("with {}", self.protocol());
        let id = format!("id {}", printable(&self.id, WORD_MAX));
        // Additional clauses come last (RFC 5321 §4.4); this one is of RFC 8314 §4.3.
        let tls = self.tls.map(|tls| format!("tls {}", cipher_suite(tls)));
        let last = tls.as_ref().unwrap_or(&id);
        let mut words = vec![from.as_str(), &by, &with];
        words.extend(tls.is_some().then_some(id.as_str()));
        let last = format!("{last};");
        let date = rfc5322_date(self.at);
        words.extend([last.as_str(), &date]);
        folded("Received:", &words)
    }

    /// The `with` word (RFC 3848; RFC 6531 §4.3 for its UTF-8 forms).
    fn protocol(&self) -> &'static str {
        match (self.smtputf8, self.tls.is_some(), self.authenticated) {
            (false, false, false) => "ESMTP",
            (false, false, true) => "ESMTPA",
            (false, true, false) => "ESMTPS",
            (false, true, true) => "ESMTPSA",
            (true, false, false) => "UTF8SMTP",
            (true, false, true) => "UTF8SMTPA",
            (true, true, false) => "UTF8SMTPS",
            (true, true, true) => "UTF8SMTPSA",
        }
    }

    /// The client's greeting, fit to stand in a header.
    fn greeting(&self) -> String {
        let greeting = printable(self.helo, WORD_MAX);
        if greeting.is_empty() { "unknown".to_owned() } else { greeting }
    }
}

/// The Received field of a message that was written on a page of ours: by whom it was taken, under which name and when.
/// Without `from`, as RFC 5322 §3.6.7 allows: whoever reads the mail need not know where its author sat.
#[must_use]
pub fn written_here(by: &Domain, id: &str, at: Timestamp) -> Vec<u8> {
    let id = format!("id {};", printable(id, WORD_MAX));
    folded("Received:", &[&format!("by {by} (Postern)"), &id, &rfc5322_date(at)])
}

/// `Message-ID` and/or `Date` lines for a message that lacks them; empty if it has both (RFC 6409 §8.1, §8.3).
#[must_use]
pub fn missing_fields(has_message_id: bool, has_date: bool, host: &Domain, at: Timestamp) -> Vec<u8> {
    let mut lines = Vec::new();
    if !has_date {
        lines.extend_from_slice(format!("Date: {}\r\n", rfc5322_date(at)).as_bytes());
    }
    if !has_message_id {
        lines.extend(folded("Message-ID:", &[&format!("<{}@{host}>", Uuid::now_v7().simple())]));
    }
    lines
}

/// `Tue, 24 Nov 2026 13:40:00 +0000` (RFC 5322 §3.3).
fn rfc5322_date(at: Timestamp) -> String {
    at.to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Puts the words on as few lines as hold them.
fn folded(name: &str, words: &[&str]) -> Vec<u8> {
    let mut field = name.to_owned();
    let mut column = field.len();
    for word in words {
        if column > name.len() && column + 1 + word.len() > LINE_MAX {
            field.push_str("\r\n\t");
            // A tab is as wide as the reader makes it; eight is the widest in use.
            column = 8;
        } else {
            field.push(' ');
            column += 1;
        }
        field.push_str(word);
        column += word.len();
    }
    field.push_str("\r\n");
    field.into_bytes()
}

/// What may stand in a structured field without meaning anything there: no controls, spaces, comments or quotes.
fn printable(text: &str, characters_max: usize) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || ".-_:[]+ ".contains(*c);
    text.chars().filter(harmless).take(characters_max).collect::<String>().trim().replace(' ', "-")
}

/// The name of the suite in the registry; rustls writes those of TLS 1.3 with the version in it.
fn cipher_suite(tls: &str) -> String {
    let name = tls.split_whitespace().last().unwrap_or_default();
    printable(&name.replacen("TLS13_", "TLS_", 1), WORD_MAX)
}

/// The address as RFC 5321 §4.1.3 writes it, without brackets.
fn address_literal(peer: IpAddr) -> String {
    let mut literal = String::new();
    // Writing to a String cannot fail.
    let _ = match peer.to_canonical() {
        IpAddr::V4(v4) => write!(literal, "{v4}"),
        IpAddr::V6(v6) => write!(literal, "IPv6:{v6}"),
    };
    literal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domain() -> Domain {
        Domain::parse("postern.corp.example").unwrap()
    }

    fn received<'a>(helo: &'a str, by: &'a Domain) -> Received<'a> {
        Received {
            helo,
            peer: "192.0.2.7".parse().unwrap(),
            by,
            tls: Some("TLS13_AES_256_GCM_SHA384"),
            authenticated: true,
            smtputf8: false,
            id: "0198f2c4aabbccddeeff001122334455".to_owned(),
            at: Timestamp::from_millis(1_795_527_600_000),
        }
    }

    #[test]
    fn a_received_field_tells_the_way_of_the_message() {
        let by = domain();
        let field = String::from_utf8(received("laptop.corp.example", &by).field()).unwrap();
        insta::assert_snapshot!(field.replace("\r\n\t", "\n"), @r"
        Received: from laptop.corp.example ([192.0.2.7])
        by postern.corp.example (Postern) with ESMTPSA
        id 0198f2c4aabbccddeeff001122334455 tls TLS_AES_256_GCM_SHA384;
        Tue, 24 Nov 2026 13:40:00 +0000
        ");
        let plain =
            Received { tls: None, authenticated: false, smtputf8: true, ..received("[192.0.2.7]", &by) };
        insta::assert_snapshot!(String::from_utf8(plain.field()).unwrap().replace("\r\n\t", "\n"), @r"
        Received: from [192.0.2.7] ([192.0.2.7]) by postern.corp.example (Postern)
        with UTF8SMTP id 0198f2c4aabbccddeeff001122334455;
        Tue, 24 Nov 2026 13:40:00 +0000
        ");
    }

    #[test]
    fn missing_fields_are_added_and_only_those() {
        let at = Timestamp::from_millis(1_795_527_600_000);
        assert_eq!(missing_fields(true, true, &domain(), at), b"");
        let both = String::from_utf8(missing_fields(false, false, &domain(), at)).unwrap();
        assert!(both.starts_with("Date: Tue, 24 Nov 2026"), "{both}");
        assert!(both.contains("\r\nMessage-ID: <") && both.ends_with("@postern.corp.example>\r\n"), "{both}");
    }

    #[test]
    fn a_mapped_address_is_shown_as_what_it_is() {
        assert_eq!(address_literal("::ffff:192.0.2.7".parse().unwrap()), "192.0.2.7");
        assert_eq!(address_literal("2001:db8::1".parse().unwrap()), "IPv6:2001:db8::1");
    }

    proptest! {
        #[test]
        fn no_greeting_breaks_the_field(helo in ".{0,300}") {
            let by = domain();
            let field = received(&helo, &by).field();
            let text = String::from_utf8(field).unwrap();
            let lines: Vec<_> = text.split("\r\n").collect();
            prop_assert_eq!(*lines.last().unwrap(), "");
            for line in lines {
                prop_assert!(line.len() <= LINE_MAX + 30 && !line.contains(['\r', '\n']), "{}", line);
            }
            prop_assert_eq!(text.matches('(').count(), 2);
        }
    }
}
