//! The server's half of the protocol, without I/O: what was heard goes in, the next step comes out.
//!
//! ```text
//! waiting ──MAIL──▶ the door is asked ──▶ envelope open ──DATA──▶ message ──▶ waiting
//!    │                                      │  ▲ RCPT              ▲
//!    └─AUTH──▶ exchange ──▶ checked         └──┴──BDAT──▶ chunks ──┘ LAST
//! ```
//! A stage owns its data and hands them on: the envelope travels from MAIL to the end of the message by
//! value, so that nothing of one transaction can stay behind for the next (RFC 5321 §4.1.1.5).

mod security;
mod transaction;

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::address::ReversePath;
use crate::config::{Role, TlsMode};
use crate::intake::submission::{Recipient, Submitter};
use crate::smtp::command::{Command, CommandFault};
use crate::smtp::extension::Extensions;
use crate::smtp::line::{AUTH_OCTETS_MAX, COMMAND_OCTETS_MAX, LineFault};
use crate::smtp::parameter::MailParameters;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::sasl::{Credentials, Exchange};
use crate::smtpd::terms::Terms;
use crate::smtpd::words;

/// One client's session with us.
#[derive(Debug)]
pub struct Dialogue {
    terms: Arc<Terms>,
    peer: IpAddr,
    /// Protocol and cipher, once the connection is secured.
    tls: Option<String>,
    /// What the client called itself.
    name: Option<String>,
    submitter: Option<Submitter>,
    stage: Stage,
    errors: usize,
    failed_sign_ins: usize,
}

/// Where the session stands.
#[derive(Debug, Default)]
enum Stage {
    /// No transaction. Also while the session asks somebody, and while a message comes in.
    #[default]
    Waiting,
    /// A challenge is out.
    Challenged(Exchange),
    /// MAIL was taken.
    Open(Envelope),
    /// BDAT has begun; only more of it may come (RFC 3030 §2).
    Chunks(Envelope),
}

/// Who sends what to whom: an envelope, while it is written and when it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// On whose word it comes.
    pub submitter: Submitter,
    /// MAIL FROM.
    pub sender: ReversePath,
    /// The parameters of MAIL.
    pub parameters: MailParameters,
    /// RCPT TO, in their order.
    pub recipients: Vec<Recipient>,
    /// How many more were named, and refused.
    pub turned_away: usize,
}

/// What the session does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Say it and listen.
    Say(Reply),
    /// Say it and end.
    Close(Reply),
    /// Say it, forget all that was heard behind the command, shake hands, then [`Dialogue::secured`].
    StartTls(Reply),
    /// Check them, then [`Dialogue::signed_in`].
    SignIn(Credentials),
    /// Ask whether this sender may stand there, then [`Dialogue::opened`] or [`Dialogue::refused`].
    Open(Envelope),
    /// Say it, read up to the dot, then [`Dialogue::accepted`] or [`Dialogue::refused`].
    Receive(Reply, Envelope),
    /// Read so many octets as a part of the message; then as with [`Step::Receive`] if it is the last one,
    /// else [`Dialogue::chunk_taken`] or [`Dialogue::refused`].
    Chunk {
        /// Octets of this part.
        size: u64,
        /// Whether the message ends with it.
        is_last: bool,
        /// The envelope.
        envelope: Envelope,
    },
    /// Read so many octets for nothing, then say it.
    Skip(u64, Reply),
}

impl Dialogue {
    /// A session with a client at `peer`.
    #[must_use]
    pub fn new(terms: Arc<Terms>, peer: IpAddr) -> Self {
        Self {
            submitter: terms.submitter(peer),
            terms,
            peer,
            tls: None,
            name: None,
            stage: Stage::Waiting,
            errors: 0,
            failed_sign_ins: 0,
        }
    }

    /// The first words (RFC 5321 §4.3.1).
    #[must_use]
    pub fn greeting(&self) -> Reply {
        Reply::bare(220, vec![format!("{} ESMTP Postern", self.terms.hostname)])
    }

    /// The connection is secured now. All that was said before is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self, tls: String) {
        self.tls = Some(tls);
        self.name = None;
        self.submitter = self.terms.submitter(self.peer);
        self.stage = Stage::Waiting;
    }

    /// What the client called itself; empty before EHLO.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Protocol and cipher, if the connection is secured.
    #[must_use]
    pub fn tls(&self) -> Option<&str> {
        self.tls.as_deref()
    }

    /// Whether a transaction has begun and not ended: a stop waits for it.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self.stage, Stage::Open(_) | Stage::Chunks(_))
    }

    /// Octets that the line which begins with `begun` may have.
    #[must_use]
    pub fn line_octets_max(&self, begun: &[u8]) -> usize {
        let is_auth = begun.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        match self.stage {
            Stage::Challenged(_) => AUTH_OCTETS_MAX,
            _ if is_auth => AUTH_OCTETS_MAX,
            _ => COMMAND_OCTETS_MAX,
        }
    }

    /// Hears a line, without its CRLF.
    pub fn hear(&mut self, line: &[u8]) -> Step {
        match std::mem::take(&mut self.stage) {
            Stage::Challenged(exchange) => return self.turn(exchange.answer(line)),
            stage => self.stage = stage,
        }
        match Command::parse(line) {
            Ok(command) => self.obey(command),
            Err(fault) => {
                if line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"RCPT")) {
                    self.turn_away();
                }
                self.misheard(&fault)
            }
        }
    }

    /// Hears a line that is none.
    pub fn hear_fault(&mut self, fault: LineFault) -> Step {
        match fault {
            LineFault::TooLong(_) => {
                if matches!(self.stage, Stage::Challenged(_)) {
                    self.stage = Stage::Waiting;
                }
                self.refused(words::line_too_long(fault))
            }
            // What follows cannot be trusted: see `LineFault`.
            LineFault::BareLf => Step::Close(words::bare_lf()),
        }
    }

    /// Somebody we asked said no. A client that hears it too often is sent away.
    pub fn refused(&mut self, reply: Reply) -> Step {
        if reply.is_permanent() {
            self.errors += 1;
        }
        if self.errors > self.terms.command_errors {
            return Step::Close(words::too_many_errors(self.terms.command_errors));
        }
        Step::Say(reply)
    }

    fn obey(&mut self, command: Command) -> Step {
        match command {
            Command::Ehlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::StartTls => self.start_tls(),
            Command::Auth { mechanism, initial } => self.auth(&mechanism, initial.as_ref()),
            Command::Mail(sender, parameters) => self.mail(sender, parameters),
            Command::Rcpt(address, parameters) => self.rcpt(Recipient { address, parameters }),
            Command::RcptPostmaster(parameters) => self.postmaster(parameters),
            Command::Data => self.data(),
            Command::Bdat { size, last } => self.bdat(size, last),
            Command::Rset => {
                self.stage = Stage::Waiting;
                Step::Say(Reply::new(250, EnhancedCode(2, 0, 0), "Forgotten"))
            }
            Command::Noop => Step::Say(Reply::new(250, EnhancedCode(2, 0, 0), "Ok")),
            Command::Help => Step::Say(words::help()),
            // Neither confirms nor denies (RFC 5321 §7.3).
            Command::Vrfy(_) => Step::Say(words::not_verified()),
            Command::Expn(_) => self.refused(words::not_offered("EXPN")),
            Command::Quit => Step::Close(Reply::new(221, EnhancedCode(2, 0, 0), "Good-bye")),
        }
    }

    fn misheard(&mut self, fault: &CommandFault) -> Step {
        match (fault, self.refused(fault.reply())) {
            // Octets of unknown number follow: they must not be taken for commands.
            (CommandFault::Syntax(syntax), Step::Say(reply)) if syntax.starts_with("BDAT") => {
                Step::Close(reply)
            }
            (_, step) => step,
        }
    }

    /// RFC 5321 §4.1.1.1; an open transaction is given up (§4.1.4).
    fn hello(&mut self, name: String, is_extended: bool) -> Step {
        self.stage = Stage::Waiting;
        let mut lines = vec![format!("{} greets {name}", self.terms.hostname)];
        if is_extended {
            lines.extend(self.extensions().keywords());
        }
        self.name = Some(name);
        Step::Say(Reply::bare(250, lines))
    }

    fn extensions(&self) -> Extensions {
        let may_sign_in = self.terms.role == Role::Submission && self.tls.is_some();
        Extensions {
            starttls: self.terms.tls == TlsMode::StartTls && self.tls.is_none(),
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            chunking: true,
            enhanced_status_codes: true,
            size: Some(self.terms.message_octets),
            auth_plain: may_sign_in,
            auth_login: may_sign_in,
        }
    }
}

#[cfg(test)]
mod tests;
