//! What becomes of an invitation after it was sent, at the word of its inviter or an administrator: looked at, taken
//! back, given more time; and [`renewal`], a fresh link.
//!
//! What it promises: a change is whole or not there; a link of a withdrawn invitation opens nothing from the commit on,
//! and a mail of it that still waits is not sent any more (`delivery` asks before it sends). Whatever has been used
//! stays as it is.

mod address;
mod fate;
pub mod mine;
pub mod receipt;
pub mod renewal;

use std::sync::Arc;

use thiserror::Error;

use crate::audit::{self, Event};
use crate::base::address::Address;
use crate::base::clock::{Clock, Lifespan, Timestamp};
use crate::base::id::InvitationId;
use crate::invites::{Invitation, Invites, Stage, State};
use crate::notices::NoticeFault;
use crate::store::{Batch, CommitError, Store, StoreFault, Stored};
use crate::switches::Switchboard;

/// Records that one page of a list is made from.
const PAGE: usize = 500;
/// How often a change is decided anew because somebody else was first.
const ROUNDS_MAX: usize = 8;

/// The flow over the book of invitations. Cheap to clone.
#[derive(Clone)]
pub struct Tending {
    store: Store,
    invites: Invites,
    clock: Arc<dyn Clock>,
    switches: Switchboard,
}

/// Which invitations are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this inviter.
    pub inviter: Option<Address>,
    /// Those that stand so.
    pub stage: Option<Stage>,
}

/// A part of a list, in the order in which the invitations were made.
#[derive(Debug)]
pub struct Listing {
    /// Those that were wanted; it may be none of this part.
    pub invitations: Vec<Invitation>,
    /// Where the next part begins; `None` behind the last.
    pub next: Option<InvitationId>,
}

/// Why nothing was changed, in words for whoever wanted it.
#[derive(Debug, Error)]
pub enum TendingFault {
    /// No such invitation.
    #[error("There is no invitation {0}.")]
    Unknown(InvitationId),
    /// The account is open.
    #[error("The invitation has been used: {0} has an account. There is nothing left to change.")]
    Used(Address),
    /// It was taken back.
    #[error("The invitation was withdrawn, and stays so. To invite {0} after all, send a new invitation.")]
    Withdrawn(Address),
    /// The right address has an invitation of its own.
    #[error("{right} has an invitation of {inviter} already. There is nothing left to correct.")]
    Invited {
        /// The right address.
        right: Address,
        /// Whose both invitations are.
        inviter: Address,
    },
    /// A fresh link has only just been sent.
    #[error("A fresh link was sent to {0} just now. Please wait a minute before you send another.")]
    JustSent(Address),
    /// More time than an invitation may have.
    #[error(
        "{days} more days are too many: an invitation may be valid for at most {longest} days from now on."
    )]
    TooLong {
        /// What was wanted.
        days: u32,
        /// `invite.lifespan_max`.
        longest: u32,
    },
    /// Nobody can invite.
    #[error("Invitations are switched off at the moment, so no link is sent or given more time.")]
    Off,
    /// No time at all.
    #[error("An invitation can be extended by one day or more.")]
    NoTime,
    /// Somebody else changes it all the time.
    #[error("The invitation is being changed by somebody else just now. Please try again.")]
    Conflict,
    /// The mail could not be written.
    #[error("The mail could not be written: {0}")]
    Notice(#[from] NoticeFault),
    /// No randomness for a link.
    #[error("No link could be made: {0}")]
    Random(#[from] crate::base::secret::RandomFailed),
    /// The store failed.
    #[error("The store failed: {0}")]
    Store(#[from] StoreFault),
}

impl Tending {
    /// The flow over this book.
    #[must_use]
    pub fn new(store: Store, invites: Invites, clock: Arc<dyn Clock>, switches: Switchboard) -> Self {
        Self { store, invites, clock, switches }
    }

    /// The present moment, by which an invitation stands as it does.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Wanted invitations, from the beginning or behind `after`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn list(&self, filter: &Filter, after: Option<InvitationId>) -> Result<Listing, StoreFault> {
        let now = self.now();
        let mut invitations = self.invites.list(after, PAGE)?;
        let next = invitations.last().map(|last| last.id).filter(|_| invitations.len() == PAGE);
        invitations.retain(|invitation| filter.wants(invitation, now));
        Ok(Listing { invitations, next })
    }

    /// One invitation.
    ///
    /// # Errors
    /// [`TendingFault::Unknown`], or where the store failed.
    pub fn show(&self, id: InvitationId) -> Result<Invitation, TendingFault> {
        Ok(self.read(id)?.value)
    }

    /// Takes an invitation back. One that was taken back already stays so.
    ///
    /// # Errors
    /// [`TendingFault::Used`], and what else can go wrong.
    pub async fn withdraw(&self, id: InvitationId) -> Result<Invitation, TendingFault> {
        for _ in 0..ROUNDS_MAX {
            let old = self.read(id)?;
            let mut batch = Batch::new();
            if !self.invites.mark_withdrawn(&mut batch, &old, self.now())? {
                return match old.value.state {
                    State::Withdrawn { .. } => Ok(old.value),
                    _ => Err(closed(&old.value)),
                };
            }
            if self.committed(batch).await? {
                audit::record(&Event::Withdrawn { invitation: id });
                return self.show(id);
            }
        }
        Err(TendingFault::Conflict)
    }

    /// Gives an invitation more days; one that has expired, that many from now on.
    ///
    /// # Errors
    /// Where it is used or withdrawn, or may not live so long, or invitations are off, and what else can go wrong.
    pub async fn extend(&self, id: InvitationId, days: u32) -> Result<Invitation, TendingFault> {
        self.are_on()?;
        if days == 0 {
            return Err(TendingFault::NoTime);
        }
        let most = self.switches.lifespans().end();
        for _ in 0..ROUNDS_MAX {
            let old = self.read(id)?;
            let now = self.now();
            let longest = most.in_days();
            // What does not run yet has its whole time before it.
            let rest = old.value.valid_until().map_or(old.value.lifespan.duration(), |last| last.since(now));
            let more = Lifespan::days(days);
            if days > longest || rest + more.duration() > most.duration() {
                return Err(TendingFault::TooLong { days, longest });
            }
            let mut batch = Batch::new();
            if !self.invites.extend(&mut batch, &old, now, more)? {
                return Err(closed(&old.value));
            }
            if self.committed(batch).await? {
                audit::record(&Event::Extended { invitation: id, days });
                return self.show(id);
            }
        }
        Err(TendingFault::Conflict)
    }

    /// Whether links are made and given more time at all.
    fn are_on(&self) -> Result<(), TendingFault> {
        if self.switches.now().invitations { Ok(()) } else { Err(TendingFault::Off) }
    }

    fn read(&self, id: InvitationId) -> Result<Stored<Invitation>, TendingFault> {
        self.invites.by_id(id)?.ok_or(TendingFault::Unknown(id))
    }

    async fn committed(&self, batch: Batch) -> Result<bool, TendingFault> {
        was_first(self.store.commit(batch).await)
    }
}

/// False where somebody else was first.
fn was_first(committed: Result<(), CommitError>) -> Result<bool, TendingFault> {
    match committed {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict) => Ok(false),
        Err(CommitError::Store(fault)) => Err(fault.into()),
    }
}

impl Filter {
    fn wants(&self, invitation: &Invitation, now: Timestamp) -> bool {
        let address = &invitation.inviter.address;
        self.inviter.as_ref().is_none_or(|inviter| inviter.same_mailbox(address))
            && self.stage.is_none_or(|stage| stage == invitation.stage(now))
    }
}

/// Why an invitation cannot be changed any more.
fn closed(invitation: &Invitation) -> TendingFault {
    let invitee = invitation.invitee.address.clone();
    match invitation.state {
        State::Withdrawn { .. } => TendingFault::Withdrawn(invitee),
        _ => TendingFault::Used(invitee),
    }
}
