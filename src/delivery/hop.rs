//! The way to a next hop: its name, how it is trusted, and how a connection to it is opened.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::base::address::Domain;
use crate::config::{HopTls, Smarthost};
use crate::delivery::client::{Client, ClientFault, Patience};
use crate::delivery::courier::Reason;
use crate::net::resolver::{DnsFault, Resolver};
use crate::net::stream::Stream;
use crate::net::tls::ClientTls;
use crate::smtp::reply::EnhancedCode;
use crate::smtp::sasl::Credentials;

/// Addresses of one host that are tried before the next host: "at least two" of all (RFC 5321 §5.1).
const ADDRESSES_MAX: usize = 4;

/// A server that takes mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Hop {
    /// Its name, or its number.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
}

/// What a connection must be before mail goes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Security {
    /// In clear.
    Clear,
    /// STARTTLS, and the server proves its name.
    StartTls,
    /// TLS from the first octet, and the server proves its name.
    Implicit,
    /// Encrypted if the server can (RFC 7435).
    Opportunistic,
}

/// Opens connections.
pub(super) struct Dialer {
    pub(super) hostname: Domain,
    pub(super) tls: ClientTls,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) patience: Patience,
}

impl Hop {
    /// A configured smarthost.
    pub(super) fn of(smarthost: &Smarthost) -> Self {
        let security = match smarthost.tls {
            HopTls::None => Security::Clear,
            HopTls::StartTls => Security::StartTls,
            HopTls::Implicit => Security::Implicit,
        };
        Self { host: smarthost.host.clone(), port: smarthost.port, security }
    }
}

impl Dialer {
    /// Opens a connection on which mail may be sent: over TLS where that is demanded, signed in where there is a login.
    pub(super) async fn connect(&self, hop: &Hop, login: Option<&Credentials>) -> Result<Client, Reason> {
        let mut last = Reason::local(EnhancedCode(4, 4, 4), format!("{} has no address", hop.host));
        for address in self.addresses(&hop.host).await?.into_iter().take(ADDRESSES_MAX) {
            match self.open(hop, login, SocketAddr::new(address, hop.port)).await {
                Ok(client) => return Ok(client),
                Err(reason) => last = reason,
            }
        }
        Err(last)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Reason> {
        if let Ok(number) = host.parse() {
            return Ok(vec![number]);
        }
        self.resolver.addresses(host).await.map_err(|fault| match fault {
            // The host, not the recipient's domain: somebody will correct it (RFC 3463 §3.5, X.4.4).
            DnsFault::NoSuchDomain => {
                Reason::local(EnhancedCode(4, 4, 4), format!("there is no host of the name {host}"))
            }
            DnsFault::Temporary(_) => {
                Reason::local(EnhancedCode(4, 4, 3), format!("the address of {host} could not be looked up"))
            }
        })
    }

    async fn open(
        &self,
        hop: &Hop,
        login: Option<&Credentials>,
        address: SocketAddr,
    ) -> Result<Client, Reason> {
        let mut client = match hop.security {
            Security::Clear => self.in_clear(hop, address).await?,
            Security::StartTls => {
                let client = self.in_clear(hop, address).await?;
                client.start_tls(&self.tls, &hop.host, true, &self.hostname).await.map_err(told)?
            }
            Security::Implicit => {
                let tcp = self.dial(&hop.host, address).await?;
                let stream = self.tls.verified(tcp, &hop.host, self.patience.connect).await;
                self.greet(hop, stream.map_err(|error| told(ClientFault::Handshake(error)))?).await?
            }
            Security::Opportunistic => self.encrypted_if_possible(hop, address).await?,
        };
        if let Some(credentials) = login {
            client.log_in(credentials).await.map_err(told)?;
        }
        Ok(client)
    }

    /// Without TLS is better than not at all, where nobody asked for more.
    async fn encrypted_if_possible(&self, hop: &Hop, address: SocketAddr) -> Result<Client, Reason> {
        let client = self.in_clear(hop, address).await?;
        if !client.extensions.starttls {
            return Ok(client);
        }
        match client.start_tls(&self.tls, &hop.host, false, &self.hostname).await {
            Ok(client) => Ok(client),
            Err(fault) => {
                tracing::debug!(host = hop.host, %fault, "no TLS with this host; going on in clear");
                self.in_clear(hop, address).await
            }
        }
    }

    async fn in_clear(&self, hop: &Hop, address: SocketAddr) -> Result<Client, Reason> {
        let tcp = self.dial(&hop.host, address).await?;
        self.greet(hop, Stream::Plain(tcp)).await
    }

    async fn dial(&self, host: &str, address: SocketAddr) -> Result<TcpStream, Reason> {
        let dialed = timeout(self.patience.connect, TcpStream::connect(address)).await;
        let problem = match dialed {
            Ok(Ok(tcp)) => {
                // Each write is a whole turn of the dialogue; there is nothing to wait for.
                let _: Result<_, _> = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", self.patience.connect.as_secs()),
        };
        // RFC 3463 §3.5, X.4.1: no answer from host.
        Err(Reason::local(EnhancedCode(4, 4, 1), format!("connecting to {host} ({address}): {problem}")))
    }

    async fn greet(&self, hop: &Hop, stream: Stream) -> Result<Client, Reason> {
        Client::greet(stream, hop.host.clone(), &self.hostname, self.patience).await.map_err(told)
    }
}

fn told(fault: ClientFault) -> Reason {
    fault.reason()
}
