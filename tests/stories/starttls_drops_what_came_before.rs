//! What stands behind STARTTLS in clear was put there by somebody in between (RFC 3207 §4.2). It is never heard.

use crate::harness::house::{House, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn starttls_drops_what_came_before() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.command("EHLO client.corp.example").await.assert(250);
    client.send("STARTTLS\r\nEHLO injected.example\r\nRSET\r\n").await;
    let answer = client.answer().await;
    if answer.code != 220 {
        // A server may also refuse to begin.
        house.close().await;
        return;
    }
    client.into_tls(house.authority.client(), "postern.corp.example").await;
    // The first reply inside TLS is the one to the first command inside TLS.
    client.command("NOOP").await.assert(250);
    let help = client.command("MAIL FROM:<alice@corp.example>").await;
    assert!(help.code == 503 || help.code == 530, "the greeting in clear counts no more: {help}");
    client.command("EHLO client.corp.example").await.assert(250);
    client.sign_in("alice@corp.example", PASSWORD).await.assert(235);
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_not_offered_twice() {
    let house = House::open().await;
    let mut client = house.secure_client().await;
    let hello = client.command("EHLO client.corp.example").await.assert(250);
    assert!(!hello.offers("STARTTLS") && hello.offers("AUTH"), "{hello}");
    assert!(client.command("STARTTLS").await.code >= 500);
    client.quit().await;

    let mut client = house.implicit_tls_client().await;
    let hello = client.command("EHLO client.corp.example").await.assert(250);
    assert!(!hello.offers("STARTTLS") && hello.offers("AUTH"), "{hello}");
    client.log_in("alice@corp.example", PASSWORD).await.assert(235);
    client.quit().await;
    house.close().await;
}
