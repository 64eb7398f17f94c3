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
use crate::store::{Batch, StoreFault, Stored, Table};

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

    /// At most so many of them, in no order of meaning.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn vacancies(&self, limit: usize) -> Result<Vec<Stored<Vacancy>>, StoreFault> {
        Ok(VACANCIES.scan(&self.store, None, limit)?.into_iter().map(|(_, vacancy)| vacancy).collect())
    }

    /// Notes that somebody is gone. The commit finds a conflict where that is noted already.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn open_vacancy(&self, batch: &mut Batch, vacancy: &Vacancy) -> Result<(), StoreFault> {
        VACANCIES.insert(batch, &vacancy.key(), vacancy)
    }

    /// Somebody takes over. The commit finds a conflict where it was changed meanwhile.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn take_vacancy(
        &self,
        batch: &mut Batch,
        old: &Stored<Vacancy>,
        successor: &Mailbox,
    ) -> Result<(), StoreFault> {
        let new = Vacancy { successor: Some(successor.clone()), ..old.value.clone() };
        VACANCIES.replace(batch, &old.value.key(), old, &new)
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

    /// The guest is warned now. The commit finds a conflict where that was done already.
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
        WARNINGS.insert(batch, &(sponsor.to_owned(), guest), &at)
    }

    /// The guest has another sponsor, or none any more.
    pub fn forget_vacancy_warning(&self, batch: &mut Batch, sponsor: &str, guest: AccountId) {
        WARNINGS.delete(batch, &(sponsor.to_owned(), guest));
    }
}
