//! The book of questions that wait for their answer.
//!
//! A question belongs to one browser: the browser gets a token as a cookie, and the question's id is made of the token's
//! hash. Who has the id, which all may see, does not have the token. Taking a question out is a commit of its own, so
//! that of two answers at once one finds nothing.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::secret::{RandomFailed, Token, TokenHash};
use crate::store::schema;
use crate::store::{Batch, CommitError, Store, StoreFault, Table};

/// How long a provider may take: a person may have to find a telephone first.
pub const WAIT_MAX: Duration = Duration::from_mins(10);

const REQUESTS: Table<TokenHash, Request> = Table::new(schema::SAML_REQUESTS);
/// The same in the order in which they end.
const ENDS: Table<(Timestamp, TokenHash), ()> = Table::new(schema::SAML_REQUEST_ENDS);

/// A question that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which provider was asked.
    pub provider: String,
    /// The page to go on to, a path of ours.
    pub next: String,
    /// From when on no answer is good.
    pub ends: Timestamp,
}

/// The book. Cheap to clone.
#[derive(Clone)]
pub struct Requests {
    store: Store,
}

/// Why no question was begun or taken out.
#[derive(Debug, thiserror::Error)]
pub enum RequestFault {
    /// The system has no randomness to give.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The change could not be written.
    #[error("writing the question: {0}")]
    Commit(#[from] CommitError),
    /// The book refused.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// What a question is called that belongs to the browser with this token: an NCName of 160 bits (Core §1.3.4).
#[must_use]
pub fn id(token: &Token) -> String {
    let mut id = "_".to_owned();
    for octet in token.hash().octets().iter().take(20) {
        let _ = write!(id, "{octet:02x}");
    }
    id
}

impl Requests {
    /// The book in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Begins a question; the token is for the browser.
    ///
    /// # Errors
    /// [`RequestFault`]; then nothing has begun.
    pub async fn begin(&self, provider: &str, next: &str, now: Timestamp) -> Result<Token, RequestFault> {
        let token = Token::fresh()?;
        let request = Request { provider: provider.to_owned(), next: next.to_owned(), ends: now + WAIT_MAX };
        let mut batch = Batch::new();
        REQUESTS.insert(&mut batch, &token.hash(), &request)?;
        ENDS.insert(&mut batch, &(request.ends, token.hash()), &())?;
        self.store.commit(batch).await?;
        Ok(token)
    }

    /// Takes out the question of the browser with this token, for ever. `None` if there is none, it has been answered,
    /// or it is too old.
    ///
    /// # Errors
    /// [`RequestFault`]; then there is none for now.
    pub async fn take(&self, token: &Token, now: Timestamp) -> Result<Option<Request>, RequestFault> {
        let hash = token.hash();
        let Some(request) = REQUESTS.get(&self.store, &hash)? else { return Ok(None) };
        let mut batch = Batch::new();
        REQUESTS.remove(&mut batch, &hash, &request)?;
        ENDS.delete(&mut batch, &(request.value.ends, hash));
        match self.store.commit(batch).await {
            Ok(()) => Ok(Some(request.value).filter(|request| request.ends > now)),
            Err(CommitError::Conflict) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Removes questions that nobody answered by `now`, at most `limit`; gives how many.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sweep(&self, batch: &mut Batch, now: Timestamp, limit: usize) -> Result<usize, StoreFault> {
        let mut swept = 0;
        for (key, _) in
            ENDS.scan(&self.store, None, limit)?.into_iter().take_while(|((ends, _), _)| *ends <= now)
        {
            REQUESTS.delete(batch, &key.1);
            ENDS.delete(batch, &key);
            swept += 1;
        }
        Ok(swept)
    }
}
