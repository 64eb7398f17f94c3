//! The outside: listeners, bound first and opened last.

use std::net::SocketAddr;

use anyhow::Context;

use crate::base::address::{Address, LocalPart};
use crate::config::{self, Role, Settings};
use crate::daemon::Outside;
use crate::daemon::rooms::Rooms;
use crate::dropoff::Dropoff;
use crate::httpd::pages::admin::status::Gateway;
use crate::httpd::router::Bounds;
use crate::httpd::{self, Patience, router};
use crate::mail::outline;
use crate::net::lifecycle::Lifecycle;
use crate::net::listener::Listener;
use crate::net::throttle::Gate;
use crate::net::tls::ServerTls;
use crate::smtpd;
use crate::smtpd::session::House;
use crate::smtpd::terms::Terms;

/// Listeners that are bound and not yet served.
pub(super) struct Doors {
    mail: Vec<(config::Listener, Listener)>,
    mail_tls: ServerTls,
    web: Listener,
    web_tls: ServerTls,
}

impl Doors {
    /// Reads the certificate and binds. The port that the web listener was given goes into `web.public_url`.
    pub(super) async fn bind(settings: &mut Settings) -> anyhow::Result<Self> {
        let limits = &settings.limits;
        let mail_tls = ServerTls::load(&settings.server.certificate, &settings.server.key, &[])
            .context("server.certificate, server.key")?;
        let web_tls = mail_tls.speaking(httpd::ALPN);
        let mail_gate = Gate::new(limits.connections, limits.connections_per_address);
        let web_gate = Gate::new(limits.web_connections, limits.connections_per_address);

        let mut mail = Vec::with_capacity(settings.listeners.len());
        for listener in &settings.listeners {
            let bound = listen("listener.address", listener.address, mail_gate.clone()).await?;
            mail.push((listener.clone(), bound.behind(listener.proxy_from.clone())));
        }
        let web = listen("web.address", settings.web.address, web_gate).await?;
        if let Some(host) = settings.web.public_url.strip_suffix(":0") {
            settings.web.public_url = format!("{host}:{}", web.address().port());
        }
        Ok(Self { mail, mail_tls, web, web_tls })
    }

    /// The certificate that all listeners show; reloading it reloads it for all of them.
    pub(super) fn certificate(&self) -> ServerTls {
        self.mail_tls.clone()
    }

    /// Lets everybody in. Gives the addresses of the mail listeners, and that of the web pages.
    pub(super) fn open(
        self,
        rooms: &Rooms,
        settings: &Settings,
        dropoff: Dropoff,
        outside: Outside,
        lifecycle: &Lifecycle,
    ) -> (Vec<SocketAddr>, SocketAddr) {
        let addresses = (self.mail.iter().map(|(_, bound)| bound.address()).collect(), self.web.address());
        let limits = &settings.limits;
        let intake = rooms.intake(settings, outside.resolver);
        let house = House {
            intake: intake.clone(),
            authenticator: rooms.authenticator.clone(),
            spool: rooms.spool.clone(),
            clock: rooms.clock.clone(),
            bounds: outline::Bounds {
                header_octets_max: limits.header_octets,
                parts_max: limits.parts,
                depth_max: limits.depth,
            },
            lifecycle: lifecycle.clone(),
        };
        let gateway = Gateway {
            started: rooms.clock.now(),
            listeners: self.mail.iter().map(|(listener, bound)| (bound.address(), role(listener))).collect(),
            web: self.web.address(),
            certificate: self.mail_tls.clone(),
        };
        for (listener, bound) in self.mail {
            let hostname = settings.server.hostname.clone();
            let terms = Terms::of(&listener, hostname, postmaster(&settings.organisation), limits)
                .with_addresses(rooms.addresses.clone());
            let served = smtpd::serve(bound, terms, self.mail_tls.clone(), house.clone());
            lifecycle.spawn("mail listener", served);
        }

        let bounds = Bounds::new(limits);
        let parts = rooms.pages(settings, intake, dropoff, gateway, lifecycle);
        let router = router::router(parts, outside.mailbox, bounds);
        let patience = Patience::new(limits.web_request_time);
        let served = httpd::serve(self.web, self.web_tls, router, patience, lifecycle.clone());
        lifecycle.spawn("web listener", served);
        addresses
    }
}

/// For whom it listens, in a word.
const fn role(listener: &config::Listener) -> &'static str {
    match listener.role {
        Role::Submission => "submission",
        Role::Relay { .. } => "relay",
    }
}

/// Who reads what is sent to `<postmaster>` without a domain: the one address that every domain with mail must have
/// (RFC 5321 §4.5.1).
fn postmaster(organisation: &config::Organisation) -> Address {
    let local = LocalPart::parse("postmaster");
    let named =
        local.zip(organisation.domains.first()).map(|(local, domain)| Address::new(local, domain.clone()));
    named.unwrap_or_else(|| organisation.notice_address.clone())
}

async fn listen(key: &str, address: SocketAddr, gate: Gate) -> anyhow::Result<Listener> {
    Listener::bind(address, gate).await.with_context(|| {
        format!(
            "{key}: {address} cannot be listened on; is it in use, or of another machine, or below port 1024?"
        )
    })
}
