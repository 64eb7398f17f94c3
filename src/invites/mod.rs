//! Invitations and their links.
//!
//! ```text
//! queued ──▶ sent ──▶ opened ──▶ accepted
//!  ▲ │        │ ▲        ▲           ▲
//!  │ └────▶ bounced ─────┴───────────┘        each but accepted ──▶ withdrawn
//!  └────────── ┘ a fresh link is on its way
//! ```
//! (Steps may be left out: a person may be faster than our note that the mail was sent.)
//!
//! A state never goes back: what comes late (a note of the delivery after the person has acted already) is kept as
//! knowledge and moves nothing. *Expired* is no state but a matter of the clock, and *bounced* does not close a link:
//! whoever holds it has got the mail after all.
//!
//! One invitation may have several links: each [renewal](Invites::renew) makes a fresh one. While the invitation is
//! open they all lead to the same form, until one is used. But a link that has expired stays so: what a renewal makes
//! afterwards goes to the invited address only, and whoever else holds the old one has nothing of it.
//!
//! The link's token stands in the mail only; the book knows its SHA-256.

pub mod addresses;
pub mod expiry;
pub mod forgetting;
mod life;
mod mine;
pub mod receipt;
pub mod seal;
mod state;
pub mod tally;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::base::address::Address;
use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::{AccountId, InvitationId};
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Token, TokenHash};
pub use crate::invites::life::{Approval, Asked, Life, Stage};
use crate::store::schema;
use crate::store::{Batch, Store, StoreFault, Stored, Table};

const INVITATIONS: Table<InvitationId, Invitation> = Table::new(schema::INVITATIONS);
const LINKS: Table<TokenHash, Link> = Table::new(schema::LINKS);

/// The last invitation between an inviter and an invitee, by their addresses' keys.
const PENDING: Table<(String, String), InvitationId> = Table::new(schema::PENDING);

/// One inviter, one invitee, one life cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// The staff member who invites.
    pub inviter: Mailbox,
    /// The person who is invited; the name if the mail had one.
    pub invitee: Mailbox,
    /// Whether this is a colleague, who has an account with the organisation; else it is somebody outside.
    pub internal: bool,
    /// Of the inviter's mail.
    pub subject: String,
    /// Of the inviter's mail, so that notices hang in its thread.
    pub message_id: Option<String>,
    /// How long a link lives from the moment the mail is sent.
    pub lifespan: Lifespan,
    /// When the inviter's mail was accepted.
    pub created: Timestamp,
    /// How far it has come.
    pub state: State,
    /// What has been done about it since.
    pub life: Life,
    /// Of the invitee, if it is known.
    pub language: Option<Language>,
}

/// A link: to which invitation it leads, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    invitation: InvitationId,
    made: Timestamp,
}

/// How far an invitation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The mail is on its way.
    Queued,
    /// The next hop has taken the mail.
    Sent(Handover),
    /// A person has seen the page: a browser gave our cookie back.
    Opened {
        /// The handover; `None` while our note of it is still to come.
        sent: Option<Handover>,
        /// When the page was seen first.
        at: Timestamp,
    },
    /// The link was used.
    Accepted {
        /// The handover; `None` while our note of it is still to come.
        sent: Option<Handover>,
        /// When.
        at: Timestamp,
        /// The account that was opened with it.
        account: AccountId,
    },
    /// The mail could not be delivered.
    Bounced {
        /// The handover, if a hop further on refused the mail.
        sent: Option<Handover>,
        /// When we heard of it.
        at: Timestamp,
        /// Why, in words.
        reason: String,
    },
    /// The inviter took it back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

/// The next hop's 250: from here on a link lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// When the first next hop accepted the mail.
    pub at: Timestamp,
    /// Its words.
    pub reply: String,
}

/// What a link leads to.
#[derive(Clone, Debug)]
pub enum Standing {
    /// To the form.
    Open(Stored<Invitation>),
    /// It came too late.
    Expired(Invitation),
    /// The inviter took it back.
    Withdrawn(Invitation),
    /// There is an account already.
    Used(Invitation),
    /// We did not make this link.
    Unknown,
}

/// The book of invitations. Cheap to clone.
#[derive(Clone)]
pub struct Invites {
    store: Store,
}

impl Invitation {
    /// The last moment in which its links work; `None` while the mail is on its way.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        let from = self.state.link_lives_from()?.max(self.life.renewed.unwrap_or(self.created));
        let until = from + self.lifespan.duration();
        Some(self.life.extended_until.map_or(until, |extended| extended.max(until)))
    }

    /// Whether its time is over.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.valid_until().is_some_and(|last| now > last)
    }

    /// Whether it can still be used or changed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    fn with(&self, state: State) -> Self {
        Self { state, ..self.clone() }
    }
}

impl Invites {
    /// The book in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes an invitation with its first link. The commit finds a conflict where there is one between these two that
    /// is open: it can be made anew ([`Invites::invite_again`]).
    ///
    /// # Errors
    /// Where the record is too large, or the store failed.
    pub fn insert(&self, batch: &mut Batch, invitation: &Invitation, link: &Token) -> Result<(), StoreFault> {
        mine::note(batch, invitation)?;
        INVITATIONS.insert(batch, &invitation.id, invitation)?;
        self.enter_pending(batch, invitation)?;
        LINKS.insert(batch, &link.hash(), &Link { invitation: invitation.id, made: invitation.created })
    }

    /// Makes an invitation of somebody who has an account already: it is accepted from the beginning and has no link.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn insert_accepted(&self, batch: &mut Batch, invitation: &Invitation) -> Result<(), StoreFault> {
        mine::note(batch, invitation)?;
        INVITATIONS.insert(batch, &invitation.id, invitation)
    }

    /// The last invitation between these two, if it is neither used nor withdrawn.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn pending(
        &self,
        inviter: &Address,
        invitee: &Address,
    ) -> Result<Option<Stored<Invitation>>, StoreFault> {
        let Some(id) = PENDING.get(&self.store, &between(inviter, invitee))? else {
            return Ok(None);
        };
        Ok(self.by_id(id.value)?.filter(|invitation| invitation.value.state.is_open()))
    }

    /// From now on this is the last one between its two people. One that is open is not replaced: the commit finds a
    /// conflict.
    fn enter_pending(&self, batch: &mut Batch, invitation: &Invitation) -> Result<(), StoreFault> {
        let between = between(&invitation.inviter.address, &invitation.invitee.address);
        match PENDING.get(&self.store, &between)? {
            Some(last) if !self.is_open(last.value)? => {
                PENDING.replace(batch, &between, &last, &invitation.id)
            }
            _ => PENDING.insert(batch, &between, &invitation.id),
        }
    }

    /// This is no longer the last one between its two people.
    fn forget_pending(&self, batch: &mut Batch, invitation: &Invitation) -> Result<(), StoreFault> {
        let between = between(&invitation.inviter.address, &invitation.invitee.address);
        match PENDING.get(&self.store, &between)? {
            Some(last) if last.value == invitation.id => PENDING.remove(batch, &between, &last),
            _ => Ok(()),
        }
    }

    fn is_open(&self, id: InvitationId) -> Result<bool, StoreFault> {
        Ok(self.by_id(id)?.is_some_and(|invitation| invitation.value.state.is_open()))
    }

    /// The last invitation between these two, whatever has become of it.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn last_between(
        &self,
        inviter: &Address,
        invitee: &Address,
    ) -> Result<Option<Invitation>, StoreFault> {
        let Some(id) = PENDING.get(&self.store, &between(inviter, invitee))? else {
            return Ok(None);
        };
        Ok(self.by_id(id.value)?.map(|invitation| invitation.value))
    }

    /// The invitation with this identifier.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn by_id(&self, id: InvitationId) -> Result<Option<Stored<Invitation>>, StoreFault> {
        INVITATIONS.get(&self.store, &id)
    }

    /// Invitations in the order in which they were made, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn list(&self, after: Option<InvitationId>, limit: usize) -> Result<Vec<Invitation>, StoreFault> {
        let records = INVITATIONS.scan(&self.store, after.as_ref(), limit)?;
        Ok(records.into_iter().map(|(_, invitation)| invitation.value).collect())
    }

    /// What a link leads to at this moment. Changes nothing.
    ///
    /// A queued invitation is open too: the mail may arrive before our note of it.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn standing(&self, link: &TokenHash, now: Timestamp) -> Result<Standing, StoreFault> {
        let Some(link) = LINKS.get(&self.store, link)? else {
            return Ok(Standing::Unknown);
        };
        let Some(invitation) = self.by_id(link.value.invitation)? else {
            return Ok(Standing::Unknown);
        };
        Ok(match invitation.value.state {
            // It went to an address that was not the invitee's, whose holder learns nothing of the right one.
            _ if invitation.value.life.readdressed.is_some_and(|at| link.value.made < at) => {
                Standing::Withdrawn(invitation.value)
            }
            State::Accepted { .. } => Standing::Used(invitation.value),
            State::Withdrawn { .. } => Standing::Withdrawn(invitation.value),
            _ if invitation.value.has_expired(now) || invitation.value.life.is_over_for(link.value.made) => {
                Standing::Expired(invitation.value)
            }
            _ => Standing::Open(invitation),
        })
    }

    /// The next hop has taken the mail, with these words. Says whether that is news; if not, nothing is in the batch.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn mark_sent(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        at: Timestamp,
        reply: &str,
    ) -> Result<bool, StoreFault> {
        mark(batch, old, old.value.state.sent(at, reply, old.value.life.renewed))
    }

    /// The mail could not be delivered. Says whether that is news; if not, nothing is in the batch.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn mark_bounced(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        at: Timestamp,
        reason: &str,
    ) -> Result<bool, StoreFault> {
        mark(batch, old, old.value.state.bounced(at, reason))
    }

    /// A person has seen the page. Says whether that is news; if not, nothing is in the batch.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn mark_opened(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        at: Timestamp,
    ) -> Result<bool, StoreFault> {
        mark(batch, old, old.value.state.opened(at))
    }

    /// The link was used. Says whether it may be; if not (used, withdrawn), nothing is in the batch, and the batch
    /// must not be committed as if it were.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn mark_accepted(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        at: Timestamp,
        account: AccountId,
    ) -> Result<bool, StoreFault> {
        mark(batch, old, old.value.state.accepted(at, account))
    }

    /// The inviter took the invitation back. Says whether it could be; if not, nothing is in the batch.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn mark_withdrawn(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        at: Timestamp,
    ) -> Result<bool, StoreFault> {
        mark(batch, old, old.value.state.withdrawn(at))
    }
}

/// What the last invitation between two people is found by.
fn between(inviter: &Address, invitee: &Address) -> (String, String) {
    (inviter.key(), invitee.key())
}

/// The one way in which a state changes. The commit finds a conflict if somebody else was first.
fn mark(batch: &mut Batch, old: &Stored<Invitation>, next: Option<State>) -> Result<bool, StoreFault> {
    let Some(next) = next else {
        return Ok(false);
    };
    expiry::replace(batch, old, &old.value.with(next))?;
    Ok(true)
}
