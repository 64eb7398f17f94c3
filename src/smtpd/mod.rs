//! The face that speaks SMTP to mail clients and to the mail servers of the house (RFC 5321, RFC 6409).
//!
//! [`dialogue`] is the protocol without I/O: a line in, a step out. [`session`] is the I/O without protocol:
//! it reads, asks the door, writes and watches the time. [`terms`] are the settings of one listener,
//! `rules` and `words` what a client hears when something is refused.
//!
//! What it promises:
//! - A 250 behind a message is said after [`Intake::accept`](crate::intake::Intake::accept) and never before:
//!   it is on disk.
//! - Nobody sends who has not signed in, or comes from a server that the listener trusts. Where bounces are tracked, a
//!   relay listener takes from others what comes back, to addresses that we made, and nothing else.
//! - A password is taken inside TLS only; what came in clear before the handshake is forgotten (RFC 3207
//!   §4.2).
//! - Nothing grows or lasts without a bound, and every bound says what it is when it is reached.
//! - A stop ends idle sessions with 421; a transaction that has begun may finish.

pub mod dialogue;
mod reception;
mod rules;
pub mod session;
pub mod terms;
mod wire;
mod words;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::config::TlsMode;
use crate::net::listener::{Arrival, Listener};
use crate::net::stream::Stream;
use crate::net::throttle::Full;
use crate::net::tls::ServerTls;
use crate::smtpd::dialogue::Dialogue;
use crate::smtpd::session::{Ending, House, Session};
use crate::smtpd::terms::Terms;

/// Serves one listener until its life ends: one small task a session.
pub async fn serve(listener: Listener, terms: Terms, tls: ServerTls, house: House) {
    let lifecycle = house.lifecycle.clone();
    let desk = Arc::new(Desk { terms: Arc::new(terms), tls, house });
    while let Some(arrival) = listener.accept(&lifecycle).await {
        if let Err(full) = arrival.place {
            turn_away(&arrival.stream, desk.terms.tls, full, arrival.peer.ip());
            continue;
        }
        let desk = Arc::clone(&desk);
        lifecycle.spawn("smtp session", async move {
            // Boxed: it is over before the session begins.
            match Box::pin(arrival.introduced()).await {
                Ok(arrival) => desk.welcome(arrival).await,
                Err(fault) => tracing::info!(%fault, "an SMTP connection was closed unheard"),
            }
        });
    }
}

/// What the sessions of one listener share.
struct Desk {
    terms: Arc<Terms>,
    tls: ServerTls,
    house: House,
}

impl Desk {
    async fn welcome(&self, arrival: Arrival) {
        let Arrival { stream, peer, place, .. } = arrival;
        let peer = peer.ip();
        match place {
            Err(full) => turn_away(&stream, self.terms.tls, full, peer),
            Ok(place) => {
                if let Err(error) = self.attend(stream, peer).await {
                    tracing::debug!(%peer, %error, "an SMTP connection broke");
                }
                drop(place);
            }
        }
    }

    async fn attend(&self, mut tcp: TcpStream, peer: IpAddr) -> io::Result<()> {
        let mut dialogue = Dialogue::new(Arc::clone(&self.terms), peer);
        if self.terms.tls == TlsMode::Implicit {
            let stream = self.secure(tcp, &mut dialogue).await?;
            return self.session(stream, &mut dialogue, peer).begin().await.map(|_| ());
        }
        if self.session(&mut tcp, &mut dialogue, peer).begin().await? == Ending::StartTls {
            let stream = self.secure(tcp, &mut dialogue).await?;
            self.session(stream, &mut dialogue, peer).run().await?;
        }
        Ok(())
    }

    fn session<'a, S>(&'a self, stream: S, dialogue: &'a mut Dialogue, peer: IpAddr) -> Session<'a, S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Session::new(stream, dialogue, &self.terms, &self.house, peer)
    }

    /// The handshake. A client may be as slow in it as elsewhere; a stop does not wait for it.
    async fn secure(&self, tcp: TcpStream, dialogue: &mut Dialogue) -> io::Result<Stream> {
        let stream = tokio::select! {
            biased;
            () = self.house.lifecycle.stopping() => return Err(io::ErrorKind::ConnectionAborted.into()),
            stream = Box::pin(self.tls.accept(tcp, self.terms.idle)) => stream?,
        };
        dialogue.secured(stream.tls_version().unwrap_or_default());
        Ok(stream)
    }
}

/// Says that there is no place, without waiting: the buffer of a new connection takes the few words. Inside
/// TLS there is no way to say it without the work of a handshake, which is what there is no place for.
fn turn_away(stream: &TcpStream, mode: TlsMode, full: Full, peer: IpAddr) {
    tracing::info!(%peer, reason = %full, "an SMTP connection was turned away");
    if mode != TlsMode::Implicit {
        let mut octets = BytesMut::new();
        words::full(full).write(&mut octets);
        // A client that is gone already does not miss it.
        let _ = stream.try_write(&octets);
    }
}
