//! A session over a connection: reads, asks, writes, watches the time. What to say it learns from the
//! [`Dialogue`].

use std::net::IpAddr;
use std::sync::Arc;
use std::{future, io};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::accounts::Kind;
use crate::audit::{self, Event};
use crate::auth::enrolment::LookupFault;
use crate::auth::{Authenticator, Verdict};
use crate::base::clock::Clock;
use crate::base::id::MessageId;
use crate::intake::Intake;
use crate::intake::refusal::Refusal;
use crate::intake::submission::{Submission, Submitter};
use crate::mail::outline::Bounds;
use crate::mail::trace::Received;
use crate::net::lifecycle::Lifecycle;
use crate::smtp::data::{DataEnd, DataFault, DataReader, LineCheck};
use crate::smtp::line::LineFault;
use crate::smtp::reply::Reply;
use crate::smtp::sasl::Credentials;
use crate::smtpd::dialogue::{Dialogue, Envelope, Step};
use crate::smtpd::reception::Reception;
use crate::smtpd::terms::Terms;
use crate::smtpd::wire::Wire;
use crate::smtpd::{rules, words};
use crate::store::spool::Spool;

/// Whom a session asks. Cheap to clone.
#[derive(Clone)]
pub struct House {
    /// Takes mail.
    pub intake: Intake,
    /// Knows people.
    pub authenticator: Authenticator,
    /// Keeps what arrives.
    pub spool: Spool,
    /// Tells the time for Received.
    pub clock: Arc<dyn Clock>,
    /// Where the scan of a message ends.
    pub bounds: Bounds,
    /// Says when to stop.
    pub lifecycle: Lifecycle,
}

/// One client over one connection, in clear or secured.
pub struct Session<'a, S> {
    wire: Wire<S>,
    dialogue: &'a mut Dialogue,
    terms: &'a Terms,
    house: &'a House,
    peer: IpAddr,
    /// What came of a message by BDAT, between one part and the next.
    parts: Option<Box<Parts>>,
}

/// A message that comes in parts (RFC 3030).
struct Parts {
    reception: Reception,
    check: LineCheck,
    deadline: Instant,
}

/// How a session went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is over.
    Over,
    /// The client was told to begin the TLS handshake; whatever it sent before is gone with the session.
    StartTls,
}

/// What a wait for the client brings.
enum Heard {
    Line(BytesMut),
    Fault(LineFault),
    Gone,
    Silence,
    Stop,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    /// A session that has not begun.
    pub fn new(
        stream: S,
        dialogue: &'a mut Dialogue,
        terms: &'a Terms,
        house: &'a House,
        peer: IpAddr,
    ) -> Self {
        Self { wire: Wire::new(stream), dialogue, terms, house, peer, parts: None }
    }

    /// Greets, then [`Session::run`].
    ///
    /// # Errors
    /// The connection broke.
    pub async fn begin(mut self) -> io::Result<Ending> {
        self.wire.say(&self.dialogue.greeting()).await?;
        self.run().await
    }

    /// Hears and answers until it is over.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn run(mut self) -> io::Result<Ending> {
        loop {
            if !self.dialogue.is_busy() {
                // RSET and EHLO give up what came of a message, too.
                self.parts = None;
            }
            let step = match self.hear().await? {
                Heard::Line(line) => self.dialogue.hear(&line),
                Heard::Fault(fault) => self.dialogue.hear_fault(fault),
                Heard::Gone => return Ok(Ending::Over),
                Heard::Silence => Step::Close(words::idle(self.terms.idle)),
                Heard::Stop => Step::Close(words::stopping()),
            };
            if let Some(ending) = self.take(step).await? {
                return Ok(ending);
            }
        }
    }

    /// Waits for a line. A stop interrupts only where no transaction would be lost.
    async fn hear(&mut self) -> io::Result<Heard> {
        let deadline = Instant::now() + self.terms.idle;
        loop {
            let octets_max = self.dialogue.line_octets_max(self.wire.heard());
            match self.wire.line(octets_max) {
                Ok(Some(line)) => return Ok(Heard::Line(line)),
                Ok(None) => {}
                Err(fault) => return Ok(Heard::Fault(fault)),
            }
            let (is_busy, lifecycle) = (self.dialogue.is_busy(), &self.house.lifecycle);
            let stop = async { if is_busy { future::pending().await } else { lifecycle.stopping().await } };
            tokio::select! {
                biased;
                () = stop => return Ok(Heard::Stop),
                more = timeout_at(deadline, self.wire.hear()) => match more {
                    Ok(more) => if !more? { return Ok(Heard::Gone) },
                    Err(_) => return Ok(Heard::Silence),
                },
            }
        }
    }

    /// Does what the dialogue wants, until it wants to listen. The rare and the large parts are boxed, so
    /// that an idle session stays small.
    async fn take(&mut self, mut step: Step) -> io::Result<Option<Ending>> {
        loop {
            step = match step {
                Step::Say(reply) => {
                    self.say(&reply).await?;
                    return Ok(None);
                }
                Step::Close(reply) => {
                    self.say(&reply).await?;
                    timeout(self.terms.idle, self.wire.close()).await??;
                    return Ok(Some(Ending::Over));
                }
                Step::StartTls(reply) => {
                    self.say(&reply).await?;
                    timeout(self.terms.idle, self.wire.flush()).await??;
                    return Ok(Some(Ending::StartTls));
                }
                Step::SignIn(credentials) => Box::pin(self.sign_in(credentials)).await,
                Step::Open(envelope) => Box::pin(self.open(envelope)).await,
                Step::Receive(go_ahead, envelope) => Box::pin(self.receive(&go_ahead, envelope)).await?,
                Step::Chunk { size, is_last, envelope } => {
                    Box::pin(self.receive_part(size, is_last, envelope)).await?
                }
                Step::Skip(size, reply) => Box::pin(self.skip(size, reply)).await?,
            };
        }
    }

    async fn say(&mut self, reply: &Reply) -> io::Result<()> {
        timeout(self.terms.idle, self.wire.say(reply)).await?
    }

    async fn sign_in(&mut self, credentials: Credentials) -> Step {
        let Credentials { name, password } = credentials;
        let verdict =
            self.house.authenticator.sign_in(&name, &password, self.peer, &[Kind::Staff], "smtp").await;
        if matches!(verdict, Verdict::Refused | Verdict::Throttled(_)) {
            // A task that sleeps costs nothing. What the client sends meanwhile is not read.
            tokio::select! {
                () = self.house.lifecycle.stopping() => {}
                () = sleep(self.house.authenticator.hesitation(self.peer)) => {}
            }
        }
        self.dialogue.signed_in(verdict)
    }

    /// Asks the door at MAIL already, so that the client need not send a message for nothing.
    async fn open(&mut self, mut envelope: Envelope) -> Step {
        if let Submitter::Person(person) = &envelope.submitter {
            // A session may outlive the account's good standing.
            match self.house.authenticator.again(person).await {
                Ok(Some(person)) => envelope.submitter = Submitter::Person(person),
                Ok(None) => return self.dialogue.signed_out(),
                Err(fault) => {
                    tracing::error!(%fault, "reading an account failed");
                    let refusal = match fault {
                        LookupFault::Store(_) => Refusal::Internal,
                        LookupFault::Directory(_) => Refusal::DirectorySilent,
                    };
                    return self.dialogue.refused(rules::refused(&refusal));
                }
            }
        }
        let answer = if self.house.spool.has_room() {
            self.house.intake.may_send(&envelope.submitter, &envelope.sender).await
        } else {
            Err(Refusal::DiskFull)
        };
        match answer {
            Ok(()) => self.dialogue.opened(envelope),
            Err(refusal) => {
                self.note_refusal(&envelope, &refusal.to_string());
                self.dialogue.refused(rules::refused(&refusal))
            }
        }
    }

    /// The message, from the go-ahead to the answer behind its end.
    async fn receive(&mut self, go_ahead: &Reply, envelope: Envelope) -> io::Result<Step> {
        self.say(go_ahead).await?;
        let deadline = self.message_deadline();
        let mut reception = self.reception(&envelope).await;
        let mut reader = DataReader::default();
        let mut octets = BytesMut::new();
        loop {
            let heard = self.wire.heard();
            let end = reader.read(heard, &mut octets);
            let used = match end {
                DataEnd::Complete { used } => used,
                DataEnd::Pending => heard.len(),
            };
            self.wire.used(used);
            reception.take(&octets).await;
            octets.clear();
            if end != DataEnd::Pending {
                return Ok(self.hand_in(reception, reader.fault(), envelope).await);
            }
            if let Some(step) = self.hear_data(deadline).await? {
                return Ok(step);
            }
        }
    }

    /// One part of a message that comes by BDAT.
    async fn receive_part(&mut self, size: u64, is_last: bool, envelope: Envelope) -> io::Result<Step> {
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => Box::new(Parts {
                reception: self.reception(&envelope).await,
                check: LineCheck::default(),
                deadline: self.message_deadline(),
            }),
        };
        if let Some(step) = self.pass(size, parts.deadline, Some(&mut parts)).await? {
            return Ok(step);
        }
        if is_last {
            let Parts { reception, check, .. } = *parts;
            return Ok(self.hand_in(reception, check.finish(), envelope).await);
        }
        if let Some(reply) = parts.reception.refusal() {
            return Ok(self.dialogue.refused(reply.clone()));
        }
        self.parts = Some(parts);
        Ok(self.dialogue.chunk_taken(size, envelope))
    }

    async fn skip(&mut self, size: u64, reply: Reply) -> io::Result<Step> {
        let deadline = self.message_deadline();
        Ok(self.pass(size, deadline, None).await?.unwrap_or(Step::Say(reply)))
    }

    /// Passes so many octets to the message, or to nobody. Gives a step where that cannot go on.
    async fn pass(
        &mut self,
        size: u64,
        deadline: Instant,
        mut to: Option<&mut Parts>,
    ) -> io::Result<Option<Step>> {
        let mut left = size;
        loop {
            let heard = self.wire.heard();
            let octets = heard.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(heard);
            if let Some(parts) = &mut to {
                parts.check.read(octets);
                parts.reception.take(octets).await;
            }
            let used = octets.len();
            self.wire.used(used);
            left = left.saturating_sub(used as u64);
            if left == 0 {
                return Ok(None);
            }
            if let Some(step) = self.hear_data(deadline).await? {
                return Ok(Some(step));
            }
        }
    }

    /// Hears more of a message. Gives a step where the time is up.
    async fn hear_data(&mut self, deadline: Instant) -> io::Result<Option<Step>> {
        let silence = Instant::now() + self.terms.idle;
        match timeout_at(deadline.min(silence), self.wire.hear_data()).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(false)) => Err(io::ErrorKind::UnexpectedEof.into()),
            // A client that never pauses never lets the timer win.
            Ok(Ok(true)) if Instant::now() < deadline => Ok(None),
            Err(_) if silence < deadline => Ok(Some(Step::Close(words::idle(self.terms.idle)))),
            Ok(Ok(true)) | Err(_) => {
                Ok(Some(Step::Close(words::message_took_too_long(self.terms.message_time))))
            }
        }
    }

    fn message_deadline(&self) -> Instant {
        Instant::now() + self.terms.message_time
    }

    /// A message of which nothing is there but our trace.
    async fn reception(&self, envelope: &Envelope) -> Reception {
        let House { spool, bounds, clock, .. } = self.house;
        let id = MessageId::fresh();
        let mut reception = Reception::begin(id, spool, *bounds, self.terms.message_octets);
        let received = Received {
            helo: self.dialogue.name(),
            peer: self.peer,
            by: &self.terms.hostname,
            tls: self.dialogue.tls(),
            authenticated: matches!(envelope.submitter, Submitter::Person(_)),
            smtputf8: envelope.parameters.smtputf8,
            id: id.to_string(),
            at: clock.now(),
        };
        reception.trace(&received.field()).await;
        reception
    }

    /// Hands the message to the door. A yes means that it is on disk.
    async fn hand_in(&mut self, reception: Reception, fault: Option<DataFault>, envelope: Envelope) -> Step {
        let id = reception.id;
        let (body, outline) = match reception.finish(fault).await {
            Ok(message) => message,
            Err(reply) => {
                self.note_refusal(&envelope, &reply.to_string());
                return self.dialogue.refused(reply);
            }
        };
        let Envelope { submitter, sender, parameters, recipients, turned_away } = envelope;
        let peer = Some(self.peer);
        let submission =
            Submission { id, submitter, sender, parameters, recipients, turned_away, body, outline, peer };
        match self.house.intake.accept(submission).await {
            Ok(accepted) => self.dialogue.accepted(rules::accepted(&accepted)),
            Err(refusal) => self.dialogue.refused(rules::refused(&refusal)),
        }
    }

    /// For the audit log: what the door refuses at the end of a message it notes itself.
    fn note_refusal(&self, envelope: &Envelope, reason: &str) {
        let sender = envelope.sender.to_string();
        audit::record(&Event::Refused { sender: &sender, reason, peer: Some(self.peer) });
    }
}

#[cfg(test)]
mod tests;
