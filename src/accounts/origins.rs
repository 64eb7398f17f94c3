//! Sessions that go back to one at an identity provider, so that what is over there can be over here.

use serde::{Deserialize, Serialize};

use crate::accounts::sessions::{SESSIONS, SESSIONS_MAX};
use crate::accounts::{Accounts, Session};
use crate::base::secret::TokenHash;
use crate::store::schema;
use crate::store::{Batch, StoreFault, Table};

/// The sessions of whom a provider calls by one name.
const OF_ORIGIN: Table<(TokenHash, TokenHash), ()> = Table::new(schema::SAML_SESSIONS);

/// A session at an identity provider, in the provider's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The provider's name in the settings.
    pub provider: String,
    /// Whose, if it was told.
    pub name_id: Option<NameId>,
    /// Which of that person's sessions there, if it was told.
    pub index: Option<String>,
}

/// What a provider calls a person (*Core* §2.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameId {
    /// The name.
    pub text: String,
    /// Which kind of name it is, a URI.
    pub format: Option<String>,
}

impl Accounts {
    /// Ends the sessions that go back to this person at this provider: those with one of the `indexes`, or all where
    /// there are none. One of which the provider told no index could be any of them, and ends too. Gives them.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn end_sessions_from(
        &self,
        batch: &mut Batch,
        provider: &str,
        name: &str,
        indexes: &[String],
    ) -> Result<Vec<Session>, StoreFault> {
        let mut ended = Vec::new();
        let person = person(provider, name);
        for ((_, hash), _) in OF_ORIGIN.scan_prefix(&self.store, person.octets(), 2 * SESSIONS_MAX)? {
            let Some(session) = SESSIONS.get(&self.store, &hash)? else { continue };
            let index = session.value.origin.as_ref().and_then(|origin| origin.index.as_ref());
            if indexes.is_empty() || index.is_none_or(|index| indexes.contains(index)) {
                self.end_session(batch, &hash)?;
                ended.push(session.value);
            }
        }
        Ok(ended)
    }
}

pub(super) fn note(batch: &mut Batch, session: &Session, hash: &TokenHash) -> Result<(), StoreFault> {
    match of(session) {
        Some(person) => OF_ORIGIN.insert(batch, &(person, *hash), &()),
        None => Ok(()),
    }
}

pub(super) fn forget(batch: &mut Batch, session: &Session, hash: &TokenHash) {
    if let Some(person) = of(session) {
        OF_ORIGIN.delete(batch, &(person, *hash));
    }
}

fn of(session: &Session) -> Option<TokenHash> {
    let origin = session.origin.as_ref()?;
    Some(person(&origin.provider, &origin.name_id.as_ref()?.text))
}

/// No provider has a space in its name.
fn person(provider: &str, name: &str) -> TokenHash {
    TokenHash::of(&format!("{provider} {name}"))
}
