//! That an administrator has changed a setting while the service runs.

use std::net::IpAddr;

use tracing::info;

use crate::audit::from;
use crate::base::address::Address;

/// An administrator set a switch, or gave it back to the file.
#[derive(Clone, Copy, Debug)]
pub struct Switched<'a> {
    /// Which, by its key in the file.
    pub key: &'a str,
    /// What held before.
    pub before: &'a str,
    /// What holds from now on.
    pub after: &'a str,
    /// Whether it was set; else the file decides again.
    pub is_set: bool,
    /// Who; `None` is the command line.
    pub by: Option<&'a Address>,
    /// From where; `None` on this machine.
    pub peer: Option<IpAddr>,
}

/// Writes one line.
pub fn record(Switched { key, before, after, is_set, by, peer }: &Switched<'_>) {
    let by = by.map_or_else(|| "command line".to_owned(), Address::masked);
    info!(target: "audit", key, before, after, is_set, by, peer = from(*peer), "switched");
}
