//! The next hop: a receiving server that does what a story tells it to do, and keeps what it got.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::harness::desk::{Desk, Transaction};
use crate::harness::wire::Wire;

/// A server that receives mail. Dropping it closes its door; connections in progress end on their own.
pub struct Hop {
    address: SocketAddr,
    /// Bound and deaf: connections are refused until the hop opens.
    deaf: Option<TcpSocket>,
    desk: Arc<Desk>,
    door: Option<JoinHandle<()>>,
}

/// A message that the hop has answered with 250.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The envelope's sender, without brackets; empty for `<>`.
    pub sender: String,
    /// The parameters of MAIL FROM.
    pub parameters: String,
    /// Those recipients that were accepted, as `address` or `address parameters`.
    pub recipients: Vec<String>,
    /// The message, dots unstuffed.
    pub octets: Vec<u8>,
    /// Whether it came through TLS.
    pub encrypted: bool,
    /// Who had signed in.
    pub user: Option<String>,
    /// The how-many-eth connection brought it.
    pub connection: usize,
    /// When the 250 was sent.
    pub at: Instant,
}

/// What the hop does about a recipient.
#[derive(Clone, Debug)]
pub enum Conduct {
    /// Answers RCPT so, always.
    Reply(&'static str),
    /// Answers RCPT so this many times, and then takes it.
    ReplyTimes(usize, &'static str),
    /// Takes RCPT, and answers the whole message so.
    AfterData(&'static str),
    /// Hangs up in the middle of the message, this many times.
    HangUpInData(usize),
    /// Says nothing to RCPT until [`Hop::release`].
    Hold,
}

/// What the hop offers and demands.
#[derive(Clone, Default)]
pub struct Manners {
    /// Offers STARTTLS with this certificate.
    pub starttls: Option<Arc<ServerConfig>>,
    /// Speaks TLS from the first octet.
    pub implicit_tls: Option<Arc<ServerConfig>>,
    /// Demands this name and password.
    pub login: Option<(&'static str, &'static str)>,
    /// Does not offer 8BITMIME and SMTPUTF8.
    pub seven_bit: bool,
    /// Offers DSN (RFC 3461).
    pub dsn: bool,
}

impl Hop {
    /// Plain, and content with everybody.
    pub async fn start() -> Self {
        Self::with(Manners::default()).await
    }

    /// With these manners.
    pub async fn with(manners: Manners) -> Self {
        let mut hop = Self::down(manners);
        hop.open().await;
        hop
    }

    /// Its address is known, but it refuses connections until [`Hop::open`].
    pub fn down(manners: Manners) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let desk = Arc::new(Desk { manners, state: Mutex::default(), changed: Notify::new() });
        Self { address, deaf: Some(socket), desk, door: None }
    }

    /// Takes connections from now on.
    #[allow(clippy::unused_async, reason = "spawning needs the runtime")]
    pub async fn open(&mut self) {
        let listener = self.deaf.take().expect("a hop opens once").listen(128).unwrap();
        self.door = Some(tokio::spawn(receive(listener, Arc::clone(&self.desk))));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, this is what it does about that recipient.
    pub fn when(&self, recipient: &str, conduct: Conduct) {
        self.desk.state().conduct.insert(recipient.to_owned(), conduct);
    }

    /// Lets all recipients go that are held now, and holds those no more that come later.
    pub fn release(&self) {
        let mut state = self.desk.state();
        state.conduct.retain(|_, conduct| !matches!(conduct, Conduct::Hold));
        state.releases += 1;
        drop(state);
        self.desk.changed.notify_waiters();
    }

    /// Closes all connections that are idle, as servers do when they have waited long enough, or start anew.
    pub fn hang_up(&self) {
        self.desk.state().hang_ups += 1;
        self.desk.changed.notify_waiters();
    }

    /// All that came so far, in the order of the 250s.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.desk.state().deliveries.clone()
    }

    /// As [`Hop::deliveries`], and forgets them.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.desk.state().deliveries)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.desk.state().connections
    }

    /// What peers sent that is not SMTP.
    pub fn faults(&self) -> Vec<String> {
        self.desk.state().faults.clone()
    }

    /// Waits until at least `count` messages have come, and gives all.
    pub async fn wait_for(&self, count: usize) -> Vec<Delivery> {
        self.desk.until(&format!("{count} messages"), |state| state.deliveries.len() >= count).await;
        self.deliveries()
    }

    /// Waits until something has come, but no longer than this; gives it, and forgets it.
    pub async fn next_within(&self, time: Duration) -> Vec<Delivery> {
        let something = self.desk.until("the next message", |state| !state.deliveries.is_empty());
        // What came in time is given; that nothing came is for the caller to judge.
        let _ = tokio::time::timeout(time, something).await;
        self.take()
    }

    /// Waits for the message to this recipient, and gives it.
    pub async fn wait_for_mail_to(&self, recipient: &str) -> Delivery {
        let is_it = |delivery: &Delivery| delivery.is_to(recipient);
        self.desk.until(&format!("a mail to {recipient}"), |state| state.deliveries.iter().any(is_it)).await;
        self.deliveries().into_iter().find(is_it).unwrap()
    }

    /// Waits until a recipient is being held.
    pub async fn wait_until_holding(&self) {
        self.desk.until("a recipient to hold", |state| state.held > 0).await;
    }

    /// Waits until so many connections have been made in all.
    pub async fn wait_for_connections(&self, count: usize) {
        self.desk.until(&format!("{count} connections"), |state| state.connections >= count).await;
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
        }
    }
}

impl Delivery {
    /// Whether this address is among the recipients.
    pub fn is_to(&self, address: &str) -> bool {
        self.recipients.iter().any(|recipient| recipient.split(' ').next() == Some(address))
    }
}

async fn receive(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = {
            let mut state = desk.state();
            state.connections += 1;
            state.connections
        };
        desk.changed.notify_waiters();
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            // A peer may hang up: stories tell it by what arrived. It may not send what is not SMTP.
            if let Err(error) = converse(Wire::over(stream), &desk, number).await
                && error.kind() == io::ErrorKind::InvalidData
            {
                desk.state().faults.push(error.to_string());
                desk.changed.notify_waiters();
            }
        });
    }
}

/// One connection, from greeting to end.
async fn converse(mut wire: Wire, desk: &Desk, connection: usize) -> io::Result<()> {
    let mut encrypted = false;
    let mut user = None;
    let mut transaction = Transaction::default();
    if let Some(tls) = &desk.manners.implicit_tls {
        wire = wire.into_server_tls(Arc::clone(tls)).await?;
        encrypted = true;
    }
    wire.send("220 hop.partner.example ESMTP\r\n").await?;
    let hang_ups = desk.state().hang_ups;
    loop {
        let line = tokio::select! {
            line = wire.line() => line?,
            () = desk.changed_to(|state| state.hang_ups > hang_ups) => return Ok(()),
        };
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => {
                transaction = Transaction::default();
                desk.manners.greeting(encrypted)
            }
            "STARTTLS" => {
                let Some(tls) = desk.manners.starttls.as_ref().filter(|_| !encrypted) else {
                    wire.send("502 5.5.1 not offered\r\n").await?;
                    continue;
                };
                wire.send("220 2.0.0 go on\r\n").await?;
                wire = wire.into_server_tls(Arc::clone(tls)).await?;
                encrypted = true;
                continue;
            }
            "AUTH" => {
                user = desk.manners.check_plain(&line);
                if user.is_some() { "235 2.7.0 welcome" } else { "535 5.7.8 no" }.to_owned()
            }
            "MAIL" if desk.manners.login.is_some() && user.is_none() => "530 5.7.0 sign in first".to_owned(),
            "MAIL" => {
                let (sender, parameters) = path(&line);
                transaction = Transaction { begun: true, sender, parameters, ..Transaction::default() };
                "250 2.1.0 ok".to_owned()
            }
            "RCPT" if !transaction.begun => "503 5.5.1 MAIL first".to_owned(),
            "RCPT" => {
                let (recipient, parameters) = path(&line);
                let reply = desk.answer_recipient(&recipient, &mut transaction).await;
                if reply.starts_with('2') {
                    transaction.recipients.push(format!("{recipient} {parameters}").trim_end().to_owned());
                }
                reply.to_owned()
            }
            "DATA" if transaction.recipients.is_empty() => "554 5.5.1 no valid recipients".to_owned(),
            "DATA" => {
                wire.send("354 go on\r\n").await?;
                if transaction.hang_up {
                    wire.line().await?;
                    return Ok(());
                }
                let octets = wire.data().await?;
                let Transaction { sender, parameters, recipients, after_data, .. } =
                    std::mem::take(&mut transaction);
                if let Some(reply) = after_data {
                    reply.to_owned()
                } else {
                    // The wire first: a message counts as delivered from the moment the other side can know it.
                    wire.send("250 2.0.0 kept\r\n").await?;
                    let at = Instant::now();
                    let user = user.clone();
                    let delivery =
                        Delivery { sender, parameters, recipients, octets, encrypted, user, connection, at };
                    desk.state().deliveries.push(delivery);
                    desk.changed.notify_waiters();
                    continue;
                }
            }
            "RSET" => {
                transaction = Transaction::default();
                "250 2.0.0 ok".to_owned()
            }
            "NOOP" => "250 2.0.0 ok".to_owned(),
            "QUIT" => return wire.send("221 2.0.0 bye\r\n").await,
            _ => "500 5.5.2 what?".to_owned(),
        };
        wire.send(format!("{reply}\r\n")).await?;
    }
}

impl Manners {
    fn greeting(&self, encrypted: bool) -> String {
        let mut lines = vec!["hop.partner.example", "PIPELINING", "SIZE 104857600", "ENHANCEDSTATUSCODES"];
        if !self.seven_bit {
            lines.extend(["8BITMIME", "SMTPUTF8"]);
        }
        if self.dsn {
            lines.push("DSN");
        }
        if self.starttls.is_some() && !encrypted {
            lines.push("STARTTLS");
        }
        if self.login.is_some() {
            lines.push("AUTH PLAIN");
        }
        let last = lines.len() - 1;
        let join = |(place, line)| format!("250{}{line}", if place == last { ' ' } else { '-' });
        lines.into_iter().enumerate().map(join).collect::<Vec<_>>().join("\r\n")
    }

    /// The user of `AUTH PLAIN <initial response>`, if it is the right one (RFC 4616).
    fn check_plain(&self, line: &str) -> Option<String> {
        let (name, password) = self.login?;
        let response = STANDARD.decode(line.strip_prefix("AUTH PLAIN ")?).ok()?;
        (response == format!("\0{name}\0{password}").as_bytes()).then(|| name.to_owned())
    }
}

/// `MAIL FROM:<a@b> SIZE=1` → `a@b`, `SIZE=1`.
fn path(line: &str) -> (String, String) {
    let (path, parameters) = line.split_once('>').unwrap_or((line, ""));
    let path = path.split_once('<').map_or("", |(_, path)| path);
    (path.to_owned(), parameters.trim().to_owned())
}
