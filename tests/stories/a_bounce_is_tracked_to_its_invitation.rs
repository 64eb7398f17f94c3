//! Where bounces are tracked, a report of a mail system further on finds its invitation, and the inviter is told. The
//! door that takes it is open for that and for nothing else.

use postern::config::{Bounces, Listener, Role, TlsMode};

use crate::harness::client::Client;
use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";

/// A house with a relay listener, at place 2, that trusts nobody.
async fn tracking() -> House {
    House::open_with(|settings| {
        settings.relay.bounces = Bounces::Tracked(None);
        let listener = settings.listeners[0].clone();
        settings.listeners.push(Listener {
            role: Role::Relay { trusted: Vec::new() },
            tls: TlsMode::StartTls,
            ..listener
        });
    })
    .await
}

/// Alice invites Kim. Gives the envelope's sender of that mail.
async fn invited(house: &House) -> String {
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    house.send(&[KIM, INVITE], &letter.octets()).await.assert(250);
    let sender = house.hop.wait_for_mail_to(KIM).await.sender;
    house.settled().await;
    sender
}

fn report(action: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.partner.example\r\nTo: you\r\nSubject: Undelivered\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.partner.example\r\n\r\n\
         Final-Recipient: rfc822; {KIM}\r\nAction: {action}\r\nStatus: 5.2.2\r\n\
         Diagnostic-Code: smtp; 552 5.2.2 mailbox is full\r\n\r\n--b--\r\n"
    )
}

/// A mail system brings a mail that has no sender.
async fn bring(house: &House, to: &str, mail: &str) {
    let mut client = Client::connect(house.listener(2)).await;
    client.command("EHLO mx.partner.example").await.assert(250);
    client.command("MAIL FROM:<>").await.assert(250);
    client.command(&format!("RCPT TO:<{to}>")).await.assert(250);
    client.command("DATA").await.assert(354);
    client.command(&format!("{mail}.")).await.assert(250);
    client.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_marks_the_invitation_and_tells_the_inviter_once() {
    let house = tracking().await;
    let bounce = invited(&house).await;
    assert!(bounce.starts_with("bounce+") && bounce.ends_with("@corp.example"), "{bounce}");
    house.hop.take();
    bring(&house, &bounce, &report("delayed")).await;
    bring(&house, &bounce, "Auto-Submitted: auto-replied\r\nSubject: On holiday\r\n\r\nBack on Monday.\r\n")
        .await;
    let listed = house.postern(&["invite", "list"]).await.unwrap();
    assert!(listed.contains("sent"), "{listed}");

    bring(&house, &bounce, &report("failed")).await;
    let notice = Arrived::new(&house.hop.wait_for_mail_to(ALICE).await.octets);
    assert_eq!(notice.field("In-Reply-To").unwrap(), "<plans.1@corp.example>");
    let said = notice.texts("text/plain").remove(0);
    assert!(said.contains("The mailbox is full") && said.contains("552 5.2.2 mailbox is full"), "{said}");
    let id = house.invitation_of(KIM).await;
    let shown = house.postern(&["invite", "show", &id]).await.unwrap();
    assert!(shown.contains("bounced") && shown.contains("mailbox is full"), "{shown}");
    bring(&house, &bounce, &report("failed")).await;
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_the_page_has_got_the_mail() {
    let house = tracking().await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    house.send(&[KIM, INVITE], &letter.octets()).await.assert(250);
    let mail = house.hop.wait_for_mail_to(KIM).await;
    house.settled().await;
    let link = Arrived::new(&mail.octets).link(LINK);
    house.activate(&mut house.browser(), &link, "Kim Kerr", "six geese over the moor").await.assert(303);
    house.settled().await;
    house.hop.take();
    bring(&house, &mail.sender, &report("failed")).await;
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_open_for_nothing_else() {
    let house = tracking().await;
    let bounce = invited(&house).await;
    house.hop.take();
    let mut stranger = Client::connect(house.listener(2)).await;
    stranger.command("EHLO mx.partner.example").await.assert(250);
    stranger.command(&format!("MAIL FROM:<{ALICE}>")).await.assert_says("550 5.7.1", "not among the servers");
    stranger.command("MAIL FROM:<kim@partner.example>").await.assert(550);
    stranger.command("MAIL FROM:<>").await.assert(250);
    let forged = bounce.replacen("bounce+", "bounce+0", 1);
    stranger.command(&format!("RCPT TO:<{forged}>")).await.assert_says("550 5.1.1", "has given out");
    let swapped = bounce.replacen("bounce+", "postern+", 1);
    stranger.command(&format!("RCPT TO:<{swapped}>")).await.assert_says("550 5.1.1", "has given out");
    for other in [KIM, ALICE, INVITE, "postern@corp.example", "bounce@corp.example"] {
        stranger
            .command(&format!("RCPT TO:<{other}>"))
            .await
            .assert_says("550 5.7.1", "not among the servers");
    }
    stranger.command("DATA").await.assert(554);
    stranger.quit().await;

    // Where bounces are not tracked, strangers are not heard at all.
    let plain = House::open_with(|settings| {
        let listener = settings.listeners[0].clone();
        settings.listeners.push(Listener { role: Role::Relay { trusted: Vec::new() }, ..listener });
    })
    .await;
    let mut stranger = Client::connect(plain.listener(2)).await;
    stranger.command("EHLO mx.partner.example").await.assert(250);
    stranger.command("MAIL FROM:<>").await.assert(550);
    stranger.quit().await;
    plain.close().await;
    assert_eq!(house.close().await.len(), 0);
}
