//! A listening socket: connections as they arrive, each with its place in the [`Gate`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::net::lifecycle::Lifecycle;
use crate::net::throttle::{Full, Gate, Place};

/// The first pause when the system gives no connection; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longer than this nobody waits at the door of a system that has recovered.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A bound socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    gate: Gate,
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
        Ok(Self { socket, address, gate })
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
        Arrival { place: self.gate.enter(peer.ip()), stream, peer }
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
