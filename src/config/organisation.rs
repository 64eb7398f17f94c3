//! `[server]` and `[organisation]`: who we are and for whom.

use std::time::Duration;

use crate::base::address::{Address, Domain, LocalPart};
use crate::base::language::Language;
use crate::config::section::Section;
use crate::config::units::Wrong;
use crate::config::{Organisation, Server, units};

/// How long a stop may take. systemd's own patience is longer (`TimeoutStopSec` in the unit).
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(30);

pub(super) fn server(section: &mut Section<'_>) -> Option<Server> {
    let hostname = section.required("hostname", "\"postern.corp.example\"", units::domain);
    let file = section.file();
    let certificate = section.required("certificate", "\"tls/fullchain.pem\"", &file);
    let key = section.required("key", "\"tls/privkey.pem\"", &file);
    let stop_within =
        section.or("stop_within", STOP_WITHIN, units::time(Duration::from_secs(1)..=Duration::from_mins(10)));
    Some(Server { hostname: hostname?, certificate: certificate?, key: key?, stop_within })
}

pub(super) fn organisation(section: &mut Section<'_>) -> Option<Organisation> {
    let name = section.required("name", "\"Corp Example\"", units::line);
    let domains_given = section.is_given("domains");
    let domains = section.list("domains", units::domain);
    if !domains_given {
        section.fault(
            "domains",
            "it is missing",
            "Write the domains whose addresses are staff, for example domains = [\"corp.example\"].",
        );
    }
    let first = domains.as_ref().and_then(|domains| domains.first());
    let notice_address =
        section.optional("notice_address", units::address).or_else(|| address_at("postern", first?));
    let language = section.or("language", Language::ENGLISH, language);
    Some(Organisation { name: name?, domains: domains?, notice_address: notice_address?, language })
}

fn language(text: &str) -> Result<Language, Wrong> {
    let wrong =
        |_| Wrong::new("it is not the code of a language", "Write two or three letters: \"en\", \"de\".");
    text.parse().map_err(wrong)
}

/// `local@domain`: an address that stands where none was written.
pub(super) fn address_at(local: &str, domain: &Domain) -> Option<Address> {
    Some(Address::new(LocalPart::parse(local)?, domain.clone()))
}
