//! The settings of the house behind the sessions.

use crate::base::address::{Address, Domain};
use crate::base::language::Language;
use crate::config::{self, Limits};
use crate::intake::Policy;
use crate::smtpd::session::tests::LONG;

pub(super) fn policy(limits: Limits) -> Policy {
    let invite = Address::parse("invite@corp.example").unwrap();
    Policy {
        server: config::Server {
            hostname: Domain::parse("mail.corp.example").unwrap(),
            certificate: "unused".into(),
            key: "unused".into(),
            stop_within: LONG,
        },
        organisation: config::Organisation {
            name: "Corp".to_owned(),
            domains: vec![Domain::parse("corp.example").unwrap()],
            notice_address: Address::parse("postmaster@corp.example").unwrap(),
            language: Language::ENGLISH,
        },
        invite: config::Invite::at(vec![invite]),
        web: config::Web {
            staff_networks: Vec::new(),
            address: "127.0.0.1:0".parse().unwrap(),
            public_url: "https://corp.example".to_owned(),
            session_lifetime: LONG,
        },
        limits,
    }
}
