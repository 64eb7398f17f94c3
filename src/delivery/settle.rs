//! The note of what became of a message: one batch for the queue, the invitation and the report.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{self, Event};
use crate::base::clock::{Clock, Timestamp};
use crate::base::id::InvitationId;
use crate::delivery::Books;
use crate::delivery::courier::{Outcome, Reason};
use crate::delivery::report::{Report, Reporter, is_wanted};
use crate::queue::claim::Claim;
use crate::queue::{Admission, Message, Settlement, Verdict};
use crate::smtp::reply::EnhancedCode;
use crate::store::{Batch, CommitError, StoreFault};

/// How often somebody else may change an invitation under our hands before we wait for a quieter time.
const CONFLICTS_MAX: usize = 16;

/// Notes outcomes.
pub(super) struct Settler {
    books: Books,
    reporter: Reporter,
    clock: Arc<dyn Clock>,
    give_up_after: Duration,
}

impl Settler {
    pub(super) const fn new(
        books: Books,
        reporter: Reporter,
        clock: Arc<dyn Clock>,
        give_up_after: Duration,
    ) -> Self {
        Self { books, reporter, clock, give_up_after }
    }

    /// Notes the outcomes of a claim, one for each of its entries. What cannot be noted comes due again.
    pub(super) async fn settle(&self, claim: Claim, outcomes: Vec<Outcome>) {
        let now = self.clock.now();
        let message = claim.message.id;
        let outcomes = outcomes.into_iter().map(|outcome| self.in_time(&claim.message, outcome, now));
        let mut outcomes: Vec<_> = outcomes.collect();
        let mut report = match self.reporter.write(&claim, &outcomes, now).await {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(%message, %error, "a report could not be written; it is tried again later");
                outcomes = outcomes.into_iter().map(postponed).collect();
                None
            }
        };
        for _ in 0..CONFLICTS_MAX {
            match self.note(&claim, &outcomes, report.as_ref(), now).await {
                Ok((settlement, admission)) => {
                    record(&claim, &outcomes);
                    self.books.queue.finish(claim, settlement);
                    if let Some(admission) = admission {
                        self.books.queue.admit(admission);
                    }
                    return;
                }
                // The invitation was opened or withdrawn meanwhile: read it again.
                Err(CommitError::Conflict) => {}
                // Of all this only the report needs room.
                Err(CommitError::Store(StoreFault::Full)) if report.is_some() => {
                    report = None;
                    outcomes = outcomes.into_iter().map(postponed).collect();
                }
                Err(CommitError::Store(fault)) => {
                    tracing::error!(%message, %fault, "an outcome could not be noted");
                    return;
                }
            }
        }
        tracing::error!(%message, "an outcome could not be noted: its invitation changes all the time");
    }

    /// An outcome that is deferred once too often is a refusal.
    fn in_time(&self, message: &Message, outcome: Outcome, now: Timestamp) -> Outcome {
        match outcome {
            Outcome::Deferred { hop, reason } if now.since(message.received) >= self.give_up_after => {
                let whose = hop.as_ref().map(|hop| format!(" of {hop}")).unwrap_or_default();
                let hours = self.give_up_after.as_secs() / 3600;
                let text = format!("given up after {hours} hours; the last answer{whose} was: {reason}");
                // RFC 3463 §3.5, X.4.7: delivery time expired.
                Outcome::Refused { hop, reason: Reason::local(EnhancedCode(5, 4, 7), text) }
            }
            outcome => outcome,
        }
    }

    /// One commit: the envelopes, the invitations, the report.
    async fn note(
        &self,
        claim: &Claim,
        outcomes: &[Outcome],
        report: Option<&Report>,
        now: Timestamp,
    ) -> Result<(Settlement, Option<Admission>), CommitError> {
        let mut batch = Batch::new();
        let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
        let settlement = self.books.queue.settle(&mut batch, claim, &verdicts)?;
        for (envelope, outcome) in claim.envelopes().zip(outcomes) {
            if let Some(id) = envelope.invitation {
                self.mark(&mut batch, id, outcome, now)?;
            }
        }
        let admission = report.map(|report| self.reporter.add(&mut batch, report)).transpose()?;
        self.books.store.commit(batch).await?;
        Ok((settlement, admission))
    }

    /// The invitation's next state. One that is gone has none.
    fn mark(
        &self,
        batch: &mut Batch,
        id: InvitationId,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let Some(invitation) = self.books.invites.by_id(id)? else {
            return Ok(());
        };
        match outcome {
            Outcome::Delivered { reply, .. } => {
                self.books.invites.mark_sent(batch, &invitation, now, &reply.to_string()).map(drop)
            }
            Outcome::Refused { reason, .. } => {
                self.books.invites.mark_bounced(batch, &invitation, now, &reason.to_string()).map(drop)
            }
            Outcome::Deferred { .. } => Ok(()),
        }
    }
}

/// What the queue is to do.
fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Delivered { .. } | Outcome::Refused { .. } => Verdict::Done,
        Outcome::Deferred { reason, .. } => Verdict::Again { answer: reason.to_string() },
    }
}

/// A refusal that cannot be reported now waits until it can.
fn postponed(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Refused { hop, reason } => Outcome::Deferred { hop, reason },
        outcome => outcome,
    }
}

/// The lines of the audit log.
fn record(claim: &Claim, outcomes: &[Outcome]) {
    let message = claim.message.id;
    let has_sender = claim.message.sender.address().is_some();
    for (envelope, outcome) in claim.envelopes().zip(outcomes) {
        let recipient = &envelope.recipient;
        match outcome {
            Outcome::Delivered { hop, reply } => {
                audit::record(&Event::Delivered { message, recipient, hop, reply: &reply.to_string() });
            }
            Outcome::Deferred { reason, .. } => {
                audit::record(&Event::Deferred { message, recipient, reason: &reason.to_string() });
            }
            Outcome::Refused { reason, .. } => {
                let reported = has_sender && is_wanted(envelope.parameters.notify);
                audit::record(&Event::Bounced { message, recipient, reason: &reason.to_string(), reported });
            }
        }
    }
}
