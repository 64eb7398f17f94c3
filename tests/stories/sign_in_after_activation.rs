//! From the link to the portal: the account opens, the Drop-Off page names who invited, and the door stays open for
//! whoever knows the password.

use crate::harness::house::{ALICE, House, PORTAL};

const KIM: &str = "kim@partner.example";
const PASSWORD: &str = "seven bridges over the moat";

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_after_activation() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    let mut browser = house.browser();
    let page = browser.get(&link).await.assert(200).assert_says("Alice Archer").assert_says(ALICE);
    assert!(page.body.contains(KIM), "the address that the account will have: {}", page.body);
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "the token is in the address");
    assert!(page.header("cache-control").unwrap_or_default().contains("no-store"));

    let page = house.activate(&mut browser, &link, "Kim Kerr", PASSWORD).await.assert(303);
    browser.follow(page).await.assert(200).assert_says("Alice Archer").assert_says("Kim Kerr");

    // The session is the browser's, and nobody else's.
    let page = house.browser().get("/dropoff").await;
    assert!(page.status == 303 || page.status == 401, "{}", page.status);

    let page = browser.get("/dropoff").await.assert(200);
    browser.submit(&page.form("/sign-out")).await.assert(303);
    assert_ne!(browser.get("/dropoff").await.status, 200);

    let page = house.sign_in(&mut browser, KIM, PASSWORD).await.assert(303);
    browser.follow(page).await.assert(200).assert_says("Alice Archer");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_hear_that_the_account_is_open() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    house.hop.take();
    house.activate(&mut house.browser(), &link, "Kim\u{7}Kerr", PASSWORD).await.assert(422);
    house.activate(&mut house.browser(), &link, "Kim Kerr", PASSWORD).await.assert(303);

    let to_alice = house.hop.wait_for_mail_to(ALICE).await;
    let to_kim = house.hop.wait_for_mail_to(KIM).await;
    for notice in [&to_alice, &to_kim] {
        assert_eq!(notice.sender, "");
        let notice = crate::harness::reading::Arrived::new(&notice.octets);
        assert_eq!(notice.field("Auto-Submitted").unwrap(), "auto-generated");
        assert_eq!(notice.field("X-Auto-Response-Suppress").unwrap(), "All");
        assert!(notice.texts("text/plain")[0].contains("Kim Kerr"));
    }
    let accepted = crate::harness::reading::Arrived::new(&to_alice.octets);
    assert_eq!(
        accepted.field("In-Reply-To").unwrap(),
        "<plans.1@corp.example>",
        "one thread in her mail program"
    );
    assert!(String::from_utf8_lossy(&to_kim.octets).contains(PORTAL));
    assert_eq!(house.close().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_is_refused_beside_the_field_and_nothing_typed_is_lost() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    let mut browser = house.browser();
    for weak in ["short", "password1234", "kim@partner.example 1"] {
        let page = house.activate(&mut browser, &link, "Kim Kerr", weak).await.assert(422);
        let form = page.form("/i/");
        assert_eq!(form.value("name"), Some("Kim Kerr"));
        assert_eq!(form.value("password"), Some(""), "a password never comes back");
    }
    house.activate(&mut browser, &link, "Kim Kerr", PASSWORD).await.assert(303);
    house.close().await;
}
