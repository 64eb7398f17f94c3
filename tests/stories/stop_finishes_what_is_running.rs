//! A stop lets go of nothing: a delivery in progress ends well, and what was accepted is there after the start.

use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn stop_finishes_what_is_running() {
    let mut house = House::open().await;
    house.hop.when(KIM, Conduct::Hold);
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    house.hop.wait_until_holding().await;

    let mut waiting = house.client_of(ALICE).await;
    let stopped = house.begin_to_stop();
    // A client that is connected is told to come again (RFC 5321 §3.8).
    waiting.answer().await.assert(421);
    waiting.assert_closed().await;
    house.hop.release();
    stopped.await.unwrap();

    house.start().await;
    assert_eq!(house.close().await.len(), 1, "delivered, and once");
}
