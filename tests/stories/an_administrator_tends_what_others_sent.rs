//! What others have sent is in an administrator's hands: invitations of everybody, mail that waits, and files that
//! guests have left.

use std::fs;
use std::time::Duration;

use crate::harness::browser::{Browser, Page};
use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House, PASSWORD};
use crate::harness::letter::Letter;
use crate::harness::wire::PATIENCE;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";
const INVITATIONS: &str = "/admin/invitations";

/// Presses the button that leads there, on the page at `place`. Gives the page behind it.
async fn press(admin: &mut Browser, place: &str, action: &str) -> Page {
    let form = admin.get(place).await.assert(200).form(action);
    let pressed = admin.submit(&form).await;
    admin.follow(pressed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_of_everybody_are_found_and_changed() {
    let house = House::open().await;
    house.hire("Ann Archer", "ann@corp.example").await;
    house.invite(KIM).await;
    let link = house.invite(LEE).await;
    house.hop.take();
    let mut admin = house.administrator().await;
    let all = admin.get(INVITATIONS).await.assert(200).words();
    assert!(all.find(LEE) < all.find(KIM) && all.contains("Alice Archer"), "{all}");
    let by_inviter = admin.get("/admin/invitations?search=alice%40corp").await.assert(200).words();
    assert!(by_inviter.contains(KIM) && by_inviter.contains(LEE), "{by_inviter}");
    let by_invitee = admin.get("/admin/invitations?search=kim").await.assert(200).words();
    assert!(by_invitee.contains(KIM) && !by_invitee.contains(LEE), "{by_invitee}");
    let none = admin.get("/admin/invitations?state=withdrawn").await.assert(200);
    none.assert_says("No invitation fits.");

    let id = house.invitation_of(LEE).await;
    let place = format!("{INVITATIONS}/{id}");
    admin.get(&place).await.assert(200).assert_says(ALICE);
    // Bob has not sent it, and may not invite: as a member of the staff it is not there for him.
    admin.get(&format!("/invitations/{id}")).await.assert(404);
    press(&mut admin, &place, &format!("{place}/resend")).await.assert_says("A fresh link is on its way.");
    let fresh = house.fresh_link(LEE).await;
    assert_ne!(link, fresh);
    press(&mut admin, &place, &format!("{place}/extend")).await.assert_says("The invitation has more time.");
    let correct = admin.get(&place).await.form(&format!("{place}/address"));
    let corrected = admin.submit(&correct.fill("address", "lea@partner.example")).await.assert(303);
    admin.follow(corrected).await.assert_says("The address is corrected");
    let right = house.fresh_link("lea@partner.example").await;
    house.browser().get(&right).await.assert(200);
    press(&mut admin, &place, &format!("{place}/withdraw")).await.assert_says("The invitation is withdrawn");
    house.browser().get(&right).await.assert(410).assert_says("withdrawn");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_waits_is_tried_held_released_and_dropped() {
    let house = House::open().await;
    let mut admin = house.administrator().await;
    admin.get("/admin/queue").await.assert(200).assert_says("Nothing waits");
    house.hop.when(KIM, Conduct::Reply("450 4.2.1 the mailbox is being moved"));
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    admin.until_it_says("/admin/queue", "being moved").await;
    let listed = house.postern(&["queue", "list"]).await.unwrap();
    let id = listed.split_whitespace().next().unwrap().to_owned();
    let place = format!("/admin/queue/{id}");
    let page = admin.get(&place).await.assert(200).assert_says("the mailbox is being moved");
    assert!(page.words().contains(ALICE) && page.words().contains("1 time"), "{}", page.words());

    press(&mut admin, &place, &format!("{place}/hold"))
        .await
        .assert(200)
        .assert_says("is held until you release it");
    let mut retry = admin.get(&place).await.form(&format!("{place}/drop"));
    retry.action = format!("{place}/retry");
    admin.submit(&retry).await.assert(409).assert_says("Nothing was changed");
    let mut alice = house.browser();
    house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    alice.submit(&retry).await.assert(403);
    press(&mut admin, &place, &format!("{place}/release")).await.assert(200).assert_says("It goes on now.");
    let held = async {
        // It may be on its way for the moment of an attempt.
        while house.postern(&["queue", "hold", &id]).await.is_err() {}
    };
    tokio::time::timeout(PATIENCE, held).await.unwrap();
    press(&mut admin, &place, &format!("{place}/drop")).await.assert(200).assert_says("nobody gets it");
    house.settled().await;
    admin.get(&place).await.assert(404);
    assert!(house.close().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_has_left_is_listed_and_deleted_and_never_shown() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    let mut kim = house.browser();
    house.activate(&mut kim, &link, "Kim Kerr", "seven bridges over the moat").await.assert(303);
    let mut admin = house.administrator().await;
    admin.get("/admin/dropoffs").await.assert(200).assert_says("No guest has left anything yet.");
    let form = kim.get("/dropoff").await.assert(200).form("/dropoff").fill("subject", "Plans");
    kim.submit_with_file(&form, "files", "bridge.txt", "the plans of the bridge").await.assert(303);
    house.settled().await;
    let page = admin.get("/admin/dropoffs").await.assert(200).assert_says(KIM);
    let words = page.words();
    for told in [ALICE, "1 (23 octets)", "Kept"] {
        assert!(words.contains(told), "no “{told}” in {words}");
    }
    assert!(!words.contains("bridge") && !page.body.contains("/received/"), "{words}");

    let mut alice = house.browser();
    house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    alice.get("/received").await.assert(200).assert_says("Kim Kerr");
    press(&mut admin, "/admin/dropoffs", "/admin/dropoffs/").await.assert(200).assert_says("It is deleted");
    alice.get("/received").await.assert(200).assert_says("Nothing has arrived yet");
    admin.get("/admin").await.assert(200).assert_says("Kept 0, 0 octets");
    let blobs = house.config().with_file_name("state").join("blobs");
    let gone = async {
        while fs::read_dir(&blobs).unwrap().next().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the octets go too");
    house.close().await;
}
