//! What stands around every page.

use super::*;

#[tokio::test]
async fn the_navigation_shows_what_the_person_may_and_nothing_to_others() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    house.account(Kind::Staff, "ana@corp.example").await;
    assert!(!house.browser().get("/sign-in").await.text.contains("<nav"));

    let mut guest = house.signed_in("kim@partner.example").await;
    let page = guest.get("/dropoff").await;
    page.says(StatusCode::OK, "href=\"/dropoff\" aria-current=\"page\"");
    page.says(StatusCode::OK, "Kim Roe</span>");
    assert!(!page.text.contains("/received"));

    let mut staff = house.signed_in("ana@corp.example").await;
    let page = staff.get("/nowhere").await;
    page.says(StatusCode::NOT_FOUND, "href=\"/received\"");
    for forbidden in ["\"/invite\"", "\"/admin\"", "\"/dropoff\""] {
        assert!(!page.text.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn who_has_signed_out_is_nobody_on_the_very_next_page() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let mut guest = house.signed_in("kim@partner.example").await;
    let form = guest.get("/dropoff").await.form();
    let mut other_tab = Browser { router: house.router.clone(), cookies: guest.cookies.clone() };
    guest.post("/sign-out", &[("form", &form)]).await.leads_to("/sign-in?signed-out");
    assert!(!other_tab.get("/nowhere").await.text.contains("Kim Roe"));
}

#[tokio::test]
async fn every_link_of_the_navigation_leads_to_a_page_that_knows_where_it_is() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    house.account(Kind::Staff, "ana@corp.example").await;
    let ana = house.accounts.by_address(&Address::parse("ana@corp.example").unwrap()).unwrap().unwrap();
    let rights = Rights { invite: true, invite_internal: true, admin: true };
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &ana, &Account { rights, ..ana.value.clone() }).unwrap();
    house.store.commit(batch).await.unwrap();

    for (address, places) in [("kim@partner.example", 3), ("ana@corp.example", 6)] {
        let mut browser = house.signed_in(address).await;
        let frame = browser.get("/nowhere").await.text;
        let (_, nav) = frame.split_once("<nav").unwrap();
        let (nav, _) = nav.split_once("</nav>").unwrap();
        let links: Vec<_> =
            nav.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(links.len(), places);
        for link in links {
            let mut page = browser.get(link).await;
            if page.status.is_redirection() {
                page = browser.get(page.header(LOCATION)).await;
            }
            page.says(StatusCode::OK, "aria-current=\"page\"");
        }
    }
}
