//! That an administrator has changed a setting while the service runs.

use tracing::info;

use crate::audit::{Hand, from};

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
    /// Who did.
    pub hand: Hand<'a>,
}

/// Writes one line.
pub fn record(Switched { key, before, after, is_set, hand }: &Switched<'_>) {
    info!(target: "audit", key, before, after, is_set, by = hand.who(), peer = from(hand.peer), "switched");
}
