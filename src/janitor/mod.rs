//! What has to be cleared away with time. Each sweep is idempotent and bounded, so that a crash, a second run or a
//! long pause does no harm.

use std::sync::Arc;
use std::time::Duration;

use crate::accounts::Accounts;
#[cfg(feature = "saml")]
use crate::auth::saml::requests::Requests;
use crate::base::clock::Clock;
use crate::invites::Invites;
use crate::net::lifecycle::Lifecycle;
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
    clock: Arc<dyn Clock>,
    renewals: Option<Renewals>,
}

impl Janitor {
    /// A janitor for these books.
    #[must_use]
    pub const fn new(store: Store, accounts: Accounts, invites: Invites, clock: Arc<dyn Clock>) -> Self {
        Self { store, accounts, invites, clock, renewals: None }
    }

    /// The same, which also tells inviters of invitations that nobody has used in time.
    #[must_use]
    pub fn telling(self, renewals: Renewals) -> Self {
        Self { renewals: Some(renewals), ..self }
    }

    /// Goes round until the lifecycle stops.
    pub async fn run(self, lifecycle: Lifecycle) {
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
        }
    }

    /// Removes the web sessions that have ended. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (a session that was ended by hand meanwhile) is left to the next round.
    pub async fn sweep_sessions(&self) -> Result<usize, CommitError> {
        self.sweep(|batch| self.accounts.sweep_sessions(batch, self.clock.now(), SWEEP_MAX)).await
    }

    /// Removes the counts of invitations that no limit looks at any more. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (somebody invited meanwhile) is left to the next round.
    pub async fn sweep_tallies(&self) -> Result<usize, CommitError> {
        self.sweep(|batch| self.invites.sweep_tallies(batch, self.clock.now(), SWEEP_MAX)).await
    }

    /// Removes the questions to identity providers that nobody has answered in time. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (the answer came meanwhile) is left to the next round.
    #[cfg(feature = "saml")]
    pub async fn sweep_questions(&self) -> Result<usize, CommitError> {
        let questions = Requests::new(self.store.clone());
        self.sweep(|batch| questions.sweep(batch, self.clock.now(), SWEEP_MAX)).await
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

#[cfg(test)]
mod tests {
    use crate::base::address::Address;
    use crate::base::clock::{ManualClock, Timestamp};
    use crate::base::id::AccountId;
    use crate::config::{Rates, Storage};

    use super::*;

    #[cfg(feature = "saml")]
    #[tokio::test]
    async fn questions_go_when_their_time_is_over_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_521_600_000)));
        let requests = Requests::new(store.clone());
        for _ in 0..=SWEEP_MAX {
            requests.begin("idp", "", clock.now()).await.unwrap();
        }
        clock.advance(Duration::from_mins(9));
        let late = requests.begin("idp", "", clock.now()).await.unwrap();
        let (accounts, invites) = (Accounts::new(store.clone()), Invites::new(store.clone()));
        let janitor = Janitor::new(store, accounts, invites, Arc::clone(&clock) as Arc<dyn Clock>);
        assert_eq!(janitor.sweep_questions().await.unwrap(), 0);
        clock.advance(Duration::from_mins(1));
        assert_eq!(janitor.sweep_questions().await.unwrap(), SWEEP_MAX + 1);
        assert_eq!(janitor.sweep_questions().await.unwrap(), 0);
        assert!(requests.take(&late, clock.now()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn counts_of_invitations_go_after_a_day_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        let invites = Invites::new(store.clone());
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_521_600_000)));
        let people: Vec<Address> = (0..SWEEP_MAX * 2)
            .map(|number| format!("kim{number}@partner.example").parse().unwrap())
            .collect();
        let mut batch = Batch::new();
        let rates = Rates { per_hour: None, per_day: None, ..Rates::default() };
        invites.count(&mut batch, AccountId::fresh(), people.iter(), &rates, clock.now()).unwrap();
        store.commit(batch).await.unwrap();

        let janitor =
            Janitor::new(store.clone(), Accounts::new(store), invites, Arc::clone(&clock) as Arc<dyn Clock>);
        clock.advance(Duration::from_hours(24));
        assert_eq!(janitor.sweep_tallies().await.unwrap(), 0);
        clock.advance(Duration::from_hours(1));
        assert_eq!(janitor.sweep_tallies().await.unwrap(), SWEEP_MAX * 2);
        assert_eq!(janitor.sweep_tallies().await.unwrap(), 0);
    }
}
