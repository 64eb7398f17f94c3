//! The random words in mails about an account: what the link with one leads to, and until when.
//!
//! A word works once. It is remembered until its time is over, so that whoever presses twice is told that it is done.

use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Token, TokenHash};
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

const WORDS: Table<TokenHash, Word> = Table::new(schema::WORDS);
/// The same in the order in which they end, so that sweeping never looks at those that last.
const ENDS: Table<(Timestamp, TokenHash), ()> = Table::new(schema::WORD_ENDS);

/// A word that stands in a mail; kept by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// What its link is for.
    pub purpose: Purpose,
    /// From when on it opens nothing.
    pub ends: Timestamp,
    /// Whether it has done its work.
    pub used: bool,
}

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// It proves that the [applicant](crate::accounts::applicants::Applicant) with this address reads its mail.
    Verify(Address),
    /// It sets another password.
    Reset {
        /// Whose.
        account: AccountId,
        /// The PHC string of the one that was forgotten. Once the account has another, the word opens nothing.
        forgotten: String,
    },
    /// It hands the guests of somebody who has left to somebody else.
    TakeOver {
        /// Who has left.
        sponsor: Mailbox,
        /// Who is asked.
        successor: Mailbox,
    },
}

impl Accounts {
    /// What is kept about a word.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn word(&self, hash: &TokenHash) -> Result<Option<Stored<Word>>, StoreFault> {
        WORDS.get(&self.store, hash)
    }

    /// Keeps a new word until `ends`.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn keep_word(
        &self,
        batch: &mut Batch,
        word: &Token,
        purpose: Purpose,
        ends: Timestamp,
    ) -> Result<(), StoreFault> {
        ENDS.insert(batch, &(ends, word.hash()), &())?;
        WORDS.insert(batch, &word.hash(), &Word { purpose, ends, used: false })
    }

    /// The word has done its work. The commit finds a conflict if it did that meanwhile.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn use_word(
        &self,
        batch: &mut Batch,
        hash: &TokenHash,
        old: &Stored<Word>,
    ) -> Result<(), StoreFault> {
        WORDS.replace(batch, hash, old, &Word { used: true, ..old.value.clone() })
    }

    /// Removes words whose time is over by `now`, and with them the applicants who waited for nothing else; the oldest
    /// first, at most `limit`. Gives how many.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sweep_words(&self, batch: &mut Batch, now: Timestamp, limit: usize) -> Result<usize, StoreFault> {
        let mut swept = 0;
        for (key, _) in
            ENDS.scan(&self.store, None, limit)?.into_iter().take_while(|((ends, _), _)| *ends <= now)
        {
            if let Some(Purpose::Verify(address)) = self.word(&key.1)?.map(|word| word.value.purpose) {
                self.forget_late_applicant(batch, &address, now)?;
            }
            WORDS.delete(batch, &key.1);
            ENDS.delete(batch, &key);
            swept += 1;
        }
        Ok(swept)
    }
}
