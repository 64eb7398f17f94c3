//! The flow, with everything below it real: books, blobs, queue, spool, templates, and the store's memory engine.

mod access;
mod gone;
mod life;
mod limits;
mod scanner;
mod uploads;

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use mailparse::MailHeaderMap;
use tempfile::TempDir;

use super::*;
use crate::accounts::{Accounts, Credential, Kind, Rights};
use crate::base::clock::{Lifespan, ManualClock, Timestamp};
use crate::base::id::InvitationId;
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Token;
use crate::invites::{Invitation, Life, State};
use crate::mail::edit::Source;
use crate::packages::{File, FileRef, Package};
use crate::queue::Verdict;
use crate::store::spool::Spool;
use crate::template::{Shelf, Templates};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct House {
    dropoff: Dropoff,
    store: Store,
    spool: Spool,
    clock: Arc<ManualClock>,
    storage: config::Storage,
    folder: TempDir,
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// What came of a stream of these pieces.
fn octets(pieces: &[&[u8]]) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

/// A stream that breaks off behind these octets.
fn broken(octets: &[u8]) -> impl futures_util::Stream<Item = Result<Bytes, &'static str>> + Send + use<> {
    stream::iter([Ok(Bytes::copy_from_slice(octets)), Err("the connection is gone")])
}

fn account(kind: Kind, name: &str, at: &str, inviters: &[&str]) -> Account {
    Account {
        language: None,
        id: AccountId::fresh(),
        kind,
        mailbox: Mailbox::named(name, address(at)),
        aliases: Vec::new(),
        credential: Credential::Organisation,
        rights: Rights::default(),
        locked: false,
        created: Timestamp::from_millis(0),
        inviters: inviters.iter().map(|inviter| address(inviter).into()).collect(),
    }
}

fn kim() -> Account {
    account(Kind::Guest, "Kim Roe", "kim@partner.example", &["ann@corp.example", "ben@corp.example"])
}

fn staff(name: &str) -> Account {
    account(Kind::Staff, name, &format!("{name}@corp.example"), &[])
}

fn draft(to: &[&str]) -> Draft {
    Draft {
        to: to.iter().map(|to| address(to)).collect(),
        subject: "Drawings".to_owned(),
        message: "Here they are.".to_owned(),
    }
}

impl House {
    fn open() -> Self {
        Self::with(&config::Dropoff { reserve: 0, ..config::Dropoff::default() })
    }

    fn with(settings: &config::Dropoff) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage =
            config::Storage { reserve: 0, ..config::Storage::in_directory(folder.path().to_owned()) };
        let (store, spool) = Store::in_memory(&storage).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_500_000_000)));
        let dropoff = Self::flow(&store, &spool, &clock, &storage, settings);
        Self { dropoff, store, spool, clock, storage, folder }
    }

    /// The same house after a restart: what was in memory only is gone.
    fn reopen(&mut self) {
        let settings = self.dropoff.limits().clone();
        self.dropoff = Self::flow(&self.store, &self.spool, &self.clock, &self.storage, &settings);
    }

    fn flow(
        store: &Store,
        spool: &Spool,
        clock: &Arc<ManualClock>,
        storage: &config::Storage,
        settings: &config::Dropoff,
    ) -> Dropoff {
        let queue =
            Queue::open(store.clone(), spool.clone(), clock.clone(), &config::Relay::default()).unwrap();
        let server = config::Server {
            hostname: Domain::parse("gate.corp.example").unwrap(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            stop_within: Duration::ZERO,
        };
        let organisation = config::Organisation {
            language: Language::ENGLISH,
            name: "Harbour Ltd".to_owned(),
            domains: vec![Domain::parse("corp.example").unwrap()],
            notice_address: address("postern@corp.example"),
        };
        let web = config::Web {
            staff_networks: Vec::new(),
            address: ([127, 0, 0, 1], 0).into(),
            public_url: "https://gate.corp.example".to_owned(),
            session_lifetime: Duration::from_hours(12),
        };
        let shelf = Shelf::new(Templates::built_in());
        let notices =
            Notices::new(queue.clone(), spool.clone(), shelf, clock.clone(), &server, &organisation, &web);
        let parts = Parts {
            store: store.clone(),
            accounts: Accounts::new(store.clone()),
            packages: Packages::new(store.clone()),
            blobs: Blobs::open(storage, settings.reserve).unwrap(),
            invites: Invites::new(store.clone()),
            notices,
            queue,
            clock: clock.clone(),
            lifecycle: Lifecycle::new(),
        };
        Dropoff::open(parts, Rules::new(settings, &organisation, &config::Limits::default())).unwrap()
    }

    /// The guest has an account, as every guest who comes in.
    async fn enrol(&self, guest: &Account) {
        let accounts = Accounts::new(self.store.clone());
        if accounts.by_id(guest.id).unwrap().is_none() {
            let mut batch = Batch::new();
            accounts.insert(&mut batch, guest).unwrap();
            self.store.commit(batch).await.unwrap();
        }
    }

    /// An open drop-off for ann, with one file of these octets.
    async fn filled(&self, guest: &Account, content: &[u8]) -> (Package, File) {
        self.enrol(guest).await;
        let package = self.dropoff.begin(guest, &draft(&["ann@corp.example"])).await.unwrap();
        let file = self.upload(guest, &package, "plan.pdf", content).await;
        (package, file)
    }

    async fn upload(&self, guest: &Account, package: &Package, name: &str, content: &[u8]) -> File {
        let length = Some(content.len() as u64);
        let file = self.dropoff.add(guest, package.id, name, length).await.unwrap();
        let file = self.dropoff.append(guest, file.id, 0, None, octets(&[content])).await.unwrap();
        assert!(file.content.is_whole());
        file
    }

    async fn delivered(&self, guest: &Account, content: &[u8]) -> (Package, File) {
        let (package, file) = self.filled(guest, content).await;
        let package = self.dropoff.hand_over(guest, package.id, PEER).await.unwrap();
        assert!(package.is_delivered());
        (package, file)
    }

    /// All octets of a file, as this person gets them.
    async fn picked_up(&self, staff: &Account, file: FileRef) -> Result<Vec<u8>, CollectFault> {
        let mut download = self.dropoff.pick_up(staff, file, None, PEER).await?;
        let mut octets = Vec::new();
        while let Some(piece) = download.octets.next().await? {
            octets.extend_from_slice(&piece);
        }
        Ok(octets)
    }

    /// An invitation, in whose thread notices hang.
    async fn invited(&self, inviter: &str, guest: &str) {
        let invitation = Invitation {
            language: None,
            id: InvitationId::fresh(),
            inviter: address(inviter).into(),
            invitee: address(guest).into(),
            internal: false,
            subject: "Plans for the quay".to_owned(),
            message_id: Some("<m1@corp.example>".to_owned()),
            lifespan: Lifespan::days(14),
            created: self.clock.now(),
            state: State::Queued,
            life: Life::default(),
        };
        let mut batch = Batch::new();
        let link = Token::fresh().unwrap();
        self.dropoff.parts.invites.insert(&mut batch, &invitation, &link).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    /// What waits to be sent, as (recipient, octets) in order of recipient; it is sent then.
    async fn mails(&self) -> Vec<(String, Vec<u8>)> {
        let queue = &self.dropoff.parts.queue;
        let mut mails = Vec::new();
        while !queue.is_empty() {
            let claim = queue.claim().await.unwrap();
            let body = self.spool.open(&claim.message.body).unwrap();
            let octets = body.read(0..body.len()).unwrap().to_vec();
            mails.extend(claim.envelopes().map(|entry| (entry.recipient.to_string(), octets.clone())));
            let mut batch = Batch::new();
            let verdicts: Vec<_> = claim.envelopes().map(|_| Verdict::Done).collect();
            let settlement = queue.settle(&mut batch, &claim, &verdicts).unwrap();
            self.store.commit(batch).await.unwrap();
            queue.finish(claim, settlement);
        }
        mails.sort();
        mails
    }

    /// Files on disk.
    fn blobs(&self) -> usize {
        self.dropoff.parts.blobs.wait_for_removals();
        std::fs::read_dir(self.folder.path().join("blobs")).unwrap().count()
    }
}

fn subject(octets: &[u8]) -> String {
    mailparse::parse_mail(octets).unwrap().headers.get_first_value("Subject").unwrap()
}

fn text(octets: &[u8]) -> String {
    fn plain(part: &mailparse::ParsedMail<'_>) -> Option<String> {
        if part.ctype.mimetype == "text/plain" {
            return Some(part.get_body().unwrap().replace("\r\n", "\n"));
        }
        part.subparts.iter().find_map(plain)
    }
    plain(&mailparse::parse_mail(octets).unwrap()).unwrap()
}
