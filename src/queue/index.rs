//! What is due next, kept in memory so that nobody has to search the store for it.

use std::collections::{BTreeSet, HashMap};

use crate::base::address::Domain;
use crate::base::clock::Timestamp;
use crate::base::id::MessageId;
use crate::store::spool::BodyRef;

/// Recipients claimed at once: what every server must take in one transaction (RFC 5321 §4.5.3.1.8).
pub const CLAIM_MAX: usize = 100;
/// Left-over message records that one batch takes along.
const SPENT_PER_BATCH: usize = 16;

/// A destination, as far as places are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// All mail goes to the configured smarthosts.
    Smarthosts,
    /// Mail goes to the hosts of this domain, or by its route.
    Domain(Domain),
}

/// One waiting envelope. Those of one message and one group that are due together sort together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub due: Timestamp,
    pub message: MessageId,
    /// Envelopes with equal edits: the place of the edits among the message's bodies, 0 for none.
    pub group: u16,
    /// The envelope's number in its message.
    pub number: u16,
}

/// What is to be claimed: envelopes of one message and one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub lane: Lane,
    pub message: MessageId,
    pub slots: Vec<Slot>,
}

/// Every unsettled message, and every envelope that waits.
#[derive(Debug)]
pub struct Index {
    lanes: HashMap<Lane, Waiting>,
    /// The lanes with a free place, each at the due time of its first envelope.
    ready: BTreeSet<(Timestamp, Lane)>,
    unsettled: HashMap<MessageId, Unsettled>,
    /// Messages without envelopes whose record is still in the store.
    spent: Vec<MessageId>,
    places: usize,
}

/// The envelopes that wait for one destination.
#[derive(Debug, Default)]
struct Waiting {
    slots: BTreeSet<Slot>,
    turns: usize,
    /// Where the lane stands in `ready`.
    ready_at: Option<Timestamp>,
}

/// What a message still holds.
#[derive(Debug)]
struct Unsettled {
    /// Envelopes whose settlement is not committed.
    remaining: usize,
    bodies: Box<[BodyRef]>,
}

impl Index {
    /// An empty index that gives each destination so many places.
    pub fn new(places: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            ready: BTreeSet::new(),
            unsettled: HashMap::new(),
            spent: Vec::new(),
            places: places.max(1),
        }
    }

    /// A committed message with so many envelopes; those of them that are not held wait at these places.
    pub fn admit(
        &mut self,
        message: MessageId,
        bodies: Box<[BodyRef]>,
        envelopes: usize,
        slots: Vec<(Lane, Slot)>,
    ) {
        self.unsettled.insert(message, Unsettled { remaining: envelopes, bodies });
        for (lane, slot) in slots {
            self.put(&lane, slot);
        }
    }

    /// An envelope waits for its time.
    pub fn put(&mut self, lane: &Lane, slot: Slot) {
        self.lanes.entry(lane.clone()).or_default().slots.insert(slot);
        self.reorder(lane);
    }

    /// Takes what is due first and begins a turn of its destination: the envelopes of one message and one group.
    pub fn take(&mut self, now: Timestamp) -> Option<Taken> {
        let (due, lane) = self.ready.first()?;
        if *due > now {
            return None;
        }
        let lane = lane.clone();
        let waiting = self.lanes.get_mut(&lane)?;
        let first = waiting.slots.pop_first()?;
        let mut slots = vec![first];
        while slots.len() < CLAIM_MAX
            && let Some(next) = waiting.slots.first()
            && (next.due, next.message, next.group) == (first.due, first.message, first.group)
        {
            slots.extend(waiting.slots.pop_first());
        }
        waiting.turns += 1;
        self.reorder(&lane);
        Some(Taken { lane, message: first.message, slots })
    }

    /// Takes out all envelopes of a message that wait, whenever they are due.
    pub fn take_out(&mut self, message: MessageId) -> Vec<(Lane, Slot)> {
        let waiting = |waiting: &Waiting| {
            waiting.slots.iter().filter(|slot| slot.message == message).copied().collect::<Vec<_>>()
        };
        let found: Vec<(Lane, Slot)> = self
            .lanes
            .iter()
            .flat_map(|(lane, slots)| waiting(slots).into_iter().map(|slot| (lane.clone(), slot)))
            .collect();
        for (lane, slot) in &found {
            if let Some(waiting) = self.lanes.get_mut(lane) {
                waiting.slots.remove(slot);
            }
            self.reorder(lane);
        }
        found
    }

    /// The bodies of a message, its own first.
    pub fn bodies(&self, message: MessageId) -> &[BodyRef] {
        self.unsettled.get(&message).map(|unsettled| &*unsettled.bodies).unwrap_or_default()
    }

    /// When the first envelope of a destination with a free place is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.ready.first().map(|(due, _)| *due)
    }

    /// A destination has one place more.
    pub fn end_turn(&mut self, lane: &Lane) {
        if let Some(waiting) = self.lanes.get_mut(lane) {
            waiting.turns = waiting.turns.saturating_sub(1);
            self.reorder(lane);
        }
    }

    /// Envelopes of a message whose settlement is not committed.
    pub fn remaining(&self, message: MessageId) -> usize {
        self.unsettled.get(&message).map_or(0, |unsettled| unsettled.remaining)
    }

    /// The settlement of so many envelopes of a message is committed, and with it, where `whole`, the end of the
    /// message's record. Gives the bodies that nothing names any more.
    ///
    /// Two settlements of one message that are committed side by side both see the other's envelopes as remaining, so
    /// neither ends the record; it is then spent: it goes with a later batch, and until then names bodies in vain.
    pub fn settled(&mut self, message: MessageId, envelopes: usize, whole: bool) -> Box<[BodyRef]> {
        let Some(unsettled) = self.unsettled.get_mut(&message) else {
            return Box::default();
        };
        unsettled.remaining = unsettled.remaining.saturating_sub(envelopes);
        if unsettled.remaining > 0 {
            return Box::default();
        }
        if !whole {
            self.spent.push(message);
        }
        self.unsettled.remove(&message).map(|unsettled| unsettled.bodies).unwrap_or_default()
    }

    /// A message record without envelopes was found.
    pub fn add_spent(&mut self, message: MessageId) {
        self.spent.push(message);
    }

    /// Some of the message records that the next batch may delete.
    pub fn spent(&self) -> Vec<MessageId> {
        self.spent.iter().take(SPENT_PER_BATCH).copied().collect()
    }

    /// These records are deleted.
    pub fn forget_spent(&mut self, deleted: &[MessageId]) {
        if !deleted.is_empty() {
            self.spent.retain(|message| !deleted.contains(message));
        }
    }

    /// Messages with an unsettled envelope.
    pub fn messages(&self) -> usize {
        self.unsettled.len()
    }

    /// Puts a lane where it now belongs among the ready ones, and forgets one that is empty.
    fn reorder(&mut self, lane: &Lane) {
        let Some(waiting) = self.lanes.get_mut(lane) else {
            return;
        };
        let first_due = waiting.slots.first().map(|slot| slot.due);
        let ready_at = first_due.filter(|_| waiting.turns < self.places);
        if ready_at != waiting.ready_at {
            if let Some(old) = waiting.ready_at {
                self.ready.remove(&(old, lane.clone()));
            }
            if let Some(new) = ready_at {
                self.ready.insert((new, lane.clone()));
            }
            waiting.ready_at = ready_at;
        }
        if waiting.slots.is_empty() && waiting.turns == 0 {
            self.lanes.remove(lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(domain: &str) -> Lane {
        Lane::Domain(Domain::parse(domain).unwrap())
    }

    fn slot(due: i64, message: MessageId, group: u16, number: u16) -> Slot {
        Slot { due: Timestamp::from_millis(due), message, group, number }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_destination_without_a_free_place_does_not_hold_up_another() {
        let mut index = Index::new(1);
        let (slow, fast) = (lane("slow.example"), lane("fast.example"));
        for number in 0..3 {
            index.put(&slow, slot(0, MessageId::fresh(), 0, number));
        }
        index.put(&fast, slot(5, MessageId::fresh(), 0, 0));
        assert_eq!(index.take(at(9)).unwrap().lane, slow);
        assert_eq!(index.take(at(9)).unwrap().lane, fast);
        assert_eq!(index.take(at(9)), None);
        index.end_turn(&slow);
        assert_eq!(index.take(at(9)).unwrap().lane, slow);
    }

    #[test]
    fn recipients_with_the_same_edits_are_taken_together_and_no_others() {
        let mut index = Index::new(9);
        let message = MessageId::fresh();
        let slots = [(0, 0), (0, 1), (1, 2), (0, 3)].map(|(group, number)| slot(0, message, group, number));
        index.admit(message, Box::default(), 4, slots.map(|slot| (Lane::Smarthosts, slot)).to_vec());
        let numbers = |taken: Option<Taken>| {
            taken.map(|taken| taken.slots.iter().map(|slot| slot.number).collect::<Vec<_>>())
        };
        assert_eq!(numbers(index.take(at(0))), Some(vec![0, 1, 3]));
        assert_eq!(numbers(index.take(at(0))), Some(vec![2]));
        assert_eq!(numbers(index.take(at(0))), None);
    }

    #[test]
    fn no_claim_is_larger_than_one_transaction_may_be() {
        let mut index = Index::new(9);
        let message = MessageId::fresh();
        for number in 0..250 {
            index.put(&Lane::Smarthosts, slot(0, message, 0, number));
        }
        let sizes: Vec<_> = std::iter::from_fn(|| index.take(at(0))).map(|taken| taken.slots.len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
    }

    #[test]
    fn nothing_is_taken_before_its_time() {
        let mut index = Index::new(9);
        index.put(&Lane::Smarthosts, slot(10, MessageId::fresh(), 0, 0));
        assert_eq!(index.take(at(9)), None);
        assert_eq!(index.next_due(), Some(at(10)));
        assert!(index.take(at(10)).is_some());
        assert_eq!(index.next_due(), None);
    }

    #[test]
    fn a_message_settled_side_by_side_leaves_its_record_to_a_later_batch() {
        let mut index = Index::new(9);
        let message = MessageId::fresh();
        let slots = [0, 1].map(|number| (Lane::Smarthosts, slot(0, message, number, number)));
        index.admit(message, Box::default(), 2, slots.to_vec());
        index.settled(message, 1, false);
        assert_eq!((index.messages(), index.spent()), (1, vec![]));
        index.settled(message, 1, false);
        assert_eq!((index.messages(), index.spent()), (0, vec![message]));
        index.forget_spent(&[message]);
        assert_eq!(index.spent(), vec![]);
    }
}
