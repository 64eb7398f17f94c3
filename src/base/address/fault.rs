//! Why something is not an address.

use thiserror::Error;

use crate::base::phrase::{Phrase, phrase};

/// Why a text is not an address, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.phrase())]
pub enum AddressFault {
    /// No `@` at all.
    NoAt(String),
    /// Nothing, or something not allowed, before the `@`.
    LocalPart(String),
    /// Nothing, or something not allowed, behind the `@`.
    Domain(String, String),
    /// `user@[192.0.2.1]`, which this gateway does not route.
    Literal(String),
}

impl AddressFault {
    /// What is wrong, without a full stop: a reply of SMTP has none.
    #[must_use]
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::NoAt(text) => phrase!("“{text}” is not a mail address: it has no @", text = text),
            Self::LocalPart(text) => {
                phrase!("“{text}” is not a mail address: the part before the @ is not valid", text = text)
            }
            Self::Domain(text, domain) => phrase!(
                "“{text}” is not a mail address: “{domain}” is not a valid domain",
                text = text,
                domain = domain
            ),
            Self::Literal(text) => {
                phrase!(
                    "“{text}” names a host by its number; please use an address with a domain name",
                    text = text
                )
            }
        }
    }
}
