//! A listening socket: connections as they arrive, each with its place in the [`Gate`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::net::lifecycle::Lifecycle;
use crate::net::proxy::{self, Header};
use crate::net::throttle::{Full, Gate, Place};

/// The first pause when the system gives no connection; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longer than this nobody waits at the door of a system that has recovered.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a proxy may take to say for whom a connection is: it does so with the first octets, in one packet.
const HEADER_WITHIN: Duration = Duration::from_secs(5);

/// A bound socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    gate: Gate,
    /// Who alone may connect, and says for whom; anybody for themselves where there are none.
    proxies: Vec<IpNet>,
}

/// A connection that arrived.
#[derive(Debug)]
pub struct Arrival {
    /// The connection, without Nagle's delay: both sides of a dialogue wait for each other.
    pub stream: TcpStream,
    /// Who is there. An IPv4 peer at an IPv6 socket is written as IPv4.
    pub peer: SocketAddr,
    /// The place to hold while the connection lasts, or why there is none: the face says so and closes.
    pub place: Result<Place, Full>,
    /// What has to be asked first; see [`Arrival::introduced`].
    introduction: Introduction,
}

/// Who says who is there.
#[derive(Debug)]
enum Introduction {
    /// Nobody has to.
    Unneeded,
    /// The proxy, with its first octets.
    Awaited(Gate),
    /// Only a proxy may, and this is none.
    Impossible,
}

/// Why nobody knows who is there.
#[derive(Debug, Error)]
pub enum ProxyFault {
    /// The peer is not in `proxy_from`.
    #[error("{0} is not among the proxies that may connect here")]
    Stranger(SocketAddr),
    /// The proxy did not say it in time.
    #[error("the proxy {0} said nothing within {within} s", within = HEADER_WITHIN.as_secs())]
    Silent(SocketAddr),
    /// The proxy said something else.
    #[error("the proxy {0} did not say for whom the connection is: {1}")]
    Unclear(SocketAddr, io::Error),
}

impl Arrival {
    /// The same, with the client that a proxy names as its peer, where connections here come by proxies. To be asked in
    /// the connection's own task: it waits for the proxy, some seconds at most.
    ///
    /// # Errors
    /// [`ProxyFault`]: the connection is to be closed.
    pub async fn introduced(self) -> Result<Self, ProxyFault> {
        let Self { mut stream, peer: proxy, place, introduction } = self;
        let gate = match introduction {
            Introduction::Unneeded => return Ok(Self { stream, peer: proxy, place, introduction }),
            Introduction::Impossible => return Err(ProxyFault::Stranger(proxy)),
            Introduction::Awaited(gate) => gate,
        };
        let header = timeout(HEADER_WITHIN, proxy::hear(&mut stream)).await;
        let header = header.map_err(|_| ProxyFault::Silent(proxy))?;
        let peer = match header.map_err(|error| ProxyFault::Unclear(proxy, error))? {
            Header::Client(client) => client,
            Header::Local => proxy,
        };
        let place = place.and_then(|mut place| gate.introduce(&mut place, peer.ip()).map(|()| place));
        Ok(Self { stream, peer, place, introduction: Introduction::Unneeded })
    }
}

impl Listener {
    /// Binds and listens, with room for 1,024 connections that the system has taken and we have not. Port 0 takes any
    /// free port; `[::]` takes IPv4 too, as the system is set by default.
    ///
    /// # Errors
    /// The system's word: the address is in use, is not ours, or needs a right that the process has not.
    pub async fn bind(address: SocketAddr, gate: Gate) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address, gate, proxies: Vec::new() })
    }

    /// The same, for connections that come by these proxies and by nobody else; none means that there are no proxies.
    #[must_use]
    pub fn behind(self, proxies: Vec<IpNet>) -> Self {
        Self { proxies, ..self }
    }

    /// Where it listens, with the port that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection; `None` when the life ends.
    ///
    /// Out of descriptors or memory, it pauses and tries again instead of spinning: connections that end give some
    /// back, and meanwhile the newcomers wait in the system's queue.
    pub async fn accept(&self, lifecycle: &Lifecycle) -> Option<Arrival> {
        tokio::select! {
            biased;
            () = lifecycle.stopping() => None,
            arrival = self.next() => Some(arrival),
        }
    }

    async fn next(&self) -> Arrival {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => return self.arrival(stream, peer),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if pause == FIRST_PAUSE {
                        tracing::warn!(address = %self.address, %error, "no connection can be taken; trying again");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn arrival(&self, stream: TcpStream, peer: SocketAddr) -> Arrival {
        // This fails only for a peer that has already gone, which the first read tells better.
        let _ = stream.set_nodelay(true);
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let (place, introduction) = if self.proxies.is_empty() {
            (self.gate.enter(peer.ip()), Introduction::Unneeded)
        } else if self.proxies.iter().any(|network| network.contains(&peer.ip())) {
            (self.gate.enter_unknown(), Introduction::Awaited(self.gate.clone()))
        } else {
            (self.gate.enter(peer.ip()), Introduction::Impossible)
        };
        Arrival { stream, peer, place, introduction }
    }
}

/// Whether the fault is the newcomer's, who is gone, and the next one can be taken at once. Linux hands errors that
/// wait on the new connection to `accept` (accept(2), "Error handling").
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn listener(gate: Gate) -> Listener {
        Listener::bind("127.0.0.1:0".parse().unwrap(), gate).await.unwrap()
    }

    #[tokio::test]
    async fn one_too_many_is_told_so_and_comes_in_when_another_leaves() {
        let life = Lifecycle::new();
        let door = listener(Gate::new(10, 1)).await;

        let first = TcpStream::connect(door.address()).await.unwrap();
        let arrived = door.accept(&life).await.unwrap();
        assert_eq!(arrived.peer, first.local_addr().unwrap());
        assert!(arrived.stream.nodelay().unwrap());

        let _second = TcpStream::connect(door.address()).await.unwrap();
        assert_eq!(door.accept(&life).await.unwrap().place.unwrap_err(), Full::PerAddress(1));

        drop(arrived);
        let _third = TcpStream::connect(door.address()).await.unwrap();
        assert!(door.accept(&life).await.unwrap().place.is_ok());
    }

    #[tokio::test]
    async fn nobody_is_let_in_after_the_stop() {
        let life = Lifecycle::new();
        let door = listener(Gate::new(10, 10)).await;
        let _waiting = TcpStream::connect(door.address()).await.unwrap();
        life.stop();
        assert!(door.accept(&life).await.is_none());
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error() {
        let door = listener(Gate::new(1, 1)).await;
        let error = Listener::bind(door.address(), Gate::new(1, 1)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn only_the_newcomers_own_faults_are_passed_over_without_a_pause() {
        let out_of_descriptors = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(&out_of_descriptors));
        assert!(concerns_one_connection(&io::Error::from(io::ErrorKind::ConnectionAborted)));
    }
}
