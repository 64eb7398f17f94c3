//! What a message's header says: people, subject, threading (RFC 5322 §3.6).

use mail_parser::{HeaderName, HeaderValue, Message, MessageParser};

use crate::base::address::{Address, Domain};
use crate::base::mailbox::Mailbox;
use crate::mail::outline::Outline;

/// Read once from the top header, decoded (RFC 2047, RFC 6532).
///
/// A field that stands several times counts with all its occurrences, so that nobody hides in the second `From`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The authors. None at all where something stands among them that is not an address: readers of mail make
    /// different things of that, and one of them may take it for a person who did not write the message.
    pub from: Vec<Mailbox>,
    /// Who sent it for them.
    pub sender: Option<Mailbox>,
    /// Groups are resolved into their members.
    pub to: Vec<Mailbox>,
    /// As `to`.
    pub cc: Vec<Mailbox>,
    /// Whether something stands in To or Cc that is not an address, and so is in neither list.
    pub has_unread_recipients: bool,
    /// Unfolded, trimmed; empty if missing.
    pub subject: String,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// Without angle brackets, oldest first.
    pub references: Vec<String>,
    /// Whether there is a Date field at all.
    pub has_date: bool,
    /// How many servers the message says it has passed.
    pub received_count: usize,
    /// Whether the author asks to be told what becomes of the message (Disposition-Notification-To, RFC 8098 §2.1).
    pub asks_receipt: bool,
    /// What shows that a machine wrote it, if anything: Auto-Submitted other than `no` (RFC 3834 §5),
    /// X-Auto-Response-Suppress, List-Id (RFC 2919), Precedence bulk, list or junk.
    pub automatic: Option<String>,
}

impl Facts {
    /// Reads the top header.
    #[must_use]
    pub fn read(outline: &Outline) -> Self {
        MessageParser::default()
            .parse_headers(outline.header.as_ref())
            .map(|message| Self::of(&message))
            .unwrap_or_default()
    }

    /// The domains of the authors, as often as they stand there.
    #[must_use]
    pub fn author_domains(&self) -> Vec<&Domain> {
        self.from.iter().map(|author| author.address.domain()).collect()
    }

    /// The display name the message gives for an address, if any (To, Cc).
    #[must_use]
    pub fn name_of(&self, address: &Address) -> Option<String> {
        let named = |mailbox: &&Mailbox| mailbox.address.same_mailbox(address) && mailbox.name.is_some();
        self.to.iter().chain(&self.cc).find(named).and_then(|mailbox| mailbox.name.clone())
    }

    fn of(message: &Message<'_>) -> Self {
        let mut facts = Self::default();
        let mut is_from_clear = true;
        for header in message.headers() {
            match &header.name {
                HeaderName::From => {
                    is_from_clear &= is_clear(&header.value);
                    facts.from.extend(mailboxes(&header.value));
                }
                HeaderName::Sender => facts.sender = facts.sender.or_else(|| mailboxes(&header.value).next()),
                name @ (HeaderName::To | HeaderName::Cc) => {
                    let list = if *name == HeaderName::To { &mut facts.to } else { &mut facts.cc };
                    list.extend(mailboxes(&header.value));
                    facts.has_unread_recipients |=
                        header.value.as_address().is_some() && !is_clear(&header.value);
                }
                HeaderName::Subject if facts.subject.is_empty() => facts.subject = unfolded(&header.value),
                HeaderName::MessageId => {
                    facts.message_id = facts.message_id.or_else(|| ids(&header.value).into_iter().next());
                }
                HeaderName::References => facts.references.extend(ids(&header.value)),
                HeaderName::Date => facts.has_date = true,
                HeaderName::Received => facts.received_count += 1,
                name => {
                    facts.asks_receipt |= name.as_str().eq_ignore_ascii_case("Disposition-Notification-To");
                    let automatic = || automatic_by(name.as_str(), &raw_text(&header.value));
                    facts.automatic = facts.automatic.or_else(automatic);
                }
            }
        }
        if !is_from_clear {
            facts.from.clear();
        }
        facts
    }
}

/// Whether this field shows that no person wrote the message.
fn automatic_by(name: &str, value: &str) -> Option<String> {
    let word = value.split([';', '(']).next().unwrap_or_default().trim().to_ascii_lowercase();
    let shows = match name.to_ascii_lowercase().as_str() {
        "auto-submitted" => word != "no",
        "precedence" => matches!(word.as_str(), "bulk" | "list" | "junk"),
        "list-id" | "x-auto-response-suppress" => true,
        _ => false,
    };
    shows.then(|| if word.is_empty() { name.to_owned() } else { format!("{name}: {word}") })
}

fn mailboxes<'a>(value: &'a HeaderValue<'_>) -> impl Iterator<Item = Mailbox> + 'a {
    value.as_address().into_iter().flat_map(|list| list.iter()).filter_map(|person| {
        let address = Address::parse(person.address()?.trim()).ok()?;
        Some(Mailbox::named(person.name().unwrap_or_default(), address))
    })
}

/// Whether every member of an address list is an address, and there is one.
fn is_clear(value: &HeaderValue<'_>) -> bool {
    value.as_address().is_some_and(|list| list.iter().count() == mailboxes(value).count())
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![id.clone().into_owned()],
        HeaderValue::TextList(ids) => ids.iter().map(|id| id.clone().into_owned()).collect(),
        _ => Vec::new(),
    }
}

/// One line: control characters, which only folding and malice bring, become spaces.
fn unfolded(value: &HeaderValue<'_>) -> String {
    let text = value.as_text().unwrap_or_default();
    text.replace(|c: char| c.is_control(), " ").trim().to_owned()
}

fn raw_text(value: &HeaderValue<'_>) -> String {
    match value {
        HeaderValue::Text(text) => text.clone().into_owned(),
        HeaderValue::TextList(texts) => texts.join(" "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::outline::{Bounds, Outliner};

    fn facts(header: &str) -> Facts {
        let mut outliner = Outliner::new(Bounds { header_octets_max: 10_000, parts_max: 10, depth_max: 5 });
        outliner.feed(header.as_bytes());
        Facts::read(&outliner.finish())
    }

    fn addresses(people: &[Mailbox]) -> Vec<String> {
        people.iter().map(|person| person.address.to_string()).collect()
    }

    #[test]
    fn people_are_read_decoded_and_out_of_their_groups() {
        let facts = facts(
            "From: =?iso-8859-1?Q?J=F6rg?= <joerg@corp.example>\r\n\
             To: Team: kim@partner.example, \"Roe, Lee\" <lee@partner.example>;, max@x.example\r\n\
             Cc: =?utf-8?b?0JjQstCw0L0=?=\r\n <ivan@x.example>\r\n\r\n",
        );
        assert_eq!(facts.from[0].name.as_deref(), Some("Jörg"));
        assert_eq!(addresses(&facts.to), ["kim@partner.example", "lee@partner.example", "max@x.example"]);
        assert_eq!(facts.name_of(&"LEE@partner.example".parse().unwrap()).as_deref(), Some("Roe, Lee"));
        assert_eq!(facts.name_of(&"ivan@x.example".parse().unwrap()).as_deref(), Some("Иван"));
        assert_eq!(facts.name_of(&"max@x.example".parse().unwrap()), None);
    }

    #[test]
    fn nobody_hides_in_a_second_from() {
        let facts = facts("From: a@corp.example, b@corp.example\r\nFrom: c@corp.example\r\n\r\n");
        assert_eq!(addresses(&facts.from), ["a@corp.example", "b@corp.example", "c@corp.example"]);
    }

    #[test]
    fn nobody_hides_behind_what_is_not_quite_an_address() {
        for foreign in [
            "ceo @corp.example",
            "ceo@corp.example\0",
            "ceo@corp.example.",
            "c eo@corp.example",
            "ceo@corp..example",
            "ceo@[192.0.2.1]",
            "ceo",
        ] {
            for header in [
                format!("From: {foreign}, ann@corp.example\r\n\r\n"),
                format!("From: ann@corp.example, {foreign}\r\n\r\n"),
                format!("From: {foreign}\r\nFrom: ann@corp.example\r\n\r\n"),
                format!("From: ann@corp.example\r\nFrom: {foreign}\r\n\r\n"),
            ] {
                assert_eq!(addresses(&facts(&header).from), [""; 0], "{header:?}");
            }
        }
        assert_eq!(addresses(&facts("From: Ann <ann@corp.example>,\r\n\r\n").from), ["ann@corp.example"]);
    }

    #[test]
    fn a_recipient_that_is_no_address_is_not_passed_over_in_silence() {
        for (header, expected) in [
            ("To: kim@partner.example, lee@[192.0.2.7]\r\n\r\n", true),
            ("To: kim@partner.example\r\nCc: Lee\r\n\r\n", true),
            ("To: kim@partner.example,\r\nCc: Team: lee@x.example;\r\n\r\n", false),
            ("To: undisclosed-recipients:;\r\nCc:\r\n\r\n", false),
            ("Subject: x\r\n\r\n", false),
        ] {
            assert_eq!(facts(header).has_unread_recipients, expected, "{header:?}");
        }
    }

    #[test]
    fn the_subject_is_one_decoded_line() {
        let facts =
            facts("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?Q?_und_mehr=0D=0ABcc:_x?=\r\n\r\n");
        assert_eq!(facts.subject, "Grüße und mehr  Bcc: x");
    }

    #[test]
    fn threading_and_trace_are_read() {
        let facts = facts(
            "Received: from a by b; Tue, 24 Nov 2026 13:40:00 +0000\r\nReceived: by c\r\n\
             Message-ID: <1@x>\r\nReferences: <2@x>\r\n <3@x>\r\nDate: nonsense\r\n\r\n",
        );
        assert_eq!(facts.received_count, 2);
        assert_eq!(facts.message_id.as_deref(), Some("1@x"));
        assert_eq!(facts.references, ["2@x", "3@x"]);
        assert!(facts.has_date);
    }

    #[test]
    fn who_asks_for_a_receipt_is_known() {
        assert!(facts("disposition-notification-to: Ann <ann@corp.example>\r\n\r\n").asks_receipt);
        assert!(!facts("Subject: Disposition-Notification-To\r\n\r\n").asks_receipt);
    }

    #[test]
    fn what_a_machine_wrote_is_known() {
        for (header, expected) in [
            ("Auto-Submitted: auto-replied (vacation)\r\n\r\n", Some("Auto-Submitted: auto-replied")),
            ("auto-submitted: No\r\n\r\n", None),
            ("Precedence: bulk\r\n\r\n", Some("Precedence: bulk")),
            ("Precedence: first-class\r\n\r\n", None),
            ("X-Auto-Response-Suppress: All\r\n\r\n", Some("X-Auto-Response-Suppress: all")),
        ] {
            assert_eq!(facts(header).automatic.as_deref(), expected, "{header}");
        }
        assert!(facts("List-Id: news <news.x.example>\r\n\r\n").automatic.is_some());
    }
}
