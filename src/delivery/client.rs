//! Our side of an SMTP connection to a next hop (RFC 5321): greeting, STARTTLS, AUTH, commands and replies.
//!
//! What is said over it for a message is in [`transaction`](crate::delivery::transaction).

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::base::address::Domain;
use crate::config;
use crate::delivery::courier::Reason;
use crate::net::stream::Stream;
use crate::net::tls::ClientTls;
use crate::smtp::command::Command;
use crate::smtp::extension::Extensions;
use crate::smtp::line::{LineFault, LineReader};
use crate::smtp::reply::{EnhancedCode, Reply, ReplyFault, ReplyReader};
use crate::smtp::sasl::Credentials;

/// Octets of a reply's line that we read, and more than any server sends (RFC 5321 §4.5.3.1.5: 512).
const LINE_OCTETS_MAX: usize = 4096;
/// Octets that one read may bring: the answers to a whole announcement.
const REPLY_ROOM: usize = 1024;
/// How long a farewell may take; the server's only loss is our politeness.
const QUIT_WITHIN: Duration = Duration::from_secs(5);

/// A connection on which a server has greeted us.
pub(super) struct Client {
    /// The server, as reports name it.
    pub(super) hop: String,
    /// What it said it can do.
    pub(super) extensions: Extensions,
    /// What is about to be sent.
    pub(super) output: BytesMut,
    pub(super) patience: Patience,
    /// Messages for which it was used.
    pub(super) carried: usize,
    /// A transaction was begun and neither ended nor reset.
    pub(super) begun: bool,
    stream: Stream,
    input: BytesMut,
    lines: LineReader,
    replies: ReplyReader,
}

/// How long to wait for a server (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the connection and the handshake.
    pub(super) connect: Duration,
    /// For the answer to a command.
    pub(super) command: Duration,
    /// For a block of data to be taken, and for the answer to its end.
    pub(super) data: Duration,
}

/// Why a connection is of no more use.
#[derive(Debug, Error)]
pub(super) enum ClientFault {
    #[error("the server closed the connection")]
    Closed,
    #[error("the server did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    NotSmtp(#[from] ReplyFault),
    #[error("the server's reply was not SMTP: {0}")]
    NotALine(#[from] LineFault),
    /// It does not want to talk to us: greeting, EHLO, STARTTLS or AUTH was refused, or it said 421.
    #[error("{0}")]
    Unwilling(Reply),
    #[error("the server does not offer STARTTLS, which is demanded of it")]
    NoStartTls,
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] io::Error),
    #[error("the server spoke between its answer to STARTTLS and the handshake")]
    Injected,
    #[error("the server offers neither AUTH PLAIN nor AUTH LOGIN")]
    NoAuth,
    #[error("the server did not accept our name and password: {0}")]
    Login(Reply),
}

impl Patience {
    pub(super) const fn of(relay: &config::Relay) -> Self {
        Self { connect: relay.connect_timeout, command: relay.command_timeout, data: relay.data_timeout }
    }
}

impl Client {
    /// Listens to the greeting and introduces us as `name`.
    pub(super) async fn greet(
        stream: Stream,
        hop: String,
        name: &Domain,
        patience: Patience,
    ) -> Result<Self, ClientFault> {
        let mut client = Self {
            hop,
            extensions: Extensions::default(),
            output: BytesMut::new(),
            patience,
            carried: 0,
            begun: false,
            stream,
            input: BytesMut::new(),
            lines: LineReader::default(),
            replies: ReplyReader::default(),
        };
        let greeting = client.reply(patience.command).await?;
        if greeting.code != 220 {
            return Err(ClientFault::Unwilling(greeting));
        }
        client.hello(name).await?;
        Ok(client)
    }

    /// EHLO, and HELO for a server that does not know it (RFC 5321 §3.2).
    async fn hello(&mut self, name: &Domain) -> Result<(), ClientFault> {
        let answer = self.ask(&Command::Ehlo(name.to_string())).await?;
        if answer.code == 250 {
            self.extensions = Extensions::of(&answer);
            return Ok(());
        }
        if !answer.is_permanent() {
            return Err(ClientFault::Unwilling(answer));
        }
        self.extensions = Extensions::default();
        let answer = self.ask(&Command::Helo(name.to_string())).await?;
        if answer.code == 250 { Ok(()) } else { Err(ClientFault::Unwilling(answer)) }
    }

    /// STARTTLS (RFC 3207); with `verified` the server must prove that it is `host`. Then introduces us again: what
    /// was said in clear does not count (§4.2).
    pub(super) async fn start_tls(
        mut self,
        tls: &ClientTls,
        host: &str,
        verified: bool,
        name: &Domain,
    ) -> Result<Self, ClientFault> {
        if !self.extensions.starttls {
            return Err(ClientFault::NoStartTls);
        }
        let answer = self.ask(&Command::StartTls).await?;
        if answer.code != 220 {
            return Err(ClientFault::Unwilling(answer));
        }
        // What stands behind the answer was put there by somebody who could not speak inside TLS.
        if !self.input.is_empty() {
            return Err(ClientFault::Injected);
        }
        let Stream::Plain(tcp) = self.stream else {
            return Err(ClientFault::NoStartTls);
        };
        let handshake = if verified {
            tls.verified(tcp, host, self.patience.connect).await
        } else {
            tls.opportunistic(tcp, host, self.patience.connect).await
        };
        self.stream = handshake.map_err(ClientFault::Handshake)?;
        self.hello(name).await?;
        Ok(self)
    }

    /// AUTH PLAIN (RFC 4616), else AUTH LOGIN.
    pub(super) async fn log_in(&mut self, credentials: &Credentials) -> Result<(), ClientFault> {
        let answer = if self.extensions.auth_plain {
            let initial = Some(credentials.plain());
            self.ask(&Command::Auth { mechanism: "PLAIN".to_owned(), initial }).await?
        } else if self.extensions.auth_login {
            self.log_in_by_steps(credentials).await?
        } else {
            return Err(ClientFault::NoAuth);
        };
        if answer.code == 235 { Ok(()) } else { Err(ClientFault::Login(answer)) }
    }

    /// AUTH LOGIN: name and password, each when asked for.
    async fn log_in_by_steps(&mut self, credentials: &Credentials) -> Result<Reply, ClientFault> {
        let mut answer = self.ask(&Command::Auth { mechanism: "LOGIN".to_owned(), initial: None }).await?;
        for word in credentials.login() {
            if answer.code != 334 {
                break;
            }
            self.output.extend_from_slice(word.reveal().as_bytes());
            self.output.extend_from_slice(b"\r\n");
            self.flush(self.patience.command).await?;
            answer = self.reply(self.patience.command).await?;
        }
        Ok(answer)
    }

    /// Says farewell and hangs up (RFC 5321 §4.1.1.10).
    pub(super) async fn quit(mut self) {
        // Whether it hears us or not, we are gone.
        let farewell = async {
            self.ask(&Command::Quit).await?;
            self.stream.shutdown().await?;
            Ok::<_, ClientFault>(())
        };
        let _: Result<_, _> = timeout(QUIT_WITHIN, farewell).await;
    }

    /// Puts a command into the output.
    pub(super) fn say(&mut self, command: &Command) {
        // Writing into memory does not fail.
        let _: Result<(), _> = write!(self.output, "{command}\r\n");
    }

    /// Says one command and waits for its answer.
    pub(super) async fn ask(&mut self, command: &Command) -> Result<Reply, ClientFault> {
        self.say(command);
        self.flush(self.patience.command).await?;
        self.reply(self.patience.command).await
    }

    /// Sends the output.
    pub(super) async fn flush(&mut self, within: Duration) -> Result<(), ClientFault> {
        let Self { stream, output, .. } = self;
        let sent = timeout(within, async {
            stream.write_all(output).await?;
            stream.flush().await
        });
        sent.await.map_err(|_| ClientFault::Silent(within))??;
        self.output.clear();
        Ok(())
    }

    /// The next reply. 421 may come at any time and means that the server is going (RFC 5321 §3.8).
    pub(super) async fn reply(&mut self, within: Duration) -> Result<Reply, ClientFault> {
        let reply = timeout(within, self.next_reply()).await.map_err(|_| ClientFault::Silent(within))??;
        if reply.code == 421 { Err(ClientFault::Unwilling(reply)) } else { Ok(reply) }
    }

    async fn next_reply(&mut self) -> Result<Reply, ClientFault> {
        loop {
            while let Some(line) = self.lines.take(&mut self.input, LINE_OCTETS_MAX)? {
                if let Some(reply) = self.replies.line(&line)? {
                    return Ok(reply);
                }
            }
            // Without room of its own a read takes 64 octets at a time.
            self.input.reserve(REPLY_ROOM);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(ClientFault::Closed);
            }
        }
    }
}

impl ClientFault {
    /// The same for a report.
    pub(super) fn reason(self) -> Reason {
        let status = match self {
            // Its own words say it best.
            Self::Unwilling(reply) => return Reason::Reply(reply),
            // RFC 3463 §3.5: bad connection.
            Self::Closed | Self::Silent(_) | Self::Io(_) => EnhancedCode(4, 4, 2),
            // §3.6: invalid command.
            Self::NotSmtp(_) | Self::NotALine(_) => EnhancedCode(4, 5, 0),
            // §3.8: cryptographic failure.
            Self::NoStartTls | Self::Handshake(_) | Self::Injected => EnhancedCode(4, 7, 5),
            // RFC 4954 §6: authentication credentials invalid; ours to correct, so the mail can wait.
            Self::NoAuth | Self::Login(_) => EnhancedCode(4, 7, 8),
        };
        Reason::local(status, self.to_string())
    }
}
