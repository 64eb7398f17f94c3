//! What people choose for themselves: a language, and a password that is judged while it is typed.

use crate::auth::Identity;
use crate::base::language::Language;
use crate::httpd::session::SessionFault;

use super::*;

const KIM: &str = "kim@partner.example";

fn kim(house: &House) -> Account {
    house.accounts.by_address(&Address::parse(KIM).unwrap()).unwrap().unwrap().value
}

#[tokio::test]
async fn a_chosen_language_is_that_of_all_pages_from_now_on() {
    let house = House::new();
    house.account(Kind::Guest, KIM).await;
    let mut browser = house.signed_in(KIM).await;
    browser.get("/account").await.says(StatusCode::OK, "<html lang=\"en\">");
    let chosen = browser.fill_in("/account", "/account/language", &[("language", "de")]).await;
    chosen.leads_to("/account?language");
    let page = browser.get("/account?language").await;
    page.says(StatusCode::OK, "E-Mails und Seiten sind von jetzt an in dieser Sprache.");
    page.says(StatusCode::OK, "<option value=\"de\" selected>Deutsch</option>");
    assert_eq!(kim(&house).language, Language::parse("de"));
    // One that there are no texts in is none, and so is the first line of the list.
    for none in ["fr", ""] {
        browser
            .fill_in("/account", "/account/language", &[("language", none)])
            .await
            .leads_to("/account?language");
        assert_eq!(kim(&house).language, None);
        browser.get("/account").await.says(StatusCode::OK, "<html lang=\"en\">");
    }
}

#[tokio::test]
async fn a_password_is_judged_while_it_is_typed() {
    let house = House::new();
    let (_, link) = house.invite(KIM).await;
    let mut browser = house.browser();
    let page = format!("/i/{}", link.reveal());
    let weak = [("password", "kimkimkim"), ("address", KIM), ("name", "Kim Roe")];
    let said = browser.fill_in(&page, "/password-advice", &weak).await;
    assert_eq!(said.header(CONTENT_TYPE), "application/json");
    said.says(StatusCode::OK, "\"fault\":\"This password is easy to guess");
    let good = [("password", GOOD_PASSWORD)];
    browser.fill_in(&page, "/password-advice", &good).await.says(StatusCode::OK, "\"fault\":null");
    browser.get(&page).await.says(StatusCode::OK, "Open your account");
    assert!(
        house.accounts.by_address(&Address::parse(KIM).unwrap()).unwrap().is_none(),
        "nothing is decided"
    );

    house.account(Kind::Guest, KIM).await;
    let mut browser = house.signed_in(KIM).await;
    let personal = [("password", "violet Corp & Sons tractor")];
    let said = browser.fill_in("/account", "/account/password-advice", &personal).await;
    said.says(StatusCode::OK, "does not contain your address or the organisation");
    let foreign = browser.post("/account/password-advice", &good).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "without the hidden field");
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_begins_no_session() {
    let house = House::new();
    house.account(Kind::Guest, KIM).await;
    let lifetime = Duration::from_hours(1);
    let sessions = Sessions::new(house.accounts.clone(), house.store.clone(), house.clock.clone(), lifetime);
    let checked = Identity::from(kim(&house));
    assert!(sessions.begin(&checked, None, None).await.is_ok());

    let old = house.accounts.by_id(checked.account).unwrap().unwrap();
    let credential = Credential::Password(house.passwords.hash(&Secret::new("another one")).await.unwrap());
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &old, &Account { credential, ..old.value.clone() }).unwrap();
    house.accounts.end_sessions(&mut batch, checked.account, None).unwrap();
    house.store.commit(batch).await.unwrap();

    assert!(matches!(sessions.begin(&checked, None, None).await, Err(SessionFault::Changed)));
    assert!(house.accounts.sessions_of(checked.account, house.clock.now()).unwrap().is_empty());
    assert!(sessions.begin(&Identity::from(kim(&house)), None, None).await.is_ok());
}
