//! From a person in the directory to an account here.
//!
//! The account is made when somebody comes for the first time, by a sign-in or by mail through a trusted server, and
//! follows the directory from then on: name, addresses, rights. It never has a password here. The record is also the
//! only memory of what the directory said: within `directory.cache` it counts without asking again, and a person whom
//! the directory does not vouch for any more is out at the next question.
//!
//! An address belongs to one account. Where one of the directory's is taken, by a local account or a guest, the account
//! that is there keeps it, and the audit log says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::accounts::{Account, Accounts, Credential, Kind, Rights};
use crate::audit::{self, Event};
use crate::auth::directory::{Directory, DirectoryFault, Person, Whom};
use crate::base::address::{Address, Domain};
use crate::base::clock::Clock;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Secret;
use crate::store::{Batch, CommitError, Store, StoreFault, Stored};

/// People whose last question is remembered; beyond that all are asked about anew.
const VOUCHED_MAX: usize = 100_000;
/// How often a change is tried that somebody else came before.
const ATTEMPTS_MAX: usize = 8;

/// How long an answer of the directory counts.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// For a question about an address (`directory.cache`).
    pub lookup: Duration,
    /// For somebody who is signed in (`directory.recheck`).
    pub session: Duration,
}

/// The directory, and the accounts of the people in it. Cheap to clone.
#[derive(Clone)]
pub struct Enrolment {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Arc<dyn Directory>,
    accounts: Accounts,
    store: Store,
    clock: Arc<dyn Clock>,
    domains: Vec<Domain>,
    freshness: Freshness,
    /// When the directory last vouched for an account.
    vouched: Mutex<HashMap<AccountId, Instant>>,
}

/// Why it is not known who somebody is: a temporary failure, never "unknown".
#[derive(Debug, Error)]
pub enum LookupFault {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
}

impl Enrolment {
    /// Accounts in this book for people of this directory, whose addresses are in these domains.
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        accounts: Accounts,
        store: Store,
        clock: Arc<dyn Clock>,
        domains: Vec<Domain>,
        freshness: Freshness,
    ) -> Self {
        let vouched = Mutex::default();
        Self { inner: Arc::new(Inner { directory, accounts, store, clock, domains, freshness, vouched }) }
    }

    /// Who is behind a typed name, if anybody.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Person>, LookupFault> {
        Ok(self.inner.directory.find(Whom::Name(name)).await?)
    }

    /// The person's account, if the password is right; nobody takes the same time to be refused.
    pub(super) async fn proven(
        &self,
        person: Option<&Person>,
        password: &Secret,
    ) -> Result<Option<Account>, LookupFault> {
        let is_proven = self.inner.directory.proves(person, password).await?;
        match person.filter(|_| is_proven) {
            Some(person) => self.vouched_for(person).await,
            None => Ok(None),
        }
    }

    /// Whose address this is, if it is one of the organisation's and the directory knows it.
    pub(super) async fn owner(&self, address: &Address) -> Result<Option<Account>, LookupFault> {
        if !self.inner.domains.contains(address.domain()) {
            return Ok(None);
        }
        match self.inner.directory.find(Whom::Address(address)).await? {
            Some(person) if !person.is_barred => self.vouched_for(&person).await,
            _ => Ok(None),
        }
    }

    /// An account that is known by its address, as the directory has it now.
    pub(super) async fn looked_up(&self, account: Account) -> Result<Option<Account>, LookupFault> {
        self.current(account, self.inner.freshness.lookup).await
    }

    /// The account of somebody who is signed in, as the directory has it now.
    pub(super) async fn still(&self, account: Account) -> Result<Option<Account>, LookupFault> {
        self.current(account, self.inner.freshness.session).await
    }

    /// The person to whom somebody reports, barred or not as may be.
    pub(super) async fn manager(&self, address: &Address) -> Result<Option<Person>, LookupFault> {
        let directory = &self.inner.directory;
        let person = directory.find(Whom::Address(address)).await?;
        match person.and_then(|person| person.manager) {
            Some(manager) => Ok(directory.find(Whom::Entry(&manager)).await?),
            None => Ok(None),
        }
    }

    async fn current(&self, account: Account, within: Duration) -> Result<Option<Account>, LookupFault> {
        let last = self.vouched().get(&account.id).copied();
        if last.is_some_and(|last| last.elapsed() < within) {
            return Ok(Some(account));
        }
        let now = self.owner(&account.mailbox.address).await?.filter(|now| now.id == account.id);
        if now.is_none() {
            self.vouched().remove(&account.id);
        }
        Ok(now)
    }

    /// Brings the account up to what the directory says, and notes when it did. `None` where the person's address
    /// belongs to somebody else here.
    async fn vouched_for(&self, person: &Person) -> Result<Option<Account>, LookupFault> {
        let rights = self.inner.directory.rights(person).await?;
        for _ in 0..ATTEMPTS_MAX {
            let mut batch = Batch::new();
            let Some(change) = self.change(&mut batch, person, rights)? else {
                audit::record(&Event::AddressTaken { address: &person.address });
                return Ok(None);
            };
            if change.is_needed {
                match self.inner.store.commit(batch).await {
                    Ok(()) => change.record(),
                    Err(CommitError::Conflict) => continue,
                    Err(CommitError::Store(fault)) => return Err(fault.into()),
                }
            }
            let mut vouched = self.vouched();
            if vouched.len() >= VOUCHED_MAX {
                vouched.clear();
            }
            vouched.insert(change.account.id, Instant::now());
            return Ok(Some(change.account));
        }
        Err(LookupFault::Store(StoreFault::Record("an account changes all the time".to_owned())))
    }

    /// What must change for the account to be as the directory says.
    fn change(
        &self,
        batch: &mut Batch,
        person: &Person,
        rights: Rights,
    ) -> Result<Option<Change>, StoreFault> {
        let accounts = &self.inner.accounts;
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
                created: self.inner.clock.now(),
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
            let other = self.inner.accounts.by_address(alias)?.filter(|other| other.value.id != account);
            if other.is_some() { &mut taken } else { &mut free }.push(alias.clone());
        }
        Ok((free, taken))
    }

    /// The map is right whatever a panic interrupted: each change is a single step.
    fn vouched(&self) -> MutexGuard<'_, HashMap<AccountId, Instant>> {
        self.inner.vouched.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests;
