//! Rights, locks and ends, of staff and of guests, on the command line: who is out is out at once, also out of what
//! was open already.

use crate::harness::command::postern;
use crate::harness::house::{ALICE, House, INVITE};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";
const PASSWORD: &str = "seven bridges over the moat";

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_is_missing_in_the_session_that_is_open() {
    let house = House::open().await;
    let config = house.config();
    let mut client = house.client_of(ALICE).await;
    let letter = Letter::new("Plans").to(LEE).octets();
    for (word, answer, reply) in [("forbid", "may not invite", 550), ("allow", "may invite", 250)] {
        let words = ["account", word, "invite", ALICE];
        postern(&config, &words, "").await.assert_done(&format!("{ALICE} {answer} now.\n"));
        client.mail(ALICE, &[LEE, INVITE], &letter).await.assert(reply);
    }
    client.quit().await;
    let shown = postern(&config, &["account", "show", ALICE, "--json"], "").await;
    let json: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(
        (&json["may_invite"], &json["admin"], &json["guest"]),
        (&true.into(), &false.into(), &false.into())
    );
    assert!(!shown.out.contains("argon2"), "{shown:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_is_locked_is_out_at_once_and_one_who_is_removed_can_come_back() {
    let house = House::open().await;
    let config = house.config();
    let mut browser = house.browser();
    let link = house.invite(KIM).await;
    house.activate(&mut browser, &link, "Kim Kerr", PASSWORD).await.assert(303);
    let listed = postern(&config, &["account", "list", "--guests"], "").await;
    assert_eq!(listed.out, format!("{KIM}  Kim Kerr\n"));
    let shown = postern(&config, &["account", "show", KIM], "").await;
    assert!(shown.succeeded && shown.out.contains(&format!("invited by {ALICE}")), "{shown:?}");

    browser.get("/dropoff").await.assert(200);
    let lock = ["account", "lock", KIM];
    postern(&config, &lock, "").await.assert_done("kim@partner.example is locked out now.\n");
    browser.get("/dropoff").await.assert(303);
    house.sign_in(&mut browser, KIM, PASSWORD).await.assert(422);
    let unlock = ["account", "unlock", KIM];
    postern(&config, &unlock, "").await.assert_done("kim@partner.example can sign in again.\n");
    browser.get("/dropoff").await.assert(303);
    house.sign_in(&mut browser, KIM, PASSWORD).await.assert(303);

    let remove = ["account", "remove", KIM];
    postern(&config, &remove, "").await.assert_done("kim@partner.example has no account any more.\n");
    browser.get("/dropoff").await.assert(303);
    house.hop.take();
    let link = house.invite(KIM).await;
    house.activate(&mut house.browser(), &link, "Kim Kerr", PASSWORD).await.assert(303);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_changed_is_said_in_words_with_and_without_the_daemon() {
    let mut house = House::open().await;
    let config = house.config();
    let link = house.invite(KIM).await;
    house.activate(&mut house.browser(), &link, "Kim Kerr", PASSWORD).await.assert(303);
    for runs in [true, false] {
        if !runs {
            house.begin_to_stop().await.unwrap();
        }
        let nobody = format!(
            "there is no account with the address {LEE}; `postern account list` shows staff, with --guests the guests"
        );
        for words in [["account", "lock", LEE], ["account", "remove", LEE], ["account", "show", LEE]] {
            postern(&config, &words, "").await.assert_refused(&nobody);
        }
        let guest = format!("{KIM} is a guest; only staff can be given rights");
        postern(&config, &["account", "allow", "admin", KIM], "").await.assert_refused(&guest);
    }
    let allow = ["account", "allow", "admin", ALICE];
    postern(&config, &allow, "").await.assert_done("alice@corp.example may administer Postern now.\n");
    house.start().await;
    house.close().await;
}
