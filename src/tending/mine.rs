//! What one person has sent, or everybody, a page at a time, the last one first.

use crate::accounts::Account;
use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::invites::{Invitation, Stage};
use crate::store::StoreFault;
use crate::tending::Tending;

/// Invitations on one page.
pub const PAGE: usize = 50;
/// Invitations that are looked at for one page. A rare word in a long list may need several.
const LOOKED_AT_MAX: usize = 2_000;
/// Invitations that are read at once.
const STRIDE: usize = 200;
/// Characters of a search that count: as many as the longest address has (RFC 5321 §4.5.3.1.3).
const SEARCH_MAX: usize = 256;

/// Which of them are wanted.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Those that stand so.
    pub stage: Option<Stage>,
    /// Those with these characters in the invitee's name or address, or in the subject, and among everybody's also in the
    /// inviter's; in any case. Empty for all.
    pub words: String,
}

/// A page of them.
#[derive(Debug)]
pub struct Mine {
    /// The last one first.
    pub invitations: Vec<Invitation>,
    /// What the next page begins behind; `None` behind the last.
    pub next: Option<InvitationId>,
}

/// How the invitations of the last days stand.
#[derive(Clone, Copy, Debug)]
pub struct Lately {
    /// How many stand so.
    pub counts: [(Stage, usize); 7],
    /// Whether all were counted.
    pub is_whole: bool,
}

impl Tending {
    /// Wanted invitations that this person has sent, from any of the account's addresses, older than `before`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn mine(
        &self,
        account: &Account,
        search: &Search,
        before: Option<InvitationId>,
    ) -> Result<Mine, StoreFault> {
        page(search, self.now(), before, holds, |at| self.part(account, at))
    }

    /// Wanted invitations that anybody has sent, older than `before`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn everybodys(&self, search: &Search, before: Option<InvitationId>) -> Result<Mine, StoreFault> {
        let or_inviter =
            |invitation: &Invitation, words: &str| holds(invitation, words) || is(&invitation.inviter, words);
        page(search, self.now(), before, or_inviter, |at| self.invites.newest(at, STRIDE))
    }

    /// How many of the invitations since that moment stand how, of the last ones at most.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn lately(&self, since: Timestamp) -> Result<Lately, StoreFault> {
        let now = self.now();
        let last = self.invites.newest(None, LOOKED_AT_MAX)?;
        let is_whole = last.len() < LOOKED_AT_MAX || last.last().is_some_and(|last| last.created < since);
        let mut counts = Stage::ALL.map(|stage| (stage, 0));
        for invitation in last.iter().filter(|invitation| invitation.created >= since) {
            let stage = invitation.stage(now);
            if let Some((_, count)) = counts.iter_mut().find(|(other, _)| *other == stage) {
                *count += 1;
            }
        }
        Ok(Lately { counts, is_whole })
    }

    /// The next ones of all the account's addresses together.
    fn part(&self, account: &Account, before: Option<InvitationId>) -> Result<Vec<Invitation>, StoreFault> {
        let mut part = Vec::new();
        for address in account.addresses() {
            part.extend(self.invites.sent_from(address, before, STRIDE)?);
        }
        part.sort_by_key(|invitation| std::cmp::Reverse(invitation.id));
        part.dedup_by_key(|invitation| invitation.id);
        part.truncate(STRIDE);
        Ok(part)
    }
}

/// A page of what is wanted, out of parts that come one after the other.
fn page(
    search: &Search,
    now: Timestamp,
    before: Option<InvitationId>,
    holds: impl Fn(&Invitation, &str) -> bool,
    part: impl Fn(Option<InvitationId>) -> Result<Vec<Invitation>, StoreFault>,
) -> Result<Mine, StoreFault> {
    let words: String = search.words.trim().to_lowercase().chars().take(SEARCH_MAX).collect();
    let wants = |invitation: &Invitation| {
        search.stage.is_none_or(|stage| stage == invitation.stage(now)) && holds(invitation, &words)
    };
    let mut invitations = Vec::new();
    let mut at = before;
    for _ in 0..LOOKED_AT_MAX.div_ceil(STRIDE) {
        let part = part(at)?;
        let is_last = part.len() < STRIDE;
        for invitation in part {
            at = Some(invitation.id);
            if wants(&invitation) {
                invitations.push(invitation);
            }
            if invitations.len() == PAGE {
                return Ok(Mine { invitations, next: at });
            }
        }
        if is_last {
            return Ok(Mine { invitations, next: None });
        }
    }
    Ok(Mine { invitations, next: at })
}

/// Whether the words, in lower case, are somewhere that a person would look for them.
fn holds(invitation: &Invitation, words: &str) -> bool {
    words.is_empty() || is(&invitation.invitee, words) || invitation.subject.to_lowercase().contains(words)
}

fn is(person: &Mailbox, words: &str) -> bool {
    person.address.key().contains(words)
        || person.name.as_ref().is_some_and(|name| name.to_lowercase().contains(words))
}
