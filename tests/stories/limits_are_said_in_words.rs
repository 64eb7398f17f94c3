//! Every limit answers in words, with the limit in it.

use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_said_in_words() {
    let house = House::open_with(|settings| {
        settings.limits.recipients = 3;
        settings.limits.message_octets = 100_000;
        settings.limits.command_errors = 5;
    })
    .await;
    let mut client = house.client_of(ALICE).await;
    // Said in advance (RFC 1870 §6.1) …
    client.command(&format!("MAIL FROM:<{ALICE}> SIZE=100001")).await.assert_says("552 5.3.4", "");
    // … or found out.
    let long = Letter::new("Plans").text(&"a line of many\r\n".repeat(10_000)).octets();
    client.mail(ALICE, &["kim@partner.example"], &long).await.assert_says("552 5.3.4", "");

    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert(250);
    for number in 0..3 {
        client.command(&format!("RCPT TO:<kim{number}@partner.example>")).await.assert(250);
    }
    client.command("RCPT TO:<kim3@partner.example>").await.assert_says("452 4.5.3", "3");
    client.command("RSET").await.assert(250);

    let wide = Letter::new("Plans").text(&format!("{}\r\n", "x".repeat(999))).octets();
    client.mail(ALICE, &["kim@partner.example"], &wide).await.assert_says("5", "998");
    client.command(&format!("NOOP {}", "x".repeat(4_000))).await.assert_says("500 5.5", "2");

    let mut last = client.command("NONSENSE").await;
    for _ in 0..5 {
        if last.code == 421 {
            break;
        }
        last = client.command("NONSENSE").await;
    }
    last.assert(421);
    client.assert_closed().await;
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_told_so() {
    let house = House::open_with(|settings| settings.limits.connections_per_address = 2).await;
    let (one, two) = (house.client().await, house.client().await);
    let mut three = crate::harness::client::Client::open(house.submission()).await;
    three.answer().await.assert_says("421 4.7.0", "2");
    three.assert_closed().await;
    one.quit().await;
    two.quit().await;
    house.close().await;
}
