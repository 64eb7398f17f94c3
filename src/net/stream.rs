//! A connection, in clear or inside TLS, from either side.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::{CipherSuite, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

/// A connection. STARTTLS takes the TCP stream out of `Plain` and puts it back inside TLS; what was read before is the
/// caller's to drop.
#[derive(Debug)]
pub enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// We are the server of the handshake.
    ServerTls(Box<server::TlsStream<TcpStream>>),
    /// We are the client of the handshake.
    ClientTls(Box<client::TlsStream<TcpStream>>),
}

impl Stream {
    /// Version and cipher suite, by the names that IANA gives them: `TLSv1.3 TLS_AES_256_GCM_SHA384`. `None` in clear.
    #[must_use]
    pub fn tls_version(&self) -> Option<String> {
        let (version, suite) = match self {
            Self::Plain(_) => return None,
            Self::ServerTls(tls) => {
                let (_, connection) = tls.get_ref();
                (connection.protocol_version(), connection.negotiated_cipher_suite())
            }
            Self::ClientTls(tls) => {
                let (_, connection) = tls.get_ref();
                (connection.protocol_version(), connection.negotiated_cipher_suite())
            }
        };
        Some(format!("{} {}", version_name(version?), suite_name(suite?.suite())))
    }
}

fn version_name(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

/// IANA's name: rustls writes `TLS13_…` where the registry has `TLS_…` (RFC 8446 §B.4).
fn suite_name(suite: CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::ServerTls(tls) => Pin::new(tls).poll_read(cx, buffer),
            Self::ClientTls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, octets),
            Self::ServerTls(tls) => Pin::new(tls).poll_write(cx, octets),
            Self::ClientTls(tls) => Pin::new(tls).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::ServerTls(tls) => Pin::new(tls).poll_flush(cx),
            Self::ClientTls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::ServerTls(tls) => Pin::new(tls).poll_shutdown(cx),
            Self::ClientTls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, pieces),
            Self::ServerTls(tls) => Pin::new(tls).poll_write_vectored(cx, pieces),
            Self::ClientTls(tls) => Pin::new(tls).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::ServerTls(tls) => tls.is_write_vectored(),
            Self::ClientTls(tls) => tls.is_write_vectored(),
        }
    }
}
