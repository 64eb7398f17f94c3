//! Mail addresses as the envelope knows them (RFC 5321 §4.1.2, RFC 6531 §3.3).

mod fault;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::fault::AddressFault;

/// Octets of a local part (RFC 5321 §4.5.3.1.1).
pub const LOCAL_PART_MAX: usize = 64;
/// Octets of a domain (RFC 5321 §4.5.3.1.2).
pub const DOMAIN_MAX: usize = 255;
/// Octets of one label of a domain (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;

/// `local@domain`: one mailbox, as it stands in an envelope.
///
/// The local part keeps the sender's spelling; [`Address::key`] is what to compare and to store under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    local: LocalPart,
    domain: Domain,
}

/// What stands before the `@`, without quotes. Only the receiving host may interpret it (RFC 5321 §2.3.11).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart(String);

/// A domain name in its ASCII form (A-labels, lower case, no trailing dot).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// The envelope's sender: where a delivery report goes, or `<>` where none may go (RFC 5321 §4.5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReversePath {
    /// `<>`: never answered.
    Null,
    /// A mailbox that hears of failures.
    Address(Address),
}

impl Address {
    /// Puts two valid halves together.
    #[must_use]
    pub const fn new(local: LocalPart, domain: Domain) -> Self {
        Self { local, domain }
    }

    /// Reads `local@domain`, without angle brackets. The last `@` outside quotes parts the two.
    ///
    /// # Errors
    /// [`AddressFault`] names the half that is not valid.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        let split = if text.starts_with('"') {
            quoted_end(text).filter(|&end| text[end..].starts_with('@'))
        } else {
            text.rfind('@')
        };
        let Some(at) = split else {
            return Err(AddressFault::NoAt(text.to_owned()));
        };
        let (local, domain) = (&text[..at], &text[at + 1..]);
        let local = LocalPart::parse(local).ok_or_else(|| AddressFault::LocalPart(text.to_owned()))?;
        if domain.starts_with('[') {
            return Err(AddressFault::Literal(text.to_owned()));
        }
        let domain =
            Domain::parse(domain).ok_or_else(|| AddressFault::Domain(text.to_owned(), domain.to_owned()))?;
        Ok(Self { local, domain })
    }

    /// What stands before the `@`.
    #[must_use]
    pub const fn local(&self) -> &LocalPart {
        &self.local
    }

    /// What stands behind the `@`.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// One spelling for one mailbox: the whole in lower case. For comparing and as a key, never for sending.
    #[must_use]
    pub fn key(&self) -> String {
        folded(&self.to_string())
    }

    /// Whether both name the same mailbox, as every mail system in use treats them (case aside).
    #[must_use]
    pub fn same_mailbox(&self, other: &Self) -> bool {
        self.domain == other.domain && folded(&self.local.0) == folded(&other.local.0)
    }

    /// Whether the local part needs SMTPUTF8 (RFC 6531); a domain never does, having an ASCII form.
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        !self.local.0.is_ascii()
    }

    /// For the journal: enough to recognise, not enough to write to. `k…@partner.example`.
    #[must_use]
    pub fn masked(&self) -> String {
        let first: String = self.local.0.chars().take(1).collect();
        format!("{first}…@{}", self.domain)
    }
}

impl LocalPart {
    /// Reads a dot-string or a quoted string (RFC 5321 §4.1.2); UTF-8 as RFC 6531 §3.3 extends it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = if text.starts_with('"') {
            (quoted_end(text)? == text.len()).then(|| unquoted(text))??
        } else {
            let is_dot_string = text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext));
            is_dot_string.then(|| text.to_owned())?
        };
        (1..=LOCAL_PART_MAX).contains(&plain.len()).then_some(Self(plain))
    }

    /// The text itself, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Domain {
    /// Reads a domain name, in ASCII or in Unicode, and keeps its ASCII form (RFC 5890). At least one label;
    /// letters, digits and hyphens only (RFC 5321 §4.1.2).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii_strict(text).ok()?
        };
        let valid_label = |label: &str| {
            (1..=LABEL_MAX).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        (ascii.len() <= DOMAIN_MAX && ascii.split('.').all(valid_label)).then_some(Self(ascii))
    }

    /// The ASCII form, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the other domain or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_suffix(other.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl ReversePath {
    /// The mailbox that hears of failures, if there is one.
    #[must_use]
    pub const fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

/// Lower case. What is not ASCII stays so: the Kelvin sign becomes `k` elsewhere, and who has a mailbox with the sign in
/// its name would be the person with the letter.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let lower = c.to_lowercase();
            let is_kept = !c.is_ascii() && lower.clone().any(|lower| lower.is_ascii());
            (!is_kept).then_some(lower).into_iter().flatten().chain(is_kept.then_some(c))
        })
        .collect()
}

/// `atext` of RFC 5322 §3.2.3, and any non-ASCII character that is not a control (RFC 6531 §3.3).
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

/// The index behind the closing quote of a text that begins with a quote.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// The content of a quoted string, its escapes resolved. No control characters (`qtextSMTP`).
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c.is_control() {
            return None;
        }
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            plain.push(c);
        }
    }
    Some(plain)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Display for LocalPart {
    /// Writes the form of the wire: quoted where a dot-string cannot say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)) {
            return f.write_str(&self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ReversePath {
    /// Writes the address, or nothing for `<>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = AddressFault;

    fn from_str(text: &str) -> Result<Self, AddressFault> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Address {
    type Error = AddressFault;

    fn try_from(text: String) -> Result<Self, AddressFault> {
        Self::parse(&text)
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Domain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("“{text}” is not a valid domain")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn the_usual_addresses_are_read() {
        for text in ["kim@partner.example", "a.b+tag@x.y", "o'neil@corp.example", "пример@partner.example"]
        {
            assert_eq!(address(text).to_string(), text);
        }
    }

    #[test]
    fn quotes_are_kept_where_they_are_needed_and_only_there() {
        assert_eq!(address("\"quoted local\"@b.c").to_string(), "\"quoted local\"@b.c");
        assert_eq!(address("\"kim\"@b.c"), address("kim@b.c"));
        assert_eq!(address(r#""a\"b"@c.d"#).local().as_str(), "a\"b");
        assert_eq!(address("\"a@b\"@c.d").domain().as_str(), "c.d");
    }

    #[test]
    fn domains_are_compared_in_their_ascii_form() {
        assert_eq!(address("a@Пример.РФ"), address("a@xn--e1afmkfd.xn--p1ai"));
        assert!(address("Kim@Partner.Example").same_mailbox(&address("kim@partner.example")));
    }

    #[test]
    fn a_domain_lies_within_itself_and_those_above_it() {
        let domain = |text| Domain::parse(text).unwrap();
        for (inner, outer, expected) in [
            ("corp.example", "corp.example", true),
            ("mail.corp.example", "corp.example", true),
            ("notcorp.example", "corp.example", false),
            ("corp.example", "mail.corp.example", false),
        ] {
            assert_eq!(domain(inner).is_within(&domain(outer)), expected, "{inner} {outer}");
        }
    }

    #[test]
    fn no_letter_becomes_another_persons() {
        for (one, other) in
            [("\u{212a}im@b.c", "kim@b.c"), ("K\u{130}M@b.c", "kim@b.c"), ("k\u{131}m@b.c", "kim@b.c")]
        {
            assert!(!address(one).same_mailbox(&address(other)), "{one}");
            assert_ne!(address(one).key(), address(other).key());
        }
        assert!(address("JÖRG@b.c").same_mailbox(&address("jörg@b.c")));
    }

    #[test]
    fn what_is_not_an_address_is_told_apart() {
        for text in
            ["kim", "@b.c", "a@", "a b@c.d", "a@b..c", "a@-b.c", "a>b@c.d", "a@b@c.d", "a\0@b.c", "a@b c"]
        {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Address::parse("a@[127.0.0.1]"), Err(AddressFault::Literal(_))));
        assert!(Address::parse(&format!("{}@b.c", "a".repeat(65))).is_err());
    }

    proptest! {
        #[test]
        fn printing_and_reading_again_gives_the_same(local in "[ -~]{1,64}", domain in "[a-z0-9]{1,9}(\\.[a-z0-9]{1,9}){0,3}") {
            let written = Address::new(LocalPart(local), Domain(domain));
            prop_assert_eq!(Address::parse(&written.to_string()).unwrap(), written);
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,80}") {
            let _ = Address::parse(&text);
        }
    }
}
