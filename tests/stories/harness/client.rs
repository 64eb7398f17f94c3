//! A mail client. It can send what a real one never would.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use tokio::net::TcpStream;

use crate::harness::wire::{Wire, patiently};

/// A connection to an SMTP server, from the client's side.
pub struct Client {
    /// `None` only while TLS is being set up.
    wire: Option<Wire>,
}

/// A server's reply, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: u16,
    /// The texts of its lines, without the codes.
    pub lines: Vec<String>,
}

impl Client {
    /// Connects and hears the greeting.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut client = Self::open(address).await;
        client.answer().await.assert(220);
        client
    }

    /// Connects, hears nothing yet.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = patiently(TcpStream::connect(address)).await.unwrap();
        Self { wire: Some(Wire::over(stream)) }
    }

    /// Connects with TLS from the first octet (RFC 8314 §3.3), and hears the greeting.
    pub async fn connect_tls(address: SocketAddr, tls: Arc<ClientConfig>, name: &str) -> Self {
        let mut client = Self::open(address).await;
        client.into_tls(tls, name).await;
        client.answer().await.assert(220);
        client
    }

    /// As [`Client::connect_tls`], for a server that may be gone.
    pub async fn try_connect_tls(
        address: SocketAddr,
        tls: Arc<ClientConfig>,
        name: &str,
    ) -> io::Result<Self> {
        let stream = patiently(TcpStream::connect(address)).await?;
        let wire = Wire::over(stream).into_client_tls(tls, name).await?;
        let mut client = Self { wire: Some(wire) };
        client.try_answer().await?;
        Ok(client)
    }

    /// Sends octets and hears so many replies, from a server that may be gone. Gives the last.
    pub async fn try_exchange(&mut self, octets: &[u8], replies: usize) -> io::Result<Answer> {
        self.wire().send(octets).await?;
        for _ in 1..replies {
            self.try_answer().await?;
        }
        self.try_answer().await
    }

    /// Sends octets as they are.
    pub async fn send(&mut self, octets: impl AsRef<[u8]>) {
        let wire = self.wire();
        if let Err(error) = wire.send(octets).await {
            panic!("sending: {error}\n{}", wire.dialogue());
        }
    }

    /// The next reply.
    pub async fn answer(&mut self) -> Answer {
        match self.try_answer().await {
            Ok(answer) => answer,
            Err(error) => panic!("no reply: {error}\n{}", self.wire().dialogue()),
        }
    }

    /// The next reply, or why there is none.
    pub async fn try_answer(&mut self) -> io::Result<Answer> {
        let mut lines = Vec::new();
        loop {
            let line = self.wire().line().await?;
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let (Some(code), Some(text)) = (code, line.get(4..).or((line.len() == 3).then_some(""))) else {
                panic!("not a reply: {line:?}\n{}", self.wire().dialogue());
            };
            lines.push(text.to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Answer { code, lines });
            }
        }
    }

    /// One command, one reply.
    pub async fn command(&mut self, line: &str) -> Answer {
        self.send(format!("{line}\r\n")).await;
        self.answer().await
    }

    /// EHLO, STARTTLS and EHLO again (RFC 3207). Gives what the server offers inside TLS.
    pub async fn start_tls(&mut self, tls: Arc<ClientConfig>, name: &str) -> Answer {
        self.command("EHLO client.corp.example").await.assert(250);
        self.command("STARTTLS").await.assert(220);
        self.into_tls(tls, name).await;
        self.command("EHLO client.corp.example").await.assert(250)
    }

    /// The handshake alone.
    #[allow(clippy::wrong_self_convention, reason = "the client stays the same, its wire changes")]
    pub async fn into_tls(&mut self, tls: Arc<ClientConfig>, name: &str) {
        let wire = self.wire.take().unwrap();
        self.wire = Some(wire.into_client_tls(tls, name).await.unwrap());
    }

    /// AUTH PLAIN (RFC 4616) with the initial response.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let response = STANDARD.encode(format!("\0{name}\0{password}"));
        self.command(&format!("AUTH PLAIN {response}")).await
    }

    /// AUTH LOGIN, as many clients still do.
    pub async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        self.command("AUTH LOGIN").await.assert(334);
        self.command(&STANDARD.encode(name)).await.assert(334);
        self.command(&STANDARD.encode(password)).await
    }

    /// A whole transaction, pipelined as RFC 2920 allows. Gives the first refusal, else the reply to the message.
    pub async fn mail(&mut self, sender: &str, recipients: &[&str], message: &[u8]) -> Answer {
        let body = if message.is_ascii() { "" } else { " BODY=8BITMIME" };
        let first = format!("MAIL FROM:<{sender}>{body}");
        let commands = std::iter::once(first).chain(recipients.iter().map(|to| format!("RCPT TO:<{to}>")));
        let commands: Vec<String> = commands.chain(["DATA\r\n".to_owned()]).collect();
        self.send(commands.join("\r\n")).await;
        let mut refusal = None;
        for _ in 0..=recipients.len() {
            let answer = self.answer().await;
            if answer.code != 250 {
                refusal.get_or_insert(answer);
            }
        }
        let go_ahead = self.answer().await;
        if go_ahead.code != 354 {
            self.command("RSET").await.assert(250);
            return refusal.unwrap_or(go_ahead);
        }
        self.send(stuffed(message)).await;
        let answer = self.answer().await;
        refusal.unwrap_or(answer)
    }

    /// Says goodbye, and waits until the server has closed.
    pub async fn quit(mut self) {
        self.command("QUIT").await.assert(221);
        self.assert_closed().await;
    }

    /// The server closes and says no more.
    pub async fn assert_closed(&mut self) {
        let rest = self.wire().rest().await.unwrap_or_default();
        assert!(rest.is_empty(), "more after the end: {:?}", rest.escape_ascii().to_string());
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().expect("an earlier handshake failed")
    }
}

impl Answer {
    /// Fails the story unless the reply has this code.
    #[track_caller]
    pub fn assert(self, code: u16) -> Self {
        assert!(self.code == code, "expected {code}, heard: {self}");
        self
    }

    /// Fails the story unless the reply begins so (`550 5.7.1`) and contains these words.
    #[track_caller]
    pub fn assert_says(self, start: &str, words: &str) -> Self {
        let text = self.to_string();
        assert!(text.starts_with(start), "expected {start} …, heard: {text}");
        assert!(text.contains(words), "expected “{words}” in: {text}");
        self
    }

    /// Whether one of its lines is this keyword, with or without parameters.
    pub fn offers(&self, keyword: &str) -> bool {
        self.lines.iter().any(|line| line.split(' ').next() == Some(keyword))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" / "))
    }
}

/// A message as it goes over the wire: dots stuffed, the end behind it (RFC 5321 §4.5.2).
pub fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + message.len() / 64 + 5);
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.is_empty() && !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
