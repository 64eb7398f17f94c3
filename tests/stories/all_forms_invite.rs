//! Four ways to write an invitation: beside an invite address, in its tag, before the invite domain, and, where a server
//! has split the recipients, in To and Cc alone. A mail server of the house may hand them in as well as a person.

use std::net::Ipv4Addr;

use postern::base::address::Domain;
use postern::config::{Listener, Role, Settings, TlsMode};

use crate::harness::client::Client;
use crate::harness::house::{ALICE, BOB, House, INVITE, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@supplier.example";

/// With the invite domain, and a listener for mail servers of this host.
fn settings(settings: &mut Settings) {
    settings.invite.domain = Domain::parse("invite.corp.example");
    settings.listeners.push(Listener {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        tls: TlsMode::None,
        role: Role::Relay { trusted: vec!["127.0.0.0/8".parse().unwrap()] },
        proxy_from: Vec::new(),
    });
}

/// Has a mail server of the house hand in a mail of Alice's.
async fn hand_in(house: &House, recipients: &[&str], letter: &Letter) {
    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    server.mail(ALICE, recipients, &letter.octets()).await.assert(250);
    server.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suffixed_address_becomes_the_real_one() {
    let house = House::open_with(settings).await;
    let (kim, lee) = (format!("{KIM}.invite.corp.example"), format!("{LEE}.invite.corp.example"));
    let letter = Letter::new("Plans").to(&format!("Kim Kerr <{kim}>, {lee}")).cc(BOB);
    // The server has split the envelope by domain, and hands it in twice.
    hand_in(&house, &[&kim, BOB], &letter).await;
    hand_in(&house, &[&lee], &letter).await;
    let deliveries = house.close().await;
    assert_eq!(deliveries.len(), 3);
    let mut links = Vec::new();
    for delivery in &deliveries {
        let arrived = Arrived::new(&delivery.octets);
        assert_eq!(arrived.field("To").unwrap(), format!("Kim Kerr <{KIM}>, {LEE}"));
        links.extend((!delivery.is_to(BOB)).then(|| arrived.link(LINK)));
    }
    links.dedup();
    assert_eq!(links.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_names_the_invitees_where_the_envelope_cannot() {
    let house = House::open_with(settings).await;
    let letter = Letter::new("Plans").to(&format!("Team: {KIM}, {BOB};")).cc(&format!("{INVITE}, {LEE}"));
    hand_in(&house, &["invite+30d@corp.example"], &letter).await;
    let mut reached: Vec<String> = Vec::new();
    for delivery in house.close().await {
        Arrived::new(&delivery.octets).link(LINK);
        reached.extend(delivery.recipients);
    }
    reached.sort();
    // Bob has got his copy from the server.
    assert_eq!(reached, [KIM, LEE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_counts_for_nothing_if_the_admin_says_so() {
    let house = House::open_with(|settings| settings.invite.read_headers = false).await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    house.send(&[INVITE], &letter.octets()).await.assert_says("550 5.1.3", "nobody outside");
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_server_that_is_silent_refuses_nobody() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@silent.example").cc(INVITE);
    house.send(&["kim@silent.example", INVITE], &letter.octets()).await.assert(250);
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_comes_back_does_not_invite_again() {
    let house = House::open_with(settings).await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    house.send(&[KIM, INVITE], &letter.octets()).await.assert(250);
    let arrived = house.hop.wait_for_mail_to(KIM).await;
    // Kim's address leads back to the house, to the invite address of all places.
    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    let answer = server.mail(ALICE, &[INVITE], &arrived.octets).await;
    answer.assert_says("550 5.7.1", "came back to the gateway");
    server.quit().await;
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_with_an_address_outside_are_colleagues() {
    let house = House::open_with(settings).await;
    let letter = Letter::new("Plans").to(KIM).cc("alice@else.example");
    house.send(&[KIM, "Alice@else.example", INVITE], &letter.octets()).await.assert(250);
    for own in ["invite+alice=else.example@corp.example", "alice@else.example.invite.corp.example"] {
        let answer = house.send(&[KIM, own], &letter.octets()).await;
        answer.assert_says("550 5.1.3", "alice@else.example is an address of your own organisation");
    }
    let answer = house.send(&["alice@else.example", INVITE], &letter.octets()).await;
    answer.assert_says("550 5.1.3", "nobody outside");
    let deliveries = house.close().await;
    assert_eq!(deliveries.len(), 2);
    let hers = deliveries.iter().find(|delivery| !delivery.is_to(KIM)).unwrap();
    assert_eq!(Arrived::new(&hers.octets).links(LINK), [""; 0]);
}
