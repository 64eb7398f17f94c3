//! Groups, and groups within groups, and what they allow.

use std::collections::HashSet;
use std::fmt::Write;

use ldap3::Scope;

use crate::accounts::Rights;
use crate::auth::directory::{DirectoryFault, Person};
use crate::auth::ldap::{LdapDirectory, Search, dn, filter};
use crate::config::{DirectoryGroups, DirectoryKind};

/// How deep groups may be nested: from a person up, so many steps are taken.
const DEPTH_MAX: usize = 10;
/// Groups that one person may be in, by all ways.
const GROUPS_MAX: usize = 1000;
/// Members that one search asks about.
const MEMBERS_AT_ONCE: usize = 50;
/// `LDAP_MATCHING_RULE_IN_CHAIN` ([MS-ADTS] §3.1.1.3.4.4.3): Active Directory goes from group to group itself.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// No attributes, only the name (RFC 4511 §4.5.1.8).
const NOTHING: &[&str] = &["1.1"];

impl LdapDirectory {
    /// What the person's groups allow.
    pub(super) async fn allowed(&self, person: &Person) -> Result<Rights, DirectoryFault> {
        let groups = &self.settings.groups;
        let named = groups.named();
        let within = match self.settings.kind {
            _ if named.is_empty() => HashSet::new(),
            DirectoryKind::ActiveDirectory => self.asked_for_each(person, &named).await?,
            DirectoryKind::OpenLdap | DirectoryKind::Custom => self.walked(person, &named).await?,
        };
        Ok(rights(groups, &within))
    }

    /// One search at the person's own entry for each group.
    async fn asked_for_each(
        &self,
        person: &Person,
        named: &[&str],
    ) -> Result<HashSet<String>, DirectoryFault> {
        let mut within = HashSet::new();
        for group in named {
            let filter = format!("(memberOf:{IN_CHAIN}:={})", filter::escaped(group));
            let search = Search {
                base: &person.entry,
                scope: Scope::Base,
                filter: &filter,
                attributes: NOTHING,
                limit: 1,
            };
            if !self.search(search).await?.is_empty() {
                within.insert(dn::key(group));
            }
        }
        Ok(within)
    }

    /// From the person to the groups that have it as a member, and on from these, until nothing new is found.
    async fn walked(&self, person: &Person, named: &[&str]) -> Result<HashSet<String>, DirectoryFault> {
        let wanted: HashSet<String> = named.iter().map(|group| dn::key(group)).collect();
        let mut within = HashSet::new();
        let mut edge = vec![person.entry.clone()];
        for _ in 0..DEPTH_MAX {
            let mut next = Vec::new();
            for members in edge.chunks(MEMBERS_AT_ONCE) {
                let filter = with_members(members);
                let search = Search {
                    base: &self.settings.group_base,
                    scope: Scope::Subtree,
                    filter: &filter,
                    attributes: NOTHING,
                    limit: GROUPS_MAX,
                };
                let found = self.search(search).await?.into_iter().map(|group| group.name);
                next.extend(found.filter(|group| within.insert(dn::key(group))));
            }
            if next.is_empty() || wanted.is_subset(&within) {
                return Ok(within);
            }
            if within.len() > GROUPS_MAX {
                break;
            }
            edge = next;
        }
        tracing::warn!("somebody is in more groups, or deeper ones, than are looked at");
        Ok(within)
    }
}

/// A filter for the groups with one of these members (groupOfNames, groupOfUniqueNames: RFC 4519 §3.5, §3.6).
fn with_members(members: &[String]) -> String {
    let mut filter = "(|".to_owned();
    for member in members {
        let member = filter::escaped(member);
        // Writing to a string never fails.
        let _ = write!(filter, "(member={member})(uniqueMember={member})");
    }
    filter.push(')');
    filter
}

/// What these groups allow. Where none is named, all may invite, as those with a local account may; nobody does more.
fn rights(groups: &DirectoryGroups, within: &HashSet<String>) -> Rights {
    let is_in = |names: &[String]| names.iter().any(|name| within.contains(&dn::key(name)));
    Rights {
        invite: groups.invite.is_empty() || is_in(&groups.invite),
        invite_internal: is_in(&groups.invite_internal),
        admin: is_in(&groups.admin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_come_from_groups_and_only_inviting_comes_by_itself() {
        let named = |name: &str| vec![format!("cn={name},ou=groups,dc=x")];
        let within = |name: &str| HashSet::from([dn::key(&format!("CN={name}, OU=groups, DC=x"))]);
        let groups = DirectoryGroups { invite: named("a"), invite_internal: named("c"), admin: named("b") };
        let of = |invite, invite_internal, admin| Rights { invite, invite_internal, admin };
        assert_eq!(rights(&groups, &within("a")), of(true, false, false));
        assert_eq!(rights(&groups, &within("b")), of(false, false, true));
        assert_eq!(rights(&groups, &within("c")), of(false, true, false));
        assert_eq!(rights(&groups, &HashSet::new()), of(false, false, false));
        assert_eq!(rights(&DirectoryGroups::default(), &within("a")), of(true, false, false));
    }

    #[test]
    fn a_name_with_brackets_does_not_leave_its_condition() {
        let filter = with_members(&["cn=O'Neil\\, Dave (IT)*,dc=x".to_owned()]);
        assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        assert!(filter.contains("(member=cn=O'Neil\\5c, Dave \\28IT\\29\\2a,dc=x)"), "{filter}");
    }
}
