//! The address of an invitation is corrected: the invitation stays, with its thread; the person gets a fresh link at the
//! right address, and whoever has got one at the wrong address finds that it was taken back.
//!
//! Whether the right address may be invited at all is asked by `intake`, which has the rules for that.

use crate::base::address::Address;
use crate::base::id::InvitationId;
use crate::base::secret::Token;
use crate::invites::Invitation;
use crate::store::Batch;
use crate::tending::renewal::Renewals;
use crate::tending::{TendingFault, closed, was_first};

impl Renewals {
    /// Sends a fresh link to another address, in one commit with what is in `batch`. `None` where somebody else changed
    /// the invitation meanwhile, or has invited the same person: then it can be tried anew.
    ///
    /// # Errors
    /// Where the invitation is used or withdrawn, the person is invited already, invitations are off, and what else can go wrong.
    pub async fn readdress(
        &self,
        mut batch: Batch,
        id: InvitationId,
        right: &Address,
    ) -> Result<Option<Invitation>, TendingFault> {
        self.tending.are_on()?;
        let old = self.tending.read(id)?;
        let invites = &self.tending.invites;
        let inviter = &old.value.inviter.address;
        if invites.pending(inviter, right)?.is_some() {
            return Err(TendingFault::Invited { right: right.clone(), inviter: inviter.clone() });
        }
        let link = Token::fresh()?;
        let Some(new) = invites.readdress(&mut batch, &old, right, self.tending.now(), &link)? else {
            return Err(closed(&old.value));
        };
        let admission = self.notices.corrected(&mut batch, &new, &link).await?;
        let is_done = was_first(self.queue.commit(batch, vec![admission]).await)?;
        Ok(is_done.then_some(new))
    }
}
