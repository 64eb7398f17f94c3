//! Invitations and their links.
//!
//! ```text
//! queued ──▶ sent ──▶ opened ──▶ accepted
//!    │        │ ▲        ▲           ▲
//!    └────▶ bounced ─────┴───────────┘        each but accepted ──▶ withdrawn
//! ```
//! (Steps may be left out: a person may be faster than our note that the mail was sent.)
//!
//! A state never goes back: what comes late (a note of the delivery after the person has acted already) is kept as
//! knowledge and moves nothing. *Expired* is no state but a matter of the clock, and *bounced* does not close a link:
//! whoever holds it has got the mail after all.
//!
//! The link's token stands in the mail only; the book knows its SHA-256.

mod state;
pub mod tally;

use serde::{Deserialize, Serialize};

use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::{AccountId, InvitationId};
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Token, TokenHash};
use crate::store::schema;
use crate::store::{Batch, Store, StoreFault, Stored, Table};

const INVITATIONS: Table<InvitationId, Invitation> = Table::new(schema::INVITATIONS);
const LINKS: Table<TokenHash, InvitationId> = Table::new(schema::LINKS);

/// One inviter, one invitee, one life cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// The staff member who invites.
    pub inviter: Mailbox,
    /// The outside person who is invited; the name if the mail had one.
    pub invitee: Mailbox,
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
        self.state.link_lives_from().map(|sent| sent + self.lifespan.duration())
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

    /// Makes an invitation with its first link.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn insert(&self, batch: &mut Batch, invitation: &Invitation, link: &Token) -> Result<(), StoreFault> {
        INVITATIONS.insert(batch, &invitation.id, invitation)?;
        LINKS.insert(batch, &link.hash(), &invitation.id)
    }

    /// The invitation with this identifier.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn by_id(&self, id: InvitationId) -> Result<Option<Stored<Invitation>>, StoreFault> {
        INVITATIONS.get(&self.store, &id)
    }

    /// What a link leads to at this moment. Changes nothing.
    ///
    /// A queued invitation is open too: the mail may arrive before our note of it.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn standing(&self, link: &TokenHash, now: Timestamp) -> Result<Standing, StoreFault> {
        let Some(id) = LINKS.get(&self.store, link)? else {
            return Ok(Standing::Unknown);
        };
        let Some(invitation) = self.by_id(id.value)? else {
            return Ok(Standing::Unknown);
        };
        Ok(match invitation.value.state {
            State::Accepted { .. } => Standing::Used(invitation.value),
            State::Withdrawn { .. } => Standing::Withdrawn(invitation.value),
            _ if invitation.value.valid_until().is_some_and(|last| now > last) => {
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
        mark(batch, old, old.value.state.sent(at, reply))
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

/// The one way in which a state changes. The commit finds a conflict if somebody else was first.
fn mark(batch: &mut Batch, old: &Stored<Invitation>, next: Option<State>) -> Result<bool, StoreFault> {
    let Some(next) = next else {
        return Ok(false);
    };
    INVITATIONS.replace(batch, &old.value.id, old, &old.value.with(next))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::base::address::Address;
    use crate::config::Storage;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_500_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn invitation() -> Invitation {
        let mailbox = |text| Mailbox::from(Address::parse(text).unwrap());
        Invitation {
            id: InvitationId::fresh(),
            inviter: mailbox("ann@corp.example"),
            invitee: mailbox("kim@partner.example"),
            subject: "Plans".to_owned(),
            message_id: None,
            lifespan: Lifespan::days(14),
            created: START,
            state: State::Queued,
        }
    }

    /// A book with one invitation, its link, and what keeps it.
    async fn book() -> (Invites, Store, Invitation, Token, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        let (invites, invitation, link) =
            (Invites::new(store.clone()), invitation(), Token::fresh().unwrap());
        let mut batch = Batch::new();
        invites.insert(&mut batch, &invitation, &link).unwrap();
        store.commit(batch).await.unwrap();
        (invites, store, invitation, link, folder)
    }

    #[tokio::test]
    async fn a_link_lives_from_the_handover_to_its_last_moment() {
        let (invites, store, invitation, link, _folder) = book().await;
        let long_after = START + DAY * 100;
        assert!(matches!(invites.standing(&link.hash(), long_after).unwrap(), Standing::Open(_)));

        let old = invites.by_id(invitation.id).unwrap().unwrap();
        let mut batch = Batch::new();
        assert!(invites.mark_sent(&mut batch, &old, START + DAY, "250 2.0.0 Ok").unwrap());
        store.commit(batch).await.unwrap();
        let last = START + DAY * 15;
        assert!(matches!(invites.standing(&link.hash(), last).unwrap(), Standing::Open(_)));
        let too_late = last + Duration::from_millis(1);
        assert!(matches!(invites.standing(&link.hash(), too_late).unwrap(), Standing::Expired(_)));
    }

    #[tokio::test]
    async fn used_withdrawn_and_unknown_links_lead_to_pages_of_their_own() {
        let (invites, store, invitation, link, _folder) = book().await;
        let stranger = Token::fresh().unwrap();
        assert!(matches!(invites.standing(&stranger.hash(), START).unwrap(), Standing::Unknown));

        let old = invites.by_id(invitation.id).unwrap().unwrap();
        let mut batch = Batch::new();
        assert!(invites.mark_accepted(&mut batch, &old, START, AccountId::fresh()).unwrap());
        store.commit(batch).await.unwrap();
        // Used wins over expired: such a person has an account.
        assert!(matches!(invites.standing(&link.hash(), START + DAY * 99).unwrap(), Standing::Used(_)));

        let (invites, store, invitation, link, _folder) = book().await;
        let old = invites.by_id(invitation.id).unwrap().unwrap();
        let mut batch = Batch::new();
        assert!(invites.mark_withdrawn(&mut batch, &old, START).unwrap());
        store.commit(batch).await.unwrap();
        assert!(matches!(invites.standing(&link.hash(), START).unwrap(), Standing::Withdrawn(_)));
    }

    #[tokio::test]
    async fn what_is_no_news_changes_no_record() {
        let (invites, store, invitation, _link, _folder) = book().await;
        let old = invites.by_id(invitation.id).unwrap().unwrap();
        let mut batch = Batch::new();
        invites.mark_accepted(&mut batch, &old, START, AccountId::fresh()).unwrap();
        store.commit(batch).await.unwrap();

        let old = invites.by_id(invitation.id).unwrap().unwrap();
        let mut batch = Batch::new();
        assert!(!invites.mark_accepted(&mut batch, &old, START, AccountId::fresh()).unwrap());
        assert!(!invites.mark_opened(&mut batch, &old, START).unwrap());
        assert!(!invites.mark_bounced(&mut batch, &old, START, "550").unwrap());
        assert!(!invites.mark_withdrawn(&mut batch, &old, START).unwrap());
        store.commit(batch).await.unwrap();
        let now = invites.by_id(invitation.id).unwrap().unwrap();
        assert_eq!((now.version, now.value), (old.version, old.value));
    }
}
