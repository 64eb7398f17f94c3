//! Sponsors and their guests: whom somebody has invited and answers for, and how that ends.
//!
//! A guest whom several people have invited loses only the one who lets go; with the last of them the account ends.

pub mod succession;

use std::collections::BTreeSet;
use std::net::IpAddr;

use thiserror::Error;

use crate::accounts::{Account, Accounts, Kind};
use crate::audit::{self, Deed, Event};
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, InvitationId};
use crate::base::mailbox::Mailbox;
use crate::invites::{Invites, State};
use crate::store::{Batch, CommitError, Store, StoreFault};

/// Guests on one list.
pub const GUESTS_MAX: usize = 500;
/// Invitations that are looked at for it, the last ones first.
const LOOKED_AT_MAX: usize = 5_000;
/// Invitations that are read at once.
const STRIDE: usize = 200;
/// How often a change is decided anew because somebody else was first.
const ROUNDS_MAX: usize = 8;

/// The flow over both books. Cheap to clone.
#[derive(Clone)]
pub struct Sponsoring {
    store: Store,
    accounts: Accounts,
    invites: Invites,
}

/// A guest, as the sponsor sees one.
#[derive(Debug)]
pub struct Sponsored {
    /// The account.
    pub guest: Account,
    /// When the guest signed in last; `None` where nobody ever has.
    pub last_use: Option<Timestamp>,
    /// How many others have invited this guest.
    pub others: usize,
}

/// What has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The guest may leave no more files for this sponsor. Others have invited the guest too.
    Link,
    /// The account, with all its sessions.
    Account,
}

/// Why nothing has ended.
#[derive(Debug, Error)]
pub enum SponsoringFault {
    /// No guest of this sponsor's.
    #[error("there is no such guest")]
    Unknown,
    /// Somebody else changes the account all the time.
    #[error("the account is being changed by somebody else just now; please try again")]
    Conflict,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Sponsoring {
    /// The flow over these books.
    #[must_use]
    pub const fn new(store: Store, accounts: Accounts, invites: Invites) -> Self {
        Self { store, accounts, invites }
    }

    /// The guests of a sponsor, by the invitations that they have accepted, the last one first; at most [`GUESTS_MAX`].
    ///
    /// # Errors
    /// Where the store failed.
    pub fn guests(&self, sponsor: &Account) -> Result<Vec<Sponsored>, StoreFault> {
        let mut guests = Vec::new();
        let mut seen = BTreeSet::new();
        for address in sponsor.addresses() {
            let mut before: Option<InvitationId> = None;
            for _ in 0..LOOKED_AT_MAX.div_ceil(STRIDE) {
                let sent = self.invites.sent_from(address, before, STRIDE)?;
                for invitation in &sent {
                    let State::Accepted { account, .. } = invitation.state else { continue };
                    if guests.len() < GUESTS_MAX && seen.insert(account) {
                        guests.extend(self.sponsored(sponsor, account)?);
                    }
                }
                before = sent.last().map(|last| last.id);
                if sent.len() < STRIDE {
                    break;
                }
            }
        }
        Ok(guests)
    }

    /// Lets go of a guest, and notes it in the audit log.
    ///
    /// # Errors
    /// [`SponsoringFault`]; then nothing has ended.
    pub async fn end(
        &self,
        sponsor: &Account,
        guest: AccountId,
        peer: IpAddr,
    ) -> Result<Ended, SponsoringFault> {
        for _ in 0..ROUNDS_MAX {
            let old = self.accounts.by_id(guest)?.filter(|old| is_sponsor(sponsor, &old.value));
            let old = old.ok_or(SponsoringFault::Unknown)?;
            let rest: Vec<Mailbox> =
                old.value.inviters.iter().filter(|other| !sponsor.owns(&other.address)).cloned().collect();
            let mut batch = Batch::new();
            let ended = if rest.is_empty() { Ended::Account } else { Ended::Link };
            match ended {
                Ended::Account => self.accounts.remove(&mut batch, &old)?,
                Ended::Link => {
                    let new = Account { inviters: rest, ..old.value.clone() };
                    self.accounts.replace(&mut batch, &old, &new)?;
                }
            }
            match self.store.commit(batch).await {
                Ok(()) => {
                    let deed = if ended == Ended::Account { Deed::Removed } else { Deed::LetGo };
                    let whom = &old.value.mailbox.address;
                    audit::record(&Event::Account { deed, whom, by: "sponsor", peer: Some(peer) });
                    return Ok(ended);
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(fault)) => return Err(fault.into()),
            }
        }
        Err(SponsoringFault::Conflict)
    }

    /// A guest that has an account still and this sponsor still.
    fn sponsored(&self, sponsor: &Account, guest: AccountId) -> Result<Option<Sponsored>, StoreFault> {
        let Some(guest) = self.accounts.by_id(guest)?.map(|guest| guest.value) else {
            return Ok(None);
        };
        if !is_sponsor(sponsor, &guest) {
            return Ok(None);
        }
        let last_use = self.accounts.last_use(guest.id)?.map(|last| last.value.at);
        let others = guest.inviters.iter().filter(|other| !sponsor.owns(&other.address)).count();
        Ok(Some(Sponsored { guest, last_use, others }))
    }
}

fn is_sponsor(sponsor: &Account, guest: &Account) -> bool {
    guest.kind == Kind::Guest && guest.inviters.iter().any(|inviter| sponsor.owns(&inviter.address))
}
