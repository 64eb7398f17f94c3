//! From an entry to a person.

use std::fmt::Write;
use std::sync::Arc;

use crate::auth::directory::Person;
use crate::auth::ldap::entry::Entry;
use crate::base::address::{Address, Domain};
use crate::base::clock::{Clock, Timestamp};
use crate::config::{Directory, DirectoryAttributes, DirectoryKind};

/// Further addresses that are kept of one person.
const ALIASES_MAX: usize = 100;

/// Octets of what identifies a person for good; a GUID has 16, or 36 as text.
const ID_OCTETS_MAX: usize = 64;

/// How entries of this directory are read.
pub(super) struct Reading {
    kind: DirectoryKind,
    attributes: DirectoryAttributes,
    domains: Vec<Domain>,
    clock: Arc<dyn Clock>,
}

impl Reading {
    pub(super) fn new(settings: &Directory, domains: &[Domain], clock: Arc<dyn Clock>) -> Self {
        let (kind, attributes) = (settings.kind, settings.attributes.clone());
        Self { kind, attributes, domains: domains.to_vec(), clock }
    }

    /// What a search must ask for.
    pub(super) fn attributes(&self) -> Vec<&str> {
        let DirectoryAttributes { mail, aliases, name, id, manager, disabled, delegates } = &self.attributes;
        let own: &[&str] = match self.kind {
            DirectoryKind::ActiveDirectory => &[USER_ACCOUNT_CONTROL, ACCOUNT_EXPIRES],
            DirectoryKind::OpenLdap | DirectoryKind::Custom => &[LOCKED_TIME],
        };
        let named = [mail, aliases, name, id, manager].into_iter().chain(disabled).chain(delegates);
        let named = named.map(String::as_str);
        named.chain(own.iter().copied()).collect()
    }

    /// The person of an entry; `None` without an address in the organisation's domains, for by their address people are
    /// known everywhere else.
    pub(super) fn person(&self, entry: &Entry) -> Option<Person> {
        let mut addresses = self.addresses(entry);
        if addresses.is_empty() {
            let domains: Vec<String> = self.domains.iter().map(ToString::to_string).collect();
            tracing::info!(
                domains = domains.join(", "),
                "an entry has no mail address in the domains of the organisation"
            );
            return None;
        }
        let address = addresses.remove(0);
        Some(Person {
            entry: entry.name.clone(),
            id: self.id(entry),
            name: entry.text(&self.attributes.name).unwrap_or_default().to_owned(),
            address,
            aliases: addresses,
            manager: entry.text(&self.attributes.manager).map(ToOwned::to_owned),
            is_barred: self.is_barred(entry),
            has_delegates: self
                .attributes
                .delegates
                .as_deref()
                .is_some_and(|named| entry.text(named).is_some()),
        })
    }

    /// The primary one first, each once.
    pub(super) fn addresses(&self, entry: &Entry) -> Vec<Address> {
        let mail = entry.texts(&self.attributes.mail).map(|text| (text, false));
        let proxies: Vec<_> = entry.texts(&self.attributes.aliases).filter_map(proxy_address).collect();
        let (primary, others): (Vec<_>, Vec<_>) =
            proxies.into_iter().partition(|(_, is_primary)| *is_primary);
        let mut addresses: Vec<Address> = Vec::new();
        for (text, _) in mail.chain(primary).chain(others) {
            let Ok(address) = Address::parse(text.trim()) else { continue };
            let is_new = !addresses.iter().any(|other| other.same_mailbox(&address));
            if is_new && self.domains.contains(address.domain()) && addresses.len() <= ALIASES_MAX {
                addresses.push(address);
            }
        }
        addresses
    }

    /// In hexadecimal, for one directory has octets (objectGUID) where another has text (entryUUID).
    fn id(&self, entry: &Entry) -> Option<String> {
        let octets = entry.values(&self.attributes.id).next()?;
        let is_usable = (1..=ID_OCTETS_MAX).contains(&octets.len());
        is_usable.then(|| {
            octets.iter().fold(String::new(), |mut id, octet| {
                // Writing to a string never fails.
                let _ = write!(id, "{octet:02x}");
                id
            })
        })
    }

    fn is_barred(&self, entry: &Entry) -> bool {
        let is_disabled = self.attributes.disabled.as_deref().is_some_and(|attribute| {
            entry.text(attribute).is_some_and(|value| !value.eq_ignore_ascii_case("FALSE"))
        });
        is_disabled
            || match self.kind {
                DirectoryKind::ActiveDirectory => is_over(entry, self.clock.now()),
                DirectoryKind::OpenLdap | DirectoryKind::Custom => {
                    entry.text(LOCKED_TIME) == Some(LOCKED_FOR_GOOD)
                }
            }
    }
}

/// [MS-ADTS] §2.2.16.
const USER_ACCOUNT_CONTROL: &str = "userAccountControl";
/// ADS_UF_ACCOUNT_DISABLE.
const DISABLED: i64 = 0x2;
/// [MS-ADA1] §2.1: the end of the account's last day, in steps of 100 ns since 1601.
const ACCOUNT_EXPIRES: &str = "accountExpires";
/// Any other time in it may have passed; whether it has, only the server knows, and says when a password is tried.
const LOCKED_FOR_GOOD: &str = "000001010000Z";
/// draft-behera-ldap-password-policy §5.3.3.
const LOCKED_TIME: &str = "pwdAccountLockedTime";

/// Whether Active Directory keeps the account out: disabled, or past its last day.
fn is_over(entry: &Entry, now: Timestamp) -> bool {
    /// Both mean "never".
    const NEVER: [i64; 2] = [0, i64::MAX];
    /// Milliseconds from 1601 to 1970.
    const EPOCH: i64 = 11_644_473_600_000;
    let number = |attribute| entry.text(attribute).and_then(|text| text.parse::<i64>().ok());
    let is_disabled = number(USER_ACCOUNT_CONTROL).is_some_and(|flags| flags & DISABLED != 0);
    let has_expired = number(ACCOUNT_EXPIRES)
        .filter(|steps| !NEVER.contains(steps))
        .is_some_and(|steps| steps / 10_000 - EPOCH <= now.millis());
    is_disabled || has_expired
}

/// An address as Exchange writes it, `SMTP:` before the primary one and `smtp:` before the others, or plain. `None` for
/// addresses of other systems: `X400:`, `SIP:`.
fn proxy_address(value: &str) -> Option<(&str, bool)> {
    match value.split_once(':') {
        Some((prefix, address)) if prefix.eq_ignore_ascii_case("smtp") => Some((address, prefix == "SMTP")),
        Some(_) => None,
        None => Some((value, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    fn reading(kind: DirectoryKind, disabled: Option<&str>) -> Reading {
        let named = |name: &str| name.to_owned();
        Reading {
            kind,
            attributes: DirectoryAttributes {
                mail: named("mail"),
                aliases: named("proxyAddresses"),
                name: named("displayName"),
                id: named("objectGUID"),
                manager: named("manager"),
                disabled: disabled.map(ToOwned::to_owned),
                delegates: None,
            },
            domains: ["corp.example", "corp2.example"].map(|name| Domain::parse(name).unwrap()).to_vec(),
            // 2026-11-24.
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(1_795_523_820_000))),
        }
    }

    fn addresses(attributes: &[(&str, &[&str])]) -> Vec<String> {
        let person = reading(DirectoryKind::ActiveDirectory, None).person(&Entry::with(attributes));
        person.map_or_else(Vec::new, |person| {
            std::iter::once(&person.address).chain(&person.aliases).map(ToString::to_string).collect()
        })
    }

    #[test]
    fn addresses_of_exchange_are_understood() {
        let proxies: &[&str] = &[
            "smtp:a.archer@corp.example",
            "SMTP:Ann@corp.example",
            "smtp:press@corp2.example",
            "Smtp:ann.third@corp.example",
            "X400:c=XX;a= ;p=Corp;s=Archer;",
            "SIP:ann.sip@corp.example",
            "smtp:ann@else.example",
            "smtp:no address",
            "smtp:",
            "ann.plain@corp.example",
        ];
        let rest = [
            "a.archer@corp.example",
            "press@corp2.example",
            "ann.third@corp.example",
            "ann.plain@corp.example",
        ];
        let all = |first: &'static str| [&[first], &rest[..]].concat();
        assert_eq!(
            addresses(&[("mail", &["ann@corp.example"]), ("proxyAddresses", proxies)]),
            all("ann@corp.example")
        );
        assert_eq!(addresses(&[("proxyAddresses", proxies)]), all("Ann@corp.example"));
    }

    #[test]
    fn who_has_no_address_of_the_organisation_is_nobody() {
        assert!(addresses(&[]).is_empty());
        assert!(addresses(&[("mail", &["ann@else.example"])]).is_empty());
        assert_eq!(addresses(&[("mail", &["ann@else.example", "ann@corp.example"])]), ["ann@corp.example"]);
    }

    #[test]
    fn active_directory_bars_by_flag_and_by_date() {
        let reading = reading(DirectoryKind::ActiveDirectory, None);
        let is_barred = |control: &str, expires: &str| {
            let entry = Entry::with(&[("userAccountControl", &[control]), ("accountExpires", &[expires])]);
            reading.is_barred(&entry)
        };
        let never = i64::MAX.to_string();
        // 1 January 2020, and 1 January 2030.
        let (past, future) = ("132223104000000000", "135379296000000000");
        assert!(!is_barred("512", "0") && !is_barred("66048", &never) && !is_barred("512", future));
        assert!(is_barred("514", "0") && is_barred("66050", &never) && is_barred("512", past));
    }

    #[test]
    fn who_has_delegates_is_read_where_they_have_a_name() {
        let mut reading = reading(DirectoryKind::ActiveDirectory, None);
        let office = [("mail", &["office@corp.example"][..]), ("publicDelegates", &["CN=Ann,DC=x"])];
        let has_delegates = |reading: &Reading, entry: &[(&str, &[&str])]| {
            reading.person(&Entry::with(entry)).unwrap().has_delegates
        };
        assert!(!has_delegates(&reading, &office));
        reading.attributes.delegates = Some("publicDelegates".to_owned());
        assert!(reading.attributes().contains(&"publicDelegates"), "asked for");
        assert!(has_delegates(&reading, &office) && !has_delegates(&reading, &office[..1]));
    }

    #[test]
    fn other_directories_bar_by_lock_and_by_an_attribute_of_their_own() {
        let is_barred = |attribute: &str, value: &str| {
            let reading = reading(DirectoryKind::Custom, Some("nsAccountLock"));
            reading.is_barred(&Entry::with(&[(attribute, &[value])]))
        };
        assert!(is_barred("pwdAccountLockedTime", "000001010000Z"));
        assert!(!is_barred("pwdAccountLockedTime", "20260101000000Z"), "may be over by now");
        assert!(is_barred("nsAccountLock", "TRUE") && is_barred("nsaccountlock", "yes"));
        assert!(!is_barred("nsAccountLock", "false") && !is_barred("other", "TRUE"));
    }
}
