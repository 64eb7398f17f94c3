//! A client and a hop that misunderstood each other in the same way would prove nothing: here they meet directly.

use tokio::net::TcpStream;

use crate::harness::authority::Authority;
use crate::harness::client::Client;
use crate::harness::hop::{Conduct, Hop, Manners};

#[tokio::test]
async fn a_client_and_a_hop_understand_each_other() {
    let authority = Authority::new();
    let credential = authority.credential(&["hop.partner.example"]);
    let manners =
        Manners { starttls: Some(credential.server()), login: Some(("u", "p")), ..Manners::default() };
    let hop = Hop::with(manners).await;
    hop.when("gone@partner.example", Conduct::Reply("550 5.1.1 no such user"));
    hop.when("busy@partner.example", Conduct::ReplyTimes(1, "450 4.2.1 busy"));

    let mut client = Client::connect(hop.address()).await;
    client.start_tls(authority.client(), "hop.partner.example").await;
    client.mail("a@corp.example", &["kim@partner.example"], b"\r\n").await.assert(530);
    client.sign_in("u", "wrong").await.assert(535);
    client.sign_in("u", "p").await.assert(235);
    client.mail("a@corp.example", &["busy@partner.example"], b"\r\n").await.assert_says("450", "busy");
    let message = b"Subject: dots\r\n\r\n.\r\n..two\r\nend";
    let recipients = ["kim@partner.example", "gone@partner.example", "busy@partner.example"];
    client.mail("a@corp.example", &recipients, message).await.assert_says("550", "no such user");
    client.quit().await;

    let deliveries = hop.wait_for(1).await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].recipients, ["kim@partner.example", "busy@partner.example"]);
    assert_eq!(deliveries[0].octets, b"Subject: dots\r\n\r\n.\r\n..two\r\nend\r\n");
    assert_eq!((deliveries[0].encrypted, deliveries[0].user.as_deref()), (true, Some("u")));
}

#[tokio::test]
async fn a_hop_that_is_down_refuses_connections_until_it_opens() {
    let mut hop = Hop::down(Manners::default());
    assert!(TcpStream::connect(hop.address()).await.is_err());
    hop.open().await;
    Client::connect(hop.address()).await.quit().await;
    assert_eq!(hop.connections(), 1);
}

#[tokio::test]
async fn a_held_recipient_is_answered_when_it_is_released() {
    let hop = Hop::start().await;
    hop.when("slow@partner.example", Conduct::Hold);
    hop.when("cut@partner.example", Conduct::HangUpInData(1));
    let mut slow = Client::connect(hop.address()).await;
    slow.send("MAIL FROM:<>\r\nRCPT TO:<slow@partner.example>\r\n").await;
    slow.answer().await.assert(250);
    hop.wait_until_holding().await;
    hop.release();
    slow.answer().await.assert(250);

    let mut cut = Client::connect(hop.address()).await;
    cut.send("MAIL FROM:<>\r\nRCPT TO:<cut@partner.example>\r\nDATA\r\nSubject: x\r\n").await;
    for code in [250, 250, 354] {
        cut.answer().await.assert(code);
    }
    assert!(cut.try_answer().await.is_err());
}
