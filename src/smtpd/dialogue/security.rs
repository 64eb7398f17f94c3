//! STARTTLS and AUTH: who is at the other end, and who listens in between (RFC 3207, RFC 4954).

use crate::auth::Verdict;
use crate::base::secret::Secret;
use crate::config::{Role, TlsMode};
use crate::intake::submission::Submitter;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::sasl::{Mechanism, SaslFault, Turn};
use crate::smtpd::dialogue::{Dialogue, Stage, Step};
use crate::smtpd::words;

/// Sign-ins that may fail in one session.
const SIGN_IN_FAILURES_MAX: usize = 3;

impl Dialogue {
    /// What became of [`Step::SignIn`].
    pub fn signed_in(&mut self, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Known(identity) => {
                self.submitter = Some(Submitter::Person(identity));
                Step::Say(Reply::new(235, EnhancedCode(2, 7, 0), "Signed in"))
            }
            Verdict::Refused => {
                self.failed_sign_ins += 1;
                self.refused(words::wrong_password())
            }
            Verdict::Throttled(wait) => self.refused(words::throttled(wait)),
            Verdict::Unavailable => self.refused(words::sign_in_unavailable()),
        }
    }

    /// The account behind the sign-in is locked or gone: from here on the client is a stranger.
    pub fn signed_out(&mut self) -> Step {
        self.submitter = self.terms.submitter(self.peer);
        self.refused(words::signed_out())
    }

    pub(super) fn start_tls(&mut self) -> Step {
        match (self.terms.tls, &self.tls, &self.stage) {
            (_, Some(_), _) => self.refused(words::sequence("The connection is secured already")),
            (TlsMode::StartTls, None, Stage::Waiting) => {
                Step::StartTls(Reply::new(220, EnhancedCode(2, 0, 0), "Ready to start TLS"))
            }
            (TlsMode::StartTls, None, _) => self.refused(words::sequence("Not within a transaction")),
            (TlsMode::Implicit | TlsMode::None, None, _) => self.refused(words::not_offered("STARTTLS")),
        }
    }

    pub(super) fn auth(&mut self, mechanism: &str, initial: Option<&Secret>) -> Step {
        if self.failed_sign_ins >= SIGN_IN_FAILURES_MAX {
            return Step::Close(words::too_many_sign_ins(SIGN_IN_FAILURES_MAX));
        }
        match self.may_begin(mechanism) {
            Ok(mechanism) => self.turn(mechanism.begin(initial)),
            Err(reply) => self.refused(reply),
        }
    }

    /// Whether AUTH may be said now (RFC 4954 §4).
    fn may_begin(&self, mechanism: &str) -> Result<Mechanism, Reply> {
        if self.terms.role != Role::Submission {
            return Err(words::not_offered("AUTH"));
        }
        if self.tls.is_none() {
            return Err(words::auth_needs_tls());
        }
        if self.name.is_none() {
            return Err(words::sequence("EHLO first"));
        }
        if self.submitter.is_some() {
            return Err(words::sequence("Signed in already"));
        }
        Mechanism::named(mechanism).ok_or_else(words::unknown_mechanism)
    }

    pub(super) fn turn(&mut self, turn: Result<Turn, SaslFault>) -> Step {
        match turn {
            Ok(Turn::Ask(challenge, exchange)) => {
                self.stage = Stage::Challenged(exchange);
                Step::Say(Reply::bare(334, vec![challenge.to_owned()]))
            }
            Ok(Turn::Check(credentials)) => Step::SignIn(credentials),
            Err(fault) => self.refused(fault.reply()),
        }
    }
}
