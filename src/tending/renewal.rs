//! A fresh link, by a mail of its own to the invited address and to nobody else.
//!
//! ```text
//! resend (inviter, administrator) ───────────────────────────────────────▶ fresh link
//! ask (invitee, from the page of an expired link) ──first time───────────▶ fresh link
//!                                                 └─later─▶ approval mail ──▶ button ──▶ fresh link
//! ```

use std::net::IpAddr;
use std::time::Duration;

use crate::audit::{self, Event};
use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::base::secret::{Token, TokenHash};
use crate::invites::{Approval, Asked, Invitation, Standing, State};
use crate::notices::Notices;
use crate::queue::Queue;
use crate::store::{Batch, Stored};
use crate::tending::{ROUNDS_MAX, Tending, TendingFault, closed, was_first};

/// How soon after a fresh link another one may be sent: nobody's mailbox is filled by a button.
const RESEND_AFTER: Duration = Duration::from_mins(1);

/// How long an inviter may take to say yes.
const APPROVAL_TIME: Duration = Duration::from_hours(14 * 24);

/// Makes fresh links. Cheap to clone.
#[derive(Clone)]
pub struct Renewals {
    pub(super) tending: Tending,
    pub(super) notices: Notices,
    pub(super) queue: Queue,
}

/// What an invitee gets who asked for a fresh link.
#[derive(Debug)]
pub enum Renewal {
    /// That, or what stands in its way.
    Answered(Invitation, Asked),
    /// Nothing: invitations are switched off.
    Off(Invitation),
    /// The link has not expired: it leads elsewhere.
    NotExpired(Standing),
}

/// What an inviter finds behind the link of an approval mail.
#[derive(Debug)]
pub enum Approving {
    /// The question.
    Open(Invitation),
    /// The yes was given, and the fresh link is on its way or has arrived.
    Done(Invitation),
    /// The invitation is used or withdrawn.
    Closed(Invitation),
    /// The question is too old.
    TooOld(Invitation),
    /// Invitations are switched off.
    Off(Invitation),
    /// We did not ask this.
    Unknown,
}

impl Renewals {
    /// Over this flow, with mails of these.
    #[must_use]
    pub const fn new(tending: Tending, notices: Notices, queue: Queue) -> Self {
        Self { tending, notices, queue }
    }

    /// The flow for what needs no mail.
    #[must_use]
    pub const fn tending(&self) -> &Tending {
        &self.tending
    }

    /// The writer of mails about it.
    #[must_use]
    pub const fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Sends a fresh link because the inviter, or an administrator, wants it: `by`, for the audit log, from where.
    ///
    /// # Errors
    /// Where the invitation is used or withdrawn, or a link was sent just now, or invitations are off, and what else can go
    /// wrong.
    pub async fn resend(
        &self,
        id: InvitationId,
        by: &str,
        peer: Option<IpAddr>,
    ) -> Result<Invitation, TendingFault> {
        self.tending.are_on()?;
        for _ in 0..ROUNDS_MAX {
            let old = self.tending.read(id)?;
            let last = old.value.life.renewed;
            let is_recent = last.is_some_and(|last| last + RESEND_AFTER > self.tending.now());
            // One that is over says so first.
            if is_recent && old.value.state.is_open() {
                return Err(TendingFault::JustSent(old.value.invitee.address));
            }
            if self.renewed(Batch::new(), &old, false).await? {
                audit::record(&Event::Renewed { invitation: id, by, peer });
                return self.tending.show(id);
            }
        }
        Err(TendingFault::Conflict)
    }

    /// An invitee with an expired link asks for a fresh one.
    ///
    /// # Errors
    /// What can go wrong.
    pub async fn ask(&self, link: &TokenHash, peer: IpAddr) -> Result<Renewal, TendingFault> {
        for _ in 0..ROUNDS_MAX {
            let now = self.tending.now();
            let expired = match self.tending.invites.standing(link, now)? {
                Standing::Expired(expired) => expired,
                other => return Ok(Renewal::NotExpired(other)),
            };
            if self.tending.are_on().is_err() {
                return Ok(Renewal::Off(expired));
            }
            let old = self.tending.read(expired.id)?;
            let answer = old.value.asking(now);
            let is_done = match answer {
                Asked::TooSoon { .. } => true,
                Asked::Link => {
                    let is_done = self.renewed(Batch::new(), &old, true).await?;
                    if is_done {
                        let (invitation, peer) = (old.value.id, Some(peer));
                        audit::record(&Event::Renewed { invitation, by: "invitee", peer });
                    }
                    is_done
                }
                Asked::Question => {
                    let is_done = self.asked(&old, now).await?;
                    if is_done {
                        audit::record(&Event::RenewalAsked { invitation: old.value.id, peer });
                    }
                    is_done
                }
            };
            if is_done {
                return Ok(Renewal::Answered(old.value, answer));
            }
        }
        Err(TendingFault::Conflict)
    }

    /// What the word in an approval mail leads to. Changes nothing.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn look(&self, word: &TokenHash) -> Result<Approving, TendingFault> {
        Ok(self.question(word)?.1)
    }

    /// The inviter says yes.
    ///
    /// # Errors
    /// What can go wrong.
    pub async fn approve(&self, word: &TokenHash, peer: IpAddr) -> Result<Approving, TendingFault> {
        for _ in 0..ROUNDS_MAX {
            let (approval, Approving::Open(invitation)) = self.question(word)? else {
                return self.look(word);
            };
            let Some(approval) = approval else {
                return Ok(Approving::Unknown);
            };
            let old = self.tending.read(invitation.id)?;
            let mut batch = Batch::new();
            self.tending.invites.approve(&mut batch, word, &approval, self.tending.now())?;
            if self.renewed(batch, &old, true).await? {
                let (invitation, peer) = (old.value.id, Some(peer));
                audit::record(&Event::Renewed { invitation, by: "inviter", peer });
                return Ok(Approving::Done(old.value));
            }
        }
        Err(TendingFault::Conflict)
    }

    fn question(&self, word: &TokenHash) -> Result<(Option<Stored<Approval>>, Approving), TendingFault> {
        let Some(approval) = self.tending.invites.approval(word)? else {
            return Ok((None, Approving::Unknown));
        };
        let invitation = self.tending.read(approval.value.invitation)?.value;
        let standing = if matches!(invitation.state, State::Accepted { .. } | State::Withdrawn { .. }) {
            Approving::Closed(invitation)
        } else if approval.value.given.is_some() {
            Approving::Done(invitation)
        } else if self.tending.now() > approval.value.asked + APPROVAL_TIME {
            Approving::TooOld(invitation)
        } else if self.tending.are_on().is_err() {
            Approving::Off(invitation)
        } else {
            Approving::Open(invitation)
        };
        Ok((Some(approval), standing))
    }

    /// A fresh link, its mail and what is in `batch` already, in one commit. False where somebody else was first.
    async fn renewed(
        &self,
        mut batch: Batch,
        old: &Stored<Invitation>,
        is_asked: bool,
    ) -> Result<bool, TendingFault> {
        let link = Token::fresh()?;
        let (invites, now) = (&self.tending.invites, self.tending.now());
        let may_be = if is_asked {
            invites.renew_asked(&mut batch, old, now, &link)?
        } else {
            invites.renew(&mut batch, old, now, &link)?
        };
        if !may_be {
            return Err(closed(&old.value));
        }
        let admission = self.notices.renewal(&mut batch, &old.value, &link).await?;
        was_first(self.queue.commit(batch, vec![admission]).await)
    }

    /// The question to the inviter. False where somebody else was first.
    async fn asked(&self, old: &Stored<Invitation>, now: Timestamp) -> Result<bool, TendingFault> {
        let word = Token::fresh()?;
        let mut batch = Batch::new();
        self.tending.invites.ask_inviter(&mut batch, old, now, &word)?;
        let admission = self.notices.approval(&mut batch, &old.value, &word).await?;
        was_first(self.queue.commit(batch, vec![admission]).await)
    }
}
