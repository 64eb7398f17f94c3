//! Link → colleague: the invitation closes when the invitee has proved to be one of the organisation.
//!
//! The account is made, or is there, by the proof alone ([`auth`](crate::auth)): with the organisation's name and rights,
//! and never with a password here. What is left to do is one commit: the invitation's end and the notice of it. Should
//! the power fail between the two, the link is open still, and the same proof ends it.

use std::net::IpAddr;

use crate::audit::{self, Event};
use crate::auth::Identity;
use crate::base::id::InvitationId;
use crate::base::secret::TokenHash;
use crate::invites::{Invitation, Standing};
use crate::registration::{ActivationFault, ROUNDS_MAX, Registration, internal, unwritten};
use crate::store::{Batch, CommitError, Stored};

/// By what a colleague has come to the invitation.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// By the link in the mail.
    Link(&'a TokenHash),
    /// By its id, on the way back from an identity provider.
    Id(InvitationId),
}

impl Registration {
    /// A colleague's invitation that may be accepted; `None` where there is none of this id.
    ///
    /// # Errors
    /// [`ActivationFault::Standing`] where it is over, or where the store failed.
    pub fn internal(&self, id: InvitationId) -> Result<Option<Invitation>, ActivationFault> {
        Ok(self.by_id(id)?.map(|invitation| invitation.value))
    }

    /// The colleague, who has proved who it is, accepts the invitation. The inviter is told.
    ///
    /// # Errors
    /// [`ActivationFault`]; then nothing has changed.
    pub async fn accept(
        &self,
        by: By<'_>,
        colleague: &Identity,
        peer: IpAddr,
    ) -> Result<(), ActivationFault> {
        let unknown = || ActivationFault::Standing(Box::new(Standing::Unknown));
        for _ in 0..ROUNDS_MAX {
            let invitation = match by {
                By::Link(link) => Some(self.open_invitation(link)?),
                By::Id(id) => self.by_id(id)?,
            };
            let invitation = invitation.filter(|one| one.value.internal).ok_or_else(unknown)?;
            if !colleague.owns(&invitation.value.invitee.address) {
                return Err(ActivationFault::SomebodyElse);
            }
            let account = self.accounts.by_id(colleague.account)?.ok_or_else(unknown)?;
            let mut batch = Batch::new();
            if !self.invites.mark_accepted(&mut batch, &invitation, self.clock.now(), account.value.id)? {
                continue;
            }
            let told = self.notices.accepted(&mut batch, &invitation.value, &account.value).await;
            match self.queue.commit(batch, vec![told.map_err(unwritten)?]).await {
                Ok(()) => {
                    let (invitation, guest) = (invitation.value.id, &account.value.mailbox.address);
                    audit::record(&Event::Activated { invitation, guest, peer });
                    return Ok(());
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(fault)) => return Err(fault.into()),
            }
        }
        Err(internal("accepting an invitation")(CommitError::Conflict))
    }

    fn by_id(&self, id: InvitationId) -> Result<Option<Stored<Invitation>>, ActivationFault> {
        let Some(invitation) = self.invites.by_id(id)?.filter(|one| one.value.internal) else {
            return Ok(None);
        };
        // Links made before the last renewal may be over; the invitation is not.
        if invitation.value.is_open() && !invitation.value.has_expired(self.clock.now()) {
            return Ok(Some(invitation));
        }
        Err(ActivationFault::Standing(Box::new(Standing::Unknown)))
    }
}
