//! Nobody is told about a mail that came from nobody (RFC 5321 §4.5.5).

use std::net::SocketAddr;

use postern::config::{Listener, Role, TlsMode};

use crate::harness::client::Client;
use crate::harness::hop::Conduct;
use crate::harness::house::{House, INVITE};
use crate::harness::letter::Letter;

#[tokio::test(flavor = "multi_thread")]
async fn null_sender_never_bounces() {
    let house = House::open_with(|settings| {
        settings.listeners.push(Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: TlsMode::None,
            role: Role::Relay { trusted: vec!["127.0.0.0/8".parse().unwrap()] },
            proxy_from: Vec::new(),
        });
    })
    .await;
    house.hop.when("gone@partner.example", Conduct::Reply("550 5.1.1 no such user"));
    let report = Letter::new("Undelivered").to("gone@partner.example").octets();
    let mut server = Client::connect(house.listener(2)).await;
    server.command("EHLO exchange.corp.example").await.assert(250);
    server.mail("", &["gone@partner.example"], &report).await.assert(250);
    // Nor does it invite anybody: refused, or taken and dropped, but never answered.
    server.mail("", &["kim@partner.example", INVITE], &report).await;
    server.quit().await;
    assert_eq!(house.close().await.len(), 0);
}
