//! The queue in figures, for who looks after it.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::queue::book::{ENTRIES, MESSAGES};
use crate::queue::{Entry, Queue};
use crate::store::StoreFault;

/// Messages that are looked at, the oldest first, and recipients of them. A longer queue says that its figures are those
/// of a part.
const MESSAGES_MAX: usize = 1_000;
const RECIPIENTS_MAX: usize = 10_000;
/// Destinations in trouble that are shown.
const TROUBLES_MAX: usize = 10;

/// How the queue stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Messages in it.
    pub messages: usize,
    /// Whether the other figures are of all of them.
    pub is_whole: bool,
    /// Recipients whose copy is due or on its way.
    pub due: usize,
    /// Recipients whose copy waits for its time.
    pub waiting: usize,
    /// Recipients whose copy an administrator keeps.
    pub held: usize,
    /// When the oldest message was accepted.
    pub oldest: Option<Timestamp>,
    /// Where it goes badly, the worst first.
    pub troubles: Vec<Trouble>,
}

/// A domain whose mail was tried and not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub domain: String,
    /// Recipients there.
    pub recipients: usize,
    /// The most attempts of one of them.
    pub attempts: u32,
    /// What the last of them heard.
    pub answer: String,
}

impl Queue {
    /// How the queue stands now. A bounded read.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn census(&self) -> Result<Census, StoreFault> {
        self.census_of(MESSAGES_MAX, RECIPIENTS_MAX)
    }

    /// The same of at most so many messages and so many recipients.
    pub(super) fn census_of(&self, messages: usize, recipients: usize) -> Result<Census, StoreFault> {
        let page = MESSAGES.scan(&self.inner.store, None, messages)?;
        let now = self.inner.clock.now();
        let mut census = Census {
            messages: self.len(),
            is_whole: page.len() < messages,
            oldest: page.first().map(|(_, first)| first.value.received),
            ..Census::default()
        };
        let mut troubles = BTreeMap::new();
        let mut left = recipients;
        for (id, _) in &page {
            let entries = ENTRIES.scan_prefix(&self.inner.store, &id.octets(), left)?;
            for (_, entry) in &entries {
                census.count(&entry.value, now);
                note_trouble(&mut troubles, &entry.value);
            }
            left -= entries.len();
            if left == 0 {
                census.is_whole = false;
                break;
            }
        }
        census.troubles = troubles.into_values().collect();
        census.troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.recipients));
        census.troubles.truncate(TROUBLES_MAX);
        Ok(census)
    }
}

impl Census {
    fn count(&mut self, Entry { schedule, .. }: &Entry, now: Timestamp) {
        match (schedule.held, schedule.due <= now) {
            (true, _) => self.held += 1,
            (false, true) => self.due += 1,
            (false, false) => self.waiting += 1,
        }
    }
}

/// By domain.
fn note_trouble(troubles: &mut BTreeMap<String, Trouble>, Entry { envelope, schedule }: &Entry) {
    let Some(answer) = &schedule.last_answer else { return };
    let domain = envelope.recipient.domain().as_str();
    let trouble = troubles.entry(domain.to_owned()).or_insert_with(|| Trouble {
        domain: domain.to_owned(),
        recipients: 0,
        attempts: 0,
        answer: String::new(),
    });
    trouble.recipients += 1;
    trouble.attempts = trouble.attempts.max(schedule.attempts);
    trouble.answer.clone_from(answer);
}
