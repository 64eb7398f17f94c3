//! When an account was used last, so that one that nobody uses can end.
//!
//! A use is the beginning of a session, and is noted in its commit: it costs no write of its own.

use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

const USES: Table<AccountId, Use> = Table::new(schema::USES);
/// The same in the order of time. What stands here and not in [`USES`] counts for nothing.
const ORDER: Table<(Timestamp, AccountId), ()> = Table::new(schema::USES_IN_ORDER);

/// The last use of an account, and what was said about it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// When the person was warned first that the account will end.
    pub first_warning: Option<Timestamp>,
    /// When the person was warned once more, shortly before.
    pub last_warning: Option<Timestamp>,
}

impl Accounts {
    /// The last use of an account; `None` where nobody has ever signed in.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn last_use(&self, account: AccountId) -> Result<Option<Stored<Use>>, StoreFault> {
        USES.get(&self.store, &account)
    }

    /// The account is used at this moment. All warnings are forgotten.
    pub(super) fn note_use(
        &self,
        batch: &mut Batch,
        account: AccountId,
        at: Timestamp,
    ) -> Result<(), StoreFault> {
        if let Some(before) = self.last_use(account)? {
            ORDER.delete(batch, &(before.value.at, account));
        }
        ORDER.put(batch, &(at, account), &())?;
        USES.put(batch, &account, &Use { at, first_warning: None, last_warning: None })
    }

    /// The person was warned. The commit finds a conflict if the account was used, or warned about, meanwhile.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn note_warning(
        &self,
        batch: &mut Batch,
        account: AccountId,
        old: &Stored<Use>,
        new: &Use,
    ) -> Result<(), StoreFault> {
        USES.replace(batch, &account, old, new)
    }

    /// Accounts that nobody has used since `until`, the longest unused first: behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn unused(
        &self,
        until: Timestamp,
        after: Option<(Timestamp, AccountId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, AccountId)>, StoreFault> {
        let keys = ORDER.scan(&self.store, after.as_ref(), limit)?;
        Ok(keys.into_iter().map(|(key, _)| key).take_while(|(at, _)| *at <= until).collect())
    }

    /// Takes a place in the order away for which there is no use any more.
    pub fn forget_place(&self, batch: &mut Batch, place: (Timestamp, AccountId)) {
        ORDER.delete(batch, &place);
    }

    pub(super) fn forget_uses(&self, batch: &mut Batch, account: AccountId) -> Result<(), StoreFault> {
        if let Some(last) = self.last_use(account)? {
            ORDER.delete(batch, &(last.value.at, account));
            USES.delete(batch, &account);
        }
        Ok(())
    }
}
