//! Whether somebody still belongs to the organisation, asked about and not signed in.

use crate::accounts::{Account, Credential, Kind};
use crate::auth::Authenticator;
use crate::auth::enrolment::{Enrolment, LookupFault};
use crate::base::address::Address;
use crate::base::mailbox::Mailbox;

/// What is known of somebody who has invited guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Can sign in, if only the password is right.
    Here,
    /// Removed, locked, or out of the directory.
    Gone {
        /// Who stands above this person in the directory.
        manager: Option<Mailbox>,
    },
}

impl Authenticator {
    /// Whether the member of the staff with this address is still there. Whoever an identity provider vouches for cannot
    /// be asked about, and is there until an administrator says otherwise. A shared mailbox is there while its entry is,
    /// for those write from it who may.
    ///
    /// # Errors
    /// Where store or directory failed: then nothing is known.
    pub async fn presence(&self, address: &Address) -> Result<Presence, LookupFault> {
        let account = self.accounts.by_address(address)?.map(|account| account.value);
        let staff = account.filter(|account| account.kind == Kind::Staff);
        let is_theirs = staff.as_ref().is_none_or(|staff| staff.credential == Credential::Organisation);
        let is_locked = staff.as_ref().is_some_and(|staff| staff.locked);
        match &self.enrolment {
            Some(enrolment) if is_theirs => in_directory(enrolment, address, staff.as_ref()).await,
            _ if staff.is_none() || is_locked => Ok(Presence::Gone { manager: None }),
            _ => Ok(Presence::Here),
        }
    }
}

async fn in_directory(
    enrolment: &Enrolment,
    address: &Address,
    staff: Option<&Account>,
) -> Result<Presence, LookupFault> {
    let Some(person) = enrolment.person(address).await? else {
        return Ok(Presence::Gone { manager: None });
    };
    let is_locked = staff.is_some_and(|staff| staff.locked);
    // Whoever signs in or writes has an account here; a mailbox without one that others write from is a shared one, and
    // Exchange keeps these disabled.
    let is_shared = person.has_delegates && staff.is_none();
    if is_shared || (!person.is_barred && !is_locked) {
        return Ok(Presence::Here);
    }
    let manager = enrolment.manager(&person).await?;
    Ok(Presence::Gone { manager: manager.map(|manager| Mailbox::named(&manager.name, manager.address)) })
}
