//! The directory over LDAP (RFC 4511): Active Directory, OpenLDAP and others, over TLS only.
//!
//! An account of our own searches ("service bind"); the person's own password is tried by a second bind, over
//! connections that never search. What is typed enters a filter escaped, and an empty password is never sent: most
//! servers would call it a success (RFC 4513 §5.1.2). Referrals and search references are not followed, for they would
//! take a password to a server that nobody named.
//!
//! `pool` holds the connections, `entry` reads what comes back, `person` makes somebody of it, `groups` finds rights,
//! `answer` understands a refusal, `filter` and `dn` keep values and names what they are.

mod answer;
mod dn;
mod entry;
pub(super) mod filter;
mod groups;
mod person;
mod pool;
pub mod probe;
mod sample;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ldap3::{DerefAliases, Ldap, Scope, SearchOptions};

use crate::accounts::Rights;
use crate::auth::directory::{Directory, DirectoryFault, Person, Whom};
use crate::auth::ldap::answer::{Outcome, outcome, password_policy};
use crate::auth::ldap::entry::Entry;
use crate::auth::ldap::person::Reading;
use crate::auth::ldap::pool::{Pool, Question, Unanswered};
use crate::base::address::{Address, Domain};
use crate::base::clock::Clock;
use crate::base::secret::Secret;
use crate::config;
use crate::net::tls::{ClientTls, TlsFault};

/// The organisation's directory, over LDAP.
pub struct LdapDirectory {
    settings: config::Directory,
    searching: Pool,
    proving: Pool,
    reading: Reading,
}

/// One search.
#[derive(Clone, Copy, Debug)]
struct Search<'a> {
    base: &'a str,
    scope: Scope,
    filter: &'a str,
    attributes: &'a [&'a str],
    /// Entries that are wanted at most.
    limit: usize,
}

/// One password, tried.
#[derive(Clone, Copy)]
struct Trial<'a> {
    /// Whose entry.
    name: &'a str,
    password: &'a Secret,
}

impl LdapDirectory {
    /// A directory as the settings describe it. Nothing is connected before somebody asks. Of a person's addresses
    /// only those in the organisation's `domains` count.
    ///
    /// # Errors
    /// The authorities to trust cannot be read.
    pub fn new(
        settings: &config::Directory,
        domains: &[Domain],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsFault> {
        let tls = ClientTls::load(settings.trust.as_deref())?.verifying();
        let login = (settings.bind_dn.clone(), settings.bind_password.clone());
        Ok(Self {
            searching: Pool::new(settings, Arc::clone(&tls), Some(login)),
            proving: Pool::new(settings, tls, None),
            reading: Reading::new(settings, domains, clock),
            settings: settings.clone(),
        })
    }

    async fn found(&self, whom: Whom<'_>) -> Result<Option<Person>, DirectoryFault> {
        let config::Directory { base, user_filter, mail_filter, .. } = &self.settings;
        let (base, scope, filter) = match whom {
            Whom::Name(name) => (
                base.as_str(),
                Scope::Subtree,
                filter::filled(user_filter, "{name}", filter::without_domain(name)),
            ),
            Whom::Address(address) => {
                let filter = filter::filled(mail_filter, "{address}", &address.to_string());
                (base.as_str(), Scope::Subtree, filter)
            }
            Whom::Entry(entry) => (entry, Scope::Base, "(objectClass=*)".to_owned()),
        };
        let attributes = self.reading.attributes();
        let search = Search {
            base,
            scope,
            filter: &filter,
            attributes: &attributes,
            // One more than there may be: two who answer to one name are nobody.
            limit: 2,
        };
        let entries = self.search(search).await?;
        match entries.as_slice() {
            [] => Ok(None),
            [entry] => Ok(self.reading.person(entry)),
            _ => {
                tracing::warn!("several people in the directory answer to one name; none of them is taken");
                Ok(None)
            }
        }
    }

    /// Whether the entry with this address names the person's as a delegate. Groups among the delegates do not count.
    async fn delegated(&self, person: &Person, address: &Address) -> Result<bool, DirectoryFault> {
        let config::Directory { base, mail_filter, attributes, .. } = &self.settings;
        let Some(delegates) = attributes.delegates.as_deref() else { return Ok(false) };
        let filter = filter::filled(mail_filter, "{address}", &address.to_string());
        let search =
            Search { base, scope: Scope::Subtree, filter: &filter, attributes: &[delegates], limit: 2 };
        let entries = self.search(search).await?;
        let [entry] = entries.as_slice() else { return Ok(false) };
        let theirs = dn::key(&person.entry);
        Ok(entry.texts(delegates).any(|delegate| dn::key(delegate) == theirs))
    }

    async fn search(&self, search: Search<'_>) -> Result<Vec<Entry>, DirectoryFault> {
        self.searching.ask(&search).await
    }

    async fn proven(&self, person: Option<&Person>, password: &Secret) -> Result<bool, DirectoryFault> {
        if password.reveal().is_empty() {
            return Ok(false);
        }
        // The way is the same where nobody is known, so that it takes the same time.
        let nobody = format!("cn=nobody-of-this-name,{}", self.settings.base);
        let name = person.map_or(nobody.as_str(), |person| person.entry.as_str());
        let outcome = self.proving.ask(&Trial { name, password }).await?;
        match (outcome, person) {
            (Outcome::Proven, Some(person)) if person.is_barred => {
                tracing::info!(reason = "barred", "the directory refused a sign-in");
                Ok(false)
            }
            (Outcome::Proven, Some(_)) => Ok(true),
            (Outcome::Refused(reason), Some(_)) => {
                tracing::info!(reason, "the directory refused a sign-in");
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}

impl Question for Trial<'_> {
    type Answer = Outcome;

    async fn put(&self, ldap: &mut Ldap) -> Result<Outcome, Unanswered> {
        let bind = ldap.with_controls(password_policy()).simple_bind(self.name, self.password.reveal());
        let result = bind.await?;
        match outcome(&result) {
            Outcome::NoAnswer => Err(Unanswered::Question(result)),
            outcome => Ok(outcome),
        }
    }
}

impl Question for Search<'_> {
    type Answer = Vec<Entry>;

    async fn put(&self, ldap: &mut Ldap) -> Result<Vec<Entry>, Unanswered> {
        searched(ldap, *self).await
    }
}

/// Asks, and takes in what comes, within bounds.
async fn searched(ldap: &mut Ldap, search: Search<'_>) -> Result<Vec<Entry>, Unanswered> {
    /// Search references (RFC 4511 §4.5.3) that are passed over before the rest is not heard.
    const REFERENCES_MAX: usize = 100;
    const SUCCESS: u32 = 0;
    const SIZE_LIMIT_EXCEEDED: u32 = 4;
    const REFERRAL: u32 = 10;
    const NO_SUCH_OBJECT: u32 = 32;
    let limit = i32::try_from(search.limit).unwrap_or(i32::MAX);
    let options = SearchOptions::new().deref(DerefAliases::Never).sizelimit(limit);
    let Search { base, scope, filter, attributes, .. } = search;
    let mut stream =
        ldap.with_search_options(options).streaming_search(base, scope, filter, attributes.to_vec()).await?;
    let mut entries = Vec::new();
    let mut references = 0;
    while let Some(found) = stream.next().await? {
        if found.is_ref() || found.is_intermediate() {
            references += 1;
        } else {
            let strange = || Unanswered::Server("it sent an entry that is none".to_owned());
            entries.push(Entry::read(found).ok_or_else(strange)?);
        }
        if references > REFERENCES_MAX || entries.len() > search.limit {
            // Some servers do not count (RFC 4511 §4.5.1.4). We do; the rest is not heard.
            let id = stream.ldap_handle().last_id();
            ldap.abandon(id).await?;
            entries.truncate(search.limit);
            return Ok(entries);
        }
    }
    let result = stream.finish().await;
    match result.rc {
        SUCCESS => Ok(entries),
        SIZE_LIMIT_EXCEEDED if !entries.is_empty() => Ok(entries),
        // One entry was asked for, and is gone, or kept by another server. Where a whole tree is, the settings are wrong.
        NO_SUCH_OBJECT | REFERRAL if scope == Scope::Base => Ok(entries),
        _ => Err(Unanswered::Question(result)),
    }
}

impl Directory for LdapDirectory {
    fn find<'a>(&'a self, whom: Whom<'a>) -> BoxFuture<'a, Result<Option<Person>, DirectoryFault>> {
        self.found(whom).boxed()
    }

    fn proves<'a>(
        &'a self,
        person: Option<&'a Person>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        self.proven(person, password).boxed()
    }

    fn rights<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Rights, DirectoryFault>> {
        self.allowed(person).boxed()
    }

    fn delegates<'a>(
        &'a self,
        person: &'a Person,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        self.delegated(person, address).boxed()
    }
}
