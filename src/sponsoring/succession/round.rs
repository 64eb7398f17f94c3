//! One round over all guests: who has whom, and what is due for each.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::accounts::vacancies::Vacancy;
use crate::accounts::{Account, Kind};
use crate::audit::Deed;
use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::{AccountId, InvitationId};
use crate::base::mailbox::Mailbox;
use crate::invites::{Invitation, Life, State};
use crate::notices::person::AboutAccount;
use crate::sponsoring::succession::{Succession, SuccessionFault, note, was_first};
use crate::store::{Batch, StoreFault, Stored};

/// Sponsors that one look asks about.
const SPONSORS_MAX: usize = 2_000;
/// Vacancies that one round sees to.
const VACANCIES_MAX: usize = 1_000;
/// Guests whose names stand in the mail to a successor.
const NAMED_MAX: usize = 20;
/// Accounts that are read at once.
const STRIDE: usize = 250;
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
    pub(super) fn sponsors(&self, after: Option<&str>) -> Result<Sponsors, StoreFault> {
        let mut found: BTreeMap<String, Left> = BTreeMap::new();
        let mut is_part = false;
        let mut last = None;
        while let Some(guests) = self.guests_behind(&mut last)? {
            for guest in guests {
                for inviter in &guest.inviters {
                    let sponsor = self.sponsor_of(inviter)?;
                    let key = sponsor.address.key();
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

    /// Does for each guest of those who are gone what is due now. Gives how many that were.
    ///
    /// # Errors
    /// [`SuccessionFault`]; what was done so far stays done.
    pub async fn tend(&self) -> Result<usize, SuccessionFault> {
        let vacancies = self.parts.accounts.vacancies(VACANCIES_MAX)?;
        let due: HashMap<String, Stored<Vacancy>> = vacancies
            .into_iter()
            .filter(|vacancy| self.is_due(&vacancy.value))
            .map(|vacancy| (vacancy.value.key(), vacancy))
            .collect();
        if due.is_empty() {
            return Ok(0);
        }
        let mut done = 0;
        let mut waiting: HashMap<&str, usize> = HashMap::new();
        let mut last = None;
        while let Some(guests) = self.guests_behind(&mut last)? {
            for guest in guests {
                for inviter in &guest.inviters {
                    let Some((key, vacancy)) = due.get_key_value(&self.sponsor_of(inviter)?.address.key())
                    else {
                        continue;
                    };
                    match self.see_to(guest.id, &vacancy.value).await? {
                        Seen::Left => done += 1,
                        Seen::Warned => {
                            done += 1;
                            *waiting.entry(key.as_str()).or_default() += 1;
                        }
                        Seen::Waits => *waiting.entry(key.as_str()).or_default() += 1,
                    }
                }
            }
        }
        for (key, vacancy) in due.iter().filter(|(key, _)| !waiting.contains_key(key.as_str())) {
            let mut batch = Batch::new();
            self.parts.accounts.close_vacancy(&mut batch, vacancy)?;
            was_first(self.parts.store.commit(batch).await)?;
            tracing::debug!(
                sponsor = vacancy.value.sponsor.address.masked(),
                key_octets = key.len(),
                "no guest is left"
            );
        }
        Ok(done)
    }

    fn is_due(&self, vacancy: &Vacancy) -> bool {
        let is_ending = || {
            let end = self.rules.guests.end_without_sponsor.map(|time| vacancy.since + time);
            end.is_some_and(|end| self.now() >= end - WARNING)
        };
        vacancy.successor.is_some() || is_ending()
    }

    async fn see_to(&self, guest: AccountId, vacancy: &Vacancy) -> Result<Seen, SuccessionFault> {
        // Read anew: an earlier step of this round may have changed it.
        let Some(guest) = self.parts.accounts.by_id(guest)? else { return Ok(Seen::Left) };
        let key = vacancy.key();
        let mut others = Vec::new();
        for inviter in &guest.value.inviters {
            if self.sponsor_of(inviter)?.address.key() != key {
                others.push(inviter.clone());
            }
        }
        let without = Account { inviters: others, ..guest.value.clone() };
        match &vacancy.successor {
            Some(successor) => self.hand_over(&guest, &without, vacancy, successor).await,
            None if without.inviters.is_empty() => self.wind_up(&guest, vacancy).await,
            None => self.let_go(&guest, &without, vacancy).await,
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
        vacancy: &Vacancy,
    ) -> Result<Seen, SuccessionFault> {
        if self.end(vacancy).is_none_or(|end| self.now() < end) {
            return Ok(Seen::Waits);
        }
        let mut batch = Batch::new();
        self.parts.accounts.replace(&mut batch, guest, without)?;
        self.parts.accounts.forget_vacancy_warning(&mut batch, &vacancy.key(), guest.value.id);
        self.committed(batch, guest, Deed::LetGo).await
    }

    /// Nobody else answers for the guest: a warning, and then the end.
    async fn wind_up(&self, guest: &Stored<Account>, vacancy: &Vacancy) -> Result<Seen, SuccessionFault> {
        let (key, now) = (vacancy.key(), self.now());
        let Some(end) = self.end(vacancy) else { return Ok(Seen::Waits) };
        let warned = self.parts.accounts.vacancy_warning(&key, guest.value.id)?;
        let mut batch = Batch::new();
        let (what, deed) = match warned {
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

    fn end(&self, vacancy: &Vacancy) -> Option<Timestamp> {
        self.rules.guests.end_without_sponsor.map(|time| vacancy.since + time)
    }

    /// The next guests; `None` behind the last.
    fn guests_behind(&self, last: &mut Option<AccountId>) -> Result<Option<Vec<Account>>, StoreFault> {
        let accounts = self.parts.accounts.list(*last, STRIDE)?;
        let Some(end) = accounts.last() else { return Ok(None) };
        *last = Some(end.id);
        Ok(Some(accounts.into_iter().filter(|account| account.kind == Kind::Guest).collect()))
    }
}

/// What a round has done for one guest.
enum Seen {
    /// The guest has the one who is gone no longer.
    Left,
    /// The guest was told.
    Warned,
    /// Nothing yet.
    Waits,
}
