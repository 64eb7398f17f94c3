//! The page for administrators says how the gateway stands: what waits and why, what was invited, what is wrong with a
//! text, and which switches win over the file.

use std::fs;

use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House, PASSWORD};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_badly_is_told_with_the_words_of_who_said_it() {
    let house = House::open().await;
    house.invite("lee@partner.example").await;
    let mut admin = house.administrator().await;
    let page = admin.get("/admin").await.assert(200);
    for words in
        ["Postern 0.1.0", "0 h 0 min", "for mail clients", "for browsers", "valid until", "No file of your"]
    {
        assert!(page.words().contains(words), "no “{words}” in {}", page.words());
    }
    assert!(page.words().contains("Sent 1 "), "{}", page.words());
    assert!(!page.words().contains("win over the file"));

    house.hop.when(KIM, Conduct::ReplyTimes(1, "450 4.2.1 the mailbox is being moved"));
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    let words = "partner.example 450 4.2.1 the mailbox is being moved (1 recipient, tried 1 time)";
    admin.until_it_says("/admin", words).await;
    house.postern(&["switch", "set", "invite.lifespan", "30 days"]).await.unwrap();
    admin.get("/admin").await.assert_says("invite.lifespan is 30 days; the file says 14 days.");
    fs::create_dir_all(house.templates().join("page")).unwrap();
    fs::write(house.templates().join("page/used.html"), "one\n{{ nobody_knows_this }}").unwrap();
    admin.until_it_says("/admin", "page/used.html , line 2: there is no “nobody_knows_this”").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_for_administrators() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    let mut kim = house.browser();
    house.activate(&mut kim, &link, "Kim Kerr", "seven bridges over the moat").await.assert(303);
    let mut alice = house.browser();
    house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    let mut admin = house.administrator().await;
    for page in ["", "/switches", "/people", "/invitations", "/dropoffs", "/queue"] {
        let page = format!("/admin{page}");
        admin.get(&page).await.assert(200);
        assert_eq!((kim.get(&page).await.status, alice.get(&page).await.status), (403, 403), "{page}");
        house.browser().get(&page).await.assert(303);
    }
    house.close().await;
}
