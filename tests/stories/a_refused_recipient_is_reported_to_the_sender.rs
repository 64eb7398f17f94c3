//! Whoever the next hop will not take is reported to the sender, in the hop's words; the others get their mail.

use crate::harness::hop::Conduct;
use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_recipient_is_reported_to_the_sender() {
    let house = House::open().await;
    house.hop.when("gone@partner.example", Conduct::Reply("550 5.1.1 no such user here"));
    house.hop.when("picky@partner.example", Conduct::AfterData("554 5.6.0 not in this house"));
    let letter = Letter::new("Plans").to("kim@partner.example, gone@partner.example");
    house.send(&["kim@partner.example", "gone@partner.example"], &letter.octets()).await.assert(250);
    house.hop.wait_for_mail_to("kim@partner.example").await;
    let report = house.hop.wait_for_mail_to(ALICE).await;
    assert_report(&report.sender, &report.octets, "gone@partner.example", "5.1.1", "no such user here");

    house.hop.take();
    house.send(&["picky@partner.example"], &letter.octets()).await.assert(250);
    let report = house.hop.wait_for_mail_to(ALICE).await;
    assert_report(&report.sender, &report.octets, "picky@partner.example", "5.6.0", "not in this house");
    assert_eq!(house.close().await.len(), 1);
}

/// RFC 3464: a human part, a part for machines, and the header of what could not be delivered.
fn assert_report(sender: &str, octets: &[u8], recipient: &str, status: &str, words: &str) {
    assert_eq!(sender, "", "a report about a report would go round for ever");
    let report = Arrived::new(octets);
    let kind = report.field("Content-Type").unwrap();
    assert!(kind.contains("multipart/report") && kind.contains("delivery-status"), "{kind}");
    assert!(report.field("Auto-Submitted").unwrap().starts_with("auto-"), "RFC 3834 §5");
    let people = &report.texts("text/plain")[0];
    assert!(people.contains(recipient) && people.contains(words), "{people}");
    let machines = &report.texts("message/delivery-status")[0];
    for line in [
        format!("Final-Recipient: rfc822; {recipient}"),
        "Action: failed".to_owned(),
        format!("Status: {status}"),
    ] {
        assert!(same_field(machines, &line), "{line} is missing in:\n{machines}");
    }
    let text = String::from_utf8_lossy(octets);
    assert!(text.contains("plans.1@corp.example"), "the header of the message:\n{text}");
}

/// Whether a line says the same, case and white space aside.
fn same_field(text: &str, field: &str) -> bool {
    let plain = |line: &str| line.replace(' ', "").to_ascii_lowercase();
    text.lines().any(|line| plain(line) == plain(field))
}
