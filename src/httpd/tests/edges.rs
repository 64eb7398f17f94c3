//! What goes wrong, what never changes, and the headers around everything.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};

use super::*;

#[tokio::test]
async fn every_answer_carries_the_safety_headers() {
    let house = House::new();
    let (_, link) = house.invite("kim@partner.example").await;
    for path in
        [&format!("/i/{}", link.reveal()), "/sign-in", "/dropoff", "/nowhere", "/style.css", "/healthz"]
    {
        let page = house.browser().get(path).await;
        let policy = page.header(CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert!(page.header("strict-transport-security").starts_with("max-age="), "{path}");
        let caching = if path == "/style.css" { "no-cache" } else { "no-store" };
        assert_eq!(page.header(CACHE_CONTROL), caching, "{path}");
    }
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_too() {
    let house = House::new();
    let mut browser = house.browser();
    browser.get("/nowhere").await.says(StatusCode::NOT_FOUND, "There is no such page");

    let page = browser.post("/dropoff/sent", &[]).await;
    page.says(StatusCode::METHOD_NOT_ALLOWED, "does not work that way");
    assert_eq!(page.header(ALLOW), "GET,HEAD");

    let long = "x".repeat(6000);
    let page = browser.fill_in("/sign-in", "/sign-in", &[("address", &long), ("password", "x")]).await;
    page.says(StatusCode::PAYLOAD_TOO_LARGE, "That is too large");

    let page = browser.send(request(Method::POST, "/sign-in"), Body::from("{}")).await;
    page.says(StatusCode::UNSUPPORTED_MEDIA_TYPE, "could not be understood");
    let form = browser.get("/sign-in").await.form();
    let page = browser.post("/sign-in", &[("form", &form)]).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "could not be understood");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let house = House::new();
    let mut browser = house.browser();
    for path in ["/sign-in", "/nowhere", "/style.css", "/healthz", "/"] {
        let (get, head) = (browser.get(path).await, browser.head(path).await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        if !get.text.is_empty() {
            assert_eq!(head.header(CONTENT_LENGTH), get.text.len().to_string(), "{path}");
        }
    }
}

#[tokio::test]
async fn the_sheet_is_sent_again_only_when_it_has_changed() {
    let house = House::new();
    let mut browser = house.browser();
    let first = browser.get("/style.css").await;
    first.says(StatusCode::OK, "prefers-color-scheme: dark");
    let again = request(Method::GET, "/style.css").header(IF_NONE_MATCH, first.header(ETAG));
    let again = browser.send(again, Body::empty()).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn a_browser_keeps_its_token_so_that_every_tab_stays_good() {
    let house = House::new();
    let mut browser = house.browser();
    let (one, other) = (browser.get("/sign-in").await.form(), browser.get("/sign-in").await.form());
    assert_eq!(one, other);
    assert_ne!(one, house.browser().get("/sign-in").await.form());
}
