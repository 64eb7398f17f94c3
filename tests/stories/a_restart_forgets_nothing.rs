//! Links, accounts and sessions are there after a restart.

use crate::harness::house::House;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_nothing() {
    let mut house = House::open().await;
    let link = house.invite(KIM).await;
    house.restart().await;

    let mut browser = house.browser();
    house.activate(&mut browser, &link, "Kim Kerr", "seven bridges over the moat").await.assert(303);
    house.restart().await;

    let mut browser = house.restored(&browser);
    browser.get("/dropoff").await.assert(200).assert_says("Alice Archer");
    house.browser().get(&link).await.assert(410).assert_says("has been used");
    house.close().await;
}
