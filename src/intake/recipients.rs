//! The recipients that a person types into a line: `kim@partner.example, Lee Roe <lee@partner.example>`.
//!
//! Commas part them, and nothing else does: a semicolon, which some mail programs write, is told with the line as it
//! should be, because what looks right and is read differently would invite the wrong people or nobody.

use thiserror::Error;

use crate::base::address::{Address, AddressFault};
use crate::base::mailbox::Mailbox;
use crate::base::phrase::{Phrase, phrase};

/// Why a line was not understood, in words for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.phrase())]
pub enum LineFault {
    /// Semicolons between addresses; with the line as it should be.
    Semicolon(String),
    /// No address.
    Address(#[from] AddressFault),
    /// A name without an address in angle brackets, or brackets that are not closed.
    Unclear(String),
    /// More than a message may have.
    TooMany {
        /// How many there are.
        count: usize,
        /// `limits.recipients`.
        limit: usize,
    },
}

impl LineFault {
    /// What is wrong, and what to do.
    #[must_use]
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::Semicolon(line) => phrase!(
                "Addresses are separated by commas, not by semicolons. Please write: {line}.",
                line = line
            ),
            Self::Address(fault) => fault.phrase(),
            Self::Unclear(text) => phrase!(
                "“{text}” is not a mail address. Please write it as name@example.com or as Name <name@example.com>.",
                text = text
            ),
            Self::TooMany { count, limit } => phrase!(
                "These are {count} addresses; at most {most} are allowed. Please send several messages.",
                count = count,
                most = limit
            ),
        }
    }
}

/// Reads a line. What is empty between two commas is passed over.
///
/// # Errors
/// [`LineFault`] names the first thing that is wrong.
pub fn read(line: &str, limit: usize) -> Result<Vec<Mailbox>, LineFault> {
    let by_semicolons = pieces(line, &[',', ';']);
    let pieces = pieces(line, &[',']);
    if by_semicolons.len() > pieces.len() || pieces.iter().any(|piece| piece.ends_with(';')) {
        return Err(LineFault::Semicolon(by_semicolons.join(", ")));
    }
    if pieces.len() > limit {
        return Err(LineFault::TooMany { count: pieces.len(), limit });
    }
    pieces.into_iter().map(mailbox).collect()
}

/// What stands between the separators, white space and empty pieces aside. What is in quotes or in angle brackets is
/// one piece (RFC 5322 §3.4).
fn pieces<'a>(line: &'a str, separators: &[char]) -> Vec<&'a str> {
    let (mut is_quoted, mut is_escaped, mut is_in_brackets) = (false, false, false);
    let pieces = line.split(|c: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match c {
            _ if was_escaped => {}
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '<' => is_in_brackets = true,
            '>' => is_in_brackets = false,
            _ if is_in_brackets => {}
            _ => return separators.contains(&c),
        }
        false
    });
    pieces.map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// `kim@partner.example`, `<kim@partner.example>` or `Kim Roe <kim@partner.example>`.
fn mailbox(piece: &str) -> Result<Mailbox, LineFault> {
    let Some(rest) = piece.strip_suffix('>') else {
        return match Address::parse(piece) {
            Ok(address) => Ok(address.into()),
            Err(AddressFault::NoAt(_)) => Err(LineFault::Unclear(piece.to_owned())),
            Err(fault) => Err(fault.into()),
        };
    };
    let (name, address) = rest.rsplit_once('<').ok_or_else(|| LineFault::Unclear(piece.to_owned()))?;
    let name = name.trim();
    let unquoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let name = unquoted.map_or_else(|| name.to_owned(), |quoted| quoted.replace("\\\"", "\""));
    Ok(Mailbox::named(&name, Address::parse(address.trim())?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> Result<Vec<String>, String> {
        let people = read(line, 3).map_err(|fault| fault.to_string())?;
        Ok(people.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn commas_part_people_with_and_without_names() {
        assert_eq!(
            shown(" kim@x.example,Lee Roe <lee@x.example> , \"Poe, Max; jr\" <max@x.example>,, ").unwrap(),
            ["kim@x.example", "Lee Roe <lee@x.example>", "Poe, Max; jr <max@x.example>"]
        );
        assert_eq!(shown(" , ").unwrap(), [""; 0]);
    }

    #[test]
    fn a_semicolon_is_told_with_the_corrected_line() {
        for line in
            ["kim@x.example; lee@x.example", "kim@x.example;lee@x.example;", "kim@x.example,lee@x.example;"]
        {
            assert_eq!(
                shown(line).unwrap_err(),
                "Addresses are separated by commas, not by semicolons. Please write: kim@x.example, lee@x.example."
            );
        }
        assert!(shown("kim@x.example;").unwrap_err().ends_with("Please write: kim@x.example."));
    }

    #[test]
    fn what_is_no_address_is_named() {
        assert!(shown("kim@x.example, Lee").unwrap_err().starts_with("“Lee” is not a mail address."));
        assert!(shown("kim@x.example lee@x.example").unwrap_err().contains("“kim@x.example lee@x.example”"));
        assert!(shown("Kim kim@x.example>").unwrap_err().contains("is not a mail address"));
        assert!(shown("Kim <kim@>").unwrap_err().contains("“kim@”"));
        assert!(
            shown("a@x.example,b@x.example,c@x.example,d@x.example").unwrap_err().contains("4 addresses")
        );
    }

    proptest! {
        #[test]
        fn a_corrected_line_is_right(people in prop::collection::vec("[a-z]{1,8}@[a-z]{1,8}\\.example", 2..6)) {
            let expected: Vec<Mailbox> =
                people.iter().map(|person| Address::parse(person).unwrap().into()).collect();
            let Err(LineFault::Semicolon(line)) = read(&people.join(" ;"), 9) else { panic!() };
            prop_assert_eq!(read(&line, 9).unwrap(), expected);
        }

        #[test]
        fn no_line_is_misread(line in any::<String>()) {
            let _ = read(&line, 9);
        }
    }
}
