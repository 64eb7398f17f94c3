//! The settings: one TOML file, overridden by the environment, checked as a whole before anything starts.
//!
//! [`Settings::load`] either gives settings that are right in every value, or *all* that is wrong, each fault with its
//! key, what is wrong, and what to write instead. Figures carry their unit in the file (`"50 MiB"`, `"5 minutes"`) and
//! in their type or name here. Whoever builds a part hands it only its own section.
//!
//! `conf/postern.toml` documents every key with its default; a test holds the two together.

mod dkim;
mod dns;
mod dropoff;
mod invite;
mod ldap;
mod limits;
mod listen;
mod organisation;
mod people;
mod relay;
mod saml;
mod section;
mod storage;
mod trial;
pub(crate) mod units;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use thiserror::Error;

use crate::base::address::{Address, Domain};
use crate::base::language::Language;
use crate::config::section::{Credentials, Places, Section};

pub use self::dkim::Dkim;
pub use self::dns::Dns;
pub use self::dropoff::{Dropoff, Recipients, Scanner};
pub use self::invite::{BlankSubject, Guests, Invite, Rates, Receipts};
pub use self::ldap::{Directory, DirectoryAttributes, DirectoryGroups, DirectoryKind, DirectoryServer};
pub use self::people::{GuestAccounts, Registration};
pub use self::relay::{Bounces, DomainRoute, HopTls, Route, Smarthost, nearest};
pub use self::saml::{Saml, SamlRights, Seal};

/// Everything that an administrator decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// This gateway itself.
    pub server: Server,
    /// Whose gateway it is.
    pub organisation: Organisation,
    /// Where mail comes in.
    pub listeners: Vec<Listener>,
    /// The web pages.
    pub web: Web,
    /// Invitations.
    pub invite: Invite,
    /// What guests may leave.
    pub dropoff: Dropoff,
    /// How accounts of guests begin.
    pub registration: Registration,
    /// How accounts of guests end.
    pub guests: GuestAccounts,
    /// Where mail goes.
    pub relay: Relay,
    /// Who is asked where mail goes and whether a domain exists.
    pub dns: Dns,
    /// Keys that sign mail; none is fine.
    pub dkim: Vec<Dkim>,
    /// Identity providers that vouch for staff.
    pub saml: Vec<Saml>,
    /// What is kept on disk.
    pub storage: Storage,
    /// The folder whose files replace built-in texts, if there may be one; it need not exist.
    pub templates: Option<PathBuf>,
    /// Where staff prove who they are, if not here.
    pub directory: Option<Directory>,
    /// Every bound.
    pub limits: Limits,
    /// The journal.
    pub log: Log,
}

/// This gateway itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Our name in EHLO, in Received fields and in delivery reports.
    pub hostname: Domain,
    /// The certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// How long sessions and deliveries may take to end when a stop is asked for.
    pub stop_within: Duration,
}

/// Whose gateway it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Organisation {
    /// The name that mails and pages show.
    pub name: String,
    /// The domains whose addresses are staff; at least one.
    pub domains: Vec<Domain>,
    /// The From address of what Postern writes in its own name.
    pub notice_address: Address,
    /// Of mails and pages for people of whom no other is known.
    pub language: Language,
}

/// One socket on which mail comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// When TLS begins.
    pub tls: TlsMode,
    /// Who may send.
    pub role: Role,
    /// The proxies by which all connections come, if they do; each says for whom (PROXY protocol, version 2).
    pub proxy_from: Vec<IpNet>,
}

/// When TLS begins on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// After STARTTLS (RFC 3207).
    StartTls,
    /// With the first octet (RFC 8314 §3.3).
    Implicit,
    /// Never; on loopback only.
    None,
}

/// Who may send on a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// People, who sign in (RFC 6409).
    Submission,
    /// Servers in these networks, which have signed their people in themselves.
    Relay {
        /// The networks; at least one.
        trusted: Vec<IpNet>,
    },
}

/// The web pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Web {
    /// Where they are served.
    pub address: SocketAddr,
    /// How the outside reaches them, as links say it: `https://postern.corp.example`, without a slash at the end.
    pub public_url: String,
    /// How long a sign-in lasts.
    pub session_lifetime: Duration,
    /// From which networks staff may use the pages; from everywhere if there are none.
    pub staff_networks: Vec<IpNet>,
}

/// Where mail goes, and with how much patience.
#[derive(Clone, Debug, PartialEq)]
pub struct Relay {
    /// To whom.
    pub route: Route,
    /// To whom else, in some domains.
    pub routes: Vec<DomainRoute>,
    /// The wait after the first failed attempt; it doubles up to `retry_max`.
    pub retry_first: Duration,
    /// The longest wait between two attempts.
    pub retry_max: Duration,
    /// The age at which the sender of a message that still waits is told so, once for each recipient.
    pub delay_notice_after: Duration,
    /// The age at which a message is given up and reported to its sender.
    pub give_up_after: Duration,
    /// Connections to one destination at once.
    pub connections_per_destination: usize,
    /// Connections to all destinations at once.
    pub connections_max: usize,
    /// Messages over one connection before it is closed.
    pub messages_per_connection: usize,
    /// The bound for a TCP connection to come about.
    pub connect_timeout: Duration,
    /// The bound for the answer to a command.
    pub command_timeout: Duration,
    /// The bound for one piece of a message to leave, and for the answer to its end.
    pub data_timeout: Duration,
    /// How long a connection is kept without work.
    pub idle_timeout: Duration,
    /// Authorities to trust beside the system's, PEM.
    pub trust: Option<PathBuf>,
    /// Who hears of an invitation's mail that bounces further on.
    pub bounces: Bounces,
}

/// What is kept on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// Where.
    pub directory: PathBuf,
    /// Memory for the database's cache, octets.
    pub cache: u64,
    /// With less than this free, mail is refused for the time being (452 4.3.1), octets.
    pub reserve: u64,
    /// A body up to this goes to a segment, a larger one to a file of its own, octets.
    pub segment_body_max: usize,
    /// Size of a segment, octets.
    pub segment_size: u64,
    /// How often all records are written to an export that any engine can read.
    pub export_every: Duration,
    /// An export is written earlier when the journal since the last one has grown so far, octets.
    pub journal_max: u64,
}

/// The journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// JSON, one object a line, instead of text.
    pub json: bool,
    /// What is written, as tracing's directives: `info`, `postern::smtpd=debug,warn`.
    pub filter: String,
}

/// Every bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Octets of a message.
    pub message_octets: u64,
    /// Recipients of a message.
    pub recipients: usize,
    /// Invitees of a message.
    pub invitees: usize,
    /// Characters of an invitation's subject.
    pub subject_characters: usize,
    /// Octets of a message's header.
    pub header_octets: usize,
    /// MIME parts of a message.
    pub parts: usize,
    /// How deep MIME parts may be nested.
    pub depth: usize,
    /// Received fields, beyond which a message is in a loop.
    pub received_headers: usize,
    /// Faulty commands before a client is told to go.
    pub command_errors: usize,
    /// How long a client may say nothing.
    pub idle: Duration,
    /// How long the transfer of one message may take.
    pub message_time: Duration,
    /// How long an answer of the DNS may take.
    pub dns_time: Duration,
    /// Connections to all mail listeners at once.
    pub connections: usize,
    /// Of these, from one address; as many to the web pages.
    pub connections_per_address: usize,
    /// Messages that wait for delivery, beyond which no more are taken.
    pub queued_messages: usize,
    /// Connections to the web pages at once.
    pub web_connections: usize,
    /// Octets of a form.
    pub web_body_octets: usize,
    /// How long one request may take.
    pub web_request_time: Duration,
    /// Passwords hashed at once; each takes 19 MiB and a core.
    pub password_hashes: usize,
    /// Failed sign-ins that cost nothing; each further one doubles the wait.
    pub sign_in_failures: u32,
    /// Accounts and addresses whose failed sign-ins are remembered.
    pub sign_in_entries: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, `limits.recipients`, or the environment's variable, `POSTERN__LIMITS__RECIPIENTS`.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// All that is wrong; at least one.
#[derive(Clone, Debug, Error)]
pub struct Faults(pub Vec<Fault>);

impl Settings {
    /// Reads a file, and the variables `POSTERN__SECTION__KEY` of the environment over it.
    ///
    /// # Errors
    /// [`Faults`]: all that is wrong at once.
    pub fn load(file: &Path) -> Result<Self, Faults> {
        Self::read(file, None, Credentials::handed_over())
    }

    /// As [`Settings::load`], for a command beside the service that uses no secret: one that systemd hands to the service
    /// alone is left empty.
    ///
    /// # Errors
    /// [`Faults`].
    pub fn load_without_credentials(file: &Path) -> Result<Self, Faults> {
        Self::read(file, None, Credentials::Unneeded)
    }

    /// As [`Settings::load`], with the environment handed in; `None` is the process's own.
    fn read(
        file: &Path,
        environment: Option<HashMap<String, String>>,
        credentials: Credentials,
    ) -> Result<Self, Faults> {
        let tree = section::tree(file, environment).map_err(|fault| Faults(vec![fault]))?;
        let directory = file.parent().unwrap_or(Path::new("")).to_owned();
        let places = Places { directory, credentials };
        let mut faults = Vec::new();
        let settings = Section::root(tree, &places, &mut faults, Self::from_root);
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => Err(Faults(faults)),
        }
    }

    /// Reads all sections before it gives up on any, so that every fault is found.
    fn from_root(root: &mut Section<'_>) -> Option<Self> {
        let server = root.section("server", organisation::server);
        let organisation = root.section("organisation", organisation::organisation);
        let hostname = server.as_ref().map(|server| &server.hostname);
        let web = root.section("web", |section| listen::web(section, hostname));
        let listeners = listen::listeners(root, web.as_ref());
        let knows_staff = root.is_given("directory") || root.is_given("saml");
        let invite =
            root.section("invite", |section| invite::invite(section, organisation.as_ref(), knows_staff));
        let dropoff = root.section("dropoff", dropoff::dropoff);
        let registration = root.section("registration", people::registration);
        let guests = root.section("guests", |section| people::guests(section, organisation.as_ref()));
        let relay = root.section("relay", relay::relay);
        let dns = root.section("dns", dns::dns);
        let dkim = dkim::keys(root);
        let storage = root.section("storage", storage::storage);
        let templates = root.section("templates", storage::templates);
        let directory = ldap::directory(root);
        let saml = saml::providers(root);
        let limits = root.section("limits", limits::limits);
        let log = root.section("log", storage::log);
        let (organisation, saml) = (organisation?, saml?);
        let internal_domains = invite::internal_domains(&organisation.domains, directory.as_ref(), &saml);
        Some(Self {
            server: server?,
            organisation,
            listeners: listeners?,
            web: web?,
            invite: Invite { internal_domains, ..invite? },
            dropoff,
            registration,
            guests,
            relay: relay?,
            dns,
            dkim: dkim?,
            saml,
            storage,
            templates,
            directory,
            limits,
            log,
        })
    }
}

/// Whether an address never leaves this machine.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.key, self.problem, self.remedy)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("one setting is wrong:")?,
            count => write!(f, "{count} settings are wrong:")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

#[cfg(test)]
mod tests;
