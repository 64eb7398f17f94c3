//! One round over all guests: who has whom, and what is due for each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::accounts::vacancies::Vacancy;
use crate::accounts::{Account, Kind};
use crate::audit::Deed;
use crate::auth::presence::Presence;
use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::{AccountId, InvitationId};
use crate::base::mailbox::Mailbox;
use crate::invites::{Invitation, Life, State};
use crate::net::lifecycle::Lifecycle;
use crate::notices::person::AboutAccount;
use crate::sponsoring::succession::{
    STRIDE, Succession, SuccessionFault, note, passed_over, pause, was_first,
};
use crate::store::{Batch, StoreFault, Stored};

/// Sponsors that one look asks about.
const SPONSORS_MAX: usize = 2_000;
/// Vacancies, but for the rest of a page, that are seen to in one walk over the guests.
const VACANCIES_MAX: usize = 1_000;
/// Guests whose names stand in the mail to a successor.
const NAMED_MAX: usize = 20;
/// From the warning to the end.
const WARNING: Duration = Duration::from_hours(3 * 24);
/// Of an invitation that is accepted from the beginning; no link of it lives.
const LIFESPAN: Lifespan = Lifespan::days(14);

/// A part of all sponsors.
pub(super) struct Sponsors {
    pub(super) found: BTreeMap<String, Left>,
    /// Behind which the next part begins; `None` behind the last.
    pub(super) next: Option<String>,
}

/// What somebody leaves behind who leaves.
pub(super) struct Left {
    pub(super) sponsor: Mailbox,
    /// The first of the guests.
    pub(super) guests: Vec<Mailbox>,
    /// How many more there are.
    pub(super) more: usize,
}

impl Succession {
    /// Sponsors in the order of their addresses, behind `after`.
    pub(super) async fn sponsors(
        &self,
        after: Option<&str>,
        lifecycle: &Lifecycle,
    ) -> Result<Sponsors, SuccessionFault> {
        let mut found: BTreeMap<String, Left> = BTreeMap::new();
        let mut is_part = false;
        let mut last = None;
        while let Some(guests) = self.guests_behind(&mut last, lifecycle).await? {
            for guest in guests {
                for (key, sponsor) in self.sponsors_of(&guest)? {
                    if after.is_some_and(|after| key.as_str() <= after) {
                        continue;
                    }
                    let left = found.entry(key).or_insert(Left { sponsor, guests: Vec::new(), more: 0 });
                    if left.guests.len() < NAMED_MAX {
                        left.guests.push(guest.mailbox.clone());
                    } else {
                        left.more += 1;
                    }
                }
                while found.len() > SPONSORS_MAX {
                    found.pop_last();
                    is_part = true;
                }
            }
        }
        let next = if is_part { found.last_key_value().map(|(key, _)| key.clone()) } else { None };
        Ok(Sponsors { found, next })
    }

    /// Ends the vacancies of this part of the sponsors whose last guest has gone another way.
    pub(super) async fn close_deserted(
        &self,
        mut after: Option<String>,
        sponsors: &Sponsors,
        lifecycle: &Lifecycle,
    ) -> Result<(), SuccessionFault> {
        loop {
            let page = self.parts.accounts.vacancies(after.as_deref(), STRIDE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.value.key());
            for vacancy in page {
                let key = vacancy.value.key();
                if sponsors.next.as_ref().is_some_and(|next| key > *next) {
                    return Ok(());
                }
                if !sponsors.found.contains_key(&key) {
                    self.close(&vacancy).await?;
                }
            }
            pause(lifecycle).await?;
        }
    }

    /// Does for each guest of those who are gone what is due now. Gives how many that were.
    ///
    /// Guests are handed over also where it is not known who is gone; nobody is warned and nobody ends.
    ///
    /// # Errors
    /// [`SuccessionFault`], but for what concerns one person only; what was done so far stays done.
    pub async fn tend(&self, lifecycle: &Lifecycle) -> Result<usize, SuccessionFault> {
        let (mut done, mut after, mut silent) = (0, None, None);
        while let Some(due) = self.due_behind(&mut after)? {
            let mut gone = BTreeSet::new();
            for vacancy in due {
                pause(lifecycle).await?;
                if vacancy.value.successor.is_some() || self.is_still_gone(&vacancy, &mut silent).await? {
                    gone.insert(vacancy.value.key());
                }
            }
            done += self.see_to_guests_of(&gone, lifecycle).await?;
        }
        silent.map_or(Ok(done), Err)
    }

    /// Vacancies behind `after` for which something may be due; `None` behind the last.
    fn due_behind(&self, after: &mut Option<String>) -> Result<Option<Vec<Stored<Vacancy>>>, StoreFault> {
        let mut due = Vec::new();
        while due.len() < VACANCIES_MAX {
            let page = self.parts.accounts.vacancies(after.as_deref(), STRIDE)?;
            let Some(last) = page.last() else { break };
            *after = Some(last.value.key());
            due.extend(page.into_iter().filter(|vacancy| self.is_due(&vacancy.value)));
        }
        Ok((!due.is_empty()).then_some(due))
    }

    /// Asks once more before anybody is warned or ends: the look may have been long ago, and who is back has the guests
    /// back. A directory that is `silent` is not asked again.
    async fn is_still_gone(
        &self,
        vacancy: &Stored<Vacancy>,
        silent: &mut Option<SuccessionFault>,
    ) -> Result<bool, StoreFault> {
        if silent.is_some() {
            return Ok(false);
        }
        let address = &vacancy.value.sponsor.address;
        let presence = self.parts.authenticator.presence(address).await;
        match passed_over(presence.map_err(SuccessionFault::from), address) {
            Ok(Some(Presence::Gone { .. })) => return Ok(true),
            Ok(Some(Presence::Here)) => self.close(vacancy).await?,
            Ok(None) => {}
            Err(fault) => *silent = Some(fault),
        }
        Ok(false)
    }

    /// One walk over all guests, for those of these sponsors; ends the vacancies that have none left.
    async fn see_to_guests_of(
        &self,
        gone: &BTreeSet<String>,
        lifecycle: &Lifecycle,
    ) -> Result<usize, SuccessionFault> {
        if gone.is_empty() {
            return Ok(0);
        }
        let (mut done, mut waiting) = (0, BTreeSet::new());
        let mut last = None;
        while let Some(guests) = self.guests_behind(&mut last, lifecycle).await? {
            for guest in guests {
                for key in self.sponsors_of(&guest)?.into_keys().filter(|key| gone.contains(key)) {
                    let seen = self.see_to(guest.id, &key).await;
                    let seen = passed_over(seen, &guest.mailbox.address)?.unwrap_or(Seen::Waits);
                    done += usize::from(seen != Seen::Waits);
                    if seen != Seen::Left {
                        waiting.insert(key);
                    }
                }
            }
        }
        for key in gone.difference(&waiting) {
            if let Some(vacancy) = self.parts.accounts.vacancy(key)? {
                self.close(&vacancy).await?;
            }
        }
        Ok(done)
    }

    fn is_due(&self, vacancy: &Vacancy) -> bool {
        let is_ending = || self.end(vacancy).is_some_and(|end| self.now() >= end - WARNING);
        vacancy.successor.is_some() || is_ending()
    }

    async fn see_to(&self, guest: AccountId, key: &str) -> Result<Seen, SuccessionFault> {
        // Read anew: an earlier step of this round, or somebody else, may have changed them.
        let Some(guest) = self.parts.accounts.by_id(guest)? else { return Ok(Seen::Left) };
        let Some(vacancy) = self.parts.accounts.vacancy(key)? else { return Ok(Seen::Waits) };
        let mut others = Vec::new();
        for inviter in &guest.value.inviters {
            if self.sponsor_of(inviter)?.address.key() != key {
                others.push(inviter.clone());
            }
        }
        if others.len() == guest.value.inviters.len() {
            return Ok(Seen::Left);
        }
        let without = Account { inviters: others, ..guest.value.clone() };
        match &vacancy.value.successor {
            Some(successor) => self.hand_over(&guest, &without, &vacancy.value, successor).await,
            None if without.inviters.is_empty() => self.wind_up(&guest, &vacancy).await,
            None => self.let_go(&guest, &without, &vacancy).await,
        }
    }

    /// The guest gets another sponsor, as if that one had invited, too.
    async fn hand_over(
        &self,
        guest: &Stored<Account>,
        without: &Account,
        vacancy: &Vacancy,
        successor: &Mailbox,
    ) -> Result<Seen, SuccessionFault> {
        let now = self.now();
        let last = self.parts.invites.last_between(&vacancy.sponsor.address, &guest.value.mailbox.address)?;
        let invitation = Invitation {
            id: InvitationId::fresh(),
            inviter: successor.clone(),
            invitee: guest.value.mailbox.clone(),
            internal: false,
            subject: last.map_or_else(|| self.rules.subject.clone(), |last| last.subject),
            message_id: None,
            lifespan: LIFESPAN,
            created: now,
            state: State::Accepted { sent: None, at: now, account: guest.value.id },
            life: Life::default(),
            language: guest.value.language,
        };
        let mut batch = Batch::new();
        self.parts.accounts.replace(&mut batch, guest, &without.with_inviter(successor))?;
        self.parts.accounts.forget_vacancy_warning(&mut batch, &vacancy.key(), guest.value.id);
        self.parts.invites.insert_accepted(&mut batch, &invitation)?;
        self.committed(batch, guest, Deed::HandedOver).await
    }

    /// The guest loses the one who is gone, when the time is over.
    async fn let_go(
        &self,
        guest: &Stored<Account>,
        without: &Account,
        vacancy: &Stored<Vacancy>,
    ) -> Result<Seen, SuccessionFault> {
        if self.end(&vacancy.value).is_none_or(|end| self.now() < end) {
            return Ok(Seen::Waits);
        }
        let mut batch = Batch::new();
        self.parts.accounts.rely_on_vacancy(&mut batch, vacancy)?;
        self.parts.accounts.replace(&mut batch, guest, without)?;
        self.parts.accounts.forget_vacancy_warning(&mut batch, &vacancy.value.key(), guest.value.id);
        self.committed(batch, guest, Deed::LetGo).await
    }

    /// Nobody else answers for the guest: a warning, and then the end.
    async fn wind_up(
        &self,
        guest: &Stored<Account>,
        vacancy: &Stored<Vacancy>,
    ) -> Result<Seen, SuccessionFault> {
        let (key, now) = (vacancy.value.key(), self.now());
        let Some(end) = self.end(&vacancy.value) else { return Ok(Seen::Waits) };
        let warned = self.parts.accounts.vacancy_warning(&key, guest.value.id)?;
        let mut batch = Batch::new();
        self.parts.accounts.rely_on_vacancy(&mut batch, vacancy)?;
        // A warning from before is none: the sponsor has been back since.
        let (what, deed) = match warned.filter(|warned| *warned >= vacancy.value.since) {
            None => {
                self.parts.accounts.note_vacancy_warning(&mut batch, &key, guest.value.id, now)?;
                (AboutAccount::SponsorLeft(end.max(now + WARNING)), Deed::EndAnnounced)
            }
            Some(warned) if now >= end.max(warned + WARNING) => {
                self.parts.accounts.remove(&mut batch, guest)?;
                self.parts.accounts.forget_vacancy_warning(&mut batch, &key, guest.value.id);
                (AboutAccount::SponsorGone, Deed::Removed)
            }
            Some(_) => return Ok(Seen::Waits),
        };
        let mail = self.parts.notices.about_account(&mut batch, &guest.value, what).await?;
        if !was_first(self.parts.queue.commit(batch, vec![mail]).await)? {
            return Ok(Seen::Waits);
        }
        note(deed, &guest.value.mailbox.address);
        Ok(if deed == Deed::Removed { Seen::Left } else { Seen::Warned })
    }

    async fn committed(
        &self,
        batch: Batch,
        guest: &Stored<Account>,
        deed: Deed,
    ) -> Result<Seen, SuccessionFault> {
        if !was_first(self.parts.store.commit(batch).await)? {
            return Ok(Seen::Waits);
        }
        note(deed, &guest.value.mailbox.address);
        Ok(Seen::Left)
    }

    /// When guests end for whom nobody answers; `None` is never.
    pub(super) fn end(&self, vacancy: &Vacancy) -> Option<Timestamp> {
        self.rules.guests.end_without_sponsor.map(|time| vacancy.since + time)
    }

    /// The next guests; `None` behind the last.
    async fn guests_behind(
        &self,
        last: &mut Option<AccountId>,
        lifecycle: &Lifecycle,
    ) -> Result<Option<Vec<Account>>, SuccessionFault> {
        if last.is_some() {
            pause(lifecycle).await?;
        }
        let accounts = self.parts.accounts.list(*last, STRIDE)?;
        let Some(end) = accounts.last() else { return Ok(None) };
        *last = Some(end.id);
        Ok(Some(accounts.into_iter().filter(|account| account.kind == Kind::Guest).collect()))
    }
}

/// What a round has done for one guest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The guest has the one who is gone no longer.
    Left,
    /// The guest was told.
    Warned,
    /// Nothing yet.
    Waits,
}
