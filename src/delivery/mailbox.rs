//! The demo's built-in mailbox: a courier that keeps what it gets, for a web page to show.
//!
//! It keeps the newest [`LETTERS_MAX`] letters, and no more than [`OCTETS_MAX`] of them; older ones make room.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::base::address::{Address, ReversePath};
use crate::base::clock::{Clock, Timestamp};
use crate::delivery::courier::{Courier, Duty, Outcome, Parcel, Reason};
use crate::smtp::reply::{EnhancedCode, Reply};

/// Letters kept.
const LETTERS_MAX: usize = 200;
/// Octets kept, all letters together.
const OCTETS_MAX: usize = 50 * 1024 * 1024;
/// How the mailbox calls itself where a next hop would be named.
const NAME: &str = "the built-in mailbox";

/// One delivered copy.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its number, counted from one.
    pub id: u64,
    /// The envelope's sender.
    pub from: ReversePath,
    /// The envelope's recipients.
    pub to: Vec<Address>,
    /// When it came.
    pub at: Timestamp,
    /// The message, as a next hop would have got it.
    pub octets: Bytes,
}

/// Handle to the mailbox; all clones show the same letters.
#[derive(Clone)]
pub struct Mailbox {
    clock: Arc<dyn Clock>,
    letters: Arc<Mutex<Letters>>,
}

#[derive(Debug, Default)]
struct Letters {
    /// Oldest first.
    kept: VecDeque<Letter>,
    octets: usize,
    last_id: u64,
}

impl Mailbox {
    /// An empty mailbox.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, letters: Arc::default() }
    }

    /// What came, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Letter> {
        self.letters().kept.iter().rev().cloned().collect()
    }

    /// One letter, if it is still kept.
    #[must_use]
    pub fn letter(&self, id: u64) -> Option<Letter> {
        self.letters().kept.iter().find(|letter| letter.id == id).cloned()
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_in(&self, parcel: &Parcel) -> Outcome {
        let octets = match whole(parcel) {
            Ok(octets) if octets.len() <= OCTETS_MAX => octets,
            Ok(_) => {
                let text = format!("the mailbox keeps {} MiB at most", OCTETS_MAX / (1024 * 1024));
                return Outcome::Refused { hop: None, reason: Reason::local(EnhancedCode(5, 3, 4), text) };
            }
            Err(error) => {
                let text = format!("the message could not be read: {error}");
                return Outcome::Deferred { hop: None, reason: Reason::local(EnhancedCode(4, 3, 0), text) };
            }
        };
        let to = parcel.recipients.iter().map(|(address, _)| address.clone()).collect();
        let id = self.letters().keep(parcel.sender.clone(), to, self.clock.now(), octets);
        let reply = Reply::new(250, EnhancedCode(2, 0, 0), format!("kept as letter {id}"));
        Outcome::Delivered { hop: NAME.to_owned(), reply, duty: Duty::Arrived }
    }
}

impl Letters {
    fn keep(&mut self, from: ReversePath, to: Vec<Address>, at: Timestamp, octets: Bytes) -> u64 {
        self.last_id += 1;
        self.octets += octets.len();
        self.kept.push_back(Letter { id: self.last_id, from, to, at, octets });
        while self.kept.len() > LETTERS_MAX || self.octets > OCTETS_MAX {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.octets -= oldest.octets.len();
        }
        self.last_id
    }
}

/// The whole copy; one octet more than the mailbox holds is enough to know that it is too large.
fn whole(parcel: &Parcel) -> io::Result<Bytes> {
    let mut octets = BytesMut::new();
    for chunk in parcel.chunks() {
        octets.extend_from_slice(&chunk?);
        if octets.len() > OCTETS_MAX {
            break;
        }
    }
    Ok(octets.freeze())
}

impl Courier for Mailbox {
    fn deliver<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>> {
        Box::pin(async move { parcel.all(&self.take_in(parcel)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_letters_stay_within_both_bounds() {
        let mut letters = Letters::default();
        let mut keep = |octets: usize| {
            letters.keep(ReversePath::Null, vec![], Timestamp::from_millis(0), vec![b'x'; octets].into())
        };
        for _ in 0..LETTERS_MAX + 5 {
            keep(1);
        }
        assert_eq!(keep(OCTETS_MAX - 10), 206);
        assert_eq!(letters.kept.len(), 11);
        assert_eq!(letters.kept.front().map(|letter| letter.id), Some(196));
        assert_eq!(letters.octets, OCTETS_MAX);
    }
}
