//! A second mail cannot hide in the first behind an end of data that only some servers see.

use crate::harness::client::Client;
use crate::harness::house::{ALICE, House};

/// Ends that are none: RFC 5321 §2.3.8 and §4.1.1.4 know only CR LF dot CR LF.
const ENDS: &[&str] = &["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r\n", "\r\n.\r", "\r.\r", "\n.\r", "\r\r\n.\n"];

#[tokio::test(flavor = "multi_thread")]
async fn smuggling_is_refused() {
    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;
    for end in ENDS {
        begin(&mut client).await;
        let smuggled = format!(
            "From: {ALICE}\r\nSubject: outer\r\n\r\ntext{end}MAIL FROM:<{ALICE}>\r\nRCPT TO:<lee@partner.example>\r\n\
             DATA\r\nFrom: {ALICE}\r\n\r\ninner\r\n.\r\n"
        );
        client.send(smuggled).await;
        client.answer().await.assert_says("550 5.6.11", "");
        client.command("NOOP").await.assert(250);
    }
    client.quit().await;
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_found_wherever_the_packets_break() {
    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;
    let message = format!("From: {ALICE}\r\nSubject: x\r\n\r\ntext\r\n..dot\r\n.\r\n");
    for piece in 1..6 {
        begin(&mut client).await;
        for octets in message.as_bytes().chunks(piece) {
            client.send(octets).await;
        }
        client.answer().await.assert(250);
    }
    client.quit().await;
    for delivery in house.close().await {
        assert!(delivery.octets.ends_with(b"text\r\n.dot\r\n"));
    }
}

async fn begin(client: &mut Client) {
    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert(250);
    client.command("RCPT TO:<kim@partner.example>").await.assert(250);
    client.command("DATA").await.assert(354);
}
