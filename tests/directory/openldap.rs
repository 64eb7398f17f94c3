//! Staff who are in an OpenLDAP directory send and invite.

use std::net::SocketAddr;

use postern::config::{Listener, Role, TlsMode};

use crate::harness::client::Client;
use crate::harness::house::{ALICE, House, INVITE, LINK, PASSWORD as LOCAL_PASSWORD};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;
use crate::slapd::{PASSWORD, Slapd, ZOES_PASSWORD};

const DORA: &str = "dora@corp.example";
const KIM: &str = "kim@partner.example";

/// A house whose staff are in this directory, but for Alice and Bob; with a listener for the mail server beside it.
async fn house(slapd: &Slapd, urls: &[&str], more: &str) -> House {
    let directory = slapd.settings(urls, more);
    House::open_with(|settings| {
        settings.directory = Some(directory);
        settings.listeners.push(Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: TlsMode::None,
            proxy_from: Vec::new(),
            role: Role::Relay { trusted: vec!["127.0.0.0/8".parse().unwrap()] },
        });
    })
    .await
}

/// What the submission port says to a name and a password.
async fn sign_in(house: &House, name: &str, password: &str) -> u16 {
    let mut client = house.secure_client().await;
    let answer = client.sign_in(name, password).await;
    client.quit().await;
    answer.code
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_sign_in_and_invite_by_both_ways_of_tls() {
    let Some(slapd) = Slapd::start() else { return };
    for url in [slapd.url(), slapd.tls_url()] {
        let house = house(&slapd, &[&url], "").await;
        let mut client = house.secure_client().await;
        client.sign_in("dora", PASSWORD).await.assert(235);
        let letter = Letter::new("Plans").from("Dora Dale <d.dale@corp.example>").to(KIM).cc(INVITE);
        client.mail(DORA, &[KIM, INVITE], &letter.octets()).await.assert(250);
        // An alias is hers; Alice's address is not.
        let forged = Letter::new("Plans").from(ALICE).to(KIM);
        client.mail(DORA, &[KIM], &forged.octets()).await.assert_says("550 5.7.1", ALICE);
        client.quit().await;
        let arrived = house.hop.wait_for_mail_to(KIM).await;
        Arrived::new(&arrived.octets).link(LINK);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_of_a_person_and_only_the_right_password() {
    let Some(slapd) = Slapd::start() else { return };
    let house = house(&slapd, &[&slapd.url()], "").await;
    for (name, password) in [
        ("dora", PASSWORD),
        (" Dora ", PASSWORD),
        ("CORP\\dora", PASSWORD),
        (DORA, PASSWORD),
        ("d.dale@corp.example", PASSWORD),
        ("gus(it)", PASSWORD),
        ("gus.o'neil@corp.example", PASSWORD),
        ("zoe", ZOES_PASSWORD),
    ] {
        assert_eq!(sign_in(&house, name, password).await, 235, "{name}");
    }
    for (name, password) in [
        ("dora", "a heron at the mill"),
        ("nobody", PASSWORD),
        ("*", PASSWORD),
        ("dora)(uid=*", PASSWORD),
        ("do*a", PASSWORD),
        ("locked", PASSWORD),
        ("must", PASSWORD),
        ("twin", PASSWORD),
        ("outside", PASSWORD),
        ("olga@else.example", PASSWORD),
        // The account that is here already wins over the one in the directory.
        ("alice", PASSWORD),
        (ALICE, PASSWORD),
    ] {
        assert_eq!(sign_in(&house, name, password).await, 535, "{name} {password}");
    }
    let mut client = house.secure_client().await;
    client.log_in("dora", "").await.assert_says("5", "");
    client.quit().await;
    assert_eq!(sign_in(&house, ALICE, LOCAL_PASSWORD).await, 235);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_within_groups_give_rights_and_take_them_at_once() {
    let Some(slapd) = Slapd::start() else { return };
    let house = house(&slapd, &[&slapd.url()], "cache = \"0 seconds\"").await;
    let invites = async |name: &str| {
        let address = format!("{name}@corp.example");
        let mut client = house.secure_client().await;
        client.sign_in(name, PASSWORD).await.assert(235);
        let letter = Letter::new("Plans").from(&address).to(KIM).cc(INVITE);
        let answer = client.mail(&address, &[KIM, INVITE], &letter.octets()).await;
        client.quit().await;
        answer.code
    };
    assert_eq!(invites("fred").await, 250, "by three groups, one in the other");
    assert_eq!(invites("erik").await, 550, "in no group");
    slapd.modify(
        "dn: cn=department,ou=groups,dc=corp,dc=example\nchangetype: modify\ndelete: member\n\
         member: uid=fred,ou=people,dc=corp,dc=example\n",
    );
    assert_eq!(invites("fred").await, 550);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_speaks_for_people_in_the_directory() {
    let Some(slapd) = Slapd::start() else { return };
    let house = house(&slapd, &[&slapd.tls_url()], "cache = \"0 seconds\"").await;
    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    for (from, code) in [
        (DORA, 250),
        ("d.dale@corp.example", 250),
        ("fred@corp.example", 250),
        ("erik@corp.example", 550),
        ("locked@corp.example", 550),
        ("nobody@corp.example", 550),
        ("twin@corp.example", 550),
    ] {
        let letter = Letter::new("Plans").from(from).to(KIM).cc(INVITE);
        let answer = server.mail(from, &[KIM, INVITE], &letter.octets()).await;
        assert_eq!(answer.code, code, "{from}: {answer}");
    }
    server.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_is_a_temporary_failure_and_the_next_server_takes_over() {
    let Some(mut slapd) = Slapd::start() else { return };
    // The first of the two listens no more: nobody is kept waiting by it.
    let gone = format!("ldaps://localhost:{}", crate::service::free_port());
    let house = house(&slapd, &[&gone, &slapd.tls_url()], "cache = \"0 seconds\"").await;
    assert_eq!(sign_in(&house, "dora", PASSWORD).await, 235);

    let mut signed_in = house.secure_client().await;
    signed_in.sign_in("dora", PASSWORD).await.assert(235);
    slapd.stop();
    let mut client = house.secure_client().await;
    client.sign_in("dora", PASSWORD).await.assert_says("454 4.7.0", "");
    client.quit().await;
    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    let letter = Letter::new("Plans").from(DORA).to(KIM).cc(INVITE);
    server.mail(DORA, &[KIM, INVITE], &letter.octets()).await.assert_says("454 4.7.0", "directory");
    // Accounts that are made here need no directory; nor does who was vouched for a moment ago.
    assert_eq!(sign_in(&house, ALICE, LOCAL_PASSWORD).await, 235);
    signed_in.mail(DORA, &[KIM, INVITE], &letter.octets()).await.assert(250);
    signed_in.quit().await;

    slapd.go();
    server.mail(DORA, &[KIM, INVITE], &letter.octets()).await.assert(250);
    server.quit().await;
    assert_eq!(sign_in(&house, "dora", PASSWORD).await, 235);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_its_name_hears_no_password() {
    let Some(slapd) = Slapd::start() else { return };
    // The certificate says localhost: by its number the server is somebody else.
    let house = house(&slapd, &[&slapd.tls_url().replace("localhost", "127.0.0.1")], "").await;
    let mut client = house.secure_client().await;
    client.sign_in("dora", PASSWORD).await.assert_says("454 4.7.0", "");
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_throttled_before_the_directory_locks_the_person() {
    let Some(slapd) = Slapd::start() else { return };
    let house = house(&slapd, &[&slapd.url()], "").await;
    // One guess fewer than would lock the account in the directory.
    for name in ["dora", DORA] {
        assert_eq!(sign_in(&house, name, "one of many guesses").await, 535);
    }
    assert_eq!(sign_in(&house, "dora", PASSWORD).await, 235);
    for _ in 0..3 {
        assert_eq!(sign_in(&house, "erik", "one of many guesses").await, 535);
    }
    assert_eq!(sign_in(&house, "erik", PASSWORD).await, 535, "the directory has locked the account");
    house.close().await;
}
