//! Who may send and invite, and whom. Nothing here changes anything.

use crate::auth::Identity;
use crate::auth::enrolment::LookupFault;
use crate::base::address::{Address, ReversePath};
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::config::{BlankSubject, Rates};
use crate::intake::fault::failed;
use crate::intake::refusal::Refusal;
use crate::intake::sorting::{Guestlist, Whom};
use crate::intake::submission::{Submission, Submitter};
use crate::intake::{Intake, Policy};
use crate::invites::tally::{self, CountFault};
use crate::mail::complete;
use crate::mail::message::Facts;
use crate::store::Batch;

/// Who invites.
pub(super) struct Inviter {
    /// The author of the mail, as it says.
    pub(super) author: Mailbox,
    /// The account behind it, which the limits count for, whatever address it writes from.
    pub(super) account: AccountId,
}

impl Intake {
    /// Whether an address is one of the submitter's own, or of somebody for whom the submitter writes.
    pub(super) async fn speaks_for(&self, submitter: &Submitter, address: &Address) -> Result<(), Refusal> {
        match submitter {
            Submitter::Person(identity) => {
                let asked = self.inner.parts.authenticator.may_write_as(identity, address).await;
                if asked.map_err(|fault| unknown(&fault))? {
                    return Ok(());
                }
                Err(Refusal::NotYourAddress {
                    who: identity.mailbox.address.clone(),
                    claimed: address.clone(),
                })
            }
            Submitter::TrustedServer if self.inner.policy.organisation.domains.contains(address.domain()) => {
                Ok(())
            }
            Submitter::TrustedServer | Submitter::Stranger => Err(Refusal::ForeignFrom(address.clone())),
        }
    }

    /// What kind of mail may invite at all, the switches, and the right of the person.
    pub(super) async fn may_invite(
        &self,
        submission: &Submission,
        facts: &Facts,
        whom: Whom,
    ) -> Result<Inviter, Refusal> {
        is_by_hand(submission, facts, self.inner.policy.limits.received_headers)?;
        if !self.inner.parts.switches.now().invitations {
            return Err(Refusal::InvitationsOff);
        }
        let author = facts.from.first().ok_or(Refusal::NoFrom)?;
        let known = match &submission.submitter {
            Submitter::Person(identity) => Some(identity.clone()),
            Submitter::TrustedServer => self.staff(&author.address).await?,
            Submitter::Stranger => None,
        };
        match known {
            Some(Identity { account, rights, .. }) if whom.is_open_to(rights) => {
                Ok(Inviter { author: author.clone(), account })
            }
            _ => Err(whom.forbidden(author.address.clone())),
        }
    }

    /// The subject as the invitee sees it.
    pub(super) fn subject(&self, facts: &Facts) -> Result<String, Refusal> {
        let Policy { invite, limits, .. } = &self.inner.policy;
        let characters = facts.subject.chars().count();
        if characters > limits.subject_characters {
            return Err(Refusal::SubjectTooLong { characters, limit: limits.subject_characters });
        }
        match (characters, invite.blank_subject) {
            (0, BlankSubject::Refuse) => Err(Refusal::BlankSubject),
            (0, BlankSubject::Fill) => Ok(invite.default_subject.clone()),
            _ => Ok(facts.subject.clone()),
        }
    }

    /// The list as it can be served: all are on the side that is invited, not too many, and can be reached.
    pub(super) async fn guests(&self, inviter: &Inviter, list: Guestlist) -> Result<Guestlist, Refusal> {
        let list = match list.whom {
            Whom::Outsiders => self.without_staff(list)?,
            Whom::Colleagues => self.without_inviter(inviter, list)?,
        };
        if list.invitees.is_empty() {
            return Err(list.whom.nobody());
        }
        let Policy { limits, invite, .. } = &self.inner.policy;
        let limit = limits.invitees.min(at_once(&invite.rates));
        if list.invitees.len() > limit {
            return Err(Refusal::TooManyInvitees { count: list.invitees.len(), limit });
        }
        let invitees: Vec<&Address> = list.invitees.iter().map(|invitee| &invitee.address).collect();
        if let Some(limit) = invite.rates.per_domain
            && let Some((domain, count)) =
                tally::by_domain(invitees.iter().copied()).into_iter().find(|(_, count)| *count > limit)
        {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            return Err(Refusal::TooManyInDomain { count, domain: domain.clone(), limit });
        }
        // Before the work begins; it counts at the commit.
        self.count(&mut Batch::new(), inviter.account, invitees.iter().copied())?;
        match list.whom {
            Whom::Outsiders => self.inner.domains.check(&invitees).await?,
            Whom::Colleagues => self.check_colleagues(&invitees).await?,
        }
        Ok(list)
    }

    /// Counts these invitations towards the inviter's limits.
    pub(super) fn count<'a>(
        &self,
        batch: &mut Batch,
        inviter: AccountId,
        invitees: impl ExactSizeIterator<Item = &'a Address> + Clone,
    ) -> Result<(), Refusal> {
        let rates = &self.inner.policy.invite.rates;
        let counted = self.inner.parts.guests.invites.count(batch, inviter, invitees, rates, self.now());
        counted.map_err(|fault| match fault {
            CountFault::Reached(reached) => Refusal::TooMany(reached),
            CountFault::Store(fault) => failed(&fault),
        })
    }

    /// Staff may have addresses outside, the inviter too. As recipients they get a courtesy copy, as other colleagues
    /// do; to invite one by name is refused.
    fn without_staff(&self, list: Guestlist) -> Result<Guestlist, Refusal> {
        let Guestlist { whom, invitees, named, mut courtesy, readdress, wishes } = list;
        let mut guests = Vec::with_capacity(invitees.len());
        for invitee in invitees {
            if !self.is_staff(&invitee.address)? {
                guests.push(invitee);
            } else if named.iter().any(|named| named.same_mailbox(&invitee.address)) {
                return Err(Refusal::Colleague(invitee.address));
            } else {
                courtesy.push(invitee);
            }
        }
        Ok(Guestlist { whom, invitees: guests, named, courtesy, readdress, wishes })
    }

    fn is_staff(&self, address: &Address) -> Result<bool, Refusal> {
        self.inner.parts.authenticator.is_staff(address).map_err(|fault| failed(&fault))
    }

    /// Whose address it is among the staff.
    pub(super) async fn staff(&self, address: &Address) -> Result<Option<Identity>, Refusal> {
        self.inner.parts.authenticator.lookup(address).await.map_err(|fault| unknown(&fault))
    }
}

/// It is not known who somebody is: to be asked again later.
fn unknown(fault: &LookupFault) -> Refusal {
    match fault {
        LookupFault::Store(fault) => failed(fault),
        LookupFault::Directory(fault) => {
            tracing::error!(%fault, "nobody can say who may send and invite");
            Refusal::DirectorySilent
        }
    }
}

/// Neither a machine's mail, nor one of our own that came back, nor one that goes in circles.
fn is_by_hand(submission: &Submission, facts: &Facts, received_max: usize) -> Result<(), Refusal> {
    if submission.sender == ReversePath::Null {
        return Err(Refusal::Automatic("empty return path".to_owned()));
    }
    if complete::has_loop_mark(&submission.outline.header) {
        return Err(Refusal::CameBack);
    }
    if let Some(automatic) = &facts.automatic {
        return Err(Refusal::Automatic(automatic.clone()));
    }
    if facts.received_count > received_max {
        return Err(Refusal::Loop { hops: facts.received_count, limit: received_max, invites: true });
    }
    Ok(())
}

/// As many as one message may invite by the limits of its inviter: more would never be within them.
fn at_once(rates: &Rates) -> usize {
    let least = rates.per_hour.into_iter().chain(rates.per_day).min();
    least.and_then(|least| usize::try_from(least).ok()).unwrap_or(usize::MAX)
}
