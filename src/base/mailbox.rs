//! A person with an address: `Kim Roe <kim@partner.example>`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::address::Address;

/// Characters of a display name that are kept. Names come from header fields, which are longer than any name.
pub const NAME_CHARACTERS_MAX: usize = 256;

/// An address and the name that goes with it, as a header or a page shows it (RFC 5322 §3.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The display name, decoded, without quotes; `None` where there is none.
    pub name: Option<String>,
    /// Where mail for this person goes.
    pub address: Address,
}

impl Mailbox {
    /// A mailbox with a name; an empty name is none. The name becomes one line of at most [`NAME_CHARACTERS_MAX`]
    /// characters: what comes from an encoded word (RFC 2047) may hold line breaks, and what turns the reading direction
    /// around would make of the address behind it another one.
    #[must_use]
    pub fn named(name: &str, address: Address) -> Self {
        let line: String = name
            .chars()
            .take(NAME_CHARACTERS_MAX)
            .filter(|c| !is_unseen(*c))
            .map(|c| if breaks_line(c) { ' ' } else { c })
            .collect();
        let name = line.trim();
        Self { name: (!name.is_empty()).then(|| name.to_owned()), address }
    }

    /// What to call this person: the name, else the address.
    #[must_use]
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address.to_string())
    }
}

/// Whether a character ends a line or controls a terminal: no name has one.
#[must_use]
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether a character shows nothing and changes how others are read: marks, embeddings and isolates of direction
/// (UAX #9 §2), spaces of no width, tags. The joiners, which some scripts need, are none of these.
#[must_use]
pub const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

impl From<Address> for Mailbox {
    fn from(address: Address) -> Self {
        Self { name: None, address }
    }
}

impl fmt::Display for Mailbox {
    /// For people to read, not for a header: `Kim Roe <kim@partner.example>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        Mailbox::named(text, Address::parse("kim@partner.example").unwrap()).name
    }

    #[test]
    fn a_name_is_one_line_that_reads_as_it_is_written() {
        for (text, expected) in [
            (" Kim Roe ", "Kim Roe"),
            ("Kim\r\nBcc: lee@x.example\0", "Kim  Bcc: lee@x.example"),
            ("Kim\u{2028}Roe", "Kim Roe"),
            ("Kim \u{202e}eoR\u{2066}", "Kim eoR"),
            ("\u{645}\u{6cc}\u{200c}\u{62e}\u{648}", "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}"),
        ] {
            assert_eq!(name(text).as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(name(" \u{200b}\n"), None);
        assert_eq!(name(&"x".repeat(100_000)).map(|name| name.len()), Some(NAME_CHARACTERS_MAX));
    }
}
