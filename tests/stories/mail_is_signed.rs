//! Where there is a key, all that leaves is signed, and verifies at the far end: invitations, courtesy copies, ordinary
//! mail, notices and reports.

use postern::base::address::Domain;

use crate::harness::hop::Conduct;
use crate::harness::house::{BOB, INVITE, LINK};
use crate::harness::letter::{Letter, noise};
use crate::harness::reading::{Arrived, fields, halves};
use crate::harness::signing::open_with_keys;

const KIM: &str = "kim@partner.example";
const SIGNED: [&str; 2] = ["rsa: pass", "ed: pass"];

#[tokio::test(flavor = "multi_thread")]
async fn all_mail_that_leaves_is_signed() {
    let (house, verifier) = open_with_keys(|_| ()).await;
    house.hop.when("gone@partner.example", Conduct::Reply("550 5.1.1 no such user here"));
    let invitation = Letter::new("Plans").to(KIM).cc("invite@corp.example, bob@corp.example");
    house.send(&[KIM, INVITE, BOB], &invitation.octets()).await.assert(250);
    let link = Arrived::new(&house.hop.wait_for_mail_to(KIM).await.octets).link(LINK);
    house.settled().await;
    house.activate(&mut house.browser(), &link, "Kim Doe", "a heron on the long pier").await.assert(303);
    let large = Letter::new("Large").to("gone@partner.example").attach("plan.bin", &noise(1 << 20));
    house.send(&["gone@partner.example", "max@partner.example"], &large.octets()).await.assert(250);
    // Kim's invitation and welcome, Bob's copy, "has accepted" and the report to Alice, and what Max got.
    let deliveries = house.close().await;
    let recipients: Vec<_> = deliveries.iter().map(|delivery| &delivery.recipients).collect();
    assert_eq!(deliveries.len(), 6, "{recipients:?}");
    for delivery in deliveries {
        let verdicts = verifier.verdicts(&delivery.octets).await;
        assert_eq!(verdicts, SIGNED, "{}", String::from_utf8_lossy(halves(&delivery.octets).0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_mail_keeps_its_octets_below_the_signature() {
    let (house, verifier) = open_with_keys(|_| ()).await;
    let message =
        Letter::new("Plans").to(KIM).field("DKIM-Signature", "v=1; d=partner.example; s=rsa; b=AbC");
    let message = message.octets();
    house.send(&[KIM], &message).await.assert(250);
    let delivery = house.hop.wait_for_mail_to(KIM).await;
    let front = delivery.octets.strip_suffix(message.as_slice()).expect("the mail as it was");
    let names: Vec<_> =
        fields(front).iter().map(|field| field.split(|&octet| octet == b':').next()).collect();
    assert_eq!(names, [Some(b"DKIM-Signature".as_slice()), Some(b"DKIM-Signature"), Some(b"Received")]);
    let verdicts = verifier.verdicts(&delivery.octets).await;
    assert_eq!(verdicts[..2], SIGNED, "{verdicts:?}");

    // What is signed by us already is let alone as ordinary mail, and signed anew as an invitation.
    house.hop.take();
    let signed = delivery.octets;
    house.send(&[KIM], &signed).await.assert(250);
    let again = house.hop.wait_for_mail_to(KIM).await.octets;
    assert!(again.starts_with(b"Received: ") && again.ends_with(&signed));
    house.hop.take();
    house.send(&[KIM, INVITE], &signed).await.assert(250);
    let invitation = house.hop.wait_for_mail_to(KIM).await.octets;
    let verdicts = verifier.verdicts(&invitation).await;
    assert_eq!(verdicts[..2], SIGNED, "{verdicts:?}");
    let header = String::from_utf8(halves(&invitation).0.to_vec()).unwrap();
    assert_eq!(header.matches("DKIM-Signature: ").count(), 3, "{header}");
    assert!(header.contains("d=partner.example; s=rsa; b=AbC"), "{header}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_another_domain_signs_nothing() {
    let (house, verifier) = open_with_keys(|settings| {
        for key in &mut settings.dkim {
            key.domain = Domain::parse("west.corp.example").unwrap();
        }
    })
    .await;
    house.invite(KIM).await;
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    for delivery in house.close().await {
        assert_eq!(verifier.verdicts(&delivery.octets).await, [""; 0]);
        assert!(delivery.octets.starts_with(b"Received: "));
    }
}
