//! What happens to an invitation besides its way from the queue to the account: fresh links, more time, and the
//! questions that an invitee may ask when the time is over.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::address::Address;
use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Token, TokenHash};
use crate::invites::{Invitation, Invites, LINKS, Link, State, expiry};
use crate::store::schema;
use crate::store::{Batch, StoreFault, Stored, Table};

pub(super) const APPROVALS: Table<TokenHash, Approval> = Table::new(schema::APPROVALS);

/// How long after the expiry an invitee gets a fresh link without anybody being asked.
const RENEWAL_TIME: Duration = Duration::from_hours(14 * 24);
/// From one question of an invitee to the next.
const ASK_EVERY: Duration = Duration::from_hours(1);

/// What has been done about an invitation since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// When the last fresh link was made.
    pub renewed: Option<Timestamp>,
    /// Links made before this moment had expired when the next one was made, and stay so.
    pub links_from: Option<Timestamp>,
    /// The inviter gave more time.
    pub extended_until: Option<Timestamp>,
    /// When the invitee asked for a fresh link last.
    pub asked: Option<Timestamp>,
    /// When the address was corrected: links made before this moment went to somebody else, and are taken back.
    pub readdressed: Option<Timestamp>,
    /// Whether the invitee has had a fresh link by asking. For the next one the inviter is asked.
    pub was_asked_for: bool,
}

/// The inviter's answer to an invitee who asks for a fresh link, by the hash of the word in the inviter's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The invitation.
    pub invitation: InvitationId,
    /// When the inviter was asked.
    pub asked: Timestamp,
    /// When the inviter said yes.
    pub given: Option<Timestamp>,
}

/// What an invitee who asks for a fresh link gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A fresh link.
    Link,
    /// The inviter is asked.
    Question,
    /// The last question was too short a time ago.
    TooSoon {
        /// From when on the next one is heard.
        next: Timestamp,
    },
}

/// How an invitation stands, in one word for people and scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The mail is on its way.
    Queued,
    /// The next hop has it.
    Sent,
    /// A person has seen the page.
    Opened,
    /// There is an account.
    Accepted,
    /// The mail could not be delivered.
    Bounced,
    /// The time is over.
    Expired,
    /// The inviter took it back.
    Withdrawn,
}

impl Stage {
    /// All there are, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Sent,
        Self::Opened,
        Self::Accepted,
        Self::Bounced,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Opened => "opened",
            Self::Accepted => "accepted",
            Self::Bounced => "bounced",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.word() == text)
            .ok_or_else(|| format!("write one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

impl Life {
    /// Whether a link made at that moment had expired before the present one was made.
    #[must_use]
    pub fn is_over_for(&self, made: Timestamp) -> bool {
        self.links_from.is_some_and(|from| made < from)
    }
}

impl Invitation {
    /// How it stands now. What bounced stays so when its time is over: that is what the inviter has to know.
    #[must_use]
    pub fn stage(&self, now: Timestamp) -> Stage {
        match &self.state {
            State::Accepted { .. } => Stage::Accepted,
            State::Withdrawn { .. } => Stage::Withdrawn,
            State::Bounced { .. } => Stage::Bounced,
            _ if self.has_expired(now) => Stage::Expired,
            State::Queued => Stage::Queued,
            State::Sent(_) => Stage::Sent,
            State::Opened { .. } => Stage::Opened,
        }
    }

    /// What its invitee gets who asks for a fresh link now.
    #[must_use]
    pub fn asking(&self, now: Timestamp) -> Asked {
        if let Some(asked) = self.life.asked
            && now < asked + ASK_EVERY
        {
            return Asked::TooSoon { next: asked + ASK_EVERY };
        }
        if self.needs_approval(now) { Asked::Question } else { Asked::Link }
    }

    /// Whether the inviter is asked before the invitee gets a fresh link: after the first one, and after a long time.
    #[must_use]
    pub fn needs_approval(&self, now: Timestamp) -> bool {
        let last = self.valid_until().unwrap_or(now);
        self.life.was_asked_for || now > last + RENEWAL_TIME
    }
}

impl Life {
    /// With a fresh link. Whether the earlier ones have expired is judged by the life that `invitation` had so far: a
    /// shorter one, by which it goes on, ends no link before its time.
    fn renewed(self, invitation: &Invitation, now: Timestamp) -> Self {
        let links_from = if invitation.has_expired(now) { Some(now) } else { self.links_from };
        Self { renewed: Some(now), links_from, ..self }
    }
}

impl Invites {
    /// The same invitation for another address, with a fresh link, as if its mail were on its way for the first time.
    /// Gives it as it is then; `None` where it is used or withdrawn, and nothing is in the batch. The commit finds a
    /// conflict where the same inviter has an open invitation for that address.
    ///
    /// # Errors
    /// Where the record is too large, or the store failed.
    pub fn readdress(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        right: &Address,
        now: Timestamp,
        link: &Token,
    ) -> Result<Option<Invitation>, StoreFault> {
        if !old.value.state.is_open() {
            return Ok(None);
        }
        let invitee = Mailbox { address: right.clone(), ..old.value.invitee.clone() };
        // Behind every link there is, also one that was made in this very millisecond.
        let at = old.value.life.readdressed.map_or(now, |before| before.max(now)) + Duration::from_millis(1);
        let life = Life { renewed: Some(now), readdressed: Some(at), ..Life::default() };
        let new = Invitation { invitee, state: State::Queued, life, ..old.value.clone() };
        expiry::replace(batch, old, &new)?;
        self.forget_pending(batch, &old.value)?;
        self.enter_pending(batch, &new)?;
        LINKS.insert(batch, &link.hash(), &Link { invitation: new.id, made: at })?;
        Ok(Some(new))
    }

    /// A fresh link beside those there are; of an invitation that has expired, in their place. Says whether there may
    /// be one; if not (used, withdrawn), nothing is in the batch.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn renew(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        now: Timestamp,
        link: &Token,
    ) -> Result<bool, StoreFault> {
        Self::renewed(batch, old, now, link, old.value.life.renewed(&old.value, now))
    }

    /// The same because the invitee asked for it. The next one needs the inviter's yes.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn renew_asked(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        now: Timestamp,
        link: &Token,
    ) -> Result<bool, StoreFault> {
        let life = Life { asked: Some(now), was_asked_for: true, ..old.value.life.renewed(&old.value, now) };
        Self::renewed(batch, old, now, link, life)
    }

    /// The same inviter invites once more: a fresh link of the same invitation, which from now on is about the new mail,
    /// that of `new`. Nothing is in the batch where the invitation is used or withdrawn.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn invite_again(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        new: &Invitation,
        now: Timestamp,
        link: &Token,
    ) -> Result<(), StoreFault> {
        let about = Invitation { state: old.value.state.clone(), life: old.value.life, ..new.clone() };
        let about = Stored { value: about, version: old.version };
        // Whether the invitee asked before is of no matter for the new mail.
        let life = Life { was_asked_for: false, ..old.value.life.renewed(&old.value, now) };
        Self::renewed(batch, &about, now, link, life).map(drop)
    }

    fn renewed(
        batch: &mut Batch,
        old: &Stored<Invitation>,
        now: Timestamp,
        link: &Token,
        life: Life,
    ) -> Result<bool, StoreFault> {
        let Some(state) = old.value.state.renewed() else {
            return Ok(false);
        };
        let new = Invitation { state, life, ..old.value.clone() };
        expiry::replace(batch, old, &new)?;
        let made = life.readdressed.map_or(now, |at| at.max(now));
        LINKS.insert(batch, &link.hash(), &Link { invitation: new.id, made })?;
        Ok(true)
    }

    /// More time: so many days behind the end there is; of one that has expired, so many from now on. Says whether
    /// there can be more; if not (used, withdrawn), nothing is in the batch.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn extend(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        now: Timestamp,
        more: Lifespan,
    ) -> Result<bool, StoreFault> {
        if !old.value.state.is_open() {
            return Ok(false);
        }
        let new = match old.value.valid_until() {
            // The time does not run yet.
            None => {
                let days = old.value.lifespan.in_days().saturating_add(more.in_days());
                Invitation { lifespan: Lifespan::days(days), ..old.value.clone() }
            }
            Some(last) => {
                let life = Life { extended_until: Some(last.max(now) + more.duration()), ..old.value.life };
                Invitation { life, ..old.value.clone() }
            }
        };
        expiry::replace(batch, old, &new)?;
        Ok(true)
    }

    /// The inviter is asked for a fresh link, with a mail that holds this word.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn ask_inviter(
        &self,
        batch: &mut Batch,
        old: &Stored<Invitation>,
        now: Timestamp,
        word: &Token,
    ) -> Result<(), StoreFault> {
        let life = Life { asked: Some(now), ..old.value.life };
        expiry::replace(batch, old, &Invitation { life, ..old.value.clone() })?;
        let approval = Approval { invitation: old.value.id, asked: now, given: None };
        APPROVALS.insert(batch, &word.hash(), &approval)
    }

    /// The question behind the word in an inviter's mail.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn approval(&self, word: &TokenHash) -> Result<Option<Stored<Approval>>, StoreFault> {
        APPROVALS.get(&self.store, word)
    }

    /// The inviter said yes. The commit finds a conflict if that was said meanwhile.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn approve(
        &self,
        batch: &mut Batch,
        word: &TokenHash,
        old: &Stored<Approval>,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        APPROVALS.replace(batch, word, old, &Approval { given: Some(now), ..old.value })
    }
}
