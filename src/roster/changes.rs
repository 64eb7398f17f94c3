//! What an administrator does to an account that is there.

use crate::accounts::uses::Use;
use crate::accounts::{Account, Kind, Rights};
use crate::audit::{self, Deed, Event};
use crate::base::address::Address;
use crate::roster::{Roster, RosterFault};
use crate::store::{Batch, CommitError, Stored};

impl Roster {
    /// One account, staff or guest, by any of its addresses; with its last use.
    ///
    /// # Errors
    /// [`RosterFault::Nobody`], or the store's.
    pub fn show(&self, address: &Address) -> Result<(Account, Option<Use>), RosterFault> {
        let account = self.read(address)?.value;
        let last = self.accounts.last_use(account.id)?;
        Ok((account, last.map(|last| last.value)))
    }

    /// Refuses sign-ins from now on, or takes them again. All sessions of who is locked end.
    ///
    /// # Errors
    /// [`RosterFault`]; then nothing was changed.
    pub async fn lock(&self, address: &Address, locked: bool) -> Result<Account, RosterFault> {
        let old = self.read(address)?;
        let new = Account { locked, ..old.value.clone() };
        let deed = if locked { Deed::Locked } else { Deed::Unlocked };
        self.change(&old, new, deed).await
    }

    /// Gives a staff member these rights instead of those there are.
    ///
    /// # Errors
    /// [`RosterFault`]; then nothing was changed.
    pub async fn set_rights(
        &self,
        address: &Address,
        rights: impl FnOnce(Rights) -> Rights,
    ) -> Result<Account, RosterFault> {
        let old = self.read(address)?;
        if old.value.kind != Kind::Staff {
            return Err(RosterFault::Guest(address.clone()));
        }
        let new = Account { rights: rights(old.value.rights), ..old.value.clone() };
        self.change(&old, new, Deed::RightsChanged).await
    }

    /// Ends an account, with its addresses and its sessions. The person gets no mail.
    ///
    /// # Errors
    /// [`RosterFault`]; then it is still there.
    pub async fn remove(&self, address: &Address) -> Result<Account, RosterFault> {
        let old = self.read(address)?;
        let mut batch = Batch::new();
        self.accounts.remove(&mut batch, &old)?;
        self.commit(batch).await?;
        note(Deed::Removed, &old.value);
        Ok(old.value)
    }

    /// What is so already is no change.
    async fn change(&self, old: &Stored<Account>, new: Account, deed: Deed) -> Result<Account, RosterFault> {
        if new == old.value {
            return Ok(new);
        }
        let mut batch = Batch::new();
        self.accounts.replace(&mut batch, old, &new)?;
        if new.locked {
            self.accounts.end_sessions(&mut batch, new.id, None)?;
        }
        self.commit(batch).await?;
        note(deed, &new);
        Ok(new)
    }

    fn read(&self, address: &Address) -> Result<Stored<Account>, RosterFault> {
        self.accounts.by_address(address)?.ok_or_else(|| RosterFault::Nobody(address.clone()))
    }

    async fn commit(&self, batch: Batch) -> Result<(), RosterFault> {
        match self.store.commit(batch).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict) => Err(RosterFault::Conflict),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }
}

pub(super) fn note(deed: Deed, account: &Account) {
    let whom = &account.mailbox.address;
    audit::record(&Event::Account { deed, whom, by: "administrator", peer: None });
}
