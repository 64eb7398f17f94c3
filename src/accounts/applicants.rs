//! People who have filled in the form of their invitation and have still to prove that they read mail at its address.
//!
//! One address has one applicant at a time. Its time is that of the last mail that was sent to it; afterwards there is
//! none any more, and the invitation is as if the form had never been sent.

use serde::{Deserialize, Serialize};

use crate::accounts::{Accounts, Credential};
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

/// By [`Address::key`].
const APPLICANTS: Table<String, Applicant> = Table::new(schema::APPLICANTS);

/// What the form said, until the address is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applicant {
    /// Which invitation it is about.
    pub invitation: InvitationId,
    /// The name that was typed, and the invited address.
    pub mailbox: Mailbox,
    /// What the account will be opened with.
    pub credential: Credential,
    /// When the last mail was sent.
    pub sent: Timestamp,
    /// How many were sent.
    pub mails: u32,
    /// From when on there is no applicant any more.
    pub ends: Timestamp,
}

impl Accounts {
    /// Who waits to be verified at this address.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn applicant(
        &self,
        address: &Address,
        now: Timestamp,
    ) -> Result<Option<Stored<Applicant>>, StoreFault> {
        let applicant = APPLICANTS.get(&self.store, &address.key())?;
        Ok(applicant.filter(|applicant| applicant.value.ends > now))
    }

    /// Somebody has filled in the form. The commit finds a conflict if somebody else did so for this address first.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn apply(&self, batch: &mut Batch, applicant: &Applicant) -> Result<(), StoreFault> {
        let key = applicant.mailbox.address.key();
        match APPLICANTS.get(&self.store, &key)? {
            // One whose time is over, and who has not been swept yet.
            Some(late) if late.value.ends <= applicant.sent => {
                APPLICANTS.replace(batch, &key, &late, applicant)
            }
            _ => APPLICANTS.insert(batch, &key, applicant),
        }
    }

    /// Another mail was sent. The commit finds a conflict if the applicant has changed since `old` was read.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn apply_again(
        &self,
        batch: &mut Batch,
        old: &Stored<Applicant>,
        new: &Applicant,
    ) -> Result<(), StoreFault> {
        APPLICANTS.replace(batch, &new.mailbox.address.key(), old, new)
    }

    /// The applicant is none any more. The commit finds a conflict if somebody else was first.
    ///
    /// # Errors
    /// Where the key is too long.
    pub fn remove_applicant(&self, batch: &mut Batch, old: &Stored<Applicant>) -> Result<(), StoreFault> {
        APPLICANTS.remove(batch, &old.value.mailbox.address.key(), old)
    }

    pub(super) fn forget_late_applicant(
        &self,
        batch: &mut Batch,
        address: &Address,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        match APPLICANTS.get(&self.store, &address.key())? {
            Some(late) if late.value.ends <= now => self.remove_applicant(batch, &late),
            _ => Ok(()),
        }
    }
}
