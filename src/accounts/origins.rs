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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::accounts::tests::{account, book};
    use crate::base::clock::Timestamp;
    use crate::base::secret::Token;

    use super::*;

    #[tokio::test]
    async fn what_leads_to_a_session_goes_with_it_however_it_ends() {
        let (accounts, store, _folder) = book();
        let ann = account("ann@corp.example", &[]);
        let start = Timestamp::from_millis(0);
        let name_id = Some(NameId { text: "ann".to_owned(), format: None });
        let tokens: Vec<Token> = (0..4).map(|_| Token::fresh().unwrap()).collect();
        let mut batch = Batch::new();
        for (hours, token) in (1..).zip(&tokens) {
            let session = Session {
                account: ann.id,
                address: ann.mailbox.address.clone(),
                started: start,
                ends: start + Duration::from_hours(hours),
                csrf: String::new(),
                origin: Some(Origin { provider: "idp".to_owned(), name_id: name_id.clone(), index: None }),
            };
            accounts.start_session(&mut batch, token, &session).unwrap();
        }
        store.commit(batch).await.unwrap();
        let left = || OF_ORIGIN.scan(&store, None, 10).unwrap().len();
        assert_eq!(left(), 4);

        let mut batch = Batch::new();
        let hour = start + Duration::from_hours(1);
        assert_eq!(accounts.sweep_sessions(&mut batch, hour, 10).unwrap(), 1);
        store.commit(batch).await.unwrap();
        assert_eq!(left(), 3);

        let mut batch = Batch::new();
        accounts.end_session(&mut batch, &tokens[1].hash()).unwrap();
        store.commit(batch).await.unwrap();
        assert_eq!(left(), 2);

        let mut batch = Batch::new();
        accounts.end_sessions(&mut batch, ann.id, Some(&tokens[2].hash())).unwrap();
        store.commit(batch).await.unwrap();
        assert_eq!(left(), 1);

        let mut batch = Batch::new();
        let ended = accounts.end_sessions_from(&mut batch, "idp", "ann", &["_any".to_owned()]).unwrap();
        assert_eq!(ended.len(), 1, "without an index it could be any");
        store.commit(batch).await.unwrap();
        assert_eq!(left(), 0);
    }
}
