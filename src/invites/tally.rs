//! How many invitations somebody has sent lately, so that a limit outlives a restart.
//!
//! Counted in whole minutes and kept for a day: a tally never has more than 1,440 entries, however high the limits.
//! There is one for each inviter, one for each inviter and invitee, and one for each inviter and domain; their keys are hashes, so that a table of
//! counts is no list of addresses. A count is in the same batch as the invitations: of two messages at once that
//! would pass the limit together, one finds a conflict at the commit and has to count again.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::address::{Address, Domain};
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
    /// Those to all invitees in this domain in a day.
    Domain(Domain),
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
        invitees: impl ExactSizeIterator<Item = &'a Address> + Clone,
        rates: &Rates,
        now: Timestamp,
    ) -> Result<(), CountFault> {
        let many = u32::try_from(invitees.len()).unwrap_or(u32::MAX);
        let of_inviter = [(60, rates.per_hour, Scope::Hour), (DAY, rates.per_day, Scope::Day)];
        self.add(batch, Subject::of(inviter, ""), many, &of_inviter, now)?;
        for invitee in invitees.clone() {
            let to_one = [(DAY, rates.per_invitee, Scope::Invitee(invitee.clone()))];
            self.add(batch, Subject::of(inviter, &invitee.key()), 1, &to_one, now)?;
        }
        for (domain, many) in by_domain(invitees) {
            let to_domain = [(DAY, rates.per_domain, Scope::Domain(domain.clone()))];
            self.add(batch, Subject::of(inviter, domain.as_str()), many, &to_domain, now)?;
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
    /// Of an inviter, alone or with an address or a domain: what one of the three is, no other can be.
    fn of(inviter: AccountId, with: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&inviter.octets());
        context.update(with.as_bytes());
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

/// How many there are in each domain.
pub fn by_domain<'a>(people: impl Iterator<Item = &'a Address>) -> BTreeMap<&'a Domain, u32> {
    people.fold(BTreeMap::new(), |mut domains, person| {
        *domains.entry(person.domain()).or_default() += 1;
        domains
    })
}

fn minute(at: Timestamp) -> u32 {
    u32::try_from(at.millis() / MINUTE).unwrap_or(0)
}

fn moment(minute: u32) -> Timestamp {
    Timestamp::from_millis(i64::from(minute) * MINUTE)
}

#[cfg(test)]
mod tests;
