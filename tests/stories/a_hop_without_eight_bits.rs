//! What the sender's program and the next hop agreed on is passed on; what the hop cannot take is converted for it or,
//! where that would break a signature, comes back in words. It is never sent in a form that the hop did not offer (RFC
//! 6152 §3).

use crate::harness::hop::{Hop, Manners};
use crate::harness::house::{ALICE, House, INVITE, LINK};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;
use crate::harness::signing::open_with_keys_before;

const KIM: &str = "kim@partner.example";
const EIGHT_BITS: &str = "Grüße aus dem Ostflügel\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn eight_bits_are_announced_to_a_hop_that_takes_them() {
    let house = House::open().await;
    house.send(&[KIM], &Letter::new("Plans").to(KIM).text(EIGHT_BITS).octets()).await.assert(250);
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    let deliveries = house.close().await;
    for delivery in deliveries {
        let announced = delivery.parameters.split(' ').any(|parameter| parameter == "BODY=8BITMIME");
        assert_eq!(announced, !delivery.octets.is_ascii(), "{}", delivery.parameters);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_without_eight_bits_gets_the_same_in_ascii_with_a_signature_that_holds() {
    let hop = Hop::with(Manners { seven_bit: true, ..Manners::default() }).await;
    let (house, verifier) = open_with_keys_before(hop, |_| ()).await;
    let letter = String::from_utf8(Letter::new("Plans").to(KIM).text(EIGHT_BITS).octets()).unwrap();
    let letter = letter.replace("us-ascii", "utf-8").replace("7bit", "8bit").into_bytes();
    house.send(&[KIM], &letter).await.assert(250);
    let delivery = house.hop.wait_for_mail_to(KIM).await;
    assert!(delivery.octets.is_ascii() && !delivery.parameters.contains("BODY"), "{}", delivery.parameters);
    assert_eq!(
        Arrived::new(&delivery.octets).texts("text/plain")[0].replace("\r\n", "\n"),
        EIGHT_BITS.replace("\r\n", "\n")
    );
    assert_eq!(verifier.verdicts(&delivery.octets).await, ["rsa: pass", "ed: pass"]);

    house.hop.take();
    house.send(&[KIM, INVITE], &letter).await.assert(250);
    let invitation = house.hop.wait_for_mail_to(KIM).await.octets;
    assert!(invitation.is_ascii());
    let words = &Arrived::new(&invitation).texts("text/plain")[0];
    assert!(words.contains(EIGHT_BITS.trim_end()) && words.contains(LINK), "{words}");
    assert_eq!(verifier.verdicts(&invitation).await, ["rsa: pass", "ed: pass"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_by_its_author_comes_back_in_words() {
    let hop = Hop::with(Manners { seven_bit: true, ..Manners::default() }).await;
    let house = House::open_before(hop, |_| ()).await;
    let signed = format!(
        "From: {ALICE}\r\nTo: {KIM}\r\nSubject: Plans\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; \
         protocol=\"application/pgp-signature\"; micalg=pgp-sha256\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{EIGHT_BITS}--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    );
    house.send(&[KIM], signed.as_bytes()).await.assert(250);
    let report = house.hop.wait_for_mail_to(ALICE).await;
    assert!(report.octets.is_ascii());
    let words = &Arrived::new(&report.octets).texts("text/plain")[0];
    assert!(words.contains(KIM) && words.contains("8-bit text") && words.contains("it is signed"), "{words}");
    let deliveries = house.close().await;
    assert!(deliveries.iter().all(|delivery| !delivery.is_to(KIM)));
}
