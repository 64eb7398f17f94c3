//! A house to knock at: an intake with all its books over a store in memory, one person who works there, and a small
//! world outside.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use postern::accounts::{Account, Accounts, Credential, Kind, Rights};
use postern::auth::Authenticator;
use postern::auth::password::Passwords;
use postern::base::address::{Address, Domain};
use postern::base::clock::{Clock, Lifespan, SystemClock, Timestamp};
use postern::base::id::AccountId;
use postern::base::language::Language;
use postern::base::mailbox::Mailbox;
use postern::base::secret::Secret;
use postern::config::{self, Limits, Rates, Role, Storage, TlsMode};
use postern::intake::{self, Intake, Policy, guest};
use postern::invites::Invites;
use postern::mail::dkim::Signer;
use postern::mail::outline::Bounds;
use postern::net::lifecycle::Lifecycle;
use postern::net::resolver::FixedZone;
use postern::net::throttle::Failures;
use postern::notices::Notices;
use postern::queue::Queue;
use postern::smtpd::dialogue::Dialogue;
use postern::smtpd::session::{self, Session};
use postern::smtpd::terms::Terms;
use postern::store::{Batch, Store};
use postern::template::{Shelf, Templates};
use postern::tending::Tending;
use postern::tending::renewal::Renewals;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LONG: Duration = Duration::from_secs(60);

pub struct House {
    house: session::House,
    queue: Queue,
    _directory: TempDir,
}

impl House {
    pub async fn new() -> Self {
        let directory = TempDir::new().expect("a folder");
        let storage = Storage { reserve: 0, ..Storage::in_directory(directory.path().to_owned()) };
        let (store, spool) = Store::in_memory(&storage).expect("a store");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let relay = config::Relay::default();
        let queue = Queue::open(store.clone(), spool.clone(), Arc::clone(&clock), &relay).expect("a queue");
        let (accounts, passwords) = (Accounts::new(store.clone()), Passwords::new(1));
        // So many that the fuzzer is not kept out.
        let failures = || Failures::new(Arc::clone(&clock), u32::MAX, 10);
        let authenticator = Authenticator::new(accounts.clone(), passwords.clone(), failures(), failures());
        let shelf = Shelf::new(Templates::built_in());
        let policy = policy();
        let (to, from, time) = (queue.clone(), spool.clone(), Arc::clone(&clock));
        let notices =
            Notices::new(to, from, shelf.clone(), time, &policy.server, &policy.organisation, &policy.web);
        let (time, longest) = (Arc::clone(&clock), Lifespan::days(90));
        let tending = Tending::new(store.clone(), Invites::new(store.clone()), time, longest);
        let parts = intake::Parts {
            store: store.clone(),
            spool: spool.clone(),
            queue: queue.clone(),
            guests: guest::Books { invites: Invites::new(store.clone()), accounts: accounts.clone() },
            authenticator: authenticator.clone(),
            templates: shelf,
            renewals: Renewals::new(tending, notices, queue.clone()),
            signer: Signer::none(),
            resolver: Arc::new(outside()),
            clock: Arc::clone(&clock),
        };
        let bounds = Bounds {
            header_octets_max: policy.limits.header_octets,
            parts_max: policy.limits.parts,
            depth_max: policy.limits.depth,
        };
        let intake = Intake::new(parts, policy);
        hire_ann(&store, &accounts, &passwords).await;
        let house =
            session::House { intake, authenticator, spool, clock, bounds, lifecycle: Lifecycle::new() };
        Self { house, queue, _directory: directory }
    }

    /// Envelopes that wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// One connection: everything is said at once, in clear or secured, to one kind of listener or the other. What
    /// the server answered.
    pub async fn visit(&self, way: u8, said: &[u8]) -> Vec<u8> {
        let terms = terms(way);
        let (mut near, far) = tokio::io::duplex(1 << (4 + way % 8));
        let mut dialogue = Dialogue::new(Arc::new(terms.clone()), PEER);
        if terms.tls == TlsMode::Implicit {
            dialogue.secured("TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned());
        }
        let session = Session::new(far, &mut dialogue, &terms, &self.house, PEER);
        let client = async move {
            let (mut reading, mut writing) = tokio::io::split(&mut near);
            let mut answers = Vec::new();
            let says = async {
                // A server that has heard enough hangs up.
                let _ = writing.write_all(said).await;
                let _ = writing.shutdown().await;
            };
            let hears = async { reading.read_to_end(&mut answers).await };
            let ((), heard) = tokio::join!(says, hears);
            heard.expect("a pipe");
            answers
        };
        // A client that goes in the middle of a message is an error of the session, which its listener notes.
        let (_, answers) = tokio::join!(session.begin(), client);
        answers
    }
}

fn terms(way: u8) -> Terms {
    let (role, tls) = match way % 4 {
        0 | 1 => (Role::Relay { trusted: vec!["127.0.0.0/8".parse().expect("a network")] }, TlsMode::None),
        2 => (Role::Submission, TlsMode::Implicit),
        _ => (Role::Submission, TlsMode::StartTls),
    };
    Terms {
        hostname: domain("mail.corp.example"),
        postmaster: address("postmaster@corp.example"),
        tls,
        role,
        message_octets: 20_000,
        recipients: 20,
        command_errors: 20,
        idle: LONG,
        message_time: LONG,
        addresses: None,
    }
}

fn policy() -> Policy {
    Policy {
        server: config::Server {
            hostname: domain("mail.corp.example"),
            certificate: "unused".into(),
            key: "unused".into(),
            stop_within: LONG,
        },
        organisation: config::Organisation {
            name: "Corp".to_owned(),
            domains: vec![domain("corp.example")],
            notice_address: address("postmaster@corp.example"),
            language: Language::ENGLISH,
        },
        invite: config::Invite {
            rates: Rates { per_hour: None, per_day: None, per_invitee: None, per_domain: None },
            ..config::Invite::at(vec![address("invite@corp.example")])
        },
        web: config::Web {
            address: "127.0.0.1:0".parse().expect("an address"),
            public_url: "https://corp.example".to_owned(),
            session_lifetime: LONG,
            staff_networks: Vec::new(),
        },
        limits: Limits::default(),
    }
}

fn outside() -> FixedZone {
    let mail = |name: &str| (name.to_owned(), vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]);
    FixedZone { addresses: HashMap::from(["a.example", "partner.example"].map(mail)), ..FixedZone::default() }
}

/// ann@corp.example, with the password of the dialogues in `tests/`.
async fn hire_ann(store: &Store, accounts: &Accounts, passwords: &Passwords) {
    let secret = Secret::new("correct horse battery");
    let account = Account {
        id: AccountId::fresh(),
        kind: Kind::Staff,
        mailbox: Mailbox::from(address("ann@corp.example")),
        aliases: Vec::new(),
        credential: Credential::Password(passwords.hash(&secret).await.expect("a hash")),
        rights: Rights::of_staff(true),
        locked: false,
        created: Timestamp::from_millis(0),
        inviters: Vec::new(),
        language: None,
    };
    let mut batch = Batch::new();
    accounts.insert(&mut batch, &account).expect("an account");
    store.commit(batch).await.expect("a commit");
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}
