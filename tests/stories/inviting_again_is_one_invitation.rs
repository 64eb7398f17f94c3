//! Who is invited again by the same person gets a fresh link of the same invitation. Who has an account is asked to sign
//! in, and finds the inviter among the contacts.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Barrier;

use crate::harness::house::{ALICE, House, INVITE, LINK, PORTAL};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const CAROL: &str = "carol@corp.example";
const PASSWORD: &str = "six geese over the moor";

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_invitee_gets_a_fresh_link_and_either_opens_the_account() {
    let house = House::open().await;
    let first = house.invite(KIM).await;
    house.hop.take();
    let second = house.invite("KIM@partner.example").await;
    assert_ne!(first, second);
    let listed = house.postern(&["invite", "list"]).await.unwrap();
    assert_eq!(listed.lines().count(), 1, "one inviter, one invitee, one invitation:\n{listed}");

    house.browser().get(&second).await.assert(200);
    house.activate(&mut house.browser(), &first, "Kim Kerr", PASSWORD).await.assert(303);
    house.browser().get(&second).await.assert(410).assert_says("has been used");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_mails_at_the_same_moment_are_one_invitation_and_each_link_opens_it() {
    let house = House::open().await;
    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(house.client_of(ALICE).await);
    }
    let together = Arc::new(Barrier::new(clients.len()));
    let sending = clients.into_iter().map(|mut client| {
        let together = Arc::clone(&together);
        tokio::spawn(async move {
            let letter = Letter::new("Plans").to(KIM).cc(INVITE).octets();
            together.wait().await;
            client.mail(ALICE, &[KIM, INVITE], &letter).await.assert(250);
            client.quit().await;
        })
    });
    for sent in sending.collect::<Vec<_>>() {
        sent.await.unwrap();
    }
    house.settled().await;
    let listed = house.postern(&["invite", "list"]).await.unwrap();
    assert_eq!(listed.lines().count(), 1, "one inviter, one invitee, one invitation:\n{listed}");
    let mails = house.hop.take();
    let links: BTreeSet<String> = mails.iter().map(|mail| Arrived::new(&mail.octets).link(LINK)).collect();
    assert_eq!(links.len(), 12, "a link for each mail");
    for link in &links {
        house.browser().get(link).await.assert(200);
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_invitation_is_not_taken_up_again() {
    let house = House::open().await;
    let first = house.invite(KIM).await;
    house.hop.take();
    let id = house.invitation_of(KIM).await;
    house.postern(&["invite", "withdraw", &id]).await.unwrap();
    let second = house.invite(KIM).await;
    house.browser().get(&first).await.assert(410).assert_says("withdrawn");
    house.browser().get(&second).await.assert(200);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_with_an_account_is_asked_to_sign_in_and_has_one_contact_more() {
    let house = House::open().await;
    house.hire("Carol Carter", CAROL).await;
    let link = house.invite(KIM).await;
    house.activate(&mut house.browser(), &link, "Kim Kerr", PASSWORD).await.assert(303);
    house.settled().await;
    house.hop.take();

    let letter = Letter::new("More plans").from(CAROL).to(KIM).cc(INVITE);
    let mut carol = house.client_of(CAROL).await;
    carol.mail(CAROL, &[KIM, INVITE], &letter.octets()).await.assert(250);
    let mail = house.hop.wait_for_mail_to(KIM).await;
    let mail = Arrived::new(&mail.octets);
    assert!(mail.links(LINK).is_empty(), "no link to another account");
    mail.link(&format!("{PORTAL}/sign-in"));
    let text = &mail.texts("text/plain")[0];
    assert!(text.contains("You have an account") && !text.contains("open your account"), "{text}");

    let mut browser = house.browser();
    house.sign_in(&mut browser, KIM, PASSWORD).await.assert(303);
    browser.get("/dropoff").await.assert(200).assert_says(CAROL).assert_says(ALICE);
    house.close().await;
}
