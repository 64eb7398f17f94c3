//! What the sender's program and the next hop agreed on is passed on; what the hop cannot take comes back in words, and
//! is never sent in a form that it did not offer (RFC 6152 §3).

use crate::harness::hop::{Hop, Manners};
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const EIGHT_BITS: &str = "Grüße aus dem Ostflügel\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn eight_bits_are_announced_to_a_hop_that_takes_them() {
    let house = House::open().await;
    house.send(&[KIM], &Letter::new("Plans").to(KIM).text(EIGHT_BITS).octets()).await.assert(250);
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    let deliveries = house.close().await;
    for delivery in deliveries {
        let announced = delivery.parameters.split(' ').any(|parameter| parameter == "BODY=8BITMIME");
        assert_eq!(announced, !delivery.octets.is_ascii(), "{}", delivery.parameters);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_without_eight_bits_gets_none() {
    let hop = Hop::with(Manners { seven_bit: true, ..Manners::default() }).await;
    let house = House::open_before(hop, |_| ()).await;
    house.send(&[KIM], &Letter::new("Plans").to(KIM).text(EIGHT_BITS).octets()).await.assert(250);
    let report = house.hop.wait_for_mail_to(ALICE).await;
    assert!(report.octets.is_ascii());
    let words = &Arrived::new(&report.octets).texts("text/plain")[0];
    assert!(words.contains(KIM) && words.contains("8-bit text"), "{words}");
    let deliveries = house.close().await;
    assert!(deliveries.iter().all(|delivery| !delivery.is_to(KIM)));
}
