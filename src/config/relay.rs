//! `[relay]`: the next hop.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::address::{Address, Domain};
use crate::base::secret::Secret;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};
use crate::config::{Relay, is_loopback};

/// To whom mail goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// To the first of these that takes it; at least one.
    Smarthosts(Vec<Smarthost>),
    /// To the hosts that the DNS names for the recipient's domain.
    Mx,
}

/// A server that takes mail for everybody.
#[derive(Clone, Debug, PartialEq)]
pub struct Smarthost {
    /// Its name, which its certificate must carry, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When TLS begins.
    pub tls: HopTls,
    /// User and password, if it wants us to sign in.
    pub login: Option<(String, Secret)>,
}

/// When TLS begins towards a smarthost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopTls {
    /// Never: for loopback or a network that is trusted.
    None,
    /// After STARTTLS, which is demanded; the name is verified.
    StartTls,
    /// With the first octet; the name is verified.
    Implicit,
}

/// A server that takes the mail for some domains, and for those below them.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainRoute {
    /// The domains; at least one.
    pub domains: Vec<Domain>,
    /// The server. Where several take the mail for one domain, they are asked in their order.
    pub host: Smarthost,
}

impl Relay {
    /// The domains that have routes of their own, each with its servers in their order.
    #[must_use]
    pub fn routed(&self) -> BTreeMap<&Domain, Vec<&Smarthost>> {
        let mut routed = BTreeMap::<_, Vec<_>>::new();
        for route in &self.routes {
            for domain in &route.domains {
                routed.entry(domain).or_default().push(&route.host);
            }
        }
        routed
    }
}

/// Of domains with something for each, the one that `domain` is, or else is the nearest below.
#[must_use]
pub fn nearest<'a, T>(
    routed: impl IntoIterator<Item = (&'a Domain, T)>,
    domain: &Domain,
) -> Option<(&'a Domain, T)> {
    let above = routed.into_iter().filter(|(routed, _)| domain.is_within(routed));
    above.max_by_key(|(routed, _)| routed.as_str().len())
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            route: Route::Mx,
            routes: Vec::new(),
            retry_first: Duration::from_mins(1),
            retry_max: Duration::from_hours(1),
            delay_notice_after: Duration::from_hours(4),
            // RFC 5321 §4.5.4.1: "at least 4-5 days".
            give_up_after: Duration::from_hours(5 * 24),
            connections_per_destination: 20,
            connections_max: 200,
            messages_per_connection: 1000,
            connect_timeout: Duration::from_secs(30),
            // RFC 5321 §4.5.3.2: 5 minutes for a command, 10 minutes for the end of the data.
            command_timeout: Duration::from_mins(5),
            data_timeout: Duration::from_mins(10),
            idle_timeout: Duration::from_secs(30),
            trust: None,
            bounces: Bounces::Sender,
        }
    }
}

/// Who hears of an invitation's mail that bounces further on: whose address is its envelope's sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounces {
    /// The inviter.
    Sender,
    /// We, at an address of ours for each invitation, in this domain; without one, in that of the notice address.
    Tracked(Option<Domain>),
}

impl Bounces {
    /// The domain that bounces come to us in, where they do.
    #[must_use]
    pub fn domain<'a>(&'a self, notice: &'a Address) -> Option<&'a Domain> {
        match self {
            Self::Sender => None,
            Self::Tracked(domain) => Some(domain.as_ref().unwrap_or(notice.domain())),
        }
    }
}

pub(super) fn relay(section: &mut Section<'_>) -> Option<Relay> {
    let default = Relay::default();
    let second = Duration::from_secs(1);
    let minute = Duration::from_mins(1);
    let hour = Duration::from_hours(1);
    let day = Duration::from_hours(24);
    let smarthosts = section.each("smarthost", smarthost);
    let routes = section.each("route", domain_route);
    let file = section.file();
    let relay = Relay {
        route: default.route,
        routes: default.routes,
        retry_first: section.or("retry_first", default.retry_first, units::time(second..=day)),
        retry_max: section.or("retry_max", default.retry_max, units::time(second..=day)),
        delay_notice_after: section.or(
            "delay_notice_after",
            default.delay_notice_after,
            units::time(minute..=30 * day),
        ),
        give_up_after: section.or("give_up_after", default.give_up_after, units::time(hour..=30 * day)),
        connections_per_destination: section.or(
            "connections_per_destination",
            default.connections_per_destination,
            units::number(1..=1000),
        ),
        connections_max: section.or("connections_max", default.connections_max, units::number(1..=10_000)),
        messages_per_connection: section.or(
            "messages_per_connection",
            default.messages_per_connection,
            units::number(1..=1_000_000),
        ),
        connect_timeout: section.or("connect_timeout", default.connect_timeout, units::time(second..=hour)),
        command_timeout: section.or("command_timeout", default.command_timeout, units::time(second..=hour)),
        data_timeout: section.or("data_timeout", default.data_timeout, units::time(second..=hour)),
        idle_timeout: section.or("idle_timeout", default.idle_timeout, units::time(second..=hour)),
        trust: section.optional("trust", file),
        bounces: bounces(section),
    };
    section.demand(
        relay.retry_first <= relay.retry_max,
        "retry_first",
        "it is longer than retry_max",
        "Make it shorter, or retry_max longer.",
    );
    section.demand(
        relay.retry_max <= relay.give_up_after,
        "retry_max",
        "it is longer than give_up_after, so nothing would be tried twice",
        "Make it shorter, or give_up_after longer.",
    );
    section.demand(
        relay.connections_per_destination <= relay.connections_max,
        "connections_per_destination",
        "it is more than connections_max",
        "Make it less, or connections_max more.",
    );
    // Only now: every key has been asked for, so none is called unknown because a smarthost is faulty.
    let route = match smarthosts? {
        none if none.is_empty() => Route::Mx,
        smarthosts => Route::Smarthosts(smarthosts),
    };
    Some(Relay { route, routes: routes?, ..relay })
}

fn bounces(section: &mut Section<'_>) -> Bounces {
    let choices = [("sender", false), ("tracked", true)];
    let are_tracked = section.or("bounces", false, units::one_of(&choices));
    let domain_given = section.is_given("bounce_domain");
    let domain = section.optional("bounce_domain", units::domain);
    section.demand(
        are_tracked || !domain_given,
        "bounce_domain",
        "nothing comes there as long as bounces go to the sender",
        "Write bounces = \"tracked\", or remove it.",
    );
    if are_tracked { Bounces::Tracked(domain) } else { Bounces::Sender }
}

fn domain_route(section: &mut Section<'_>) -> Option<DomainRoute> {
    let given = section.is_given("domains");
    let domains = section.list("domains", units::domain);
    section.demand(
        given || domains.is_some(),
        "domains",
        "it is missing",
        "Write for example domains = [\"partner.example\"].",
    );
    let host = smarthost(section);
    Some(DomainRoute { domains: domains?, host: host? })
}

fn smarthost(section: &mut Section<'_>) -> Option<Smarthost> {
    let host = section.required("host", "\"smtp.corp.example\"", host);
    let modes = [("starttls", HopTls::StartTls), ("implicit", HopTls::Implicit), ("none", HopTls::None)];
    let tls = section.or("tls", HopTls::StartTls, units::one_of(&modes));
    let port = section.or("port", usual_port(tls), units::number(1..=u16::MAX));
    let secret = section.secret();
    let (user_given, password_given) = (section.is_given("user"), section.is_given("password_file"));
    let user = section.optional("user", units::line);
    let password = section.optional("password_file", secret);

    section.demand(
        user_given == password_given,
        if user_given { "password_file" } else { "user" },
        "user and password belong together",
        "Write both, or neither.",
    );
    let stays_here = host.as_deref().is_some_and(is_this_machine);
    section.demand(
        !user_given || tls != HopTls::None || stays_here,
        "tls",
        "without TLS, anybody on the way could read the password",
        "Write \"starttls\" or \"implicit\", or remove user and password_file.",
    );
    Some(Smarthost { host: host?, port, tls, login: user.zip(password) })
}

/// Submission (RFC 6409), submissions (RFC 8314), and plain SMTP.
const fn usual_port(tls: HopTls) -> u16 {
    match tls {
        HopTls::StartTls => 587,
        HopTls::Implicit => 465,
        HopTls::None => 25,
    }
}

fn host(text: &str) -> Result<String, Wrong> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    Domain::parse(text).map(|host| host.to_string()).ok_or_else(|| {
        Wrong::new(
            format!("“{text}” is neither a host name nor an address"),
            "Write for example \"smtp.corp.example\"; the port has a key of its own.",
        )
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(is_loopback)
}
