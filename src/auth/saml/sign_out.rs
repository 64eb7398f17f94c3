//! Signing out: what began here goes on to the provider, and what began there ends here.

use std::net::IpAddr;

use thiserror::Error;
use tracing::{error, warn};

use crate::accounts::Origin;
use crate::audit::{self, Deed, Event};
use crate::auth::saml::Failure;
use crate::auth::saml::departure::Departure;
use crate::auth::saml::fence::is_success;
use crate::auth::saml::requests;
use crate::auth::saml::response::decoded;
use crate::auth::saml::seal::inflated;
use crate::auth::saml::sign_on::{How, SignOn, TurnedAway, reference};
use crate::base::clock::Timestamp;
use crate::base::secret::{RandomFailed, Token, TokenHash};
use crate::net::throttle::one_site;
use crate::store::schema;
use crate::store::{Batch, CommitError, Store, StoreFault, Table};

/// The words that were heeded, until they would be too old in any case.
const HEEDED: Table<(Timestamp, TokenHash), ()> = Table::new(schema::SAML_SIGN_OUTS);

/// Octets of a RelayState (Bindings §3.4.3). A longer one is not sent back.
const RELAY_STATE_MAX: usize = 80;

#[derive(Debug, Error)]
enum Reason {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the provider has said the same before")]
    Twice,
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("writing it: {0}")]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

impl SignOn {
    /// Where the browser goes to end the session at the provider too. `None` where that cannot be.
    #[must_use]
    pub fn dismissal(&self, origin: &Origin) -> Option<String> {
        let id = requests::id(&Token::fresh().ok()?);
        self.saml.dismissal(origin, &id, self.clock.now())
    }

    /// Whether the provider's answer to that, as the form's field or the address's parameter `SAMLResponse` has it,
    /// says that it is over there. Nothing depends on it but the words of a page, and it is not asked who wrote it.
    #[must_use]
    pub fn is_over(&self, encoded: &str, in_address: bool) -> bool {
        let xml = if in_address { inflated(encoded) } else { decoded(encoded) };
        xml.and_then(|xml| is_success(&xml)).unwrap_or_default()
    }

    /// Ends the sessions of which a provider says that they are over, as the form's field `SAMLRequest` has it. Gives
    /// where the browser goes with our answer, if we have a key to sign it. A site that has brought too many that were
    /// not believed has to wait.
    ///
    /// # Errors
    /// [`TurnedAway`]; then nothing has ended.
    pub async fn heed(
        &self,
        encoded: String,
        relay_state: &str,
        peer: IpAddr,
    ) -> Result<Option<String>, TurnedAway> {
        let site = one_site(peer).to_string();
        if self.disbelieved.wait(&site).is_some() {
            return Err(TurnedAway { how: How::Unavailable, reference: reference() });
        }
        // Counted before it is looked at: of many at once, too, each counts.
        self.disbelieved.failed(&site);
        let heeded = self.end(encoded, relay_state, peer).await;
        heeded.inspect(|_| self.disbelieved.succeeded(&site)).map_err(|reason| {
            let (how, reference) = (reason.how(), reference());
            if how == How::Unavailable {
                error!(%reason, reference, "a sign-out could not be looked at");
            } else {
                warn!(%reason, reference, %peer, "a sign-out by saml is not believed");
            }
            TurnedAway { how, reference }
        })
    }

    async fn end(&self, encoded: String, relay_state: &str, peer: IpAddr) -> Result<Option<String>, Reason> {
        let now = self.clock.now();
        let departure = self.saml.departure(encoded, now).await?;
        let id = requests::id(&Token::fresh()?);
        let mut batch = Batch::new();
        let Departure { provider, name, indexes, ends, .. } = &departure;
        HEEDED.insert(&mut batch, &(*ends, TokenHash::of(&format!("{provider} {}", departure.id))), &())?;
        let ended = self.accounts.end_sessions_from(&mut batch, provider, name, indexes)?;
        self.store.commit(batch).await.map_err(|fault| match fault {
            CommitError::Conflict => Reason::Twice,
            fault @ CommitError::Store(_) => Reason::Commit(fault),
        })?;
        for session in &ended {
            let (deed, whom) = (Deed::SignedOutThere, &session.address);
            audit::record(&Event::Account { deed, whom, by: "provider", peer: Some(peer) });
        }
        let relay_state = if relay_state.len() > RELAY_STATE_MAX { "" } else { relay_state };
        Ok(self.saml.heeded(&departure, &id, relay_state, now))
    }
}

impl Reason {
    const fn how(&self) -> How {
        match self {
            Self::Failure(Failure::Broken) | Self::Store(_) | Self::Commit(_) | Self::Random(_) => {
                How::Unavailable
            }
            Self::Failure(_) | Self::Twice => How::Disbelieved,
        }
    }
}

/// Removes what was heeded so long ago that it would not be believed again, at most `limit`; gives how many.
///
/// # Errors
/// Where the store failed.
pub fn sweep(store: &Store, batch: &mut Batch, now: Timestamp, limit: usize) -> Result<usize, StoreFault> {
    let over = HEEDED.scan(store, None, limit)?.into_iter().take_while(|((ends, _), _)| *ends <= now);
    Ok(over.map(|(key, _)| HEEDED.delete(batch, &key)).count())
}
