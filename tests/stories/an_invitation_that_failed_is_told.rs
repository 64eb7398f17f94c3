//! The inviter hears once, in the thread and in words, of an invitation that did not arrive and of one that nobody has
//! used.

use std::time::Duration;

use crate::harness::hop::{Conduct, Delivery};
use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";
const DAY: Duration = Duration::from_hours(24);
/// The janitor goes round every ten minutes.
const ROUND: Duration = Duration::from_mins(11);

/// What a notice must be, whatever it tells.
fn assert_notice(mail: &Delivery, subject: &str, words: &[&str]) {
    assert_eq!(mail.sender, "", "nobody answers it by machine");
    let notice = Arrived::new(&mail.octets);
    assert_eq!(notice.field("Subject").unwrap(), subject);
    assert_eq!(notice.field("In-Reply-To").unwrap(), "<plans.1@corp.example>");
    assert_eq!(notice.field("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(notice.field("X-Auto-Response-Suppress").unwrap(), "All");
    assert!(notice.field("Reply-To").unwrap().contains("postern+"));
    for form in ["text/plain", "text/html"] {
        let said = notice.texts(form).remove(0);
        for words in words {
            assert!(said.contains(words), "{words} is missing in:\n{said}");
        }
    }
    assert_eq!(notice.links(LINK), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_at_once_comes_with_the_reason_and_the_remedy() {
    let house = House::open().await;
    house.hop.when(KIM, Conduct::Reply("550 5.1.1 no such user here"));
    let letter = Letter::new("Plans").to(KIM).cc(INVITE);
    house.send(&[KIM, INVITE], &letter.octets()).await.assert(250);
    let notice = house.hop.wait_for_mail_to(ALICE).await;
    let words = ["no mailbox with this address", "550 5.1.1 no such user here", "address kim@right.example"];
    assert_notice(&notice, "Not delivered: invitation of kim@partner.example", &words);
    let listed = house.postern(&["invite", "list"]).await.unwrap();
    assert!(listed.contains("bounced"), "{listed}");
    assert_eq!(house.close().await.len(), 1, "a notice in place of a report");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_used_in_time_is_told_once_also_after_a_restart() {
    let mut house = House::open().await;
    house.invite(KIM).await;
    house.hop.take();
    house.clock.advance(DAY * 14 + ROUND);
    let notice = house.hop.wait_for_mail_to(ALICE).await;
    assert_notice(
        &notice,
        &format!("Not used: invitation of {KIM}"),
        &["Nobody has looked at the page", "resend"],
    );
    house.settled().await;
    house.restart().await;
    for _ in 0..3 {
        house.clock.advance(DAY);
    }
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_time_puts_it_off_and_an_account_makes_it_needless() {
    let house = House::open().await;
    house.invite(KIM).await;
    let id = house.invitation_of(KIM).await;
    house.postern(&["invite", "extend", &id, "10"]).await.unwrap();
    let link = house.invite("lee@supplier.example").await;
    house.activate(&mut house.browser(), &link, "Lee Poe", "six geese over the moor").await.assert(303);
    house.settled().await;
    house.hop.take();
    house.clock.advance(DAY * 14 + ROUND);
    house.clock.advance(DAY * 9);
    house.settled().await;
    assert_eq!(house.hop.take().len(), 0);
    house.clock.advance(DAY + ROUND);
    let notice = house.hop.wait_for_mail_to(ALICE).await;
    assert_notice(&notice, &format!("Not used: invitation of {KIM}"), &[]);
    house.close().await;
}
