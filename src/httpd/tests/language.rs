//! In which language a page is.

use http::header::ACCEPT_LANGUAGE;

use super::*;
use crate::base::language::Language;

/// A browser that likes German best.
async fn german(browser: &mut Browser, path: &str) -> Page {
    let request = request(Method::GET, path).header(ACCEPT_LANGUAGE, "de-AT,de;q=0.9,en;q=0.1");
    browser.send(request, Body::empty()).await
}

async fn in_language(house: &House, address: &str, language: &str) {
    let old = house.accounts.by_address(&Address::parse(address).unwrap()).unwrap().unwrap();
    let new = Account { language: Language::parse(language), ..old.value.clone() };
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &old, &new).unwrap();
    house.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_likes() {
    let house = House::new();
    let (_, link) = house.invite("kim@partner.example").await;
    let path = format!("/i/{}", link.reveal());
    let mut browser = house.browser();

    browser.get(&path).await.says(StatusCode::OK, "<html lang=\"en\">");
    let page = german(&mut browser, &path).await;
    page.says(StatusCode::OK, "<html lang=\"de\">");
    page.says(StatusCode::OK, "gilt bis zum 8. Dezember 2026, 13:45 Uhr (UTC)");
    german(&mut browser, "/nowhere").await.says(StatusCode::NOT_FOUND, "Diese Seite gibt es nicht");

    let posted = request(Method::POST, &path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT_LANGUAGE, "de");
    let body = format!("name=Kim&password=short&form={}", page.form());
    let answer = browser.send(posted, Body::from(body)).await;
    answer.says(StatusCode::UNPROCESSABLE_ENTITY, "Bitte wählen Sie ein Passwort mit mindestens 8 Zeichen.");
}

#[tokio::test]
async fn the_account_has_the_last_word() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    in_language(&house, "kim@partner.example", "de").await;
    let mut browser = house.signed_in("kim@partner.example").await;
    browser.get("/account").await.says(StatusCode::OK, "<html lang=\"de\">");
    browser.get("/nowhere").await.says(StatusCode::NOT_FOUND, "Diese Seite gibt es nicht");

    in_language(&house, "kim@partner.example", "en").await;
    german(&mut browser, "/account").await.says(StatusCode::OK, "<html lang=\"en\">");
}
