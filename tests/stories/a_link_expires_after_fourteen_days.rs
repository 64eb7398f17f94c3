//! A link is valid for fourteen days from the moment the mail was sent, and not an hour longer.

use std::time::Duration;

use crate::harness::house::House;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_link_expires_after_fourteen_days() {
    let house = House::open().await;
    let link = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    house.clock.advance(HOUR * (14 * 24 - 1));
    let form = browser.get(&link).await.assert(200).form("/i/");

    house.clock.advance(HOUR * 2);
    browser.get(&link).await.assert(410).assert_says("expired");
    // Whoever opened the page in time, but was slow to fill it in, hears the same.
    let late = form.fill("name", "Kim Kerr").fill("password", "an hour too late for tea");
    browser.submit(&late).await.assert(410).assert_says("expired");
    house.close().await;
}
