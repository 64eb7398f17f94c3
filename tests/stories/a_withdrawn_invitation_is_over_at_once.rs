//! What its inviter takes back opens nothing any more, and what was not sent yet is not sent.

use std::time::Duration;

use crate::harness::hop::{Hop, Manners};
use crate::harness::house::{House, INVITE};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn its_links_lead_to_the_withdrawn_page() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    let mut browser = house.browser();
    let form = browser.get(&link).await.assert(200).form("/i/");

    let id = house.invitation_of(KIM).await;
    let said = house.postern(&["invite", "withdraw", &id]).await.unwrap();
    assert_eq!(
        said,
        "The invitation of kim@partner.example is withdrawn; its links open nothing any more.\n"
    );
    browser.get(&link).await.assert(410).assert_says("withdrawn");
    // Whoever had the form open already hears the same.
    let late = form.fill("name", "Kim Kerr").fill("password", "an hour too late for tea");
    browser.submit(&late).await.assert(410).assert_says("withdrawn");

    // Once more changes nothing, and nothing else can be done about it.
    house.postern(&["invite", "withdraw", &id]).await.unwrap();
    for change in [&["invite", "resend", &id][..], &["invite", "extend", &id, "3"]] {
        let refused = house.postern(change).await.unwrap_err();
        assert!(refused.contains("was withdrawn, and stays so"), "{refused}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_still_waits_is_not_sent_any_more() {
    let mut house = House::open_before(Hop::down(Manners::default()), |_| ()).await;
    let letter = Letter::new("Plans of the east wing").to(KIM).cc(INVITE);
    house.send(&[KIM, "lee@partner.example", INVITE], &letter.octets()).await.assert(250);
    let id = house.invitation_of(KIM).await;
    house.postern(&["invite", "withdraw", &id]).await.unwrap();

    house.hop.open().await;
    house.while_time_passes(MINUTE, house.hop.wait_for_mail_to("lee@partner.example")).await;
    house.while_time_passes(MINUTE, house.settled()).await;
    let arrived = house.close().await;
    assert!(!arrived.iter().any(|mail| mail.is_to(KIM)), "Kim got a mail");
    assert_eq!(arrived.len(), 1, "and nobody a report");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_done_while_the_service_is_down() {
    let mut house = House::open().await;
    let link = house.invite(KIM).await;
    let id = house.invitation_of(KIM).await;
    house.begin_to_stop().await.unwrap();

    let refused = house.postern(&["invite", "resend", &id]).await.unwrap_err();
    assert!(refused.contains("the service is not running"), "{refused}");
    house.postern(&["invite", "withdraw", &id]).await.unwrap();
    let listed = house.postern(&["invite", "list", "--state", "withdrawn"]).await.unwrap();
    assert!(listed.starts_with(&id), "{listed}");

    house.start().await;
    house.browser().get(&link).await.assert(410).assert_says("withdrawn");
    house.close().await;
}
