//! What becomes of guests whose sponsor is gone: removed, locked, or out of the directory.
//!
//! ```text
//! look ──▶ vacancy, question to the manager ──yes──▶ the guests have another sponsor
//!               └──30 days──▶ warned ──3 days──▶ the end
//! ```
//! What it promises: nobody is asked twice; a directory that is silent proves nothing, and then nothing is done; whoever
//! is back has the guests back; nobody's account ends unwarned. Guests whom others have invited, too, lose only the one
//! who is gone. All of it can be done again at any time: each step is one commit.

mod round;
pub mod takeover;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;

use crate::accounts::vacancies::Vacancy;
use crate::accounts::words::Purpose;
use crate::accounts::{Account, Accounts, Kind};
use crate::audit::{self, Deed, Event};
use crate::auth::Authenticator;
use crate::auth::directory::DirectoryFault;
use crate::auth::enrolment::LookupFault;
use crate::auth::presence::Presence;
use crate::base::address::Address;
use crate::base::clock::{Clock, Timestamp};
use crate::base::mailbox::Mailbox;
use crate::base::secret::{RandomFailed, Token};
use crate::config::GuestAccounts;
use crate::invites::Invites;
use crate::net::lifecycle::Lifecycle;
use crate::notices::takeover::Question;
use crate::notices::{NoticeFault, Notices};
use crate::queue::Queue;
use crate::sponsoring::succession::round::Left;
use crate::store::{Batch, CommitError, Store, StoreFault, Stored};

/// Records that are read, or forgotten, at once.
const STRIDE: usize = 250;
/// From the start, or from a look that broke off, to the next one.
const SOON: Duration = Duration::from_mins(10);
/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_hours(24);
/// From one question to the directory, or one page of guests, to the next: others have work, too.
const PACE: Duration = Duration::from_millis(20);
/// How long a question can be answered where guests do not end.
const ASKED_FOR: Duration = Duration::from_hours(30 * 24);

/// The flow. Cheap to clone; all clones wake the same one that runs.
#[derive(Clone)]
pub struct Succession {
    parts: Arc<Parts>,
    rules: Arc<Rules>,
    woken: Arc<Notify>,
}

/// What it is made of.
pub struct Parts {
    /// Where changes are committed.
    pub store: Store,
    /// Guests and staff.
    pub accounts: Accounts,
    /// What a successor is put down in.
    pub invites: Invites,
    /// Who is still there.
    pub authenticator: Authenticator,
    /// The mails.
    pub notices: Notices,
    /// Where they wait.
    pub queue: Queue,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What the configuration says about it.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `[guests]`.
    pub guests: GuestAccounts,
    /// Of what a successor is put down with, where the guest's own invitation is not known any more.
    pub subject: String,
}

/// Why a step was not done. It is done at the next look.
#[derive(Debug, Error)]
pub enum SuccessionFault {
    /// Who is still there is not known.
    #[error(transparent)]
    Lookup(#[from] LookupFault),
    /// The mail could not be written.
    #[error(transparent)]
    Notice(#[from] NoticeFault),
    /// No randomness for a link.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The daemon stops.
    #[error("everything stops")]
    Stopping,
}

impl Succession {
    /// The flow over these parts.
    #[must_use]
    pub fn new(parts: Parts, rules: Rules) -> Self {
        Self { parts: Arc::new(parts), rules: Arc::new(rules), woken: Arc::default() }
    }

    /// Looks once a day, and whenever guests were taken over, until the lifecycle stops.
    pub async fn run(self, lifecycle: Lifecycle) {
        let (mut next, mut after) = (self.now() + SOON, None);
        loop {
            let is_time = tokio::select! {
                () = lifecycle.stopping() => return,
                () = self.woken.notified() => false,
                () = self.parts.clock.sleep_until(next) => true,
            };
            let done = async {
                if is_time {
                    self.look(&mut after, &lifecycle).await?;
                }
                self.tend(&lifecycle).await
            };
            match done.await {
                Ok(_) if is_time => next = self.now() + LOOK_EVERY,
                Ok(_) => {}
                Err(SuccessionFault::Stopping) => return,
                Err(fault) => {
                    tracing::warn!(%fault, "guests of people who have left could not be seen to; trying again later");
                    next = self.now() + SOON;
                }
            }
        }
    }

    /// Looks who has left guests behind, and asks for each, once, who takes over. Begins behind `after`, and leaves there
    /// where the next look begins: one look puts a bounded number of questions.
    ///
    /// # Errors
    /// [`SuccessionFault`], but for what concerns one sponsor only; what was done so far stays done.
    pub async fn look(
        &self,
        after: &mut Option<String>,
        lifecycle: &Lifecycle,
    ) -> Result<(), SuccessionFault> {
        let sponsors = self.sponsors(after.as_deref(), lifecycle).await?;
        for (key, left) in &sponsors.found {
            pause(lifecycle).await?;
            passed_over(self.look_at(key, left).await, &left.sponsor.address)?;
        }
        self.close_deserted(after.clone(), &sponsors, lifecycle).await?;
        *after = sponsors.next;
        Ok(())
    }

    async fn look_at(&self, key: &str, left: &Left) -> Result<(), SuccessionFault> {
        let presence = self.parts.authenticator.presence(&left.sponsor.address).await?;
        match (presence, self.parts.accounts.vacancy(key)?) {
            (Presence::Here, Some(old)) if old.value.successor.is_none() => Ok(self.close(&old).await?),
            (Presence::Gone { manager }, old) if old.as_ref().is_none_or(|old| old.value.is_unasked()) => {
                self.vacate(left, manager, old.as_ref()).await
            }
            _ => Ok(()),
        }
    }

    /// Somebody is gone: the manager is asked, or who else is to be. Where that was nobody, it may be somebody now.
    async fn vacate(
        &self,
        left: &Left,
        manager: Option<Mailbox>,
        old: Option<&Stored<Vacancy>>,
    ) -> Result<(), SuccessionFault> {
        let fallback = || self.rules.guests.fallback_sponsor.clone().map(Mailbox::from);
        let is_other = |one: &Mailbox| !one.address.same_mailbox(&left.sponsor.address);
        let asked = manager.filter(is_other).or_else(|| fallback().filter(is_other));
        let now = self.now();
        let since = old.map_or(now, |old| old.value.since);
        let vacancy = Vacancy { sponsor: left.sponsor.clone(), since, asked: asked.clone(), successor: None };
        let mut batch = Batch::new();
        match old {
            None => self.parts.accounts.open_vacancy(&mut batch, &vacancy)?,
            Some(_) if asked.is_none() => return Ok(()),
            Some(old) => self.parts.accounts.change_vacancy(&mut batch, old, &vacancy)?,
        }
        let mut mails = Vec::new();
        if let Some(successor) = &asked {
            let word = Token::fresh()?;
            let until = self.end(&vacancy).filter(|end| *end > now);
            let ends = until.unwrap_or(now + ASKED_FOR);
            let purpose = Purpose::TakeOver { sponsor: left.sponsor.clone(), successor: successor.clone() };
            self.parts.accounts.keep_word(&mut batch, &word, purpose, ends)?;
            let question = Question {
                sponsor: &left.sponsor,
                successor,
                guests: &left.guests,
                more: left.more,
                until,
                word: &word,
            };
            mails.push(self.parts.notices.takeover(&mut batch, &question).await?);
        } else {
            let sponsor = left.sponsor.address.masked();
            tracing::warn!(
                sponsor,
                "somebody has left guests behind, and guests.fallback_sponsor names nobody else to ask"
            );
        }
        if was_first(self.parts.queue.commit(batch, mails).await)? && old.is_none() {
            note(Deed::SponsorGone, &left.sponsor.address);
        }
        Ok(())
    }

    /// It is over: somebody is back before anybody else has taken over, or no guest is left.
    async fn close(&self, old: &Stored<Vacancy>) -> Result<(), StoreFault> {
        loop {
            let mut batch = Batch::new();
            let key = old.value.key();
            if self.parts.accounts.forget_vacancy_warnings(&mut batch, &key, STRIDE)? < STRIDE {
                self.parts.accounts.close_vacancy(&mut batch, old)?;
                was_first(self.parts.store.commit(batch).await)?;
                return Ok(());
            }
            was_first(self.parts.store.commit(batch).await)?;
        }
    }

    /// Who has invited a guest, each once, however many addresses of theirs it was done from.
    fn sponsors_of(&self, guest: &Account) -> Result<BTreeMap<String, Mailbox>, StoreFault> {
        let mut sponsors = BTreeMap::new();
        for inviter in &guest.inviters {
            let sponsor = self.sponsor_of(inviter)?;
            sponsors.insert(sponsor.address.key(), sponsor);
        }
        Ok(sponsors)
    }

    /// Who answers under this address: the account's primary one, so that nobody is two people.
    fn sponsor_of(&self, inviter: &Mailbox) -> Result<Mailbox, StoreFault> {
        let account = self.parts.accounts.by_address(&inviter.address)?;
        let staff = account.filter(|account| account.value.kind == Kind::Staff);
        Ok(staff.map_or_else(|| inviter.clone(), |staff| staff.value.mailbox))
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

impl SuccessionFault {
    /// Whether it concerns one person only: whoever comes behind is not kept waiting.
    const fn is_of_one(&self) -> bool {
        matches!(
            self,
            Self::Lookup(LookupFault::Directory(DirectoryFault::Answer(_)))
                | Self::Notice(NoticeFault::Render(_) | NoticeFault::Sign(_))
        )
    }
}

/// What concerns this person only is told, and done at the next look; `None` then.
fn passed_over<T>(done: Result<T, SuccessionFault>, whom: &Address) -> Result<Option<T>, SuccessionFault> {
    match done {
        Err(fault) if fault.is_of_one() => {
            tracing::warn!(%fault, whom = whom.masked(), "somebody is passed over until the next look");
            Ok(None)
        }
        done => done.map(Some),
    }
}

/// Lets others work for a moment, and ends where everything does.
async fn pause(lifecycle: &Lifecycle) -> Result<(), SuccessionFault> {
    tokio::select! {
        biased;
        () = lifecycle.stopping() => Err(SuccessionFault::Stopping),
        () = tokio::time::sleep(PACE) => Ok(()),
    }
}

/// False where somebody else was first.
fn was_first(committed: Result<(), CommitError>) -> Result<bool, StoreFault> {
    match committed {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict) => Ok(false),
        Err(CommitError::Store(fault)) => Err(fault),
    }
}

fn note(deed: Deed, whom: &Address) {
    audit::record(&Event::Account { deed, whom, by: "time", peer: None });
}

#[cfg(test)]
mod tests;
