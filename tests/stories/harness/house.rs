//! The whole daemon, in this process, on ports of its own, with a clock that moves by hand and a next hop that does
//! as it is told. A story ends with [`House::close`], which looks whether the house is clean.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use postern::accounts::Rights;
use postern::auth::directory::Directory;
use postern::base::address::Address;
use postern::base::clock::{Clock, ManualClock, Timestamp};
use postern::base::mailbox::Mailbox;
use postern::base::secret::Secret;
use postern::config::Settings;
use postern::daemon::{Daemon, Outside};
use postern::roster::NewStaff;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::harness::authority::Authority;
use crate::harness::browser::{Browser, Page};
use crate::harness::client::{Answer, Client};
use crate::harness::command;
use crate::harness::furniture::{open_accounts, orphans, settings, zone};
use crate::harness::hop::{Delivery, Hop};
use crate::harness::letter::Letter;
use crate::harness::people::People;
use crate::harness::reading::Arrived;
use crate::harness::wire::PATIENCE;

/// Of every account in the house.
pub const PASSWORD: &str = "an early bird in the east wing";

/// May invite. Has two more addresses, `a.archer@corp.example` and, outside, `alice@else.example`.
pub const ALICE: &str = "alice@corp.example";

/// May send mail, but not invite.
pub const BOB: &str = "bob@corp.example";

/// Turns a mail into an invitation.
pub const INVITE: &str = "invite@corp.example";

/// Where people reach the web pages.
pub const PORTAL: &str = "https://postern.corp.example";

/// Every link begins so.
pub const LINK: &str = "https://postern.corp.example/i/";

/// The name in the house's certificate.
pub(super) const HOSTNAME: &str = "postern.corp.example";

const MINUTE: Duration = Duration::from_mins(1);

/// What passes at most while a story is closed: time enough for a few retries, and, however slow the machine, less than
/// after which a sender hears that mail is late (`relay.delay_notice_after`).
const CLOSING_TIME: Duration = Duration::from_hours(3);

/// When all stories begin.
pub(super) const BEGINNING: Timestamp = Timestamp::from_millis(1_795_523_820_000);

/// The daemon and its surroundings.
pub struct House {
    pub hop: Hop,
    pub clock: Arc<ManualClock>,
    pub authority: Authority,
    settings: Settings,
    people: Option<Arc<People>>,
    directory: TempDir,
    /// `None` while it is being started anew.
    daemon: Option<Daemon>,
}

impl House {
    /// As an organisation would have it, with a next hop that takes everything.
    pub async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    /// With other settings.
    pub async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::open_before(Hop::start().await, change).await
    }

    /// As an organisation with a directory has it, in which these people are.
    pub async fn open_for(people: &Arc<People>, change: impl FnOnce(&mut Settings)) -> Self {
        let with_people = |settings: &mut Settings| {
            settings.invite.internal_domains = settings.organisation.domains.clone();
            change(settings);
        };
        Self::open_among(Some(Arc::clone(people)), Hop::start().await, with_people).await
    }

    /// With this next hop, and other settings.
    pub async fn open_before(hop: Hop, change: impl FnOnce(&mut Settings)) -> Self {
        Self::open_among(None, hop, change).await
    }

    async fn open_among(people: Option<Arc<People>>, hop: Hop, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let credential = authority.credential(&[HOSTNAME]);
        fs::write(directory.path().join("certificate.pem"), credential.certificate).unwrap();
        fs::write(directory.path().join("key.pem"), credential.key).unwrap();
        fs::create_dir(directory.path().join("templates")).unwrap();
        let mut settings = settings(directory.path(), hop.address());
        change(&mut settings);
        open_accounts(&settings).await;
        let clock = Arc::new(ManualClock::at(BEGINNING));
        let daemon = Some(start(&settings, &clock, people.as_ref()).await);
        Self { hop, clock, authority, settings, people, directory, daemon }
    }

    /// Stops the daemon, and starts it again on what it left.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Starts the daemon again.
    pub async fn start(&mut self) {
        self.daemon = Some(start(&self.settings, &self.clock, self.people.as_ref()).await);
    }

    /// Asks the daemon to stop. The task ends when it has.
    pub fn begin_to_stop(&mut self) -> JoinHandle<()> {
        let daemon = self.daemon.take().expect("a running daemon");
        tokio::spawn(async move {
            let late = daemon.stop().await;
            assert!(late.is_empty(), "still ran when it should have stopped: {late:?}");
        })
    }

    /// Another authority has signed the certificate anew, and the daemon is told.
    pub fn renew_certificate(&mut self) {
        self.authority = Authority::new();
        let credential = self.authority.credential(&[HOSTNAME]);
        fs::write(&self.settings.server.certificate, credential.certificate).unwrap();
        fs::write(&self.settings.server.key, credential.key).unwrap();
        self.daemon().renew_certificate().unwrap();
    }

    /// The certificate's file is damaged, and the daemon is told.
    pub fn spoil_certificate(&self) {
        fs::write(&self.settings.server.certificate, "not a certificate").unwrap();
        assert!(self.daemon().renew_certificate().is_err());
    }

    /// A mail client on the submission port, in clear, that has heard the greeting.
    pub async fn client(&self) -> Client {
        Client::connect(self.submission()).await
    }

    /// A mail client inside TLS that has said EHLO.
    pub async fn secure_client(&self) -> Client {
        let mut client = self.client().await;
        client.start_tls(self.authority.client(), HOSTNAME).await;
        client
    }

    /// A mail client, signed in as this member of the staff.
    pub async fn client_of(&self, address: &str) -> Client {
        let mut client = self.secure_client().await;
        client.sign_in(address, PASSWORD).await.assert(235);
        client
    }

    /// A mail client on the port that speaks TLS from the first octet.
    pub async fn implicit_tls_client(&self) -> Client {
        Client::connect_tls(self.listener(1), self.authority.client(), HOSTNAME).await
    }

    /// Alice sends a mail, by a connection of its own.
    pub async fn send(&self, recipients: &[&str], message: &[u8]) -> Answer {
        let mut client = self.client_of(ALICE).await;
        let answer = client.mail(ALICE, recipients, message).await;
        client.quit().await;
        answer
    }

    /// Alice invites one person. Gives the link that reached the invitee.
    pub async fn invite(&self, invitee: &str) -> String {
        let letter = Letter::new("Plans of the east wing").to(invitee).cc(INVITE);
        self.send(&[invitee, INVITE], &letter.octets()).await.assert(250);
        let arrived = self.hop.wait_for_mail_to(invitee).await;
        // The fourteen days begin when the gateway has noted that the mail has left.
        self.settled().await;
        Arrived::new(&arrived.octets).link(LINK)
    }

    /// A browser that has never been anywhere.
    pub fn browser(&self) -> Browser {
        Browser::new(self.daemon().web(), self.authority.client(), PORTAL)
    }

    /// The same browser with its cookies, after a restart.
    pub fn restored(&self, browser: &Browser) -> Browser {
        browser.moved_to(self.daemon().web())
    }

    /// Follows the link and opens the account. Gives the page behind the form.
    pub async fn activate(&self, browser: &mut Browser, link: &str, name: &str, password: &str) -> Page {
        let page = browser.get(link).await.assert(200);
        let form = page.form("/i/").fill("name", name).fill("password", password);
        browser.submit(&form).await
    }

    /// Signs in to the portal. Gives the answer to the form.
    pub async fn sign_in(&self, browser: &mut Browser, address: &str, password: &str) -> Page {
        let page = browser.get("/sign-in").await.assert(200);
        let form = page.form("/sign-in").fill("address", address).fill("password", password);
        browser.submit(&form).await
    }

    /// The file that an admin edits, as the house was opened with it.
    pub fn config(&self) -> std::path::PathBuf {
        self.directory.path().join("postern.toml")
    }

    /// Where the admin's templates lie.
    pub fn templates(&self) -> std::path::PathBuf {
        self.directory.path().join("templates")
    }

    /// Lets time pass in such steps, one every few milliseconds, until the wait ends.
    pub async fn while_time_passes<T>(&self, step: Duration, wait: impl Future<Output = T>) -> T {
        tokio::pin!(wait);
        loop {
            tokio::select! {
                biased;
                done = &mut wait => return done,
                () = tokio::time::sleep(Duration::from_millis(2)) => self.clock.advance(step),
            }
        }
    }

    /// Runs a command of the program beside the daemon, as an administrator does. Gives what it prints; `Err` with what
    /// it says where it fails.
    pub async fn postern(&self, arguments: &[&str]) -> Result<String, String> {
        let said = command::postern(&self.directory.path().join("postern.toml"), arguments, "").await;
        if said.succeeded { Ok(said.out) } else { Err(said.err) }
    }

    /// The link in the next mail to this person, once that has left the house.
    pub async fn fresh_link(&self, invitee: &str) -> String {
        let arrived = self.hop.wait_for_mail_to(invitee).await;
        self.settled().await;
        Arrived::new(&arrived.octets).link(LINK)
    }

    /// Lets the time of an invitation run out, and reads the notice that Alice gets of it.
    pub async fn expire(&self, time: Duration) {
        self.clock.advance(time);
        let notice = self.hop.wait_for_mail_to(ALICE).await;
        assert!(Arrived::new(&notice.octets).field("Subject").unwrap().starts_with("Not used: "));
        self.settled().await;
        self.hop.take();
    }

    /// One more member of the staff, who may invite.
    pub async fn hire(&self, name: &str, address: &str) {
        let staff = NewStaff {
            mailbox: Mailbox::named(name, Address::parse(address).unwrap()),
            aliases: Vec::new(),
            password: Secret::new(PASSWORD),
            rights: Rights::of_staff(true),
        };
        self.daemon().roster().add(staff).await.unwrap();
    }

    /// The browser of Bob, who may administer from now on, signed in.
    pub async fn administrator(&self) -> Browser {
        self.postern(&["account", "allow", "admin", BOB]).await.unwrap();
        let mut browser = self.browser();
        self.sign_in(&mut browser, BOB, PASSWORD).await.assert(303);
        browser
    }

    /// The number of the one invitation of this person.
    pub async fn invitation_of(&self, invitee: &str) -> String {
        let listed = self.postern(&["invite", "list"]).await.unwrap();
        let mut lines = listed.lines().filter(|line| line.contains(invitee));
        let (line, more) = (lines.next().unwrap_or_else(|| panic!("{listed}")), lines.next());
        assert_eq!(more, None);
        line.split(' ').next().unwrap().to_owned()
    }

    /// Waits until nothing is in the queue.
    pub async fn settled(&self) {
        let queue = self.daemon().queue();
        let settled = async {
            while !queue.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        assert!(settled.is_ok(), "{} messages are still in the queue", queue.len());
    }

    /// Where mail clients sign in.
    pub fn submission(&self) -> SocketAddr {
        self.listener(0)
    }

    /// The listener at this place in the settings.
    pub fn listener(&self, place: usize) -> SocketAddr {
        self.daemon().listeners()[place]
    }

    /// Ends the story: all mail is settled, the daemon stops in time, and nothing is left in the spool.
    /// Gives all that the hop received.
    pub async fn close(mut self) -> Vec<Delivery> {
        let last = self.clock.now() + CLOSING_TIME;
        let retries = async {
            while self.clock.now() < last {
                tokio::time::sleep(Duration::from_millis(2)).await;
                self.clock.advance(MINUTE);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.settled() => {}
            () = retries => {}
        }
        self.stop().await;
        assert_eq!(self.hop.faults(), [""; 0]);
        let left = orphans(&self.settings.storage.directory);
        assert!(left.is_empty(), "left in the spool: {left:?}");
        self.hop.deliveries()
    }

    /// Ends the story with mail in the queue that its hop will never take.
    pub async fn close_with_mail_waiting(mut self) -> Vec<Delivery> {
        self.stop().await;
        self.hop.deliveries()
    }

    async fn stop(&mut self) {
        self.begin_to_stop().await.unwrap();
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("a running daemon")
    }
}

async fn start(settings: &Settings, clock: &Arc<ManualClock>, people: Option<&Arc<People>>) -> Daemon {
    let outside = Outside {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        resolver: Arc::new(zone()),
        courier: None,
        directory: people.map(|people| Arc::clone(people) as Arc<dyn Directory>),
        mailbox: None,
    };
    Daemon::start(settings.clone(), outside).await.unwrap()
}
