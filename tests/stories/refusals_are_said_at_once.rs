//! What cannot be an invitation is refused while the client still listens, in words, and nobody is invited.

use crate::harness::client::stuffed;
use crate::harness::house::{ALICE, BOB, House, INVITE};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";

struct Case {
    what: &'static str,
    recipients: &'static [&'static str],
    letter: Letter,
    start: &'static str,
    words: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_said_at_once() {
    let house = House::open().await;
    let letter = |subject: &str| Letter::new(subject).to(KIM).cc(INVITE);
    let cases = [
        Case {
            what: "nobody outside",
            recipients: &[BOB, INVITE],
            letter: Letter::new("Plans").to(BOB).cc(INVITE),
            start: "550 5.1.3",
            words: "outside",
        },
        Case {
            what: "nobody at all",
            recipients: &[INVITE],
            letter: Letter::new("Plans").to(INVITE),
            start: "550 5.1.3",
            words: "outside",
        },
        Case {
            what: "empty subject",
            recipients: &[KIM, INVITE],
            letter: letter(""),
            start: "550 5.6.0",
            words: "subject",
        },
        Case {
            what: "white subject",
            recipients: &[KIM, INVITE],
            letter: letter(" \t "),
            start: "550 5.6.0",
            words: "subject",
        },
        Case {
            what: "long subject",
            recipients: &[KIM, INVITE],
            letter: letter(&"a very long subject ".repeat(13)),
            start: "550 5.6.0",
            words: "256",
        },
        Case {
            what: "empty message",
            recipients: &[KIM, INVITE],
            letter: letter("Plans").text(" \r\n\t\r\n"),
            start: "550 5.6.0",
            words: "text",
        },
        Case {
            what: "nothing visible",
            recipients: &[KIM, INVITE],
            letter: letter("Plans")
                .text("\r\n")
                .html("<html><head><title>x</title></head><body><p>&nbsp;</p></body></html>"),
            start: "550 5.6.0",
            words: "text",
        },
        Case {
            what: "unknown tag",
            recipients: &[KIM, "invite+quickly@corp.example"],
            letter: letter("Plans"),
            start: "550 5.",
            words: "quickly",
        },
        Case {
            what: "a robot",
            recipients: &[KIM, INVITE],
            letter: letter("Plans").field("Auto-Submitted", "auto-replied"),
            start: "550 5.7.1",
            words: "",
        },
        Case {
            what: "a mailing list",
            recipients: &[KIM, INVITE],
            letter: letter("Plans").field("List-Id", "<plans.corp.example>"),
            start: "550 5.7.1",
            words: "",
        },
        Case {
            what: "part of a message",
            recipients: &[KIM, INVITE],
            letter: letter("Plans").field("Content-Type", "message/partial; id=\"a\"; number=1"),
            start: "550 5.6.1",
            words: "",
        },
    ];
    let mut client = house.client_of(ALICE).await;
    for case in cases {
        println!("{}", case.what);
        let answer = client.mail(ALICE, case.recipients, &case.letter.octets()).await;
        answer.assert_says(case.start, case.words);
    }
    client.quit().await;

    let mut bob = house.client_of(BOB).await;
    let letter = Letter::new("Plans").from(BOB).to(KIM).cc(INVITE);
    bob.mail(BOB, &[KIM, INVITE], &letter.octets()).await.assert_says("550 5.7.1", "invit");
    bob.quit().await;
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_can_be_switched_off() {
    let house = House::open_with(|settings| settings.invite.enabled = false).await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    house.send(&[KIM, INVITE], &letter.octets()).await.assert_says("550 5.7.1", "switched off");
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_invitee_means_nobody_is_invited() {
    let house = House::open_with(|settings| settings.limits.invitees = 2).await;
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    let recipients = [KIM, "lee@partner.example", "mo@partner.example", INVITE];
    house.send(&recipients, &letter.octets()).await.assert_says("550 5.5.3", "2");
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_on_without_a_refused_recipient_invites_nobody() {
    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;
    // Both ways to lose one: it is no address, or it needs what the client has not announced.
    for faulty in ["lee@[192.0.2.7]", "léa@partner.example"] {
        client.command(&format!("MAIL FROM:<{ALICE}>")).await.assert(250);
        client.command(&format!("RCPT TO:<{KIM}>")).await.assert(250);
        client.command(&format!("RCPT TO:<{faulty}>")).await.assert_says("55", "");
        client.command(&format!("RCPT TO:<{INVITE}>")).await.assert(250);
        client.command("DATA").await.assert(354);
        client.send(stuffed(&Letter::new("Plans").to(KIM).cc(INVITE).octets())).await;
        client.answer().await.assert_says("550 5.1.3", "nobody was invited");
    }
    // Ordinary mail reaches those it can reach.
    let octets = Letter::new("Plans").to(KIM).octets();
    client.mail(ALICE, &[KIM, "lee@[192.0.2.7]"], &octets).await.assert(550);
    client.quit().await;
    assert_eq!(house.close().await.len(), 1);
}
