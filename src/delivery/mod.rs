//! Delivery: claim → send → settle.
//!
//! ```text
//! Queue::claim ──▶ Parcel ──▶ Courier::deliver ──▶ Outcome of each recipient ──▶ one batch ──▶ Queue::finish
//!                             (relay, mailbox)     delivered · deferred · refused
//!                                                  (finding: what the sender hears of it)
//! ```
//!
//! What it promises:
//! - Every recipient ends exactly once: delivered, reported to the sender, or (null sender, or no report wanted) in
//!   the audit log. What ends it, the report and the invitation's new state are one commit.
//! - The sender hears of failures, of delays (once for each recipient, after `relay.delay_notice_after`) and, where
//!   asked for, of successes that nobody else will report (RFC 3461). Only where no report can be written (a full disk)
//!   does a success stay unsaid.
//! - A copy whose invitation was withdrawn before it was sent leaves the queue unsent; nobody but the audit log hears
//!   of it, for the inviter wanted it so.
//! - At most `relay.connections_max` messages are on their way at once. A place is given to the next message as soon
//!   as the next hop has answered; that the answer is noted comes after, beside it, for as many messages again.
//! - A stop lets what is on its way come to its end. What was not sent stays in the queue.

use std::io;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::clock::Clock;
use crate::config;
use crate::delivery::courier::{Courier, Outcome, Parcel, Reason};
use crate::delivery::finding::Deadlines;
use crate::delivery::report::Reporter;
use crate::delivery::settle::Settler;
use crate::invites::Invites;
use crate::mail::edit::{Edits, Source as _};
use crate::net::lifecycle::Lifecycle;
use crate::queue::Queue;
use crate::queue::claim::Claim;
use crate::smtp::reply::EnhancedCode;
use crate::store::Store;
use crate::store::spool::Spool;

mod client;
mod convert;
pub mod courier;
mod finding;
mod hop;
pub mod mailbox;
mod pool;
pub mod relay;
pub mod report;
mod settle;
#[cfg(test)]
mod tests;
mod transaction;

/// The books that a delivery reads and writes.
#[derive(Clone)]
pub struct Books {
    /// Where the outcome is committed.
    pub store: Store,
    /// The bodies.
    pub spool: Spool,
    /// What is to be sent.
    pub queue: Queue,
    /// What is marked as sent, or as bounced.
    pub invites: Invites,
}

/// The flow from the queue to the next hop. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    queue: Queue,
    spool: Spool,
    courier: Arc<dyn Courier>,
    settler: Arc<Settler>,
    /// Messages on their way.
    sending: Arc<Semaphore>,
    /// Messages whose outcome is being noted.
    settling: Arc<Semaphore>,
    places: u32,
}

impl Delivery {
    /// Puts it together; nothing runs yet.
    #[must_use]
    pub fn new(
        books: Books,
        courier: Arc<dyn Courier>,
        reporter: Reporter,
        clock: Arc<dyn Clock>,
        relay: &config::Relay,
    ) -> Self {
        let places = u32::try_from(relay.connections_max.max(1)).unwrap_or(u32::MAX);
        let semaphore =
            || Arc::new(Semaphore::new(usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS)));
        Self {
            queue: books.queue.clone(),
            spool: books.spool.clone(),
            courier,
            settler: Arc::new(Settler::new(books, reporter, clock, Deadlines::of(relay))),
            sending: semaphore(),
            settling: semaphore(),
            places,
        }
    }

    /// Delivers what comes due until `lifecycle` stops, and then what is on its way.
    pub async fn run(self, lifecycle: &Lifecycle) {
        while let Some((claim, place)) = self.next(lifecycle).await {
            lifecycle.spawn("delivery", self.clone().deliver(claim, place));
        }
        // All places are free when the last delivery has ended. The semaphores are never closed.
        let _sent = self.sending.acquire_many(self.places).await;
        let _settled = self.settling.acquire_many(self.places).await;
    }

    /// The next message that is due, once there is a place for it; `None` at the stop.
    async fn next(&self, lifecycle: &Lifecycle) -> Option<(Claim, OwnedSemaphorePermit)> {
        loop {
            let claimed = async {
                let place = Arc::clone(&self.sending).acquire_owned().await.ok()?;
                Some((self.queue.claim().await, place))
            };
            let (claim, place) = tokio::select! {
                biased;
                () = lifecycle.stopping() => return None,
                claimed = claimed => claimed?,
            };
            match claim {
                Ok(claim) => return Some((claim, place)),
                Err(fault) => tracing::error!(%fault, "a message in the queue cannot be read"),
            }
        }
    }

    async fn deliver(self, mut claim: Claim, place: OwnedSemaphorePermit) {
        if self.settler.is_withdrawn(&claim) {
            return self.settler.drop_withdrawn(claim).await;
        }
        let outcomes = match self.parcel(&claim) {
            Ok(parcel) => self.courier.deliver(&parcel).await,
            Err(error) => {
                tracing::error!(message = %claim.message.id, %error, "the body of a message cannot be read");
                let reason = Reason::local(EnhancedCode(4, 3, 0), "our copy of the message cannot be read");
                let deferred = Outcome::Deferred { hop: None, reason };
                claim.entries.iter().map(|_| deferred.clone()).collect()
            }
        };
        // Taken before the places are given back: so a slow disk slows down the sending, instead of piling up.
        let _settling = self.settling.acquire().await;
        claim.end_turn();
        drop(place);
        self.settler.settle(claim, outcomes).await;
    }

    /// What the courier carries.
    fn parcel(&self, claim: &Claim) -> io::Result<Parcel> {
        let invalid = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem);
        let first = claim.envelopes().next().and_then(|envelope| envelope.edits);
        // The queue groups them so. Were it wrong, one person would get another's link: look again.
        if claim.envelopes().any(|envelope| envelope.edits != first) {
            return Err(invalid("recipients with different edits were claimed together"));
        }
        let edits = match first {
            None => Edits::default(),
            Some(edits) => {
                let encoded = self.spool.open(&edits)?;
                let octets = encoded.read(0..encoded.len())?;
                Edits::decode(&octets).ok_or_else(|| invalid("the edits cannot be decoded"))?
            }
        };
        Ok(Parcel {
            sender: self.settler.sender_of(claim),
            parameters: claim.message.parameters.clone(),
            body: self.spool.open(&claim.message.body)?,
            edits,
            recipients: claim
                .envelopes()
                .map(|envelope| (envelope.recipient.clone(), envelope.parameters.clone()))
                .collect(),
        })
    }
}
