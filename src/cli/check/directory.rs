//! The organisation's directory: every server is tried, for the second one is needed when the first is down.

use std::io::{self, Write};
use std::sync::Arc;

use crate::auth::ldap::LdapDirectory;
use crate::base::clock::{Clock, SystemClock};
use crate::cli::check::Report;
use crate::config::Settings;

/// Tries each server of `[directory]`.
pub(super) async fn servers(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let Some(section) = &settings.directory else { return Ok(()) };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let domains = &settings.organisation.domains;
    let directory = match LdapDirectory::new(section, domains, Arc::clone(&clock)) {
        Ok(directory) => directory,
        Err(fault) => {
            return report.found("directory.trust", &fault, "Give a PEM file with the authorities to trust.");
        }
    };
    for server in directory.servers() {
        let findings = directory.probe(server, clock.now()).await;
        if findings.is_empty() {
            report.fine(&server.url(), "answers, and finds people and groups")?;
        }
        for finding in findings {
            report.found(finding.key, &finding.problem, finding.remedy)?;
        }
    }
    Ok(())
}
