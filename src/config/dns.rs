//! `[dns]`: who is asked.

use std::net::{IpAddr, SocketAddr};

use crate::config::section::Section;
use crate::config::units::Wrong;

/// Where a name server answers (RFC 1035 §4.2).
const PORT: u16 = 53;

/// Who answers questions of the DNS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Name servers that look everything up by themselves; without any, the system's.
    pub servers: Vec<SocketAddr>,
}

pub(super) fn dns(section: &mut Section<'_>) -> Dns {
    Dns { servers: section.list("servers", server).unwrap_or_default() }
}

/// An address, with a port where it is another than a name server's.
fn server(text: &str) -> Result<SocketAddr, Wrong> {
    let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT));
    let address = address.or_else(|_| text.parse::<SocketAddr>()).ok();
    address.filter(|address| address.port() != 0).ok_or_else(|| {
        Wrong::new(
            format!("“{text}” is not the address of a name server"),
            "Write for example \"192.0.2.53\", \"2001:db8::53\" or \"127.0.0.1:5353\".",
        )
    })
}
