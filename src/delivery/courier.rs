//! The seam to the next hop. Two implementations: SMTP (`relay`) and the demo's mailbox.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;

use crate::base::address::{Address, ReversePath};
use crate::mail::edit::{Edits, Piece, Source};
use crate::smtp::parameter::{MailParameters, RcptParameters};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::spool::Body;

/// Octets of a message that are in memory at once.
pub const CHUNK_OCTETS: u64 = 64 * 1024;

/// One transaction's worth: one body with one set of edits, for recipients that share a destination.
pub struct Parcel {
    /// Who hears of a failure.
    pub sender: ReversePath,
    /// What the client asked for at MAIL.
    pub parameters: MailParameters,
    /// The message as it was accepted.
    pub body: Body,
    /// What these recipients' copy has that the message has not.
    pub edits: Edits,
    /// To whom; never empty.
    pub recipients: Vec<(Address, RcptParameters)>,
}

/// What became of one recipient.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The next hop has it, and answers for it from now on (RFC 5321 §4.2.5).
    Delivered {
        /// Who took it.
        hop: String,
        /// In which words.
        reply: Reply,
        /// Who tells the sender, if the sender asked to be told.
        duty: Duty,
    },
    /// Not now; to be tried again.
    Deferred {
        /// Who was asked, if anybody could be.
        hop: Option<String>,
        /// Why not.
        reason: Reason,
    },
    /// Never; to be reported to the sender.
    Refused {
        /// Who refused it, if it was not ourselves.
        hop: Option<String>,
        /// Why.
        reason: Reason,
    },
}

/// Where the duty lies to report a success that the sender asked for (RFC 3461 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// With the next hop: it knows of reports, and was told the wish (§5.2.1).
    Passed,
    /// With us: the next hop knows nothing of reports, so we say that the message was relayed to it (§5.2.2).
    Relayed,
    /// With us: this is the recipient's mailbox, so we say that the message was delivered (§5.2.3).
    Arrived,
}

/// Why a recipient did not get the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The next hop's own words.
    Reply(Reply),
    /// Ours, where nobody spoke.
    Local {
        /// The status: `4.4.1`.
        status: EnhancedCode,
        /// A sentence.
        text: String,
    },
}

/// Carries parcels. Outcomes come in the order of `recipients`, one for each.
pub trait Courier: Send + Sync + 'static {
    /// Tries once. Never fails as a whole: what went wrong is each recipient's outcome.
    fn deliver<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>>;
}

impl Parcel {
    /// Octets of the copy.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.edits.len_after(self.body.len())
    }

    /// The copy, in order, in chunks of about [`CHUNK_OCTETS`]; the original is read as they are asked for.
    pub fn chunks(&self) -> impl Iterator<Item = io::Result<Bytes>> + Send + '_ {
        self.edits.pieces(self.body.len()).flat_map(|piece| {
            let (range, replacement) = match piece {
                Piece::Original(range) => (range, None),
                Piece::Replacement(octets) => (0..0, Some(Ok(octets.clone()))),
            };
            replacement.into_iter().chain(steps(range).map(|step| self.body.read(step)))
        })
    }

    /// The same outcome for every recipient.
    #[must_use]
    pub fn all(&self, outcome: &Outcome) -> Vec<Outcome> {
        self.recipients.iter().map(|_| outcome.clone()).collect()
    }
}

impl Reason {
    /// A reason of our own.
    #[must_use]
    pub fn local(status: EnhancedCode, text: impl Into<String>) -> Self {
        Self::Local { status, text: text.into() }
    }

    /// The status for a report (RFC 3464 §2.3.4); where the next hop gave none, that of the reply's class
    /// (RFC 3463 §3.1).
    #[must_use]
    pub fn status(&self) -> EnhancedCode {
        match self {
            Self::Local { status, .. } => *status,
            Self::Reply(reply) => {
                reply.enhanced.unwrap_or(EnhancedCode(if reply.is_permanent() { 5 } else { 4 }, 0, 0))
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => reply.fmt(f),
            Self::Local { status, text } => write!(f, "{status} {text}"),
        }
    }
}

/// A range cut into ranges of [`CHUNK_OCTETS`].
fn steps(range: Range<u64>) -> impl Iterator<Item = Range<u64>> + Send {
    let end = range.end;
    let mut start = range.start;
    std::iter::from_fn(move || {
        let step = start..end.min(start.saturating_add(CHUNK_OCTETS));
        start = step.end;
        (!step.is_empty()).then_some(step)
    })
}
