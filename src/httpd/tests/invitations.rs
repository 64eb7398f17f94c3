//! What a staff member has sent, and what can be done about it.

use super::*;
use std::fmt::Write as _;

const ANA: &str = "ana@corp.example";

async fn at_work() -> (House, Browser) {
    let house = House::new();
    house.account(Kind::Staff, ANA).await;
    let browser = signed_in(&house, ANA).await;
    (house, browser)
}

async fn signed_in(house: &House, address: &str) -> Browser {
    let mut browser = house.browser();
    let fields = [("address", address), ("password", GOOD_PASSWORD)];
    browser.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/invitations");
    browser
}

#[tokio::test]
async fn the_last_one_stands_first_and_can_be_found() {
    let (house, mut browser) = at_work().await;
    browser.get("/invitations").await.says(StatusCode::OK, "You have not invited anybody yet.");
    for number in 0..=crate::tending::mine::PAGE {
        house.invite(&format!("kim{number}@partner.example")).await;
    }
    let (id, _) = house.invite("Lee+1@other.example").await;
    house.renewals.tending().withdraw(id).await.unwrap();

    let page = browser.get("/invitations").await;
    let places: Vec<_> =
        ["Lee+1@", "kim50@", "kim2@"].iter().map(|one| page.text.find(one).expect(one)).collect();
    assert!(places.is_sorted() && !page.text.contains("kim1@"), "fifty on a page");
    let (_, rest) = page.text.split_once("&amp;before=").unwrap();
    let next = format!("/invitations?before={}", rest.split('"').next().unwrap());
    let older = browser.get(&next).await;
    assert!(older.text.contains("kim1@") && older.text.contains("kim0@") && !older.text.contains("kim2@"));

    let mut encoded = String::new();
    "lee+1@OTHER".bytes().for_each(|octet| write!(encoded, "%{octet:02x}").unwrap());
    for (query, count) in
        [(encoded.as_str(), 1), ("drawings&state=withdrawn", 1), ("kim7&state=withdrawn", 0), ("kim7@", 1)]
    {
        let page = browser.get(&format!("/invitations?search={query}")).await;
        assert_eq!(page.text.matches("<th scope=\"row\">").count(), count, "{query}");
    }
    browser.get("/invitations?search=nobody").await.says(StatusCode::OK, "No invitation fits.");
}

/// Whether Ana may invite.
async fn allow(house: &House, invite: bool) {
    let address = Address::parse("ana@corp.example").unwrap();
    let ana = house.accounts.by_address(&address).unwrap().unwrap();
    let rights = Rights { invite, ..ana.value.rights };
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &ana, &Account { rights, ..ana.value.clone() }).unwrap();
    house.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn an_invitation_is_tended_by_its_inviter_only() {
    let (house, mut browser) = at_work().await;
    let (id, _) = house.invite("kim@partner.example").await;
    let place = format!("/invitations/{id}");
    browser.get(&place).await.says(StatusCode::OK, "250 2.0.0 fine");
    // Who may not invite may take back, and nothing else.
    let post = |button: &str| format!("{place}/{button}");
    for (button, field) in [("resend", None), ("extend", Some(("days", "1")))] {
        let answer = browser.fill_in(&place, &post(button), field.as_slice()).await;
        answer.says(StatusCode::FORBIDDEN, "You may not send invitations");
    }
    let right = [("address", "lee@partner.example")];
    let answer = browser.fill_in(&place, &post("address"), &right).await;
    answer.says(StatusCode::UNPROCESSABLE_ENTITY, "may not send invitations; please ask your administrator");
    allow(&house, true).await;

    let answer = browser.fill_in(&place, &post("extend"), &[("days", "400")]).await;
    answer.says(StatusCode::UNPROCESSABLE_ENTITY, "400 more days are too many");
    answer.says(StatusCode::UNPROCESSABLE_ENTITY, "value=\"400\"");
    browser
        .fill_in(&place, &post("extend"), &[("days", "ten")])
        .await
        .says(StatusCode::UNPROCESSABLE_ENTITY, "one day or more");
    browser.fill_in(&place, &post("extend"), &[("days", "20")]).await.leads_to(&format!("{place}?extended"));
    browser.fill_in(&place, &post("resend"), &[]).await.leads_to(&format!("{place}?resent"));
    browser.get(&format!("{place}?resent")).await.says(StatusCode::OK, "A fresh link is on its way.");
    assert_eq!(house.queue.len(), 1);
    // Nobody's mailbox is filled by a button.
    let again = browser.fill_in(&place, &post("resend"), &[]).await;
    again.says(StatusCode::UNPROCESSABLE_ENTITY, "just now");
    assert_eq!(house.queue.len(), 1);

    house.account(Kind::Staff, "ben@corp.example").await;
    let mut ben = signed_in(&house, "ben@corp.example").await;
    assert!(!ben.get("/invitations").await.text.contains("kim@partner.example"));
    for button in ["withdraw", "resend", "extend", "address"] {
        let fields = [("days", "1"), ("address", "lee@partner.example")];
        let answer = ben.fill_in("/invitations", &post(button), &fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{button}");
    }
    assert_eq!(ben.get(&place).await.status, StatusCode::NOT_FOUND);
    assert!(matches!(house.state(id), State::Sent(_) | State::Queued));

    browser.fill_in(&place, &post("withdraw"), &[]).await.leads_to(&format!("{place}?withdrawn"));
    assert!(matches!(house.state(id), State::Withdrawn { .. }));
    let over = browser.get(&place).await;
    over.says(StatusCode::OK, "Nothing is left to do");
    assert!(!over.text.contains("/resend"));
}

#[tokio::test]
async fn an_address_that_mail_came_back_from_is_corrected() {
    let house = House::with("[invite]\ncheck_domains = false\n");
    house.account(Kind::Staff, ANA).await;
    let mut browser = signed_in(&house, ANA).await;
    allow(&house, true).await;
    let (id, link) = house.invite("kin@partner.example").await;
    let old = house.invites.by_id(id).unwrap().unwrap();
    let mut batch = Batch::new();
    let now = house.clock.now();
    assert!(house.invites.mark_bounced(&mut batch, &old, now, "550 5.1.1 no such user").unwrap());
    house.store.commit(batch).await.unwrap();

    let place = format!("/invitations/{id}");
    let post = format!("{place}/address");
    // What came back leads the eye to what mends it.
    browser.get(&place).await.says(StatusCode::OK, "open>\n<summary>Correct the address</summary>");
    for (wrong, why) in [
        ("kim", "“kim” is not a mail address: it has no @"),
        ("kim@corp.example", "is an address of your own organisation"),
        ("kin@partner.example", "kin@partner.example has an invitation of"),
    ] {
        let answer = browser.fill_in(&place, &post, &[("address", wrong)]).await;
        answer.says(StatusCode::UNPROCESSABLE_ENTITY, why);
        answer.says(StatusCode::UNPROCESSABLE_ENTITY, &format!("value=\"{wrong}\""));
    }
    assert!(matches!(house.state(id), State::Bounced { .. }));

    let right = [("address", " kim@partner.example ")];
    browser.fill_in(&place, &post, &right).await.leads_to(&format!("{place}?corrected"));
    let page = browser.get(&format!("{place}?corrected")).await;
    page.says(StatusCode::OK, "The address is corrected");
    page.says(StatusCode::OK, "<dd class=\"address\">kim@partner.example</dd>");
    let guest = house.browser().get(&format!("/i/{}", link.reveal())).await;
    assert_eq!(guest.status, StatusCode::GONE, "the link that went to the wrong address");
    assert_eq!(house.queue.len(), 1, "the fresh link");
}
