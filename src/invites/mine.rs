//! The invitations of one inviter, the last one first.

use crate::base::address::Address;
use crate::base::id::InvitationId;
use crate::invites::{Invitation, Invites};
use crate::store::schema;
use crate::store::{Batch, StoreFault, Table};

/// By the inviter's address, then by the identifier inverted, so that a scan begins with the last.
const INVITED_BY: Table<(String, InvitationId), ()> = Table::new(schema::INVITED_BY);

/// Behind every identifier.
const FIRST: InvitationId = InvitationId::from_octets([0; 16]);

impl Invites {
    /// What somebody has sent from this address, the last one first; only what is older than `before`; at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sent_from(
        &self,
        inviter: &Address,
        before: Option<InvitationId>,
        limit: usize,
    ) -> Result<Vec<Invitation>, StoreFault> {
        let key = inviter.key();
        // No identifier is all ones, so its inversion stands before all.
        let after = (key.clone(), before.map_or(FIRST, inverted));
        let mut sent = Vec::new();
        for ((owner, id), _) in INVITED_BY.scan(&self.store, Some(&after), limit)? {
            if owner != key {
                break;
            }
            sent.extend(self.by_id(inverted(id))?.map(|invitation| invitation.value));
        }
        Ok(sent)
    }
}

/// Notes an invitation under its inviter.
pub(super) fn note(batch: &mut Batch, invitation: &Invitation) -> Result<(), StoreFault> {
    INVITED_BY.put(batch, &(invitation.inviter.address.key(), inverted(invitation.id)), &())
}

/// Takes it away there.
pub(super) fn forget(batch: &mut Batch, invitation: &Invitation) {
    INVITED_BY.delete(batch, &(invitation.inviter.address.key(), inverted(invitation.id)));
}

fn inverted(id: InvitationId) -> InvitationId {
    InvitationId::from_octets(id.octets().map(|octet| !octet))
}
