//! A message on its way in: spooled, outlined and counted in one pass, while it arrives.

use std::io;

use crate::base::id::MessageId;
use crate::mail::outline::{Bounds, Outline, Outliner};
use crate::smtp::data::DataFault;
use crate::smtp::reply::Reply;
use crate::smtpd::{rules, words};
use crate::store::spool::{Body, Incoming, Spool};

/// A message of which some is there.
///
/// Once something is wrong with it, the rest is taken and thrown away: the client listens only behind the
/// end.
pub struct Reception {
    /// Our name for it.
    pub id: MessageId,
    draft: Result<Draft, Reply>,
    /// Octets that the client may still send.
    octets_left: u64,
    octets_max: u64,
}

struct Draft {
    incoming: Incoming,
    outliner: Outliner,
}

impl Reception {
    /// Nothing of it yet.
    #[must_use]
    pub fn begin(id: MessageId, spool: &Spool, bounds: Bounds, octets_max: u64) -> Self {
        let draft = Ok(Draft { incoming: spool.receive(), outliner: Outliner::new(bounds) });
        Self { id, draft, octets_left: octets_max, octets_max }
    }

    /// Puts our own trace in front; it does not count (RFC 1870 §6.1 speaks of what the client sends).
    pub async fn trace(&mut self, field: &[u8]) {
        self.keep(field).await;
    }

    /// Takes the next octets of the message.
    pub async fn take(&mut self, octets: &[u8]) {
        match self.octets_left.checked_sub(octets.len() as u64) {
            Some(left) => self.octets_left = left,
            None => self.draft = Err(words::message_too_large(self.octets_max)),
        }
        self.keep(octets).await;
    }

    /// What is wrong with it so far.
    #[must_use]
    pub fn refusal(&self) -> Option<&Reply> {
        self.draft.as_ref().err()
    }

    /// The end has come. `fault` is what the reader of the octets has against them.
    ///
    /// # Errors
    /// The reply that says what is wrong.
    pub async fn finish(self, fault: Option<DataFault>) -> Result<(Body, Outline), Reply> {
        let draft = self.draft?;
        if let Some(fault) = fault {
            return Err(rules::faulty(fault));
        }
        let body = draft.incoming.finish().await.map_err(|error| unwritten(&error))?;
        Ok((body, draft.outliner.finish()))
    }

    async fn keep(&mut self, octets: &[u8]) {
        if let Ok(draft) = &mut self.draft {
            match draft.incoming.write(octets).await {
                Ok(()) => draft.outliner.feed(octets),
                Err(error) => self.draft = Err(unwritten(&error)),
            }
        }
    }
}

fn unwritten(error: &io::Error) -> Reply {
    tracing::error!(%error, "a message that comes in cannot be written to the spool");
    rules::unwritten(error)
}
