//! The note of what became of a message: one batch for the queue, the invitation and the report.

use std::sync::Arc;

use crate::audit::{self, Event};
use crate::base::clock::{Clock, Timestamp};
use crate::base::id::InvitationId;
use crate::delivery::Books;
use crate::delivery::courier::Outcome;
use crate::delivery::finding::{Deadlines, Finding};
use crate::delivery::report::{Report, Reporter};
use crate::invites::State;
use crate::queue::claim::Claim;
use crate::queue::{Admission, Settlement, Verdict};
use crate::store::{Batch, CommitError, StoreFault};

/// How often somebody else may change an invitation under our hands before we wait for a quieter time.
const CONFLICTS_MAX: usize = 16;

/// Notes outcomes.
pub(super) struct Settler {
    books: Books,
    reporter: Reporter,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
}

impl Settler {
    pub(super) const fn new(
        books: Books,
        reporter: Reporter,
        clock: Arc<dyn Clock>,
        deadlines: Deadlines,
    ) -> Self {
        Self { books, reporter, clock, deadlines }
    }

    /// Notes the outcomes of a claim, one for each of its entries. What cannot be noted comes due again.
    pub(super) async fn settle(&self, claim: Claim, outcomes: Vec<Outcome>) {
        let now = self.clock.now();
        let message = claim.message.id;
        let found = claim
            .entries
            .iter()
            .zip(outcomes)
            .map(|(stored, outcome)| self.deadlines.finding(&claim.message, &stored.value, outcome, now));
        let mut findings: Vec<_> = found.collect();
        let mut report = match self.reporter.write(&claim, &findings, now).await {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(%message, %error, "a report could not be written");
                findings = findings.into_iter().map(Finding::unreported).collect();
                None
            }
        };
        for _ in 0..CONFLICTS_MAX {
            match self.note(&claim, &findings, report.as_ref(), now).await {
                Ok((settlement, admission)) => {
                    record(&claim, &findings);
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
                    tracing::error!(%message, "there is no room for a report");
                    report = None;
                    findings = findings.into_iter().map(Finding::unreported).collect();
                }
                Err(CommitError::Store(fault)) => {
                    tracing::error!(%message, %fault, "an outcome could not be noted");
                    return;
                }
            }
        }
        tracing::error!(%message, "an outcome could not be noted: its invitation changes all the time");
    }

    /// Whether the copy must not be sent any more. Its link tells one invitation's copy from all others, so that those
    /// claimed together belong to one. Where the book cannot be read it is sent: its link opens nothing.
    pub(super) fn is_withdrawn(&self, claim: &Claim) -> bool {
        claim.envelopes().filter_map(|envelope| envelope.invitation).any(|id| {
            let invitation = self.books.invites.by_id(id).ok().flatten();
            invitation.is_some_and(|invitation| matches!(invitation.value.state, State::Withdrawn { .. }))
        })
    }

    /// Takes a claim out of the queue that must not be sent. If that cannot be noted it comes due again.
    pub(super) async fn drop_withdrawn(&self, claim: Claim) {
        let message = claim.message.id;
        let verdicts = vec![Verdict::Done; claim.entries.len()];
        let mut batch = Batch::new();
        let dropped = match self.books.queue.settle(&mut batch, &claim, &verdicts) {
            Ok(settlement) => self.books.store.commit(batch).await.map(|()| settlement),
            Err(fault) => Err(fault.into()),
        };
        match dropped {
            Ok(settlement) => {
                for envelope in claim.envelopes() {
                    audit::record(&Event::NotSent { message, recipient: &envelope.recipient });
                }
                self.books.queue.finish(claim, settlement);
            }
            Err(fault) => tracing::error!(%message, %fault, "a withdrawn mail could not be taken out"),
        }
    }

    /// One commit: the envelopes, the invitations, the report.
    async fn note(
        &self,
        claim: &Claim,
        findings: &[Finding],
        report: Option<&Report>,
        now: Timestamp,
    ) -> Result<(Settlement, Option<Admission>), CommitError> {
        let mut batch = Batch::new();
        let verdicts: Vec<_> = findings.iter().map(Finding::verdict).collect();
        let settlement = self.books.queue.settle(&mut batch, claim, &verdicts)?;
        for (envelope, finding) in claim.envelopes().zip(findings) {
            if let Some(id) = envelope.invitation {
                self.mark(&mut batch, id, &finding.outcome, now)?;
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
        let invitation = match self.books.invites.by_id(id) {
            Ok(Some(invitation)) => invitation,
            Ok(None) => return Ok(()),
            // Its mail is settled all the same: without that it would be sent again for ever.
            Err(StoreFault::Record(fault)) => {
                tracing::error!(invitation = %id, fault, "the record of an invitation cannot be read");
                return Ok(());
            }
            Err(fault) => return Err(fault),
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

/// The lines of the audit log.
fn record(claim: &Claim, findings: &[Finding]) {
    let message = claim.message.id;
    for (envelope, Finding { outcome, news }) in claim.envelopes().zip(findings) {
        let recipient = &envelope.recipient;
        match outcome {
            Outcome::Delivered { hop, reply, .. } => {
                audit::record(&Event::Delivered { message, recipient, hop, reply: &reply.to_string() });
            }
            Outcome::Deferred { reason, .. } => {
                audit::record(&Event::Deferred { message, recipient, reason: &reason.to_string() });
            }
            Outcome::Refused { reason, .. } => {
                let reported = news.is_some();
                audit::record(&Event::Bounced { message, recipient, reason: &reason.to_string(), reported });
            }
        }
    }
}
