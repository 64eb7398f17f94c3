//! Who of the organisation's directory has which account, whatever becomes of names and addresses there.

use crate::accounts::{Account, Accounts};
use crate::base::id::AccountId;
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

/// By what identifies a person in the directory for good, in hexadecimal.
const DIRECTORY_IDS: Table<String, AccountId> = Table::new(schema::DIRECTORY_IDS);

impl Accounts {
    /// The account of the person whom the directory identifies so.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn by_directory_id(&self, id: &str) -> Result<Option<Stored<Account>>, StoreFault> {
        match DIRECTORY_IDS.get(&self.store, &id.to_owned())? {
            Some(account) => self.by_id(account.value),
            None => Ok(None),
        }
    }

    /// Notes whose account this is. What was noted under the same id before is forgotten.
    ///
    /// # Errors
    /// Where the store failed, or the record is too large.
    pub fn note_directory_id(
        &self,
        batch: &mut Batch,
        id: &str,
        account: AccountId,
    ) -> Result<(), StoreFault> {
        let id = id.to_owned();
        match DIRECTORY_IDS.get(&self.store, &id)? {
            Some(old) if old.value == account => Ok(()),
            Some(old) => DIRECTORY_IDS.replace(batch, &id, &old, &account),
            None => DIRECTORY_IDS.insert(batch, &id, &account),
        }
    }
}
