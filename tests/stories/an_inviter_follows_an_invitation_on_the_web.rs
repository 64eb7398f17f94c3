//! A staff member signs in, and sees on the page how the invitation stands that went out by mail; a guest's page and a
//! staff's page are not each other's.

use crate::harness::house::{ALICE, House, PASSWORD};

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_inviter_follows_an_invitation_on_the_web() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    let mut alice = house.browser();
    let page = house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    let page = alice.follow(page).await.assert(200).assert_says(KIM);
    assert_eq!(page.path, "/invitations");
    assert_eq!(alice.get("/dropoff").await.status, 403);
    alice.get("/invite").await.assert(200).assert_says("Send invites");

    let mut kim = house.browser();
    house.activate(&mut kim, &link, "Kim Kerr", "seven bridges over the moat").await.assert(303);
    for page in ["/invite", "/invitations", "/guests", "/admin/people"] {
        assert_eq!(kim.get(page).await.status, 403, "{page}");
    }
    let guests = alice.get("/guests").await.assert(200).assert_says(KIM);
    let ended = alice.submit(&guests.form("/guests/")).await.assert(303);
    alice.follow(ended).await.assert(200).assert_says("Nobody yet.");
    assert_ne!(kim.get("/dropoff").await.status, 200, "the account is closed, and its sessions with it");
    house.close().await;
}
