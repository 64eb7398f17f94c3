//! Accounts a page at a time, for a page to show.

use crate::accounts::Account;
use crate::base::id::AccountId;
use crate::roster::{Roster, RosterFault};

/// Accounts on one page.
pub const PAGE: usize = 50;
/// Accounts that are looked at for one page. A rare word in a long list may need several.
const LOOKED_AT_MAX: usize = 5_000;
/// Accounts that are read at once.
const STRIDE: usize = 250;
/// Characters of a search that count: as many as the longest address has (RFC 5321 §4.5.3.1.3).
const SEARCH_MAX: usize = 256;

/// A page of accounts.
#[derive(Debug)]
pub struct People {
    /// In the order in which they were opened.
    pub accounts: Vec<Account>,
    /// What the next page begins behind; `None` behind the last.
    pub next: Option<AccountId>,
}

impl Roster {
    /// Accounts, staff and guests, with these characters in the name or in one of the addresses, in any case; behind
    /// `after`.
    ///
    /// # Errors
    /// [`RosterFault::Store`].
    pub fn people(&self, words: &str, after: Option<AccountId>) -> Result<People, RosterFault> {
        let words: String = words.trim().to_lowercase().chars().take(SEARCH_MAX).collect();
        let mut accounts = Vec::new();
        let mut at = after;
        for _ in 0..LOOKED_AT_MAX.div_ceil(STRIDE) {
            let part = self.accounts.list(at, STRIDE)?;
            let is_last = part.len() < STRIDE;
            for account in part {
                at = Some(account.id);
                if holds(&account, &words) {
                    accounts.push(account);
                }
                if accounts.len() == PAGE {
                    return Ok(People { accounts, next: at });
                }
            }
            if is_last {
                return Ok(People { accounts, next: None });
            }
        }
        Ok(People { accounts, next: at })
    }

    /// The account with this identifier.
    ///
    /// # Errors
    /// [`RosterFault::Store`].
    pub fn person(&self, id: AccountId) -> Result<Option<Account>, RosterFault> {
        Ok(self.accounts.by_id(id)?.map(|account| account.value))
    }
}

fn holds(account: &Account, words: &str) -> bool {
    words.is_empty()
        || account.mailbox.name.as_ref().is_some_and(|name| name.to_lowercase().contains(words))
        || account.addresses().any(|address| address.key().contains(words))
}
