//! When an envelope is tried again.

use std::time::Duration;

use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;

/// Octets kept of an answer: what fits on a few lines of a report (RFC 5321 §4.5.3.1.5 allows 512 a line).
const ANSWER_MAX: usize = 512;

/// The attempts of one envelope, past and next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How often it was tried.
    pub attempts: u32,
    /// When it is to be tried next.
    pub due: Timestamp,
    /// When it was first tried.
    pub first_attempt: Option<Timestamp>,
    /// What the last attempt ended with.
    pub last_answer: Option<String>,
    /// Whether the sender was told that it takes longer.
    pub delay_reported: bool,
    /// Whether an administrator keeps it here: then it is not tried at all.
    pub held: bool,
}

/// The waits between attempts: doubling from the first to the longest, up to a quarter longer by chance, so that what
/// failed together does not come back together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
}

impl Schedule {
    /// Never tried, due at once.
    #[must_use]
    pub const fn at_once(now: Timestamp) -> Self {
        Self {
            attempts: 0,
            due: now,
            first_attempt: None,
            last_answer: None,
            delay_reported: false,
            held: false,
        }
    }

    /// The schedule after an attempt that failed for now, and whose delay is or is not reported with it.
    #[must_use]
    pub fn next(&self, now: Timestamp, due: Timestamp, answer: &str, delay_reported: bool) -> Self {
        Self {
            attempts: self.attempts.saturating_add(1),
            due,
            first_attempt: self.first_attempt.or(Some(now)),
            last_answer: Some(answer.chars().scan(0, within_answer_max).collect()),
            delay_reported: self.delay_reported || delay_reported,
            held: false,
        }
    }
}

impl Backoff {
    pub(super) const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// How long to wait after so many attempts that failed before.
    pub(super) fn after(&self, attempts: u32) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX));
        let wait = doubled.min(self.max);
        wait + wait.mul_f64(chance() / 4.0)
    }
}

/// Passes characters on while they fit in [`ANSWER_MAX`] octets together.
fn within_answer_max(octets: &mut usize, c: char) -> Option<char> {
    *octets += c.len_utf8();
    (*octets <= ANSWER_MAX).then_some(c)
}

/// A number from 0 to 1. Without randomness there is no jitter, which is no reason to stop.
fn chance() -> f64 {
    let mut octet = [0_u8];
    if rand::fill(&mut octet).is_err() {
        return 0.0;
    }
    f64::from(octet[0]) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_a_quarter_more() {
        let backoff = Backoff::new(Duration::from_mins(1), Duration::from_hours(1));
        for (attempts, least) in [(0, 60), (1, 120), (2, 240), (5, 1920), (6, 3600), (31, 3600), (400, 3600)]
        {
            let wait = backoff.after(attempts).as_secs();
            assert!((least..=least + least / 4).contains(&wait), "after {attempts}: {wait}");
        }
    }

    #[test]
    fn a_delay_that_was_reported_stays_so() {
        let now = Timestamp::from_millis(0);
        let schedule = Schedule::at_once(now).next(now, now, "450 later", false);
        assert!(!schedule.delay_reported);
        assert!(schedule.next(now, now, "450 later", true).next(now, now, "450 later", false).delay_reported);
    }

    #[test]
    fn an_answer_is_kept_as_far_as_it_fits() {
        let now = Timestamp::from_millis(0);
        let schedule = Schedule::at_once(now).next(now, now, &"ß".repeat(400), false);
        assert_eq!(schedule.last_answer.unwrap().len(), ANSWER_MAX);
    }
}
