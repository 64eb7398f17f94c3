//! The pages, driven in this process: a house with all its parts over the memory store, and a browser that keeps
//! cookies.

mod activation;
mod admin;
mod attacks;
mod choices;
mod connection;
mod edges;
mod frame;
mod guests;
mod invitations;
mod invite;
mod invited;
mod language;
mod letters;
mod people;
mod portal;
#[cfg(feature = "saml")]
mod saml;
#[cfg(feature = "saml")]
mod saml_sign_out;
mod sign_in;
mod uploads;

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::accounts::{Account, Accounts, Credential, Kind, Rights, Session};
use crate::auth::Authenticator;
use crate::auth::password::Passwords;
use crate::base::address::Address;
use crate::base::clock::{Clock, Lifespan, ManualClock, Timestamp};
use crate::base::id::{AccountId, InvitationId};
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Secret, Token};
use crate::config::Settings;
use crate::delivery;
use crate::httpd::form::Origin;
use crate::httpd::page::Pages;
use crate::httpd::pages::mailbox::Demo;
use crate::httpd::pages::sign_in::Providers;
use crate::httpd::permit::{Peer, StaffNetworks};
use crate::httpd::router::{Bounds, Parts, router};
use crate::httpd::session::Sessions;
use crate::intake::{self, guest};
use crate::invites::{Handover, Invitation, Invites, Life, State};
use crate::mail::dkim::Signer;
use crate::net::lifecycle::Lifecycle;
use crate::net::resolver::FixedZone;
use crate::net::throttle::Failures;
use crate::notices::Notices;
use crate::queue::Queue;
use crate::registration::{Registration, Rules};
use crate::sponsoring::{Sponsoring, succession};
use crate::store::spool::Spool;
use crate::store::{Batch, Store};
use crate::switches::Switchboard;
use crate::template::{Shelf, Templates};
use crate::tending::Tending;
use crate::tending::renewal::Renewals;
use crate::upkeep::forgotten::Forgotten;

const SETTINGS: &str = r#"
[server]
hostname = "postern.corp.example"
certificate = "tls/fullchain.pem"
key = "tls/privkey.pem"
[organisation]
name = "Corp & Sons"
domains = ["corp.example"]
[storage]
directory = "state"
reserve = "0 MiB"
[limits]
web_form_size = "16 KiB"
"#;
const GOOD_PASSWORD: &str = "seven brown kettles sing";

/// The whole house but for mail coming in and going out.
struct House {
    router: Router,
    clock: Arc<ManualClock>,
    store: Store,
    spool: Spool,
    accounts: Accounts,
    invites: Invites,
    passwords: Passwords,
    queue: Queue,
    mailbox: delivery::mailbox::Mailbox,
    /// The word in the address of the mailbox.
    word: Token,
    pages: Pages,
    renewals: Renewals,
    folder: TempDir,
}

/// A browser with its cookies.
struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

/// What came back.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl House {
    fn new() -> Self {
        Self::with("")
    }

    /// A house with more settings.
    fn with(more: &str) -> Self {
        Self::at(more, Timestamp::from_millis(1_795_527_900_000))
    }

    /// A house with more settings, at this time.
    fn at(more: &str, now: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(more, &folder);
        let clock = Arc::new(ManualClock::at(now));
        let dynamic: Arc<dyn Clock> = clock.clone();

        let (store, spool) = Store::in_memory(&settings.storage).unwrap();
        let accounts = Accounts::new(store.clone());
        let invites = Invites::new(store.clone());
        let queue = Queue::open(store.clone(), spool.clone(), dynamic.clone(), &settings.relay).unwrap();
        let shelf = Shelf::new(Templates::built_in());
        let lifetime = settings.web.session_lifetime;
        let sessions = Sessions::new(accounts.clone(), store.clone(), dynamic.clone(), lifetime);
        let pages = Pages::new(shelf.clone(), &settings.organisation, sessions.clone());
        let passwords = Passwords::new(2);
        let failures = || Failures::new(dynamic.clone(), 3, 100);
        let authenticator = Authenticator::new(accounts.clone(), passwords.clone(), failures(), failures());
        let notices = notices(&settings, &queue, &spool, &shelf, &dynamic);
        let Settings { invite, registration, .. } = &settings;
        let switches = Switchboard::open(store.clone(), dynamic.clone(), invite, registration).unwrap();
        let registration = Registration::new(
            store.clone(),
            accounts.clone(),
            invites.clone(),
            passwords.clone(),
            notices.clone(),
            queue.clone(),
            dynamic.clone(),
            Rules::new(&settings.organisation, &settings.web, switches.clone()),
        );
        let dropoff = uploads::dropoff(&settings, &store, &invites, &notices, &queue, &dynamic);
        let tending = Tending::new(store.clone(), invites.clone(), dynamic.clone(), switches.clone());
        let renewals = Renewals::new(tending, notices.clone(), queue.clone());
        let door = intake::Parts {
            store: store.clone(),
            spool: spool.clone(),
            queue: queue.clone(),
            guests: guest::Books { invites: invites.clone(), accounts: accounts.clone() },
            authenticator: authenticator.clone(),
            templates: shelf.clone(),
            renewals: renewals.clone(),
            switches: switches.clone(),
            signer: Signer::none(),
            resolver: Arc::new(FixedZone::default()),
            clock: dynamic.clone(),
        };
        let (intake, letters) = invite::letters(&settings, door);
        let roster = admin::roster(&settings, &store, &accounts, &passwords, &dynamic);
        let upkeep = people::upkeep(&settings, &store, &accounts, &passwords, &notices, &queue, &dynamic);
        let (forgotten, clerk) = Forgotten::new(upkeep.clone(), failures(), failures());
        tokio::spawn(clerk.run(Lifecycle::new()));
        let succession = succession::Parts {
            store: store.clone(),
            accounts: accounts.clone(),
            invites: invites.clone(),
            authenticator: authenticator.clone(),
            notices,
            queue: queue.clone(),
            clock: dynamic.clone(),
        };
        let parts = Parts {
            pages: pages.clone(),
            sessions,
            staff: StaffNetworks::new(&settings.web.staff_networks),
            origin: Origin::of(&settings.web.public_url),
            registration,
            renewals: renewals.clone(),
            intake,
            letters,
            sponsoring: Sponsoring::new(store.clone(), accounts.clone(), invites.clone()),
            succession: guests::succession(succession),
            roster,
            switches,
            gateway: admin::gateway(&settings, &clock),
            queue: queue.clone(),
            shelf,
            #[cfg(feature = "saml")]
            sign_on: saml::sign_on(&settings, &authenticator, &accounts, &store, &dynamic),
            authenticator,
            providers: Providers::new(&settings.saml),
            upkeep,
            forgotten,
            dropoff,
        };
        let (mailbox, word) = (delivery::mailbox::Mailbox::new(dynamic), Token::fresh().unwrap());
        let router = router(parts, Some(Demo::new(mailbox.clone(), &word)), Bounds::new(&settings.limits));
        Self {
            router,
            clock,
            store,
            spool,
            accounts,
            invites,
            passwords,
            queue,
            mailbox,
            word,
            pages,
            renewals,
            folder,
        }
    }

    fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }

    async fn account(&self, kind: Kind, address: &str) {
        let account = Account {
            id: AccountId::fresh(),
            kind,
            mailbox: mailbox("Kim Roe", address),
            aliases: Vec::new(),
            credential: Credential::Password(self.passwords.hash(&Secret::new(GOOD_PASSWORD)).await.unwrap()),
            rights: Rights::default(),
            locked: false,
            created: self.clock.now(),
            inviters: vec![mailbox("Ana <Berg>", "ana@corp.example")],
            language: None,
        };
        let mut batch = Batch::new();
        self.accounts.insert(&mut batch, &account).unwrap();
        self.store.commit(batch).await.unwrap();
    }
}

impl House {
    /// The browser of somebody who has an account and is signed in.
    async fn signed_in(&self, address: &str) -> Browser {
        let account = self.accounts.by_address(&Address::parse(address).unwrap()).unwrap().unwrap().value;
        let now = self.clock.now();
        let token = Token::fresh().unwrap();
        let session = Session {
            account: account.id,
            address: account.mailbox.address,
            started: now,
            ends: now + Duration::from_hours(12),
            csrf: Token::fresh().unwrap().reveal().to_owned(),
            origin: None,
        };
        let mut batch = Batch::new();
        self.accounts.start_session(&mut batch, &token, &session).unwrap();
        self.store.commit(batch).await.unwrap();
        let cookies = BTreeMap::from([("__Host-session".to_owned(), token.reveal().to_owned())]);
        Browser { router: self.router.clone(), cookies }
    }
}

impl Browser {
    async fn get(&mut self, path: &str) -> Page {
        self.send(request(Method::GET, path), Body::empty()).await
    }

    async fn head(&mut self, path: &str) -> Page {
        self.send(request(Method::HEAD, path), Body::empty()).await
    }

    /// Sends a form as it is.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = request(Method::POST, path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>();
        self.send(request, Body::from(body.join("&"))).await
    }

    /// Opens a page and sends its form, hidden field and all.
    async fn fill_in(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.get(page).await.form();
        let fields: Vec<_> = fields.iter().copied().chain([("form", form.as_str())]).collect();
        self.post(action, &fields).await
    }

    async fn send(&mut self, request: http::request::Builder, body: Body) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header(COOKIE, cookies.join("; ")).body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        self.remember(response.headers());
        Page::read(response).await
    }

    fn remember(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    async fn read(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let octets = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Self {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&octets).into_owned(),
        }
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of the hidden field: of the page's own form, else of the frame's, which signs out.
    fn form(&self) -> String {
        let own = self.text.split_once("<main").map_or("", |(_, own)| own);
        let field = "name=\"form\" value=\"";
        let (_, rest) = own.split_once(field).or_else(|| self.text.split_once(field)).expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Asserts a redirect.
    fn leads_to(&self, place: &str) {
        assert_eq!((self.status, self.header(LOCATION)), (StatusCode::SEE_OTHER, place));
    }

    /// Asserts status and words.
    fn says(&self, status: StatusCode, words: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(words), "“{words}” is not in\n{}", self.text);
    }
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).extension(Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)))
}

fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |encoded, octet| format!("{encoded}%{octet:02x}"))
}

fn settings(more: &str, folder: &TempDir) -> Settings {
    let file = folder.path().join("postern.toml");
    fs::write(&file, format!("{SETTINGS}{more}")).unwrap();
    Settings::load(&file).unwrap()
}

fn notices(
    settings: &Settings,
    queue: &Queue,
    spool: &Spool,
    shelf: &Shelf,
    clock: &Arc<dyn Clock>,
) -> Notices {
    let Settings { server, organisation, web, .. } = settings;
    Notices::new(queue.clone(), spool.clone(), shelf.clone(), clock.clone(), server, organisation, web)
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox::named(name, Address::parse(address).unwrap())
}
