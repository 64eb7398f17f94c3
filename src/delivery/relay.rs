//! The courier that speaks SMTP: to the configured smarthosts in their order, or to the mail exchangers of the
//! recipients' domain (RFC 5321 §5). A domain that has a route of its own, or lies below one, takes that instead.
//!
//! A host that cannot be reached is left alone for `relay.retry_first`, and the next one is asked; what finds no host
//! waits. Once a server has answered to the whole of a message, or may have got it, no other host is asked.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::address::Domain;
use crate::base::clock::{Clock, Timestamp};
use crate::config::{self, Route, Smarthost};
use crate::delivery::client::{Client, Patience};
use crate::delivery::convert::Converter;
use crate::delivery::courier::{Courier, Outcome, Parcel, Reason};
use crate::delivery::hop::{Dialer, Hop, Security};
use crate::delivery::pool::Pool;
use crate::delivery::transaction::{Lost, Stage};
use crate::mail::dkim::Signer;
use crate::net::lifecycle::Lifecycle;
use crate::net::resolver::{DnsFault, MailHost, MailHosts, Resolver};
use crate::net::tls::ClientTls;
use crate::smtp::reply::EnhancedCode;
use crate::smtp::sasl::Credentials;
use crate::store::spool::Spool;

/// Where mail exchangers listen (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;
/// Mail exchangers of one domain that are tried: more than anybody has that means well.
const HOSTS_MAX: usize = 8;
/// Unreachable hosts that are remembered.
const UNREACHABLE_MAX: usize = 10_000;

/// Delivers over SMTP, over connections that it keeps.
pub struct Relay {
    pub(super) way: Way,
    /// For these domains, and those below them.
    routes: Vec<(Domain, Hops)>,
    hostname: Domain,
    dialer: Dialer,
    converter: Converter,
    pool: Pool,
    unreachable: Mutex<HashMap<Hop, (Timestamp, Reason)>>,
    clock: Arc<dyn Clock>,
    lifecycle: Lifecycle,
    leave_alone: Duration,
    messages_per_connection: usize,
}

/// What copies are made with for hops that cannot take a message as it is.
pub struct Copies {
    /// Where they are kept meanwhile.
    pub spool: Spool,
    /// Signs them.
    pub signer: Signer,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Next hops, best first, each with how to sign in.
type Hops = Arc<[(Hop, Option<Credentials>)]>;

/// Whom to ask.
pub(super) enum Way {
    Smarthosts(Hops),
    Mx { port: u16 },
}

impl Relay {
    /// Begins to keep connections; they are closed when `lifecycle` stops.
    #[must_use]
    pub fn start(
        relay: &config::Relay,
        server: &config::Server,
        tls: ClientTls,
        resolver: Arc<dyn Resolver>,
        copies: Copies,
        lifecycle: &Lifecycle,
    ) -> Arc<Self> {
        Self::new(relay, server, tls, resolver, copies, lifecycle.clone()).tended()
    }

    pub(super) fn new(
        relay: &config::Relay,
        server: &config::Server,
        tls: ClientTls,
        resolver: Arc<dyn Resolver>,
        copies: Copies,
        lifecycle: Lifecycle,
    ) -> Self {
        let way = match &relay.route {
            Route::Smarthosts(smarthosts) => Way::Smarthosts(smarthosts.iter().map(with_login).collect()),
            Route::Mx => Way::Mx { port: SMTP_PORT },
        };
        let routes = relay.routed().into_iter();
        let routes =
            routes.map(|(domain, hosts)| (domain.clone(), hosts.into_iter().map(with_login).collect()));
        let hostname = server.hostname.clone();
        let Copies { spool, signer, clock } = copies;
        Self {
            way,
            routes: routes.collect(),
            hostname: hostname.clone(),
            dialer: Dialer { hostname, tls, resolver, patience: Patience::of(relay) },
            converter: Converter::new(spool, signer, Arc::clone(&clock)),
            pool: Pool::new(relay.connections_max, relay.idle_timeout),
            unreachable: Mutex::default(),
            clock,
            lifecycle,
            leave_alone: relay.retry_first,
            messages_per_connection: relay.messages_per_connection,
        }
    }

    /// Looks after its idle connections from now on.
    pub(super) fn tended(self) -> Arc<Self> {
        let this = Arc::new(self);
        this.lifecycle.spawn("connections to next hops", Arc::clone(&this).tend());
        this
    }

    /// Says good-bye on connections that idle for too long, and on all of them in the end.
    async fn tend(self: Arc<Self>) {
        let mut look = tokio::time::interval((self.pool.idle_timeout / 2).max(Duration::from_millis(10)));
        loop {
            tokio::select! {
                () = self.lifecycle.stopping() => break,
                _ = look.tick() => self.close(self.pool.expired()),
            }
        }
        self.close(self.pool.close());
    }

    /// Closing waits for the server's answer, so each has a task of its own.
    fn close(&self, clients: impl IntoIterator<Item = Client>) {
        for client in clients {
            self.lifecycle.spawn("farewell to a next hop", client.quit());
        }
    }

    /// Asks one host after the other until one has an answer.
    async fn relay(&self, parcel: &Parcel) -> Vec<Outcome> {
        let hops = match self.hops(parcel).await {
            Ok(hops) => hops,
            Err(outcome) => return parcel.all(&outcome),
        };
        let mut answer = Outcome::Deferred {
            hop: None,
            reason: Reason::local(EnhancedCode(4, 4, 1), "there is no next hop"),
        };
        for (hop, login) in &*hops {
            let Lost { stage, reason } = match self.through(hop, login.as_ref(), parcel).await {
                Ok(outcomes) => return outcomes,
                Err(lost) => lost,
            };
            answer = Outcome::Deferred { hop: Some(hop.host.clone()), reason };
            if stage == Stage::HandedOver {
                break;
            }
        }
        parcel.all(&answer)
    }

    /// Delivers to one host: over a kept connection, or a fresh one.
    async fn through(
        &self,
        hop: &Hop,
        login: Option<&Credentials>,
        parcel: &Parcel,
    ) -> Result<Vec<Outcome>, Lost> {
        if let Some(client) = self.pool.take(hop) {
            match self.over(client, hop, parcel).await {
                // The server had closed it while it idled: that says nothing of the host.
                Err(Lost { stage: Stage::Untouched, .. }) => {}
                done => return done,
            }
        }
        if let Some(reason) = self.why_unreachable(hop) {
            return Err(Lost { stage: Stage::Untouched, reason });
        }
        let connected = self.dialer.connect(hop, login).await;
        let client = connected.map_err(|reason| {
            self.leave_alone(hop, &reason);
            Lost { stage: Stage::Untouched, reason }
        })?;
        self.over(client, hop, parcel).await
    }

    /// Delivers over a connection, and keeps it for the next message.
    async fn over(&self, mut client: Client, hop: &Hop, parcel: &Parcel) -> Result<Vec<Outcome>, Lost> {
        let outcomes = if client.needs_ascii(parcel) {
            match self.converter.convert(parcel, &hop.host).await {
                Ok(converted) => client.carry(&converted).await?,
                Err(reason) => parcel.all(&for_now_or_good(hop, reason)),
            }
        } else {
            client.carry(parcel).await?
        };
        let is_worn = client.carried >= self.messages_per_connection;
        let unwanted = if is_worn { Some(client) } else { self.pool.put(hop, client) };
        self.close(unwanted);
        Ok(outcomes)
    }

    /// The hosts to ask, best first.
    async fn hops(&self, parcel: &Parcel) -> Result<Hops, Outcome> {
        // The queue keeps those apart that go different ways.
        let Some((recipient, _)) = parcel.recipients.first() else {
            return Ok(Arc::default());
        };
        let domain = recipient.domain();
        let routes = self.routes.iter().map(|(domain, hops)| (domain, hops));
        if let Some((_, hops)) = config::nearest(routes, domain) {
            return Ok(Arc::clone(hops));
        }
        let port = match &self.way {
            Way::Smarthosts(smarthosts) => return Ok(Arc::clone(smarthosts)),
            Way::Mx { port } => *port,
        };
        let hosts = match self.dialer.resolver.mail_hosts(domain).await {
            Ok(MailHosts::Hosts(hosts)) => hosts,
            // RFC 7505 §4.1.
            Ok(MailHosts::NullMx) => {
                return Err(refused(EnhancedCode(5, 1, 10), format!("{domain} does not accept mail")));
            }
            Err(DnsFault::NoSuchDomain) => {
                return Err(refused(EnhancedCode(5, 1, 2), format!("there is no domain {domain}")));
            }
            Err(DnsFault::Temporary(_)) => {
                let text = format!("the mail exchangers of {domain} could not be looked up");
                return Err(Outcome::Deferred {
                    hop: None,
                    reason: Reason::local(EnhancedCode(4, 4, 3), text),
                });
            }
        };
        // Where we stand among them ourselves, only those that are preferred to us may be asked (RFC 5321 §5.1): the
        // others, and those of our own preference, would hand it back.
        let is_us = |host: &MailHost| host.name.eq_ignore_ascii_case(self.hostname.as_str());
        let ours = hosts.iter().filter(|host| is_us(host)).map(|host| host.preference).min();
        let hops: Hops = hosts
            .into_iter()
            .take_while(|host| ours.is_none_or(|ours| host.preference < ours))
            .take(HOSTS_MAX)
            .map(|host| (Hop { host: host.name, port, security: Security::Opportunistic }, None))
            .collect();
        if hops.is_empty() {
            return Err(refused(EnhancedCode(5, 4, 6), format!("mail for {domain} would come back to us")));
        }
        Ok(hops)
    }

    /// Why a host is not asked now, if it is not.
    fn why_unreachable(&self, hop: &Hop) -> Option<Reason> {
        let now = self.clock.now();
        self.unreachable().get(hop).filter(|(until, _)| *until > now).map(|(_, reason)| reason.clone())
    }

    /// Does not ask a host again for a while.
    fn leave_alone(&self, hop: &Hop, reason: &Reason) {
        tracing::warn!(host = hop.host, port = hop.port, %reason, "the next hop cannot be used");
        let now = self.clock.now();
        let mut unreachable = self.unreachable();
        unreachable.retain(|_, (until, _)| *until > now);
        if unreachable.len() < UNREACHABLE_MAX {
            unreachable.insert(hop.clone(), (now + self.leave_alone, reason.clone()));
        }
    }

    fn unreachable(&self) -> MutexGuard<'_, HashMap<Hop, (Timestamp, Reason)>> {
        self.unreachable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Courier for Relay {
    fn deliver<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>> {
        Box::pin(self.relay(parcel))
    }
}

/// Tries a smarthost as far as mail could be sent through it: address, connection, TLS, name, login.
///
/// # Errors
/// What went wrong, in the server's words or ours.
pub async fn probe(
    smarthost: &Smarthost,
    relay: &config::Relay,
    server: &config::Server,
    tls: ClientTls,
    resolver: Arc<dyn Resolver>,
) -> Result<(), Reason> {
    let dialer = Dialer { hostname: server.hostname.clone(), tls, resolver, patience: Patience::of(relay) };
    let (hop, login) = with_login(smarthost);
    dialer.connect(&hop, login.as_ref()).await?.quit().await;
    Ok(())
}

fn with_login(smarthost: &Smarthost) -> (Hop, Option<Credentials>) {
    let login = smarthost.login.as_ref();
    let login = login.map(|(name, password)| Credentials { name: name.clone(), password: password.clone() });
    (Hop::of(smarthost), login)
}

/// The outcome of what is wrong on our side of a hop.
fn for_now_or_good(hop: &Hop, reason: Reason) -> Outcome {
    let (hop, EnhancedCode(class, ..)) = (Some(hop.host.clone()), reason.status());
    if class == 5 { Outcome::Refused { hop, reason } } else { Outcome::Deferred { hop, reason } }
}

fn refused(status: EnhancedCode, text: String) -> Outcome {
    Outcome::Refused { hop: None, reason: Reason::local(status, text) }
}
