//! Mail to addresses of our own: bounces of invitations, and the commands of inviters.
//!
//! Each such address holds a sealed word ([`addresses`](crate::invites::addresses)) that says what it is about. A bounce
//! is believed because of that word alone, whoever brings it; a command is obeyed if its author is the inviter, signed
//! in or vouched for as for any mail.

use crate::audit::{self, Event};
use crate::base::address::ReversePath;
use crate::base::id::InvitationId;
use crate::intake::Intake;
use crate::intake::fault::{failed, unwritten};
use crate::intake::refusal::Refusal;
use crate::intake::submission::Submission;
use crate::invites::addresses::Ours;
use crate::invites::seal::Sealed;
use crate::mail::edit::Source as _;
use crate::mail::returned::{self, Returned};
use crate::notices::fate::Failure;
use crate::tending::TendingFault;

/// What recipients of our own a message has.
#[derive(Debug, Default)]
pub(super) struct Correspondence {
    /// Invitations whose mail is said not to have arrived.
    pub(super) bounces: Vec<InvitationId>,
    /// What commands are about, if the message holds one.
    pub(super) commands: Vec<Sealed>,
}

impl Intake {
    /// Takes the recipients that are ours out of the envelope.
    pub(super) fn correspondence(&self, submission: &mut Submission) -> Result<Correspondence, Refusal> {
        let mut ours = Correspondence::default();
        let Some(addresses) = self.inner.parts.renewals.notices().addresses() else {
            return Ok(ours);
        };
        let mut others = Vec::with_capacity(submission.recipients.len());
        for recipient in std::mem::take(&mut submission.recipients) {
            match addresses.read(&recipient.address) {
                None => others.push(recipient),
                Some(Ours::Forged) => return Err(Refusal::UnknownAddress(recipient.address)),
                Some(Ours::Sealed(Sealed::Bounce(id))) if submission.sender == ReversePath::Null => {
                    ours.bounces.push(id);
                }
                Some(Ours::Sealed(Sealed::Bounce(_))) => return Err(Refusal::NotReturned(recipient.address)),
                Some(Ours::Sealed(about)) => ours.commands.push(about),
            }
        }
        submission.recipients = others;
        Ok(ours)
    }

    /// Notes what a report says. What is no report of a failure is dropped, with a line in the audit log: it must not
    /// be answered, for it has no sender.
    pub(super) async fn returned(
        &self,
        submission: &Submission,
        bounces: &[InvitationId],
    ) -> Result<(), Refusal> {
        let end = submission.body.len().min(returned::LOOKED_AT_MAX);
        let said = returned::read(&submission.body.read(0..end).map_err(unwritten)?);
        for &id in bounces {
            let reason = match said.iter().find(|said| said.has_failed) {
                Some(failure) => self.failed_further_on(id, failure).await?,
                None => "it is no report of a failure",
            };
            audit::record(&Event::Returned { invitation: id, outcome: reason, peer: submission.peer });
        }
        Ok(())
    }

    /// Gives what was made of it.
    async fn failed_further_on(&self, id: InvitationId, said: &Returned) -> Result<&'static str, Refusal> {
        let invitation = match self.inner.parts.guests.invites.by_id(id) {
            Ok(Some(invitation)) => invitation.value,
            Ok(None) => return Ok("the invitation is gone"),
            Err(fault) => return Err(failed(&fault)),
        };
        let is_of_now = said.recipient.eq_ignore_ascii_case(&invitation.invitee.address.to_string());
        if invitation.life.readdressed.is_some() && !is_of_now {
            return Ok("it is about a former address");
        }
        let failure = Failure { status: said.status.clone(), reason: said.words.clone() };
        match self.inner.parts.renewals.bounced(id, &failure).await {
            Ok(true) => Ok("noted"),
            Ok(false) => Ok("it is known, or the page was seen meanwhile"),
            Err(TendingFault::Store(fault)) => Err(failed(&fault)),
            Err(fault) => {
                tracing::error!(invitation = %id, %fault, "a bounce could not be noted");
                Err(Refusal::Internal)
            }
        }
    }
}
