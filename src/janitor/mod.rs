//! What has to be cleared away with time. Each sweep is idempotent and bounded, so that a crash, a second run or a
//! long pause does no harm.

mod guests;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::accounts::Accounts;
#[cfg(feature = "saml")]
use crate::auth::saml::requests::Requests;
#[cfg(feature = "saml")]
use crate::auth::saml::sign_out;
use crate::base::clock::Clock;
use crate::invites::Invites;
use crate::invites::forgetting::Walk;
use crate::net::lifecycle::Lifecycle;
use crate::notices::Notices;
use crate::queue::Queue;
use crate::store::{Batch, CommitError, Store, StoreFault};
use crate::tending::TendingFault;
use crate::tending::renewal::Renewals;

/// How often the janitor goes round.
const ROUND_EVERY: Duration = Duration::from_mins(10);
/// Records that one commit removes at most.
const SWEEP_MAX: usize = 256;

/// Clears away what has ended.
pub struct Janitor {
    store: Store,
    accounts: Accounts,
    invites: Invites,
    notices: Notices,
    queue: Queue,
    clock: Arc<dyn Clock>,
    renewals: Option<Renewals>,
    end_after: Option<Duration>,
}

impl Janitor {
    /// A janitor for these books, with mails of these. `end_after` is `guests.end_after`.
    #[must_use]
    pub const fn new(
        store: Store,
        accounts: Accounts,
        invites: Invites,
        notices: Notices,
        queue: Queue,
        clock: Arc<dyn Clock>,
        end_after: Option<Duration>,
    ) -> Self {
        Self { store, accounts, invites, notices, queue, clock, end_after, renewals: None }
    }

    /// The same, which also tells inviters of invitations that nobody has used in time.
    #[must_use]
    pub fn telling(self, renewals: Renewals) -> Self {
        Self { renewals: Some(renewals), ..self }
    }

    /// Goes round until the lifecycle stops.
    pub async fn run(self, lifecycle: Lifecycle) {
        let mut walk = Walk::default();
        loop {
            tokio::select! {
                () = lifecycle.stopping() => return,
                () = self.clock.sleep_until(self.clock.now() + ROUND_EVERY) => {}
            }
            report("ended sessions", self.sweep_sessions().await);
            report("old counts of invitations", self.sweep_tallies().await);
            #[cfg(feature = "saml")]
            report("unanswered questions", self.sweep_questions().await);
            if let Err(fault) = self.tell_expired().await {
                tracing::warn!(%fault, "inviters could not be told of what expired; trying again later");
            }
            report("old links in mails about accounts", self.sweep_words().await);
            self.report_unused().await;
            match self.forget_invitations(walk).await {
                Ok((gone, next)) => {
                    report("what was known of old invitations", Ok(gone));
                    walk = next;
                }
                Err(fault) => report("what was known of old invitations", Err(fault)),
            }
        }
    }

    async fn report_unused(&self) {
        match self.tend_unused().await {
            Ok(0) => {}
            Ok(tended) => tracing::debug!(tended, "guests who are not seen any more were warned or ended"),
            Err(fault) => tracing::warn!(%fault, "unused accounts could not be tended; trying again later"),
        }
    }

    /// Removes the web sessions that have ended. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (a session that was ended by hand meanwhile) is left to the next round.
    pub async fn sweep_sessions(&self) -> Result<usize, CommitError> {
        self.sweep(|batch| self.accounts.sweep_sessions(batch, self.clock.now(), SWEEP_MAX)).await
    }

    /// Removes what is known of links in mails about accounts whose time is over, and the applicants who used none of
    /// theirs: their invitations are as before. Gives how many links.
    ///
    /// # Errors
    /// The store's; a conflict (somebody pressed the button meanwhile) is left to the next round.
    pub async fn sweep_words(&self) -> Result<usize, CommitError> {
        self.sweep(|batch| self.accounts.sweep_words(batch, self.clock.now(), SWEEP_MAX)).await
    }

    /// Forgets invitations that have been over for a year, among the next records of their tables: the whole is gone
    /// through in many rounds, so that none of them is long. Gives how many records went, and where the next round begins.
    ///
    /// # Errors
    /// The store's; a conflict (an inviter gave one of them more time meanwhile) is left to the next round.
    pub async fn forget_invitations(&self, walk: Walk) -> Result<(usize, Walk), CommitError> {
        let mut batch = Batch::new();
        let is_there = |account| Ok(self.accounts.by_id(account)?.is_some());
        let forgotten = self.invites.forget(&mut batch, walk, SWEEP_MAX, self.clock.now(), is_there)?;
        self.store.commit(batch).await?;
        Ok(forgotten)
    }

    /// Removes the counts of invitations that no limit looks at any more. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (somebody invited meanwhile) is left to the next round.
    pub async fn sweep_tallies(&self) -> Result<usize, CommitError> {
        self.sweep(|batch| self.invites.sweep_tallies(batch, self.clock.now(), SWEEP_MAX)).await
    }

    /// Removes the questions to identity providers that nobody has answered in time, and what is known of their sign-outs
    /// of long ago. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (the answer came meanwhile) is left to the next round.
    #[cfg(feature = "saml")]
    pub async fn sweep_questions(&self) -> Result<usize, CommitError> {
        let questions = Requests::new(self.store.clone());
        let now = self.clock.now();
        self.sweep(|batch| {
            let heeded = sign_out::sweep(&self.store, batch, now, SWEEP_MAX)?;
            Ok(heeded + questions.sweep(batch, now, SWEEP_MAX)?)
        })
        .await
    }

    /// Tells inviters of invitations that nobody has used in time, each once.
    ///
    /// # Errors
    /// What can go wrong; the rest is left to the next round.
    pub async fn tell_expired(&self) -> Result<(), TendingFault> {
        let Some(renewals) = &self.renewals else {
            return Ok(());
        };
        while renewals.tell_expired(SWEEP_MAX).await? == SWEEP_MAX {}
        Ok(())
    }

    /// One commit after another, until there is nothing left to do.
    async fn sweep(
        &self,
        mut part: impl FnMut(&mut Batch) -> Result<usize, StoreFault>,
    ) -> Result<usize, CommitError> {
        let mut swept = 0;
        loop {
            let mut batch = Batch::new();
            let removed = part(&mut batch)?;
            self.store.commit(batch).await?;
            swept += removed;
            if removed < SWEEP_MAX {
                return Ok(swept);
            }
        }
    }
}

fn report(what: &str, outcome: Result<usize, CommitError>) {
    match outcome {
        Ok(0) => {}
        Ok(swept) => tracing::debug!(swept, "{what} were removed"),
        Err(fault) => tracing::warn!(%fault, "{what} could not be removed; trying again later"),
    }
}
