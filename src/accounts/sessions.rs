//! Sessions: found by the hash of the cookie's token, swept by the moment they end.

use crate::accounts::{Account, Accounts, Session};
use crate::base::clock::Timestamp;
use crate::base::secret::{Token, TokenHash};
use crate::store::schema;
use crate::store::{Batch, StoreFault, Table};

const SESSIONS: Table<TokenHash, Session> = Table::new(schema::SESSIONS);
/// The same sessions in the order in which they end, so that sweeping never looks at those that last.
const ENDS: Table<(Timestamp, TokenHash), ()> = Table::new(schema::SESSION_ENDS);

impl Accounts {
    /// Starts a session. The token goes into the cookie; only its hash is kept.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn start_session(
        &self,
        batch: &mut Batch,
        token: &Token,
        session: &Session,
    ) -> Result<(), StoreFault> {
        ENDS.insert(batch, &(session.ends, token.hash()), &())?;
        SESSIONS.insert(batch, &token.hash(), session)
    }

    /// The session behind a cookie, with its account as it is now. `None` too if the session has ended by `now`, or
    /// the account is locked or gone.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn session(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(Session, Account)>, StoreFault> {
        let Some(session) = SESSIONS.get(&self.store, hash)?.filter(|session| session.value.ends > now)
        else {
            return Ok(None);
        };
        let account = self.by_id(session.value.account)?.filter(|account| !account.value.locked);
        Ok(account.map(|account| (session.value, account.value)))
    }

    /// Ends a session. What remembers its end goes with the next sweep.
    pub fn end_session(&self, batch: &mut Batch, hash: &TokenHash) {
        SESSIONS.delete(batch, hash);
    }

    /// Removes sessions that have ended by `now`, the oldest first, at most `limit`; gives how many.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sweep_sessions(
        &self,
        batch: &mut Batch,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreFault> {
        let mut swept = 0;
        for (key, _) in
            ENDS.scan(&self.store, None, limit)?.into_iter().take_while(|((ends, _), _)| *ends <= now)
        {
            SESSIONS.delete(batch, &key.1);
            ENDS.delete(batch, &key);
            swept += 1;
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::accounts::tests::{account, book};

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn session_of(account: &Account, ends: Timestamp) -> Session {
        Session {
            account: account.id,
            address: account.mailbox.address.clone(),
            started: Timestamp::from_millis(0),
            ends,
            csrf: "csrf".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_session_lasts_until_its_end_and_no_longer_than_its_account() {
        let (accounts, store, _folder) = book();
        let start = Timestamp::from_millis(0);
        let ann = account("ann@corp.example", &[]);
        let token = Token::fresh().unwrap();
        let mut batch = Batch::new();
        accounts.insert(&mut batch, &ann).unwrap();
        accounts.start_session(&mut batch, &token, &session_of(&ann, start + HOUR)).unwrap();
        store.commit(batch).await.unwrap();

        let just_before = start + HOUR - Duration::from_millis(1);
        assert_eq!(accounts.session(&token.hash(), just_before).unwrap().unwrap().1, ann);
        assert!(accounts.session(&token.hash(), start + HOUR).unwrap().is_none());
        assert!(accounts.session(&Token::fresh().unwrap().hash(), start).unwrap().is_none());

        let old = accounts.by_id(ann.id).unwrap().unwrap();
        let mut batch = Batch::new();
        accounts.replace(&mut batch, &old, &Account { locked: true, ..ann }).unwrap();
        store.commit(batch).await.unwrap();
        assert!(accounts.session(&token.hash(), start).unwrap().is_none());
    }

    #[tokio::test]
    async fn signing_out_ends_the_session_and_sweeping_leaves_the_others() {
        let (accounts, store, _folder) = book();
        let start = Timestamp::from_millis(0);
        let ann = account("ann@corp.example", &[]);
        let tokens: Vec<Token> = (0..4).map(|_| Token::fresh().unwrap()).collect();
        let mut batch = Batch::new();
        accounts.insert(&mut batch, &ann).unwrap();
        for (hours, token) in (1..).zip(&tokens) {
            accounts.start_session(&mut batch, token, &session_of(&ann, start + HOUR * hours)).unwrap();
        }
        store.commit(batch).await.unwrap();

        let mut batch = Batch::new();
        accounts.end_session(&mut batch, &tokens[3].hash());
        store.commit(batch).await.unwrap();
        assert!(accounts.session(&tokens[3].hash(), start).unwrap().is_none());

        for swept in [1, 1, 0] {
            let mut batch = Batch::new();
            assert_eq!(accounts.sweep_sessions(&mut batch, start + HOUR * 2, 1).unwrap(), swept);
            store.commit(batch).await.unwrap();
        }
        assert!(accounts.session(&tokens[1].hash(), start).unwrap().is_none());
        assert!(accounts.session(&tokens[2].hash(), start + HOUR * 2).unwrap().is_some());
    }
}
