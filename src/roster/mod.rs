//! The roster: accounts as an administrator adds, lists, changes and ends them.
//!
//! Whoever is locked or removed is out at once: the sessions end in the same commit, and an SMTP session asks before
//! each message whether its person is still there.

mod changes;

use std::sync::Arc;
use thiserror::Error;

use crate::accounts::{Account, Accounts, Credential, Kind, Rights};
use crate::audit::Deed;
use crate::auth::password::{self, HashFault, PasswordFault, Passwords};
use crate::base::address::Address;
use crate::base::clock::Clock;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Secret;
use crate::config::Organisation;
use crate::store::{Batch, CommitError, Store, StoreFault};

/// Adds, lists and changes staff accounts. Cheap to clone.
#[derive(Clone)]
pub struct Roster {
    store: Store,
    accounts: Accounts,
    passwords: Passwords,
    organisation: Organisation,
    clock: Arc<dyn Clock>,
}

/// A staff member to add.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Name and primary address.
    pub mailbox: Mailbox,
    /// Other addresses that are the same person's.
    pub aliases: Vec<Address>,
    /// In clear; only its hash is kept.
    pub password: Secret,
    /// What this person may do.
    pub rights: Rights,
}

/// Why the roster was not changed, in words for the administrator.
#[derive(Debug, Error)]
pub enum RosterFault {
    /// An address outside `organisation.domains`.
    #[error("{0} is not in a domain of the organisation; see the key organisation.domains")]
    Foreign(Address),
    /// One of the addresses has an account.
    #[error("there is already an account with the address {0} or one of the aliases")]
    Exists(Address),
    /// No staff account with this address.
    #[error("there is no staff account with the address {0}; `postern account list` shows all")]
    Unknown(Address),
    /// No account at all with this address.
    #[error(
        "there is no account with the address {0}; `postern account list` shows staff, with --guests the guests"
    )]
    Nobody(Address),
    /// Rights are for staff.
    #[error("{0} is a guest; only staff can be given rights")]
    Guest(Address),
    /// There is no local password to change.
    #[error("{0} signs in with the organisation's directory; the password is changed there")]
    NoPassword(Address),
    /// The password breaks a rule.
    #[error("{0}")]
    Password(#[from] PasswordFault),
    /// Hashing it failed.
    #[error(transparent)]
    Hash(#[from] HashFault),
    /// Somebody else changed the account at the same moment.
    #[error("the account was changed by somebody else at the same moment; please try again")]
    Conflict,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Accounts read from the store at a time while listing.
const PAGE: usize = 256;

impl Roster {
    /// A roster over these books.
    #[must_use]
    pub fn new(
        store: Store,
        accounts: Accounts,
        passwords: Passwords,
        organisation: Organisation,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, accounts, passwords, organisation, clock }
    }

    /// Adds a staff member. Durable when it answers.
    ///
    /// # Errors
    /// [`RosterFault`]; then nothing was added.
    pub async fn add(&self, staff: NewStaff) -> Result<Account, RosterFault> {
        let address = staff.mailbox.address.clone();
        let foreign = |a: &&Address| !self.organisation.domains.contains(a.domain());
        if let Some(foreign) = std::iter::once(&address).chain(&staff.aliases).find(foreign) {
            return Err(RosterFault::Foreign(foreign.clone()));
        }
        let account = Account {
            id: AccountId::fresh(),
            kind: Kind::Staff,
            credential: Credential::Password(self.hash(&staff.password, &staff.mailbox).await?),
            mailbox: staff.mailbox,
            aliases: staff.aliases,
            rights: staff.rights,
            locked: false,
            created: self.clock.now(),
            inviters: Vec::new(),
            language: None,
        };
        let mut batch = Batch::new();
        self.accounts.insert(&mut batch, &account)?;
        match self.store.commit(batch).await {
            Ok(()) => Ok(account),
            Err(CommitError::Conflict) => Err(RosterFault::Exists(address)),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }

    /// Gives a staff member a new password.
    ///
    /// # Errors
    /// [`RosterFault`]; then the old password stays.
    pub async fn set_password(&self, address: &Address, password: &Secret) -> Result<(), RosterFault> {
        let unknown = || RosterFault::Unknown(address.clone());
        let old = self.accounts.by_address(address)?.ok_or_else(unknown)?;
        if old.value.kind != Kind::Staff {
            return Err(unknown());
        }
        if old.value.credential == Credential::Organisation {
            return Err(RosterFault::NoPassword(address.clone()));
        }
        let credential = Credential::Password(self.hash(password, &old.value.mailbox).await?);
        let new = Account { credential, ..old.value.clone() };
        let mut batch = Batch::new();
        self.accounts.replace(&mut batch, &old, &new)?;
        self.accounts.end_sessions(&mut batch, new.id, None)?;
        match self.store.commit(batch).await {
            Ok(()) => {
                changes::note(Deed::PasswordChanged, &new);
                Ok(())
            }
            Err(CommitError::Conflict) => Err(RosterFault::Conflict),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }

    /// Every account of this kind, in the order in which they were opened.
    ///
    /// # Errors
    /// [`RosterFault::Store`].
    pub fn list(&self, kind: Kind) -> Result<Vec<Account>, RosterFault> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.accounts.list(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.id);
            found.extend(page.into_iter().filter(|account| account.kind == kind));
        }
    }

    async fn hash(&self, password: &Secret, owner: &Mailbox) -> Result<String, RosterFault> {
        password::check(password, &owner.address.to_string(), &owner.label(), &self.organisation.name)?;
        Ok(self.passwords.hash(password).await?)
    }
}
