//! Trying a directory, server by server, for the administrator who sets it up.

use std::time::Duration;

use ldap3::{Ldap, Scope};

use crate::auth::ldap::pool::{Unanswered, said};
use crate::auth::ldap::{LdapDirectory, Search};
use crate::base::clock::Timestamp;
use crate::config::DirectoryServer;

/// Beyond this, Kerberos and certificates begin to fail (RFC 4120 §8.2: five minutes).
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);

/// Something to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key, as in `directory.bind_dn`.
    pub key: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

impl LdapDirectory {
    /// The servers, in the order in which they are asked.
    #[must_use]
    pub fn servers(&self) -> &[DirectoryServer] {
        &self.settings.servers
    }

    /// Tries one server: connection, TLS and our sign-in, then base, filters and groups, and its clock. Empty where all
    /// is well.
    pub async fn probe(&self, server: &DirectoryServer, now: Timestamp) -> Vec<Finding> {
        let mut ldap = match self.searching.connect(server).await {
            Ok(ldap) => ldap,
            Err(problem) => return vec![unreachable(server, &problem)],
        };
        let mut findings = Vec::new();
        let settings = &self.settings;
        for (key, base) in
            [("directory.base", &settings.base), ("directory.group_base", &settings.group_base)]
        {
            let found = self.try_out(&mut ldap, base, Scope::Base, "(objectClass=*)", &["1.1"]).await;
            let remedy = "Write an entry that is there, and let bind_dn read it.";
            match found {
                Ok(0) => {
                    findings.push(Finding {
                        key,
                        problem: format!("{base} is not there, or hidden"),
                        remedy,
                    });
                }
                Ok(_) => {}
                Err(problem) => findings.push(Finding { key, problem: format!("{base}: {problem}"), remedy }),
            }
        }
        if !findings.is_empty() {
            return findings;
        }
        for (key, filter, place) in [
            ("directory.user_filter", &settings.user_filter, "{name}"),
            ("directory.mail_filter", &settings.mail_filter, "{address}"),
        ] {
            // Whoever is meant: somebody must be found.
            let filter = filter.replace(place, "*");
            match self.try_out(&mut ldap, &settings.base, Scope::Subtree, &filter, &["1.1"]).await {
                Ok(0) => findings.push(Finding {
                    key,
                    problem: format!("{filter} finds nobody below {}", settings.base),
                    remedy: "Check kind, base and filter, and that bind_dn may read the attributes in the filter.",
                }),
                Ok(_) => {}
                Err(problem) => {
                    findings.push(Finding { key, problem, remedy: "Ask the directory's administrator." });
                }
            }
        }
        findings.extend(self.groups_not_found(&mut ldap).await);
        findings.extend(self.skewed(&mut ldap, now).await);
        findings
    }

    async fn groups_not_found(&self, ldap: &mut Ldap) -> Vec<Finding> {
        let groups = &self.settings.groups;
        let keys = [("directory.groups.invite", &groups.invite), ("directory.groups.admin", &groups.admin)];
        let mut findings = Vec::new();
        for (key, group) in
            keys.into_iter().flat_map(|(key, groups)| groups.iter().map(move |group| (key, group)))
        {
            let problem = match self.try_out(ldap, group, Scope::Base, "(objectClass=*)", &["1.1"]).await {
                Ok(0) => format!("{group} is not there, or hidden from bind_dn"),
                Ok(_) => continue,
                Err(problem) => format!("{group}: {problem}"),
            };
            let remedy = "Write the group's distinguished name as the directory shows it.";
            findings.push(Finding { key, problem, remedy });
        }
        findings
    }

    /// The server's clock, where it tells (rootDSE of Active Directory, [MS-ADTS] §3.1.1.3.2).
    async fn skewed(&self, ldap: &mut Ldap, now: Timestamp) -> Option<Finding> {
        let search = Search {
            base: "",
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: &["currentTime"],
            limit: 1,
        };
        let entries = self.searching.put(ldap, &search).await.ok()?;
        let theirs = generalized_time(entries.first()?.text("currentTime")?)?;
        let skew = theirs.since(now).max(now.since(theirs));
        (skew > CLOCK_SKEW_MAX).then(|| Finding {
            key: "directory.urls",
            problem: format!("its clock and ours differ by {} seconds", skew.as_secs()),
            remedy: "Let both follow the same time server.",
        })
    }

    /// How many entries it finds, at most one.
    async fn try_out(
        &self,
        ldap: &mut Ldap,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<usize, String> {
        const NO_SUCH_OBJECT: u32 = 32;
        let search = Search { base, scope, filter, attributes, limit: 1 };
        match self.searching.put(ldap, &search).await {
            Ok(entries) => Ok(entries.len()),
            Err(Unanswered::Question(result)) if result.rc == NO_SUCH_OBJECT => Ok(0),
            Err(Unanswered::Question(result)) => Err(said(&result)),
            Err(Unanswered::Server(problem)) => Err(problem),
        }
    }
}

/// Which key a failed connection is about.
fn unreachable(server: &DirectoryServer, problem: &str) -> Finding {
    let lower = problem.to_lowercase();
    let (key, remedy) = if lower.contains("bind_dn") {
        ("directory.bind_dn", "Check bind_dn and the file behind bind_password_file.")
    } else if lower.contains("expired") || lower.contains("notvalidyet") || lower.contains("not valid yet") {
        (
            "directory.urls",
            "Renew the server's certificate; if it is in time, set the clock of this machine right.",
        )
    } else if lower.contains("issuer") {
        ("directory.trust", "Name the PEM file with the authority that signed the server's certificate.")
    } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
        ("directory.urls", "Write the name that stands in the server's certificate.")
    } else if lower.contains("certificate") {
        ("directory.trust", "Name the PEM file with the authority that signed the server's certificate.")
    } else {
        ("directory.urls", "Check name and port, the firewall between, and that the server speaks TLS there.")
    };
    Finding { key, problem: format!("{}: {problem}", server.url()), remedy }
}

/// `20261124171500.0Z` (RFC 4517 §3.3.13).
fn generalized_time(text: &str) -> Option<Timestamp> {
    let moment = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text.get(..14)?).ok()?;
    let utc = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(utc.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_time_is_understood() {
        assert_eq!(generalized_time("19700101000100.0Z"), Some(Timestamp::from_millis(60_000)));
        assert_eq!(generalized_time("noon"), None);
    }
}
