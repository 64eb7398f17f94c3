//! The way in and out.

use super::*;
use http::header::RETRY_AFTER;
use std::time::Duration;

const KIM: &str = "kim@partner.example";

async fn signed_in(house: &House) -> Browser {
    house.account(Kind::Guest, KIM).await;
    let mut browser = house.browser();
    let fields = [("address", KIM), ("password", GOOD_PASSWORD)];
    browser.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/dropoff");
    browser
}

#[tokio::test]
async fn a_guest_comes_in_and_goes_out() {
    let house = House::new();
    let mut browser = signed_in(&house).await;
    browser.get("/sign-in").await.leads_to("/dropoff");
    browser.get("/dropoff").await.says(StatusCode::OK, "New drop-off</h1>");

    let kept = browser.cookies.clone();
    browser.fill_in("/dropoff", "/sign-out", &[]).await.leads_to("/sign-in?signed-out");
    browser.get("/sign-in?signed-out").await.says(StatusCode::OK, "You are signed out.");
    // The server has ended it, whatever a browser keeps.
    let mut thief = Browser { cookies: kept, ..house.browser() };
    thief.get("/dropoff").await.leads_to("/sign-in");
}

#[tokio::test]
async fn nobody_signs_a_guest_out_from_outside() {
    let house = House::new();
    let mut browser = signed_in(&house).await;
    let form = house.browser().get("/sign-in").await.form();
    assert_eq!(browser.post("/sign-out", &[("form", &form)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/dropoff").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_new_at_each_sign_in_and_ends_by_the_clock() {
    let house = House::new();
    let mut browser = signed_in(&house).await;
    let first = browser.cookies["__Host-session"].clone();
    // Signing in once more, from a tab that was still open, ends the session of before.
    let fields =
        [("address", KIM), ("password", GOOD_PASSWORD), ("form", &browser.cookies["__Host-form"].clone())];
    let mut old = Browser { cookies: browser.cookies.clone(), ..house.browser() };
    browser.post("/sign-in", &fields).await.leads_to("/dropoff");
    assert_ne!(browser.cookies["__Host-session"], first);
    old.get("/dropoff").await.leads_to("/sign-in");

    house.clock.advance(Duration::from_hours(13));
    browser.get("/dropoff").await.leads_to("/sign-in");
}

#[tokio::test]
async fn unknown_and_wrong_and_staff_hear_the_same() {
    let house = House::new();
    house.account(Kind::Guest, KIM).await;
    house.account(Kind::Staff, "ana@corp.example").await;
    let mut heard = Vec::new();
    for (address, password) in
        [(KIM, "wrong"), ("nobody@partner.example", GOOD_PASSWORD), ("ana@corp.example", GOOD_PASSWORD)]
    {
        let mut browser = house.browser();
        let page =
            browser.fill_in("/sign-in", "/sign-in", &[("address", address), ("password", password)]).await;
        page.says(StatusCode::UNPROCESSABLE_ENTITY, "do not belong together");
        page.says(StatusCode::UNPROCESSABLE_ENTITY, &format!("value=\"{address}\""));
        heard.push(page.text.replace(address, "").replace(&page.form(), ""));
    }
    heard.dedup();
    assert_eq!(heard.len(), 1);
}

#[tokio::test]
async fn who_guesses_has_to_wait() {
    let house = House::new();
    house.account(Kind::Guest, KIM).await;
    let mut browser = house.browser();
    let mut last = StatusCode::OK;
    for _ in 0..10 {
        let fields = [("address", KIM), ("password", "wrong")];
        let page = browser.fill_in("/sign-in", "/sign-in", &fields).await;
        last = page.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            page.says(last, "Please wait");
            assert!(page.header(RETRY_AFTER).parse::<u64>().unwrap() > 0);
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    // The right one has to wait too, and is let in afterwards.
    let fields = [("address", KIM), ("password", GOOD_PASSWORD)];
    assert_eq!(browser.fill_in("/sign-in", "/sign-in", &fields).await.status, StatusCode::TOO_MANY_REQUESTS);
    house.clock.advance(Duration::from_hours(1));
    browser.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/dropoff");
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_way_in() {
    let house = House::new();
    for path in ["/", "/dropoff"] {
        house.browser().get(path).await.leads_to("/sign-in");
    }
}
