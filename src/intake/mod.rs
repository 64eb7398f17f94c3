//! The one door for mail: whatever comes in by SMTP, by the web form or by the command line ends in
//! [`Intake::accept`].
//!
//! `accept` sorts the message ([`sorting`]), asks whether its sender may do this, makes one set of edits for each
//! copy ([`copies`]) and commits invitations and queue entries in one batch. When it answers `Ok`, all of it is on
//! disk. It is all or nothing: if one invitee is refused, nobody is invited.

pub mod copies;
pub mod refusal;
pub mod sorting;
pub mod submission;

use std::sync::Arc;

use crate::audit::{self, Event};
use crate::auth::Authenticator;
use crate::base::address::{Address, ReversePath};
use crate::base::clock::{Clock, Timestamp};
use crate::base::mailbox::Mailbox;
use crate::config;
use crate::intake::copies::{Copies, CopyFault};
use crate::intake::refusal::Refusal;
use crate::intake::sorting::{Guestlist, Sorted, Sorter};
use crate::intake::submission::{Accepted, Submission, Submitter};
use crate::invites::Invites;
use crate::mail::complete;
use crate::mail::dkim::Signer;
use crate::mail::edit::Edits;
use crate::mail::message::Facts;
use crate::queue::{Envelope, Kind, Message, Queue};
use crate::store::spool::{Body, Spool};
use crate::store::{Batch, CommitError, Store, StoreFault};
use crate::template::Shelf;

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
    /// The book of invitations.
    pub invites: Invites,
    /// Who may invite, for mail that a trusted server handed in.
    pub authenticator: Authenticator,
    /// The admin's texts.
    pub templates: Shelf,
    /// Signs what goes on.
    pub signer: Signer,
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
}

impl Intake {
    /// A door made of these parts.
    #[must_use]
    pub fn new(parts: Parts, policy: Policy) -> Self {
        Self { inner: Arc::new(Inner { parts, policy }) }
    }

    /// Whether the envelope may carry this sender, asked at MAIL so that the client hears at once. `<>` may always
    /// stand there: delivery reports have no sender.
    ///
    /// # Errors
    /// [`Refusal::NotYourAddress`] or [`Refusal::ForeignFrom`].
    pub fn may_send(&self, submitter: &Submitter, sender: &ReversePath) -> Result<(), Refusal> {
        sender.address().map_or(Ok(()), |address| self.speaks_for(submitter, address))
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

    async fn take(&self, submission: Submission) -> Result<Accepted, Refusal> {
        let Policy { limits, invite, organisation, .. } = &self.inner.policy;
        if self.inner.parts.queue.len() >= limits.queued_messages {
            return Err(Refusal::QueueFull);
        }
        if let Some(fault) = &submission.outline.fault {
            return Err(Refusal::Structure(fault.clone()));
        }
        let facts = Facts::read(&submission.outline);
        if facts.received_count > limits.received_headers {
            return Err(Refusal::Loop { hops: facts.received_count, limit: limits.received_headers });
        }
        self.may_send(&submission.submitter, &submission.sender)?;
        if facts.from.is_empty() {
            return Err(Refusal::NoFrom);
        }
        facts.from.iter().try_for_each(|from| self.speaks_for(&submission.submitter, &from.address))?;

        match (Sorter { invite, domains: &organisation.domains }).sort(&submission.recipients)? {
            Sorted::Ordinary => self.relay(submission, &facts).await,
            Sorted::Invitation(list) => self.invite(submission, facts, list).await,
        }
    }

    /// Whether an address is one of the submitter's own.
    fn speaks_for(&self, submitter: &Submitter, address: &Address) -> Result<(), Refusal> {
        match submitter {
            Submitter::Person(identity) if identity.owns(address) => Ok(()),
            Submitter::Person(identity) => Err(Refusal::NotYourAddress {
                who: identity.mailbox.address.clone(),
                claimed: address.clone(),
            }),
            Submitter::TrustedServer if self.inner.policy.organisation.domains.contains(address.domain()) => {
                Ok(())
            }
            Submitter::TrustedServer => Err(Refusal::ForeignFrom(address.clone())),
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
        self.enqueue(&submission, Kind::Ordinary, Batch::new(), &envelopes, &bodies).await?;
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

    /// An invitation: every invitee gets a copy and a link of their own.
    async fn invite(
        &self,
        submission: Submission,
        facts: Facts,
        list: Guestlist,
    ) -> Result<Accepted, Refusal> {
        let inviter = self.may_invite(&submission, &facts)?;
        let subject = self.subject(&facts)?;
        if list.invitees.is_empty() {
            return Err(Refusal::NobodyOutside);
        }
        let limit = self.inner.policy.limits.invitees;
        if list.invitees.len() > limit {
            return Err(Refusal::TooManyInvitees { count: list.invitees.len(), limit });
        }

        let Parts { spool, invites, .. } = &self.inner.parts;
        let order = Copies {
            inviter,
            body: submission.body.clone(),
            outline: submission.outline.clone(),
            facts,
            subject,
            list,
            policy: self.inner.policy.clone(),
            templates: self.inner.parts.templates.current(),
            signer: self.inner.parts.signer.clone(),
            now: self.now(),
        };
        let made = on_a_thread_of_its_own(move || order.make()).await?;

        let mut batch = Batch::new();
        let mut envelopes = Vec::with_capacity(made.len());
        let mut bodies = vec![submission.body.clone()];
        let mut invited = Vec::new();
        for copy in made {
            let kept = spool.keep(copy.edits.encode().into()).await.map_err(unwritten)?;
            let mut envelope = Envelope {
                recipient: copy.recipient.address,
                parameters: copy.recipient.parameters,
                edits: Some(kept.reference()),
                invitation: None,
            };
            bodies.push(kept);
            if let Some((invitation, link)) = copy.invitation {
                envelope.invitation = Some(invitation.id);
                invites.insert(&mut batch, &invitation, &link).map_err(|fault| failed(&fault))?;
                invited.push(invitation);
            }
            if let Some(flaw) = &copy.flaw {
                audit::record(&Event::RewrittenByWrapping { message: submission.id, reason: flaw });
            }
            envelopes.push(envelope);
        }
        self.enqueue(&submission, Kind::Invitation, batch, &envelopes, &bodies).await?;
        for invitation in &invited {
            audit::record(&Event::Invited {
                invitation: invitation.id,
                inviter: &invitation.inviter.address,
                invitee: &invitation.invitee.address,
            });
        }
        Ok(Accepted { id: submission.id, invitations: invited.len() })
    }

    /// The switches, and what kind of mail may invite at all (SPEC section 4, last item). Gives the inviter.
    fn may_invite(&self, submission: &Submission, facts: &Facts) -> Result<Mailbox, Refusal> {
        if submission.sender == ReversePath::Null {
            return Err(Refusal::Automatic("empty return path".to_owned()));
        }
        if let Some(automatic) = &facts.automatic {
            return Err(Refusal::Automatic(automatic.clone()));
        }
        if !self.inner.policy.invite.enabled {
            return Err(Refusal::InvitationsOff);
        }
        let Some(from) = facts.from.first() else {
            return Err(Refusal::NoFrom);
        };
        let allowed = match &submission.submitter {
            Submitter::Person(identity) => identity.may_invite,
            Submitter::TrustedServer => {
                let known =
                    self.inner.parts.authenticator.lookup(&from.address).map_err(|fault| failed(&fault))?;
                known.is_some_and(|identity| identity.may_invite)
            }
        };
        allowed.then(|| from.clone()).ok_or_else(|| Refusal::MayNotInvite(from.address.clone()))
    }

    /// The subject as the invitee sees it.
    fn subject(&self, facts: &Facts) -> Result<String, Refusal> {
        let Policy { invite, limits, .. } = &self.inner.policy;
        let characters = facts.subject.chars().count();
        if characters > limits.subject_characters {
            return Err(Refusal::SubjectTooLong { characters, limit: limits.subject_characters });
        }
        match (characters, invite.blank_subject) {
            (0, config::BlankSubject::Refuse) => Err(Refusal::BlankSubject),
            (0, config::BlankSubject::Fill) => Ok(invite.default_subject.clone()),
            _ => Ok(facts.subject.clone()),
        }
    }

    /// One commit for all that a message brings.
    async fn enqueue(
        &self,
        submission: &Submission,
        kind: Kind,
        mut batch: Batch,
        envelopes: &[Envelope],
        bodies: &[Body],
    ) -> Result<(), Refusal> {
        let Parts { store, queue, .. } = &self.inner.parts;
        let message = Message {
            id: submission.id,
            kind,
            body: submission.body.reference(),
            sender: submission.sender.clone(),
            parameters: submission.parameters.clone(),
            received: self.now(),
            header_len: submission.outline.body.start,
        };
        let admission = queue.add(&mut batch, &message, envelopes, bodies).map_err(|fault| failed(&fault))?;
        store.commit(batch).await.map_err(uncommitted)?;
        queue.admit(admission);
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

/// Rewriting reads the spool and burns processor time: neither belongs on the threads that carry mail.
async fn on_a_thread_of_its_own<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyFault> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(CopyFault::NoText)) => Err(Refusal::NoText),
        Ok(Err(fault)) => {
            tracing::error!(%fault, "a copy could not be written");
            Err(Refusal::Internal)
        }
        Err(fault) => {
            tracing::error!(%fault, "writing a copy ended unexpectedly");
            Err(Refusal::Internal)
        }
    }
}

fn unwritten(fault: std::io::Error) -> Refusal {
    failed(&StoreFault::Io(fault))
}

fn uncommitted(fault: CommitError) -> Refusal {
    match fault {
        CommitError::Store(fault) => failed(&fault),
        CommitError::Conflict => {
            tracing::error!("a fresh identifier was already in use");
            Refusal::Internal
        }
    }
}

fn failed(fault: &StoreFault) -> Refusal {
    if matches!(fault, StoreFault::Full) {
        return Refusal::DiskFull;
    }
    tracing::error!(%fault, "a message could not be kept");
    Refusal::Internal
}
