//! What a listener demands of its clients, and where it ends.

use std::net::IpAddr;
use std::time::Duration;

use crate::base::address::{Address, Domain};
use crate::config::{Limits, Listener, Role, TlsMode};
use crate::intake::submission::Submitter;
use crate::invites::addresses::{Addresses, Ours};

/// The settings of one SMTP listener.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Our name: in the greeting, in EHLO and in Received.
    pub hostname: Domain,
    /// Who gets the mail for `<postmaster>` without a domain (RFC 5321 §4.5.1).
    pub postmaster: Address,
    /// How the connection is secured.
    pub tls: TlsMode,
    /// Who may send.
    pub role: Role,
    /// Octets of a message.
    pub message_octets: u64,
    /// Recipients of a message.
    pub recipients: usize,
    /// Errors that a client may make before it is sent away.
    pub command_errors: usize,
    /// How long a client may be silent.
    pub idle: Duration,
    /// How long a message may take, from the go-ahead to its end.
    pub message_time: Duration,
    /// Addresses that we have given out; `None` if none.
    pub addresses: Option<Addresses>,
}

impl Terms {
    /// The terms of a listener as it is configured.
    #[must_use]
    pub fn of(listener: &Listener, hostname: Domain, postmaster: Address, limits: &Limits) -> Self {
        Self {
            hostname,
            postmaster,
            tls: listener.tls,
            role: listener.role.clone(),
            message_octets: limits.message_octets,
            recipients: limits.recipients,
            command_errors: limits.command_errors,
            idle: limits.idle,
            message_time: limits.message_time,
            addresses: None,
        }
    }

    /// The same where forged addresses of ours are refused, and tracked bounces taken.
    #[must_use]
    pub fn with_addresses(self, addresses: Addresses) -> Self {
        Self { addresses: Some(addresses), ..self }
    }

    /// What an address is to us; `None` where it is nothing of ours.
    pub(super) fn ours(&self, address: &Address) -> Option<Ours> {
        self.addresses.as_ref()?.read(address)
    }

    /// On whose word a client at this address may send without signing in.
    pub(super) fn submitter(&self, peer: IpAddr) -> Option<Submitter> {
        match &self.role {
            Role::Relay { trusted } if trusted.iter().any(|network| network.contains(&peer)) => {
                Some(Submitter::TrustedServer)
            }
            Role::Relay { .. } if self.addresses.as_ref().is_some_and(Addresses::tracks_bounces) => {
                Some(Submitter::Stranger)
            }
            Role::Relay { .. } | Role::Submission => None,
        }
    }
}
