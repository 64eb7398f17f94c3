//! The queue in figures, for who looks after it.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::queue::Queue;
use crate::store::StoreFault;

/// Messages that are looked at, the oldest first. A longer queue says that its figures are those of a part.
const LOOKED_AT_MAX: usize = 1_000;
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
        let page = self.waiting(None, LOOKED_AT_MAX)?;
        let now = self.inner.clock.now();
        let mut census = Census {
            messages: self.len(),
            is_whole: page.len() < LOOKED_AT_MAX,
            oldest: page.first().map(|first| first.message.received),
            ..Census::default()
        };
        let mut troubles: BTreeMap<&str, Trouble> = BTreeMap::new();
        for entry in page.iter().flat_map(|waiting| &waiting.entries) {
            let schedule = &entry.schedule;
            match (schedule.held, schedule.due <= now) {
                (true, _) => census.held += 1,
                (false, true) => census.due += 1,
                (false, false) => census.waiting += 1,
            }
            let Some(answer) = &schedule.last_answer else { continue };
            let domain = entry.envelope.recipient.domain().as_str();
            let trouble = troubles.entry(domain).or_insert_with(|| Trouble {
                domain: domain.to_owned(),
                recipients: 0,
                attempts: 0,
                answer: String::new(),
            });
            trouble.recipients += 1;
            trouble.attempts = trouble.attempts.max(schedule.attempts);
            trouble.answer.clone_from(answer);
        }
        census.troubles = troubles.into_values().collect();
        census.troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.recipients));
        census.troubles.truncate(TROUBLES_MAX);
        Ok(census)
    }
}
