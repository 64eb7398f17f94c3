//! Connections to the directory's servers: kept, counted, and led around a server that is down.
//!
//! The servers are asked in their order. One that fails is left alone for a while, so that nobody waits for it twice;
//! when all are, the answer comes at once, and it is "not now". A connection over which a question went unanswered is
//! never used again.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ldap3::result::LdapError;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::auth::directory::DirectoryFault;
use crate::auth::ldap::answer::{Outcome, outcome};
use crate::base::secret::Secret;
use crate::config::{Directory, DirectoryServer};

/// Answers that are about the server and not about the question: operationsError (of a connection that has lost its
/// sign-in), busy, unavailable, other (RFC 4511 Appendix A).
const SERVER_FAILED: [u32; 4] = [1, 51, 52, 80];

/// Something to ask a server: a search, or whether a password is right. It changes nothing, for it may be put twice.
pub(super) trait Question: Sync {
    /// What is learnt.
    type Answer: Send;

    /// Asks over a connection.
    fn put(&self, ldap: &mut Ldap) -> impl Future<Output = Result<Self::Answer, Unanswered>> + Send;
}

/// Why a question went unanswered.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection, or the server at its end.
    Server(String),
    /// The server is fine; the question is not.
    Question(LdapResult),
}

/// The connections for one purpose.
pub(super) struct Pool {
    servers: Vec<Server>,
    /// As whom each connection signs in when it begins; nobody, if others will.
    login: Option<(String, Secret)>,
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    timeout: Duration,
    idle_timeout: Duration,
    retreat: Duration,
    places: Semaphore,
    kept: Mutex<Vec<Link>>,
}

struct Server {
    settings: DirectoryServer,
    /// Until when it is left alone.
    away_until: Mutex<Option<Instant>>,
}

/// A connection without work.
struct Link {
    ldap: Ldap,
    server: usize,
    since: Instant,
}

impl Pool {
    /// Connections to these servers, none of them made yet.
    pub(super) fn new(settings: &Directory, tls: Arc<ClientConfig>, login: Option<(String, Secret)>) -> Self {
        let server =
            |server: &DirectoryServer| Server { settings: server.clone(), away_until: Mutex::default() };
        Self {
            servers: settings.servers.iter().map(server).collect(),
            login,
            tls,
            connect_timeout: settings.connect_timeout,
            timeout: settings.timeout,
            idle_timeout: settings.idle_timeout,
            retreat: settings.retreat,
            places: Semaphore::new(settings.connections),
            kept: Mutex::default(),
        }
    }

    /// Asks over a connection that is kept, or a new one, of the first server that answers.
    pub(super) async fn ask<Q: Question>(&self, question: &Q) -> Result<Q::Answer, DirectoryFault> {
        let place = timeout(self.timeout, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(DirectoryFault::Busy) };
        while let Some(mut link) = self.take() {
            match self.put(&mut link.ldap, question).await {
                // It had died in the pool: that says nothing about the server yet.
                Err(Unanswered::Server(_)) => {}
                answer => return self.settled(link, answer),
            }
        }
        let mut last = "all servers failed a moment ago".to_owned();
        for (index, server) in self.servers.iter().enumerate() {
            if server.is_away() {
                continue;
            }
            let failed = match self.connect(&server.settings).await {
                Ok(mut ldap) => match self.put(&mut ldap, question).await {
                    Err(Unanswered::Server(problem)) => problem,
                    answer => {
                        server.answered();
                        return self.settled(Link { ldap, server: index, since: Instant::now() }, answer);
                    }
                },
                Err(problem) => problem,
            };
            server.failed(self.retreat, &failed);
            last = format!("{}: {failed}", server.settings.url());
        }
        Err(DirectoryFault::Down(last))
    }

    /// A connection over which questions can be asked: TLS stands, our own sign-in is done.
    pub(super) async fn connect(&self, server: &DirectoryServer) -> Result<Ldap, String> {
        let settings = LdapConnSettings::new()
            .set_config(Arc::clone(&self.tls))
            .set_starttls(!server.implicit_tls)
            .set_conn_timeout(self.connect_timeout);
        let (connection, mut ldap) =
            LdapConnAsync::with_settings(settings, &server.url()).await.map_err(|fault| words(&fault))?;
        // Ends with the last handle to the connection, or with the connection itself.
        tokio::spawn(async move {
            if let Err(fault) = connection.drive().await {
                tracing::debug!(%fault, "a connection to the directory ended");
            }
        });
        if let Some((name, password)) = &self.login {
            let bound = timeout(self.connect_timeout, ldap.simple_bind(name, password.reveal())).await;
            let result = bound.map_err(|_| "no answer to our sign-in in time".to_owned())?;
            let result = result.map_err(|fault| words(&fault))?;
            if result.rc != 0 {
                let why = match outcome(&result) {
                    Outcome::Refused(reason) => format!("{reason}; "),
                    Outcome::Proven | Outcome::NoAnswer => String::new(),
                };
                return Err(format!("our own sign-in (bind_dn) is refused: {why}{}", said(&result)));
            }
        }
        Ok(ldap)
    }

    /// Within the time for an answer.
    pub(super) async fn put<Q: Question>(
        &self,
        ldap: &mut Ldap,
        question: &Q,
    ) -> Result<Q::Answer, Unanswered> {
        match timeout(self.timeout, question.put(ldap)).await {
            Ok(Err(Unanswered::Question(result))) if SERVER_FAILED.contains(&result.rc) => {
                Err(Unanswered::Server(said(&result)))
            }
            Ok(answer) => answer,
            Err(_) => Err(Unanswered::Server(format!("no answer within {:?}", self.timeout))),
        }
    }

    /// The connection is fine, whatever the answer.
    fn settled<T>(&self, mut link: Link, answer: Result<T, Unanswered>) -> Result<T, DirectoryFault> {
        link.since = Instant::now();
        lock(&self.kept).push(link);
        answer.map_err(|unanswered| match unanswered {
            Unanswered::Server(problem) => DirectoryFault::Down(problem),
            Unanswered::Question(result) => DirectoryFault::Answer(said(&result)),
        })
    }

    /// The connection that was used last, if one is alive. Those that have been idle too long go.
    fn take(&self) -> Option<Link> {
        let mut kept = lock(&self.kept);
        kept.retain_mut(|link| {
            let is_alive = !link.ldap.is_closed() && link.since.elapsed() < self.idle_timeout;
            is_alive && self.servers.get(link.server).is_some_and(|server| !server.is_away())
        });
        kept.pop()
    }
}

impl Server {
    fn is_away(&self) -> bool {
        lock(&self.away_until).is_some_and(|until| Instant::now() < until)
    }

    fn answered(&self) {
        if lock(&self.away_until).take().is_some() {
            tracing::info!(server = self.settings.url(), "a directory server answers again");
        }
    }

    fn failed(&self, retreat: Duration, problem: &dyn Display) {
        let before = lock(&self.away_until).replace(Instant::now() + retreat);
        // Once, not every few moments while it is down.
        if before.is_none() {
            tracing::warn!(server = self.settings.url(), %problem, "a directory server does not answer");
        }
    }
}

impl From<LdapError> for Unanswered {
    fn from(fault: LdapError) -> Self {
        match fault {
            LdapError::LdapResult { result } => Self::Question(result),
            other => Self::Server(words(&other)),
        }
    }
}

/// The library's words with the system's reason, once.
fn words(fault: &LdapError) -> String {
    match fault {
        LdapError::Io { source } => source.to_string(),
        LdapError::Timeout { .. } => "it took too long".to_owned(),
        LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            "the connection broke".to_owned()
        }
        LdapError::LdapResult { result } => said(result),
        other => other.to_string(),
    }
}

/// A server's answer as the journal shows it: code and text, on one line of bounded length.
pub(super) fn said(result: &LdapResult) -> String {
    const CHARACTERS_MAX: usize = 200;
    // The library writes code, its name, the matched entry and the text, which would be empty.
    let words = match result.text.as_str() {
        "" => result.to_string().split(", dn: ").next().unwrap_or_default().to_owned(),
        text => format!("{text} ({})", result.rc),
    };
    words.chars().filter(|c| !c.is_control()).take(CHARACTERS_MAX).collect()
}

/// What is behind these locks is right whatever a panic interrupted: each change is a single step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
