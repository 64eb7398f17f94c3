//! An internal invitation: the colleague proves the organisation's own password, and nobody chooses another one here.

use std::sync::Arc;

use crate::harness::house::{ALICE, BOB, House, INVITE, LINK, PASSWORD};
use crate::harness::letter::Letter;
use crate::harness::people::People;
use crate::harness::reading::Arrived;

const INTERNAL: &str = "invite-internal@corp.example";
const DORA: &str = "dora@corp.example";
const EMIL: &str = "emil@corp.example";
const KIM: &str = "kim@partner.example";

/// Dora and Emil are in the directory and have no account here; Alice may invite colleagues.
async fn house() -> (House, Arc<People>) {
    let people = People::named(&[("Dora Dale", DORA), ("Emil Ode", EMIL)]);
    let house = House::open_for(&people, |_| ()).await;
    house.postern(&["account", "allow", "invite-internal", ALICE]).await.unwrap();
    (house, people)
}

/// Alice invites these colleagues. Gives the code and the words of the answer.
async fn invited(house: &House, colleagues: &[&str]) -> (u16, String) {
    let letter = Letter::new("Come in").to(colleagues[0]).cc(INTERNAL);
    let recipients: Vec<&str> = colleagues.iter().copied().chain([INTERNAL]).collect();
    let answer = house.send(&recipients, &letter.octets()).await;
    (answer.code, answer.lines.join(" "))
}

async fn link_for(house: &House, colleague: &str) -> String {
    let arrived = house.hop.wait_for_mail_to(colleague).await;
    house.settled().await;
    Arrived::new(&arrived.octets).link(LINK)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_comes_in_with_the_password_of_the_directory() {
    let (house, _people) = house().await;
    assert_eq!(invited(&house, &[DORA]).await.0, 250);
    let link = link_for(&house, DORA).await;
    let mut browser = house.browser();
    let page = browser
        .get(&link)
        .await
        .assert(200)
        .assert_says("The one you have already")
        .assert_says("Alice Archer");
    let form = page.form("/i/").fill("password", "not the one");
    browser.submit(&form).await.assert(422).assert_says("do not belong together");
    let listed = house.postern(&["account", "list"]).await.unwrap();
    assert!(!listed.contains(DORA), "a wrong password makes no account: {listed}");

    let page = browser.submit(&form.fill("password", PASSWORD)).await.assert(303);
    assert_eq!(page.header("location"), Some("/invitations"));
    browser.get("/invitations").await.assert(200).assert_says("Dora Dale");
    let shown = house.postern(&["account", "show", DORA, "--json"]).await.unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["directory"], &shown["guest"], &shown["may_invite"]),
        (&true.into(), &false.into(), &true.into())
    );
    let notice = house.hop.wait_for_mail_to(ALICE).await;
    assert!(Arrived::new(&notice.octets).field("Subject").unwrap().contains("Dora Dale has accepted"));

    // The link has done its work, also for whoever finds it.
    house.browser().get(&link).await.assert(410).assert_says("has been used");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_opens_nothing_to_anybody_else_and_takes_no_new_password() {
    let (house, _people) = house().await;
    assert_eq!(invited(&house, &[DORA]).await.0, 250);
    let link = link_for(&house, DORA).await;

    // Bob is signed in, and is told for whom it is.
    let mut browser = house.browser();
    house.sign_in(&mut browser, BOB, PASSWORD).await.assert(303);
    browser.get(&link).await.assert(200).assert_says(BOB).assert_says("this invitation is for");
    let id = house.invitation_of(DORA).await;
    let page = browser.get(&format!("/join/{id}")).await.assert(403).assert_says("for somebody else");
    assert!(!page.words().contains(DORA), "{}", page.words());

    // The form that opens accounts of guests does not open this one.
    let page = browser.get(&link).await.assert(200);
    let mut form = page.form("/i/");
    form.action = link.clone();
    form.fields.push(("name".to_owned(), "Dora".to_owned()));
    browser.submit(&form.fill("password", "a password of her own choice")).await.assert(303);
    let listed = house.postern(&["account", "list"]).await.unwrap();
    assert!(!listed.contains(DORA), "{listed}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_already_presses_a_button() {
    let (house, _people) = house().await;
    assert_eq!(invited(&house, &[DORA]).await.0, 250);
    let link = link_for(&house, DORA).await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, DORA, PASSWORD).await.assert(303);
    let page = browser.get(&link).await.assert(303);
    let page = browser.follow(page).await.assert(200).assert_says("Press the button");
    assert!(house.postern(&["invite", "list"]).await.unwrap().contains("sent"), "looking changes nothing");
    browser.submit(&page.form("/join/")).await.assert(303);
    assert!(house.postern(&["invite", "list"]).await.unwrap().contains("accepted"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_is_asked_to_sign_in() {
    let (house, _people) = house().await;
    assert_eq!(invited(&house, &[BOB]).await.0, 250);
    let arrived = house.hop.wait_for_mail_to(BOB).await;
    let arrived = Arrived::new(&arrived.octets);
    assert!(
        arrived.texts("text/plain")[0].contains("https://postern.corp.example/sign-in"),
        "{}",
        arrived.texts("text/plain")[0]
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_accept_is_not_invited() {
    let (house, people) = house().await;
    let (code, words) = invited(&house, &[DORA, "nobody@corp.example"]).await;
    assert!(
        code == 550 && words.contains("5.1.1") && words.contains("nobody@corp.example"),
        "{code} {words}"
    );
    people.change(EMIL, |emil| emil.is_barred = true);
    let (code, words) = invited(&house, &[EMIL]).await;
    assert!(code == 550 && words.contains(EMIL), "{code} {words}");
    let (code, words) = invited(&house, &[DORA, KIM]).await;
    assert!(code == 550 && words.contains("5.1.3") && words.contains(KIM), "{code} {words}");
    let (code, words) = invited(&house, &[ALICE]).await;
    assert!(code == 550 && words.contains("no colleague is among"), "{code} {words}");
    let letter = Letter::new("Both").to(DORA).cc(INTERNAL).octets();
    let answer = house.send(&[DORA, KIM, INVITE, INTERNAL], &letter).await;
    let words = answer.lines.join(" ");
    assert!(
        answer.code == 550 && words.contains("outside and colleagues at once"),
        "{} {words}",
        answer.code
    );

    // A silence is no "no".
    people.is_down(true);
    let (code, words) = invited(&house, &[DORA]).await;
    assert!(code == 451 && words.contains("4.4.3"), "{code} {words}");
    people.is_down(false);

    // Not without the right to.
    house.postern(&["account", "forbid", "invite-internal", ALICE]).await.unwrap();
    let (code, words) = invited(&house, &[DORA]).await;
    assert!(
        code == 550 && words.contains("5.7.1") && words.contains("may not invite colleagues"),
        "{code} {words}"
    );
    assert!(house.close().await.is_empty(), "nobody was invited");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_directory_nobody_inside_can_be_invited() {
    let house = House::open().await;
    let letter = Letter::new("Come in").to(DORA).cc(INTERNAL).octets();
    let answer = house.send(&[DORA, INTERNAL], &letter).await;
    assert_eq!(answer.code, 550);
    assert!(
        answer
            .lines
            .join(" ")
            .contains("5.1.3 colleagues cannot be invited: this gateway is connected to no directory"),
        "{}",
        answer.lines.join(" ")
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_tag_invites_a_colleague_and_the_wrong_one_is_corrected() {
    let (house, _people) = house().await;
    let tagged = "invite-internal+emil=corp.example@corp.example";
    house.send(&[tagged], &Letter::new("Come in").to(tagged).octets()).await.assert(250);
    let first = link_for(&house, EMIL).await;
    let id = house.invitation_of(EMIL).await;
    let refused = house.postern(&["invite", "address", &id, KIM]).await.unwrap_err();
    assert!(refused.contains("not an address of your organisation"), "{refused}");
    house.postern(&["invite", "address", &id, DORA]).await.unwrap();
    let link = link_for(&house, DORA).await;
    house.browser().get(&first).await.assert(410);
    house.browser().get(&link).await.assert(200).assert_says("Your password at Corp Example");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_page_too_only_the_right_to_invite_colleagues_sends_them_links() {
    let (house, _people) = house().await;
    assert_eq!(invited(&house, &[DORA]).await.0, 250);
    link_for(&house, DORA).await;
    let place = format!("/invitations/{}", house.invitation_of(DORA).await);
    let mut alice = house.browser();
    house.sign_in(&mut alice, ALICE, PASSWORD).await.assert(303);
    let page = alice.get(&place).await.assert(200);
    let resend = page.form(&format!("{place}/resend"));
    let extend = page.form(&format!("{place}/extend")).fill("days", "3");
    let correct = page.form(&format!("{place}/address")).fill("address", EMIL);

    house.postern(&["account", "forbid", "invite-internal", ALICE]).await.unwrap();
    house.hop.take();
    for form in [&resend, &extend] {
        alice.submit(form).await.assert(403).assert_says("You may not send invitations");
    }
    alice.submit(&correct).await.assert(422).assert_says("may not invite colleagues");
    house.settled().await;
    assert!(house.hop.take().is_empty());

    // And the right to invite people outside has nothing to do with it.
    house.postern(&["account", "allow", "invite-internal", ALICE]).await.unwrap();
    house.postern(&["account", "forbid", "invite", ALICE]).await.unwrap();
    for form in [&extend, &resend, &correct] {
        alice.submit(form).await.assert(303);
    }
    link_for(&house, EMIL).await;
    house.close().await;
}
