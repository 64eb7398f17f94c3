//! Bounded counters: connections now open, and sign-ins that failed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::base::clock::{Clock, Timestamp};

/// The wait after the first failure that is not free; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The wait does not grow beyond this, so that nobody can lock another person out for a day.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// After so long without a failure, a key begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// How long a guesser is kept from the answer to its second wrong guess; it doubles with each further one.
const FIRST_HESITATION: Duration = Duration::from_millis(500);
/// An answer is not kept back longer. That is far less than a client may say nothing in any case, so nobody holds a
/// place for longer by guessing.
const LONGEST_HESITATION: Duration = Duration::from_secs(4);

/// Connections now open, in all and per peer. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Gate {
    open: Arc<Mutex<Open>>,
    total: usize,
    per_address: usize,
}

/// One open connection; dropping it gives the place back.
pub struct Place {
    open: Arc<Mutex<Open>>,
    /// Whose it is, once that is known.
    peer: Option<IpAddr>,
}

/// Why there is no place, with the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Full {
    /// So many connections are open, and no more are allowed.
    #[error("{0} connections are open, which is the limit")]
    Total(usize),
    /// So many connections of this peer are open, and no more are allowed.
    #[error("{0} connections are open from your address, which is the limit")]
    PerAddress(usize),
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// Failed sign-ins by key: an account, or an address. Cheap to clone; all clones count together.
///
/// Past the free ones each failure doubles the wait. The number of keys is bounded: the one whose last failure is the
/// oldest makes room.
#[derive(Clone)]
pub struct Failures {
    clock: Arc<dyn Clock>,
    book: Arc<Mutex<Book>>,
    free: u32,
    entries_max: usize,
}

#[derive(Debug, Default)]
struct Book {
    entries: HashMap<String, Entry>,
    /// Keys by their turn: the first is the one whose last failure is the oldest.
    order: BTreeMap<u64, String>,
    next_turn: u64,
}

#[derive(Debug)]
struct Entry {
    failures: u32,
    last: Timestamp,
    turn: u64,
}

impl Gate {
    /// Room for so many connections in all, and so many per address.
    #[must_use]
    pub fn new(total: usize, per_address: usize) -> Self {
        Self { open: Arc::default(), total, per_address }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`Full`] names the limit that is reached.
    pub fn enter(&self, peer: IpAddr) -> Result<Place, Full> {
        let mut place = self.enter_unknown()?;
        self.introduce(&mut place, peer)?;
        Ok(place)
    }

    /// Takes a place for somebody whom a proxy has yet to name.
    ///
    /// # Errors
    /// [`Full::Total`].
    pub fn enter_unknown(&self) -> Result<Place, Full> {
        let mut open = lock(&self.open);
        if open.total >= self.total {
            return Err(Full::Total(self.total));
        }
        open.total += 1;
        Ok(Place { open: Arc::clone(&self.open), peer: None })
    }

    /// Says once whose a place is.
    ///
    /// # Errors
    /// [`Full::PerAddress`].
    pub fn introduce(&self, place: &mut Place, peer: IpAddr) -> Result<(), Full> {
        let peer = one_site(peer);
        let mut open = lock(&self.open);
        let from_peer = open.per_address.entry(peer).or_default();
        if *from_peer >= self.per_address {
            return Err(Full::PerAddress(self.per_address));
        }
        *from_peer += 1;
        place.peer = Some(peer);
        Ok(())
    }
}

impl Failures {
    /// So many failures per key are free of any wait; at most so many keys are remembered.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, free: u32, entries_max: usize) -> Self {
        Self { clock, book: Arc::default(), free, entries_max }
    }

    /// How long this key must wait before the next try; `None` if it need not.
    #[must_use]
    pub fn wait(&self, key: &str) -> Option<Duration> {
        let now = self.clock.now();
        let book = lock(&self.book);
        let entry = book.entries.get(key)?;
        let left = (entry.last + delay(entry.failures, self.free)).since(now);
        (!left.is_zero()).then_some(left)
    }

    /// How long the answer to a failure is to be kept back, once that has been noted: not at all for the first, which a
    /// person may have mistyped, and longer with each further one.
    #[must_use]
    pub fn hesitation(&self, key: &str) -> Duration {
        let failures = lock(&self.book).entries.get(key).map_or(0, |entry| entry.failures);
        match failures.saturating_sub(1) {
            0 => Duration::ZERO,
            more => FIRST_HESITATION.saturating_mul(2_u32.saturating_pow(more - 1)).min(LONGEST_HESITATION),
        }
    }

    /// Notes a failure.
    pub fn failed(&self, key: &str) {
        let now = self.clock.now();
        let mut book = lock(&self.book);
        let before = book.remove(key);
        let remembered = before.filter(|entry| now.since(entry.last) < FORGOTTEN_AFTER);
        let failures = remembered.map_or(0, |entry| entry.failures).saturating_add(1);
        if book.entries.len() >= self.entries_max {
            book.remove_oldest();
        }
        book.insert(key, failures, now);
    }

    /// Forgets the failures of a key.
    pub fn succeeded(&self, key: &str) {
        lock(&self.book).remove(key);
    }
}

impl Book {
    fn insert(&mut self, key: &str, failures: u32, last: Timestamp) {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.order.insert(turn, key.to_owned());
        self.entries.insert(key.to_owned(), Entry { failures, last, turn });
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.turn);
        Some(entry)
    }

    fn remove_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.entries.remove(&key);
        }
    }
}

/// The wait that so many failures earn.
fn delay(failures: u32, free: u32) -> Duration {
    match failures.saturating_sub(free) {
        0 => Duration::ZERO,
        paid => FIRST_WAIT.saturating_mul(2_u32.saturating_pow(paid - 1)).min(LONGEST_WAIT),
    }
}

/// Who counts as one peer: an IPv4 address; of IPv6 the /64, for that is what one host has at its disposal
/// (RFC 7934 §4, RFC 4291 §2.5.1).
#[must_use]
pub fn one_site(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

/// A counter is right whatever a panic interrupted: each change is a single step.
fn lock<T>(counter: &Mutex<T>) -> MutexGuard<'_, T> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total -= 1;
        let Some(peer) = self.peer else { return };
        if let Some(count) = open.per_address.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                open.per_address.remove(&peer);
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Failures {
    /// Keys name people: they are counted, not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failures")
            .field("keys", &lock(&self.book).entries.len())
            .field("free", &self.free)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_in_all_and_per_peer_and_given_back() {
        let gate = Gate::new(3, 2);
        let first = gate.enter(ip("192.0.2.1")).unwrap();
        let _second = gate.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(gate.enter(ip("192.0.2.1")).unwrap_err(), Full::PerAddress(2));
        let _third = gate.enter(ip("192.0.2.2")).unwrap();
        assert_eq!(gate.enter(ip("192.0.2.3")).unwrap_err(), Full::Total(3));
        drop(first);
        assert!(gate.enter(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn answers_to_a_guesser_come_later_each_time_within_a_bound() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let failures = Failures::new(clock, 1, 10);
        assert_eq!(failures.hesitation("kim"), Duration::ZERO);
        for expected in [0, 500, 1000, 2000, 4000, 4000] {
            failures.failed("kim");
            assert_eq!(failures.hesitation("kim"), Duration::from_millis(expected));
        }
        for _ in 0..100 {
            failures.failed("kim");
        }
        assert_eq!(failures.hesitation("kim"), LONGEST_HESITATION);
        failures.succeeded("kim");
        assert_eq!(failures.hesitation("kim"), Duration::ZERO);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let gate = Gate::new(9, 1);
        let _place = gate.enter(ip("2001:db8:1:2::1")).unwrap();
        assert!(gate.enter(ip("2001:db8:1:2:ffff::9")).is_err());
        assert!(gate.enter(ip("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn a_gate_that_empties_remembers_nobody() {
        let gate = Gate::new(9, 9);
        drop(gate.enter(ip("192.0.2.1")));
        assert!(lock(&gate.open).per_address.is_empty());
    }

    fn failures(free: u32, entries_max: usize) -> (Arc<ManualClock>, Failures) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        (Arc::clone(&clock), Failures::new(clock, free, entries_max))
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_passes() {
        let (clock, failures) = failures(2, 10);
        let mut waits = Vec::new();
        for _ in 0..14 {
            failures.failed("kim");
            waits.push(failures.wait("kim").map_or(0, |wait| wait.as_secs()));
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        clock.advance(Duration::from_secs(899));
        assert_eq!(failures.wait("kim"), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(failures.wait("kim"), None);
        assert_eq!(failures.wait("ann"), None);
    }

    #[test]
    fn a_success_or_a_quiet_day_wipes_the_slate() {
        let (clock, failures) = failures(0, 10);
        failures.failed("kim");
        failures.succeeded("kim");
        assert_eq!(failures.wait("kim"), None);

        failures.failed("kim");
        failures.failed("kim");
        clock.advance(FORGOTTEN_AFTER);
        failures.failed("kim");
        assert_eq!(failures.wait("kim"), Some(FIRST_WAIT));
    }

    #[test]
    fn the_key_whose_failure_is_the_oldest_makes_room() {
        let (_, failures) = failures(0, 2);
        for key in ["ann", "bob", "ann", "kim"] {
            failures.failed(key);
        }
        assert!(failures.wait("ann").is_some() && failures.wait("kim").is_some());
        assert_eq!(failures.wait("bob"), None);
        assert_eq!(lock(&failures.book).order.len(), 2);
    }
}
