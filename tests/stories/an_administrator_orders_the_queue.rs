//! `postern queue`: what waits and in whose words, and what an administrator can do about it.

use serde_json::Value;

use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";

/// The queue as a script sees it, once each message in it was tried so often.
async fn queue_after(house: &House, attempts: u64) -> Vec<Value> {
    loop {
        let listed = house.postern(&["queue", "list", "--json"]).await.unwrap();
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        if listed.iter().all(|message| message["recipients"][0]["attempts"] == attempts) {
            return listed;
        }
    }
}

async fn post(house: &House, recipient: &str) -> String {
    house.send(&[recipient], &Letter::new("Plans").to(recipient).octets()).await.assert(250);
    queue_after(house, 1).await.last().unwrap()["id"].as_str().unwrap().replace('-', "")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_with_the_words_of_the_hop_and_tried_at_once() {
    let house = House::open().await;
    assert_eq!(house.postern(&["queue", "list"]).await.unwrap(), "Nothing waits.\n");
    house.hop.when(KIM, Conduct::ReplyTimes(1, "450 4.2.1 the mailbox is being moved"));
    let id = post(&house, KIM).await;
    let listed = house.postern(&["queue", "list"]).await.unwrap();
    for words in [id.as_str(), "ordinary", ALICE, KIM, "being moved", "next attempt 2026-11-24T"] {
        assert!(listed.contains(words), "no “{words}” in\n{listed}");
    }
    let shown = house.postern(&["queue", "show", &id]).await.unwrap();
    assert!(shown.contains("tried 1 times") && shown.contains("being moved"), "{shown}");

    let said = house.postern(&["queue", "retry", &id]).await.unwrap();
    assert_eq!(said, format!("The mail to {KIM} is tried now.\n"));
    house.hop.wait_for_mail_to(KIM).await;
    house.settled().await;
    let unknown = house.postern(&["queue", "show", &id]).await.unwrap_err();
    assert!(unknown.contains("there is no message"), "{unknown}");
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_stays_through_a_restart_until_it_is_released() {
    let mut house = House::open().await;
    house.hop.when(KIM, Conduct::ReplyTimes(1, "450 4.2.1 busy"));
    let id = post(&house, KIM).await;
    house.postern(&["queue", "hold", &id]).await.unwrap();
    let refused = house.postern(&["queue", "retry", &id]).await.unwrap_err();
    assert!(refused.contains("it is held"), "{refused}");
    house.restart().await;
    house.clock.advance(std::time::Duration::from_hours(24));
    // Others go on; this one does not.
    house.send(&[LEE], &Letter::new("Plans").to(LEE).octets()).await.assert(250);
    house.hop.wait_for_mail_to(LEE).await;
    let listed = house.postern(&["queue", "list"]).await.unwrap();
    assert!(listed.contains(KIM) && listed.contains("held"), "{listed}");
    assert_eq!(house.hop.deliveries().len(), 1);

    house.postern(&["queue", "release", &id]).await.unwrap();
    house.hop.wait_for_mail_to(KIM).await;
    assert_eq!(house.close().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_reaches_nobody_and_nobody_is_told() {
    let house = House::open().await;
    house.hop.when(KIM, Conduct::Reply("450 4.2.1 busy for ever"));
    for hold_first in [false, true] {
        let id = post(&house, KIM).await;
        if hold_first {
            house.postern(&["queue", "hold", &id]).await.unwrap();
        }
        let said = house.postern(&["queue", "drop", &id, "--json"]).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["recipients"][0], KIM);
        house.settled().await;
    }
    assert_eq!(house.close().await.len(), 0);
}
