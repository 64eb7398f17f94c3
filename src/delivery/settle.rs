//! The note of what became of a message: one batch for the queue, the invitation and the report.

use std::sync::Arc;

use crate::audit::{self, Event};
use crate::base::address::{Address, ReversePath};
use crate::base::clock::{Clock, Timestamp};
use crate::base::id::InvitationId;
use crate::delivery::Books;
use crate::delivery::courier::Outcome;
use crate::delivery::finding::{Deadlines, Finding};
use crate::delivery::report::{Report, Reporter};
use crate::invites::seal::Sealed;
use crate::invites::{Invitation, State};
use crate::mail::compose::report::Action;
use crate::notices::fate::Failure;
use crate::notices::{NoticeFault, Notices};
use crate::queue::claim::Claim;
use crate::queue::{Admission, Envelope, Kind, Settlement, Verdict};
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
        let found = claim.entries.iter().zip(outcomes).map(|(stored, outcome)| {
            let finding = self.deadlines.finding(&claim.message, &stored.value, outcome, now);
            if self.is_for_inviter(&claim, &stored.value.envelope, &finding) {
                finding.told()
            } else {
                finding
            }
        });
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
                Ok((settlement, admissions)) => {
                    record(&claim, &findings);
                    // First what follows from it: between the two nobody is to find the queue empty.
                    for admission in admissions {
                        self.books.queue.admit(admission);
                    }
                    self.books.queue.finish(claim, settlement);
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

    /// Who hears from hops further on: where bounces are tracked, an address of ours for each invitation.
    pub(super) fn sender_of(&self, claim: &Claim) -> ReversePath {
        let invitation = claim.envelopes().find_map(|envelope| envelope.invitation);
        let addresses = self.reporter.notices().and_then(Notices::addresses);
        let ours =
            invitation.zip(addresses).and_then(|(id, addresses)| addresses.sender_of(Sealed::Bounce(id)));
        ours.map_or_else(|| claim.message.sender.clone(), ReversePath::Address)
    }

    /// Whether the copy must not be sent any more. Its link tells one invitation's copy from all others, so that those
    /// claimed together belong to one; nor is one sent to an address that was corrected. Where the book cannot be read it is sent: its link opens nothing.
    pub(super) fn is_withdrawn(&self, claim: &Claim) -> bool {
        claim.envelopes().any(|envelope| {
            let invitation = envelope.invitation.and_then(|id| self.books.invites.by_id(id).ok().flatten());
            invitation.is_some_and(|invitation| {
                matches!(invitation.value.state, State::Withdrawn { .. })
                    || is_former(&invitation.value, &envelope.recipient)
            })
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

    /// Whether the inviter hears of it in a notice: whoever wants no report of failures wants no notice either, and of
    /// the mail with a fresh link, which is ours, nobody else would hear.
    fn is_for_inviter(&self, claim: &Claim, envelope: &Envelope, finding: &Finding) -> bool {
        let is_wanted = finding.news == Some(Action::Failed) || claim.message.kind == Kind::Own;
        let has_failed = matches!(finding.outcome, Outcome::Refused { .. });
        let is_known = |id| matches!(self.books.invites.by_id(id), Ok(Some(_)));
        self.reporter.notices().is_some()
            && is_wanted
            && has_failed
            && envelope.invitation.is_some_and(is_known)
    }

    /// One commit: the envelopes, the invitations, the report, the notices.
    async fn note(
        &self,
        claim: &Claim,
        findings: &[Finding],
        report: Option<&Report>,
        now: Timestamp,
    ) -> Result<(Settlement, Vec<Admission>), CommitError> {
        let mut batch = Batch::new();
        let verdicts: Vec<_> = findings.iter().map(Finding::verdict).collect();
        let settlement = self.books.queue.settle(&mut batch, claim, &verdicts)?;
        let mut admissions = Vec::new();
        for (envelope, finding) in claim.envelopes().zip(findings) {
            if let Some(id) = envelope.invitation
                && let Some(invitation) = self.mark(&mut batch, id, envelope, &finding.outcome, now)?
                && finding.is_told
            {
                admissions.extend(self.tell(&mut batch, &invitation, &finding.outcome).await?);
            }
        }
        if let Some(report) = report {
            admissions.push(self.reporter.add(&mut batch, report)?);
        }
        self.books.store.commit(batch).await?;
        Ok((settlement, admissions))
    }

    /// The notice to the inviter. What cannot be told is tried again: the mail did not arrive in any case.
    async fn tell(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        outcome: &Outcome,
    ) -> Result<Option<Admission>, StoreFault> {
        let (Some(notices), Outcome::Refused { reason, .. }) = (self.reporter.notices(), outcome) else {
            return Ok(None);
        };
        let failure = Failure { status: reason.status().to_string(), reason: reason.to_string() };
        match notices.bounced(batch, invitation, &failure).await {
            Ok(admission) => Ok(Some(admission)),
            Err(NoticeFault::Store(fault)) => Err(fault),
            Err(fault) => Err(StoreFault::Io(std::io::Error::other(fault))),
        }
    }

    /// The invitation's next state; gives it as it was. One that is gone has none.
    fn mark(
        &self,
        batch: &mut Batch,
        id: InvitationId,
        envelope: &Envelope,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreFault> {
        let invitation = match self.books.invites.by_id(id) {
            Ok(Some(invitation)) if !is_former(&invitation.value, &envelope.recipient) => invitation,
            Ok(_) => return Ok(None),
            // Its mail is settled all the same: without that it would be sent again for ever.
            Err(StoreFault::Record(fault)) => {
                tracing::error!(invitation = %id, fault, "the record of an invitation cannot be read");
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        match outcome {
            Outcome::Delivered { reply, .. } => {
                self.books.invites.mark_sent(batch, &invitation, now, &reply.to_string())?;
            }
            Outcome::Refused { reason, .. } => {
                self.books.invites.mark_bounced(batch, &invitation, now, &reason.to_string())?;
            }
            Outcome::Deferred { .. } => {}
        }
        Ok(Some(invitation.value))
    }
}

/// Whether a copy went to an address that has been corrected meanwhile.
fn is_former(invitation: &Invitation, recipient: &Address) -> bool {
    invitation.life.readdressed.is_some() && !invitation.invitee.address.same_mailbox(recipient)
}

/// The lines of the audit log.
fn record(claim: &Claim, findings: &[Finding]) {
    let message = claim.message.id;
    for (envelope, Finding { outcome, news, is_told }) in claim.envelopes().zip(findings) {
        let recipient = &envelope.recipient;
        match outcome {
            Outcome::Delivered { hop, reply, .. } => {
                audit::record(&Event::Delivered { message, recipient, hop, reply: &reply.to_string() });
            }
            Outcome::Deferred { reason, .. } => {
                audit::record(&Event::Deferred { message, recipient, reason: &reason.to_string() });
            }
            Outcome::Refused { reason, .. } => {
                let reported = news.is_some() || *is_told;
                audit::record(&Event::Bounced { message, recipient, reason: &reason.to_string(), reported });
            }
        }
    }
}
