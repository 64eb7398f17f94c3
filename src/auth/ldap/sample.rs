//! Some people of a directory, looked at as the settings read them: an administrator's mistake shows in them.

use std::collections::BTreeSet;

use ldap3::{Ldap, Scope};

use crate::auth::ldap::entry::Entry;
use crate::auth::ldap::pool::{Unanswered, said};
use crate::auth::ldap::probe::Finding;
use crate::auth::ldap::{LdapDirectory, Search, filter};
use crate::base::address::Address;

/// People who are looked at.
const PEOPLE_MAX: usize = 100;
/// A name that nobody has: who is found by it is found by any.
const NOBODY: &str = "postern-check-looks-for-nobody";

impl LdapDirectory {
    /// Whether the filters find people, and one by one; whether these have what is read of them.
    pub(super) async fn looked_at_people(&self, ldap: &mut Ldap) -> Vec<Finding> {
        let anybody = self.settings.user_filter.replace("{name}", "*");
        let people = match self.some_people(ldap, &anybody).await {
            Ok(people) => people,
            Err(problem) => {
                let remedy = "Ask the directory's administrator.";
                return vec![Finding { key: "directory.user_filter", problem, remedy }];
            }
        };
        if people.is_empty() {
            return vec![Finding {
                key: "directory.user_filter",
                problem: format!("{anybody} finds nobody below {}", self.settings.base),
                remedy: "Check kind, base and filter, and that bind_dn may read the attributes in the filter.",
            }];
        }
        let mut findings = self.lacking(&people);
        findings.extend(self.found_by_anything(ldap).await);
        findings.extend(self.not_found_by_address(ldap, &people).await);
        findings
    }

    async fn some_people(&self, ldap: &mut Ldap, filter: &str) -> Result<Vec<Entry>, String> {
        let attributes = self.reading.attributes();
        let base = &self.settings.base;
        let (scope, attributes) = (Scope::Subtree, attributes.as_slice());
        let search = Search { base, scope, filter, attributes, limit: PEOPLE_MAX };
        self.searching.put(ldap, &search).await.map_err(|unanswered| match unanswered {
            Unanswered::Question(result) => said(&result),
            Unanswered::Server(problem) => problem,
        })
    }

    /// Attributes that none of these people have.
    fn lacking(&self, people: &[Entry]) -> Vec<Finding> {
        let attributes = &self.settings.attributes;
        let remedy = "Name an attribute that people have, and let bind_dn read it.";
        let mut findings = Vec::new();
        for (key, attribute) in
            [("directory.attributes.name", &attributes.name), ("directory.attributes.id", &attributes.id)]
        {
            if people.iter().all(|entry| entry.values(attribute).next().is_none()) {
                let problem = format!("none of {} people has “{attribute}”", people.len());
                findings.push(Finding { key, problem, remedy });
            }
        }
        if people.iter().all(|entry| self.reading.addresses(entry).is_empty()) {
            findings.push(Finding {
                key: "directory.attributes.mail",
                problem: format!(
                    "none of {} people has an address in the organisation's domains, in “{}” or “{}”",
                    people.len(),
                    attributes.mail,
                    attributes.aliases
                ),
                remedy: "Name the attribute with the mail address, let bind_dn read it, and compare \
                         organisation.domains.",
            });
        }
        findings
    }

    async fn found_by_anything(&self, ldap: &mut Ldap) -> Option<Finding> {
        let filter = filter::filled(&self.settings.user_filter, "{name}", NOBODY);
        let found = self.try_out(ldap, &self.settings.base, Scope::Subtree, &filter, &["1.1"]).await;
        matches!(found, Ok(1..)).then(|| Finding {
            key: "directory.user_filter",
            problem: format!("{filter} finds somebody, though nobody is called so"),
            remedy: "Let {name} decide in every branch of the filter: who answers to any name cannot sign in.",
        })
    }

    /// Each of these people must be found by an address of their own, and nobody else by it.
    async fn not_found_by_address(&self, ldap: &mut Ldap, people: &[Entry]) -> Option<Finding> {
        let addresses: BTreeSet<String> = people
            .iter()
            .filter_map(|entry| self.reading.addresses(entry).first().map(Address::to_string))
            .collect();
        for address in addresses {
            let filter = filter::filled(&self.settings.mail_filter, "{address}", &address);
            let found = self.try_out(ldap, &self.settings.base, Scope::Subtree, &filter, &["1.1"]).await;
            let (problem, remedy) = match found {
                Ok(1) => continue,
                Ok(0) => (
                    format!("{filter} finds nobody, though somebody has this address"),
                    "Name every attribute in it that holds addresses, and let bind_dn read them.",
                ),
                Ok(_) => (
                    format!("{filter} finds several people"),
                    "Let only one of them have the address, or find only one: none of them can sign in.",
                ),
                Err(problem) => (problem, "Ask the directory's administrator."),
            };
            return Some(Finding { key: "directory.mail_filter", problem, remedy });
        }
        None
    }
}
