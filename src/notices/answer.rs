//! The answer to a command that an inviter has sent by mail.

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::mailbox::Mailbox;
use crate::invites::seal::Sealed;
use crate::notices::{Letter, NoticeFault, Notices, Organisation};
use crate::queue::Admission;
use crate::store::Batch;

/// What a command has done for one invitee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    address: String,
    did: &'static str,
    until: Option<Timestamp>,
    reason: Option<String>,
}

/// A command, and what came of it.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// Who sent it.
    pub to: &'a Mailbox,
    /// The Message-ID of the mail it stood in.
    pub in_reply_to: Option<&'a str>,
    /// The subject of the inviter's own mail.
    pub subject: &'a str,
    /// What the next command, if this mail is answered, is about.
    pub about: Sealed,
    /// The line that was read.
    pub line: &'a str,
    /// What came of it; nothing where the line was not understood.
    pub outcomes: &'a [Outcome],
}

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    subject: &'a str,
    line: &'a str,
    outcomes: Vec<Told<'a>>,
}

/// An outcome as the templates name it.
#[derive(Serialize)]
struct Told<'a> {
    address: &'a str,
    did: &'static str,
    until: Option<String>,
    reason: Option<&'a str>,
}

impl Outcome {
    /// A fresh link is on its way.
    #[must_use]
    pub fn resent(to: &Mailbox) -> Self {
        Self::of(to, "resent")
    }

    /// It is taken back.
    #[must_use]
    pub fn withdrawn(to: &Mailbox) -> Self {
        Self::of(to, "withdrawn")
    }

    /// It has more time; `None` where it does not run yet.
    #[must_use]
    pub fn extended(to: &Mailbox, until: Option<Timestamp>) -> Self {
        Self { until, ..Self::of(to, "extended") }
    }

    /// The invitation is for this address now.
    #[must_use]
    pub fn readdressed(to: &Mailbox) -> Self {
        Self::of(to, "readdressed")
    }

    /// Nothing was done, for this reason, in words.
    #[must_use]
    pub fn refused(to: &Mailbox, reason: String) -> Self {
        Self { reason: Some(reason), ..Self::of(to, "refused") }
    }

    fn of(to: &Mailbox, did: &'static str) -> Self {
        Self { address: to.address.to_string(), did, until: None, reason: None }
    }
}

impl Notices {
    /// The answer, in the thread of the command. It is in `batch`; hand the admission to
    /// [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn answer(&self, batch: &mut Batch, answer: &Answer<'_>) -> Result<Admission, NoticeFault> {
        let letter = Letter { in_reply_to: answer.in_reply_to, ..Letter::to(answer.to) };
        let outcomes = answer.outcomes.iter().map(|outcome| Told {
            address: &outcome.address,
            did: outcome.did,
            until: outcome.until.map(|until| self.moment(until)),
            reason: outcome.reason.as_deref(),
        });
        let context = Context {
            organisation: Organisation { name: &self.writer.organisation },
            subject: answer.subject,
            line: answer.line,
            outcomes: outcomes.collect(),
        };
        self.write(batch, "answer", letter.answered(answer.about), &context).await
    }
}
