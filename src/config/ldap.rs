//! `[directory]`: the organisation's directory (LDAP, RFC 4511), in which staff prove who they are.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::address::Domain;
use crate::base::secret::Secret;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};

/// Servers, and groups for one right, that may be named.
const NAMED_MAX: usize = 20;

/// The organisation's directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    /// Which product it is.
    pub kind: DirectoryKind,
    /// Its servers, the first that answers is asked; at least one.
    pub servers: Vec<DirectoryServer>,
    /// Authorities to trust beside the system's, PEM.
    pub trust: Option<PathBuf>,
    /// Who asks: a distinguished name or, with Active Directory, a user principal name.
    pub bind_dn: String,
    /// The password that belongs to it.
    pub bind_password: Secret,
    /// Below this entry people are searched.
    pub base: String,
    /// Below this entry groups are searched.
    pub group_base: String,
    /// Finds a person by what was typed as the name, which takes the place of `{name}` (RFC 4515).
    pub user_filter: String,
    /// Finds a person by a mail address, which takes the place of `{address}`.
    pub mail_filter: String,
    /// What is read of a person.
    pub attributes: DirectoryAttributes,
    /// Groups that give rights, by their distinguished names.
    pub groups: DirectoryGroups,
    /// Connections for searching; as many again for checking passwords.
    pub connections: usize,
    /// The bound for a connection to come about, TLS and our own sign-in included.
    pub connect_timeout: Duration,
    /// The bound for the answer to one question, and for a connection to become free.
    pub timeout: Duration,
    /// How long a connection is kept without work.
    pub idle_timeout: Duration,
    /// How long a server that failed is left alone.
    pub retreat: Duration,
    /// How long a person who was found by address counts as found.
    pub cache: Duration,
    /// How old the last look at a person may be who is signed in.
    pub recheck: Duration,
}

/// Which product a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryKind {
    /// Microsoft's, or Samba's.
    ActiveDirectory,
    /// OpenLDAP.
    OpenLdap,
    /// Another one that speaks LDAP.
    Custom,
}

/// One server of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryServer {
    /// Its name, which its certificate must carry, or its IPv4 address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS begins with the first octet; else by StartTLS (RFC 4511 §4.14), which is demanded.
    pub implicit_tls: bool,
}

/// What is read of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryAttributes {
    /// The primary mail address; further values are aliases.
    pub mail: String,
    /// Further addresses, plain or with `smtp:` before them.
    pub aliases: String,
    /// The display name.
    pub name: String,
    /// What never changes and belongs to nobody else.
    pub id: String,
    /// Says that the person may not sign in, if it is there and not `FALSE`.
    pub disabled: Option<String>,
    /// The distinguished names of those who may write in this one's name.
    pub delegates: Option<String>,
}

/// Groups that give rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryGroups {
    /// To invite people outside; with none, everybody may.
    pub invite: Vec<String>,
    /// To invite colleagues; with none, nobody may.
    pub invite_internal: Vec<String>,
    /// To administer the gateway; with none, nobody may.
    pub admin: Vec<String>,
}

/// What goes without saying for a product.
struct Usual {
    user_filter: &'static str,
    mail_filter: &'static str,
    aliases: &'static str,
    name: &'static str,
    id: &'static str,
    disabled: &'static str,
    delegates: &'static str,
}

impl DirectoryKind {
    const fn usual(self) -> Usual {
        match self {
            Self::ActiveDirectory => Usual {
                user_filter: "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={name})\
                              (userPrincipalName={name})(mail={name})(proxyAddresses=smtp:{name})))",
                mail_filter: "(&(objectCategory=person)(objectClass=user)(|(mail={address})\
                              (proxyAddresses=smtp:{address})))",
                aliases: "proxyAddresses",
                name: "displayName",
                id: "objectGUID",
                disabled: "",
                // Exchange: GrantSendOnBehalfTo of a mailbox.
                delegates: "publicDelegates",
            },
            Self::OpenLdap => Usual {
                user_filter: "(&(objectClass=inetOrgPerson)(|(uid={name})(mail={name})))",
                mail_filter: "(&(objectClass=inetOrgPerson)(mail={address}))",
                aliases: "mailLocalAddress",
                name: "displayName",
                id: "entryUUID",
                disabled: "",
                delegates: "",
            },
            Self::Custom => Usual {
                user_filter: "(|(uid={name})(mail={name}))",
                mail_filter: "(mail={address})",
                aliases: "mailAlternateAddress",
                name: "cn",
                id: "entryUUID",
                disabled: "nsAccountLock",
                delegates: "",
            },
        }
    }
}

impl DirectoryServer {
    /// As it stands in the settings: `ldaps://dc1.corp.example:636`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.implicit_tls { "ldaps" } else { "ldap" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl DirectoryGroups {
    /// All that are named, each once.
    #[must_use]
    pub fn named(&self) -> Vec<&str> {
        let mut named: Vec<&str> = [&self.invite, &self.invite_internal, &self.admin]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        named.sort_unstable();
        named.dedup();
        named
    }
}

/// The directory, if the file has one and it is right.
pub(super) fn directory(root: &mut Section<'_>) -> Option<Directory> {
    let is_given = root.is_given("directory");
    root.section("directory", |section| if is_given { read(section) } else { None })
}

fn read(section: &mut Section<'_>) -> Option<Directory> {
    let kinds = [
        ("active-directory", DirectoryKind::ActiveDirectory),
        ("openldap", DirectoryKind::OpenLdap),
        ("custom", DirectoryKind::Custom),
    ];
    let kind = section.required("kind", "\"active-directory\"", units::one_of(&kinds));
    let usual = kind.unwrap_or(DirectoryKind::Custom).usual();
    let servers_given = section.is_given("urls");
    let servers = section.list("urls", server);
    section.demand(
        servers_given,
        "urls",
        "it is missing",
        "Write for example urls = [\"ldaps://dc1.corp.example\", \"ldaps://dc2.corp.example\"].",
    );
    let within_bounds = servers.as_ref().is_none_or(|servers| servers.len() <= NAMED_MAX);
    section.demand(within_bounds, "urls", "these are more than 20", "Name the nearest ones.");
    let (file, secret) = (section.file(), section.secret());
    let trust = section.optional("trust", file);
    let bind_dn = section.required("bind_dn", "\"cn=postern,ou=services,dc=corp,dc=example\"", units::line);
    let bind_password = section.required("bind_password_file", "\"credential:directory\"", secret);
    let base = section.required("base", "\"dc=corp,dc=example\"", units::line);
    let group_base = section.optional("group_base", units::line).or_else(|| base.clone());
    let user_filter = section.or("user_filter", usual.user_filter.to_owned(), filter("{name}"));
    let mail_filter = section.or("mail_filter", usual.mail_filter.to_owned(), filter("{address}"));
    let some = |usual: &str| (!usual.is_empty()).then(|| usual.to_owned());
    let attributes = section.section("attributes", |section| DirectoryAttributes {
        mail: section.or("mail", "mail".to_owned(), attribute),
        aliases: section.or("aliases", usual.aliases.to_owned(), attribute),
        name: section.or("name", usual.name.to_owned(), attribute),
        id: section.or("id", usual.id.to_owned(), attribute),
        disabled: section.optional("disabled", attribute).or_else(|| some(usual.disabled)),
        delegates: section.optional("delegates", attribute).or_else(|| some(usual.delegates)),
    });
    let groups = section.section("groups", |section| {
        Some(DirectoryGroups {
            invite: group_list(section, "invite"),
            invite_internal: group_list(section, "invite_internal"),
            admin: group_list(section, "admin"),
        })
    });
    let times = Times::read(section);
    let connections = section.or("connections", 8, units::number(1..=200));
    Some(Directory {
        kind: kind?,
        servers: servers?,
        trust,
        bind_dn: bind_dn?,
        bind_password: bind_password?,
        base: base?,
        group_base: group_base?,
        user_filter,
        mail_filter,
        attributes,
        groups: groups?,
        connections,
        connect_timeout: times.connect,
        timeout: times.answer,
        idle_timeout: times.idle,
        retreat: times.retreat,
        cache: times.cache,
        recheck: times.recheck,
    })
}

/// The waits of a directory.
struct Times {
    connect: Duration,
    answer: Duration,
    idle: Duration,
    retreat: Duration,
    cache: Duration,
    recheck: Duration,
}

impl Times {
    fn read(section: &mut Section<'_>) -> Self {
        let second = Duration::from_secs(1);
        let minute = Duration::from_mins(1);
        let hour = Duration::from_hours(1);
        let mut time =
            |key, default, range: RangeInclusive<Duration>| section.or(key, default, units::time(range));
        Self {
            connect: time("connect_timeout", 5 * second, second..=minute),
            answer: time("timeout", 10 * second, second..=minute),
            idle: time("idle_timeout", minute, second..=hour),
            retreat: time("retreat", second, Duration::from_millis(10)..=minute),
            cache: time("cache", 30 * second, Duration::ZERO..=10 * minute),
            recheck: time("recheck", minute, second..=hour),
        }
    }
}

fn group_list(section: &mut Section<'_>, key: &'static str) -> Vec<String> {
    let groups = section.list(key, group).unwrap_or_default();
    let within_bounds = groups.len() <= NAMED_MAX;
    section.demand(within_bounds, key, "these are more than 20", "Put them into one group, and name that.");
    groups
}

/// A distinguished name holds commas, so that several cannot be told apart in a single text.
fn group(text: &str) -> Result<String, Wrong> {
    if !text.contains('=') || !text.contains(',') {
        return Err(Wrong::new(
            format!("“{text}” is not a distinguished name"),
            "Write a list in brackets, for example [\"cn=inviters,ou=groups,dc=corp,dc=example\"].",
        ));
    }
    units::line(text)
}

/// `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` for StartTLS.
fn server(text: &str) -> Result<DirectoryServer, Wrong> {
    let wrong = |problem: &str| {
        Wrong::new(
            format!("“{text}” {problem}"),
            "Write for example \"ldaps://dc1.corp.example\", or \"ldap://dc1.corp.example\" for StartTLS; TLS is \
             always used.",
        )
    };
    let (implicit_tls, authority) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ldaps") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ldap") => (false, rest),
        _ => return Err(wrong("is not the address of a directory server")),
    };
    let authority = authority.trim_end_matches('/');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| wrong("has no valid port"))?),
        None => (authority, if implicit_tls { 636 } else { 389 }),
    };
    // RFC 4516 §2: below the host would stand an entry and a filter; both have keys of their own.
    let host = Domain::parse(host).ok_or_else(|| wrong("does not name a host"))?;
    Ok(DirectoryServer { host: host.to_string(), port, implicit_tls })
}

/// The name of an attribute (RFC 4512 §1.4).
fn attribute(text: &str) -> Result<String, Wrong> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-.;".contains(c);
    if text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format!("“{text}” is not the name of an attribute"), "Write for example \"mail\"."))
}

/// A filter (RFC 4515) with a place for what is searched.
fn filter(place: &'static str) -> impl Fn(&str) -> Result<String, Wrong> {
    move |text| {
        if !text.contains(place) {
            return Err(Wrong::new(
                format!("it finds everybody, for {place} does not stand in it"),
                format!("Write for example \"(mail={place})\"."),
            ));
        }
        if ldap3::parse_filter(text.replace(place, "x")).is_err() {
            return Err(Wrong::new(
                format!("“{text}” is not a filter"),
                "Count the brackets: each condition stands in a pair, and so does the whole (RFC 4515).",
            ));
        }
        Ok(text.to_owned())
    }
}
