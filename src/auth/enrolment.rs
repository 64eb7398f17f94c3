//! From a person in the directory to an account here.
//!
//! The account is made when somebody comes for the first time, by a sign-in or by mail through a trusted server, and
//! follows the directory from then on ([`Admission`]). The record is also the only memory of what the directory said:
//! within `directory.cache` it counts without asking again, and a person whom the directory does not vouch for any more
//! is out at the next question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::accounts::{Account, Accounts};
use crate::auth::admission::Admission;
use crate::auth::directory::{Directory, DirectoryFault, Person, Whom};
use crate::base::address::{Address, Domain};
use crate::base::clock::Clock;
use crate::base::id::AccountId;
use crate::base::secret::Secret;
use crate::store::{Store, StoreFault};

/// People whose last question is remembered; beyond that all are asked about anew.
const VOUCHED_MAX: usize = 100_000;

/// How long an answer of the directory counts.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// For a question about an address (`directory.cache`).
    pub lookup: Duration,
    /// For somebody who is signed in (`directory.recheck`).
    pub session: Duration,
}

impl Freshness {
    /// Each question is put anew.
    pub const NONE: Self = Self { lookup: Duration::ZERO, session: Duration::ZERO };
}

/// The directory, and the accounts of the people in it. Cheap to clone.
#[derive(Clone)]
pub struct Enrolment {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Arc<dyn Directory>,
    admission: Admission,
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
        let (admission, vouched) = (Admission::new(accounts, store, clock), Mutex::default());
        Self { inner: Arc::new(Inner { directory, admission, domains, freshness, vouched }) }
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

    /// Whether somebody has this address and is not kept out. No account is made.
    pub(super) async fn knows(&self, address: &Address) -> Result<bool, LookupFault> {
        let person = self.person(address).await?;
        Ok(person.is_some_and(|person| !person.is_barred))
    }

    /// Who has this address, if it is one of the organisation's, in the directory, kept out or not. No account is made.
    pub(super) async fn person(&self, address: &Address) -> Result<Option<Person>, LookupFault> {
        if !self.inner.domains.contains(address.domain()) {
            return Ok(None);
        }
        Ok(self.inner.directory.find(Whom::Address(address)).await?)
    }

    /// The manager of this person, if there is one who can be read and is not kept out. What stands there may be no name,
    /// or one of another domain: then the answer is about that name, and there is nobody.
    pub(super) async fn manager(&self, person: &Person) -> Result<Option<Person>, LookupFault> {
        let Some(entry) = person.manager.as_deref() else { return Ok(None) };
        let manager = match self.inner.directory.find(Whom::Entry(entry)).await {
            Err(DirectoryFault::Answer(answer)) => {
                tracing::warn!(of = person.address.masked(), answer, "a manager cannot be read");
                return Ok(None);
            }
            found => found?,
        };
        Ok(manager.filter(|manager| !manager.is_barred))
    }

    /// Whose address this is, if it is one of the organisation's and the directory knows it.
    pub(super) async fn owner(&self, address: &Address) -> Result<Option<Account>, LookupFault> {
        match self.person(address).await? {
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

    /// Whether the directory lets the person with this account write in the name of whoever has the address.
    pub(super) async fn writes_for(&self, account: &Account, address: &Address) -> Result<bool, LookupFault> {
        let Inner { directory, domains, .. } = &*self.inner;
        if !domains.contains(address.domain()) {
            return Ok(false);
        }
        match directory.find(Whom::Address(&account.mailbox.address)).await? {
            Some(person) if !person.is_barred => Ok(directory.delegates(&person, address).await?),
            _ => Ok(false),
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
        let account = self.inner.admission.admit(person, rights).await?;
        if let Some(account) = &account {
            let mut vouched = self.vouched();
            if vouched.len() >= VOUCHED_MAX {
                vouched.clear();
            }
            vouched.insert(account.id, Instant::now());
        }
        Ok(account)
    }

    /// The map is right whatever a panic interrupted: each change is a single step.
    fn vouched(&self) -> MutexGuard<'_, HashMap<AccountId, Instant>> {
        self.inner.vouched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
