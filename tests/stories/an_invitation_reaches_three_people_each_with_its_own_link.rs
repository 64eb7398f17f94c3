//! One mail to three people outside, by To, Cc and Bcc: three copies, each with a link of its own, the sender's words
//! and attachment untouched.

use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::{Letter, noise};
use crate::harness::reading::Arrived;

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_reaches_three_people_each_with_its_own_link() {
    let house = House::open().await;
    let plan = noise(30_000);
    let letter = Letter::new("Plans of the east wing")
        .to("Kim Kerr <kim@partner.example>")
        .cc("Lee Lind <lee@supplier.example>, invite@corp.example")
        .html("<html><body><p>Dear Kim,</p><p>please send us the <b>plans</b>.</p></body></html>")
        .attach("plan.pdf", &plan);
    let invitees = ["kim@partner.example", "lee@supplier.example", "mo@else.example"];
    let recipients: Vec<_> = invitees.into_iter().chain([INVITE]).collect();
    house.send(&recipients, &letter.octets()).await.assert(250);

    let mut links = Vec::new();
    for invitee in invitees {
        let delivery = house.hop.wait_for_mail_to(invitee).await;
        assert_eq!(
            (delivery.sender.as_str(), delivery.recipients.as_slice()),
            (ALICE, &[invitee.to_owned()][..])
        );
        let arrived = Arrived::new(&delivery.octets);
        assert_eq!(arrived.field("From").unwrap(), "Alice Archer <alice@corp.example>");
        assert_eq!(arrived.field("To").unwrap(), "Kim Kerr <kim@partner.example>");
        assert_eq!(arrived.field("Cc").unwrap(), "Lee Lind <lee@supplier.example>");
        assert_eq!(arrived.field("Subject").unwrap(), "Plans of the east wing");
        assert_eq!(arrived.field("Message-ID").unwrap(), "<plans.1@corp.example>");

        let (text, html) = (arrived.texts("text/plain"), arrived.texts("text/html"));
        let link = arrived.link(LINK);
        assert!(text[0].contains("please send us the plans of the east wing."), "{}", text[0]);
        assert!(text[0].lines().any(|line| line == link), "the link alone on its line: {}", text[0]);
        assert!(html[0].contains("<p>Dear Kim,</p><p>please send us the <b>plans</b>.</p>"), "{}", html[0]);
        assert!(html[0].contains(&format!("href=\"{link}\"")), "{}", html[0]);
        assert!(arrived.attachment("plan.pdf") == plan, "the attachment has changed");
        links.push(link);
    }
    links.sort();
    links.dedup();
    assert_eq!(links.len(), 3);
    assert_eq!(house.close().await.len(), 3);
}
