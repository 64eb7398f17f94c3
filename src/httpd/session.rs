//! Sessions: who is signed in, by the token in the cookie. Only its hash is stored, and the end is kept by the server.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::accounts::{Account, Accounts, Origin, Session};
use crate::auth::enrolment::LookupFault;
use crate::auth::{Authenticator, Identity};
use crate::base::clock::Clock;
use crate::base::secret::{RandomFailed, Token, TokenHash};
use crate::store::{Batch, CommitError, Store, StoreFault};

/// How often a beginning is decided anew because the account was changed meanwhile.
const ROUNDS_MAX: usize = 8;

/// Begins, finds and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    accounts: Accounts,
    store: Store,
    clock: Arc<dyn Clock>,
    lifetime: Duration,
    authenticator: Option<Authenticator>,
}

/// Why a session neither began nor ended.
#[derive(Debug, Error)]
pub enum SessionFault {
    /// The account is locked or gone, or has another password by now.
    #[error("the account has changed since the password was checked")]
    Changed,
    /// The system has no randomness to give.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The change could not be written.
    #[error("writing the session: {0}")]
    Commit(#[from] CommitError),
    /// The book refused.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Sessions {
    /// A session ends `lifetime` after it began.
    #[must_use]
    pub fn new(accounts: Accounts, store: Store, clock: Arc<dyn Clock>, lifetime: Duration) -> Self {
        Self { accounts, store, clock, lifetime, authenticator: None }
    }

    /// The same, where whoever is kept by the organisation's directory stays signed in only while that says so.
    #[must_use]
    pub fn watched_by(self, authenticator: Authenticator) -> Self {
        Self { authenticator: Some(authenticator), ..self }
    }

    /// How long a session lasts.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Whose session this is, if it has not ended and the account is there and open. A session ends with the good
    /// standing of its account in the directory.
    ///
    /// # Errors
    /// [`LookupFault`] where the book cannot be read, or the directory, whose turn it was, is silent.
    pub async fn find(&self, token: &Token) -> Result<Option<(Session, Account)>, LookupFault> {
        let found = self.stored(token)?;
        let (Some((session, account)), Some(authenticator)) = (found.clone(), &self.authenticator) else {
            return Ok(found);
        };
        let account = authenticator.still(account).await?;
        if account.is_none() {
            // Should it not be written, the next look ends it.
            if let Err(fault) = self.end(&token.hash()).await {
                tracing::warn!(%fault, "ending a session");
            }
        }
        Ok(account.filter(|account| !account.locked).map(|account| (session, account)))
    }

    /// The same as it stands in the book, the directory unasked: for the frame of a page whose permit was asked for.
    ///
    /// # Errors
    /// [`StoreFault`] where the book cannot be read.
    pub fn stored(&self, token: &Token) -> Result<Option<(Session, Account)>, StoreFault> {
        self.accounts.session(&token.hash(), self.clock.now())
    }

    /// A new session for somebody who has just proved who they are, always with a new token; the one that the
    /// browser had `before` ends in the same step. A password that was changed since it was checked, which ends all
    /// sessions, begins none. `origin` is
    /// the session at an identity provider, if one vouched.
    ///
    /// # Errors
    /// [`SessionFault`]; then nothing has begun.
    pub async fn begin(
        &self,
        identity: &Identity,
        before: Option<&Token>,
        origin: Option<Origin>,
    ) -> Result<Token, SessionFault> {
        let token = Token::fresh()?;
        let now = self.clock.now();
        let session = Session {
            account: identity.account,
            address: identity.mailbox.address.clone(),
            started: now,
            ends: now + self.lifetime,
            csrf: Token::fresh()?.reveal().to_owned(),
            origin,
        };
        for _ in 0..ROUNDS_MAX {
            let account = self.accounts.by_id(identity.account)?.ok_or(SessionFault::Changed)?;
            if account.value.locked || account.value.credential != identity.credential {
                return Err(SessionFault::Changed);
            }
            let mut batch = Batch::new();
            // Written as it is, so that the commit finds a conflict where it has been changed.
            self.accounts.replace(&mut batch, &account, &account.value)?;
            self.accounts.start_session(&mut batch, &token, &session)?;
            if let Some(before) = before {
                self.accounts.end_session(&mut batch, &before.hash())?;
            }
            match self.store.commit(batch).await {
                Err(CommitError::Conflict) => {}
                committed => return Ok(committed.map(|()| token)?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Ends a session at once, whatever the browser keeps. One that has ended already is no fault.
    ///
    /// # Errors
    /// [`SessionFault::Commit`]; then it may still be open.
    pub async fn end(&self, session: &TokenHash) -> Result<(), SessionFault> {
        let mut batch = Batch::new();
        self.accounts.end_session(&mut batch, session)?;
        Ok(self.store.commit(batch).await?)
    }
}
