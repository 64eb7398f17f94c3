//! Without a password or an address that is trusted, nobody's mail goes anywhere.

use std::net::SocketAddr;

use postern::config::{Listener, Role, TlsMode};

use crate::harness::client::Client;
use crate::harness::house::{ALICE, House, INVITE, LINK, PASSWORD};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn no_open_relay() {
    let house = House::open().await;
    let mut client = house.client().await;
    let hello = client.command("EHLO client.corp.example").await.assert(250);
    assert!(hello.offers("STARTTLS") && !hello.offers("AUTH"), "{hello}");
    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert_says("530 5.7.0", "");
    // The password must not be accepted in clear, right or wrong.
    assert!(client.sign_in(ALICE, PASSWORD).await.code >= 500);
    client.quit().await;

    let mut client = house.secure_client().await;
    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert_says("530 5.7.0", "");
    client.command(&format!("RCPT TO:<{KIM}>")).await.assert(503);
    client.command("DATA").await.assert(503);
    client.sign_in(ALICE, "a wrong password").await.assert_says("535 5.7.8", "");
    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert(530);
    client.quit().await;
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_listener_serves_only_whom_it_trusts() {
    let house = House::open_with(|settings| {
        settings.listeners.push(relay("127.0.0.0/8"));
        settings.listeners.push(relay("192.0.2.0/24"));
    })
    .await;
    let letter = Letter::new("Plans").to(KIM);

    let mut stranger = Client::connect(house.listener(3)).await;
    stranger.command("EHLO exchange.corp.example").await.assert(250);
    stranger.mail(ALICE, &[KIM], &letter.octets()).await.assert_says("550 5.7.1", "");
    stranger.quit().await;

    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    let foreign = letter.clone().from("Eve <eve@evil.example>");
    server
        .mail("eve@evil.example", &[KIM], &foreign.octets())
        .await
        .assert_says("550 5.7.1", "eve@evil.example");
    server.mail(ALICE, &[KIM], &letter.octets()).await.assert(250);
    // Who may invite is looked up as for somebody who signed in.
    let invitation = letter.clone().cc(INVITE);
    server.mail(ALICE, &["lee@partner.example", INVITE], &invitation.octets()).await.assert(250);
    let of_bob = invitation.from("bob@corp.example");
    server.mail("bob@corp.example", &[KIM, INVITE], &of_bob.octets()).await.assert_says("550 5.7.1", "");
    server.quit().await;

    let deliveries = house.close().await;
    assert_eq!(deliveries.len(), 2);
    let invited = deliveries.iter().find(|delivery| delivery.is_to("lee@partner.example")).unwrap();
    Arrived::new(&invited.octets).link(LINK);
}

fn relay(trusted: &str) -> Listener {
    Listener {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: TlsMode::None,
        role: Role::Relay { trusted: vec![trusted.parse().unwrap()] },
        proxy_from: Vec::new(),
    }
}
