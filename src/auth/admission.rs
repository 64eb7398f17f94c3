//! From a person for whom the organisation vouches to an account here.
//!
//! The account is made when somebody comes for the first time, and follows from then on what is said of the person:
//! name, addresses, rights. It never has a password here.
//!
//! An address belongs to one account. Where one of the person's is taken, by a local account or a guest, the account
//! that is there keeps it, and the audit log says so.

use std::sync::Arc;

use crate::accounts::{Account, Accounts, Credential, Kind, Rights};
use crate::audit::{self, Event};
use crate::auth::directory::Person;
use crate::base::address::Address;
use crate::base::clock::Clock;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::store::{Batch, CommitError, Store, StoreFault, Stored};

/// How often a change is tried that somebody else came before.
const ATTEMPTS_MAX: usize = 8;

/// Makes and changes the accounts of such people. Cheap to clone.
#[derive(Clone)]
pub struct Admission {
    accounts: Accounts,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Admission {
    /// Accounts in this book.
    #[must_use]
    pub const fn new(accounts: Accounts, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { accounts, store, clock }
    }

    /// The account of this person, made or brought up to what is said here. `None` where the person's address belongs
    /// to somebody else.
    ///
    /// # Errors
    /// Where the store failed.
    pub async fn admit(&self, person: &Person, rights: Rights) -> Result<Option<Account>, StoreFault> {
        for _ in 0..ATTEMPTS_MAX {
            let mut batch = Batch::new();
            let Some(change) = self.change(&mut batch, person, rights)? else {
                audit::record(&Event::AddressTaken { address: &person.address });
                return Ok(None);
            };
            if change.is_needed {
                match self.store.commit(batch).await {
                    Ok(()) => change.record(),
                    Err(CommitError::Conflict) => continue,
                    Err(CommitError::Store(fault)) => return Err(fault),
                }
            }
            return Ok(Some(change.account));
        }
        Err(StoreFault::Record("an account changes all the time".to_owned()))
    }

    /// What must change for the account to be as is said here.
    fn change(
        &self,
        batch: &mut Batch,
        person: &Person,
        rights: Rights,
    ) -> Result<Option<Change>, StoreFault> {
        let accounts = &self.accounts;
        let by_id = person.id.as_deref().map(|id| accounts.by_directory_id(id)).transpose()?.flatten();
        let by_address = accounts.by_address(&person.address)?;
        let is_ours = |account: &Stored<Account>| {
            account.value.kind == Kind::Staff && account.value.credential == Credential::Organisation
        };
        // Who is new here does not become somebody else by an address that was given on: only a primary one, under which
        // an entry was made anew, leads back to its account.
        let is_theirs = |other: &Stored<Account>| {
            is_ours(other)
                && (person.id.is_none() || other.value.mailbox.address.same_mailbox(&person.address))
        };
        let old = match (by_id.filter(is_ours), by_address) {
            (Some(known), Some(other)) if known.value.id != other.value.id => return Ok(None),
            (Some(known), _) => Some(known),
            (None, Some(other)) if !is_theirs(&other) => return Ok(None),
            (None, other) => other,
        };
        let id = old.as_ref().map_or_else(AccountId::fresh, |old| old.value.id);
        let mailbox = Mailbox::named(&person.name, person.address.clone());
        let (aliases, taken) = self.free(&person.aliases, id)?;
        let account = match &old {
            Some(old) => Account { mailbox, aliases, rights, ..old.value.clone() },
            None => Account {
                id,
                kind: Kind::Staff,
                mailbox,
                aliases,
                credential: Credential::Organisation,
                rights,
                locked: false,
                created: self.clock.now(),
                inviters: Vec::new(),
                language: None,
            },
        };
        match &old {
            Some(old) if old.value == account => {}
            Some(old) => accounts.replace(batch, old, &account)?,
            None => accounts.insert(batch, &account)?,
        }
        let before = old.map(|old| old.value);
        let is_known_by_id = match &person.id {
            Some(directory_id) => {
                let noted = accounts.by_directory_id(directory_id)?.is_some_and(|noted| noted.value.id == id);
                if !noted {
                    accounts.note_directory_id(batch, directory_id, id)?;
                }
                noted
            }
            None => true,
        };
        let is_needed = !is_known_by_id || before.as_ref() != Some(&account);
        Ok(Some(Change { account, before, taken, is_needed }))
    }

    /// Those aliases that no other account has, and the others.
    fn free(
        &self,
        aliases: &[Address],
        account: AccountId,
    ) -> Result<(Vec<Address>, Vec<Address>), StoreFault> {
        let (mut free, mut taken) = (Vec::with_capacity(aliases.len()), Vec::new());
        for alias in aliases {
            let other = self.accounts.by_address(alias)?.filter(|other| other.value.id != account);
            if other.is_some() { &mut taken } else { &mut free }.push(alias.clone());
        }
        Ok((free, taken))
    }
}

/// An account before and after.
struct Change {
    account: Account,
    before: Option<Account>,
    /// Aliases that another account keeps.
    taken: Vec<Address>,
    is_needed: bool,
}

impl Change {
    /// For the audit log, once it is durable.
    fn record(&self) {
        let address = &self.account.mailbox.address;
        let Rights { invite, invite_internal, admin } = self.account.rights;
        match &self.before {
            None => audit::record(&Event::Enrolled { address }),
            Some(before) if before.rights != self.account.rights => {
                audit::record(&Event::RightsChanged { address, invite, invite_internal, admin });
            }
            Some(_) => {}
        }
        self.taken.iter().for_each(|address| audit::record(&Event::AddressTaken { address }));
    }
}
