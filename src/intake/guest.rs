//! What an invitee is to us already. Who is invited again by the same person gets a fresh link of the same invitation;
//! who has an account gets no link to another one, but the inviter among the contacts.

use crate::accounts::{Account, Accounts, Kind};
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::secret::Token;
use crate::intake::sorting::Whom;
use crate::invites::{Invitation, Invites};
use crate::store::{Batch, StoreFault, Stored};

/// The books in which an invitee may stand.
#[derive(Clone)]
pub struct Books {
    /// Pending invitations.
    pub invites: Invites,
    /// Accounts of guests.
    pub accounts: Accounts,
}

/// Who an invitee is.
pub enum Guest {
    /// Nobody we know.
    New,
    /// Invited by the same person before, and not here yet.
    Pending(Box<Stored<Invitation>>),
    /// Somebody with an account.
    Known(Box<Stored<Account>>),
}

/// One invitee's part in a message.
pub struct Invited {
    /// The invitation, as it is from now on.
    pub invitation: Invitation,
    /// The link in this copy. Of a guest with an account it is none of an invitation, and leads to nothing.
    pub link: Token,
    /// Who it is.
    pub guest: Guest,
}

impl Books {
    /// Who this invitee is to this inviter.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn guest(&self, inviter: &Address, invitee: &Address, whom: Whom) -> Result<Guest, StoreFault> {
        if let Some(account) = self.accounts.by_address(invitee)?
            && (whom == Whom::Colleagues || account.value.kind == Kind::Guest)
        {
            return Ok(Guest::Known(Box::new(account)));
        }
        let pending = self.invites.pending(inviter, invitee)?;
        Ok(pending.map_or(Guest::New, |pending| Guest::Pending(Box::new(pending))))
    }

    /// After a conflict: reads anew who the invitee is. False where that is somebody else than the copy was made for.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn still_suits(&self, invited: &mut Invited) -> Result<bool, StoreFault> {
        let Invitation { inviter, invitee, .. } = &invited.invitation;
        let now = self.guest(&inviter.address, &invitee.address, Whom::of(&invited.invitation))?;
        let is_same = match (&invited.guest, &now) {
            (Guest::New, Guest::New) => true,
            (Guest::Pending(before), Guest::Pending(now)) => before.value.id == now.value.id,
            (Guest::Known(before), Guest::Known(now)) => before.value.id == now.value.id,
            _ => false,
        };
        invited.guest = now;
        Ok(is_same)
    }

    /// Puts an invitee's part into a batch. The commit finds a conflict where the invitee did something meanwhile.
    ///
    /// # Errors
    /// Where a record is too large.
    pub fn note(&self, batch: &mut Batch, invited: &Invited, now: Timestamp) -> Result<(), StoreFault> {
        let Invited { invitation, link, guest } = invited;
        match guest {
            Guest::New => self.invites.insert(batch, invitation, link),
            Guest::Pending(old) => self.invites.invite_again(batch, old, invitation, now, link),
            Guest::Known(account) => {
                let with_contact = account.value.with_inviter(&invitation.inviter);
                // Only guests have contacts: a colleague leaves files for nobody.
                if account.value.kind == Kind::Guest && with_contact != account.value {
                    self.accounts.replace(batch, account, &with_contact)?;
                }
                self.invites.insert_accepted(batch, invitation)
            }
        }
    }
}
