//! The whole way: from the button to somebody who is known here.
//!
//! A provider only proves who somebody is. Where there is a directory too, that says who has an account and what they
//! may do; without one, the account is made and kept by what the provider says ([`Admission`]).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::error;

use crate::accounts::{Account, Accounts, Credential, Origin, Rights};
use crate::audit::{self, Event};
use crate::auth::admission::Admission;
use crate::auth::directory::Person;
use crate::auth::enrolment::LookupFault;
use crate::auth::saml::requests::{self, RequestFault, Requests};
use crate::auth::saml::{Failure, Saml, Vouched};
use crate::auth::{Authenticator, Identity};
use crate::base::address::Domain;
use crate::base::clock::Clock;
use crate::base::secret::Token;
use crate::config::SamlRights;
use crate::net::throttle::{Failures, one_site};
use crate::store::Store;

/// Questions of one site that nobody has answered yet; with more it has to wait. A large office fits: each sign-in that
/// works begins the count anew.
const UNANSWERED_MAX: u32 = 500;
/// Sign-outs of one site, one after the other, that were not believed; with more it has to wait.
const DISBELIEVED_MAX: u32 = 50;
/// Sites whose questions, and whose sign-outs, are counted.
const SITES_MAX: usize = 10_000;
/// Characters of the reference that a person is shown.
const REFERENCE: usize = 8;

/// Signs people in by the identity providers. Cheap to clone.
#[derive(Clone)]
pub struct SignOn {
    pub(super) saml: Saml,
    requests: Requests,
    authenticator: Authenticator,
    pub(super) accounts: Accounts,
    pub(super) store: Store,
    admission: Admission,
    domains: Arc<[Domain]>,
    unanswered: Failures,
    pub(super) disbelieved: Failures,
    pub(super) clock: Arc<dyn Clock>,
}

/// A question for a browser to carry.
#[derive(Debug)]
pub struct Question {
    /// For the browser alone, as a cookie: by it the answer is known to be this browser's.
    pub token: Token,
    /// Where the browser goes with the question.
    pub address: String,
    /// Who is asked, in the words of the button.
    pub label: String,
}

/// Why there is no question.
#[derive(Debug, Error)]
pub enum NoQuestion {
    /// No such provider is configured.
    #[error("there is no identity provider of this name")]
    Unknown,
    /// Too many of this site's are unanswered: wait so long.
    #[error("too many questions are unanswered")]
    Throttled(Duration),
    /// The book could not be written.
    #[error(transparent)]
    Fault(#[from] RequestFault),
}

/// Somebody who has come back from a provider and is known here.
#[derive(Debug)]
pub struct Arrived {
    /// Who.
    pub identity: Identity,
    /// The page to go on to, as it was handed to [`SignOn::begin`].
    pub next: String,
    /// The session there that the one here goes back to.
    pub origin: Origin,
}

/// Somebody who has come back and is not let in: what the person may know. The rest is in the audit log.
#[derive(Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// In which way.
    pub how: How,
    /// By which the audit log's line can be found.
    pub reference: String,
}

/// In which way somebody is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// This browser has asked nothing, or too long ago, or has its answer already.
    Unasked,
    /// The answer is not believed.
    Disbelieved,
    /// The person is known, and has no access here.
    NoAccess,
    /// Not now.
    Unavailable,
}

/// The same for the audit log, in full.
#[derive(Debug, Error)]
enum Reason {
    #[error("this browser carried no question, or its time was over, or it had been answered")]
    Unasked,
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("{0} is in no domain that this provider vouches for")]
    Foreign(String),
    #[error("{0} is an address of another account here")]
    Taken(String),
    #[error("the account of {0} is locked")]
    Locked(String),
    #[error("{0} has no account here, and the directory lets nobody in by this address")]
    NotInDirectory(String),
    #[error("the question could not be read: {0}")]
    Request(#[from] RequestFault),
    #[error("{0}")]
    Lookup(#[from] LookupFault),
}

impl SignOn {
    /// For these providers. Accounts are of this book, and their addresses in these domains.
    #[must_use]
    pub fn new(
        saml: Saml,
        authenticator: Authenticator,
        accounts: Accounts,
        store: Store,
        clock: Arc<dyn Clock>,
        domains: &[Domain],
    ) -> Self {
        Self {
            saml,
            requests: Requests::new(store.clone()),
            authenticator,
            admission: Admission::new(accounts.clone(), store.clone(), Arc::clone(&clock)),
            store,
            accounts,
            domains: domains.into(),
            unanswered: Failures::new(Arc::clone(&clock), UNANSWERED_MAX, SITES_MAX),
            disbelieved: Failures::new(Arc::clone(&clock), DISBELIEVED_MAX, SITES_MAX),
            clock,
        }
    }

    /// Our own metadata.
    #[must_use]
    pub fn metadata(&self) -> String {
        self.saml.metadata()
    }

    /// Begins with the provider of this name; `next` is the page to go on to afterwards.
    ///
    /// # Errors
    /// [`NoQuestion`].
    pub async fn begin(&self, provider: &str, next: &str, peer: IpAddr) -> Result<Question, NoQuestion> {
        let label = self.saml.settings(provider).ok_or(NoQuestion::Unknown)?.label.clone();
        let site = one_site(peer).to_string();
        if let Some(wait) = self.unanswered.wait(&site) {
            return Err(NoQuestion::Throttled(wait));
        }
        self.unanswered.failed(&site);
        let token = self.requests.begin(provider, next, self.clock.now()).await?;
        let address = self.saml.question(provider, &requests::id(&token)).ok_or(NoQuestion::Unknown)?;
        Ok(Question { token, address, label })
    }

    /// Whoever comes back to a browser with this token, with an answer as the form's field `SAMLResponse` has it. What
    /// became of it is in the audit log. The question is answered by it, however wrong the answer is.
    ///
    /// # Errors
    /// [`TurnedAway`]; then it is nobody.
    pub async fn arrive(
        &self,
        token: Option<&Token>,
        encoded: String,
        peer: IpAddr,
    ) -> Result<Arrived, TurnedAway> {
        let mut provider = String::new();
        match self.judge(token, encoded, &mut provider).await {
            Ok(arrived) => {
                let address = &arrived.identity.mailbox.address;
                self.unanswered.succeeded(&one_site(peer).to_string());
                audit::record(&Event::SignedIn { address, peer, face: "saml" });
                Ok(arrived)
            }
            Err(reason) => {
                let (how, reference) = (reason.how(), reference());
                if how == How::Unavailable {
                    error!(%reason, reference, "a sign-in could not be checked");
                }
                let reason = reason.to_string();
                let (provider, reason, reference) = (provider.as_str(), reason.as_str(), reference.as_str());
                audit::record(&Event::NotVouched { provider, reason, reference, peer });
                Err(TurnedAway { how, reference: reference.to_owned() })
            }
        }
    }

    async fn judge(
        &self,
        token: Option<&Token>,
        encoded: String,
        provider: &mut String,
    ) -> Result<Arrived, Reason> {
        let now = self.clock.now();
        let token = token.ok_or(Reason::Unasked)?;
        let request = self.requests.take(token, now).await?.ok_or(Reason::Unasked)?;
        provider.clone_from(&request.provider);
        let vouched = self.saml.vouched(provider, &requests::id(token), encoded, now).await?;
        let origin = vouched.origin.clone();
        let identity = self.identity(provider, vouched).await?;
        Ok(Arrived { identity, next: request.next, origin })
    }

    async fn identity(&self, provider: &str, vouched: Vouched) -> Result<Identity, Reason> {
        let settings = self.saml.settings(provider).ok_or(Failure::Unknown)?;
        let address = vouched.mailbox.address.clone();
        let domain = address.domain();
        let is_ours = self.domains.contains(domain)
            && (settings.domains.is_empty() || settings.domains.contains(domain));
        if !is_ours {
            return Err(Reason::Foreign(address.masked()));
        }
        let other = self.accounts.by_address(&address).map_err(LookupFault::from)?;
        // An alias that somebody has in a directory is no way into that account, and nobody's word into one with a
        // password of its own.
        let is_closed = |other: &Account| {
            other.credential != Credential::Organisation || !other.mailbox.address.same_mailbox(&address)
        };
        if other.is_some_and(|other| is_closed(&other.value)) {
            return Err(Reason::Taken(address.masked()));
        }
        if self.authenticator.has_directory() {
            let known = self.authenticator.lookup(&address).await?;
            return known.ok_or_else(|| Reason::NotInDirectory(address.masked()));
        }
        let (rights, person) = (rights(&settings.rights, &vouched.groups), person(vouched));
        match self.admission.admit(&person, rights).await.map_err(LookupFault::from)? {
            Some(account) if account.locked => Err(Reason::Locked(address.masked())),
            Some(account) => Ok(account.into()),
            None => Err(Reason::Taken(address.masked())),
        }
    }
}

impl Reason {
    const fn how(&self) -> How {
        match self {
            Self::Unasked => How::Unasked,
            Self::Failure(Failure::Unknown | Failure::Objection(_)) => How::Disbelieved,
            Self::Foreign(_) | Self::Taken(_) | Self::Locked(_) | Self::NotInDirectory(_) => How::NoAccess,
            Self::Failure(Failure::Broken) | Self::Request(_) | Self::Lookup(_) => How::Unavailable,
        }
    }
}

/// What the groups allow. Their names differ in more than case at no provider.
fn rights(settings: &SamlRights, groups: &[String]) -> Rights {
    let is_in = |wanted: &[String]| {
        wanted.iter().any(|wanted| groups.iter().any(|group| group.eq_ignore_ascii_case(wanted)))
    };
    Rights {
        invite: settings.invite.is_empty() || is_in(&settings.invite),
        invite_internal: is_in(&settings.invite_internal),
        admin: is_in(&settings.admin),
    }
}

fn person(vouched: Vouched) -> Person {
    let name = vouched.mailbox.name.unwrap_or_default();
    Person {
        entry: String::new(),
        id: None,
        name,
        address: vouched.mailbox.address,
        aliases: Vec::new(),
        manager: None,
        is_barred: false,
        has_delegates: false,
    }
}

/// Short enough to be read out on the telephone.
pub(super) fn reference() -> String {
    let token = Token::fresh();
    token.map_or_else(|_| "none".to_owned(), |token| token.reveal().chars().take(REFERENCE).collect())
}
