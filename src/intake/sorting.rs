//! What a message is: ordinary mail, or an invitation and for whom (SPEC section 4).

use std::collections::BTreeSet;

use crate::base::address::{Address, Domain, LocalPart};
use crate::base::clock::Lifespan;
use crate::config;

use crate::intake::refusal::Refusal;
use crate::intake::submission::Recipient;
use crate::mail::rewrite::Readdress;

/// A message, told by its envelope alone.
#[derive(Debug)]
pub enum Sorted {
    /// No invite address among the recipients.
    Ordinary,
    /// At least one.
    Invitation(Guestlist),
}

/// Who gets what of an invitation.
#[derive(Debug, Default)]
pub struct Guestlist {
    /// People outside, each to get a link of their own. One entry a mailbox.
    pub invitees: Vec<Recipient>,
    /// Colleagues, who get a copy without a link.
    pub courtesy: Vec<Recipient>,
    /// How To and Cc change for everybody.
    pub readdress: Readdress,
    /// How long the links are valid, if the inviter said so (`invite+30d@`); the shortest, if more than once.
    pub lifespan: Option<Lifespan>,
}

/// Sorts by the configured invite addresses and the organisation's domains.
pub struct Sorter<'a> {
    /// `[invite]`.
    pub invite: &'a config::Invite,
    /// `[organisation] domains`.
    pub domains: &'a [Domain],
}

impl<'a> Sorter<'a> {
    /// Sorts a message by its envelope.
    ///
    /// # Errors
    /// [`Refusal::BadTag`] for a tag that is neither an option nor an address.
    pub fn sort(&self, recipients: &[Recipient]) -> Result<Sorted, Refusal> {
        let mut list = Guestlist::default();
        let mut seen = BTreeSet::new();
        let mut invites = false;
        for recipient in recipients {
            let real = match self.read(&recipient.address)? {
                Reading::Other => recipient.address.clone(),
                Reading::Bare(lifespan) => {
                    invites = true;
                    list.lifespan = list.lifespan.into_iter().chain(lifespan).min();
                    list.readdress.remove.push(recipient.address.clone());
                    continue;
                }
                Reading::Tagged(invitee) => {
                    invites = true;
                    list.readdress.replace.push((recipient.address.clone(), invitee.clone()));
                    invitee
                }
            };
            if seen.insert(real.key()) {
                let side = if self.is_inside(&real) { &mut list.courtesy } else { &mut list.invitees };
                side.push(Recipient { address: real, parameters: recipient.parameters.clone() });
            }
        }
        if !invites {
            return Ok(Sorted::Ordinary);
        }
        // A client may show an invite address in To that its server kept out of this copy's envelope.
        list.readdress.remove.extend(self.invite.addresses.iter().cloned());
        Ok(Sorted::Invitation(list))
    }

    /// Whether an address belongs to staff.
    #[must_use]
    pub fn is_inside(&self, address: &Address) -> bool {
        self.domains.contains(address.domain())
    }

    fn read(&self, address: &Address) -> Result<Reading, Refusal> {
        if self.invite.addresses.iter().any(|invite| invite.same_mailbox(address)) {
            return Ok(Reading::Bare(None));
        }
        let Some((plain, tag)) = self.tagged(address) else {
            return Ok(Reading::Other);
        };
        if let Some(invitee) = invitee_of(tag) {
            return Ok(Reading::Tagged(invitee));
        }
        let Some(lifespan) = days_of(tag) else {
            return Err(Refusal::BadTag {
                tag: tag.to_owned(),
                address: address.clone(),
                example: format!("{}+kim=partner.example@{}", plain.local(), plain.domain()),
            });
        };
        let (shortest, longest) = (self.invite.lifespan_min, self.invite.lifespan_max);
        if !(shortest..=longest).contains(&lifespan) {
            return Err(Refusal::Lifespan { days: lifespan, shortest, longest });
        }
        Ok(Reading::Bare(Some(lifespan)))
    }

    /// The invite address and the tag of `invite+tag@…`.
    fn tagged<'b>(&self, address: &'b Address) -> Option<(&'a Address, &'b str)> {
        let (stem, tag) = address.local().as_str().split_once('+')?;
        let stem = Address::new(LocalPart::parse(stem)?, address.domain().clone());
        let invite = self.invite.addresses.iter().find(|invite| invite.same_mailbox(&stem))?;
        Some((invite, tag))
    }
}

/// What one recipient address says.
enum Reading {
    /// Nothing about inviting.
    Other,
    /// Invite the others, by links that are valid so long.
    Bare(Option<Lifespan>),
    /// Invite this person.
    Tagged(Address),
}

/// `kim=partner.example` → `kim@partner.example`: the last `=` is the `@`.
fn invitee_of(tag: &str) -> Option<Address> {
    let (local, domain) = tag.rsplit_once('=')?;
    Some(Address::new(LocalPart::parse(local)?, Domain::parse(domain)?))
}

/// `30d` → 30 days.
fn days_of(tag: &str) -> Option<Lifespan> {
    tag.strip_suffix(['d', 'D'])?.parse().ok().map(Lifespan::days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::parameter::RcptParameters;

    fn sort(recipients: &[&str]) -> Result<Sorted, Refusal> {
        let invite = config::Invite::at(vec!["invite@corp.example".parse().unwrap()]);
        let domains = [Domain::parse("corp.example").unwrap()];
        let recipients: Vec<_> = recipients
            .iter()
            .map(|text| Recipient { address: text.parse().unwrap(), parameters: RcptParameters::default() })
            .collect();
        Sorter { invite: &invite, domains: &domains }.sort(&recipients)
    }

    fn invitation(recipients: &[&str]) -> (Vec<String>, Vec<String>) {
        let Sorted::Invitation(list) = sort(recipients).unwrap() else { panic!("ordinary") };
        let names = |side: Vec<Recipient>| side.iter().map(|r| r.address.to_string()).collect();
        (names(list.invitees), names(list.courtesy))
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_an_invite_address_it_is_ordinary_mail() {
        assert!(matches!(sort(&["kim@partner.example", "invited@corp.example"]), Ok(Sorted::Ordinary)));
    }

    #[test]
    fn everybody_outside_is_invited_and_colleagues_get_a_copy() {
        assert_eq!(
            invitation(&[
                "kim@partner.example",
                "Invite@Corp.Example",
                "bo@corp.example",
                "li@other.example"
            ]),
            (owned(&["kim@partner.example", "li@other.example"]), owned(&["bo@corp.example"]))
        );
    }

    #[test]
    fn the_last_equals_sign_of_a_tag_is_the_at() {
        assert_eq!(
            invitation(&["invite+a=b=partner.example@corp.example"]).0,
            owned(&["a=b@partner.example"])
        );
    }

    #[test]
    fn one_person_written_twice_is_invited_once() {
        assert_eq!(
            invitation(&["Kim@partner.example", "invite+kim=partner.example@corp.example"]).0,
            owned(&["Kim@partner.example"])
        );
    }

    #[test]
    fn an_unknown_tag_is_refused_by_name() {
        let refusal = sort(&["kim@partner.example", "invite+recepit@corp.example"]).unwrap_err();
        assert!(refusal.to_string().starts_with("“+recepit” in invite+recepit@corp.example is not known"));
        assert!(matches!(sort(&["invite+kim=@corp.example"]), Err(Refusal::BadTag { .. })));
    }

    #[test]
    fn a_lifetime_within_the_bounds_may_be_asked_for() {
        let Sorted::Invitation(list) = sort(&["kim@partner.example", "invite+30d@corp.example"]).unwrap()
        else {
            panic!("ordinary")
        };
        assert_eq!(list.lifespan, Some(Lifespan::days(30)));
        let refusal = sort(&["kim@partner.example", "invite+91d@corp.example"]).unwrap_err();
        assert!(refusal.to_string().contains("between 1 and 90 days"), "{refusal}");
    }
}
