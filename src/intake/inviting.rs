//! From a guest list to invitations: copies, limits and the receipt, in one commit.

use std::sync::Arc;

use crate::audit::{self, Event};
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::config::Receipts;
use crate::intake::Intake;
use crate::intake::copies::{Copies, Copy};
use crate::intake::fault::{failed, on_a_thread_of_its_own, uncommitted, unnoticed, unwritten};
use crate::intake::guest::{Guest, Invited};
use crate::intake::policy::Inviter;
use crate::intake::refusal::Refusal;
use crate::intake::sorting::Guestlist;
use crate::intake::submission::{Accepted, Recipient, Submission};
use crate::invites::receipt::{Attachment, Invitee, Receipt};
use crate::mail::attachments;
use crate::mail::message::Facts;
use crate::queue::{Envelope, Kind};
use crate::store::spool::Body;
use crate::store::{Batch, CommitError};

/// How often a commit is tried that others came before. Each time at least one of them got through, and no more can be
/// under way at once than a client may have connections (`limits.connections_per_address`, 200 by default).
const ATTEMPTS_MAX: usize = 256;
/// How often the copies are made anew because an invitee had become somebody else to us meanwhile: a person has few
/// steps to go.
const ROUNDS_MAX: usize = 8;

/// What is kept of one message that invites.
struct Kept<'a> {
    submission: &'a Submission,
    inviter: AccountId,
    envelopes: Vec<Envelope>,
    bodies: Vec<Body>,
    receipt: Receipt,
    /// Whether the receipt goes by mail, too.
    mails_receipt: bool,
}

impl Intake {
    /// An invitation: every invitee gets a copy and a link of their own.
    pub(super) async fn invite(
        &self,
        submission: Submission,
        facts: Facts,
        list: Guestlist,
    ) -> Result<Accepted, Refusal> {
        let inviter = self.may_invite(&submission, &facts, list.whom).await?;
        if submission.turned_away > 0 {
            return Err(Refusal::RecipientRefused);
        }
        let subject = self.subject(&facts)?;
        let list = self.guests(&inviter, list).await?;
        let Inviter { author, account } = inviter;
        let switches = self.inner.parts.switches.now();
        let order = Arc::new(Copies {
            inviter: author,
            body: submission.body.clone(),
            outline: submission.outline.clone(),
            facts,
            subject,
            lifespan: list.wishes.lifespan.unwrap_or(switches.lifespan),
            list,
            policy: self.inner.policy.clone(),
            templates: self.inner.parts.templates.current(),
            signer: self.inner.parts.signer.clone(),
            now: self.now(),
            books: self.inner.parts.guests.clone(),
        });
        if order.list.wishes.preview {
            return self.preview(&submission, &order).await;
        }
        for _ in 0..ROUNDS_MAX {
            let made = self.copies(&order).await?;
            if let Some(invitations) = self.keep(&submission, &order, account, made).await? {
                return Ok(Accepted { id: submission.id, invitations });
            }
        }
        Err(uncommitted(CommitError::Conflict))
    }

    /// The copies, written in their turn.
    pub(super) async fn copies(&self, order: &Arc<Copies>) -> Result<Vec<Copy>, Refusal> {
        let order = Arc::clone(order);
        // The semaphore is never closed, so there is always a place in the end.
        let _place = self.inner.writing.acquire().await;
        on_a_thread_of_its_own(move || order.make()).await
    }

    /// Keeps the copies, all or nothing. Gives how many are invited; `None` where a copy no longer suits its invitee.
    async fn keep(
        &self,
        submission: &Submission,
        order: &Copies,
        inviter: AccountId,
        made: Vec<Copy>,
    ) -> Result<Option<usize>, Refusal> {
        let mut envelopes = Vec::with_capacity(made.len());
        let mut bodies = vec![submission.body.clone()];
        let mut invited = Vec::new();
        for copy in made {
            let kept = self.inner.parts.spool.keep(copy.edits.encode().into()).await.map_err(unwritten)?;
            envelopes.push(Envelope {
                recipient: copy.recipient.address,
                parameters: copy.recipient.parameters,
                edits: Some(kept.reference()),
                invitation: copy.invitation.as_ref().map(|invited| invited.invitation.id),
            });
            bodies.push(kept);
            invited.extend(copy.invitation);
            if let Some(flaw) = &copy.flaw {
                audit::record(&Event::RewrittenByWrapping { message: submission.id, reason: flaw });
            }
        }
        let receipt = receipt(submission, order, &invited);
        let is_asked = order.list.wishes.receipt || order.facts.asks_receipt;
        let mails_receipt = is_asked || self.inner.parts.switches.now().receipts == Receipts::Always;
        let kept = Kept { submission, inviter, envelopes, bodies, receipt, mails_receipt };
        if !self.commit_invitations(&kept, &mut invited).await? {
            return Ok(None);
        }
        for Invited { invitation, .. } in &invited {
            audit::record(&Event::Invited {
                invitation: invitation.id,
                inviter: &invitation.inviter.address,
                invitee: &invitation.invitee.address,
            });
        }
        Ok(Some(invited.len()))
    }

    /// Counts, invites, queues and gives a receipt, in one commit. Who finds that the inviter has sent something else in
    /// the meantime counts again, so that no two messages pass a limit side by side. False where an invitee has become
    /// somebody else to us meanwhile, so that the copies must be made anew.
    async fn commit_invitations(&self, kept: &Kept<'_>, invited: &mut [Invited]) -> Result<bool, Refusal> {
        let guests = &self.inner.parts.guests;
        for _ in 0..ATTEMPTS_MAX {
            let mut batch = Batch::new();
            let invitees = invited.iter().map(|one| &one.invitation.invitee.address);
            self.count(&mut batch, kept.inviter, invitees)?;
            for one in &*invited {
                guests.note(&mut batch, one, self.now()).map_err(|fault| failed(&fault))?;
            }
            guests.invites.keep_receipt(&mut batch, &kept.receipt).map_err(|fault| failed(&fault))?;
            let notice = if kept.mails_receipt {
                let notices = self.inner.parts.renewals.notices();
                Some(notices.receipt(&mut batch, &kept.receipt).await.map_err(unnoticed)?)
            } else {
                None
            };
            let parts = (batch, notice);
            let kind = Kind::Invitation;
            match self.enqueue(kept.submission, kind, parts, &kept.envelopes, &kept.bodies).await {
                Err(CommitError::Conflict) => {}
                queued => return queued.map(|()| true).map_err(uncommitted),
            }
            for one in &mut *invited {
                if !guests.still_suits(one).map_err(|fault| failed(&fault))? {
                    return Ok(false);
                }
            }
        }
        Err(uncommitted(CommitError::Conflict))
    }
}

/// What the inviter can see of it afterwards.
fn receipt(submission: &Submission, order: &Copies, invited: &[Invited]) -> Receipt {
    let invitees = invited.iter().map(|one| Invitee {
        invitation: one.invitation.id,
        mailbox: one.invitation.invitee.clone(),
        has_account: matches!(one.guest, Guest::Known(_)),
    });
    let colleague = |Recipient { address, .. }: &Recipient| match order.facts.name_of(address) {
        Some(name) => Mailbox::named(&name, address.clone()),
        None => address.clone().into(),
    };
    let files = attachments::files(&order.outline);
    Receipt {
        id: submission.id,
        inviter: order.inviter.clone(),
        subject: order.subject.clone(),
        message_id: order.facts.message_id.clone(),
        accepted: order.now,
        lifespan: order.lifespan,
        invitees: invitees.collect(),
        courtesy: order.list.courtesy.iter().map(colleague).collect(),
        attachments: files.iter().map(|file| Attachment::new(&file.name, file.octets)).collect(),
    }
}
