//! Trying a directory, server by server, for the administrator who sets it up.

use std::time::Duration;

use ldap3::{Ldap, Scope};

use crate::auth::ldap::pool::{Unanswered, said};
use crate::auth::ldap::{LdapDirectory, Search};
use crate::base::clock::Timestamp;
use crate::config::DirectoryServer;
use crate::net::tls::has_ended;

/// Beyond this, Kerberos and certificates begin to fail (RFC 4120 §8.2: five minutes).
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);

/// So long before its end a certificate is spoken of.
const SOON: Duration = Duration::from_hours(24 * 30);

/// Groups that name somebody (RFC 4519 §2.17, §2.40).
const WITH_MEMBERS: &str = "(|(member=*)(uniqueMember=*))";

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
        let bases = [("directory.base", &settings.base), ("directory.group_base", &settings.group_base)];
        // Without a base of their own, groups are searched where people are.
        let count = if settings.group_base == settings.base { 1 } else { 2 };
        for (key, base) in bases.into_iter().take(count) {
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
        findings.extend(self.looked_at_people(&mut ldap).await);
        findings.extend(self.groups_not_found(&mut ldap).await);
        findings.extend(self.skewed(&mut ldap, now).await);
        findings.extend(ending(&mut ldap, now).await);
        findings
    }

    async fn groups_not_found(&self, ldap: &mut Ldap) -> Vec<Finding> {
        let groups = &self.settings.groups;
        let keys = [
            ("directory.groups.invite", &groups.invite),
            ("directory.groups.invite_internal", &groups.invite_internal),
            ("directory.groups.admin", &groups.admin),
        ];
        let mut findings = Vec::new();
        for (key, group) in
            keys.into_iter().flat_map(|(key, groups)| groups.iter().map(move |group| (key, group)))
        {
            let mut finds = async |filter| {
                self.try_out(ldap, group, Scope::Base, filter, &["1.1"]).await.map(|found| found > 0)
            };
            let there = match finds("(objectClass=*)").await {
                Ok(true) => finds(WITH_MEMBERS).await.map(|has_members| (true, has_members)),
                other => other.map(|is_there| (is_there, false)),
            };
            let named = "Write the group's distinguished name as the directory shows it.";
            let (problem, remedy) = match there {
                Ok((true, true)) => continue,
                Ok((true, false)) => (
                    format!("nobody is in {group}, or bind_dn may not read its members"),
                    "Put people into it. The primary group of Active Directory and posixGroup do not count.",
                ),
                Ok((false, _)) => (format!("{group} is not there, or hidden from bind_dn"), named),
                Err(problem) => (format!("{group}: {problem}"), named),
            };
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

    /// How many entries it finds, at most two.
    pub(super) async fn try_out(
        &self,
        ldap: &mut Ldap,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<usize, String> {
        /// What Active Directory says of entries outside its domain.
        const REFERRAL: u32 = 10;
        const NO_SUCH_OBJECT: u32 = 32;
        let search = Search { base, scope, filter, attributes, limit: 2 };
        match self.searching.put(ldap, &search).await {
            Ok(entries) => Ok(entries.len()),
            Err(Unanswered::Question(result)) if [REFERRAL, NO_SUCH_OBJECT].contains(&result.rc) => Ok(0),
            Err(Unanswered::Question(result)) => Err(said(&result)),
            Err(Unanswered::Server(problem)) => Err(problem),
        }
    }
}

/// A certificate that counts still, and not for long.
async fn ending(ldap: &mut Ldap, now: Timestamp) -> Option<Finding> {
    let certificate = ldap.get_peer_certificate().await.ok()??;
    has_ended(&certificate, now + SOON).then(|| Finding {
        key: "directory.urls",
        problem: "its certificate ends within 30 days".to_owned(),
        remedy: "Renew the server's certificate: nobody can sign in when it has ended.",
    })
}

/// Which key a failed connection is about, in words.
fn unreachable(server: &DirectoryServer, problem: &str) -> Finding {
    const WITHOUT_SPACES: [(&str, &str, &str, &str); 6] = [
        ("bind_dn", "directory.bind_dn", "", "Check bind_dn and the file behind bind_password_file."),
        (
            "expired",
            "directory.urls",
            "its certificate has expired",
            "Renew the server's certificate; if it is in time, set the clock of this machine right.",
        ),
        (
            "notvalidyet",
            "directory.urls",
            "its certificate is not valid yet",
            "Set the clock of this machine right; if it is, have the server's certificate made anew.",
        ),
        (
            "notvalidforname",
            "directory.urls",
            "its certificate is for another name",
            "Write the name that stands in the server's certificate.",
        ),
        (
            "certificate",
            "directory.trust",
            "its certificate is of an authority that is not trusted here",
            "Name the PEM file with the authority that signed the server's certificate.",
        ),
        (
            "",
            "directory.urls",
            "",
            "Check name and port, the firewall between, and that the server speaks TLS there.",
        ),
    ];
    let told: String = problem.to_lowercase().split_ascii_whitespace().collect();
    let about = WITHOUT_SPACES.iter().find(|(sign, ..)| told.contains(sign));
    let (_, key, words, remedy) = about.copied().unwrap_or_default();
    let problem = if words.is_empty() {
        format!("{}: {problem}", server.url())
    } else {
        format!("{}: {words} ({problem})", server.url())
    };
    Finding { key, problem, remedy }
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
