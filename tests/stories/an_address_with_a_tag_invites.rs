//! The form for programs that cannot add a second recipient: the invitee stands in the tag.

use crate::harness::house::{House, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_tag_invites() {
    let house = House::open().await;
    let tagged = "invite+kim=partner.example@corp.example";
    let letter = Letter::new("Plans").to(&format!("Kim Kerr <{tagged}>"));
    house.send(&[tagged], &letter.octets()).await.assert(250);
    let delivery = house.close().await.remove(0);
    assert_eq!(delivery.recipients, ["kim@partner.example"]);
    let arrived = Arrived::new(&delivery.octets);
    assert_eq!(arrived.field("To").unwrap(), "Kim Kerr <kim@partner.example>");
    arrived.link(LINK);
}

#[tokio::test(flavor = "multi_thread")]
async fn colleagues_get_a_copy_without_a_link() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@partner.example").cc("bob@corp.example, invite@corp.example");
    let recipients = ["kim@partner.example", "bob@corp.example", "invite@corp.example"];
    house.send(&recipients, &letter.octets()).await.assert(250);
    let deliveries = house.close().await;
    assert_eq!(deliveries.len(), 2);
    let bobs =
        Arrived::new(&deliveries.iter().find(|delivery| delivery.is_to("bob@corp.example")).unwrap().octets);
    assert_eq!(bobs.links(LINK), [""; 0]);
    assert_eq!(bobs.field("Cc").unwrap(), "bob@corp.example");
}
