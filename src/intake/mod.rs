//! The one door for mail: whatever comes in ends in [`Intake::accept`].
//!
//! `accept` sorts the message ([`sorting`]), asks whether its sender may do this (`policy`) and whether its invitees
//! can be reached ([`domains`], [`spelling`]), makes one set of edits for each copy ([`copies`]) and commits invitations
//! and queue entries in one batch. When it answers `Ok`, all of it is on disk. It is all or nothing: if one invitee is
//! refused, nobody is invited.

mod colleagues;
mod command;
pub mod copies;
mod correction;
mod correspondence;
pub mod domains;
mod fault;
pub mod guest;
mod inviting;
pub mod letters;
mod policy;
mod preview;
pub mod recipients;
pub mod refusal;
pub mod sorting;
pub mod spelling;
pub mod submission;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::audit::{self, Event};
use crate::auth::Authenticator;
use crate::base::address::ReversePath;
use crate::base::clock::{Clock, Timestamp};
use crate::config;
use crate::intake::correspondence::Correspondence;
use crate::intake::domains::Domains;
use crate::intake::fault::{on_a_thread_of_its_own, uncommitted, unwritten};
use crate::intake::refusal::Refusal;
use crate::intake::sorting::{Sorted, Sorter};
use crate::intake::submission::{Accepted, Submission, Submitter};
use crate::mail::complete;
use crate::mail::dkim::Signer;
use crate::mail::edit::Edits;
use crate::mail::message::Facts;
use crate::net::resolver::Resolver;
use crate::queue::{Admission, Envelope, Kind, Message, Queue};
use crate::smtp::parameter::Return;
use crate::store::spool::{Body, Spool};
use crate::store::{Batch, CommitError, Store};
use crate::switches::Switchboard;
use crate::template::Shelf;
use crate::tending::renewal::Renewals;

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

/// The parts a door is made of.
pub struct Parts {
    /// Where changes are committed.
    pub store: Store,
    /// Where edits are kept.
    pub spool: Spool,
    /// Where envelopes wait.
    pub queue: Queue,
    /// The books in which an invitee may stand already.
    pub guests: guest::Books,
    /// Who may invite, for mail that a trusted server handed in.
    pub authenticator: Authenticator,
    /// The admin's texts.
    pub templates: Shelf,
    /// What inviters command by mail, and the mails that tell of it.
    pub renewals: Renewals,
    /// Whether anybody can invite, and with what.
    pub switches: Switchboard,
    /// Signs what goes on.
    pub signer: Signer,
    /// The DNS.
    pub resolver: Arc<dyn Resolver>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What the configuration says about mail that comes in.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `[server]`: our name in Message-ID.
    pub server: config::Server,
    /// `[organisation]`: whose addresses are staff.
    pub organisation: config::Organisation,
    /// `[invite]`.
    pub invite: config::Invite,
    /// `[web]`: where links lead.
    pub web: config::Web,
    /// `[limits]`.
    pub limits: config::Limits,
}

struct Inner {
    parts: Parts,
    policy: Policy,
    domains: Domains,
    /// Invitations that may be written at once: it burns processor time, so more than cores would only wait in turn.
    writing: Semaphore,
}

impl Intake {
    /// A door made of these parts.
    #[must_use]
    pub fn new(parts: Parts, policy: Policy) -> Self {
        let (resolver, rules) = (Arc::clone(&parts.resolver), policy.invite.guests.clone());
        let domains = Domains::new(resolver, rules, policy.limits.dns_time);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { inner: Arc::new(Inner { parts, policy, domains, writing: Semaphore::new(cores) }) }
    }

    /// Whether the envelope may carry this sender, asked at MAIL so that the client hears at once. `<>` may always
    /// stand there: delivery reports have no sender.
    ///
    /// # Errors
    /// [`Refusal::NotYourAddress`] or [`Refusal::ForeignFrom`]; or that nobody can say at the moment.
    pub async fn may_send(&self, submitter: &Submitter, sender: &ReversePath) -> Result<(), Refusal> {
        match sender.address() {
            Some(address) => self.speaks_for(submitter, address).await,
            None => Ok(()),
        }
    }

    /// Takes a message. Durable when it answers `Ok`; nothing is kept when it answers `Err`.
    ///
    /// # Errors
    /// The [`Refusal`], which is also written to the audit log.
    pub async fn accept(&self, submission: Submission) -> Result<Accepted, Refusal> {
        let (sender, peer) = (submission.sender.clone(), submission.peer);
        let answer = self.take(submission).await;
        if let Err(refusal) = &answer {
            audit::record(&Event::Refused {
                sender: &sender.to_string(),
                reason: &refusal.to_string(),
                peer,
            });
        }
        answer
    }

    async fn take(&self, mut submission: Submission) -> Result<Accepted, Refusal> {
        let Policy { limits, invite, organisation, .. } = &self.inner.policy;
        if self.inner.parts.queue.len() >= limits.queued_messages {
            return Err(Refusal::QueueFull);
        }
        if let Some(fault) = &submission.outline.fault {
            return Err(Refusal::Structure(fault.clone()));
        }
        let Correspondence { bounces, commands } = self.correspondence(&mut submission)?;
        if !bounces.is_empty() {
            self.returned(&submission, &bounces).await?;
            if submission.recipients.is_empty() && commands.is_empty() {
                return Ok(Accepted { id: submission.id, invitations: 0 });
            }
        }
        let facts = Facts::read(&submission.outline);
        self.may_send(&submission.submitter, &submission.sender).await?;
        if facts.from.is_empty() {
            return Err(Refusal::NoFrom);
        }
        for from in &facts.from {
            self.speaks_for(&submission.submitter, &from.address).await?;
        }

        let languages = self.inner.parts.templates.current().languages();
        let sorter = Sorter { invite, domains: &organisation.domains, languages: &languages };
        match sorter.sort(&submission.recipients, &facts)? {
            Sorted::Ordinary if facts.received_count > limits.received_headers => Err(Refusal::Loop {
                hops: facts.received_count,
                limit: limits.received_headers,
                invites: false,
            }),
            Sorted::Ordinary => {
                // In a mail that invites it is no command, but a receipt that was answered to all.
                if !commands.is_empty() {
                    self.obey(&submission, &facts, &commands).await?;
                    if submission.recipients.is_empty() {
                        return Ok(Accepted { id: submission.id, invitations: 0 });
                    }
                }
                self.relay(submission, &facts).await
            }
            Sorted::Invitation(list) => self.invite(submission, facts, list).await,
        }
    }

    /// Ordinary mail: every recipient gets the same octets.
    async fn relay(&self, submission: Submission, facts: &Facts) -> Result<Accepted, Refusal> {
        let mut bodies = vec![submission.body.clone()];
        let Policy { server, .. } = &self.inner.policy;
        let missing = complete::missing(&submission.outline.header, facts, &server.hostname, self.now());
        let edits = Edits::new(missing.into_iter().collect()).unwrap_or_default();
        let edits = self.signed(&submission, facts, edits).await?;
        let edits = if edits.is_empty() {
            None
        } else {
            let kept = self.inner.parts.spool.keep(edits.encode().into()).await.map_err(unwritten)?;
            let reference = kept.reference();
            bodies.push(kept);
            Some(reference)
        };
        let envelopes: Vec<_> = submission
            .recipients
            .iter()
            .map(|recipient| Envelope {
                recipient: recipient.address.clone(),
                parameters: recipient.parameters.clone(),
                edits,
                invitation: None,
            })
            .collect();
        let queued = self.enqueue(&submission, Kind::Ordinary, (Batch::new(), None), &envelopes, &bodies);
        queued.await.map_err(uncommitted)?;
        Ok(Accepted { id: submission.id, invitations: 0 })
    }

    /// Signs ordinary mail, if there is a key for it.
    async fn signed(&self, submission: &Submission, facts: &Facts, edits: Edits) -> Result<Edits, Refusal> {
        let signer = self.inner.parts.signer.clone();
        if !signer.signs_for(&facts.author_domains()) {
            return Ok(edits);
        }
        let (body, header, now) = (submission.body.clone(), submission.outline.header.clone(), self.now());
        let facts = facts.clone();
        on_a_thread_of_its_own(move || {
            Ok(signer.signed(&body, &header, edits, &facts.author_domains(), now)?)
        })
        .await
    }

    /// One commit for all that a message brings, and for a notice that is in the batch already.
    async fn enqueue(
        &self,
        submission: &Submission,
        kind: Kind,
        (mut batch, notice): (Batch, Option<Admission>),
        envelopes: &[Envelope],
        bodies: &[Body],
    ) -> Result<(), CommitError> {
        let Parts { store, queue, .. } = &self.inner.parts;
        let mut parameters = submission.parameters.clone();
        if kind == Kind::Invitation {
            // A hop further on that gives the whole mail back would hand the invitee's link to the inviter. RET=HDRS
            // asks for the header only (RFC 3461 §4.3).
            parameters.ret = Some(Return::Headers);
        }
        let message = Message {
            id: submission.id,
            kind,
            body: submission.body.reference(),
            sender: submission.sender.clone(),
            parameters,
            received: self.now(),
            header_len: submission.outline.body.start,
        };
        let admission = queue.add(&mut batch, &message, envelopes, bodies)?;
        store.commit(batch).await?;
        queue.admit(admission);
        if let Some(notice) = notice {
            queue.admit(notice);
        }
        audit::record(&Event::Accepted {
            message: submission.id,
            sender: &submission.sender.to_string(),
            recipients: envelopes.len(),
            peer: submission.peer,
        });
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }
}
