//! One connection, from either side, plain or inside TLS. Every wait has a bound, and whoever reads a failure
//! gets the whole dialogue.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How long a story waits for anything before it fails. Nothing in a story takes a tenth of it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// More than any line that either side may send.
const LINE_MAX: u64 = 64 * 1024;

/// Remembered lines of a dialogue: enough to see what went wrong.
const DIALOGUE_MAX: usize = 200;

/// What a connection runs over.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// A connection that speaks in lines.
pub struct Wire {
    transport: BufReader<Box<dyn Transport>>,
    dialogue: Vec<String>,
}

impl Wire {
    /// Over a connection that is open.
    pub fn over(stream: TcpStream) -> Self {
        // Small writes are the point of many stories; do not let the kernel gather them.
        stream.set_nodelay(true).expect("a connected socket");
        Self { transport: BufReader::new(Box::new(stream)), dialogue: Vec::new() }
    }

    /// One line without its CRLF. A line that ends otherwise is an error: RFC 5321 §2.3.8 knows no other end.
    pub async fn line(&mut self) -> io::Result<String> {
        let mut octets = Vec::new();
        let mut bounded = (&mut self.transport).take(LINE_MAX);
        patiently(bounded.read_until(b'\n', &mut octets)).await?;
        if octets.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = octets.strip_suffix(b"\r\n").ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("not a line: {:?}", octets.escape_ascii().to_string()),
            )
        })?;
        let line = String::from_utf8_lossy(line).into_owned();
        self.note('<', &line);
        Ok(line)
    }

    /// Exactly so many octets.
    pub async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; count];
        patiently(self.transport.read_exact(&mut octets)).await?;
        Ok(octets)
    }

    /// All that comes until the other side closes.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        patiently(self.transport.read_to_end(&mut octets)).await?;
        Ok(octets)
    }

    /// The octets of a message up to the line that is a single dot, dots unstuffed (RFC 5321 §4.5.2).
    pub async fn data(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let start = message.len();
            let mut bounded = (&mut self.transport).take(LINE_MAX);
            if patiently(bounded.read_until(b'\n', &mut message)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !message.ends_with(b"\r\n") {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a line of the message does not end in CRLF",
                ));
            }
            if message[start..] == *b".\r\n" {
                message.truncate(start);
                return Ok(message);
            }
            if message[start] == b'.' {
                message.remove(start);
            }
        }
    }

    /// Sends octets as they are.
    pub async fn send(&mut self, octets: impl AsRef<[u8]>) -> io::Result<()> {
        let octets = octets.as_ref();
        self.note('>', &String::from_utf8_lossy(&octets[..octets.len().min(200)]));
        patiently(async {
            self.transport.write_all(octets).await?;
            self.transport.flush().await
        })
        .await
    }

    /// Becomes the client's side of TLS. What the server said before the handshake is an error: it was sent in clear.
    pub async fn into_client_tls(mut self, config: Arc<ClientConfig>, name: &str) -> io::Result<Self> {
        self.nothing_is_waiting();
        let name = ServerName::try_from(name.to_owned()).expect("a server's name");
        let stream = patiently(TlsConnector::from(config).connect(name, self.transport.into_inner())).await?;
        Ok(Self { transport: BufReader::new(Box::new(stream)), dialogue: std::mem::take(&mut self.dialogue) })
    }

    /// Becomes the server's side of TLS.
    pub async fn into_server_tls(mut self, config: Arc<ServerConfig>) -> io::Result<Self> {
        self.nothing_is_waiting();
        let stream = patiently(TlsAcceptor::from(config).accept(self.transport.into_inner())).await?;
        Ok(Self { transport: BufReader::new(Box::new(stream)), dialogue: std::mem::take(&mut self.dialogue) })
    }

    /// What was said, for the text of a failure.
    pub fn dialogue(&self) -> String {
        self.dialogue.join("\n")
    }

    fn nothing_is_waiting(&self) {
        assert!(
            self.transport.buffer().is_empty(),
            "octets in clear before the handshake: {:?}",
            self.transport.buffer().escape_ascii().to_string()
        );
    }

    fn note(&mut self, side: char, line: &str) {
        if self.dialogue.len() < DIALOGUE_MAX {
            self.dialogue.push(format!("{side} {}", line.trim_end()));
        }
    }
}

/// Waits, but not for ever.
pub async fn patiently<T>(wait: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
