//! Mail scanners follow links before people do. GET and HEAD change nothing, nor does a form without our cookie.

use crate::harness::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing() {
    let house = House::open().await;
    let link = house.invite("kim@partner.example").await;
    for _ in 0..100 {
        house.browser().get(&link).await.assert(200);
        let head = house.browser().head(&link).await.assert(200);
        assert!(head.body.is_empty());
    }
    let activated =
        house.activate(&mut house.browser(), &link, "Kim Kerr", "the hundred-and-first look").await;
    assert_eq!(activated.status, 303);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_ours_changes_nothing() {
    let house = House::open().await;
    let link = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    let form = browser.get(&link).await.form("/i/");
    let form = form.fill("name", "Kim Kerr").fill("password", "a robber at the back gate");

    // A scanner that presses buttons, but keeps no cookies.
    house.browser().submit(&form).await.assert(403);
    // A page of somebody else's that sends the form for the person who looks at it.
    browser.submit_from("https://evil.example", &form).await.assert(403);

    browser.submit(&form).await.assert(303);
    house.close().await;
}
