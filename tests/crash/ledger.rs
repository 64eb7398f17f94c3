//! What was sent, what was acknowledged, what arrived, and whether that is right.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

use crate::harness::hop::Delivery;
use crate::harness::reading::{Arrived, halves};

/// A second copy is allowed only if the first was answered at most so long before the plug was pulled: the note of it
/// may not have reached the disk. A healthy gateway needs a hundredth of it.
const NOTE_TIME: Duration = Duration::from_secs(2);

/// What kind of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ordinary,
    Invitation,
    /// Ordinary, and too large for a segment of the spool.
    Large,
}

/// A mail that was handed to the gateway, or was about to be.
#[derive(Clone, Debug)]
pub struct Sent {
    pub kind: Kind,
    /// Nobody else's.
    pub recipients: Vec<String>,
    pub acknowledged: bool,
    ticket: String,
}

/// When the plug was pulled, and when the gateway began to live again.
///
/// In between the hop may still read and answer what it had been sent before.
#[derive(Clone, Copy)]
struct Cut {
    at: Instant,
    until: Option<Instant>,
}

/// The books.
#[derive(Default)]
pub struct Ledger {
    /// By ticket.
    sent: HashMap<String, Sent>,
    /// Recipients of acknowledged mail that have nothing yet.
    missing: HashSet<String>,
    /// By recipient: when each copy was answered, and with which link.
    copies: HashMap<String, Vec<(Instant, Option<String>)>>,
    links: HashMap<String, String>,
    cuts: Vec<Cut>,
    acknowledged: usize,
    duplicates: usize,
    /// Of all duplicates, the longest time that the gateway had to note the first copy.
    longest_note: Duration,
    faults: Vec<String>,
    /// What came before its sender had reported that it was sent.
    unread: Vec<Delivery>,
}

impl Sent {
    pub fn new(ticket: &str, kind: Kind) -> Self {
        let recipients = match kind {
            Kind::Invitation => {
                ["kim", "lee"].map(|name| format!("{name}-{ticket}@partner.example")).to_vec()
            }
            Kind::Ordinary | Kind::Large => vec![format!("mo-{ticket}@partner.example")],
        };
        Self { kind, recipients, acknowledged: false, ticket: ticket.to_owned() }
    }

    /// As it is sent. Every line of the body names the ticket, so that mixed-up bodies show.
    pub fn message(&self, from: &str) -> Vec<u8> {
        let to = self.recipients.join(", ");
        let header = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: ticket {ticket}\r\nX-Ticket: {ticket}\r\n\
             Date: Tue, 24 Nov 2026 13:37:00 +0100\r\nMessage-ID: <{ticket}@corp.example>\r\n\r\n",
            ticket = self.ticket
        );
        [header.into_bytes(), self.body()].concat()
    }

    fn body(&self) -> Vec<u8> {
        let lines = if self.kind == Kind::Large { 12_000 } else { 60 };
        (0..lines).flat_map(|line| format!("{line} of ticket {}\r\n", self.ticket).into_bytes()).collect()
    }
}

impl Ledger {
    /// The plug was pulled.
    pub fn killed(&mut self, at: Instant) {
        self.cuts.push(Cut { at, until: None });
    }

    /// The gateway is about to start.
    pub fn starting(&mut self) {
        if let Some(cut) = self.cuts.last_mut() {
            cut.until = Some(Instant::now());
        }
    }

    /// What the pumps of one round sent.
    pub fn sent(&mut self, sent: Vec<Sent>) {
        for mail in sent {
            if mail.acknowledged {
                self.acknowledged += 1;
                let without =
                    mail.recipients.iter().filter(|recipient| !self.copies.contains_key(*recipient));
                self.missing.extend(without.cloned());
            }
            self.sent.insert(mail.ticket.clone(), mail);
        }
        let unread = std::mem::take(&mut self.unread);
        self.received(unread);
    }

    /// What the hop answered with 250.
    pub fn received(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            let ticket = Arrived::new(&delivery.octets).field("X-Ticket");
            match ticket.as_ref().map(|ticket| self.sent.contains_key(ticket)) {
                Some(true) => self.enter(&ticket.unwrap_or_default(), &delivery),
                Some(false) => self.unread.push(delivery),
                None => {
                    self.faults.push(format!("not ours: {:?}", String::from_utf8_lossy(&delivery.octets)));
                }
            }
        }
    }

    /// A recipient of an acknowledged mail who has nothing yet.
    pub fn missing(&self) -> Option<&String> {
        self.missing.iter().next()
    }

    /// All that is wrong, but for what is missing.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    fn enter(&mut self, ticket: &str, delivery: &Delivery) {
        let sent = &self.sent[ticket];
        let arrived = Arrived::new(&delivery.octets);
        let mut faults = Vec::new();
        let link = (sent.kind == Kind::Invitation).then(|| arrived.link("https://"));
        if link.is_none() && halves(&delivery.octets).1 != sent.body() {
            faults.push(format!("ticket {ticket}: the body has changed"));
        }
        if link.is_some() && !arrived.texts("text/plain").concat().contains(&format!("59 of ticket {ticket}"))
        {
            faults.push(format!("ticket {ticket}: an invitation without its text"));
        }
        for recipient in &delivery.recipients {
            if !sent.recipients.contains(recipient) {
                faults.push(format!("ticket {ticket} went to {recipient}, whom it was not for"));
            }
            self.missing.remove(recipient);
            let copies = self.copies.entry(recipient.clone()).or_default();
            if let Some((before, before_link)) = copies.last() {
                self.duplicates += 1;
                if let Some(cut) = self.cuts.iter().find(|cut| cut.explains(*before, delivery.at)) {
                    self.longest_note = self.longest_note.max(cut.time_for_a_note(*before));
                } else {
                    faults.push(format!("{recipient} got ticket {ticket} twice, and no crash explains it"));
                }
                if *before_link != link {
                    faults.push(format!("{recipient} got two different links for ticket {ticket}"));
                }
            }
            copies.push((delivery.at, link.clone()));
            if let Some(link) = &link {
                let owner = self.links.entry(link.clone()).or_insert_with(|| recipient.clone());
                if owner != recipient {
                    faults.push(format!("{recipient} and {owner} share a link"));
                }
            }
        }
        self.faults.append(&mut faults);
    }
}

impl Cut {
    /// Whether the note of the first copy can have been lost.
    fn explains(&self, first: Instant, second: Instant) -> bool {
        let alive_again = self.until.is_none_or(|until| until <= second);
        let dead_or_dying = self.until.is_none_or(|until| first <= until);
        alive_again && dead_or_dying && self.time_for_a_note(first) <= NOTE_TIME
    }

    /// None, if the hop answered when the gateway was dead already.
    fn time_for_a_note(&self, first: Instant) -> Duration {
        self.at.saturating_duration_since(first)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let copies: usize = self.copies.values().map(Vec::len).sum();
        write!(
            f,
            "{} mails acknowledged, {copies} copies at the hop, {} recipients still without, {} duplicates (answered at \
             most {} ms before the cut), {} faults",
            self.acknowledged,
            self.missing.len(),
            self.duplicates,
            self.longest_note.as_millis(),
            self.faults.len()
        )
    }
}
