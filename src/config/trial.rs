//! Settings for a gateway that lives in one folder: a trial, or a test.

use std::net::SocketAddr;
use std::path::Path;

use crate::base::address::{Address, Domain};
use crate::base::language::Language;
use crate::config::organisation::{STOP_WITHIN, address_at};
use crate::config::{
    Dns, Dropoff, Fault, Faults, GuestAccounts, Invite, Limits, Log, Organisation, Registration, Relay,
    Server, Settings, Storage, Web,
};
use crate::config::{listen, storage};

/// Less than the usual reserve: a trial must not fail for want of half a gigabyte.
const RESERVE: u64 = 16 << 20;

impl Settings {
    /// The defaults, for `localhost`, without reading a file: state, `certificate.pem`, `key.pem` and `templates` are
    /// in this folder; the organisation's domains are those of the invite addresses. Whoever tries or tests changes
    /// what is to differ.
    ///
    /// # Errors
    /// [`Faults`] if there is no invite address.
    pub fn in_directory(directory: &Path, invite: &[Address], web: SocketAddr) -> Result<Self, Faults> {
        let mut domains: Vec<Domain> = invite.iter().map(|address| address.domain().clone()).collect();
        domains.dedup();
        let names = domains
            .first()
            .and_then(|first| Some((Domain::parse("localhost")?, address_at("postern", first)?)));
        let Some((hostname, notice_address)) = names else {
            return Err(Faults(vec![Fault {
                key: "invite.addresses".to_owned(),
                problem: "it is missing".to_owned(),
                remedy: "Give at least one invite address.".to_owned(),
            }]));
        };
        Ok(Self {
            server: Server {
                hostname,
                certificate: directory.join("certificate.pem"),
                key: directory.join("key.pem"),
                stop_within: STOP_WITHIN,
            },
            organisation: Organisation {
                name: "Corp Example".to_owned(),
                domains,
                notice_address,
                language: Language::ENGLISH,
            },
            listeners: listen::default_listeners(),
            web: Web {
                address: web,
                public_url: format!("https://{web}"),
                session_lifetime: listen::SESSION_LIFETIME,
                staff_networks: Vec::new(),
            },
            invite: Invite::at(invite.to_vec()),
            dropoff: Dropoff { reserve: RESERVE, ..Dropoff::default() },
            registration: Registration::default(),
            guests: GuestAccounts::default(),
            relay: Relay::default(),
            dns: Dns::default(),
            dkim: Vec::new(),
            saml: Vec::new(),
            storage: Storage { reserve: RESERVE, ..Storage::in_directory(directory.join("state")) },
            templates: Some(directory.join(storage::TEMPLATES)),
            directory: None,
            limits: Limits::default(),
            log: Log::default(),
        })
    }
}
