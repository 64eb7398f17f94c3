//! What a house is furnished with before its daemon starts: the DNS around it, its settings, its people; and what may
//! lie in its spool when all is done.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use postern::accounts::{Account, Accounts, Credential, Kind, Rights};
use postern::base::address::Address;
use postern::base::id::AccountId;
use postern::base::mailbox::Mailbox;
use postern::config::Settings;
use postern::net::resolver::{FixedZone, MailHost, MailHosts};
use postern::store::{Batch, Store};

use crate::harness::house::{ALICE, BEGINNING, BOB, HOSTNAME, INVITE, PASSWORD, PORTAL};

/// The DNS as the house sees it: the domains of its guests, and a few that are not as they should be.
pub(super) fn zone() -> FixedZone {
    let guests = ["partner.example", "supplier.example", "else.example", "gmail.com"];
    let hosts = |domain: &str| MailHosts::Hosts(vec![MailHost::new(10, format!("mx.{domain}"))]);
    let mx = guests.map(|domain| (domain.to_owned(), hosts(domain)));
    FixedZone {
        mx: mx.into_iter().chain([("mute.example".to_owned(), MailHosts::NullMx)]).collect(),
        addresses: HashMap::from([("localhost".to_owned(), vec![Ipv4Addr::LOCALHOST.into()])]),
        silent: ["silent.example".to_owned()].into(),
        ..FixedZone::default()
    }
}

/// As an admin writes them; what is not said here is as delivered.
pub(super) fn settings(directory: &Path, hop: SocketAddr) -> Settings {
    let directory = directory.display();
    let file = format!(
        r#"
        [server]
        hostname = "{HOSTNAME}"
        certificate = "{directory}/certificate.pem"
        key = "{directory}/key.pem"

        [organisation]
        name = "Corp Example"
        domains = ["corp.example"]

        [[listener]]
        address = "127.0.0.1:0"
        tls = "starttls"
        role = "submission"

        [[listener]]
        address = "127.0.0.1:0"
        tls = "implicit"
        role = "submission"

        [web]
        address = "127.0.0.1:0"
        public_url = "{PORTAL}"

        [invite]
        addresses = ["{INVITE}"]
        # Most stories are not about how often somebody invites.
        per_hour = "unlimited"
        per_day = "unlimited"
        per_day_to_one = "unlimited"
        per_day_to_domain = "unlimited"

        [[relay.smarthost]]
        host = "127.0.0.1"
        port = {port}
        tls = "none"

        [storage]
        directory = "{directory}/state"

        [templates]
        directory = "{directory}/templates"
        "#,
        port = hop.port(),
    );
    let path = Path::new(&directory.to_string()).join("postern.toml");
    fs::write(&path, file).unwrap();
    Settings::load(&path).unwrap_or_else(|faults| panic!("{faults:?}"))
}

pub(super) async fn open_accounts(settings: &Settings) {
    let (store, _spool) = Store::open(&settings.storage).unwrap();
    let accounts = Accounts::new(store.clone());
    let mut batch = Batch::new();
    let of_alice: &[&str] = &["a.archer@corp.example", "alice@else.example"];
    for (name, address, aliases, may_invite) in
        [("Alice Archer", ALICE, of_alice, true), ("Bob Baker", BOB, &[], false)]
    {
        let account = Account {
            id: AccountId::fresh(),
            kind: Kind::Staff,
            mailbox: Mailbox::named(name, Address::parse(address).unwrap()),
            aliases: aliases.iter().map(|alias| Address::parse(alias).unwrap()).collect(),
            credential: Credential::Password(quick_hash(PASSWORD)),
            rights: Rights::of_staff(may_invite),
            locked: false,
            created: BEGINNING,
            inviters: Vec::new(),
            language: None,
        };
        accounts.insert(&mut batch, &account).unwrap();
    }
    store.commit(batch).await.unwrap();
    store.close().await;
}

/// An argon2id hash that costs next to nothing to check: a story is not about its cost.
fn quick_hash(password: &str) -> String {
    let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(password.as_bytes()).unwrap().to_string()
}

/// What lies in the spool that should not, when nothing is in the queue: large bodies, received or half received, and
/// segments but for the one that is open.
pub(super) fn orphans(state: &Path) -> Vec<String> {
    let names = fs::read_dir(state.join("spool"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let (segments, mut orphans): (Vec<_>, Vec<_>) = names.partition(|name| name.ends_with(".segment"));
    if segments.len() > 1 {
        orphans.extend(segments);
    }
    orphans
}
