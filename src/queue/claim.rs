//! What a delivery holds while it works: some envelopes, and a place at their destination.

use crate::queue::index::{Lane, Slot};
use crate::queue::{Entry, Envelope, Message, Queue};
use crate::store::Stored;

/// Envelopes of one message that share destination and edits, for one delivery alone.
///
/// Settle it with [`Queue::settle`] and [`Queue::finish`]. Dropped instead, it comes due again after a while.
pub struct Claim {
    /// What they have in common.
    pub message: Message,
    /// What the store says of each.
    pub entries: Vec<Stored<Entry>>,
    /// The place at the destination; drop it (see [`Claim::end_turn`]) as soon as the next message may go there.
    pub(super) turn: Option<Turn>,
    pub(super) lease: Lease,
}

/// One of the places at a destination.
pub(super) struct Turn {
    queue: Queue,
    lane: Lane,
}

/// The envelopes themselves: they come back to the queue when this is dropped.
pub(super) struct Lease {
    queue: Queue,
    lane: Lane,
    pub(super) slots: Vec<Slot>,
}

impl Claim {
    /// The envelopes, in the order of `entries`.
    pub fn envelopes(&self) -> impl Iterator<Item = &Envelope> {
        self.entries.iter().map(|stored| &stored.value.envelope)
    }

    /// How often this was tried before. Envelopes that are due together were tried together.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.entries.iter().map(|stored| stored.value.schedule.attempts).max().unwrap_or(0)
    }

    /// The destination is free for the next message, though this one is not settled yet.
    pub fn end_turn(&mut self) {
        self.turn = None;
    }
}

impl Turn {
    pub(super) const fn new(queue: Queue, lane: Lane) -> Self {
        Self { queue, lane }
    }
}

impl Lease {
    pub(super) const fn new(queue: Queue, lane: Lane, slots: Vec<Slot>) -> Self {
        Self { queue, lane, slots }
    }

    /// Ends it without giving anything back.
    pub(super) fn end(mut self) -> Lane {
        self.slots.clear();
        self.lane.clone()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.end_turn(&self.lane);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.slots.is_empty() {
            self.queue.give_back(&self.lane, &self.slots);
        }
    }
}
