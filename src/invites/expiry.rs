//! When an invitation's time is over, so that its inviter can be told once.
//!
//! Whenever the last moment of an invitation changes, that moment is entered in a table that is in order of time. What
//! has come due is looked at: only where the moment still is the invitation's last, and nobody has used it, there is
//! something to tell. An entry goes in the commit that holds the notice, so that a crash or a second run tells nothing
//! twice.

use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::invites::{INVITATIONS, Invitation, Invites, State};
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

const EXPIRIES: Table<(Timestamp, InvitationId), ()> = Table::new(schema::EXPIRIES);

/// A moment that has come.
#[derive(Debug)]
pub struct Expiry {
    at: Timestamp,
    invitation: InvitationId,
    entry: Stored<()>,
}

impl Invites {
    /// What has come due by now, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn expiries(&self, now: Timestamp, limit: usize) -> Result<Vec<Expiry>, StoreFault> {
        let entries = EXPIRIES.scan(&self.store, None, limit)?;
        let due = entries.into_iter().take_while(|((at, _), _)| *at < now);
        Ok(due.map(|((at, invitation), entry)| Expiry { at, invitation, entry }).collect())
    }

    /// Takes an entry away. Gives the invitation whose inviter is to be told; `None` where there is nothing to tell:
    /// it was used, withdrawn or given more time, or its mail did not arrive, which the inviter knows.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn expired(&self, batch: &mut Batch, expiry: &Expiry) -> Result<Option<Invitation>, StoreFault> {
        EXPIRIES.remove(batch, &(expiry.at, expiry.invitation), &expiry.entry)?;
        let invitation = self.by_id(expiry.invitation)?.map(|invitation| invitation.value);
        Ok(invitation.filter(|invitation| {
            invitation.state.is_open()
                && !matches!(invitation.state, State::Bounced { .. })
                && invitation.valid_until() == Some(expiry.at)
        }))
    }
}

/// Changes the record of an invitation, and enters its last moment where that has changed.
pub(super) fn replace(
    batch: &mut Batch,
    old: &Stored<Invitation>,
    new: &Invitation,
) -> Result<(), StoreFault> {
    INVITATIONS.replace(batch, &new.id, old, new)?;
    match new.valid_until() {
        Some(last) if new.state.is_open() && old.value.valid_until() != Some(last) => {
            EXPIRIES.put(batch, &(last, new.id), &())
        }
        _ => Ok(()),
    }
}
