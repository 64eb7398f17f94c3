//! Sessions over a connection in memory, with a real house behind them.

use std::future::Future;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

mod guessing;
mod policy;

use self::policy::policy;
use super::*;
use crate::accounts::{Account, Accounts, Credential, Rights};
use crate::auth::password::Passwords;
use crate::base::address::{Address, Domain};
use crate::base::clock::{SystemClock, Timestamp};
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Secret;
use crate::config::{self, Limits, Role, Storage, TlsMode};
use crate::intake::{self, Policy, guest};
use crate::invites::Invites;
use crate::mail::dkim::Signer;
use crate::net::resolver::FixedZone;
use crate::net::throttle::Failures;
use crate::notices::Notices;
use crate::queue::Queue;
use crate::store::{Batch, Store};
use crate::switches::Switchboard;
use crate::template::{Shelf, Templates};
use crate::tending::Tending;
use crate::tending::renewal::Renewals;

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(30);

const ENVELOPE: &str = "EHLO a.example\r\nMAIL FROM:<ann@corp.example>\r\nRCPT TO:<bob@corp.example>\r\n";
const MESSAGE: &str = "From: ann@corp.example\r\nTo: bob@corp.example\r\nSubject: Hi\r\n\r\nHello.\r\n";

#[tokio::test]
async fn a_message_in_one_breath_is_taken_and_queued() {
    let world = World::new();
    let ending = world
        .visit(World::terms(), |mut client| async move {
            client.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\nQUIT\r\n")).await;
            client.hears(&["220", "250", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0 Taken as", "221"]).await;
            client.is_sent_away().await;
        })
        .await;
    assert_eq!(ending.unwrap(), Ending::Over);
    assert_eq!(world.queue.len(), 1);
}

#[tokio::test]
async fn the_refusal_of_the_door_reaches_the_client_and_nothing_is_queued() {
    let world = World::new();
    let foreign = MESSAGE.replace("ann@", "ann@sub.");
    let script = |mut client: Client| async move {
        client.say(&format!("{ENVELOPE}DATA\r\n{foreign}.\r\nQUIT\r\n")).await;
        client.hears(&["220", "250", "250", "250", "354", "550 5.7.1 ann@sub.corp.example", "221"]).await;
    };
    world.visit(World::terms(), script).await.unwrap();
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn a_message_that_grows_too_large_is_heard_to_its_end_and_refused() {
    let world = World::new();
    let terms = Terms { message_octets: 10_000, ..World::terms() };
    let script = |mut client: Client| async move {
        client.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}")).await;
        client.hears(&["220", "250", "250", "250", "354"]).await;
        client.say(&"0123456789\r\n".repeat(10_000)).await;
        client.say(".\r\nNOOP\r\n").await;
        client.hears(&["552 5.3.4 The message is too large: at most 10000 octets", "250"]).await;
    };
    world.visit(terms, script).await.unwrap();
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn a_message_of_just_the_largest_size_is_taken() {
    let world = World::new();
    let terms = Terms { message_octets: MESSAGE.len() as u64, ..World::terms() };
    let script = |mut client: Client| async move {
        client.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n")).await;
        client.hears(&["220", "250", "250", "250", "354", "250 2.0.0"]).await;
    };
    world.visit(terms, script).await.unwrap();
    assert_eq!(world.queue.len(), 1);
}

#[tokio::test]
async fn a_silent_client_is_told_and_sent_away() {
    let world = World::new();
    let terms = Terms { idle: SHORT, ..World::terms() };
    let script = |mut client: Client| async move {
        client.hears(&["220", "421 4.4.2 Nothing heard for"]).await;
        client.is_sent_away().await;
    };
    world.visit(terms, script).await.unwrap();
}

#[tokio::test]
async fn a_message_that_takes_too_long_is_given_up() {
    let world = World::new();
    let terms = Terms { message_time: SHORT, ..World::terms() };
    let script = |mut client: Client| async move {
        client.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}")).await;
        client.hears(&["220", "250", "250", "250", "354", "421 4.4.2 The message took longer than"]).await;
        client.is_sent_away().await;
    };
    world.visit(terms, script).await.unwrap();
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_leaves_nothing() {
    let world = World::new();
    let script = |mut client: Client| async move {
        client.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}")).await;
        client.hears(&["220", "250", "250", "250", "354"]).await;
    };
    let fault = world.visit(World::terms(), script).await.unwrap_err();
    assert_eq!(fault.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn a_stop_ends_an_idle_session_in_words() {
    let world = World::new();
    let lifecycle = world.house.lifecycle.clone();
    let script = |mut client: Client| async move {
        client.say("EHLO a.example\r\n").await;
        client.hears(&["220", "250"]).await;
        lifecycle.stop();
        client.hears(&["421 4.3.2"]).await;
        client.is_sent_away().await;
    };
    world.visit(World::terms(), script).await.unwrap();
}

#[tokio::test]
async fn a_stop_lets_a_transaction_finish() {
    let world = World::new();
    let lifecycle = world.house.lifecycle.clone();
    let script = |mut client: Client| async move {
        client.say(ENVELOPE).await;
        client.hears(&["220", "250", "250", "250"]).await;
        lifecycle.stop();
        client.say("DATA\r\n").await;
        client.hears(&["354"]).await;
        client.say(&format!("{MESSAGE}.\r\n")).await;
        client.hears(&["250 2.0.0 Taken", "421 4.3.2"]).await;
    };
    world.visit(World::terms(), script).await.unwrap();
    assert_eq!(world.queue.len(), 1);
}

#[tokio::test]
async fn a_person_signs_in_and_sends_as_herself_only() {
    let world = World::new();
    world.add_ann("correct horse battery").await;
    let terms = Terms { role: Role::Submission, tls: TlsMode::Implicit, ..World::terms() };
    let script = |mut client: Client| async move {
        client.say("EHLO a.example\r\nMAIL FROM:<ann@corp.example>\r\n").await;
        client.hears(&["220", "250", "530 5.7.0"]).await;
        // ann@corp.example with a wrong and with the right password.
        client.say("AUTH PLAIN AGFubkBjb3JwLmV4YW1wbGUAd3Jvbmc=\r\n").await;
        client.hears(&["535 5.7.8"]).await;
        client.say("AUTH PLAIN AGFubkBjb3JwLmV4YW1wbGUAY29ycmVjdCBob3JzZSBiYXR0ZXJ5\r\n").await;
        client.hears(&["235 2.7.0"]).await;
        client.say("MAIL FROM:<bob@corp.example>\r\nMAIL FROM:<ann@corp.example>\r\n").await;
        client.hears(&["550 5.7.1", "250 2.1.0"]).await;
    };
    world.visit(terms, script).await.unwrap();
}

#[tokio::test]
async fn who_is_locked_sends_nothing_more_in_the_open_session() {
    let world = &World::new();
    world.add_ann("correct horse battery").await;
    let terms = Terms { role: Role::Submission, tls: TlsMode::Implicit, ..World::terms() };
    let script = |mut client: Client| async move {
        client
            .say("EHLO a.example\r\nAUTH PLAIN AGFubkBjb3JwLmV4YW1wbGUAY29ycmVjdCBob3JzZSBiYXR0ZXJ5\r\n")
            .await;
        client.say("MAIL FROM:<ann@corp.example>\r\nRSET\r\n").await;
        client.hears(&["220", "250", "235 2.7.0", "250 2.1.0", "250"]).await;
        world.lock_ann().await;
        client.say("MAIL FROM:<ann@corp.example>\r\nRCPT TO:<bob@corp.example>\r\n").await;
        client.hears(&["530 5.7.0 The account may no longer", "503"]).await;
        client.say("MAIL FROM:<ann@corp.example>\r\n").await;
        client.hears(&["530 5.7.0 Please sign in"]).await;
    };
    world.visit(terms, script).await.unwrap();
}

#[tokio::test]
async fn a_message_in_parts_is_one_message_and_rset_forgets_it() {
    let world = World::new();
    let (head, tail) = MESSAGE.split_at(50);
    let parts = format!("BDAT {}\r\n{head}BDAT {} LAST\r\n{tail}", head.len(), tail.len());
    let script = |mut client: Client| async move {
        client.say(&format!("{ENVELOPE}BDAT 4\r\nab\r\nRSET\r\n{ENVELOPE}{parts}QUIT\r\n")).await;
        client.hears(&["220", "250", "250", "250", "250 2.0.0 4 octets taken", "250 2.0.0 Forgotten"]).await;
        client.hears(&["250", "250", "250", "250 2.0.0 50 octets taken", "250 2.0.0 Taken as", "221"]).await;
    };
    world.visit(World::terms(), script).await.unwrap();
    assert_eq!(world.queue.len(), 1);
}

#[tokio::test]
async fn what_came_behind_starttls_goes_with_the_session() {
    let world = World::new();
    let terms = Terms { tls: TlsMode::StartTls, ..World::terms() };
    let script = |mut client: Client| async move {
        client.say("EHLO a.example\r\nSTARTTLS\r\nMAIL FROM:<ann@corp.example>\r\n").await;
        client.hears(&["220", "250", "220 2.0.0"]).await;
        client.is_sent_away().await;
    };
    assert_eq!(world.visit(terms, script).await.unwrap(), Ending::StartTls);
}

#[tokio::test]
async fn an_idle_session_is_small() {
    let world = World::new();
    let terms = World::terms();
    let mut dialogue = Dialogue::new(Arc::new(terms.clone()), PEER);
    let (_client, server) = tokio::io::duplex(64);
    let session = Session::new(server, &mut dialogue, &terms, &world.house, PEER);
    let octets = size_of_val(&session.begin());
    assert!(octets <= 4096, "{octets} octets for the future of a session");
}

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A house on a disk of its own.
struct World {
    house: House,
    queue: Queue,
    accounts: Accounts,
    passwords: Passwords,
    store: Store,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(directory.path().to_owned()) };
        let (store, spool) = Store::in_memory(&storage).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let queue =
            Queue::open(store.clone(), spool.clone(), Arc::clone(&clock), &config::Relay::default()).unwrap();
        let (accounts, passwords) = (Accounts::new(store.clone()), Passwords::new(1));
        let failures = || Failures::new(Arc::clone(&clock), 10, 10);
        let authenticator = Authenticator::new(accounts.clone(), passwords.clone(), failures(), failures());
        let shelf = Shelf::new(Templates::built_in());
        let Policy { server, organisation, web, .. } = policy(Limits::default());
        let (to, from, time) = (queue.clone(), spool.clone(), Arc::clone(&clock));
        let notices = Notices::new(to, from, shelf.clone(), time, &server, &organisation, &web);
        let invite = policy(Limits::default()).invite;
        let accounts_begin = config::Registration::default();
        let switches =
            Switchboard::open(store.clone(), Arc::clone(&clock), &invite, &accounts_begin).unwrap();
        let time = Arc::clone(&clock);
        let tending = Tending::new(store.clone(), Invites::new(store.clone()), time, switches.clone());
        let parts = intake::Parts {
            store: store.clone(),
            spool: spool.clone(),
            queue: queue.clone(),
            guests: guest::Books {
                invites: Invites::new(store.clone()),
                accounts: Accounts::new(store.clone()),
            },
            authenticator: authenticator.clone(),
            templates: shelf,
            renewals: Renewals::new(tending, notices, queue.clone()),
            switches,
            signer: Signer::none(),
            resolver: Arc::new(FixedZone::default()),
            clock: Arc::clone(&clock),
        };
        let limits = Limits::default();
        let bounds = Bounds {
            header_octets_max: limits.header_octets,
            parts_max: limits.parts,
            depth_max: limits.depth,
        };
        let intake = Intake::new(parts, policy(limits));
        let lifecycle = Lifecycle::new();
        let house = House { intake, authenticator, spool, clock, bounds, lifecycle };
        Self { house, queue, accounts, passwords, store, _directory: directory }
    }

    /// A relay listener without TLS that trusts its own host.
    fn terms() -> Terms {
        Terms {
            hostname: Domain::parse("mail.corp.example").unwrap(),
            postmaster: Address::parse("postmaster@corp.example").unwrap(),
            tls: TlsMode::None,
            role: Role::Relay { trusted: vec!["127.0.0.0/8".parse().unwrap()] },
            message_octets: 50 << 20,
            recipients: 1000,
            command_errors: 20,
            idle: LONG,
            message_time: LONG,
            addresses: None,
        }
    }

    async fn add_ann(&self, password: &str) {
        let account = Account {
            id: AccountId::fresh(),
            kind: Kind::Staff,
            mailbox: Mailbox::from(Address::parse("ann@corp.example").unwrap()),
            aliases: Vec::new(),
            credential: Credential::Password(self.passwords.hash(&Secret::new(password)).await.unwrap()),
            rights: Rights::of_staff(true),
            locked: false,
            created: Timestamp::from_millis(0),
            inviters: Vec::new(),
            language: None,
        };
        let mut batch = Batch::new();
        self.accounts.insert(&mut batch, &account).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    async fn lock_ann(&self) {
        let address = Address::parse("ann@corp.example").unwrap();
        let ann = self.accounts.by_address(&address).unwrap().unwrap();
        let mut batch = Batch::new();
        let locked = Account { locked: true, ..ann.value.clone() };
        self.accounts.replace(&mut batch, &ann, &locked).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    /// Lets a client do what the script says, and tells how the session ended.
    async fn visit<F, D>(&self, terms: Terms, script: F) -> io::Result<Ending>
    where
        F: FnOnce(Client) -> D,
        D: Future<Output = ()>,
    {
        let (near, far) = tokio::io::duplex(4096);
        let mut dialogue = Dialogue::new(Arc::new(terms.clone()), PEER);
        if terms.tls == TlsMode::Implicit {
            dialogue.secured("TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned());
        }
        let session = Session::new(far, &mut dialogue, &terms, &self.house, PEER);
        let (ending, ()) = tokio::join!(session.begin(), script(Client(BufReader::new(near))));
        ending
    }
}

/// The other end of the connection.
struct Client(BufReader<DuplexStream>);

impl Client {
    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Hears so many replies; each begins as expected. Of a reply of several lines the last one counts.
    async fn hears(&mut self, expected: &[&str]) {
        for beginning in expected {
            let mut line = String::new();
            loop {
                line.clear();
                self.0.read_line(&mut line).await.unwrap();
                if line.as_bytes().get(3) != Some(&b'-') {
                    break;
                }
            }
            assert!(
                line.starts_with(beginning) && line.ends_with("\r\n"),
                "{line:?} instead of {beginning:?}"
            );
        }
    }

    async fn is_sent_away(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }
}
