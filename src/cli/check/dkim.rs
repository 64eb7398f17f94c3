//! Keys that sign mail, and what the DNS says of them.

use std::io::{self, Write};

use crate::cli::check::Report;
use crate::config::Settings;
use crate::daemon::signing;
use crate::mail::dkim::key::Key;
use crate::net::resolver::{DnsFault, Resolver};

/// Looks at each key of `[[dkim]]`.
pub(super) async fn keys(
    settings: &Settings,
    resolver: &dyn Resolver,
    report: &mut Report<'_, impl Write>,
) -> io::Result<()> {
    for section in &settings.dkim {
        match signing::key(section) {
            Ok(key) => record(&key, resolver, report).await?,
            Err(fault) => report.fault(&fault)?,
        }
    }
    Ok(())
}

async fn record(key: &Key, resolver: &dyn Resolver, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let name = key.record_name();
    let records = match resolver.texts(&name).await {
        Err(DnsFault::NoSuchDomain) => Vec::new(),
        Ok(records) => records,
        Err(fault) => {
            return report.found(
                "dkim",
                &format!("{name} could not be looked up: {fault}"),
                "Try again when the DNS answers.",
            );
        }
    };
    match key.check(&records) {
        Ok(()) => report.fine(&name, "is published and belongs to its key"),
        Err(fault) => {
            let line = key.zone_line().map_err(io::Error::other)?;
            report.found("dkim", &format!("{name}: {fault}"), &format!("Publish this:\n         {line}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{KeyPair, PKCS_ED25519};
    use tempfile::TempDir;

    use super::*;
    use crate::base::address::{Address, Domain};
    use crate::config::Dkim;
    use crate::net::resolver::FixedZone;

    const NAME: &str = "postern._domainkey.corp.example";

    /// What a check says, of a file with this content and a DNS with these records.
    async fn said(content: Option<&str>, records: Option<&[&str]>) -> String {
        let folder = TempDir::new().unwrap();
        let key_file = folder.path().join("key.pem");
        if let Some(content) = content {
            fs::write(&key_file, content).unwrap();
        }
        let invite = Address::parse("invite@corp.example").unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let mut settings = Settings::in_directory(folder.path(), &[invite], address).unwrap();
        let domain = |text| Domain::parse(text).unwrap();
        settings.dkim = vec![Dkim { domain: domain("corp.example"), selector: domain("postern"), key_file }];
        let mut zone = FixedZone::default();
        match records {
            Some(records) => {
                let records = records.iter().map(|record| record.as_bytes().to_vec()).collect();
                zone.texts.insert(NAME.to_owned(), records);
            }
            None => drop(zone.silent.insert(NAME.to_owned())),
        }
        let mut out = Vec::new();
        let mut report = Report { out: &mut out, faults: 0 };
        keys(&settings, &zone, &mut report).await.unwrap();
        String::from_utf8(out).unwrap().replace(&folder.path().display().to_string(), "")
    }

    #[tokio::test]
    async fn the_record_to_publish_is_the_record_that_passes() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
        let missing = said(Some(&key), Some(&[])).await;
        assert!(missing.starts_with(&format!("FAULT  dkim: {NAME}: there is no TXT record.")), "{missing}");
        let record = missing.split('"').nth(1).unwrap();
        assert!(record.starts_with("v=DKIM1; k=ed25519; p="), "{missing}");

        let published = said(Some(&key), Some(&[record])).await;
        assert_eq!(published, format!("ok     {NAME} is published and belongs to its key\n"));
        let twice = said(Some(&key), Some(&[record, record])).await;
        assert!(twice.contains("there are several TXT records"), "{twice}");
        let foreign = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
        let other = said(Some(&foreign), Some(&[record])).await;
        assert!(other.contains("does not belong to this key"), "{other}");
    }

    #[tokio::test]
    async fn what_cannot_be_read_or_looked_up_is_said_with_what_to_do() {
        let none = said(None, Some(&[])).await;
        assert!(none.starts_with("FAULT  dkim.key_file: /key.pem: it cannot be read"), "{none}");
        let no_key = said(Some("hello"), Some(&[])).await;
        assert!(no_key.contains("it holds no private key") && no_key.contains("openssl genpkey"), "{no_key}");
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
        let silent = said(Some(&key), None).await;
        assert!(silent.contains("could not be looked up") && silent.contains("Try again"), "{silent}");
    }
}
