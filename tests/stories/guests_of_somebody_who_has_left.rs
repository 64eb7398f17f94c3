//! Somebody who has invited guests is gone: the manager is asked to answer for them, and guests for whom nobody does
//! end, warned.

use std::sync::Arc;
use std::time::Duration;

use postern::base::address::Address;

use crate::harness::browser::Browser;
use crate::harness::house::{ALICE, BOB, House, INVITE, LINK, PASSWORD};
use crate::harness::letter::Letter;
use crate::harness::people::People;
use crate::harness::reading::Arrived;
use crate::harness::wire::PATIENCE;

const DORA: &str = "dora@corp.example";
const EMIL: &str = "emil@corp.example";
const KIM: &str = "kim@partner.example";
const QUESTION: &str = "https://postern.corp.example/t/";
const HOUR: Duration = Duration::from_hours(1);

/// Dora, whose manager is Emil, has invited Kim, who has an account now.
async fn house() -> (House, Arc<People>, Browser) {
    let people = People::named(&[("Dora Dale", DORA), ("Emil Ode", EMIL)]);
    people.change(DORA, |dora| dora.manager = Some(EMIL.to_owned()));
    let house = House::open_for(&people, |_| ()).await;
    let mut client = house.client_of(DORA).await;
    let letter = Letter::new("Plans of the bridge").from(DORA).to(KIM).cc(INVITE).octets();
    client.mail(DORA, &[KIM, INVITE], &letter).await.assert(250);
    client.quit().await;
    let kim = comes_in(&house).await;
    (house, people, kim)
}

/// Kim follows the link, and opens the account.
async fn comes_in(house: &House) -> Browser {
    let arrived = house.hop.wait_for_mail_to(KIM).await;
    house.settled().await;
    let mut browser = house.browser();
    let link = Arrived::new(&arrived.octets).link(LINK);
    house.activate(&mut browser, &link, "Kim Kerr", "seven bridges over the moat").await.assert(303);
    house.settled().await;
    house.hop.take();
    browser
}

/// The question of the first look, which comes within the first hour: sessions last on.
async fn question(house: &House, to: &str) -> Arrived {
    house.clock.advance(HOUR);
    Arrived::new(&house.hop.wait_for_mail_to(to).await.octets)
}

/// The next mail to somebody, while hours pass.
async fn next_mail(house: &House, to: &str) -> Arrived {
    let arrived = house.while_time_passes(HOUR, house.hop.wait_for_mail_to(to)).await;
    Arrived::new(&arrived.octets)
}

/// Waits until the account of Kim says so.
async fn wait_until_kim_shows(house: &House, words: &str) {
    let shown = async {
        while !house.postern(&["account", "show", KIM]).await.unwrap().contains(words) {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, shown).await.is_ok(), "never “{words}”");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manager_takes_the_guests_over_by_one_button() {
    let (house, people, mut kim) = house().await;
    people.change(DORA, |dora| dora.is_barred = true);
    let mail = question(&house, EMIL).await;
    assert_eq!(mail.field("Subject").unwrap(), "Guests of Dora Dale need somebody to answer for them");
    assert!(mail.texts("text/plain")[0].contains("Kim Kerr (kim@partner.example)"));
    let link = mail.link(QUESTION);

    // The link alone opens nothing: a scanner follows it, and others read the mail.
    let mut stranger = house.browser();
    stranger.get(&link).await.assert(303);
    house.sign_in(&mut stranger, ALICE, PASSWORD).await.assert(303);
    stranger.get(&link).await.assert(403).assert_says("emil@corp.example was asked");

    let mut browser = house.browser();
    house.sign_in(&mut browser, EMIL, PASSWORD).await.assert(303);
    let page = browser.get(&link).await.assert(200).assert_says("Guests of Dora Dale");
    assert!(
        house.postern(&["account", "show", KIM]).await.unwrap().contains(DORA),
        "looking changes nothing"
    );
    let form = page.form("/t/");
    browser.submit(&form).await.assert(200).assert_says("have been taken over");
    browser.submit(&form).await.assert(200).assert_says("have been taken over");
    wait_until_kim_shows(&house, "invited by emil@corp.example").await;
    assert!(!house.postern(&["account", "show", KIM]).await.unwrap().contains(DORA));

    // Emil has the guest on the own page, and the guest has Emil to leave files for.
    browser.get("/guests").await.assert(200).assert_says("Kim Kerr");
    kim.get("/dropoff").await.assert(200).assert_says(EMIL);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_for_whom_nobody_answers_are_warned_and_end() {
    let (house, people, _kim) = house().await;
    people.change(DORA, |dora| {
        dora.is_barred = true;
        dora.manager = None;
    });
    let warning = next_mail(&house, KIM).await;
    assert!(warning.texts("text/plain")[0].contains("nobody else answers for your account"));
    assert!(house.postern(&["account", "show", KIM]).await.is_ok(), "warned first");
    house.settled().await;
    house.hop.take();
    let farewell = next_mail(&house, KIM).await;
    assert_eq!(farewell.field("Subject").unwrap(), "Your account with Corp Example has ended");
    assert!(house.postern(&["account", "show", KIM]).await.is_err(), "the account is gone");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_manager_is_followed_by_who_the_settings_name() {
    let house = House::open_with(|settings| {
        settings.guests.fallback_sponsor = Some(Address::parse(BOB).unwrap());
    })
    .await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE).octets();
    house.send(&[KIM, INVITE], &letter).await.assert(250);
    comes_in(&house).await;
    house.postern(&["account", "lock", ALICE]).await.unwrap();
    let link = question(&house, BOB).await.link(QUESTION);
    // Who is back has the guests back.
    house.postern(&["account", "unlock", ALICE]).await.unwrap();
    let mut bob = house.browser();
    house.sign_in(&mut bob, BOB, PASSWORD).await.assert(303);
    let closed = async {
        loop {
            let page = bob.get(&link).await;
            match page.status {
                200 => house.clock.advance(HOUR),
                303 => drop(house.sign_in(&mut bob, BOB, PASSWORD).await.assert(303)),
                _ => return page,
            }
        }
    };
    let closed = tokio::time::timeout(PATIENCE, closed).await;
    let page = closed.unwrap_or_else(|_| panic!("the question to {BOB} stays open"));
    page.assert(410).assert_says("nothing left to take over");
    assert!(house.postern(&["account", "show", KIM]).await.unwrap().contains(ALICE));
    house.close().await;
}
