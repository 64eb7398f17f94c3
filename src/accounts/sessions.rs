//! Sessions: found by the hash of the cookie's token, swept by the moment they end.

use crate::accounts::origins;
use crate::accounts::{Account, Accounts, Session};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::secret::{Token, TokenHash};
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

pub(super) const SESSIONS: Table<TokenHash, Session> = Table::new(schema::SESSIONS);
/// The same sessions in the order in which they end, so that sweeping never looks at those that last.
const ENDS: Table<(Timestamp, TokenHash), ()> = Table::new(schema::SESSION_ENDS);
/// The same by their account.
const OF_ACCOUNT: Table<(AccountId, TokenHash), ()> = Table::new(schema::ACCOUNT_SESSIONS);

/// Sessions of one account at once; beyond that the one that was started first ends.
pub(super) const SESSIONS_MAX: usize = 100;

impl Accounts {
    /// Starts a session, which is a use of the account. The token goes into the cookie; only its hash is kept.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn start_session(
        &self,
        batch: &mut Batch,
        token: &Token,
        session: &Session,
    ) -> Result<(), StoreFault> {
        let others = OF_ACCOUNT.scan_prefix(&self.store, &session.account.octets(), SESSIONS_MAX)?;
        if others.len() == SESSIONS_MAX {
            self.make_room(batch, others.iter().map(|((_, hash), _)| hash))?;
        }
        self.note_use(batch, session.account, session.started)?;
        OF_ACCOUNT.insert(batch, &(session.account, token.hash()), &())?;
        ENDS.insert(batch, &(session.ends, token.hash()), &())?;
        origins::note(batch, session, &token.hash())?;
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
    ///
    /// # Errors
    /// Where the store failed.
    pub fn end_session(&self, batch: &mut Batch, hash: &TokenHash) -> Result<(), StoreFault> {
        if let Some(session) = SESSIONS.get(&self.store, hash)? {
            end(batch, &session.value, hash);
        }
        Ok(())
    }

    /// The sessions of an account that last beyond `now`, the newest first.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sessions_of(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(TokenHash, Session)>, StoreFault> {
        let mut sessions = Vec::new();
        for ((_, hash), _) in OF_ACCOUNT.scan_prefix(&self.store, &account.octets(), 2 * SESSIONS_MAX)? {
            if let Some(session) =
                SESSIONS.get(&self.store, &hash)?.filter(|session| session.value.ends > now)
            {
                sessions.push((hash, session.value));
            }
        }
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.started));
        Ok(sessions)
    }

    /// Ends all sessions of an account but the one to be kept.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn end_sessions(
        &self,
        batch: &mut Batch,
        account: AccountId,
        kept: Option<&TokenHash>,
    ) -> Result<(), StoreFault> {
        // Twice as many: of sign-ins at the same moment none sees the others.
        for ((_, hash), _) in OF_ACCOUNT.scan_prefix(&self.store, &account.octets(), 2 * SESSIONS_MAX)? {
            if kept != Some(&hash) {
                self.end_session(batch, &hash)?;
            }
        }
        Ok(())
    }

    /// Ends the one of these that was started first.
    fn make_room<'a>(
        &self,
        batch: &mut Batch,
        hashes: impl Iterator<Item = &'a TokenHash>,
    ) -> Result<(), StoreFault> {
        let mut oldest: Option<(Session, TokenHash)> = None;
        for hash in hashes {
            let Some(Stored { value: session, .. }) = SESSIONS.get(&self.store, hash)? else { continue };
            if oldest.as_ref().is_none_or(|(oldest, _)| session.started < oldest.started) {
                oldest = Some((session, *hash));
            }
        }
        if let Some((session, hash)) = oldest {
            end(batch, &session, &hash);
        }
        Ok(())
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
            self.end_session(batch, &key.1)?;
            ENDS.delete(batch, &key);
            swept += 1;
        }
        Ok(swept)
    }
}

fn end(batch: &mut Batch, session: &Session, hash: &TokenHash) {
    SESSIONS.delete(batch, hash);
    OF_ACCOUNT.delete(batch, &(session.account, *hash));
    origins::forget(batch, session, hash);
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
            origin: None,
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
        accounts.end_session(&mut batch, &tokens[3].hash()).unwrap();
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

    #[tokio::test]
    async fn all_sessions_of_one_account_end_but_the_one_that_is_kept() {
        let (accounts, store, _folder) = book();
        let start = Timestamp::from_millis(0);
        let (ann, bob) = (account("ann@corp.example", &[]), account("bob@corp.example", &[]));
        let tokens: Vec<Token> = (0..4).map(|_| Token::fresh().unwrap()).collect();
        let mut batch = Batch::new();
        for (token, owner) in tokens.iter().zip([&ann, &ann, &ann, &bob]) {
            accounts.start_session(&mut batch, token, &session_of(owner, start + HOUR)).unwrap();
        }
        accounts.insert(&mut batch, &ann).unwrap();
        accounts.insert(&mut batch, &bob).unwrap();
        store.commit(batch).await.unwrap();
        assert_eq!(accounts.sessions_of(ann.id, start).unwrap().len(), 3);

        let mut batch = Batch::new();
        accounts.end_sessions(&mut batch, ann.id, Some(&tokens[1].hash())).unwrap();
        store.commit(batch).await.unwrap();
        let lasting = |owner: &Account| accounts.sessions_of(owner.id, start).unwrap();
        assert_eq!(lasting(&ann).iter().map(|(hash, _)| *hash).collect::<Vec<_>>(), [tokens[1].hash()]);
        assert_eq!(lasting(&bob).len(), 1);
        assert!(accounts.session(&tokens[0].hash(), start).unwrap().is_none());

        let old = accounts.by_id(ann.id).unwrap().unwrap();
        let mut batch = Batch::new();
        accounts.remove(&mut batch, &old).unwrap();
        store.commit(batch).await.unwrap();
        assert!(lasting(&ann).is_empty());
        assert!(accounts.last_use(ann.id).unwrap().is_none());
        assert!(accounts.by_address(&ann.mailbox.address).unwrap().is_none());
    }

    #[tokio::test]
    async fn of_too_many_sessions_the_first_one_ends() {
        let (accounts, store, _folder) = book();
        let ann = account("ann@corp.example", &[]);
        let mut tokens = Vec::new();
        for number in 0..=i64::try_from(SESSIONS_MAX).unwrap() {
            let token = Token::fresh().unwrap();
            let started = Timestamp::from_millis(number);
            let session = Session { started, ..session_of(&ann, started + HOUR) };
            let mut batch = Batch::new();
            accounts.start_session(&mut batch, &token, &session).unwrap();
            store.commit(batch).await.unwrap();
            tokens.push(token);
        }
        let lasting = accounts.sessions_of(ann.id, Timestamp::from_millis(0)).unwrap();
        assert_eq!(lasting.len(), SESSIONS_MAX);
        assert!(lasting.iter().all(|(hash, _)| *hash != tokens[0].hash()));
    }
}
