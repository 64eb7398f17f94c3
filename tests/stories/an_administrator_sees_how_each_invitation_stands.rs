//! `postern invite`: how every invitation stands, in words and for scripts; and more time for those that need it.

use std::time::Duration;

use serde_json::Value;

use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, BOB, House, INVITE};
use crate::harness::letter::Letter;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn each_is_listed_with_its_state_and_the_words_of_the_next_hop() {
    let house = House::open().await;
    house.hop.when("gone@partner.example", Conduct::Reply("550 5.1.1 nobody of that name"));
    let link = house.invite("kim@partner.example").await;
    house.activate(&mut house.browser(), &link, "Kim Kerr", "six geese over the moor").await.assert(303);
    house.invite("lee@partner.example").await;
    let letter = Letter::new("Plans of the west wing").to("gone@partner.example").cc(INVITE);
    house.send(&["gone@partner.example", INVITE], &letter.octets()).await.assert(250);
    house.settled().await;

    let listed = house.postern(&["invite", "list"]).await.unwrap();
    let states: Vec<_> = listed.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(states, ["accepted", "sent", "bounced"], "{listed}");

    let json = house.postern(&["invite", "list", "--json", "--state", "bounced"]).await.unwrap();
    let bounced: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(bounced.as_array().unwrap().len(), 1);
    assert_eq!(bounced[0]["invitee"]["address"], "gone@partner.example");
    assert!(bounced[0]["words"].as_str().unwrap().contains("nobody of that name"), "{json}");

    let none = house.postern(&["invite", "list", "--inviter", BOB]).await.unwrap();
    assert_eq!(none, "There are no such invitations.\n");
    assert_eq!(house.postern(&["invite", "list", "--inviter", ALICE]).await.unwrap(), listed);

    let id = house.invitation_of("lee@partner.example").await;
    let shown = house.postern(&["invite", "show", &id]).await.unwrap();
    for words in ["Plans of the east wing", "lee@partner.example", "valid until", "2026-12-08T", "250"] {
        assert!(shown.contains(words), "no “{words}” in\n{shown}");
    }
    let unknown = house.postern(&["invite", "show", "01999999999979999999999999999999"]).await.unwrap_err();
    assert!(unknown.contains("There is no invitation"), "{unknown}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_days_count_from_the_end_and_after_it_from_now() {
    let house = House::open().await;
    let link = house.invite("kim@partner.example").await;
    let id = house.invitation_of("kim@partner.example").await;
    house.postern(&["invite", "extend", &id, "7"]).await.unwrap();
    house.clock.advance(DAY * 20);
    house.browser().get(&link).await.assert(200);
    house.clock.advance(DAY * 2);
    house.browser().get(&link).await.assert(410).assert_says("expired");

    house.postern(&["invite", "extend", &id, "3"]).await.unwrap();
    house.clock.advance(DAY * 2);
    house.browser().get(&link).await.assert(200);

    let refused = house.postern(&["invite", "extend", &id, "90"]).await.unwrap_err();
    assert!(refused.contains("at most 90 days from now on"), "{refused}");
    let refused = house.postern(&["invite", "extend", &id, "0"]).await.unwrap_err();
    assert!(refused.contains("one day or more"), "{refused}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_link_is_sent_beside_the_first_and_either_opens_the_one_account() {
    let house = House::open().await;
    let first = house.invite("kim@partner.example").await;
    house.hop.take();
    let id = house.invitation_of("kim@partner.example").await;
    let said = house.postern(&["invite", "resend", &id]).await.unwrap();
    assert_eq!(said, "A fresh link is on its way to kim@partner.example.\n");
    let fresh = house.fresh_link("kim@partner.example").await;
    assert_ne!(first, fresh);

    house.browser().get(&fresh).await.assert(200);
    house.activate(&mut house.browser(), &first, "Kim Kerr", "six geese over the moor").await.assert(303);
    for link in [&first, &fresh] {
        house.browser().get(link).await.assert(410).assert_says("has been used");
    }
    let refused = house.postern(&["invite", "resend", &id]).await.unwrap_err();
    assert!(refused.contains("has been used"), "{refused}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_bounced_gets_a_second_chance() {
    let house = House::open().await;
    house.hop.when("kim@partner.example", Conduct::ReplyTimes(1, "550 5.1.1 nobody of that name"));
    let letter = Letter::new("Plans of the west wing").to("kim@partner.example").cc(INVITE);
    house.send(&["kim@partner.example", INVITE], &letter.octets()).await.assert(250);
    house.settled().await;
    let id = house.invitation_of("kim@partner.example").await;
    house.postern(&["invite", "resend", &id]).await.unwrap();
    let fresh = house.fresh_link("kim@partner.example").await;
    house.browser().get(&fresh).await.assert(200);
    let listed = house.postern(&["invite", "list"]).await.unwrap();
    assert!(listed.starts_with(&format!("{id}  sent ")), "{listed}");
    house.close().await;
}
