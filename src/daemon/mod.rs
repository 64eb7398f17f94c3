//! The daemon: builds every part from the ground up, and takes them down in order.
//!
//! Nothing here decides anything about mail; it only hands parts to each other. What lies outside the process (the
//! time, the DNS, the next hop) is handed in as [`Outside`], so that the same daemon runs under systemd, in the demo
//! and in a test.

mod doors;
pub mod journal;
mod rooms;
pub mod signing;
pub mod systemd;
pub mod templates;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::auth::directory::Directory;
use crate::base::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::control::{Control, api, invitations, queue, switches};
use crate::daemon::doors::Doors;
use crate::daemon::rooms::Rooms;
use crate::delivery::courier::Courier;
use crate::httpd::pages::mailbox::Demo;
use crate::net::lifecycle::Lifecycle;
use crate::net::resolver::{HickoryResolver, Resolver};
use crate::net::tls::{ServerTls, TlsFault};
use crate::queue::Queue;
use crate::roster::Roster;
use crate::store::Store;

/// What lies outside the process.
pub struct Outside {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The DNS.
    pub resolver: Arc<dyn Resolver>,
    /// The next hop; `None` means SMTP by `[relay]`.
    pub courier: Option<Arc<dyn Courier>>,
    /// Who is staff; `None` means by `[directory]`.
    pub directory: Option<Arc<dyn Directory>>,
    /// The demo's mailbox, for web pages to show.
    pub mailbox: Option<Demo>,
}

/// A daemon that listens.
pub struct Daemon {
    lifecycle: Lifecycle,
    store: Store,
    queue: Queue,
    roster: Roster,
    listeners: Vec<SocketAddr>,
    web: SocketAddr,
    certificate: ServerTls,
    stop_within: Duration,
}

impl Outside {
    /// The system's clock, the DNS by `[dns]`, and SMTP to the next hop.
    ///
    /// # Errors
    /// The system's resolver configuration cannot be read.
    pub fn system(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            clock: Arc::new(SystemClock),
            resolver: Arc::new(HickoryResolver::asking(&settings.dns.servers, settings.limits.dns_time)?),
            courier: None,
            directory: None,
            mailbox: None,
        })
    }
}

impl Daemon {
    /// Builds all parts and serves them. When it answers, every listener takes connections.
    ///
    /// A port 0 in `web.public_url` stands for the port that the web listener was given.
    ///
    /// # Errors
    /// What could not be opened, read or bound, with its key where it has one. Then nothing runs.
    pub async fn start(mut settings: Settings, outside: Outside) -> anyhow::Result<Self> {
        let lifecycle = Lifecycle::new();
        // Bind first: what is lacking most often shows before any state is touched.
        let doors = Doors::bind(&mut settings).await?;
        let rooms = Rooms::furnish(&settings, &outside).await?;
        let control = Control::bind(&settings.storage.directory).context("the control socket")?;
        let dropoff = rooms.dropoff(&settings, &lifecycle)?;
        let delivery = rooms.delivery(&settings, &outside, &lifecycle)?;
        rooms.watch_templates(&settings, &lifecycle);

        // From here on nothing fails. The parts begin to work, those below before those above.
        let life = lifecycle.clone();
        lifecycle.spawn("delivery", async move { delivery.run(&life).await });
        let janitor = rooms.janitor(&settings).telling(rooms.renewals(&settings));
        lifecycle.spawn("janitor", janitor.run(lifecycle.clone()));
        lifecycle.spawn("drop-offs", dropoff.clone().run(lifecycle.clone()));
        let roster = rooms.roster(&settings);
        let intake = rooms.intake(&settings, Arc::clone(&outside.resolver));
        let control_router = api::router(roster.clone())
            .merge(invitations::router(rooms.renewals(&settings), intake))
            .merge(queue::router(rooms.queue.clone()))
            .merge(switches::router(rooms.switches.clone()));
        lifecycle.spawn("control", control.serve(control_router, lifecycle.clone()));
        let certificate = doors.certificate();
        let (listeners, web) = doors.open(&rooms, &settings, dropoff, outside, &lifecycle);

        let Rooms { store, queue, .. } = rooms;
        let stop_within = settings.server.stop_within;
        Ok(Self { lifecycle, store, queue, roster, listeners, web, certificate, stop_within })
    }

    /// The addresses of the mail listeners, in the order of the configuration.
    #[must_use]
    pub fn listeners(&self) -> &[SocketAddr] {
        &self.listeners
    }

    /// The address of the web pages.
    #[must_use]
    pub const fn web(&self) -> SocketAddr {
        self.web
    }

    /// Reads certificate and key again, as they were renewed. Connections from now on see the new ones; if they are
    /// faulty, the old ones stay.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn renew_certificate(&self) -> Result<(), TlsFault> {
        self.certificate.reload()
    }

    /// Staff accounts.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What waits to be delivered.
    #[must_use]
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Where all state is.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Ends, with the reason, when the store has failed for good: then nothing more may be accepted.
    pub async fn failed(&self) -> String {
        self.store.failed().await
    }

    /// Stops: no new connections, sessions and deliveries end, the store closes. Gives the labels of what had not
    /// ended within `server.stop_within`; what it had not delivered stays in the queue.
    pub async fn stop(self) -> Vec<String> {
        self.lifecycle.stop();
        let late = self.lifecycle.finished(self.stop_within).await;
        self.store.close().await;
        late
    }
}
