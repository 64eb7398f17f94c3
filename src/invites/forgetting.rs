//! When nothing is known any more of an invitation.
//!
//! One that is over (used, withdrawn or expired) stays for [`KEPT_FOR`]: its links lead to a page that says what became
//! of it, and its inviter sees it in the list. Then its record goes, and all that leads to it: its place in the list, its
//! links, the questions to the inviter, and the receipts of which it was the last. Whoever goes through a table reads a
//! page of it at a time, from where the last one ended.

use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, InvitationId, MessageId};
use crate::base::secret::TokenHash;
use crate::invites::life::APPROVALS;
use crate::invites::receipt::RECEIPTS;
use crate::invites::{INVITATIONS, Invitation, Invites, LINKS, State, mine};
use crate::store::{Batch, StoreFault};

/// How long an invitation that is over is remembered: a year, as long as the account of a guest who does not come.
pub const KEPT_FOR: Duration = Duration::from_hours(365 * 24);

/// How far somebody has come who goes through the tables; `None` is the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walk {
    invitation: Option<InvitationId>,
    link: Option<TokenHash>,
    approval: Option<TokenHash>,
    receipt: Option<MessageId>,
}

impl Walk {
    /// Whether the next step begins at the beginning of every table.
    #[must_use]
    pub const fn is_at_beginning(&self) -> bool {
        self.invitation.is_none() && self.link.is_none() && self.approval.is_none() && self.receipt.is_none()
    }
}

impl Invitation {
    /// Since when it is over; `None` while something can come of it.
    #[must_use]
    pub fn over_since(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Accepted { at, .. } | State::Withdrawn { at } => Some(at),
            // Whoever has got the mail after all may use its link in its time.
            State::Bounced { at, .. } => Some(self.valid_until().map_or(at, |last| last.max(at))),
            State::Queued | State::Sent(_) | State::Opened { .. } => {
                self.valid_until().filter(|last| *last < now)
            }
        }
    }
}

impl Invites {
    /// Forgets what is over, among the next records of each table, at most `limit` of each. An invitation that was used
    /// stays while its account `is_there`: notices to its inviter hang in the thread of it. Gives how many records go
    /// with the batch, and where the next step begins.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn forget(
        &self,
        batch: &mut Batch,
        walk: Walk,
        limit: usize,
        now: Timestamp,
        is_there: impl Fn(AccountId) -> Result<bool, StoreFault>,
    ) -> Result<(usize, Walk), StoreFault> {
        let mut gone = 0;
        let page = INVITATIONS.scan(&self.store, walk.invitation.as_ref(), limit)?;
        for (id, invitation) in &page {
            let is_old = invitation.value.over_since(now).is_some_and(|since| since + KEPT_FOR < now);
            let is_needed = match invitation.value.state {
                State::Accepted { account, .. } if is_old => is_there(account)?,
                _ => !is_old,
            };
            if !is_needed {
                INVITATIONS.remove(batch, id, invitation)?;
                self.forget_pending(batch, &invitation.value)?;
                mine::forget(batch, &invitation.value);
                gone += 1;
            }
        }
        let invitation = behind(&page, limit);

        let page = LINKS.scan(&self.store, walk.link.as_ref(), limit)?;
        for (hash, link) in &page {
            if self.by_id(link.value.invitation)?.is_none() {
                LINKS.remove(batch, hash, link)?;
                gone += 1;
            }
        }
        let link = behind(&page, limit);

        let page = APPROVALS.scan(&self.store, walk.approval.as_ref(), limit)?;
        for (hash, approval) in &page {
            if self.by_id(approval.value.invitation)?.is_none() {
                APPROVALS.remove(batch, hash, approval)?;
                gone += 1;
            }
        }
        let approval = behind(&page, limit);

        let page = RECEIPTS.scan(&self.store, walk.receipt.as_ref(), limit)?;
        for (mail, receipt) in &page {
            if self.names_none(&receipt.value.invitees)? {
                RECEIPTS.remove(batch, mail, receipt)?;
                gone += 1;
            }
        }
        Ok((gone, Walk { invitation, link, approval, receipt: behind(&page, limit) }))
    }
}

/// Where the page behind this one begins; at the beginning again, if there is none.
fn behind<K: Copy, V>(page: &[(K, V)], limit: usize) -> Option<K> {
    page.last().map(|(key, _)| *key).filter(|_| page.len() == limit)
}
