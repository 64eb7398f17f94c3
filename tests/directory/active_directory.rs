//! Staff who are in an Active Directory send and invite. One domain for all, for it takes its time to be made.

use std::net::SocketAddr;
use std::sync::Arc;

use postern::auth::directory::{Directory, Whom};
use postern::auth::ldap::LdapDirectory;
use postern::base::address::Domain;
use postern::base::clock::{Clock, SystemClock};
use postern::config::{Listener, Role, TlsMode};

use crate::harness::client::Client;
use crate::harness::house::{House, INVITE};
use crate::harness::letter::Letter;
use crate::samba::{PASSWORD, Samba, ZOES_PASSWORD};

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn staff_of_a_domain() {
    let Some(samba) = Samba::start() else { return };
    for url in [samba.tls_url(), samba.url()] {
        let directory = samba.settings(&url);
        let house = House::open_with(|settings| {
            settings.directory = Some(directory);
            settings.listeners.push(Listener {
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                tls: TlsMode::None,
                proxy_from: Vec::new(),
                role: Role::Relay { trusted: vec!["127.0.0.0/8".parse().unwrap()] },
            });
        })
        .await;
        names_and_passwords(&house).await;
        rights_and_addresses(&house).await;
        house.close().await;
    }
    people_as_they_are(&samba).await;
}

async fn names_and_passwords(house: &House) {
    for (name, password, code) in [
        ("ann", PASSWORD, 235),
        ("CORP\\Ann", PASSWORD, 235),
        ("ann@corp.example", PASSWORD, 235),
        // An address of Exchange's, and a user principal name that is no address.
        ("press@corp.example", PASSWORD, 235),
        ("bb@mail.corp.example", PASSWORD, 235),
        ("gus", PASSWORD, 235),
        ("zoe", ZOES_PASSWORD, 235),
        ("ann", "A heron at the mill", 535),
        ("an*", PASSWORD, 535),
        ("ann)(cn=*", PASSWORD, 535),
        ("nobody", PASSWORD, 535),
        // Disabled, must change the password, past the last day, without an address.
        ("cleo", PASSWORD, 535),
        ("emil", PASSWORD, 535),
        ("flora", PASSWORD, 535),
        ("nomail", PASSWORD, 535),
    ] {
        let mut client = house.secure_client().await;
        let answer = client.sign_in(name, password).await;
        client.quit().await;
        assert_eq!(answer.code, code, "{name}: {answer}");
    }
}

async fn rights_and_addresses(house: &House) {
    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    for (from, code) in [
        ("ann@corp.example", 250),
        ("press@corp.example", 250),
        // By two groups, one in the other.
        ("ben@corp.example", 250),
        // In no group; in one, but disabled; in one, but past the last day.
        ("gus@corp.example", 550),
        ("cleo@corp.example", 550),
        ("flora@corp.example", 550),
    ] {
        let letter = Letter::new("Plans").from(from).to(KIM).cc(INVITE);
        let answer = server.mail(from, &[KIM, INVITE], &letter.octets()).await;
        assert_eq!(answer.code, code, "{from}: {answer}");
    }
    server.quit().await;
}

async fn people_as_they_are(samba: &Samba) {
    let domains = [Domain::parse("corp.example").unwrap()];
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let directory = LdapDirectory::new(&samba.settings(&samba.tls_url()), &domains, clock.clone()).unwrap();
    let ann = directory.find(Whom::Name("ann")).await.unwrap().unwrap();
    assert_eq!(ann.address.to_string(), "ann@corp.example");
    assert_eq!(ann.aliases.iter().map(ToString::to_string).collect::<Vec<_>>(), ["press@corp.example"]);
    assert_eq!(ann.id.as_ref().map(String::len), Some(32), "a GUID in hexadecimal");
    let rights = directory.rights(&ann).await.unwrap();
    assert!(rights.invite && rights.admin);
    for (name, is_barred) in [("cleo", true), ("flora", true), ("emil", false)] {
        assert_eq!(directory.find(Whom::Name(name)).await.unwrap().unwrap().is_barred, is_barred, "{name}");
    }
    let server = &directory.servers()[0];
    assert_eq!(directory.probe(server, clock.now()).await, []);
    let wrong_clock = clock.now() + std::time::Duration::from_hours(1);
    let findings = directory.probe(server, wrong_clock).await;
    assert!(findings.iter().any(|finding| finding.problem.contains("clock")), "{findings:?}");
}
