//! What becomes of an invitation without anybody's doing: its mail comes back, its time runs out. The inviter is told in
//! the commit that notes it.

use crate::base::id::InvitationId;
use crate::invites::expiry::Expiry;
use crate::notices::fate::Failure;
use crate::store::Batch;
use crate::tending::renewal::Renewals;
use crate::tending::{ROUNDS_MAX, TendingFault, was_first};

impl Renewals {
    /// A mail system further on could not deliver the invitation. Says whether that is news: nothing changes where it
    /// is known, or somebody has seen the page meanwhile.
    ///
    /// # Errors
    /// What can go wrong; then it can be said again.
    pub async fn bounced(&self, id: InvitationId, failure: &Failure) -> Result<bool, TendingFault> {
        for _ in 0..ROUNDS_MAX {
            let old = self.tending.read(id)?;
            let mut batch = Batch::new();
            let now = self.tending.now();
            if !self.tending.invites.mark_bounced(&mut batch, &old, now, &failure.reason)? {
                return Ok(false);
            }
            let admission = self.notices.bounced(&mut batch, &old.value, failure).await?;
            if was_first(self.queue.commit(batch, vec![admission]).await)? {
                return Ok(true);
            }
        }
        Err(TendingFault::Conflict)
    }

    /// Tells inviters of invitations that nobody has used in time, each once. Looks at `limit` moments at most; gives
    /// how many there were.
    ///
    /// # Errors
    /// What can go wrong; the rest is left to the next time.
    pub async fn tell_expired(&self, limit: usize) -> Result<usize, TendingFault> {
        let due = self.tending.invites.expiries(self.tending.now(), limit)?;
        for expiry in &due {
            self.tell_of(expiry).await?;
        }
        Ok(due.len())
    }

    async fn tell_of(&self, expiry: &Expiry) -> Result<(), TendingFault> {
        let mut batch = Batch::new();
        let admissions = match self.tending.invites.expired(&mut batch, expiry)? {
            Some(invitation) => vec![self.notices.expired(&mut batch, &invitation).await?],
            None => Vec::new(),
        };
        // Where somebody else was first, it is told.
        was_first(self.queue.commit(batch, admissions).await).map(drop)
    }
}
