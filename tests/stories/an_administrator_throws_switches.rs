//! A few settings change while the service runs, on a page or by a command: they hold at once, through a restart, and
//! for everybody, until they are given back to the file.

use std::time::Duration;

use postern::config::Receipts;
use serde_json::Value;

use crate::harness::browser::{Browser, Page};
use crate::harness::client::Answer;
use crate::harness::command::postern;
use crate::harness::house::{ALICE, BOB, House, INVITE, PASSWORD, PORTAL};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";
const SWITCHES: &str = "/admin/switches";
const GUEST_PASSWORD: &str = "seven bridges over the moat";

/// Presses the button of one switch that leads to this end of its address. Gives the page behind it.
async fn press(admin: &mut Browser, key: &str, deed: &str) -> Page {
    let form = admin.get(SWITCHES).await.assert(200).form(&format!("{SWITCHES}/{key}/{deed}"));
    let pressed = admin.submit(&form).await.assert(303);
    admin.follow(pressed).await.assert(200).assert_says("It is done")
}

async fn invite(house: &House, invitee: &str) -> Answer {
    house.send(&[invitee, INVITE], &Letter::new("Plans").to(invitee).cc(INVITE).octets()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_invitations_are_off_nothing_is_sent_by_any_way_and_links_go_on_working() {
    let mut house = House::open().await;
    let link = house.invite(KIM).await;
    let late = house.invite(LEE).await;
    let id = house.invitation_of(KIM).await;
    let mut admin = house.administrator().await;
    press(&mut admin, "invite.enabled", "set").await.assert_says(BOB);
    house.restart().await;

    invite(&house, LEE).await.assert(550);
    let mut alice = house.browser();
    house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    alice.get("/invite").await.assert(403).assert_says("Invitations are switched off");
    let place = format!("/invitations/{id}");
    for deed in ["resend", "extend"] {
        let mut form = alice.get(&place).await.assert(200).form(&format!("{place}/{deed}"));
        if deed == "extend" {
            form = form.fill("days", "3");
        }
        alice.submit(&form).await.assert(422).assert_says("Invitations are switched off");
    }
    for words in
        [&["invite", "resend", &id][..], &["invite", "extend", &id, "3"], &["invite", "address", &id, LEE]]
    {
        let refused = house.postern(words).await.unwrap_err();
        assert!(refused.contains("switched off"), "{refused}");
    }
    house.browser().get(&link).await.assert(200);
    house.activate(&mut house.browser(), &link, "Kim Kerr", GUEST_PASSWORD).await.assert(303);
    house.hop.wait_for_mail_to(ALICE).await;
    house.settled().await;

    house.hop.take();
    house.expire(Duration::from_hours(15 * 24)).await;
    let mut lee = house.browser();
    let ask = lee.get(&late).await.assert(410).form("/i/");
    lee.submit(&ask).await.assert(403).assert_says("No new links at the moment");
    house.settled().await;
    assert!(house.hop.take().is_empty());

    house.postern(&["switch", "reset", "invite.enabled"]).await.unwrap();
    lee.submit(&ask).await.assert(200).assert_says("A new link is on its way");
    alice.get("/invite").await.assert(303);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inviter_s_command_waits_for_the_switch_too() {
    let house = House::open_with(|settings| settings.invite.receipt = Receipts::Always).await;
    invite(&house, KIM).await.assert(250);
    let receipt = house.hop.wait_for_mail_to(ALICE).await;
    house.settled().await;
    let to = Arrived::new(&receipt.octets).field("Reply-To").unwrap();
    house.postern(&["switch", "set", "invite.enabled", "false"]).await.unwrap();
    house.hop.take();
    let answer = Letter::new("Re: Receipt: Plans").to(&to).text("extend 14\r\n");
    house.send(&[to.trim_matches(['<', '>'])], &answer.octets()).await.assert(250);
    let said = house.hop.wait_for_mail_to(ALICE).await;
    assert!(Arrived::new(&said.octets).texts("text/plain")[0].contains("switched off"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inviter_s_yes_waits_for_the_switch_too() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    house.hop.take();
    // So long after the end, a fresh link needs the inviter's yes.
    house.expire(Duration::from_hours(29 * 24)).await;
    let mut kim = house.browser();
    let ask = kim.get(&link).await.assert(410).form("/i/");
    kim.submit(&ask).await.assert(200).assert_says("We have asked Alice Archer");
    let asked = house.hop.wait_for_mail_to(ALICE).await;
    house.settled().await;
    let approval = Arrived::new(&asked.octets).link(&format!("{PORTAL}/r/"));
    let mut alice = house.browser();
    let yes = alice.get(&approval).await.assert(200).form("/r/");
    house.hop.take();

    house.postern(&["switch", "set", "invite.enabled", "false"]).await.unwrap();
    alice.get(&approval).await.assert(403).assert_says("Invitations are switched off");
    alice.submit(&yes).await.assert(403).assert_says("Invitations are switched off");
    house.settled().await;
    assert!(house.hop.take().is_empty());

    house.postern(&["switch", "reset", "invite.enabled"]).await.unwrap();
    alice.submit(&yes).await.assert(200).assert_says("on its way");
    house.browser().get(&house.fresh_link(KIM).await).await.assert(200);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_holds_for_the_next_mail_and_the_next_form() {
    let house = House::open().await;
    let mut admin = house.administrator().await;
    let days = admin.get(SWITCHES).await.assert(200).form("/admin/switches/invite.lifespan/set");
    assert_eq!(days.value("value"), Some("14"));
    for wrong in ["soon", "0", "91", ""] {
        let page = admin.submit(&days.clone().fill("value", wrong)).await.assert(422);
        let page = page.assert_says("Please write a whole number from 1 to 90.");
        assert_eq!(page.form("/admin/switches/invite.lifespan/set").value("value"), Some(wrong));
    }
    admin.submit(&days.fill("value", "30")).await.assert(303);
    press(&mut admin, "invite.receipt", "set").await.assert_says("Everybody who invites");
    press(&mut admin, "registration.verify_email", "set").await;

    invite(&house, KIM).await.assert(250);
    let receipt = house.hop.wait_for_mail_to(ALICE).await;
    assert!(Arrived::new(&receipt.octets).texts("text/plain")[0].contains("24 December 2026"));
    let link = house.fresh_link(KIM).await;
    let mut kim = house.browser();
    let applied = house.activate(&mut kim, &link, "Kim Kerr", GUEST_PASSWORD).await;
    kim.follow(applied).await.assert_says("One step is left.");

    for key in ["invite.lifespan", "invite.receipt", "registration.verify_email"] {
        press(&mut admin, key, "reset").await;
    }
    let listed = house.postern(&["switch", "list"]).await.unwrap();
    assert!(
        listed.lines().count() >= 4 && listed.lines().all(|line| line.ends_with("as the file says")),
        "{listed}"
    );
    house.hop.take();
    invite(&house, LEE).await.assert(250);
    let link = house.fresh_link(LEE).await;
    house.activate(&mut house.browser(), &link, "Lee Lark", GUEST_PASSWORD).await.assert(303);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sets_lists_and_gives_back_with_and_without_the_daemon() {
    let mut house = House::open().await;
    let config = house.config();
    for runs in [true, false] {
        if !runs {
            house.begin_to_stop().await.unwrap();
        }
        let set = ["switch", "set", "invite.lifespan", "30 days", "--json"];
        let said = postern(&config, &set, "").await;
        let json: Value = serde_json::from_str(&said.out).unwrap();
        let one = &json[0];
        assert_eq!(
            (&one["value"], &one["file"], &one["set"]["by"]),
            (&"30 days".into(), &"14 days".into(), &Value::Null)
        );
        let listed = postern(&config, &["switch", "list"], "").await.out;
        assert!(
            listed.contains("30 days, set on the command line on 2026-")
                && listed.contains("the file says 14 days"),
            "{listed}"
        );
        let wrong = ["switch", "set", "invite.enabled", "off"];
        postern(&config, &wrong, "").await.assert_refused("“off” is neither true nor false");
        let unknown = ["switch", "reset", "invite.enable"];
        postern(&config, &unknown, "")
            .await
            .assert_refused("there is no switch invite.enable; `postern switch list` shows all");
        if runs {
            let check = postern(&config, &["check"], "").await;
            assert!(check.succeeded, "{check:?}");
            assert!(
                check.out.contains("-      invite.lifespan is 30 days, set on the command line"),
                "{check:?}"
            );
        }
        let reset = postern(&config, &["switch", "reset", "invite.lifespan"], "").await;
        assert!(reset.out.trim_end().ends_with("14 days, as the file says"), "{reset:?}");
    }
    house.start().await;
    let check = postern(&config, &["check"], "").await;
    assert!(check.out.contains("ok     the switches are as the file says"), "{check:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_are_for_administrators_in_a_form_of_their_own() {
    let house = House::open().await;
    let mut admin = house.administrator().await;
    let form = admin.get(SWITCHES).await.assert(200).form("/admin/switches/invite.enabled/set");
    admin.submit_from("https://evil.example", &form).await.assert(403);
    admin.submit(&form.clone().fill("form", "guessed")).await.assert(403);
    admin.submit(&form.clone().fill("value", "perhaps")).await.assert(422);
    let mut alice = house.browser();
    house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    alice.get(SWITCHES).await.assert(403);
    alice.submit(&form).await.assert(403);
    let nobody = house.browser().get(SWITCHES).await.assert(303);
    assert_eq!(nobody.header("location"), Some("/sign-in?next=/admin/switches"));
    invite(&house, KIM).await.assert(250);
    house.close().await;
}
