//! The receipt of a mail that invited: looked at, and sent by mail to its inviter.

use crate::base::id::MessageId;
use crate::invites::receipt::Receipt;
use crate::store::Batch;
use crate::tending::renewal::Renewals;
use crate::tending::{TendingFault, was_first};

impl Renewals {
    /// What a mail has invited; `None` where it invited nobody. Whoever shows it asks first whether it is the reader's:
    /// [`Receipt::inviter`].
    ///
    /// # Errors
    /// Where the store failed.
    pub fn receipt(&self, mail: MessageId) -> Result<Option<Receipt>, TendingFault> {
        Ok(self.tending.invites.receipt(mail)?)
    }

    /// "E-mail me this receipt": to its inviter, and to nobody else.
    ///
    /// # Errors
    /// Where it could not be written or kept.
    pub async fn mail_receipt(&self, receipt: &Receipt) -> Result<(), TendingFault> {
        let mut batch = Batch::new();
        let admission = self.notices.receipt(&mut batch, receipt).await?;
        if was_first(self.queue.commit(batch, vec![admission]).await)? {
            return Ok(());
        }
        Err(TendingFault::Conflict)
    }
}
