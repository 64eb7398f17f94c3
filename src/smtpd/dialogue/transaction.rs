//! MAIL, RCPT, DATA and BDAT: an envelope is opened, addressed and sealed (RFC 5321 §3.3, RFC 3030).

use crate::base::address::ReversePath;
use crate::intake::submission::{Recipient, Submitter};
use crate::invites::addresses::Ours;
use crate::invites::seal::Sealed;
use crate::smtp::parameter::{MailParameters, RcptParameters};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtpd::dialogue::{Dialogue, Envelope, Stage, Step};
use crate::smtpd::words;

impl Dialogue {
    /// The door has nothing against the sender of [`Step::Open`].
    pub fn opened(&mut self, envelope: Envelope) -> Step {
        let reply = Reply::new(250, EnhancedCode(2, 1, 0), format!("Sender <{}> ok", envelope.sender));
        self.stage = Stage::Open(envelope);
        Step::Say(reply)
    }

    /// The part of [`Step::Chunk`] is kept; more follow.
    pub fn chunk_taken(&mut self, size: u64, envelope: Envelope) -> Step {
        self.stage = Stage::Chunks(envelope);
        Step::Say(Reply::new(250, EnhancedCode(2, 0, 0), format!("{size} octets taken")))
    }

    /// The message is ours now. A client that gets mail through may err anew.
    pub fn accepted(&mut self, reply: Reply) -> Step {
        self.errors = 0;
        Step::Say(reply)
    }

    pub(super) fn mail(&mut self, sender: ReversePath, parameters: MailParameters) -> Step {
        let reply = match &self.submitter {
            _ if self.name.is_none() => words::sequence("EHLO first"),
            _ if self.is_busy() => words::sequence("One sender at a time"),
            None => words::who_are_you(&self.terms, self.tls.is_some(), self.peer),
            // Returned mail has no sender (RFC 5321 §4.5.5).
            Some(Submitter::Stranger) if sender != ReversePath::Null => {
                words::who_are_you(&self.terms, self.tls.is_some(), self.peer)
            }
            Some(_) if parameters.size.is_some_and(|size| size > self.terms.message_octets) => {
                words::message_too_large(self.terms.message_octets)
            }
            Some(_)
                if sender.address().is_some_and(|address| address.needs_utf8() && !parameters.smtputf8) =>
            {
                words::utf8_unannounced()
            }
            Some(submitter) => {
                let submitter = submitter.clone();
                let recipients = Vec::new();
                return Step::Open(Envelope { submitter, sender, parameters, recipients, turned_away: 0 });
            }
        };
        self.refused(reply)
    }

    pub(super) fn rcpt(&mut self, recipient: Recipient) -> Step {
        let limit = self.terms.recipients;
        let ours = self.terms.ours(&recipient.address);
        let reply = match &mut self.stage {
            Stage::Open(_) if ours == Some(Ours::Forged) => words::no_such_address(&recipient.address),
            Stage::Open(envelope)
                if envelope.submitter == Submitter::Stranger
                    && !matches!(ours, Some(Ours::Sealed(Sealed::Bounce(_)))) =>
            {
                words::who_are_you(&self.terms, self.tls.is_some(), self.peer)
            }
            Stage::Open(envelope) if envelope.recipients.len() >= limit => words::too_many_recipients(limit),
            Stage::Open(envelope) if recipient.address.needs_utf8() && !envelope.parameters.smtputf8 => {
                words::utf8_unannounced()
            }
            Stage::Open(envelope) => {
                let text = format!("Recipient <{}> ok", recipient.address);
                envelope.recipients.push(recipient);
                return Step::Say(Reply::new(250, EnhancedCode(2, 1, 5), text));
            }
            Stage::Chunks(_) => words::sequence("The message has begun: BDAT or RSET"),
            Stage::Waiting | Stage::Challenged(_) => words::sequence("MAIL first"),
        };
        self.turn_away();
        self.refused(reply)
    }

    /// A recipient was refused. The client may go on without (RFC 5321 §3.3), but some mail is for all or for none.
    pub(super) fn turn_away(&mut self) {
        if let Stage::Open(envelope) = &mut self.stage {
            envelope.turned_away += 1;
        }
    }

    pub(super) fn postmaster(&mut self, parameters: RcptParameters) -> Step {
        self.rcpt(Recipient { address: self.terms.postmaster.clone(), parameters })
    }

    pub(super) fn data(&mut self) -> Step {
        match std::mem::take(&mut self.stage) {
            Stage::Open(envelope) if envelope.recipients.is_empty() => {
                self.stage = Stage::Open(envelope);
                self.refused(words::no_recipients())
            }
            Stage::Open(envelope) => Step::Receive(
                Reply::bare(354, vec!["End with a dot on a line of its own".to_owned()]),
                envelope,
            ),
            stage => {
                self.stage = stage;
                self.refused(words::sequence("DATA needs MAIL and RCPT, and no BDAT before it"))
            }
        }
    }

    /// RFC 3030 §2. Whatever is wrong, the octets come: they are passed over, never heard as commands.
    pub(super) fn bdat(&mut self, size: u64, is_last: bool) -> Step {
        let reply = match std::mem::take(&mut self.stage) {
            Stage::Open(envelope) if envelope.recipients.is_empty() => words::no_recipients(),
            Stage::Open(envelope) | Stage::Chunks(envelope) => {
                return Step::Chunk { size, is_last, envelope };
            }
            Stage::Waiting | Stage::Challenged(_) => words::sequence("BDAT needs MAIL and RCPT"),
        };
        match self.refused(reply) {
            Step::Say(reply) => Step::Skip(size, reply),
            step => step,
        }
    }
}
