//! Behind a load balancer that speaks the PROXY protocol, the client that it names is the one that counts.

use std::net::Ipv4Addr;

use postern::config::{Listener, Role, TlsMode};

use crate::harness::client::Client;
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";

/// A relay listener that trusts one server, which comes by a proxy from here.
async fn house(proxies: &'static str) -> House {
    House::open_with(|settings| {
        settings.limits.connections_per_address = 2;
        settings.listeners.push(Listener {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: TlsMode::None,
            role: Role::Relay { trusted: vec!["192.0.2.10/32".parse().unwrap()] },
            proxy_from: vec![proxies.parse().unwrap()],
        });
    })
    .await
}

/// A connection on which the proxy has named this client.
async fn client_at(house: &House, address: [u8; 4]) -> Client {
    let mut client = Client::open(house.listener(2)).await;
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend_from_slice(&address);
    header.extend_from_slice(&[10, 0, 0, 1, 0x12, 0x34, 0, 25]);
    client.send(header).await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_that_the_proxy_names_is_trusted_counted_and_traced() {
    let house = house("127.0.0.0/8").await;
    let mut client = client_at(&house, [192, 0, 2, 10]).await;
    client.answer().await.assert(220);
    client.command("EHLO mail.corp.example").await.assert(250);
    client.mail(ALICE, &[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    let received = Arrived::new(&house.hop.wait_for_mail_to(KIM).await.octets).field("Received").unwrap();
    assert!(received.contains("[192.0.2.10]"), "{received}");

    let mut stranger = client_at(&house, [192, 0, 2, 11]).await;
    stranger.answer().await.assert(220);
    stranger.command("EHLO mail.corp.example").await.assert(250);
    stranger.command(&format!("MAIL FROM:<{ALICE}>")).await.assert_says("550 5.7.1", "192.0.2.11");
    client.quit().await;
    stranger.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_has_its_own_limit_of_connections() {
    let house = house("127.0.0.0/8").await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut client = client_at(&house, [192, 0, 2, 10]).await;
        client.answer().await.assert(220);
        kept.push(client);
    }
    client_at(&house, [192, 0, 2, 10]).await.answer().await.assert_says("421 4.7.0", "2 connections");
    client_at(&house, [192, 0, 2, 11]).await.answer().await.assert(220);
    drop(kept);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_it_or_is_no_proxy_is_sent_away_unheard() {
    let house_of_proxies = house("127.0.0.0/8").await;
    let mut client = Client::open(house_of_proxies.listener(2)).await;
    client.send("EHLO client.corp.example\r\n").await;
    client.assert_closed().await;
    house_of_proxies.close().await;

    let other_proxies = house("10.0.0.0/8").await;
    client_at(&other_proxies, [192, 0, 2, 10]).await.assert_closed().await;
    other_proxies.close().await;
}
