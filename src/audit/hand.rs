//! Who did something as an administrator.

use std::net::IpAddr;

use crate::base::address::Address;

/// An administrator's hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hand<'a> {
    /// Who; `None` is the command line.
    pub by: Option<&'a Address>,
    /// From where; `None` on this machine.
    pub peer: Option<IpAddr>,
}

impl Hand<'_> {
    /// Whoever may open the control socket or the store; who it is, nobody says.
    pub const COMMAND_LINE: Hand<'static> = Hand { by: None, peer: None };

    /// As the journal has it.
    pub(super) fn who(&self) -> String {
        self.by.map_or_else(|| "command line".to_owned(), Address::masked)
    }
}
