//! A receipt says what was sent to whom, until when, with which attachments. It comes to who asks for it, in each of the
//! ways in which one asks, and to everybody where the organisation wants it so.

use postern::config::Receipts;

use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::{Letter, noise};
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@supplier.example";

/// What Alice gets of a mail to Kim, if anything.
async fn receipts(house: House, recipients: &[&str], letter: Letter) -> Vec<Arrived> {
    house.send(recipients, &letter.octets()).await.assert(250);
    let deliveries = house.close().await;
    deliveries.iter().filter(|mail| mail.is_to(ALICE)).map(|mail| Arrived::new(&mail.octets)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_names_everybody_and_everything_in_the_thread() {
    let house = House::open().await;
    let letter = Letter::new("Plans")
        .to(&format!("Kim Kerr <{KIM}>, {LEE}"))
        .cc("invite+receipt+30d@corp.example")
        .attach("bridge.pdf", &noise(3000));
    let mut receipts = receipts(house, &[KIM, LEE, "invite+receipt+30d@corp.example"], letter).await;
    assert_eq!(receipts.len(), 1);
    let receipt = receipts.remove(0);
    assert_eq!(receipt.field("Subject").unwrap(), "Receipt: Plans");
    assert_eq!(receipt.field("In-Reply-To").unwrap(), "<plans.1@corp.example>");
    assert_eq!(receipt.field("References").unwrap(), "<plans.1@corp.example>");
    assert_eq!(receipt.field("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(receipt.field("X-Auto-Response-Suppress").unwrap(), "All");
    assert!(receipt.field("Reply-To").unwrap().contains("postern+"));
    for form in ["text/plain", "text/html"] {
        let said = receipt.texts(form).remove(0);
        for words in [
            &format!("Kim Kerr ({KIM})"),
            LEE,
            "bridge.pdf (2.9 KiB)",
            "24 December 2026",
            "30 days",
            "withdraw",
        ] {
            assert!(said.contains(words), "{words} is missing in:\n{said}");
        }
    }
    assert_eq!(receipt.links(LINK), [""; 0], "the links are the invitees' alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_in_each_way_of_asking_and_not_without() {
    let plain = || Letter::new("Plans").to(KIM).cc(INVITE);
    assert_eq!(receipts(House::open().await, &[KIM, INVITE], plain()).await.len(), 0);

    let read_receipt = plain().field("Disposition-Notification-To", ALICE);
    assert_eq!(receipts(House::open().await, &[KIM, INVITE], read_receipt).await.len(), 1);

    let always = House::open_with(|settings| settings.invite.receipt = Receipts::Always).await;
    assert_eq!(receipts(always, &[KIM, INVITE], plain()).await.len(), 1);

    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;
    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert(250);
    client.command(&format!("RCPT TO:<{KIM}>")).await.assert(250);
    client.command(&format!("RCPT TO:<{INVITE}> NOTIFY=SUCCESS")).await.assert(250);
    client.command("DATA").await.assert(354);
    client.command(&format!("{}.", String::from_utf8(plain().octets()).unwrap())).await.assert(250);
    client.quit().await;
    let deliveries = house.close().await;
    assert_eq!(deliveries.iter().filter(|mail| mail.is_to(ALICE)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_invitation_has_no_receipt() {
    let house = House::open_with(|settings| settings.invite.receipt = Receipts::Always).await;
    let ordinary = Letter::new("Plans").to(KIM).field("Disposition-Notification-To", ALICE);
    assert_eq!(receipts(house, &[KIM], ordinary).await.len(), 0);
}
