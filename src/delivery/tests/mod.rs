//! Delivery from a queue to scripted next hops, over loopback.

mod chaos;
mod connections;
mod outcomes;
mod reports;
mod sink;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use crate::base::address::{Address, Domain, ReversePath};
use crate::base::clock::{Clock, Lifespan, ManualClock, Timestamp};
use crate::base::id::{InvitationId, MessageId};
use crate::base::language::Language;
use crate::base::mailbox::Mailbox as Person;
use crate::base::secret::Token;
use crate::config::{self, HopTls, Route, Smarthost};
use crate::delivery::courier::Courier;
use crate::delivery::mailbox::Mailbox;
use crate::delivery::relay::{Copies, Relay, Way};
use crate::delivery::report::Reporter;
use crate::delivery::{Books, Delivery};
use crate::invites::{Invitation, Invites, Life, State};
use crate::mail::dkim::Signer;
use crate::net::lifecycle::Lifecycle;
use crate::net::resolver::FixedZone;
use crate::net::tls::ClientTls;
use crate::queue::{Envelope, Kind, Message, Queue};
use crate::smtp::parameter::{BodyType, MailParameters, RcptParameters};
use crate::store::spool::Spool;
use crate::store::{Batch, Store};

/// How long a test waits for what must happen.
const WAIT: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const MAIL: &str = "From: ann@corp.example\r\nSubject: Plans\r\n\r\nHello\r\n.dots\r\n";

/// A queue, a relay and a clock.
struct House {
    clock: Arc<ManualClock>,
    store: Store,
    spool: Spool,
    queue: Queue,
    invites: Invites,
    lifecycle: Lifecycle,
    directory: TempDir,
}

/// What a test changes of the usual house.
struct Plan {
    relay: config::Relay,
    mx_port: u16,
    zone: FixedZone,
    /// Instead of the relay.
    mailbox: Option<Mailbox>,
}

impl Plan {
    /// Everything goes to these hosts, in clear.
    fn to(smarthosts: &[SocketAddr]) -> Self {
        let smarthost = |address: &SocketAddr| Smarthost {
            host: address.ip().to_string(),
            port: address.port(),
            tls: HopTls::None,
            login: None,
        };
        Self::by(Route::Smarthosts(smarthosts.iter().map(smarthost).collect()))
    }

    fn by(route: Route) -> Self {
        let relay = config::Relay {
            route,
            connections_per_destination: 4,
            connections_max: 8,
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(5),
            data_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(1),
            ..config::Relay::default()
        };
        Self { relay, mx_port: 25, zone: FixedZone::default(), mailbox: None }
    }

    /// The first smarthost, to change it.
    fn smarthost(&mut self) -> &mut Smarthost {
        match &mut self.relay.route {
            Route::Smarthosts(smarthosts) => &mut smarthosts[0],
            Route::Mx => panic!("no smarthosts"),
        }
    }

    /// Opens the house; delivery runs.
    fn open(self) -> House {
        let directory = tempfile::tempdir().unwrap();
        let (store, spool) = Store::in_memory(&storage(directory.path())).unwrap();
        self.open_with(store, spool, directory)
    }

    fn open_with(self, store: Store, spool: Spool, directory: TempDir) -> House {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let queue = Queue::open(store.clone(), spool.clone(), clock.clone(), &self.relay).unwrap();
        let invites = Invites::new(store.clone());
        let lifecycle = Lifecycle::new();
        let courier: Arc<dyn Courier> = if let Some(mailbox) = self.mailbox {
            Arc::new(mailbox)
        } else {
            let tls = ClientTls::load(self.relay.trust.as_deref()).unwrap();
            let (resolver, life) = (Arc::new(self.zone), lifecycle.clone());
            let copies = Copies { spool: spool.clone(), signer: Signer::none(), clock: clock.clone() };
            let mut relay = Relay::new(&self.relay, &server(), tls, resolver, copies, life);
            if let Way::Mx { port } = &mut relay.way {
                *port = self.mx_port;
            }
            relay.tended()
        };
        let reporter = Reporter::new(queue.clone(), spool.clone(), &server(), &organisation());
        let books = Books {
            store: store.clone(),
            spool: spool.clone(),
            queue: queue.clone(),
            invites: invites.clone(),
        };
        let delivery = Delivery::new(books, courier, reporter, clock.clone(), &self.relay);
        let life = lifecycle.clone();
        lifecycle.spawn("flow", async move { delivery.run(&life).await });
        House { clock, store, spool, queue, invites, lifecycle, directory }
    }
}

impl House {
    /// Puts [`MAIL`] into the queue.
    async fn post(&self, from: &str, to: &[&str]) {
        self.post_as(from, to, MAIL, |_, _| {}).await;
    }

    /// Puts a mail into the queue, changed by the test first.
    async fn post_as(
        &self,
        from: &str,
        to: &[&str],
        text: &str,
        change: impl FnOnce(&mut Message, &mut Vec<Envelope>),
    ) {
        let body = self.spool.keep(Bytes::copy_from_slice(text.as_bytes())).await.unwrap();
        let sender = if from.is_empty() { ReversePath::Null } else { ReversePath::Address(address(from)) };
        let mut message = Message {
            id: MessageId::fresh(),
            kind: Kind::Ordinary,
            body: body.reference(),
            sender,
            parameters: MailParameters { body: BodyType::EightBitMime, ..MailParameters::default() },
            received: self.clock.now(),
            header_len: text.find("\r\n\r\n").unwrap() as u64 + 4,
        };
        let envelope = |to: &&str| Envelope {
            recipient: address(to),
            parameters: RcptParameters::default(),
            edits: None,
            invitation: None,
        };
        let mut envelopes = to.iter().map(envelope).collect();
        change(&mut message, &mut envelopes);
        let mut batch = Batch::new();
        let admission = self.queue.add(&mut batch, &message, &envelopes, &[body]).unwrap();
        self.store.commit(batch).await.unwrap();
        self.queue.admit(admission);
    }

    /// Writes down an invitation of Ann's that waits for its mail.
    async fn invite(&self, invitee: &str) -> InvitationId {
        let invitation = Invitation {
            id: InvitationId::fresh(),
            inviter: Person::from(address("ann@corp.example")),
            invitee: Person::from(address(invitee)),
            internal: false,
            subject: "Plans".to_owned(),
            message_id: None,
            lifespan: Lifespan::days(14),
            created: self.clock.now(),
            state: State::Queued,
            life: Life::default(),
            language: None,
        };
        let mut batch = Batch::new();
        self.invites.insert(&mut batch, &invitation, &Token::fresh().unwrap()).unwrap();
        self.store.commit(batch).await.unwrap();
        invitation.id
    }

    fn state_of(&self, invitation: InvitationId) -> State {
        self.invites.by_id(invitation).unwrap().unwrap().value.state
    }

    /// Waits until all that is in the queue waits for a later time, and moves the clock there.
    async fn wait_for_deferral(&self) {
        poll(|| self.queue.next_due().is_some_and(|due| due > self.clock.now())).await;
        self.clock.advance(self.queue.next_due().unwrap().since(self.clock.now()));
    }

    /// Waits until the queue is empty, and stops.
    async fn close(self) -> TempDir {
        tokio::time::timeout(WAIT, self.queue.drained()).await.expect("the queue is not empty");
        self.stop().await
    }

    async fn stop(self) -> TempDir {
        self.lifecycle.stop();
        assert_eq!(self.lifecycle.finished(WAIT).await, Vec::<String>::new());
        self.store.close().await;
        self.directory
    }
}

/// Waits for a condition that nobody announces.
async fn poll(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(WAIT, waiting).await.expect("it did not happen");
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn server() -> config::Server {
    config::Server {
        hostname: Domain::parse("postern.corp.example").unwrap(),
        certificate: "unused".into(),
        key: "unused".into(),
        stop_within: WAIT,
    }
}

fn organisation() -> config::Organisation {
    config::Organisation {
        name: "Corp".to_owned(),
        domains: vec![Domain::parse("corp.example").unwrap()],
        notice_address: address("postmaster@corp.example"),
        language: Language::ENGLISH,
    }
}

fn storage(directory: &Path) -> config::Storage {
    config::Storage { reserve: 0, ..config::Storage::in_directory(directory.to_owned()) }
}
