//! What a message is: ordinary mail, or an invitation and for whom.

use std::collections::BTreeSet;

use crate::base::address::{Address, Domain, LocalPart};
use crate::base::clock::Lifespan;
use crate::base::language::Language;
use crate::config::Invite;
use crate::intake::refusal::Refusal;
use crate::intake::submission::Recipient;
use crate::invites::Invitation;
use crate::mail::message::Facts;
use crate::mail::rewrite::Readdress;
use crate::smtp::parameter::{Notify, RcptParameters};

/// Invite addresses that change in To and Cc: twice as many as an envelope has by default. Each address there is
/// compared with each of them.
const READDRESSED_MAX: usize = 2000;

/// A message, told by its envelope, and by To and Cc where that says too little.
#[derive(Debug)]
pub enum Sorted {
    /// No invite address among the recipients.
    Ordinary,
    /// At least one.
    Invitation(Guestlist),
}

/// Who is invited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whom {
    /// People outside.
    #[default]
    Outsiders,
    /// People of the organisation, who have no account here yet.
    Colleagues,
}

impl Whom {
    /// Whom this invitation invites.
    #[must_use]
    pub const fn of(invitation: &Invitation) -> Self {
        if invitation.internal { Self::Colleagues } else { Self::Outsiders }
    }
}

/// Who gets what of an invitation.
#[derive(Debug, Default)]
pub struct Guestlist {
    /// Which side is invited.
    pub whom: Whom,
    /// People of that side, each to get a link of their own. One entry a mailbox.
    pub invitees: Vec<Recipient>,
    /// Those of them whom a tagged or suffixed address names.
    pub named: Vec<Address>,
    /// Colleagues who are not invited, and get a copy without a link.
    pub courtesy: Vec<Recipient>,
    /// How To and Cc change for everybody.
    pub readdress: Readdress,
    /// What else the inviter asks for.
    pub wishes: Wishes,
}

/// What an inviter asks for in the tag of a bare invite address, and beside it; words are combined as in
/// `invite+receipt+30d@`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// `+30d`: how long the links are valid; the shortest, if more than once.
    pub lifespan: Option<Lifespan>,
    /// `+de`: in which language; the first, if more than once.
    pub language: Option<Language>,
    /// `+receipt`, or NOTIFY=SUCCESS for the invite address (RFC 3461 §4.1): a receipt by mail.
    pub receipt: bool,
    /// `+preview`: nobody is invited; the inviter gets what each invitee would.
    pub preview: bool,
}

impl Wishes {
    /// These and those.
    fn and(self, other: Self) -> Self {
        Self {
            lifespan: self.lifespan.into_iter().chain(other.lifespan).min(),
            receipt: self.receipt || other.receipt,
            preview: self.preview || other.preview,
            language: self.language.or(other.language),
        }
    }
}

/// Sorts by the configured invite addresses and the organisation's domains.
pub struct Sorter<'a> {
    /// `[invite]`.
    pub invite: &'a Invite,
    /// `[organisation] domains`.
    pub domains: &'a [Domain],
    /// In which there are texts.
    pub languages: &'a BTreeSet<Language>,
}

impl Sorter<'_> {
    /// Sorts a message by its envelope. Where that holds nothing but bare invite addresses, because a server before us
    /// has split the recipients, To and Cc name the invitees; colleagues who stand there have got their copy from that
    /// server.
    ///
    /// # Errors
    /// What is wrong with an invite address ([`Refusal::BadTag`], [`Refusal::Lifespan`], [`Refusal::BadSuffix`]) or with
    /// the address in it ([`Refusal::InviteAddress`], [`Refusal::Colleague`], [`Refusal::Outsider`]);
    /// [`Refusal::UnreadRecipients`]. Where colleagues are invited also [`Refusal::InternalOff`], and
    /// [`Refusal::BothSides`].
    pub fn sort(&self, recipients: &[Recipient], facts: &Facts) -> Result<Sorted, Refusal> {
        let readings = recipients.iter().map(|recipient| self.read(&recipient.address));
        let readings = readings.collect::<Result<Vec<_>, _>>()?;
        let Some(whom) = self.whom(&readings)? else {
            return Ok(Sorted::Ordinary);
        };
        let mut list = Guestlist { whom, ..Guestlist::default() };
        let mut seen = BTreeSet::new();
        for (recipient, reading) in recipients.iter().zip(readings) {
            let real = match reading {
                Reading::Other => recipient.address.clone(),
                Reading::Bare(_, wishes) => {
                    let receipt = matches!(recipient.parameters.notify, Notify::On { success: true, .. });
                    list.wishes = list.wishes.and(wishes).and(Wishes { receipt, ..Wishes::default() });
                    list.readdress.remove.push(recipient.address.clone());
                    continue;
                }
                Reading::Naming(_, invitee) => {
                    list.readdress.replace.push((recipient.address.clone(), invitee.clone()));
                    list.named.push(self.on_side(whom, invitee.clone())?);
                    invitee
                }
            };
            if seen.insert(real.key()) {
                let side = match (whom, self.is_inside(&real)) {
                    (Whom::Outsiders, true) => &mut list.courtesy,
                    (Whom::Outsiders, false) | (Whom::Colleagues, true) => &mut list.invitees,
                    (Whom::Colleagues, false) => return Err(Refusal::Outsider(real)),
                };
                side.push(Recipient { address: real, parameters: recipient.parameters.clone() });
            }
        }
        let by_header = list.invitees.is_empty() && list.courtesy.is_empty() && self.invite.read_headers;
        if by_header && facts.has_unread_recipients {
            return Err(Refusal::UnreadRecipients);
        }
        self.read_header(&mut list, facts, by_header);
        Ok(Sorted::Invitation(list))
    }

    /// Which side is invited, if any. One message invites one of them.
    fn whom(&self, readings: &[Reading]) -> Result<Option<Whom>, Refusal> {
        let mut sides = readings.iter().filter_map(|reading| match reading {
            Reading::Other => None,
            Reading::Bare(whom, _) | Reading::Naming(whom, _) => Some(*whom),
        });
        let whom = sides.next();
        if whom == Some(Whom::Colleagues) && self.invite.internal_domains.is_empty() {
            return Err(Refusal::InternalOff);
        }
        if sides.any(|other| Some(other) != whom) {
            return Err(Refusal::BothSides);
        }
        Ok(whom)
    }

    /// Whether an address belongs to staff.
    #[must_use]
    pub fn is_inside(&self, address: &Address) -> bool {
        self.domains.contains(address.domain())
    }

    /// What To and Cc hold: invite addresses, which change there for every reader, whether or not the envelope of this
    /// copy has them too; and others, who are invited if `invites`.
    fn read_header(&self, list: &mut Guestlist, facts: &Facts, invites: bool) {
        // A client may write an invite address in a way that only the editing of To and Cc recognises.
        let Invite { addresses, internal_addresses, .. } = self.invite;
        list.readdress.remove.extend(addresses.iter().chain(internal_addresses).cloned());
        let invites_inside = list.whom == Whom::Colleagues;
        let mut seen = BTreeSet::new();
        for address in facts.to.iter().chain(&facts.cc).map(|mailbox| &mailbox.address) {
            if !seen.insert(address.key()) {
                continue;
            }
            let has_room = list.readdress.remove.len() + list.readdress.replace.len() < READDRESSED_MAX;
            match self.read(address) {
                Ok(Reading::Naming(..) | Reading::Bare(..)) | Err(_) if !has_room => {}
                Ok(Reading::Naming(_, invitee)) => list.readdress.replace.push((address.clone(), invitee)),
                // One that is faulty was not for us; nobody outside needs to see it.
                Ok(Reading::Bare(..)) | Err(_) => list.readdress.remove.push(address.clone()),
                Ok(Reading::Other) if invites && self.is_inside(address) == invites_inside => {
                    list.invitees
                        .push(Recipient { address: address.clone(), parameters: RcptParameters::default() });
                }
                Ok(Reading::Other) => {}
            }
        }
    }

    /// The address in a tag or before a suffix must be one that can be invited at all.
    pub(super) fn on_side(&self, whom: Whom, invitee: Address) -> Result<Address, Refusal> {
        if !matches!(self.read(&invitee), Ok(Reading::Other)) {
            return Err(Refusal::InviteAddress(invitee));
        }
        match (whom, self.is_inside(&invitee)) {
            (Whom::Outsiders, true) => Err(Refusal::Colleague(invitee)),
            (Whom::Colleagues, false) => Err(Refusal::Outsider(invitee)),
            _ => Ok(invitee),
        }
    }

    fn read(&self, address: &Address) -> Result<Reading, Refusal> {
        if let Some((whom, _)) = self.doors().find(|(_, invite)| invite.same_mailbox(address)) {
            return Ok(Reading::Bare(whom, Wishes::default()));
        }
        if let Some((whom, plain, tag)) = self.tagged(address) {
            return match invitee_of(tag) {
                Some(invitee) => Ok(Reading::Naming(whom, invitee)),
                None => Ok(Reading::Bare(whom, self.options(address, plain, tag)?)),
            };
        }
        match &self.invite.domain {
            Some(domain) if address.domain().is_within(domain) => {
                before_suffix(address, domain).map(|invitee| Reading::Naming(Whom::Outsiders, invitee))
            }
            _ => Ok(Reading::Other),
        }
    }

    /// `30d+de+receipt`: any number of options.
    fn options(&self, address: &Address, plain: &Address, tag: &str) -> Result<Wishes, Refusal> {
        tag.split('+').try_fold(Wishes::default(), |wishes, word| {
            let wish = match word.to_ascii_lowercase().as_str() {
                "receipt" => Wishes { receipt: true, ..Wishes::default() },
                "preview" => Wishes { preview: true, ..Wishes::default() },
                word => {
                    Wishes { lifespan: self.days(word)?, language: self.language(word), ..Wishes::default() }
                }
            };
            if wish == Wishes::default() {
                return Err(Refusal::BadTag {
                    tag: word.to_owned(),
                    address: address.clone(),
                    example: format!("{}+kim=partner.example@{}", plain.local(), plain.domain()),
                });
            }
            Ok(wishes.and(wish))
        })
    }

    /// `30d`, within the bounds; `None` where the word is another.
    fn days(&self, word: &str) -> Result<Option<Lifespan>, Refusal> {
        let (shortest, longest) = (self.invite.lifespan_min, self.invite.lifespan_max);
        match days_of(word) {
            Some(days) if !(shortest..=longest).contains(&days) => {
                Err(Refusal::Lifespan { days, shortest, longest })
            }
            days => Ok(days),
        }
    }

    /// `de`, if there are texts in it.
    fn language(&self, word: &str) -> Option<Language> {
        Language::parse(word).filter(|language| self.languages.contains(language))
    }

    /// All invite addresses, with whom they invite.
    fn doors(&self) -> impl Iterator<Item = (Whom, &Address)> {
        let side = |whom| move |address| (whom, address);
        let Invite { addresses, internal_addresses, .. } = self.invite;
        addresses
            .iter()
            .map(side(Whom::Outsiders))
            .chain(internal_addresses.iter().map(side(Whom::Colleagues)))
    }

    /// Whom it invites, the invite address and the tag of `invite+tag@…`.
    fn tagged<'b>(&self, address: &'b Address) -> Option<(Whom, &Address, &'b str)> {
        // An invite address may have a plus of its own, so each is tried.
        self.doors().find_map(|(whom, invite)| {
            let (stem, tag) = address.local().as_str().split_at_checked(invite.local().as_str().len())?;
            let stem = Address::new(LocalPart::parse(stem)?, address.domain().clone());
            let tag = tag.strip_prefix('+')?;
            invite.same_mailbox(&stem).then_some((whom, invite, tag))
        })
    }
}

/// What one recipient address says.
enum Reading {
    /// Nothing about inviting.
    Other,
    /// Invite the others of that side, and what else is asked for.
    Bare(Whom, Wishes),
    /// Invite this person.
    Naming(Whom, Address),
}

/// `kim=partner.example` → `kim@partner.example`: the last `=` is the `@`.
fn invitee_of(tag: &str) -> Option<Address> {
    let (local, domain) = tag.rsplit_once('=')?;
    Some(Address::new(LocalPart::parse(local)?, Domain::parse(domain)?))
}

/// `kim@partner.example.invite.corp.example` → `kim@partner.example`.
fn before_suffix(address: &Address, suffix: &Domain) -> Result<Address, Refusal> {
    let rest = address.domain().as_str().strip_suffix(suffix.as_str());
    let domain = rest.and_then(|rest| rest.strip_suffix('.')).and_then(Domain::parse);
    match domain {
        // A mail domain of one label is a host of somebody's own network, never one outside.
        Some(domain) if domain.as_str().contains('.') => Ok(Address::new(address.local().clone(), domain)),
        _ => Err(Refusal::BadSuffix {
            address: address.clone(),
            example: format!("{}@partner.example.{suffix}", address.local()),
        }),
    }
}

/// `30d` → 30 days.
fn days_of(word: &str) -> Option<Lifespan> {
    word.strip_suffix('d')?.parse().ok().map(Lifespan::days)
}

#[cfg(test)]
mod tests;
