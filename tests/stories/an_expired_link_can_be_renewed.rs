//! Who comes too late asks for a fresh link: once without anybody being asked, later with the inviter's yes. It goes to
//! the invited address, whoever presses the button.

use std::time::Duration;

use crate::harness::browser::Browser;
use crate::harness::house::{ALICE, House, PORTAL};
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

/// Presses the button on the page of an expired link. Gives what the page behind it says.
async fn ask(browser: &mut Browser, link: &str, status: u16) -> String {
    let form = browser.get(link).await.assert(410).form("/i/");
    assert!(form.action.ends_with("/renewal"), "{}", form.action);
    browser.submit(&form).await.assert(status).words()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_one_comes_at_once_and_only_by_mail() {
    let house = House::open().await;
    let old = house.invite(KIM).await;
    let thread = Arrived::new(&house.hop.take()[0].octets).field("Message-ID").unwrap();
    house.expire(DAY * 15).await;
    let mut browser = house.browser();
    let said = ask(&mut browser, &old, 200).await;
    assert!(said.contains("A new link is on its way") && said.contains(KIM), "{said}");

    let mail = house.hop.wait_for_mail_to(KIM).await;
    house.settled().await;
    assert_eq!(house.hop.take().len(), 1, "the inviter is not asked");
    let mail = Arrived::new(&mail.octets);
    assert_eq!(mail.field("In-Reply-To").unwrap(), thread);
    assert_eq!(mail.field("Auto-Submitted").unwrap(), "auto-generated");
    let fresh = mail.link(&format!("{PORTAL}/i/"));

    // What has expired stays so: its holder need not be the one who reads that mailbox.
    browser.get(&old).await.assert(410).assert_says("A newer link was sent to");
    let said = ask(&mut browser, &old, 429).await;
    assert!(said.contains("You can ask again from 9 December 2026, 13:37 UTC on"), "{said}");

    house.clock.advance(DAY * 13);
    house.activate(&mut house.browser(), &fresh, "Kim Kerr", "six geese over the moor").await.assert(303);
    browser.get(&old).await.assert(410).assert_says("has been used");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_ones_need_the_yes_of_the_inviter() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    house.hop.take();
    // Two weeks after the end nothing comes without being asked for.
    house.expire(DAY * 29).await;
    let said = ask(&mut house.browser(), &link, 200).await;
    assert!(said.contains("We have asked Alice Archer"), "{said}");
    let mail = house.hop.wait_for_mail_to(ALICE).await;
    house.settled().await;
    assert_eq!(house.hop.take().len(), 1, "the invitee gets nothing yet");
    let approval = Arrived::new(&mail.octets).link(&format!("{PORTAL}/r/"));

    // Scanners may look as often as they like.
    for _ in 0..20 {
        let mut scanner = house.browser();
        scanner.get(&approval).await.assert(200);
        scanner.head(&approval).await.assert(200);
    }
    house.settled().await;
    assert_eq!(house.hop.take().len(), 0);

    let mut alice = house.browser();
    let form = alice.get(&approval).await.assert(200).assert_says(KIM).form("/r/");
    alice.submit(&form).await.assert(200).assert_says("on its way");
    let fresh = house.fresh_link(KIM).await;
    // Twice says the same and sends nothing.
    alice.submit(&form).await.assert(200).assert_says("on its way");
    house.settled().await;
    assert_eq!(house.hop.take().len(), 1);

    // And the next time the inviter is asked again.
    house.expire(DAY * 15).await;
    let said = ask(&mut house.browser(), &fresh, 200).await;
    assert!(said.contains("We have asked Alice Archer"), "{said}");
    let mail = house.hop.wait_for_mail_to(ALICE).await;
    let approval = Arrived::new(&mail.octets).link(&format!("{PORTAL}/r/"));
    house.clock.advance(DAY * 15);
    alice.get(&approval).await.assert(410).assert_says("too old");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_asks_for_nothing() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    house.hop.take();
    house.expire(DAY * 15).await;
    let mut browser = house.browser();
    let form = browser.get(&link).await.form("/i/");
    browser.submit_from("https://elsewhere.example", &form).await.assert(403);
    // Nor does a form without the cookie it was given with.
    house.browser().submit(&form).await.assert(403);
    browser.get(&form.action).await.assert(303);
    house.clock.advance(HOUR);
    assert_eq!(house.close().await.len(), 0);
}
