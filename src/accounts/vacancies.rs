//! Guests for whom nobody answers, because the person who has invited them is gone.
//!
//! ```text
//! gone ──▶ vacancy ──▶ taken over ──▶ (each guest has another sponsor)
//!             └───────▶ time is over ──▶ each guest is warned, and ends
//! ```
//! A vacancy ends with its last guest, or when the person is back.

use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::store::schema;
use crate::store::{Batch, Key, StoreFault, Stored, Table};

/// By the key of the address.
const VACANCIES: Table<String, Vacancy> = Table::new(schema::VACANCIES);
/// When a guest of such a person was warned.
const WARNINGS: Table<(String, AccountId), Timestamp> = Table::new(schema::VACANCY_WARNINGS);

/// Somebody who has left guests behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vacancy {
    /// Who is gone.
    pub sponsor: Mailbox,
    /// Since when that is known.
    pub since: Timestamp,
    /// Who was asked to take over; `None` where there was nobody to ask.
    pub asked: Option<Mailbox>,
    /// Who has taken over.
    pub successor: Option<Mailbox>,
}

impl Vacancy {
    /// Whether nobody was asked yet, for there was nobody to ask.
    #[must_use]
    pub const fn is_unasked(&self) -> bool {
        self.asked.is_none() && self.successor.is_none()
    }

    /// What it is kept under.
    #[must_use]
    pub fn key(&self) -> String {
        self.sponsor.address.key()
    }
}

impl Accounts {
    /// The vacancy that somebody has left, by [`Address::key`](crate::base::address::Address::key).
    ///
    /// # Errors
    /// Where the store failed.
    pub fn vacancy(&self, sponsor: &str) -> Result<Option<Stored<Vacancy>>, StoreFault> {
        VACANCIES.get(&self.store, &sponsor.to_owned())
    }

    /// Vacancies in the order of their keys, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn vacancies(&self, after: Option<&str>, limit: usize) -> Result<Vec<Stored<Vacancy>>, StoreFault> {
        let after = after.map(ToOwned::to_owned);
        let records = VACANCIES.scan(&self.store, after.as_ref(), limit)?;
        Ok(records.into_iter().map(|(_, vacancy)| vacancy).collect())
    }

    /// Notes that somebody is gone. The commit finds a conflict where that is noted already.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn open_vacancy(&self, batch: &mut Batch, vacancy: &Vacancy) -> Result<(), StoreFault> {
        VACANCIES.insert(batch, &vacancy.key(), vacancy)
    }

    /// Changes a vacancy: somebody is asked, or takes over. The commit finds a conflict where it was changed meanwhile.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn change_vacancy(
        &self,
        batch: &mut Batch,
        old: &Stored<Vacancy>,
        new: &Vacancy,
    ) -> Result<(), StoreFault> {
        VACANCIES.replace(batch, &old.value.key(), old, new)
    }

    /// What else is in the batch counts only while the vacancy is as it was read.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn rely_on_vacancy(&self, batch: &mut Batch, read: &Stored<Vacancy>) -> Result<(), StoreFault> {
        self.change_vacancy(batch, read, &read.value)
    }

    /// It is over. The commit finds a conflict where it was changed meanwhile.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn close_vacancy(&self, batch: &mut Batch, old: &Stored<Vacancy>) -> Result<(), StoreFault> {
        VACANCIES.remove(batch, &old.value.key(), old)
    }

    /// When this guest was warned of the end, if ever.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn vacancy_warning(&self, sponsor: &str, guest: AccountId) -> Result<Option<Timestamp>, StoreFault> {
        let warning = WARNINGS.get(&self.store, &(sponsor.to_owned(), guest))?;
        Ok(warning.map(|warning| warning.value))
    }

    /// The guest is warned now, whenever that was done before.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn note_vacancy_warning(
        &self,
        batch: &mut Batch,
        sponsor: &str,
        guest: AccountId,
        at: Timestamp,
    ) -> Result<(), StoreFault> {
        WARNINGS.put(batch, &(sponsor.to_owned(), guest), &at)
    }

    /// The guest has another sponsor, or none any more.
    pub fn forget_vacancy_warning(&self, batch: &mut Batch, sponsor: &str, guest: AccountId) {
        WARNINGS.delete(batch, &(sponsor.to_owned(), guest));
    }

    /// Forgets of this sponsor's guests that they were warned, at most `limit` of them. Gives how many.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn forget_vacancy_warnings(
        &self,
        batch: &mut Batch,
        sponsor: &str,
        limit: usize,
    ) -> Result<usize, StoreFault> {
        let mut prefix = Vec::new();
        sponsor.to_owned().encode(&mut prefix);
        let warnings = WARNINGS.scan_prefix(&self.store, &prefix, limit)?;
        for (key, _) in &warnings {
            WARNINGS.delete(batch, key);
        }
        Ok(warnings.len())
    }
}
