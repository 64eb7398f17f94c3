//! From the link to the Drop-Off page.

use super::*;
use crate::base::clock::Clock;

fn path(link: &Token) -> String {
    format!("/i/{}", link.reveal())
}

#[tokio::test]
async fn a_link_becomes_an_account_that_stands_on_the_drop_off_page() {
    let house = House::new();
    let (id, link) = house.invite("kim@partner.example").await;
    let mut browser = house.browser();

    let page = browser.get(&path(&link)).await;
    page.says(StatusCode::OK, "Ana &lt;Berg&gt;");
    page.says(StatusCode::OK, "value=\"kim@partner.example\" readonly");
    page.says(StatusCode::OK, "value=\"Kim Roe\"");
    page.says(StatusCode::OK, "valid until 8 December 2026, 13:45 UTC");

    let fields = [("name", "Kim Roe"), ("password", GOOD_PASSWORD), ("form", &page.form())];
    let opened = browser.post(&path(&link), &fields).await;
    opened.leads_to("/dropoff");
    assert!(matches!(house.state(id), State::Accepted { .. }));
    assert_eq!(house.queue.len(), 2, "two notices wait to be sent");

    browser.get("/").await.leads_to("/dropoff");
    let arrived = browser.get("/dropoff").await;
    arrived.says(StatusCode::OK, "Kim Roe</span>");
    arrived.says(StatusCode::OK, "value=\"ana@corp.example\" checked");
}

#[tokio::test]
async fn looking_changes_nothing() {
    let house = House::new();
    let (id, link) = house.invite("kim@partner.example").await;
    let before = house.state(id);
    let mut browser = house.browser();
    for _ in 0..50 {
        assert_eq!(browser.get(&path(&link)).await.status, StatusCode::OK);
        let head = browser.head(&path(&link)).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    }
    assert_eq!(house.state(id), before);
}

#[tokio::test]
async fn a_form_that_is_not_ours_opens_nothing() {
    let house = House::new();
    let (id, link) = house.invite("kim@partner.example").await;
    let before = house.state(id);
    let fields = [("name", "Kim"), ("password", GOOD_PASSWORD)];

    // No cookie and no field; a field without its cookie; a cookie without its field; another browser's field.
    house.browser().post(&path(&link), &fields).await.says(StatusCode::FORBIDDEN, "could not be accepted");
    let form = house.browser().get(&path(&link)).await.form();
    let stolen = [("name", "Kim"), ("password", GOOD_PASSWORD), ("form", &form)];
    assert_eq!(house.browser().post(&path(&link), &stolen).await.status, StatusCode::FORBIDDEN);
    let mut browser = house.browser();
    browser.get(&path(&link)).await;
    assert_eq!(browser.post(&path(&link), &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&path(&link), &stolen).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.state(id), before);
}

#[tokio::test]
async fn a_form_sent_from_another_site_is_refused_even_with_everything_right() {
    let house = House::new();
    let (_, link) = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    let form = browser.get(&path(&link)).await.form();
    for (header, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = request(Method::POST, &path(&link))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header, value);
        let body = format!("name=Kim&password={}&form={form}", encoded(GOOD_PASSWORD));
        assert_eq!(browser.send(request, Body::from(body)).await.status, StatusCode::FORBIDDEN, "{header}");
    }
}

#[tokio::test]
async fn a_weak_password_costs_nothing_but_itself() {
    let house = House::new();
    let (id, link) = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    let fields = [("name", "Kim \"K\" Roe"), ("password", "short")];
    let page = browser.fill_in(&path(&link), &path(&link), &fields).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "id=\"password-fault\"");
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "value=\"Kim &quot;K&quot; Roe\"");
    assert!(!page.text.contains("short"));
    // A form that came back is the sign of a person.
    assert!(matches!(house.state(id), State::Opened { .. }));

    let fields = [("name", " "), ("password", GOOD_PASSWORD)];
    let page = browser.fill_in(&path(&link), &path(&link), &fields).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "Please enter your name.");

    let fields = [("name", "Kim"), ("password", GOOD_PASSWORD)];
    browser.fill_in(&path(&link), &path(&link), &fields).await.leads_to("/dropoff");
}

#[tokio::test]
async fn four_pages_say_why_a_link_opens_nothing() {
    let house = House::new();
    let mut browser = house.browser();

    let unknown = path(&Token::fresh().unwrap());
    browser.get(&unknown).await.says(StatusCode::NOT_FOUND, "This link is not known");
    browser.get("/i/short").await.says(StatusCode::NOT_FOUND, "This link is not known");

    let (_, used) = house.invite("kim@partner.example").await;
    let fields = [("name", "Kim"), ("password", GOOD_PASSWORD)];
    browser.fill_in(&path(&used), &path(&used), &fields).await.leads_to("/dropoff");
    let page = house.browser().get(&path(&used)).await;
    page.says(StatusCode::GONE, "This invitation has been used");
    page.says(StatusCode::GONE, "action=\"/sign-in\"");
    page.says(StatusCode::GONE, "value=\"kim@partner.example\"");

    let (id, withdrawn) = house.invite("lee@partner.example").await;
    let mut batch = Batch::new();
    let old = house.invites.by_id(id).unwrap().unwrap();
    assert!(house.invites.mark_withdrawn(&mut batch, &old, house.clock.now()).unwrap());
    house.store.commit(batch).await.unwrap();
    browser.get(&path(&withdrawn)).await.says(StatusCode::GONE, "This invitation was withdrawn");

    let (_, expired) = house.invite("max@partner.example").await;
    let form = browser.get(&path(&expired)).await.form();
    house.clock.advance(Lifespan::days(14).duration() + Duration::from_secs(1));
    browser.get(&path(&expired)).await.says(StatusCode::GONE, "This link has expired");
    let fields = [("name", "Max"), ("password", GOOD_PASSWORD), ("form", &form)];
    browser.post(&path(&expired), &fields).await.says(StatusCode::GONE, "This link has expired");
}

#[tokio::test]
async fn who_has_an_account_already_is_led_to_sign_in() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let (id, link) = house.invite("kim@partner.example").await;
    let fields = [("name", "Kim"), ("password", GOOD_PASSWORD)];
    let page = house.browser().fill_in(&path(&link), &path(&link), &fields).await;
    page.says(StatusCode::CONFLICT, "You have an account already");
    assert!(matches!(house.state(id), State::Accepted { .. }));
    assert_eq!(house.accounts.list(None, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn two_who_send_the_same_link_at_once_get_one_account() {
    let house = House::new();
    let (_, link) = house.invite("kim@partner.example").await;
    let (mut one, mut other) = (house.browser(), house.browser());
    let fields = [("name", "Kim"), ("password", GOOD_PASSWORD)];
    let path = path(&link);
    let (one, other) = tokio::join!(one.fill_in(&path, &path, &fields), other.fill_in(&path, &path, &fields));
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::GONE]);
    assert_eq!(house.accounts.list(None, 10).unwrap().len(), 1);
}
