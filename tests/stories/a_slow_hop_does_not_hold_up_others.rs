//! A recipient whose server takes its time keeps nobody else waiting.

use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_hop_does_not_hold_up_others() {
    let house = House::open().await;
    house.hop.when("slow@partner.example", Conduct::Hold);
    let letter = Letter::new("Plans").to("kim@partner.example").octets();
    let mut client = house.client_of(ALICE).await;
    client.mail(ALICE, &["slow@partner.example"], &letter).await.assert(250);
    house.hop.wait_until_holding().await;
    for _ in 0..20 {
        client.mail(ALICE, &["kim@partner.example"], &letter).await.assert(250);
    }
    client.quit().await;
    assert!(house.hop.wait_for(20).await.iter().all(|delivery| delivery.is_to("kim@partner.example")));
    house.hop.release();
    house.hop.wait_for_mail_to("slow@partner.example").await;
    assert_eq!(house.close().await.len(), 21);
}
