//! An inviter answers a receipt or a notice with one word, and it is done and answered in the thread.

use crate::harness::client::Answer;
use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@supplier.example";
const RECEIPT: &str = "invite+receipt@corp.example";

/// Alice invites these. Gives where the receipt is answered.
async fn invited(house: &House, people: &[&str]) -> String {
    let letter = Letter::new("Plans").to(&people.join(", ")).cc(RECEIPT);
    let recipients: Vec<&str> = people.iter().copied().chain([RECEIPT]).collect();
    house.send(&recipients, &letter.octets()).await.assert(250);
    let receipt = house.hop.wait_for_mail_to(ALICE).await;
    house.settled().await;
    reply_address(&receipt.octets)
}

fn reply_address(octets: &[u8]) -> String {
    let field = Arrived::new(octets).field("Reply-To").unwrap();
    field.trim_matches(['<', '>']).to_owned()
}

async fn answer(house: &House, to: &str, text: &str) -> Answer {
    let letter = Letter::new("Re: Receipt: Plans").to(to).text(text);
    house.send(&[to], &letter.octets()).await
}

/// What Alice reads in answer to that.
async fn answered(house: &House, to: &str, text: &str) -> String {
    house.hop.take();
    answer(house, to, text).await.assert(250);
    let mail = house.hop.wait_for_mail_to(ALICE).await;
    house.settled().await;
    let mail = Arrived::new(&mail.octets);
    assert_eq!(mail.field("In-Reply-To").unwrap(), "<plans.1@corp.example>");
    mail.texts("text/plain").remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_does_what_it_says() {
    let house = House::open().await;
    let to = invited(&house, &[KIM]).await;
    let old = Arrived::new(&house.hop.take()[0].octets);
    let old = if old.links(LINK).is_empty() { None } else { Some(old.link(LINK)) };
    let said = answered(&house, &to, "extend 14\r\n\r\n> Your message has invited:\r\n").await;
    assert!(said.contains("is valid until 22 December 2026"), "{said}");

    house.hop.take();
    answer(&house, &to, "Resend.\r\n-- \r\nAlice\r\n").await.assert(250);
    let fresh = house.fresh_link(KIM).await;
    house.browser().get(&fresh).await.assert(200);

    let said = answered(&house, &to, "On Tuesday Postern wrote:\r\n> receipt\r\n\r\nwithdraw\r\n").await;
    assert!(said.contains("is withdrawn"), "{said}");
    for link in [Some(fresh), old].into_iter().flatten() {
        house.browser().get(&link).await.assert(410).assert_says("withdrawn");
    }
    let said = answered(&house, &to, "resend\r\n").await;
    assert!(said.contains("The invitation was withdrawn, and stays so"), "{said}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_address_gets_a_link_and_the_wrong_one_is_closed() {
    let house = House::open().await;
    let wrong = house.invite("kmi@partner.example").await;
    house.hop.take();
    house.hop.when(LEE, Conduct::Reply("550 5.1.1 no such user here"));
    let letter = Letter::new("Plans").to(LEE).cc(INVITE);
    house.send(&[LEE, INVITE], &letter.octets()).await.assert(250);
    let to = reply_address(&house.hop.wait_for_mail_to(ALICE).await.octets);
    house.settled().await;

    // What holds for inviting holds here, in the same words.
    let said = answered(&house, &to, "address bob@corp.example\r\n").await;
    assert!(said.contains("is an address of your own organisation"), "{said}");
    let said = answered(&house, &to, "address kim@gmial.com\r\n").await;
    assert!(said.contains("did you mean kim@gmail.com"), "{said}");
    let said = answered(&house, &to, "address kmi@partner.example\r\n").await;
    assert!(said.contains("kmi@partner.example has an invitation of alice@corp.example already"), "{said}");

    let said = answered(&house, &to, "address max@partner.example\r\n").await;
    assert!(said.contains("max@partner.example is invited in place of the former address"), "{said}");
    let mail = house.hop.wait_for_mail_to("max@partner.example").await;
    let link = Arrived::new(&mail.octets).link(LINK);
    house.browser().get(&link).await.assert(200);

    // The other invitation, on the command line.
    let id = house.invitation_of("kmi@partner.example").await;
    house.hop.take();
    let said = house.postern(&["invite", "address", &id, KIM]).await.unwrap();
    assert!(said.contains(KIM), "{said}");
    let right = house.fresh_link(KIM).await;
    let page = house.browser().get(&wrong).await.assert(410);
    assert!(!page.words().contains(KIM), "the wrong person learns nothing: {}", page.words());
    house.activate(&mut house.browser(), &right, "Kim Kerr", "six geese over the moor").await.assert(303);
    let page = house.browser().get(&wrong).await.assert(410);
    assert!(!page.words().contains(KIM), "{}", page.words());
    house.postern(&["invite", "address", &id, LEE]).await.unwrap_err();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_people_one_can_be_named() {
    let house = House::open().await;
    let to = invited(&house, &[KIM, LEE]).await;
    let said = answered(&house, &to, "address max@partner.example\r\n").await;
    assert!(said.contains("which of the addresses is wrong"), "{said}");
    let said = answered(&house, &to, &format!("withdraw {KIM}\r\n")).await;
    assert!(said.contains(KIM) && !said.contains(LEE), "{said}");
    let said = answered(&house, &to, "withdraw max@partner.example\r\n").await;
    assert!(said.contains("has not invited this address"), "{said}");
    let listed = house.postern(&["invite", "list", "--state", "withdrawn"]).await.unwrap();
    assert!(listed.contains(KIM) && !listed.contains(LEE), "{listed}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_answered_with_the_commands() {
    let house = House::open().await;
    let to = invited(&house, &[KIM]).await;
    let said = answered(&house, &to, "Please take Kim back!\r\n").await;
    assert!(said.contains("Please take Kim back!") && said.contains("extend 14"), "{said}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_commands_and_no_machine() {
    let house = House::open().await;
    house.hire("Carl Cole", "carl@corp.example").await;
    let to = invited(&house, &[KIM]).await;
    house.hop.take();
    let mut carl = house.client_of("carl@corp.example").await;
    let letter = Letter::new("Re").from("carl@corp.example").to(&to).text("withdraw\r\n");
    let said = carl.mail("carl@corp.example", &[&to], &letter.octets()).await;
    said.assert_says("550 5.7.1", "were not sent by carl@corp.example");

    let holiday =
        Letter::new("On holiday").to(&to).field("Auto-Submitted", "auto-replied").text("resend\r\n");
    house.send(&[&to], &holiday.octets()).await.assert_says("550 5.7.1", "an automatic answer");

    let forged = to.replace('+', "+0");
    let mut client = house.client_of(ALICE).await;
    client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert(250);
    client.command(&format!("RCPT TO:<{forged}>")).await.assert_says("550 5.1.1", "has given out");
    client.quit().await;
    house.settled().await;
    assert_eq!(house.close().await.len(), 0, "nothing was done, and nobody answered");
}
