//! Guests whom nobody has seen for long: warned twice, then gone.
//!
//! ```text
//! last sign-in ── end_after, less 14 days ──▶ first warning ── 11 days ──▶ last warning ── 3 days ──▶ the end
//! ```
//! Nobody's account ends unwarned: where the janitor itself was away for long, the days between the steps are kept, and
//! the end comes later. A sign-in at any time begins anew.

use std::time::Duration;

use crate::accounts::uses::Use;
use crate::accounts::{Account, Kind};
use crate::audit::{self, Deed, Event};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::janitor::{Janitor, SWEEP_MAX};
use crate::notices::NoticeFault;
use crate::notices::person::AboutAccount;
use crate::store::{Batch, CommitError, StoreFault, Stored};

/// From the first warning to the end.
const FIRST_WARNING: Duration = Duration::from_hours(14 * 24);
/// From the last warning to the end.
const LAST_WARNING: Duration = Duration::from_hours(3 * 24);

/// What is to be done about an account that nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wait,
    WarnFirst { end: Timestamp },
    WarnLast { end: Timestamp },
    End,
}

impl Use {
    fn next_step(&self, end_after: Duration, now: Timestamp) -> Step {
        let end = self.at + end_after;
        let Some(first) = self.first_warning else {
            let is_time = now >= end - FIRST_WARNING;
            return if is_time { Step::WarnFirst { end: end.max(now + FIRST_WARNING) } } else { Step::Wait };
        };
        let end = end.max(first + FIRST_WARNING);
        let Some(last) = self.last_warning else {
            let is_time = now >= end - LAST_WARNING;
            return if is_time { Step::WarnLast { end: end.max(now + LAST_WARNING) } } else { Step::Wait };
        };
        if now >= end.max(last + LAST_WARNING) { Step::End } else { Step::Wait }
    }
}

impl Janitor {
    /// Warns guests whose accounts are about to end, and ends those whose time is over. Gives how many were warned or
    /// ended.
    ///
    /// # Errors
    /// The store's; what was done so far stays done.
    pub async fn tend_unused(&self) -> Result<usize, CommitError> {
        let Some(end_after) = self.end_after else {
            return Ok(0);
        };
        let now = self.clock.now();
        let until = now - end_after.saturating_sub(FIRST_WARNING);
        let (mut tended, mut after) = (0, None);
        loop {
            let unused = self.accounts.unused(until, after, SWEEP_MAX)?;
            for place in &unused {
                tended += usize::from(self.tend(*place, end_after, now).await?);
            }
            after = unused.last().copied();
            if unused.len() < SWEEP_MAX {
                return Ok(tended);
            }
        }
    }

    async fn tend(
        &self,
        place: (Timestamp, AccountId),
        end_after: Duration,
        now: Timestamp,
    ) -> Result<bool, CommitError> {
        let (account, last) = (self.accounts.by_id(place.1)?, self.accounts.last_use(place.1)?);
        let (Some(account), Some(last)) = (account, last.filter(|last| last.value.at == place.0)) else {
            // Left behind by two sign-ins at the same moment.
            let mut batch = Batch::new();
            self.accounts.forget_place(&mut batch, place);
            self.store.commit(batch).await?;
            return Ok(false);
        };
        if account.value.kind != Kind::Guest {
            return Ok(false);
        }
        match last.value.next_step(end_after, now) {
            Step::Wait => Ok(false),
            Step::WarnFirst { end } => {
                let warned = Use { first_warning: Some(now), ..last.value };
                self.warn(&account.value, &last, &warned, end).await
            }
            Step::WarnLast { end } => {
                let warned = Use { last_warning: Some(now), ..last.value };
                self.warn(&account.value, &last, &warned, end).await
            }
            Step::End => self.end(&account).await,
        }
    }

    async fn warn(
        &self,
        guest: &Account,
        old: &Stored<Use>,
        warned: &Use,
        end: Timestamp,
    ) -> Result<bool, CommitError> {
        let mut batch = Batch::new();
        self.accounts.note_warning(&mut batch, guest.id, old, warned)?;
        self.tell(batch, guest, AboutAccount::Ending(end), Deed::EndAnnounced).await
    }

    async fn end(&self, guest: &Stored<Account>) -> Result<bool, CommitError> {
        let mut batch = Batch::new();
        self.accounts.remove(&mut batch, guest)?;
        self.tell(batch, &guest.value, AboutAccount::Farewell { unused: true }, Deed::Removed).await
    }

    /// What is in the batch, and its mail, in one commit. False where somebody else was first, as by signing in.
    async fn tell(
        &self,
        mut batch: Batch,
        guest: &Account,
        what: AboutAccount<'_>,
        deed: Deed,
    ) -> Result<bool, CommitError> {
        let mail = match self.notices.about_account(&mut batch, guest, what).await {
            Ok(mail) => mail,
            Err(NoticeFault::Store(fault)) => return Err(fault.into()),
            Err(NoticeFault::Keep(fault)) => return Err(StoreFault::Io(fault).into()),
            // Without its mail nothing is done; the others are not kept waiting.
            Err(fault @ (NoticeFault::Render(_) | NoticeFault::Sign(_))) => {
                tracing::warn!(%fault, account = guest.mailbox.address.masked(), "no mail about an unused account");
                return Ok(false);
            }
        };
        match self.queue.commit(batch, vec![mail]).await {
            Ok(()) => {
                let whom = &guest.mailbox.address;
                audit::record(&Event::Account { deed, whom, by: "time", peer: None });
                Ok(true)
            }
            Err(CommitError::Conflict) => Ok(false),
            Err(fault @ CommitError::Store(_)) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const YEAR: Duration = Duration::from_hours(365 * 24);

    fn day(number: u32) -> Timestamp {
        Timestamp::from_millis(1_795_521_600_000) + DAY * number
    }

    #[test]
    fn the_steps_come_at_their_time_and_never_closer_than_they_should() {
        let last = Use { at: day(0), first_warning: None, last_warning: None };
        assert_eq!(last.next_step(YEAR, day(350)), Step::Wait);
        assert_eq!(last.next_step(YEAR, day(351)), Step::WarnFirst { end: day(365) });
        let warned = Use { first_warning: Some(day(351)), ..last };
        assert_eq!(warned.next_step(YEAR, day(361)), Step::Wait);
        assert_eq!(warned.next_step(YEAR, day(362)), Step::WarnLast { end: day(365) });
        let warned_twice = Use { last_warning: Some(day(362)), ..warned };
        assert_eq!(warned_twice.next_step(YEAR, day(364)), Step::Wait);
        assert_eq!(warned_twice.next_step(YEAR, day(365)), Step::End);

        // The janitor was away for a year.
        assert_eq!(last.next_step(YEAR, day(700)), Step::WarnFirst { end: day(714) });
        let warned = Use { first_warning: Some(day(700)), ..last };
        assert_eq!(warned.next_step(YEAR, day(710)), Step::Wait);
        assert_eq!(warned.next_step(YEAR, day(720)), Step::WarnLast { end: day(723) });
        let warned_twice = Use { last_warning: Some(day(720)), ..warned };
        assert_eq!(warned_twice.next_step(YEAR, day(722)), Step::Wait);
        assert_eq!(warned_twice.next_step(YEAR, day(723)), Step::End);
    }
}
