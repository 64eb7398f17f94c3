//! Time, handed in: the daemon runs by the system's clock, a test moves its own by hand.

use std::fmt;
use std::future::Future;
use std::ops::{Add, Sub};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

/// How long a link, an account or a file lives. Whole days, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lifespan(u32);

/// Something that can wait.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Tells the time and waits for a time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Ends when `moment` has come; at once if it has passed. Safe to drop before the end.
    fn sleep_until(&self, moment: Timestamp) -> Sleep<'_>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    moved: Notify,
    /// Serialises movers, so that two of them add up.
    moving: Mutex<()>,
}

impl Timestamp {
    /// The moment so many milliseconds after 1970-01-01 UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// For calendars and mail dates. A moment outside jiff's years (±9999) is the nearest one inside.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl Lifespan {
    /// So many days.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(days)
    }

    /// The number of days.
    #[must_use]
    pub const fn in_days(self) -> u32 {
        self.0
    }

    /// The same as a duration: a day is 24 hours.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0) * 24 * 60 * 60)
    }
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.0), moved: Notify::new(), moving: Mutex::new(()) }
    }

    /// Moves the clock and wakes whoever waits for a moment that has now come.
    pub fn advance(&self, by: Duration) {
        let _one_at_a_time = self.moving.lock();
        let moved = Timestamp(self.now.load(Ordering::SeqCst)) + by;
        self.now.store(moved.0, Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }

    fn sleep_until(&self, moment: Timestamp) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(moment.since(self.now())))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, moment: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                // Listen first, look second: a move between the two is not missed.
                let moved = self.moved.notified();
                tokio::pin!(moved);
                moved.as_mut().enable();
                if self.now() >= moment {
                    return;
                }
                moved.await;
            }
        })
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_past_its_moment() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move {
                clock.sleep_until(Timestamp::from_millis(0) + Lifespan::days(14).duration()).await;
                clock.now()
            }
        });
        for _ in 0..14 {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_hours(24));
        }
        assert_eq!(sleeper.await.unwrap().millis(), 14 * 24 * 60 * 60 * 1000);
    }

    #[test]
    fn time_neither_overflows_nor_runs_backwards() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Timestamp::from_millis(0).since(end), Duration::ZERO);
    }
}
