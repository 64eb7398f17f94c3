//! The identity providers, as far as their metadata tell: nobody but a browser asks them anything.

use std::io::{self, Write};

use crate::auth::saml::{Place, Saml};
use crate::base::clock::{Clock, SystemClock};
use crate::cli::check::Report;
use crate::config::{SamlRights, Settings};

const NAME_A_KEY: &str =
    "Name a readable RSA key (PEM) and the certificate made with it (docs/saml.md, Signing out).";

/// Reads the metadata of each provider of `[[saml]]` by itself, so that every fault is found.
pub(super) fn providers(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let now = SystemClock.now();
    let has_rights = settings.saml.iter().any(|provider| provider.rights != SamlRights::default());
    if has_rights && settings.directory.is_some() {
        report.found(
            "saml.rights",
            &"the [directory] says already what people may do, and these groups do not count",
            "Name the groups in [directory.groups], and remove [saml.rights].",
        )?;
    }
    for provider in &settings.saml {
        let saml = match Saml::load(std::slice::from_ref(provider), &settings.web.public_url) {
            Ok(saml) => saml,
            Err(fault) => {
                let (key, remedy) = match fault.place {
                    Place::Metadata => ("saml.metadata", "Download the metadata from the provider again."),
                    Place::Seal => ("saml.key_file", NAME_A_KEY),
                };
                report.found(key, &fault, remedy)?;
                continue;
            }
        };
        for about in saml.about(now) {
            report.fine(&about.entity_id, "can be asked, by browsers")?;
            for objection in about.objections {
                report.found(
                    "saml.metadata",
                    &format!("{}: {objection}", provider.metadata.display()),
                    "Set it right at the provider, and download its metadata again.",
                )?;
            }
            for objection in about.seal_objections {
                report.found(
                    "saml.certificate_file",
                    &objection,
                    "Make another (docs/saml.md, Signing out), and give the provider our metadata anew.",
                )?;
            }
        }
    }
    Ok(())
}
