//! `[invite]`: what an invitation needs, and how long it lives.

use crate::base::address::{Address, Domain};
use crate::base::clock::Lifespan;
use crate::config::organisation::address_at;
use crate::config::section::Section;
use crate::config::{BlankSubject, Invite, units};

impl Invite {
    /// The usual rules, for these addresses.
    #[must_use]
    pub fn at(addresses: Vec<Address>) -> Self {
        Self {
            enabled: true,
            addresses,
            default_subject: "Invitation to exchange files".to_owned(),
            blank_subject: BlankSubject::Refuse,
            lifespan: Lifespan::days(14),
            lifespan_min: Lifespan::days(1),
            lifespan_max: Lifespan::days(90),
        }
    }
}

/// `domain`: the organisation's first, in which the invite address is if none is written.
pub(super) fn invite(section: &mut Section<'_>, domain: Option<&Domain>) -> Option<Invite> {
    let given = section.is_given("addresses");
    let addresses = section
        .list("addresses", units::address)
        .or_else(|| if given { None } else { Some(vec![address_at("invite", domain?)?]) });
    let default = Invite::at(addresses.clone().unwrap_or_default());
    let choices = [("refuse", BlankSubject::Refuse), ("fill", BlankSubject::Fill)];
    let invite = Invite {
        enabled: section.or("enabled", default.enabled, units::switch),
        default_subject: section.or("default_subject", default.default_subject, units::line),
        blank_subject: section.or("blank_subject", default.blank_subject, units::one_of(&choices)),
        lifespan: section.or("lifespan", default.lifespan, units::days),
        lifespan_min: section.or("lifespan_min", default.lifespan_min, units::days),
        lifespan_max: section.or("lifespan_max", default.lifespan_max, units::days),
        addresses: default.addresses,
    };
    section.demand(
        (invite.lifespan_min..=invite.lifespan_max).contains(&invite.lifespan),
        "lifespan",
        "it is not between lifespan_min and lifespan_max",
        "Change one of the three.",
    );
    addresses.map(|_| invite)
}
