//! The DNS: where the mail of a domain goes, and at which addresses a host is.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use aws_lc_rs::rand;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::MX;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use thiserror::Error;

use crate::base::address::Domain;

/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 16;
/// TXT records of one name that are looked at.
const TEXTS_MAX: usize = 16;
/// Answers kept for as long as their time to live.
const CACHE_ENTRIES: u64 = 4096;

/// An answer that is still to come.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DnsFault>> + Send + 'a>>;

/// Where the mail of a domain goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailHosts {
    /// To these hosts, in this order; at least one, and as many as one answer of the DNS holds. Hosts of equal preference come in random order.
    Hosts(Vec<MailHost>),
    /// Nowhere: the domain says that it takes no mail (RFC 7505).
    NullMx,
}

/// A host that takes the mail of a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MailHost {
    /// The lower, the sooner it is to be asked.
    pub preference: u16,
    /// Its name, without a dot at the end.
    pub name: String,
}

impl MailHost {
    /// A host by its name.
    #[must_use]
    pub fn new(preference: u16, name: impl Into<String>) -> Self {
        Self { preference, name: name.into() }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DnsFault {
    /// The name does not exist (NXDOMAIN).
    #[error("the domain does not exist")]
    NoSuchDomain,
    /// Nobody answered, or nobody knew. Never a reason to refuse a mail for good.
    #[error("the DNS did not answer: {0}")]
    Temporary(String),
}

/// Asks the DNS.
pub trait Resolver: Send + Sync + 'static {
    /// The hosts that take the mail of a domain, by its MX records; without any, the domain itself (RFC 5321 §5.1).
    fn mail_hosts<'a>(&'a self, domain: &'a Domain) -> Answer<'a, MailHosts>;

    /// The addresses of a host, IPv4 first; empty if the name exists and has none. An address is its own answer.
    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>>;

    /// The TXT records of a name, the strings of each joined (RFC 1035 §3.3.14); empty if the name exists and has none.
    fn texts<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Vec<u8>>>;
}

/// The system's name servers and search domains, or other name servers and none; and the system's hosts file.
pub struct HickoryResolver {
    servers: TokioResolver,
    within: Duration,
}

/// The resolver could not be set up.
#[derive(Debug, Error)]
#[error("the name servers cannot be asked: {0}")]
pub struct ResolverFault(String);

/// A few fixed answers, for tests and for a demo without network. What is not listed does not exist.
#[derive(Clone, Debug, Default)]
pub struct FixedZone {
    /// MX records, as they are to be answered.
    pub mx: HashMap<String, MailHosts>,
    /// Addresses of hosts; a domain with addresses and without `mx` takes its own mail.
    pub addresses: HashMap<String, Vec<IpAddr>>,
    /// TXT records.
    pub texts: HashMap<String, Vec<Vec<u8>>>,
    /// Names for which nobody answers.
    pub silent: HashSet<String>,
}

impl HickoryResolver {
    /// Asks these name servers, each by UDP, and by TCP what is too long for that (RFC 7766), and knows no search domains
    /// then; without any, does as /etc/resolv.conf says. Every question has an answer, or [`DnsFault::Temporary`], within this time.
    ///
    /// # Errors
    /// [`ResolverFault`] if they cannot be asked.
    pub fn asking(servers: &[SocketAddr], within: Duration) -> Result<Self, ResolverFault> {
        let of = |servers: Vec<NameServerConfig>| {
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let mut builder = if servers.is_empty() {
            // Without the file the name server of this machine is asked, as resolv.conf(5) has it.
            TokioResolver::builder_tokio()
                .unwrap_or_else(|_| of(vec![NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into())]))
        } else {
            of(servers.iter().map(name_server).collect())
        };
        builder.options_mut().cache_size = CACHE_ENTRIES;
        let servers = builder.build().map_err(|error| ResolverFault(error.to_string()))?;
        Ok(Self { servers, within })
    }

    /// The records of a kind; none if the name exists and has none of the kind.
    async fn records(&self, name: &Name, kind: RecordType) -> Result<Vec<RData>, DnsFault> {
        let lookup = self.servers.lookup(name.clone(), kind);
        match tokio::time::timeout(self.within, lookup).await {
            Ok(Ok(found)) => Ok(data_of(&found, kind)),
            Ok(Err(error)) => without_records(error),
            Err(_) => Err(DnsFault::Temporary(format!("no answer within {} s", self.within.as_secs()))),
        }
    }
}

impl Resolver for HickoryResolver {
    fn mail_hosts<'a>(&'a self, domain: &'a Domain) -> Answer<'a, MailHosts> {
        Box::pin(async move {
            let records = self.records(&absolute(domain.as_str())?, RecordType::MX).await?;
            let exchanges = records.into_iter().filter_map(|data| match data {
                RData::MX(mx) => Some(mx),
                _ => None,
            });
            Ok(mail_hosts(domain, exchanges.collect()))
        })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move {
            if let Ok(address) = host.parse() {
                return Ok(vec![address]);
            }
            let name = if host.contains('.') { absolute(host)? } else { relative(host)? };
            let (v4, v6) =
                tokio::join!(self.records(&name, RecordType::A), self.records(&name, RecordType::AAAA));
            let found = match (v4, v6) {
                (Ok(v4), Ok(v6)) => [v4, v6].concat(),
                // One family is enough to reach a host.
                (Ok(found), Err(_)) | (Err(_), Ok(found)) if !found.is_empty() => found,
                (Err(fault), _) | (_, Err(fault)) => return Err(fault),
            };
            Ok(found.iter().filter_map(RData::ip_addr).take(ADDRESSES_MAX).collect())
        })
    }

    fn texts<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            let records = self.records(&absolute(name)?, RecordType::TXT).await?;
            let texts = records.into_iter().filter_map(|data| match data {
                RData::TXT(txt) => Some(txt.txt_data.concat()),
                _ => None,
            });
            Ok(texts.take(TEXTS_MAX).collect())
        })
    }
}

/// A server at this address and port.
fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

/// A name that means itself, not something below the system's search domains: an answer for
/// `mx.partner.example.corp.example` would be an answer to another question.
fn absolute(name: &str) -> Result<Name, DnsFault> {
    let mut name = relative(name)?;
    name.set_fqdn(true);
    Ok(name)
}

/// A name of one label, such as a smarthost's in a local network, is looked for below the search domains too, if there
/// are any.
fn relative(name: &str) -> Result<Name, DnsFault> {
    // What cannot be asked cannot exist.
    Name::from_ascii(name).map_err(|_| DnsFault::NoSuchDomain)
}

fn data_of(lookup: &Lookup, kind: RecordType) -> Vec<RData> {
    lookup
        .answers()
        .iter()
        .map(|record| &record.data)
        .filter(|data| data.record_type() == kind)
        .cloned()
        .collect()
}

/// What an answer without records means (RFC 2308 §2).
fn without_records(error: NetError) -> Result<Vec<RData>, DnsFault> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NoError => Ok(Vec::new()),
            ResponseCode::NXDomain => Err(DnsFault::NoSuchDomain),
            code => Err(DnsFault::Temporary(code.to_string())),
        },
        other => Err(DnsFault::Temporary(other.to_string())),
    }
}

/// Sorts MX records into hosts to try.
fn mail_hosts(domain: &Domain, mut records: Vec<MX>) -> MailHosts {
    if records.is_empty() {
        // RFC 5321 §5.1: as an MX record of preference 0.
        return MailHosts::Hosts(vec![MailHost::new(0, domain.as_str())]);
    }
    // RFC 7505 §3: a null MX stands alone; beside others it says nothing.
    records.retain(|mx| !mx.exchange.is_root());
    if records.is_empty() {
        return MailHosts::NullMx;
    }
    // RFC 5321 §5.1: lowest preference first, equal ones in random order to spread the load.
    let mut ranked: Vec<(u16, u64, String)> = records
        .iter()
        .map(|mx| {
            let host = mx.exchange.to_ascii().trim_end_matches('.').to_ascii_lowercase();
            (mx.preference, random(), host)
        })
        .collect();
    ranked.sort_unstable();
    let hosts = ranked.into_iter().map(|(preference, _, name)| MailHost { preference, name });
    MailHosts::Hosts(hosts.collect())
}

/// A random number; without randomness, some number: nothing but an even load hangs on it.
fn random() -> u64 {
    let mut octets = [0; 8];
    let _ = rand::fill(&mut octets);
    u64::from_ne_bytes(octets)
}

impl Resolver for FixedZone {
    fn mail_hosts<'a>(&'a self, domain: &'a Domain) -> Answer<'a, MailHosts> {
        let name = domain.as_str();
        let answer = if self.silent.contains(name) {
            Err(DnsFault::Temporary("nobody answers for this name".to_owned()))
        } else if let Some(hosts) = self.mx.get(name) {
            Ok(hosts.clone())
        } else if self.addresses.contains_key(name) {
            Ok(MailHosts::Hosts(vec![MailHost::new(0, name)]))
        } else {
            Err(DnsFault::NoSuchDomain)
        };
        Box::pin(std::future::ready(answer))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        let answer = if let Ok(address) = host.parse() {
            Ok(vec![address])
        } else if self.silent.contains(host) {
            Err(DnsFault::Temporary("nobody answers for this name".to_owned()))
        } else {
            self.addresses.get(host).cloned().ok_or(DnsFault::NoSuchDomain)
        };
        Box::pin(std::future::ready(answer))
    }

    fn texts<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        let answer = if self.silent.contains(name) {
            Err(DnsFault::Temporary("nobody answers for this name".to_owned()))
        } else {
            self.texts.get(name).cloned().ok_or(DnsFault::NoSuchDomain)
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests;
