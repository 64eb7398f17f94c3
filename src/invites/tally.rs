//! How many invitations somebody has sent lately, so that a limit outlives a restart.
//!
//! Counted in whole minutes and kept for a day: a tally never has more than 1,440 entries, however high the limits.
//! There is one for each inviter, and one for each inviter and invitee; their keys are hashes, so that a table of
//! counts is no list of addresses. A count is in the same batch as the invitations: of two messages at once that
//! would pass the limit together, one finds a conflict at the commit and has to count again.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::config::Rates;
use crate::invites::Invites;
use crate::store::{Batch, Key, StoreFault, Stored, Table, schema};

const TALLIES: Table<Subject, Tally> = Table::new(schema::TALLIES);
/// The same tallies by the moment from which on one may be empty, so that sweeping never looks at the others.
const ENDS: Table<(Timestamp, Subject), ()> = Table::new(schema::TALLY_ENDS);

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Minutes that a tally looks back.
const DAY: u32 = 24 * 60;

/// A limit that would be passed, and when it allows as much again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Of which the limit is.
    pub scope: Scope,
    /// So many invitations it allows.
    pub limit: u32,
    /// From when on this message is within it.
    pub until: Timestamp,
}

/// What a limit is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All invitations of one inviter in an hour.
    Hour,
    /// All invitations of one inviter in a day.
    Day,
    /// Those to this invitee in a day.
    Invitee(Address),
}

/// Why invitations were not counted.
#[derive(Debug, Error)]
pub enum CountFault {
    /// There would be too many.
    #[error("a limit is reached")]
    Reached(Reached),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Invites {
    /// Counts one invitation for each of these people. Nothing is in the batch that may be committed if it fails.
    ///
    /// # Errors
    /// [`CountFault::Reached`] for the first limit that would be passed.
    pub fn count<'a>(
        &self,
        batch: &mut Batch,
        inviter: AccountId,
        invitees: impl ExactSizeIterator<Item = &'a Address>,
        rates: &Rates,
        now: Timestamp,
    ) -> Result<(), CountFault> {
        let many = u32::try_from(invitees.len()).unwrap_or(u32::MAX);
        let of_inviter = [(60, rates.per_hour, Scope::Hour), (DAY, rates.per_day, Scope::Day)];
        self.add(batch, Subject::of(inviter, None), many, &of_inviter, now)?;
        for invitee in invitees {
            let to_one = [(DAY, rates.per_invitee, Scope::Invitee(invitee.clone()))];
            self.add(batch, Subject::of(inviter, Some(invitee)), 1, &to_one, now)?;
        }
        Ok(())
    }

    /// Removes counts of more than a day ago, at most `limit` at a time; gives how many places were looked at.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sweep_tallies(
        &self,
        batch: &mut Batch,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreFault> {
        let mut swept = 0;
        let due = ENDS.scan(&self.store, None, limit)?;
        for (key, _) in due.into_iter().take_while(|((ends, _), _)| *ends <= now) {
            // One that was added to since then has a later place as well.
            if let Some(tally) = TALLIES.get(&self.store, &key.1)?
                && tally.value.lately(minute(now)).0.is_empty()
            {
                TALLIES.remove(batch, &key.1, &tally)?;
            }
            ENDS.delete(batch, &key);
            swept += 1;
        }
        Ok(swept)
    }

    /// Adds to one tally, unless a limit (minutes, how many, of what) would be passed. Without a limit nothing is
    /// counted.
    fn add(
        &self,
        batch: &mut Batch,
        subject: Subject,
        many: u32,
        limits: &[(u32, Option<u32>, Scope)],
        now: Timestamp,
    ) -> Result<(), CountFault> {
        if limits.iter().all(|(_, limit, _)| limit.is_none()) {
            return Ok(());
        }
        let this_minute = minute(now);
        let old: Option<Stored<Tally>> = TALLIES.get(&self.store, &subject)?;
        let tally = old.as_ref().map(|old| old.value.lately(this_minute)).unwrap_or_default();
        for (minutes, limit, scope) in limits {
            let Some(limit) = *limit else { continue };
            if let Some(until) = tally.blocked_until(this_minute, *minutes, limit, many) {
                return Err(CountFault::Reached(Reached { scope: scope.clone(), limit, until }));
            }
        }
        let tally = tally.with(this_minute, many);
        match &old {
            Some(old) => TALLIES.replace(batch, &subject, old, &tally)?,
            None => TALLIES.insert(batch, &subject, &tally)?,
        }
        // By the hour, so that a busy tally has few places.
        let ends = (now.millis() / HOUR + 1) * HOUR + i64::from(DAY) * MINUTE;
        ENDS.put(batch, &(Timestamp::from_millis(ends), subject), &())?;
        Ok(())
    }
}

/// Whose tally it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subject([u8; 32]);

/// Invitations by the minute (since 1970), in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally(Vec<(u32, u32)>);

impl Subject {
    fn of(inviter: AccountId, invitee: Option<&Address>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&inviter.octets());
        context.update(invitee.map(Address::key).unwrap_or_default().as_bytes());
        let mut octets = [0; 32];
        octets.copy_from_slice(context.finish().as_ref());
        Self(octets)
    }
}

impl Tally {
    /// What counts still. A clock that was set back makes no minute count for longer than a day.
    fn lately(&self, now: u32) -> Self {
        Self(self.0.iter().copied().filter(|(minute, _)| minute.abs_diff(now) < DAY).collect())
    }

    /// When so many more are within a limit for so many minutes; `None` if they are now.
    fn blocked_until(&self, now: u32, minutes: u32, limit: u32, many: u32) -> Option<Timestamp> {
        let within = self.0.iter().filter(|(minute, _)| minute.abs_diff(now) < minutes);
        let mut sum = within.clone().fold(many, |sum, (_, count)| sum.saturating_add(*count));
        let mut until = None;
        for (minute, count) in within {
            if sum <= limit {
                break;
            }
            sum = sum.saturating_sub(*count);
            until = Some(minute.saturating_add(minutes));
        }
        // More at once than the limit are never within it: the caller bounds a message.
        until.or_else(|| (sum > limit).then_some(now.saturating_add(minutes))).map(moment)
    }

    fn with(mut self, now: u32, many: u32) -> Self {
        match self.0.binary_search_by_key(&now, |(minute, _)| *minute) {
            Ok(at) => {
                if let Some((_, count)) = self.0.get_mut(at) {
                    *count = count.saturating_add(many);
                }
            }
            Err(at) => self.0.insert(at, (now, many)),
        }
        self
    }
}

impl Key for Subject {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }

    fn extent(_: &[u8]) -> Option<usize> {
        Some(32)
    }
}

fn minute(at: Timestamp) -> u32 {
    u32::try_from(at.millis() / MINUTE).unwrap_or(0)
}

fn moment(minute: u32) -> Timestamp {
    Timestamp::from_millis(i64::from(minute) * MINUTE)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Storage;
    use crate::store::{CommitError, Store};

    use super::*;

    /// 12:00 UTC sharp.
    const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);
    const AN_HOUR: Duration = Duration::from_hours(1);

    fn book() -> (Invites, Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        (Invites::new(store.clone()), store, folder)
    }

    fn people(range: std::ops::Range<u32>) -> Vec<Address> {
        range.map(|number| format!("kim{number}@partner.example").parse().unwrap()).collect()
    }

    /// Counts and commits.
    async fn invite(
        invites: &Invites,
        store: &Store,
        inviter: AccountId,
        people: &[Address],
        now: Timestamp,
    ) -> Result<(), Reached> {
        let mut batch = Batch::new();
        match invites.count(&mut batch, inviter, people.iter(), &Rates::default(), now) {
            Ok(()) => store.commit(batch).await.unwrap(),
            Err(CountFault::Reached(reached)) => return Err(reached),
            Err(CountFault::Store(fault)) => panic!("{fault}"),
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_hundred_an_hour_and_the_next_when_the_first_are_an_hour_old() {
        let (invites, store, _folder) = book();
        let ann = AccountId::fresh();
        invite(&invites, &store, ann, &people(0..40), NOON).await.unwrap();
        invite(&invites, &store, ann, &people(40..90), NOON + Duration::from_mins(10)).await.unwrap();
        let now = NOON + Duration::from_mins(20);
        invite(&invites, &store, ann, &people(90..100), now).await.unwrap();

        let reached = invite(&invites, &store, ann, &people(100..101), now).await.unwrap_err();
        assert_eq!(reached, Reached { scope: Scope::Hour, limit: 100, until: NOON + AN_HOUR });
        // Fifty do not fit before the second message is an hour old.
        let reached = invite(&invites, &store, ann, &people(100..150), now).await.unwrap_err();
        assert_eq!(reached.until, NOON + AN_HOUR + Duration::from_mins(10));
        // Others are not concerned.
        invite(&invites, &store, AccountId::fresh(), &people(0..100), now).await.unwrap();

        let just_before = NOON + AN_HOUR - Duration::from_millis(1);
        invite(&invites, &store, ann, &people(100..101), just_before).await.unwrap_err();
        invite(&invites, &store, ann, &people(100..140), NOON + AN_HOUR).await.unwrap();
    }

    #[tokio::test]
    async fn five_hundred_a_day() {
        let (invites, store, _folder) = book();
        let ann = AccountId::fresh();
        for hour in 0..5 {
            let people = people(hour * 100..hour * 100 + 100);
            invite(&invites, &store, ann, &people, NOON + AN_HOUR * hour).await.unwrap();
        }
        let reached =
            invite(&invites, &store, ann, &people(500..501), NOON + AN_HOUR * 23).await.unwrap_err();
        assert_eq!(reached, Reached { scope: Scope::Day, limit: 500, until: NOON + AN_HOUR * 24 });
        invite(&invites, &store, ann, &people(500..501), NOON + AN_HOUR * 24).await.unwrap();
    }

    #[tokio::test]
    async fn five_a_day_to_the_same_person_however_the_address_is_spelt() {
        let (invites, store, _folder) = book();
        let (ann, kim) = (AccountId::fresh(), "kim@partner.example".parse::<Address>().unwrap());
        for _ in 0..5 {
            invite(&invites, &store, ann, std::slice::from_ref(&kim), NOON).await.unwrap();
        }
        let spelt: Address = "KIM@Partner.Example".parse().unwrap();
        let reached =
            invite(&invites, &store, ann, std::slice::from_ref(&spelt), NOON + AN_HOUR).await.unwrap_err();
        assert_eq!((reached.limit, reached.until), (5, NOON + AN_HOUR * 24));
        assert_eq!(reached.scope, Scope::Invitee(spelt));
        invite(&invites, &store, ann, &people(0..1), NOON).await.unwrap();
        // A colleague may.
        invite(&invites, &store, AccountId::fresh(), std::slice::from_ref(&kim), NOON).await.unwrap();
    }

    #[tokio::test]
    async fn two_at_once_do_not_slip_through_together() {
        let (invites, store, _folder) = book();
        let ann = AccountId::fresh();
        invite(&invites, &store, ann, &people(0..99), NOON).await.unwrap();
        let batch_for = |people: &[Address]| {
            let mut batch = Batch::new();
            invites.count(&mut batch, ann, people.iter(), &Rates::default(), NOON).map(|()| batch)
        };
        let (first, second) = (batch_for(&people(100..101)).unwrap(), batch_for(&people(101..102)).unwrap());
        store.commit(first).await.unwrap();
        assert!(matches!(store.commit(second).await, Err(CommitError::Conflict)));
        assert!(matches!(batch_for(&people(101..102)), Err(CountFault::Reached(_))));
    }

    #[tokio::test]
    async fn what_is_unlimited_is_not_counted() {
        let (invites, store, _folder) = book();
        let rates = Rates { per_hour: None, per_day: None, per_invitee: None };
        let mut batch = Batch::new();
        invites.count(&mut batch, AccountId::fresh(), people(0..9).iter(), &rates, NOON).unwrap();
        store.commit(batch).await.unwrap();
        assert!(TALLIES.scan(&store, None, 10).unwrap().is_empty());
    }

    #[tokio::test]
    async fn after_a_day_nothing_is_left_to_sweep_and_before_nothing_is_swept() {
        let (invites, store, _folder) = book();
        let ann = AccountId::fresh();
        invite(&invites, &store, ann, &people(0..3), NOON).await.unwrap();
        invite(&invites, &store, ann, &people(0..1), NOON + AN_HOUR * 2).await.unwrap();
        let sweep = async |now, limit| {
            let mut batch = Batch::new();
            let swept = invites.sweep_tallies(&mut batch, now, limit).unwrap();
            store.commit(batch).await.unwrap();
            (swept, TALLIES.scan(&store, None, 10).unwrap().len())
        };
        assert_eq!(sweep(NOON + AN_HOUR * 24, 10).await, (0, 4));
        // The counts of ann and of the first person go on.
        assert_eq!(sweep(NOON + AN_HOUR * 25, 3).await.0, 3);
        assert_eq!(sweep(NOON + AN_HOUR * 25, 3).await, (1, 2));
        assert_eq!(sweep(NOON + AN_HOUR * 27, 10).await, (2, 0));
        assert!(ENDS.scan(&store, None, 10).unwrap().is_empty());
    }

    #[test]
    fn a_tally_stays_small() {
        let mut tally = Tally::default();
        for minute in 0..3 * DAY {
            tally = tally.lately(minute).with(minute, 7);
        }
        assert_eq!(tally.0.len(), 1440);
    }
}
