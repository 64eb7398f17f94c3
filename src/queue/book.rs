//! The queue's records: one for each message, one for each of its envelopes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::base::address::{Address, ReversePath};
use crate::base::clock::Timestamp;
use crate::base::id::{InvitationId, MessageId};
use crate::queue::schedule::Schedule;
use crate::smtp::parameter::{MailParameters, RcptParameters};
use crate::store::schema;
use crate::store::spool::BodyRef;
use crate::store::{Store, StoreFault, Stored, Table};

/// Why a message is in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A mail that passes through as it came.
    Ordinary,
    /// A mail whose recipients are invited.
    Invitation,
    /// Ours: a notice or a report.
    Own,
}

/// An accepted message: what its recipients have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its name in the queue, in the journal and in our Received field.
    pub id: MessageId,
    /// Why it is here.
    pub kind: Kind,
    /// Its octets, as they were accepted.
    pub body: BodyRef,
    /// Who hears of a failure.
    pub sender: ReversePath,
    /// What the client asked for at MAIL.
    pub parameters: MailParameters,
    /// When it was accepted. The time to give up is counted from here.
    pub received: Timestamp,
    /// Octets of the top header with the empty line, for reports.
    pub header_len: u64,
}

/// One recipient's copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Where it goes.
    pub recipient: Address,
    /// What the client asked for at RCPT.
    pub parameters: RcptParameters,
    /// Encoded `mail::edit::Edits`; several recipients may share them.
    pub edits: Option<BodyRef>,
    /// The invitation that this copy carries.
    pub invitation: Option<InvitationId>,
}

/// An envelope and how often it was tried: the record that the store keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The recipient's copy.
    pub envelope: Envelope,
    /// Its attempts, past and next.
    pub schedule: Schedule,
}

impl Message {
    /// The message's own body first, then each set of edits once.
    pub(super) fn bodies<'a>(&self, envelopes: impl IntoIterator<Item = &'a Envelope>) -> Vec<BodyRef> {
        let mut seen = HashSet::new();
        let edits = envelopes.into_iter().filter_map(|envelope| envelope.edits);
        let mut bodies = vec![self.body];
        bodies.extend(edits.filter(|edits| seen.insert(*edits)));
        bodies
    }
}

/// By id. A message record never changes.
pub(super) const MESSAGES: Table<MessageId, Message> = Table::new(schema::MESSAGES);
/// By message and number.
pub(super) const ENTRIES: Table<(MessageId, u16), Entry> = Table::new(schema::ENVELOPES);

/// Message records read at once when the queue is opened.
const PAGE: usize = 1000;
/// Every envelope of a message: their numbers are 16 bits.
const ENTRIES_MAX: usize = 1 << 16;

/// The message with this id.
pub(super) fn message(store: &Store, id: MessageId) -> Result<Message, StoreFault> {
    let stored = MESSAGES.get(store, &id)?;
    stored.map(|stored| stored.value).ok_or_else(|| StoreFault::Record(format!("message {id} is missing")))
}

/// The envelope of this number.
pub(super) fn entry(store: &Store, message: MessageId, number: u16) -> Result<Stored<Entry>, StoreFault> {
    let stored = ENTRIES.get(store, &(message, number))?;
    stored.ok_or_else(|| StoreFault::Record(format!("envelope {number} of message {message} is missing")))
}

/// All envelopes of a message, by number.
pub(super) fn entries(store: &Store, message: MessageId) -> Result<Vec<(u16, Stored<Entry>)>, StoreFault> {
    let entries = ENTRIES.scan_prefix(store, &message.octets(), ENTRIES_MAX)?;
    Ok(entries.into_iter().map(|((_, number), stored)| (number, stored)).collect())
}

/// Every message in the store, with its numbered envelopes.
pub(super) fn each_message(
    store: &Store,
    mut visit: impl FnMut(&Message, &[(u16, Entry)]),
) -> Result<(), StoreFault> {
    let mut after = None;
    loop {
        let page = MESSAGES.scan(store, after.as_ref(), PAGE)?;
        for (id, message) in &page {
            let entries = ENTRIES.scan_prefix(store, &id.octets(), ENTRIES_MAX)?;
            let entries: Vec<_> =
                entries.into_iter().map(|((_, number), stored)| (number, stored.value)).collect();
            visit(&message.value, &entries);
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => after = Some(*last),
            _ => return Ok(()),
        }
    }
}
