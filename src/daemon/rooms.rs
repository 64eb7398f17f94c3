//! The inside: store, books and flows, each made of those below it.

use std::sync::Arc;

use anyhow::Context;

use crate::accounts::Accounts;
use crate::auth::Authenticator;
use crate::auth::directory::Directory;
use crate::auth::enrolment::{Enrolment, Freshness};
use crate::auth::ldap::LdapDirectory;
use crate::auth::password::Passwords;
#[cfg(feature = "saml")]
use crate::auth::saml::Saml;
#[cfg(feature = "saml")]
use crate::auth::saml::sign_on::SignOn;
use crate::base::clock::Clock;
use crate::config::Settings;
use crate::daemon::{Outside, signing, templates};
use crate::delivery::relay::{Copies, Relay};
use crate::delivery::report::Reporter;
use crate::delivery::{Books, Delivery};
use crate::dropoff::{self, Dropoff};
use crate::httpd::form::Origin;
use crate::httpd::page::Pages;
use crate::httpd::pages::sign_in::Providers;
use crate::httpd::permit::StaffNetworks;
use crate::httpd::router;
use crate::httpd::session::Sessions;
use crate::intake::letters::{Letters, Terms};
use crate::intake::{Intake, Parts, Policy, guest};
use crate::invites::Invites;
use crate::invites::addresses::Addresses;
use crate::invites::seal::Seals;
use crate::janitor::Janitor;
use crate::mail::dkim::Signer;
use crate::net::lifecycle::Lifecycle;
use crate::net::resolver::Resolver;
use crate::net::throttle::Failures;
use crate::net::tls::ClientTls;
use crate::notices::Notices;
use crate::packages::Packages;
use crate::queue::Queue;
use crate::registration::{Registration, Rules};
use crate::roster::Roster;
use crate::sponsoring::Sponsoring;
use crate::store::Store;
use crate::store::blobs::Blobs;
use crate::store::spool::Spool;
use crate::switches::Switchboard;
use crate::template::{Shelf, Templates};
use crate::tending::Tending;
use crate::tending::renewal::Renewals;
use crate::upkeep::forgotten::Forgotten;
use crate::upkeep::{self, Upkeep};

/// A whole office behind one address may mistype more often than one person.
const PEER_PATIENCE: u32 = 10;

/// What the flows and the faces are made of.
pub(super) struct Rooms {
    pub(super) store: Store,
    pub(super) spool: Spool,
    pub(super) queue: Queue,
    pub(super) accounts: Accounts,
    pub(super) invites: Invites,
    pub(super) passwords: Passwords,
    pub(super) authenticator: Authenticator,
    #[cfg(feature = "saml")]
    pub(super) sign_on: SignOn,
    pub(super) shelf: Shelf,
    pub(super) signer: Signer,
    pub(super) addresses: Addresses,
    pub(super) switches: Switchboard,
    pub(super) clock: Arc<dyn Clock>,
}

impl Rooms {
    /// Opens the store and reads the queue.
    pub(super) async fn furnish(settings: &Settings, outside: &Outside) -> anyhow::Result<Self> {
        let clock = Arc::clone(&outside.clock);
        let limits = &settings.limits;
        let signer = signing::signer(settings)?;
        let (store, spool) = Store::open(&settings.storage).context("opening the store")?;
        let queue = Queue::open(store.clone(), spool.clone(), Arc::clone(&clock), &settings.relay)
            .context("reading the queue")?;
        let accounts = Accounts::new(store.clone());
        let invites = Invites::new(store.clone());
        let switches =
            Switchboard::open(store.clone(), Arc::clone(&clock), &settings.invite, &settings.registration)
                .context("reading the switches")?;
        let seals = Seals::open(&store).await.context("reading the gateway's own keys")?;
        let addresses = Addresses::new(seals, &settings.relay, &settings.organisation);
        let passwords = Passwords::new(limits.password_hashes);
        let failures = |free| Failures::new(Arc::clone(&clock), free, limits.sign_in_entries);
        let authenticator = Authenticator::new(
            accounts.clone(),
            passwords.clone(),
            failures(limits.sign_in_failures),
            failures(limits.sign_in_failures.saturating_mul(PEER_PATIENCE)),
        );
        let authenticator = match directory(settings, outside)? {
            Some((directory, freshness)) => {
                let domains = settings.organisation.domains.clone();
                let (accounts, store, clock) = (accounts.clone(), store.clone(), Arc::clone(&clock));
                let enrolment = Enrolment::new(directory, accounts, store, clock, domains, freshness);
                authenticator.with_directory(enrolment)
            }
            None => authenticator,
        };
        #[cfg(feature = "saml")]
        let sign_on = SignOn::new(
            Saml::load(&settings.saml, &settings.web.public_url)?,
            authenticator.clone(),
            accounts.clone(),
            store.clone(),
            Arc::clone(&clock),
            &settings.organisation.domains,
        );
        let shelf = Shelf::new(Templates::built_in());
        Ok(Self {
            store,
            spool,
            queue,
            accounts,
            invites,
            passwords,
            authenticator,
            #[cfg(feature = "saml")]
            sign_on,
            shelf,
            signer,
            addresses,
            switches,
            clock,
        })
    }

    /// The way out.
    pub(super) fn delivery(
        &self,
        settings: &Settings,
        outside: &Outside,
        lifecycle: &Lifecycle,
    ) -> anyhow::Result<Delivery> {
        let clock = || Arc::clone(&self.clock);
        let courier = if let Some(courier) = &outside.courier {
            Arc::clone(courier)
        } else {
            let tls = ClientTls::load(settings.relay.trust.as_deref()).context("relay.trust")?;
            let resolver = Arc::clone(&outside.resolver);
            let copies = Copies { spool: self.spool.clone(), signer: self.signer.clone(), clock: clock() };
            Relay::start(&settings.relay, &settings.server, tls, resolver, copies, lifecycle)
        };
        let (queue, spool) = (self.queue.clone(), self.spool.clone());
        let reporter = Reporter::new(queue.clone(), spool.clone(), &settings.server, &settings.organisation)
            .signed_by(self.signer.clone())
            .with_notices(self.notices(settings));
        let books = Books { store: self.store.clone(), spool, queue, invites: self.invites.clone() };
        Ok(Delivery::new(books, courier, reporter, clock(), &settings.relay))
    }

    /// The admin's texts: now, and whenever a file changes.
    pub(super) fn watch_templates(&self, settings: &Settings, lifecycle: &Lifecycle) {
        let Some(path) = &settings.templates else { return };
        let mut folder = templates::Folder::new(path.clone());
        templates::report(folder.refresh(&self.shelf));
        lifecycle.spawn("template folder", folder.watch(self.shelf.clone(), lifecycle.clone()));
    }

    /// The door for mail.
    pub(super) fn intake(&self, settings: &Settings, resolver: Arc<dyn Resolver>) -> Intake {
        let parts = Parts {
            store: self.store.clone(),
            spool: self.spool.clone(),
            queue: self.queue.clone(),
            guests: guest::Books { invites: self.invites.clone(), accounts: self.accounts.clone() },
            authenticator: self.authenticator.clone(),
            templates: self.shelf.clone(),
            renewals: self.renewals(settings),
            switches: self.switches.clone(),
            signer: self.signer.clone(),
            resolver,
            clock: Arc::clone(&self.clock),
        };
        let policy = Policy {
            server: settings.server.clone(),
            organisation: settings.organisation.clone(),
            invite: settings.invite.clone(),
            web: settings.web.clone(),
            limits: settings.limits.clone(),
        };
        Intake::new(parts, policy)
    }

    /// The gateway's own mails.
    fn notices(&self, settings: &Settings) -> Notices {
        Notices::new(
            self.queue.clone(),
            self.spool.clone(),
            self.shelf.clone(),
            Arc::clone(&self.clock),
            &settings.server,
            &settings.organisation,
            &settings.web,
        )
        .signed_by(self.signer.clone())
        .answered_at(self.addresses.clone())
    }

    /// From a link to an account.
    fn registration(&self, settings: &Settings) -> Registration {
        Registration::new(
            self.store.clone(),
            self.accounts.clone(),
            self.invites.clone(),
            self.passwords.clone(),
            self.notices(settings),
            self.queue.clone(),
            Arc::clone(&self.clock),
            Rules::new(&settings.organisation, &settings.web, self.switches.clone()),
        )
    }

    /// From guests' files to their recipients. To be opened once.
    pub(super) fn dropoff(&self, settings: &Settings, lifecycle: &Lifecycle) -> anyhow::Result<Dropoff> {
        let blobs = Blobs::open(&settings.storage, settings.dropoff.reserve).context("opening the blobs")?;
        let parts = dropoff::Parts {
            store: self.store.clone(),
            accounts: self.accounts.clone(),
            packages: Packages::new(self.store.clone()),
            blobs,
            invites: self.invites.clone(),
            notices: self.notices(settings),
            queue: self.queue.clone(),
            clock: Arc::clone(&self.clock),
            lifecycle: lifecycle.clone(),
        };
        let rules = dropoff::Rules::new(&settings.dropoff, &settings.organisation, &settings.limits);
        Dropoff::open(parts, rules).context("reading the drop-offs")
    }

    /// What becomes of invitations after they were sent.
    pub(super) fn renewals(&self, settings: &Settings) -> Renewals {
        let tending = Tending::new(
            self.store.clone(),
            self.invites.clone(),
            Arc::clone(&self.clock),
            self.switches.clone(),
        );
        Renewals::new(tending, self.notices(settings), self.queue.clone())
    }

    /// What the pages stand on.
    pub(super) fn pages(
        &self,
        settings: &Settings,
        intake: Intake,
        dropoff: Dropoff,
        lifecycle: &Lifecycle,
    ) -> router::Parts {
        let upkeep = self.upkeep(settings);
        let (asked_for, asked_by) = (self.failures(settings, 1), self.failures(settings, PEER_PATIENCE));
        let (forgotten, clerk) = Forgotten::new(upkeep.clone(), asked_for, asked_by);
        lifecycle.spawn("forgotten passwords", clerk.run(lifecycle.clone()));
        let sessions = Sessions::new(
            self.accounts.clone(),
            self.store.clone(),
            Arc::clone(&self.clock),
            settings.web.session_lifetime,
        )
        .watched_by(self.authenticator.clone());
        router::Parts {
            pages: Pages::new(self.shelf.clone(), &settings.organisation, sessions.clone()),
            sessions,
            staff: StaffNetworks::new(&settings.web.staff_networks),
            origin: Origin::of(&settings.web.public_url),
            registration: self.registration(settings),
            renewals: self.renewals(settings),
            authenticator: self.authenticator.clone(),
            sponsoring: Sponsoring::new(self.store.clone(), self.accounts.clone(), self.invites.clone()),
            roster: self.roster(settings),
            switches: self.switches.clone(),
            intake: intake.clone(),
            letters: Letters::new(
                intake,
                self.invites.clone(),
                self.spool.clone(),
                Arc::clone(&self.clock),
                lifecycle.clone(),
                Terms::new(settings),
            ),
            providers: Providers::new(&settings.saml),
            #[cfg(feature = "saml")]
            sign_on: self.sign_on.clone(),
            upkeep,
            forgotten,
            dropoff,
        }
    }

    /// Clears away what has ended.
    pub(super) fn janitor(&self, settings: &Settings) -> Janitor {
        Janitor::new(
            self.store.clone(),
            self.accounts.clone(),
            self.invites.clone(),
            self.notices(settings),
            self.queue.clone(),
            Arc::clone(&self.clock),
            settings.guests.end_after,
        )
    }

    /// What people do about their own accounts.
    fn upkeep(&self, settings: &Settings) -> Upkeep {
        let parts = upkeep::Parts {
            store: self.store.clone(),
            accounts: self.accounts.clone(),
            passwords: self.passwords.clone(),
            notices: self.notices(settings),
            queue: self.queue.clone(),
            clock: Arc::clone(&self.clock),
        };
        Upkeep::new(parts, self.failures(settings, 1), &settings.organisation.name)
    }

    /// Failures that are counted apart from others: so many times the patience that a sign-in has.
    fn failures(&self, settings: &Settings, patience: u32) -> Failures {
        let free = settings.limits.sign_in_failures.saturating_mul(patience);
        Failures::new(Arc::clone(&self.clock), free, settings.limits.sign_in_entries)
    }

    /// Staff accounts.
    pub(super) fn roster(&self, settings: &Settings) -> Roster {
        Roster::new(
            self.store.clone(),
            self.accounts.clone(),
            self.passwords.clone(),
            settings.organisation.clone(),
            Arc::clone(&self.clock),
        )
    }
}

/// The organisation's directory, if there is one, and how long its answers count.
fn directory(
    settings: &Settings,
    outside: &Outside,
) -> anyhow::Result<Option<(Arc<dyn Directory>, Freshness)>> {
    let freshness = settings.directory.as_ref().map_or(Freshness::NONE, |directory| Freshness {
        lookup: directory.cache,
        session: directory.recheck,
    });
    if let Some(directory) = &outside.directory {
        return Ok(Some((Arc::clone(directory), freshness)));
    }
    let Some(directory) = &settings.directory else { return Ok(None) };
    let domains = &settings.organisation.domains;
    let ldap =
        LdapDirectory::new(directory, domains, Arc::clone(&outside.clock)).context("directory.trust")?;
    Ok(Some((Arc::new(ldap), freshness)))
}
