//! A person with an address: `Kim Roe <kim@partner.example>`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::address::Address;

/// An address and the name that goes with it, as a header or a page shows it (RFC 5322 §3.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The display name, decoded, without quotes; `None` where there is none.
    pub name: Option<String>,
    /// Where mail for this person goes.
    pub address: Address,
}

impl Mailbox {
    /// A mailbox with a name; an empty name is none.
    #[must_use]
    pub fn named(name: &str, address: Address) -> Self {
        let name = name.trim();
        Self { name: (!name.is_empty()).then(|| name.to_owned()), address }
    }

    /// What to call this person: the name, else the address.
    #[must_use]
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address.to_string())
    }
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
