//! Whom a staff member answers for.

use crate::config::GuestAccounts;
use crate::sponsoring::succession::Succession;

use super::*;

/// As the daemon makes it, but for its looking: no time passes here.
pub(super) fn succession(parts: succession::Parts) -> Succession {
    let guests = GuestAccounts::default();
    Succession::new(parts, succession::Rules { guests, subject: "Invitation".to_owned() })
}

const ANA: &str = "ana@corp.example";
const KIM: &str = "kim@partner.example";

/// Opens the account of an invitee, as a person does.
async fn activate(house: &House, invitee: &str) {
    let (_, link) = house.invite(invitee).await;
    let place = format!("/i/{}", link.reveal());
    let fields = [("name", "Kim Roe"), ("password", GOOD_PASSWORD)];
    house.browser().fill_in(&place, &place, &fields).await.leads_to("/dropoff");
}

async fn signed_in(house: &House, address: &str) -> Browser {
    house.account(Kind::Staff, address).await;
    let mut browser = house.browser();
    let fields = [("address", address), ("password", GOOD_PASSWORD)];
    browser.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/invitations");
    browser
}

fn account(house: &House, address: &str) -> Option<Account> {
    house.accounts.by_address(&Address::parse(address).unwrap()).unwrap().map(|account| account.value)
}

#[tokio::test]
async fn a_sponsor_ends_what_came_through_the_sponsor_and_no_more() {
    let house = House::new();
    let mut ana = signed_in(&house, ANA).await;
    ana.get("/guests").await.says(StatusCode::OK, "Nobody yet.");
    activate(&house, KIM).await;
    activate(&house, "lee@partner.example").await;
    let lee = Address::parse("lee@partner.example").unwrap();
    let old = house.accounts.by_address(&lee).unwrap().unwrap();
    let mut batch = Batch::new();
    let shared = old.value.with_inviter(&mailbox("Ben", "ben@corp.example"));
    house.accounts.replace(&mut batch, &old, &shared).unwrap();
    house.store.commit(batch).await.unwrap();

    let page = ana.get("/guests").await;
    page.says(StatusCode::OK, KIM);
    page.says(StatusCode::OK, "one other person has");
    let (kim, lee) = (account(&house, KIM).unwrap().id, old.value.id);

    let mut ben = signed_in(&house, "ben@corp.example").await;
    let not_his = ben.fill_in("/guests", &format!("/guests/{kim}/end"), &[]).await;
    assert_eq!(not_his.status, StatusCode::NOT_FOUND);

    for guest in [kim, lee] {
        ana.fill_in("/guests", &format!("/guests/{guest}/end"), &[]).await.leads_to("/guests?ended");
    }
    assert!(account(&house, KIM).is_none(), "nobody else answers for Kim");
    let lee = account(&house, "lee@partner.example").unwrap();
    assert_eq!(lee.inviters.len(), 1);
    assert_eq!(lee.inviters[0].address.to_string(), "ben@corp.example");
    ana.get("/guests?ended").await.says(StatusCode::OK, "access through you has ended");
}
