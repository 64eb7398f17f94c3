//! A preview comes to the inviter alone, with what each invitee would get; its links lead nowhere.

use crate::harness::house::{ALICE, House, PORTAL};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@supplier.example";
const PREVIEW: &str = "invite+preview@corp.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_invites_nobody() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to(KIM).cc(&format!("bob@corp.example, {PREVIEW}"));
    let recipients = [KIM, LEE, "bob@corp.example", PREVIEW];
    house.send(&recipients, &letter.octets()).await.assert_says("250", "Taken");
    let mail = house.hop.wait_for_mail_to(ALICE).await;
    let preview = Arrived::new(&mail.octets);
    assert_eq!(preview.field("Subject").unwrap(), "Preview: Plans");
    let said = preview.texts("text/plain").remove(0);
    for words in ["Nobody has got anything", KIM, LEE, "bob@corp.example", "14 days", "invitation-2.eml"] {
        assert!(said.contains(words), "{words} is missing in:\n{said}");
    }
    for (file, person) in [("invitation-1.eml", KIM), ("invitation-2.eml", LEE)] {
        let copy = preview.attachment(file);
        let copy = Arrived::new(&copy);
        assert_eq!(copy.field("To").unwrap(), KIM, "as {person} would get it");
        assert_eq!(copy.field("Cc").unwrap(), "bob@corp.example", "nobody sees who is in Bcc");
        let link = copy.link(&format!("{PORTAL}/i/"));
        house.browser().get(&link).await.assert(404);
    }
    let listed = house.postern(&["invite", "list"]).await.unwrap();
    assert_eq!(listed, "There are no such invitations.\n");
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_refused() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@gmial.com").cc(PREVIEW);
    house.send(&["kim@gmial.com", PREVIEW], &letter.octets()).await.assert_says("550 5.1.2", "kim@gmail.com");
    assert_eq!(house.close().await.len(), 0);
}
