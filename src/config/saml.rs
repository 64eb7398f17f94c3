//! `[[saml]]`: identity providers that vouch for staff (SAML 2.0).

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::address::Domain;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};

/// Characters of a provider's name; it is part of an address.
const NAME_MAX: usize = 32;
/// Identity providers at most; the sign-in page has a button for each.
const PROVIDERS_MAX: usize = 8;
const SKEW: Duration = Duration::from_mins(2);
/// More would let an old answer live on.
const SKEWS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(5);

/// One identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saml {
    /// What it is called in our addresses: `/saml/NAME`.
    pub name: String,
    /// The words on its button.
    pub label: String,
    /// Its metadata, XML.
    pub metadata: PathBuf,
    /// The domains of the people for whom it may vouch; none means all of the organisation's.
    pub domains: Vec<Domain>,
    /// The attribute with the mail address; without it the NameID must be one.
    pub mail: Option<String>,
    /// The attribute with the display name.
    pub display_name: String,
    /// The attribute with the groups.
    pub groups: String,
    /// Groups that give rights.
    pub rights: SamlRights,
    /// How far the two clocks may be apart.
    pub clock_skew: Duration,
    /// What sign-outs are signed with; without it they go no further than us.
    pub seal: Option<Seal>,
}

/// Our own key towards a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The private key, RSA, PEM.
    pub key_file: PathBuf,
    /// Its certificate, PEM.
    pub certificate_file: PathBuf,
}

/// Groups that give rights, as the provider calls them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SamlRights {
    /// To invite people outside; with none, everybody may.
    pub invite: Vec<String>,
    /// To invite colleagues; with none, nobody may.
    pub invite_internal: Vec<String>,
    /// To administer the gateway; with none, nobody may.
    pub admin: Vec<String>,
}

pub(super) fn providers(root: &mut Section<'_>) -> Option<Vec<Saml>> {
    let providers = root.each("saml", provider)?;
    if !providers.is_empty() && !cfg!(feature = "saml") {
        root.fault(
            "saml",
            "this program was built without the feature “saml”",
            "Build it with `cargo build --release --locked --features saml`, or remove the section.",
        );
    }
    if providers.len() > PROVIDERS_MAX {
        root.fault("saml", "there are too many", format!("Name at most {PROVIDERS_MAX}."));
    }
    let mut names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    names.sort_unstable();
    if let Some([twice, _]) = names.array_windows().find(|[one, next]| one == next) {
        root.fault("saml", format!("the name {twice} is given twice"), "Give each a name of its own.");
    }
    Some(providers)
}

fn provider(section: &mut Section<'_>) -> Option<Saml> {
    let file = section.file();
    let name = section.required("name", "\"entra\"", name);
    let metadata = section.required("metadata", "\"saml/entra.xml\"", file);
    let label = section.or("label", "Sign in with your organisation".to_owned(), units::line);
    let domains = section.list("domains", units::domain).unwrap_or_default();
    let mail = section.optional("mail", units::line);
    let display_name = section.or("display_name", "displayName".to_owned(), units::line);
    let groups = section.or("groups", "groups".to_owned(), units::line);
    let rights = section.section("rights", rights);
    let clock_skew = section.or("clock_skew", SKEW, units::time(SKEWS));
    let seal = seal(section);
    Some(Saml {
        name: name?,
        label,
        metadata: metadata?,
        domains,
        mail,
        display_name,
        groups,
        rights,
        clock_skew,
        seal,
    })
}

fn seal(section: &mut Section<'_>) -> Option<Seal> {
    let file = section.file();
    let key_file = section.optional("key_file", &file);
    match (key_file, section.optional("certificate_file", &file)) {
        (Some(key_file), Some(certificate_file)) => Some(Seal { key_file, certificate_file }),
        (None, None) => None,
        _ => {
            section.fault(
                "key_file",
                "a key and its certificate come together",
                "Name key_file and certificate_file, or neither.",
            );
            None
        }
    }
}

fn rights(section: &mut Section<'_>) -> SamlRights {
    let mut groups = |key| section.list(key, units::line).unwrap_or_default();
    SamlRights {
        invite: groups("invite"),
        invite_internal: groups("invite_internal"),
        admin: groups("admin"),
    }
}

fn name(text: &str) -> Result<String, Wrong> {
    let is_fit = (1..=NAME_MAX).contains(&text.len())
        && text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
        && text != "acs"
        && text != "metadata"
        && text != "slo";
    if is_fit {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("“{text}” is not a name for an address"),
        format!(
            "Write up to {NAME_MAX} small letters, digits and hyphens; “acs”, “metadata” and “slo” are taken."
        ),
    ))
}
