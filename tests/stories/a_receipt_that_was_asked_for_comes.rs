//! Who asks for a receipt (RFC 3461, NOTIFY=SUCCESS) gets one, also for an invitation; who did not ask gets none.

use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_was_asked_for_comes() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@partner.example, lee@partner.example");
    send(
        &house,
        &[(KIM, "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;kim+2Bplans@partner.example"), (LEE, "")],
        &letter,
    )
    .await;
    house.hop.wait_for_mail_to(KIM).await;
    let receipt = house.hop.wait_for_mail_to(ALICE).await;
    assert_eq!(receipt.sender, "", "nobody answers a receipt");
    let receipt = Arrived::new(&receipt.octets);
    assert_eq!(receipt.field("Subject").as_deref(), Some("On its way: Plans"));
    assert_eq!(receipt.field("In-Reply-To").as_deref(), Some("<plans.1@corp.example>"));
    let people = &receipt.texts("text/plain")[0];
    assert!(people.contains(KIM) && people.contains("250 2.0.0 kept") && !people.contains(LEE), "{people}");
    let machines = &receipt.texts("message/delivery-status")[0];
    for line in [
        "Original-Envelope-Id: plans-7",
        "Original-Recipient: rfc822; kim+plans@partner.example",
        "Final-Recipient: rfc822; kim@partner.example",
        "Action: relayed",
        "Status: 2.0.0",
    ] {
        assert!(machines.lines().any(|said| said == line), "{line} is missing in:\n{machines}");
    }
    assert_eq!(machines.matches("Action:").count(), 1, "Lee's was not asked for:\n{machines}");
    assert_eq!(house.close().await.len(), 2, "the mail and the receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_an_invitation_keeps_its_link_to_itself() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    send(&house, &[(KIM, "NOTIFY=SUCCESS"), (INVITE, "")], &letter).await;
    let invitation = house.hop.wait_for_mail_to(KIM).await;
    let link = Arrived::new(&invitation.octets).link(LINK);
    let receipt = house.hop.wait_for_mail_to(ALICE).await;
    let text = String::from_utf8_lossy(&receipt.octets).replace("=\r\n", "");
    assert!(text.contains("Action: relayed") && text.contains(KIM), "{text}");
    let token = link.strip_prefix(LINK).unwrap();
    assert!(!text.contains(LINK) && !text.contains(token), "the link is Kim's alone:\n{text}");
    assert_eq!(house.close().await.len(), 2);
}

/// Alice sends a letter; each recipient with the parameters that her mail program adds.
async fn send(house: &House, recipients: &[(&str, &str)], letter: &Letter) {
    let mut client = house.client_of(ALICE).await;
    client.command(&format!("MAIL FROM:<{ALICE}> RET=FULL ENVID=plans-7")).await.assert(250);
    for (recipient, parameters) in recipients {
        client.command(format!("RCPT TO:<{recipient}> {parameters}").trim_end()).await.assert(250);
    }
    client.command("DATA").await.assert(354);
    let text = String::from_utf8(letter.octets()).unwrap();
    client.command(&format!("{text}.")).await.assert(250);
    client.quit().await;
}
