//! The queue: what was accepted and has not been settled.
//!
//! ```text
//! add ─commit─▶ due ──claim──▶ claimed ──settle, commit──▶ gone       (delivered, refused or given up)
//!                ▲                │  └──settle, commit──▶ due later   (deferred, with back-off)
//!                └─ claim dropped ┘
//! due ──hold──▶ held ──release──▶ due;  due or held ──drop──▶ gone     (an administrator's orders, see [`order`])
//! ```
//!
//! What it promises:
//! - A message and its envelopes are in the store, and their bodies in the spool, from the commit of the batch that
//!   `add` filled until the commit of the batch that settles the last envelope.
//! - An envelope is claimed by one delivery at a time. The lease is kept in memory only: one process at a time opens
//!   the store (it holds the store's lock), so a crash ends every lease with the process that held it, and whatever
//!   had not been settled comes due again when the next one opens the queue. That is the one way in which a message
//!   can be sent twice: a crash between the next hop's 250 and our note of it (RFC 1047).
//! - A destination never has more than `relay.connections_per_destination` claims in flight, so that a slow one
//!   cannot take the places of the others.
//! - In memory an envelope costs some fifty octets and a message some hundred, whatever their bodies weigh.

use std::cell::LazyCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::base::address::Domain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::id::MessageId;
use crate::config;
use crate::queue::book::{ENTRIES, MESSAGES};
pub use crate::queue::book::{Entry, Envelope, Kind, Message};
use crate::queue::claim::{Claim, Lease, Turn};
use crate::queue::index::{Index, Lane, Slot, Taken};
use crate::queue::schedule::{Backoff, Schedule};
use crate::store::spool::{Body, BodyRef, Spool};
use crate::store::{Batch, CommitError, Store, StoreFault};

mod book;
pub mod census;
pub mod claim;
mod index;
pub mod order;
pub mod schedule;

/// What became of a claimed envelope, as far as the queue is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered, or reported to the sender: it leaves the queue.
    Done,
    /// To be tried again after its back-off.
    Again {
        /// What the next hop, or the way to it, said; kept with the envelope.
        answer: String,
        /// Whether this batch holds a report that tells the sender of the delay.
        delay_reported: bool,
    },
}

/// What `add` put into a batch; hand it to `admit` after the commit.
///
/// Dropped instead, it leaves a committed message to wait for the next start.
#[must_use = "a message that is not admitted waits for the next start"]
pub struct Admission {
    id: MessageId,
    bodies: Box<[BodyRef]>,
    slots: Vec<(Lane, Slot)>,
}

/// What `settle` put into a batch; hand it to `finish` after the commit.
#[must_use = "an envelope whose settlement is not finished is sent again"]
pub struct Settlement {
    message: MessageId,
    /// Envelopes that leave.
    done: usize,
    /// Envelopes that come again.
    again: Vec<Slot>,
    /// Whether the message's own record goes with this batch.
    whole: bool,
    /// Records of earlier messages that go with this batch.
    spent: Vec<MessageId>,
}

/// Handle to the queue; cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    spool: Spool,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
    /// Whether each domain is a destination of its own (MX), or all mail goes one way (smarthosts).
    by_domain: bool,
    /// Domains whose mail, and that of the domains below them, goes a way of its own.
    routed: Vec<Domain>,
    index: Mutex<Index>,
    /// Something came due earlier than the claimer thought.
    changed: Notify,
    /// Told to whoever waits for the queue to be empty.
    settled: Notify,
}

impl Queue {
    /// Loads what is unsettled, adopts its bodies in the spool, sweeps the rest of the spool. All is due as recorded.
    ///
    /// # Errors
    /// The store or the spool cannot be read.
    pub fn open(
        store: Store,
        spool: Spool,
        clock: Arc<dyn Clock>,
        relay: &config::Relay,
    ) -> Result<Self, StoreFault> {
        let inner = Inner {
            store,
            spool,
            clock,
            backoff: Backoff::new(relay.retry_first, relay.retry_max),
            by_domain: matches!(relay.route, config::Route::Mx),
            routed: relay.routed().into_keys().cloned().collect(),
            index: Mutex::new(Index::new(relay.connections_per_destination)),
            changed: Notify::new(),
            settled: Notify::new(),
        };
        inner.load()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Puts a message and its envelopes into `batch`. `bodies` are the handles behind `message.body` and every
    /// `edits`: the batch comes to rely on each. All envelopes are due at once.
    ///
    /// # Errors
    /// More than 65,535 envelopes, or a record that cannot be encoded.
    pub fn add(
        &self,
        batch: &mut Batch,
        message: &Message,
        envelopes: &[Envelope],
        bodies: &[Body],
    ) -> Result<Admission, StoreFault> {
        let count = u16::try_from(envelopes.len())
            .map_err(|_| StoreFault::TooLarge(format!("{} envelopes of one message", envelopes.len())))?;
        for body in bodies {
            batch.relies_on(body);
        }
        MESSAGES.insert(batch, &message.id, message)?;
        let named = message.bodies(envelopes);
        let mut slots = Vec::with_capacity(envelopes.len());
        for (number, envelope) in (0..count).zip(envelopes) {
            let entry = Entry { envelope: envelope.clone(), schedule: Schedule::at_once(message.received) };
            ENTRIES.insert(batch, &(message.id, number), &entry)?;
            slots.push(self.inner.place(message.id, number, &entry, &named));
        }
        Ok(Admission { id: message.id, bodies: named.into(), slots })
    }

    /// Commits a batch, then admits what it queued. Both happen even if whoever asked goes away in between, as a
    /// browser does that closes its connection: else mail that is on disk would wait for the next start.
    ///
    /// # Errors
    /// Those of [`Store::commit`]; then nothing is admitted.
    pub async fn commit(&self, batch: Batch, admissions: Vec<Admission>) -> Result<(), CommitError> {
        let queue = self.clone();
        let committed = tokio::spawn(async move {
            queue.inner.store.commit(batch).await?;
            for admission in admissions {
                queue.admit(admission);
            }
            Ok(())
        });
        committed.await.unwrap_or_else(|_| Err(StoreFault::Stopped.into()))
    }

    /// After the commit: delivery may begin.
    pub fn admit(&self, admission: Admission) {
        self.inner.change(|index| {
            let envelopes = admission.slots.len();
            index.admit(admission.id, admission.bodies, envelopes, admission.slots);
        });
    }

    /// Messages now in the queue (for `limits.queued_messages`).
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.index().messages()
    }

    /// Whether everything that was admitted is settled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends when everything that was admitted is settled.
    pub async fn drained(&self) {
        loop {
            // Listen first, look second: the last settlement is not missed.
            let settled = self.inner.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.is_empty() {
                return;
            }
            settled.await;
        }
    }

    /// Waits until something is due for a destination with a free place, and claims it: the envelopes of one message
    /// that share destination, edits and due time, a hundred at most. One task at a time calls it.
    ///
    /// # Errors
    /// The store cannot be read; what was to be claimed comes due again after the first back-off.
    pub async fn claim(&self) -> Result<Claim, StoreFault> {
        loop {
            let changed = self.inner.changed.notified();
            let next_due = match self.take() {
                Ok(taken) => return self.read(taken),
                Err(next_due) => next_due,
            };
            match next_due {
                Some(moment) => tokio::select! {
                    () = changed => {}
                    () = self.inner.clock.sleep_until(moment) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Puts the outcome of a claim into `batch`: one verdict for each entry, in their order. Envelopes that are done
    /// leave, the others get their next due time; the message leaves with its last envelope.
    ///
    /// # Errors
    /// A record that cannot be encoded.
    pub fn settle(
        &self,
        batch: &mut Batch,
        claim: &Claim,
        verdicts: &[Verdict],
    ) -> Result<Settlement, StoreFault> {
        let now = self.inner.clock.now();
        // One wait for all, so that they are due together again; and none where all are done.
        let wait = LazyCell::new(|| self.inner.backoff.after(claim.attempts()));
        let message = claim.message.id;
        let mut settlement =
            Settlement { message, done: 0, again: Vec::new(), whole: false, spent: Vec::new() };
        for ((slot, stored), verdict) in claim.lease.slots.iter().zip(&claim.entries).zip(verdicts) {
            match verdict {
                Verdict::Done => {
                    ENTRIES.remove(batch, &(message, slot.number), stored)?;
                    settlement.done += 1;
                }
                Verdict::Again { answer, delay_reported } => {
                    let schedule = stored.value.schedule.next(now, now + *wait, answer, *delay_reported);
                    let slot = Slot { due: schedule.due, ..*slot };
                    let entry = Entry { envelope: stored.value.envelope.clone(), schedule };
                    ENTRIES.replace(batch, &(message, slot.number), stored, &entry)?;
                    settlement.again.push(slot);
                }
            }
        }
        let index = self.inner.index();
        settlement.whole = index.remaining(message) == settlement.done;
        settlement.spent = index.spent();
        drop(index);
        if settlement.whole {
            MESSAGES.delete(batch, &message);
        }
        for &spent in &settlement.spent {
            MESSAGES.delete(batch, &spent);
        }
        Ok(settlement)
    }

    /// After the commit: deferred envelopes wait for their time; the bodies of a message that is wholly settled go.
    pub fn finish(&self, claim: Claim, settlement: Settlement) {
        let Settlement { message, done, again, whole, spent } = settlement;
        let lane = claim.lease.end();
        let bodies = self.inner.change(|index| {
            for slot in again {
                index.put(&lane, slot);
            }
            index.forget_spent(&spent);
            index.settled(message, done, whole)
        });
        for body in &bodies {
            self.inner.spool.release(body);
        }
        self.inner.settled.notify_waiters();
    }

    /// When the first envelope that can be claimed is due.
    #[cfg(test)]
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.inner.index().next_due()
    }

    /// What is due first, taken out of the index, or the moment when something will be.
    fn take(&self) -> Result<Taken, Option<Timestamp>> {
        let mut index = self.inner.index();
        let taken = index.take(self.inner.clock.now()).ok_or_else(|| index.next_due());
        drop(index);
        taken
    }

    /// The claim of slots that were taken, its records read.
    fn read(&self, taken: Taken) -> Result<Claim, StoreFault> {
        let turn = Turn::new(self.clone(), taken.lane.clone());
        let lease = Lease::new(self.clone(), taken.lane, taken.slots);
        let message = book::message(&self.inner.store, taken.message)?;
        let numbers = lease.slots.iter().map(|slot| slot.number);
        let entries = numbers.map(|number| book::entry(&self.inner.store, message.id, number));
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(Claim { message, entries, turn: Some(turn), lease })
    }

    /// A turn has ended: its destination has a free place.
    fn end_turn(&self, lane: &Lane) {
        self.inner.change(|index| index.end_turn(lane));
    }

    /// A lease has ended without a settlement: its envelopes come due again, though not at once.
    fn give_back(&self, lane: &Lane, slots: &[Slot]) {
        let due = self.inner.clock.now() + self.inner.backoff.after(0);
        self.inner.change(|index| {
            for slot in slots {
                index.put(lane, Slot { due, ..*slot });
            }
        });
    }
}

impl Inner {
    /// Fills the index from the store, and lets the spool keep what a record names.
    fn load(&self) -> Result<(), StoreFault> {
        let mut index = self.index();
        book::each_message(&self.store, |message, entries| {
            if entries.is_empty() {
                // Its last envelopes were settled in batches side by side; see `Index::settled`.
                index.add_spent(message.id);
                return;
            }
            let bodies = message.bodies(entries.iter().map(|(_, entry)| &entry.envelope));
            for body in &bodies {
                self.spool.adopt(body);
            }
            let slots = entries
                .iter()
                .filter(|(_, entry)| !entry.schedule.held)
                .map(|(number, entry)| self.place(message.id, *number, entry, &bodies))
                .collect();
            index.admit(message.id, bodies.into(), entries.len(), slots);
        })?;
        drop(index);
        let swept = self.spool.sweep()?;
        tracing::info!(messages = self.index().messages(), swept, "queue opened");
        Ok(())
    }

    /// Where an entry stands in the index.
    fn place(&self, message: MessageId, number: u16, entry: &Entry, bodies: &[BodyRef]) -> (Lane, Slot) {
        let domain = entry.envelope.recipient.domain();
        let lane = match config::nearest(self.routed.iter().map(|routed| (routed, ())), domain) {
            Some((routed, ())) => Lane::Domain(routed.clone()),
            None if self.by_domain => Lane::Domain(domain.clone()),
            None => Lane::Smarthosts,
        };
        let body = entry.envelope.edits.as_ref();
        let group = body.and_then(|edits| bodies.iter().position(|body| body == edits)).unwrap_or(0);
        // There are at most as many edits as envelopes, and those are counted in 16 bits.
        let group = u16::try_from(group).unwrap_or(u16::MAX);
        (lane, Slot { due: entry.schedule.due, message, group, number })
    }

    /// Changes the index, and wakes the claimer if something is now due before all it knew of.
    fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        let mut index = self.index();
        let before = index.next_due();
        let result = change(&mut index);
        let after = index.next_due();
        drop(index);
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.changed.notify_one();
        }
        result
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // Nothing that holds the lock can panic half-way; were it so, the index is still the best there is.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
