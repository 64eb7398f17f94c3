//! A next hop that is away, busy or rude loses no mail: it is tried again, also after a restart.

use std::time::Duration;

use crate::harness::hop::{Conduct, Hop, Manners};
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn mail_waits_for_a_hop_that_is_down() {
    let mut house = House::open_before(Hop::down(Manners::default()), |_| ()).await;
    let letter = Letter::new("Plans").to(KIM);
    house.send(&[KIM], &letter.octets()).await.assert(250);
    house.restart().await;
    house.hop.open().await;
    let delivery = house.while_time_passes(MINUTE, house.hop.wait_for_mail_to(KIM)).await;
    assert!(delivery.octets.ends_with(&letter.octets()));
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_recipient_is_tried_again() {
    let house = House::open().await;
    house.hop.when(KIM, Conduct::ReplyTimes(3, "450 4.2.1 busy"));
    house.hop.when("lee@partner.example", Conduct::HangUpInData(2));
    let letter = Letter::new("Plans").to(KIM).octets();
    house.send(&[KIM], &letter).await.assert(250);
    house.send(&["lee@partner.example"], &letter).await.assert(250);
    house.while_time_passes(MINUTE, house.hop.wait_for(2)).await;
    assert_eq!(house.close().await.len(), 2, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_days_the_sender_hears_that_it_was_in_vain() {
    let house = House::open().await;
    house.hop.when(KIM, Conduct::Reply("450 4.2.1 busy for ever"));
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    let reports = house.while_time_passes(MINUTE * 30, house.hop.wait_for(2)).await;
    for (report, subject) in reports.iter().zip(["Delayed: Plans", "Not delivered: Plans"]) {
        assert!(report.is_to(ALICE));
        let report = Arrived::new(&report.octets);
        assert_eq!(report.field("Subject").as_deref(), Some(subject));
        let words = &report.texts("text/plain")[0];
        assert!(words.contains(KIM) && words.contains("busy for ever"), "{words}");
    }
    house.close().await;
}
