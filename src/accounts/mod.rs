//! Staff and guests, and their web sessions.
//!
//! An account has one primary address and any number of aliases; no address belongs to two accounts. The book keeps
//! that promise by one record per address, put where none may be: of two people who claim an address at once, one
//! finds a conflict at the commit.

pub mod applicants;
mod directory;
pub mod name;
mod origins;
mod sessions;
pub mod uses;
pub mod vacancies;
pub mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::store::schema;
use crate::store::{Batch, Store, StoreFault, Stored, Table};

pub use crate::accounts::origins::{NameId, Origin};

const ACCOUNTS: Table<AccountId, Account> = Table::new(schema::ACCOUNTS);
/// By [`Address::key`].
const ADDRESSES: Table<String, AccountId> = Table::new(schema::ACCOUNT_ADDRESSES);

/// Inviters that are kept of a guest; beyond that the one who invited first gives way.
const INVITERS_MAX: usize = 500;

/// Which side of the gate somebody stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Inside: sends mail and invites.
    Staff,
    /// Outside: was invited and leaves files.
    Guest,
}

/// What a staff member may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Invite people outside.
    pub invite: bool,
    /// Invite colleagues.
    pub invite_internal: bool,
    /// Administer the gateway.
    pub admin: bool,
}

/// How somebody proves who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// By a password kept here, as a PHC string (argon2id).
    Password(String),
    /// By the organisation's directory or identity provider. No password is ever kept here for such an account.
    Organisation,
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its identifier, which never changes.
    pub id: AccountId,
    /// Staff or guest.
    pub kind: Kind,
    /// The display name and the primary address.
    pub mailbox: Mailbox,
    /// Further addresses of the same person.
    pub aliases: Vec<Address>,
    /// What this person proves it with.
    pub credential: Credential,
    /// Staff: what this person may do. A guest has none.
    pub rights: Rights,
    /// Whether signing in is refused.
    pub locked: bool,
    /// When it was opened.
    pub created: Timestamp,
    /// Guests: who invited them, the last one last.
    pub inviters: Vec<Mailbox>,
    /// Of mails and pages for this person, if it is known.
    pub language: Option<Language>,
}

/// A browser that somebody has signed in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub account: AccountId,
    /// The primary address at that time.
    pub address: Address,
    /// When it was started.
    pub started: Timestamp,
    /// From when on it is none any more.
    pub ends: Timestamp,
    /// What a form must bring along to be believed.
    pub csrf: String,
    /// The session at an identity provider that this one goes back to, if it does.
    pub origin: Option<Origin>,
}

/// The book of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
}

impl Rights {
    /// Those of a staff member of whom nothing special is said, or of one who may send mail only.
    #[must_use]
    pub const fn of_staff(may_invite: bool) -> Self {
        Self { invite: may_invite, invite_internal: false, admin: false }
    }
}

impl Credential {
    /// The PHC string of a password that is kept here.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        match self {
            Self::Password(phc) => Some(phc),
            Self::Organisation => None,
        }
    }
}

impl Account {
    /// The same guest, with one more person to leave files for. Somebody who is among them already comes to the end of
    /// the list, under the name that is used now.
    #[must_use]
    pub fn with_inviter(&self, inviter: &Mailbox) -> Self {
        let mut inviters = self.inviters.clone();
        inviters.retain(|other| !other.address.same_mailbox(&inviter.address));
        inviters.push(inviter.clone());
        inviters.drain(..inviters.len().saturating_sub(INVITERS_MAX));
        Self { inviters, ..self.clone() }
    }

    /// All its addresses, the primary one last.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.aliases.iter().chain([&self.mailbox.address])
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn owns(&self, address: &Address) -> bool {
        self.addresses().any(|own| own.same_mailbox(address))
    }

    /// The keys of all its addresses, each once.
    fn address_keys(&self) -> BTreeSet<String> {
        self.addresses().map(Address::key).collect()
    }
}

impl Accounts {
    /// The book in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Whose address this is, primary or alias.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn by_address(&self, address: &Address) -> Result<Option<Stored<Account>>, StoreFault> {
        match ADDRESSES.get(&self.store, &address.key())? {
            Some(id) => self.by_id(id.value),
            None => Ok(None),
        }
    }

    /// The account with this identifier.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn by_id(&self, id: AccountId) -> Result<Option<Stored<Account>>, StoreFault> {
        ACCOUNTS.get(&self.store, &id)
    }

    /// Opens an account. The commit finds a conflict if one of its addresses belongs to an account already.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn insert(&self, batch: &mut Batch, account: &Account) -> Result<(), StoreFault> {
        for key in account.address_keys() {
            ADDRESSES.insert(batch, &key, &account.id)?;
        }
        ACCOUNTS.insert(batch, &account.id, account)
    }

    /// Changes an account. The commit finds a conflict if somebody else changed it since `old` was read.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn replace(&self, batch: &mut Batch, old: &Stored<Account>, new: &Account) -> Result<(), StoreFault> {
        let (before, after) = (old.value.address_keys(), new.address_keys());
        for key in before.difference(&after) {
            ADDRESSES.delete(batch, key);
        }
        for key in after.difference(&before) {
            ADDRESSES.insert(batch, key, &new.id)?;
        }
        ACCOUNTS.replace(batch, &old.value.id, old, new)
    }

    /// Takes an account away, and with it its addresses, its sessions and the note of its last use. The commit finds a
    /// conflict if somebody else changed it since `old` was read.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn remove(&self, batch: &mut Batch, old: &Stored<Account>) -> Result<(), StoreFault> {
        for key in old.value.address_keys() {
            ADDRESSES.delete(batch, &key);
        }
        self.end_sessions(batch, old.value.id, None)?;
        self.forget_uses(batch, old.value.id)?;
        ACCOUNTS.remove(batch, &old.value.id, old)
    }

    /// Accounts in the order in which they were opened, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn list(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<Account>, StoreFault> {
        let records = ACCOUNTS.scan(&self.store, after.as_ref(), limit)?;
        Ok(records.into_iter().map(|(_, account)| account.value).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Storage;
    use crate::store::CommitError;

    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    pub(super) fn account(primary: &str, aliases: &[&str]) -> Account {
        Account {
            id: AccountId::fresh(),
            kind: Kind::Staff,
            mailbox: Mailbox::named("Ann", address(primary)),
            aliases: aliases.iter().map(|alias| address(alias)).collect(),
            credential: Credential::Organisation,
            rights: Rights::default(),
            locked: false,
            created: Timestamp::from_millis(0),
            inviters: Vec::new(),
            language: None,
        }
    }

    /// An empty book, its store, and the folder that goes with it.
    pub(super) fn book() -> (Accounts, Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        (Accounts::new(store.clone()), store, folder)
    }

    #[tokio::test]
    async fn an_account_is_found_by_each_of_its_addresses_in_any_case() {
        let (accounts, store, _folder) = book();
        // An alias that says the same as the primary address is no second claim.
        let ann = account("Ann@corp.example", &["a.n@corp.example", "ANN@corp.example"]);
        let mut batch = Batch::new();
        accounts.insert(&mut batch, &ann).unwrap();
        store.commit(batch).await.unwrap();

        for spelling in ["ann@corp.example", "ANN@CORP.EXAMPLE", "A.N@corp.example"] {
            assert_eq!(accounts.by_address(&address(spelling)).unwrap().unwrap().value, ann);
        }
        assert!(accounts.by_address(&address("bob@corp.example")).unwrap().is_none());
        assert_eq!(accounts.list(None, 10).unwrap(), std::slice::from_ref(&ann));
        assert_eq!(accounts.list(Some(ann.id), 10).unwrap(), []);
    }

    #[test]
    fn whoever_invites_again_is_named_once_and_the_list_has_an_end() {
        let mut guest = account("kim@partner.example", &[]);
        for number in 0..INVITERS_MAX + 2 {
            guest = guest.with_inviter(&address(&format!("ann{number}@corp.example")).into());
        }
        guest = guest.with_inviter(&Mailbox::named("Ann", address("Ann7@corp.example")));
        assert_eq!(guest.inviters.len(), INVITERS_MAX);
        assert_eq!(guest.inviters.first().unwrap().address, address("ann2@corp.example"));
        assert_eq!(guest.inviters.last().unwrap().label(), "Ann");
    }

    #[tokio::test]
    async fn no_address_belongs_to_two_accounts() {
        let (accounts, store, _folder) = book();
        let mut batch = Batch::new();
        accounts.insert(&mut batch, &account("ann@corp.example", &["team@corp.example"])).unwrap();
        store.commit(batch).await.unwrap();

        let mut batch = Batch::new();
        let bob = account("bob@corp.example", &["Team@corp.example"]);
        accounts.insert(&mut batch, &bob).unwrap();
        assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
        assert!(accounts.by_id(bob.id).unwrap().is_none(), "all or nothing");
        assert!(accounts.by_address(&bob.mailbox.address).unwrap().is_none());
    }

    #[tokio::test]
    async fn an_address_that_is_given_up_is_free_for_another() {
        let (accounts, store, _folder) = book();
        let ann = account("ann@corp.example", &["team@corp.example"]);
        let mut batch = Batch::new();
        accounts.insert(&mut batch, &ann).unwrap();
        store.commit(batch).await.unwrap();

        let old = accounts.by_id(ann.id).unwrap().unwrap();
        let mut batch = Batch::new();
        accounts.replace(&mut batch, &old, &Account { aliases: Vec::new(), ..ann }).unwrap();
        store.commit(batch).await.unwrap();
        let mut batch = Batch::new();
        let bob = account("bob@corp.example", &["team@corp.example"]);
        accounts.insert(&mut batch, &bob).unwrap();
        store.commit(batch).await.unwrap();
        assert_eq!(accounts.by_address(&address("team@corp.example")).unwrap().unwrap().value.id, bob.id);
    }
}
