//! `[invite]`: how an invitation is written, what it needs, whom it may reach, and how long it lives.

use crate::base::address::{Address, Domain};
use crate::base::clock::Lifespan;
use crate::config::organisation::address_at;
use crate::config::section::Section;
use crate::config::units::Wrong;
use crate::config::{Directory, Organisation, Saml, units};

/// What stands for "no limit".
const UNLIMITED: &str = "unlimited";
/// The most that a limit may be: beyond that nobody means one.
const RATE_MAX: u32 = 1_000_000;

/// Invitations.
#[derive(Clone, Debug, PartialEq)]
pub struct Invite {
    /// Whether anybody can invite.
    pub enabled: bool,
    /// The addresses that turn a mail into an invitation; at least one.
    pub addresses: Vec<Address>,
    /// The addresses that turn a mail into an invitation of colleagues.
    pub internal_addresses: Vec<Address>,
    /// The domains whose people can be invited as colleagues: those for which a directory or an identity provider says
    /// who they are. Without one nobody can be.
    pub internal_domains: Vec<Domain>,
    /// The domain that turns an address below it into an invitation: `kim@partner.example.invite.corp.example`.
    pub domain: Option<Domain>,
    /// Whether To and Cc say who is invited when the envelope holds nothing but invite addresses.
    pub read_headers: bool,
    /// The subject where there is none.
    pub default_subject: String,
    /// What happens where there is none.
    pub blank_subject: BlankSubject,
    /// How long a link is valid.
    pub lifespan: Lifespan,
    /// The shortest that an inviter may ask for.
    pub lifespan_min: Lifespan,
    /// The longest that an inviter may ask for.
    pub lifespan_max: Lifespan,
    /// Whom an invitation may reach.
    pub guests: Guests,
    /// How many invitations one person may send.
    pub rates: Rates,
    /// Who gets a receipt by mail.
    pub receipt: Receipts,
}

/// Who gets a receipt of an invitation by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// Every inviter.
    Always,
    /// Who asks for it.
    Asked,
}

/// What happens to an invitation without a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlankSubject {
    /// It is refused.
    Refuse,
    /// It gets the default subject.
    Fill,
}

/// Whom an invitation may reach, by the domain of the address.
#[derive(Clone, Debug, PartialEq)]
pub struct Guests {
    /// If there are any, only these domains and what lies below them.
    pub allowed: Vec<Domain>,
    /// Never these domains, nor what lies below them.
    pub blocked: Vec<Domain>,
    /// Whether the DNS is asked if the domain exists and takes mail.
    pub must_exist: bool,
    /// Whether a domain that looks like a misspelt one of the large providers is refused.
    pub typing_errors: bool,
}

/// How many invitations one person may send; `None` is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// In an hour.
    pub per_hour: Option<u32>,
    /// In a day.
    pub per_day: Option<u32>,
    /// In a day, to the same invitee.
    pub per_invitee: Option<u32>,
    /// In a day, to all invitees in the same domain.
    pub per_domain: Option<u32>,
}

impl Invite {
    /// The usual rules, for these addresses.
    #[must_use]
    pub fn at(addresses: Vec<Address>) -> Self {
        let internal = addresses.first().and_then(|first| address_at("invite-internal", first.domain()));
        Self {
            enabled: true,
            addresses,
            internal_addresses: internal.into_iter().collect(),
            internal_domains: Vec::new(),
            domain: None,
            read_headers: true,
            default_subject: "Invitation to exchange files".to_owned(),
            blank_subject: BlankSubject::Refuse,
            lifespan: Lifespan::days(14),
            lifespan_min: Lifespan::days(1),
            lifespan_max: Lifespan::days(90),
            guests: Guests::default(),
            rates: Rates::default(),
            receipt: Receipts::Asked,
        }
    }
}

impl Receipts {
    /// As the file has them.
    pub(crate) const WORDS: [(&str, Self); 2] = [("always", Self::Always), ("asked", Self::Asked)];
}

impl Default for Guests {
    fn default() -> Self {
        Self { allowed: Vec::new(), blocked: Vec::new(), must_exist: true, typing_errors: true }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { per_hour: Some(100), per_day: Some(500), per_invitee: Some(5), per_domain: Some(200) }
    }
}

/// The organisation's first domain is that of the invite addresses if none is written. `knows_staff`: a directory or an
/// identity provider is configured.
pub(super) fn invite(
    section: &mut Section<'_>,
    organisation: Option<&Organisation>,
    knows_staff: bool,
) -> Option<Invite> {
    let given = section.is_given("addresses");
    let ours = organisation.map_or(&[][..], |organisation| &organisation.domains);
    let addresses = section
        .list("addresses", units::address)
        .or_else(|| if given { None } else { Some(vec![address_at("invite", ours.first()?)?]) });
    let default = Invite::at(addresses.clone().unwrap_or_default());
    let internal_addresses = internal_addresses(section, &default, knows_staff);
    let choices = [("refuse", BlankSubject::Refuse), ("fill", BlankSubject::Fill)];
    let invite = Invite {
        enabled: section.or("enabled", default.enabled, units::switch),
        domain: section.optional("domain", |text| suffix(text, ours)),
        read_headers: section.or("read_headers", default.read_headers, units::switch),
        default_subject: section.or("default_subject", default.default_subject, units::line),
        blank_subject: section.or("blank_subject", default.blank_subject, units::one_of(&choices)),
        lifespan: section.or("lifespan", default.lifespan, units::days),
        lifespan_min: section.or("lifespan_min", default.lifespan_min, units::days),
        lifespan_max: section.or("lifespan_max", default.lifespan_max, units::days),
        guests: guests(section),
        rates: rates(section),
        receipt: section.or("receipt", default.receipt, units::one_of(&Receipts::WORDS)),
        addresses: default.addresses,
        internal_addresses,
        internal_domains: Vec::new(),
    };
    section.demand(
        (invite.lifespan_min..=invite.lifespan_max).contains(&invite.lifespan),
        "lifespan",
        "it is not between lifespan_min and lifespan_max",
        "Change one of the three.",
    );
    addresses.map(|_| invite)
}

/// What turns a mail into an invitation of colleagues. Known also where there can be none, so that who writes to it
/// hears that.
fn internal_addresses(section: &mut Section<'_>, default: &Invite, knows_staff: bool) -> Vec<Address> {
    let written = section.list("internal_addresses", units::address);
    section.demand(
        knows_staff || written.is_none(),
        "internal_addresses",
        "colleagues prove who they are to the organisation, and neither a directory nor an identity provider is configured",
        "Configure [directory] or [[saml]], or remove the key.",
    );
    let internal = written.unwrap_or_else(|| default.internal_addresses.clone());
    let twice = internal.iter().find(|one| default.addresses.iter().any(|other| other.same_mailbox(one)));
    if let Some(twice) = twice {
        section.fault(
            "internal_addresses",
            format!("{twice} is in addresses, too"),
            "Colleagues are invited by an address of its own, such as \"invite-internal@corp.example\".",
        );
    }
    internal
}

/// Who can be invited as a colleague: in the organisation's domains, whoever its directory or one of its identity
/// providers vouches for.
pub(super) fn internal_domains(
    ours: &[Domain],
    directory: Option<&Directory>,
    providers: &[Saml],
) -> Vec<Domain> {
    let is_known = |domain: &&Domain| {
        let vouches = |provider: &Saml| provider.domains.is_empty() || provider.domains.contains(domain);
        directory.is_some() || providers.iter().any(vouches)
    };
    ours.iter().filter(is_known).cloned().collect()
}

fn guests(section: &mut Section<'_>) -> Guests {
    let default = Guests::default();
    Guests {
        allowed: section.list("allowed_domains", units::domain).unwrap_or_default(),
        blocked: section.list("blocked_domains", units::domain).unwrap_or_default(),
        must_exist: section.or("check_domains", default.must_exist, units::switch),
        typing_errors: section.or("typo_check", default.typing_errors, units::switch),
    }
}

fn rates(section: &mut Section<'_>) -> Rates {
    let default = Rates::default();
    Rates {
        per_hour: section.or("per_hour", default.per_hour, rate),
        per_day: section.or("per_day", default.per_day, rate),
        per_invitee: section.or("per_day_to_one", default.per_invitee, rate),
        per_domain: section.or("per_day_to_domain", default.per_domain, rate),
    }
}

/// A number, or none.
fn rate(text: &str) -> Result<Option<u32>, Wrong> {
    if text == UNLIMITED {
        return Ok(None);
    }
    units::number(1..=RATE_MAX)(text).map(Some).map_err(|wrong| {
        Wrong::new(wrong.problem, format!("Write a whole number from 1 to {RATE_MAX}, or \"{UNLIMITED}\"."))
    })
}

/// A domain below which no address of the staff may lie: their mail would be read as invitations.
fn suffix(text: &str, ours: &[Domain]) -> Result<Domain, Wrong> {
    let domain = units::domain(text)?;
    match ours.iter().find(|our| our.is_within(&domain)) {
        None => Ok(domain),
        Some(our) => Err(Wrong::new(
            format!("the addresses of {our} would all be invitations"),
            "Write a domain of its own, such as \"invite.corp.example\", whose mail your server hands to Postern.",
        )),
    }
}
