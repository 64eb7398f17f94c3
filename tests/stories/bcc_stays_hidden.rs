//! Nobody learns who was invited in secret: not from the header, not from a trace, not from another's link.

use crate::harness::house::{House, INVITE};
use crate::harness::letter::Letter;

#[tokio::test(flavor = "multi_thread")]
async fn bcc_stays_hidden() {
    let house = House::open().await;
    // Some programs send the Bcc field along and trust the server to take it out.
    let letter = Letter::new("Plans")
        .to("kim@partner.example")
        .cc("invite@corp.example")
        .field("Bcc", "Mo Moss <mo@else.example>,\r\n\tnan@else.example");
    let recipients = ["kim@partner.example", "mo@else.example", "nan@else.example", INVITE];
    house.send(&recipients, &letter.octets()).await.assert(250);

    let deliveries = house.close().await;
    assert_eq!(deliveries.len(), 3);
    for delivery in deliveries {
        assert_eq!(delivery.recipients.len(), 1, "one copy each: {:?}", delivery.recipients);
        let text = String::from_utf8(delivery.octets).unwrap().to_lowercase();
        for hidden in ["mo@else.example", "nan@else.example", "mo moss", "\r\nbcc:"] {
            assert!(!text.contains(hidden), "{hidden} in the copy of {:?}:\n{text}", delivery.recipients);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bcc_stays_hidden_in_ordinary_mail_too() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@partner.example");
    house.send(&["kim@partner.example", "mo@else.example"], &letter.octets()).await.assert(250);
    for delivery in house.close().await {
        let text = String::from_utf8(delivery.octets).unwrap();
        assert!(!text.contains("mo@else.example"), "{text}");
    }
}
