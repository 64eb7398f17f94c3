//! What administrators do about people.

use super::*;
use crate::roster::Roster;

const ROOT: &str = "root@corp.example";
const BEN: &str = "ben@corp.example";

/// What the pages change accounts by.
pub(super) fn roster(
    settings: &Settings,
    store: &Store,
    accounts: &Accounts,
    passwords: &Passwords,
    clock: &Arc<dyn Clock>,
) -> Roster {
    let organisation = settings.organisation.clone();
    Roster::new(store.clone(), accounts.clone(), passwords.clone(), organisation, Arc::clone(clock))
}

async fn signed_in(house: &House, address: &str) -> Browser {
    let mut browser = house.browser();
    let fields = [("address", address), ("password", GOOD_PASSWORD)];
    browser.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/invitations");
    browser
}

fn account(house: &House, address: &str) -> Option<Account> {
    house.accounts.by_address(&Address::parse(address).unwrap()).unwrap().map(|account| account.value)
}

#[tokio::test]
async fn an_administrator_allows_locks_and_ends_but_not_himself() {
    let house = House::new();
    house.account(Kind::Staff, ROOT).await;
    house.account(Kind::Staff, BEN).await;
    house.account(Kind::Guest, "kim@partner.example").await;
    let mut ben = signed_in(&house, BEN).await;
    assert_eq!(ben.get("/admin/people").await.status, StatusCode::FORBIDDEN);

    let old = house.accounts.by_address(&Address::parse(ROOT).unwrap()).unwrap().unwrap();
    let mut batch = Batch::new();
    let admin = Account { rights: Rights { admin: true, ..Rights::default() }, ..old.value.clone() };
    house.accounts.replace(&mut batch, &old, &admin).unwrap();
    house.store.commit(batch).await.unwrap();
    let mut root = signed_in(&house, ROOT).await;
    root.get("/admin").await.leads_to("/admin/people");
    let page = root.get("/admin/people?search=BEN").await;
    assert!(page.text.contains(BEN) && !page.text.contains("kim@partner.example"));
    root.get("/admin/people?search=nobody").await.says(StatusCode::OK, "Nobody fits.");

    let id = account(&house, BEN).unwrap().id;
    let place = |deed: &str| format!("/admin/people/{id}/{deed}");
    let done = "/admin/people?done=yes&search=ben%40corp.example";
    root.fill_in("/admin/people", &place("allow"), &[]).await.leads_to(done);
    assert!(account(&house, BEN).unwrap().rights.invite);
    ben.get("/invite").await.says(StatusCode::OK, "Send invites");
    root.fill_in("/admin/people", &place("forbid"), &[]).await.leads_to(done);
    assert_eq!(ben.get("/invite").await.status, StatusCode::FORBIDDEN);
    root.fill_in("/admin/people", &place("lock"), &[]).await.leads_to(done);
    ben.get("/invitations").await.leads_to("/sign-in?next=/invitations");
    root.fill_in("/admin/people", &place("unlock"), &[]).await.leads_to(done);
    signed_in(&house, BEN).await;
    root.fill_in("/admin/people", &place("end"), &[]).await.leads_to(done);
    assert!(account(&house, BEN).is_none());
    let itself = format!("/admin/people/{}/lock", old.value.id);
    assert_eq!(root.fill_in("/admin/people", &itself, &[]).await.status, StatusCode::FORBIDDEN);
    assert!(!account(&house, ROOT).unwrap().locked);
}
