//! `[[listener]]` and `[web]`: where people and servers come in.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::base::address::Domain;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};
use crate::config::{Listener, Role, TlsMode, Web, is_loopback};

/// A working day.
pub(super) const SESSION_LIFETIME: Duration = Duration::from_hours(12);

/// Submission with STARTTLS and with implicit TLS (RFC 6409, RFC 8314 §3.3).
pub(super) fn default_listeners() -> Vec<Listener> {
    let listener =
        |port, tls| Listener { address: anywhere(port), tls, role: Role::Submission, proxy_from: Vec::new() };
    vec![listener(587, TlsMode::StartTls), listener(465, TlsMode::Implicit)]
}

pub(super) fn listeners(root: &mut Section<'_>, web: Option<&Web>) -> Option<Vec<Listener>> {
    let mut listeners = root.each("listener", listener)?;
    if listeners.is_empty() {
        listeners = default_listeners();
    }
    let mut taken: Vec<SocketAddr> = web.map(|web| web.address).into_iter().collect();
    for Listener { address, .. } in &listeners {
        if taken.contains(address) && address.port() != 0 {
            let problem = format!("{address} is used twice");
            root.fault("listener", problem, "Give every listener, and the web pages, an address of its own.");
        }
        taken.push(*address);
    }
    Some(listeners)
}

fn listener(section: &mut Section<'_>) -> Option<Listener> {
    let address = section.required("address", "\"[::]:587\"", units::socket);
    let modes = [("starttls", TlsMode::StartTls), ("implicit", TlsMode::Implicit), ("none", TlsMode::None)];
    let tls = section.or("tls", TlsMode::StartTls, units::one_of(&modes));
    let is_relay = section.or("role", false, units::one_of(&[("submission", false), ("relay", true)]));
    let trusted_given = section.is_given("trusted");
    let trusted = section.list("trusted", network);
    let proxy_from = section.list("proxy_from", network).unwrap_or_default();

    if let Some(address) = address {
        section.demand(
            tls != TlsMode::None || is_loopback(address.ip()),
            "tls",
            "without TLS, anybody on the way could read mail and passwords",
            "Write \"starttls\" or \"implicit\"; \"none\" is for loopback addresses only.",
        );
    }
    section.demand(
        is_relay || !trusted_given,
        "trusted",
        "a submission listener trusts nobody without a password",
        "Remove it, or write role = \"relay\".",
    );
    section.demand(
        !is_relay || trusted_given,
        "trusted",
        "a relay listener needs the networks of the servers that it serves",
        "Write for example trusted = [\"192.0.2.10\", \"2001:db8:10::/64\"].",
    );
    let role = if is_relay { Role::Relay { trusted: trusted? } } else { Role::Submission };
    Some(Listener { address: address?, tls, role, proxy_from })
}

pub(super) fn web(section: &mut Section<'_>, hostname: Option<&Domain>) -> Option<Web> {
    let address = section.or("address", anywhere(443), units::socket);
    let public_url = section
        .optional("public_url", public_url)
        .or_else(|| hostname.map(|hostname| format!("https://{hostname}")));
    let session_lifetime = section.or(
        "session_lifetime",
        SESSION_LIFETIME,
        units::time(Duration::from_mins(5)..=Duration::from_hours(30 * 24)),
    );
    let staff_networks = section.list("staff_networks", network).unwrap_or_default();
    Some(Web { address, public_url: public_url?, session_lifetime, staff_networks })
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, Wrong> {
    text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
        Wrong::new(
            format!("“{text}” is neither a network nor an address"),
            "Write for example \"192.0.2.0/24\", \"2001:db8:10::/64\" or \"192.0.2.10\".",
        )
    })
}

/// `https://` and a host, with a port where it is not 443. Nothing else: links must stay short, and cookies are
/// bound to a whole host.
fn public_url(text: &str) -> Result<String, Wrong> {
    let authority = text.strip_prefix("https://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let url = authority.and_then(|authority| {
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (authority, None),
        };
        let host = Domain::parse(host)?;
        Some(match port {
            None | Some(443) => format!("https://{host}"),
            Some(port) => format!("https://{host}:{port}"),
        })
    });
    url.ok_or_else(|| {
        Wrong::new(
            format!("“{text}” is not a web address that links can begin with"),
            "Write https:// and a host name, for example \"https://postern.corp.example\".",
        )
    })
}

/// All addresses of this machine, IPv4 and IPv6.
fn anywhere(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}
