//! An administrator's orders about what waits: try it now, keep it, let it go on, drop it.
//!
//! An order is for all envelopes of a message that wait; those that are on their way at this moment go on. It is in the
//! store before it is answered. Nobody but the audit log hears that something was dropped.

use thiserror::Error;

use crate::audit::{self, Event, Hand};
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::MessageId;
use crate::queue::book::{self, ENTRIES, MESSAGES};
use crate::queue::index::{Lane, Slot};
use crate::queue::{Entry, Message, Queue};
use crate::store::{Batch, CommitError, StoreFault, Stored};

/// Recipients with which a page of the list ends, however few messages they are of.
const PAGE_RECIPIENTS: usize = 20_000;

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Try what waits now, whatever its time. What is held stays held.
    Retry,
    /// Keep it until it is released.
    Hold,
    /// Try what is held from now on.
    Release,
    /// Take it out: nobody gets it, and nobody is told.
    Drop,
}

/// A message and what of it is not settled.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What its recipients have in common.
    pub message: Message,
    /// Its unsettled envelopes, by number.
    pub entries: Vec<Entry>,
}

/// A part of what waits, in the order in which it came.
#[derive(Clone, Debug)]
pub struct Page {
    /// Some of these may be settled but for the record.
    pub messages: Vec<Waiting>,
    /// Behind which message the next part begins; `None` where there is none.
    pub next: Option<MessageId>,
}

/// Why an order was not carried out.
#[derive(Debug, Error)]
pub enum OrderFault {
    /// It is settled, or was never here.
    #[error("there is no message {0} in the queue; it may have been settled meanwhile")]
    Unknown(MessageId),
    /// Nothing of it is in the state that the order is about.
    #[error("{0}")]
    Nothing(&'static str),
    /// Somebody else changed it at the same moment.
    #[error("the message changed at the same moment; please look again")]
    Conflict,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Order {
    /// The order of this word: `retry`, `hold`, `release`, `drop`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Retry, Self::Hold, Self::Release, Self::Drop].into_iter().find(|order| order.word() == word)
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Drop => "drop",
        }
    }

    /// Whether it is about envelopes that are held, or about those that wait for their time.
    const fn concerns(self, is_held: bool) -> bool {
        match self {
            Self::Retry | Self::Hold => !is_held,
            Self::Release => is_held,
            Self::Drop => true,
        }
    }

    const fn nothing(self) -> &'static str {
        match self {
            Self::Retry => {
                "nothing of the message waits for its time: it is held, or on its way at this moment"
            }
            Self::Hold => {
                "nothing of the message can be held: it is held already, or on its way at this moment"
            }
            Self::Release => "nothing of the message is held",
            Self::Drop => "the message is on its way at this moment; please look again",
        }
    }
}

impl Queue {
    /// Messages with what is unsettled of them; behind `after` if given, at most `limit`. Where they have many
    /// recipients, the page ends early.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn waiting(&self, after: Option<MessageId>, limit: usize) -> Result<Page, StoreFault> {
        self.page(after, limit, PAGE_RECIPIENTS)
    }

    /// The same, which ends with so many recipients.
    pub(super) fn page(
        &self,
        after: Option<MessageId>,
        limit: usize,
        recipients_max: usize,
    ) -> Result<Page, StoreFault> {
        let stored = MESSAGES.scan(&self.inner.store, after.as_ref(), limit)?;
        let (mut messages, mut recipients) = (Vec::with_capacity(stored.len()), 0);
        let mut is_full = stored.len() == limit;
        for (_, message) in stored {
            if recipients >= recipients_max {
                is_full = true;
                break;
            }
            let waiting = self.with_entries(message.value)?;
            recipients += waiting.entries.len();
            messages.push(waiting);
        }
        let next = messages.last().filter(|_| is_full).map(|last| last.message.id);
        Ok(Page { messages, next })
    }

    /// One message with what is unsettled of it.
    ///
    /// # Errors
    /// [`OrderFault::Unknown`], or those of the store.
    pub fn waiting_one(&self, id: MessageId) -> Result<Waiting, OrderFault> {
        let stored = MESSAGES.get(&self.inner.store, &id)?.ok_or(OrderFault::Unknown(id))?;
        let waiting = self.with_entries(stored.value)?;
        if waiting.entries.is_empty() { Err(OrderFault::Unknown(id)) } else { Ok(waiting) }
    }

    /// Carries out an order, and notes who gave it. Gives the recipients that it concerned.
    ///
    /// # Errors
    /// [`OrderFault`]; then all is as it was.
    pub async fn obey(
        &self,
        order: Order,
        id: MessageId,
        hand: Hand<'_>,
    ) -> Result<Vec<Address>, OrderFault> {
        // Whoever asked may go away; what is taken out of the index must come back or be gone for good, and be noted.
        let queue = self.clone();
        let (by, peer) = (hand.by.cloned(), hand.peer);
        let obeyed = tokio::spawn(async move {
            let recipients = queue.carry_out(order, id).await?;
            let hand = Hand { by: by.as_ref(), peer };
            for recipient in &recipients {
                audit::record(&Event::Ordered { message: id, recipient, order: order.word(), hand });
            }
            Ok(recipients)
        });
        obeyed.await.unwrap_or(Err(OrderFault::Store(StoreFault::Stopped)))
    }

    async fn carry_out(&self, order: Order, id: MessageId) -> Result<Vec<Address>, OrderFault> {
        let message = self.waiting_one(id)?.message;
        // Nobody claims them from here on.
        let taken = self.inner.change(|index| index.take_out(id));
        let mut batch = Batch::new();
        let prepared = self.prepare(&mut batch, order, &message, &taken);
        let committed = match prepared {
            Ok(change) => {
                self.inner.store.commit(batch).await.map(|()| change).map_err(|fault| match fault {
                    CommitError::Conflict => OrderFault::Conflict,
                    CommitError::Store(fault) => OrderFault::Store(fault),
                })
            }
            Err(fault) => Err(fault),
        };
        match committed {
            Ok(change) => Ok(self.finish_order(id, change)),
            Err(fault) => {
                self.put_back(taken);
                Err(fault)
            }
        }
    }

    /// Puts what the order changes into the batch.
    fn prepare(
        &self,
        batch: &mut Batch,
        order: Order,
        message: &Message,
        taken: &[(Lane, Slot)],
    ) -> Result<Change, OrderFault> {
        let now = self.inner.clock.now();
        let is_taken = |number: u16| taken.iter().find(|(_, slot)| slot.number == number);
        let bodies = self.inner.index().bodies(message.id).to_vec();
        let mut change = Change::default();
        for (number, stored) in book::entries(&self.inner.store, message.id)? {
            let is_held = stored.value.schedule.held;
            let place = is_taken(number);
            // What neither waits nor is held is on its way.
            if !is_held && place.is_none() {
                continue;
            }
            if !order.concerns(is_held) {
                change.back.extend(place.cloned());
                continue;
            }
            change.recipients.push(stored.value.envelope.recipient.clone());
            if order == Order::Drop {
                ENTRIES.remove(batch, &(message.id, number), &stored)?;
                change.dropped += 1;
                continue;
            }
            let entry = entry_after(order, &stored, now);
            if order != Order::Hold {
                change.back.push(self.inner.place(message.id, number, &entry, &bodies));
            }
            ENTRIES.replace(batch, &(message.id, number), &stored, &entry)?;
        }
        if change.recipients.is_empty() {
            return Err(OrderFault::Nothing(order.nothing()));
        }
        change.whole = change.dropped > 0 && self.inner.index().remaining(message.id) == change.dropped;
        if change.whole {
            MESSAGES.delete(batch, &message.id);
        }
        Ok(change)
    }

    /// After the commit.
    fn finish_order(&self, id: MessageId, change: Change) -> Vec<Address> {
        let Change { recipients, back, dropped, whole } = change;
        self.put_back(back);
        if dropped > 0 {
            let bodies = self.inner.change(|index| index.settled(id, dropped, whole));
            for body in &bodies {
                self.inner.spool.release(body);
            }
            self.inner.settled.notify_waiters();
        }
        recipients
    }

    fn put_back(&self, places: Vec<(Lane, Slot)>) {
        self.inner.change(|index| {
            for (lane, slot) in places {
                index.put(&lane, slot);
            }
        });
    }

    fn with_entries(&self, message: Message) -> Result<Waiting, StoreFault> {
        let entries = book::entries(&self.inner.store, message.id)?;
        Ok(Waiting { message, entries: entries.into_iter().map(|(_, stored)| stored.value).collect() })
    }
}

/// What an order comes to.
#[derive(Default)]
struct Change {
    /// Whom it concerned.
    recipients: Vec<Address>,
    /// What waits again, or still.
    back: Vec<(Lane, Slot)>,
    /// Envelopes that leave.
    dropped: usize,
    /// Whether the message leaves with them.
    whole: bool,
}

fn entry_after(order: Order, stored: &Stored<Entry>, now: Timestamp) -> Entry {
    let mut entry = stored.value.clone();
    entry.schedule.held = order == Order::Hold;
    if order != Order::Hold {
        entry.schedule.due = now;
    }
    entry
}
