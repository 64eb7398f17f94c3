//! What the sender hears of what became of a message: one report for each claim (RFC 5321 §6.1, RFC 3461, RFC 3464).

use std::io;

use bytes::Bytes;

use crate::base::address::{Address, Domain, ReversePath};
use crate::base::clock::Timestamp;
use crate::base::id::MessageId;
use crate::config;
use crate::delivery::courier::{Duty, Outcome, Reason};
use crate::delivery::finding::Finding;
use crate::mail::compose::report::{Action, DeliveryReport, Reported};
use crate::mail::dkim::Signer;
use crate::mail::edit::Source as _;
use crate::notices::Notices;
use crate::queue::claim::Claim;
use crate::queue::{Admission, Envelope, Kind, Message, Queue};
use crate::smtp::parameter::{MailParameters, RcptParameters, Return};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::spool::{Body, Spool};
use crate::store::{Batch, StoreFault};

/// Octets of the original that a report gives back whole, where RET=FULL asks for it. Of a larger one it gives the
/// header, as RFC 3461 §4.3 allows.
const WHOLE_MAX: u64 = 64 * 1024;

/// Writes reports and puts them into the queue.
#[derive(Clone)]
pub struct Reporter {
    queue: Queue,
    spool: Spool,
    host: Domain,
    from: Address,
    signer: Signer,
    notices: Option<Notices>,
}

/// A report that is written and waits for its batch.
pub(super) struct Report {
    message: Message,
    envelope: Envelope,
    body: Body,
}

impl Reporter {
    /// Reports come from the organisation's notice address.
    #[must_use]
    pub fn new(
        queue: Queue,
        spool: Spool,
        server: &config::Server,
        organisation: &config::Organisation,
    ) -> Self {
        let (host, from) = (server.hostname.clone(), organisation.notice_address.clone());
        Self { queue, spool, host, from, signer: Signer::none(), notices: None }
    }

    /// The same writer, with keys to sign by.
    #[must_use]
    pub fn signed_by(self, signer: Signer) -> Self {
        Self { signer, ..self }
    }

    /// The same writer, which tells an inviter of an invitation that did not arrive by a notice.
    #[must_use]
    pub fn with_notices(self, notices: Notices) -> Self {
        Self { notices: Some(notices), ..self }
    }

    /// What tells inviters; `None` where they get a report as every sender does.
    pub(super) const fn notices(&self) -> Option<&Notices> {
        self.notices.as_ref()
    }

    /// The report of all recipients of whom the sender hears; `None` where there are none, or nobody to tell.
    pub(super) async fn write(
        &self,
        claim: &Claim,
        findings: &[Finding],
        at: Timestamp,
    ) -> io::Result<Option<Report>> {
        let Some(sender) = claim.message.sender.address() else {
            return Ok(None);
        };
        let recipients: Vec<Reported> = claim
            .envelopes()
            .zip(findings)
            .filter_map(|(envelope, Finding { outcome, news, .. })| {
                news.map(|action| reported(envelope, outcome, action, at))
            })
            .collect();
        if recipients.is_empty() {
            return Ok(None);
        }
        // RET speaks of failures only; of what did not fail the header is enough (RFC 3461 §4.3).
        let may_be_whole = recipients.iter().any(|reported| reported.action == Action::Failed);
        let (original, original_is_whole) = self.original(&claim.message, may_be_whole)?;
        let id = MessageId::fresh();
        let report = DeliveryReport {
            id,
            host: &self.host,
            from: &self.from,
            to: sender,
            envelope_id: claim.message.parameters.envid.as_deref(),
            arrived: claim.message.received,
            at,
            recipients: &recipients,
            original: &original,
            original_is_whole,
        };
        self.post(id, sender, report.message(), at).await.map(Some)
    }

    /// Puts a report into a batch; it leaves after the commit, when it is admitted.
    pub(super) fn add(&self, batch: &mut Batch, report: &Report) -> Result<Admission, StoreFault> {
        let bodies = std::slice::from_ref(&report.body);
        self.queue.add(batch, &report.message, std::slice::from_ref(&report.envelope), bodies)
    }

    /// What of the message goes back. Never the edits: they hold a link that is not the sender's.
    fn original(&self, message: &Message, may_be_whole: bool) -> io::Result<(Bytes, bool)> {
        let body = self.spool.open(&message.body)?;
        let is_whole =
            may_be_whole && message.parameters.ret == Some(Return::Full) && body.len() <= WHOLE_MAX;
        let end = if is_whole { body.len() } else { message.header_len.min(body.len()).min(WHOLE_MAX) };
        Ok((body.read(0..end)?, is_whole))
    }

    /// A message of our own, with the null sender: a report is never reported (RFC 5321 §4.5.5).
    async fn post(&self, id: MessageId, to: &Address, octets: Vec<u8>, at: Timestamp) -> io::Result<Report> {
        let octets = self.signer.own(octets, self.from.domain(), at).map_err(io::Error::other)?;
        let header_len = memchr::memmem::find(&octets, b"\r\n\r\n").map_or(octets.len(), |end| end + 4);
        let body = self.spool.keep(octets).await?;
        let message = Message {
            id,
            kind: Kind::Own,
            body: body.reference(),
            sender: ReversePath::Null,
            parameters: MailParameters { smtputf8: to.needs_utf8(), ..MailParameters::default() },
            received: at,
            header_len: header_len as u64,
        };
        let envelope = Envelope {
            recipient: to.clone(),
            parameters: RcptParameters::default(),
            edits: None,
            invitation: None,
        };
        Ok(Report { message, envelope, body })
    }
}

/// The recipient's line in the report.
fn reported(envelope: &Envelope, outcome: &Outcome, action: Action, at: Timestamp) -> Reported {
    let (status, remote, diagnostic) = match outcome {
        // The mailbox is here: there is no other server, and nothing to explain.
        Outcome::Delivered { reply, duty: Duty::Arrived, .. } => (success(reply), None, None),
        Outcome::Delivered { hop, reply, .. } => (success(reply), Some(hop.clone()), Some(reply.to_string())),
        Outcome::Deferred { hop, reason } | Outcome::Refused { hop, reason } => match reason {
            Reason::Reply(reply) => (reason.status(), hop.clone(), Some(reply.to_string())),
            // The remote server stands beside its own words only; a sentence of ours is not its answer.
            Reason::Local { status, text } => (*status, None, Some(text.clone())),
        },
    };
    Reported {
        recipient: envelope.recipient.clone(),
        original_recipient: envelope.parameters.orcpt.clone(),
        action,
        status: status.to_string(),
        diagnostic,
        remote,
        last_attempt: at,
    }
}

/// The status of what was taken; where the next hop gave none, the plainest of its class (RFC 3463 §3.1).
fn success(reply: &Reply) -> EnhancedCode {
    reply.enhanced.filter(|EnhancedCode(class, ..)| *class == 2).unwrap_or(EnhancedCode(2, 0, 0))
}
