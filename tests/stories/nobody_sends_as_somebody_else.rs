//! Envelope sender and From must both belong to the person who signed in.

use crate::harness::house::{ALICE, BOB, House};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_as_somebody_else() {
    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;

    let answer = client.command(&format!("MAIL FROM:<{BOB}>")).await.assert_says("550 5.7.1", BOB);
    answer.assert_says("550 5.7.1", ALICE);
    client.command("RSET").await.assert(250);

    let as_bob = Letter::new("Plans").from("Bob Baker <bob@corp.example>").to(KIM).octets();
    client.mail(ALICE, &[KIM], &as_bob).await.assert_says("550 5.7.1", BOB);
    let as_both = Letter::new("Plans").from("alice@corp.example, bob@corp.example").to(KIM).octets();
    client.mail(ALICE, &[KIM], &as_both).await.assert_says("550 5.7.1", BOB);
    // A name that looks like an address deceives people, not the check.
    let dressed_up = Letter::new("Plans").from("\"alice@corp.example\" <bob@corp.example>").to(KIM).octets();
    client.mail(ALICE, &[KIM], &dressed_up).await.assert_says("550 5.7.1", BOB);
    let twice = Letter::new("Plans").field("From", BOB).to(KIM).octets();
    client.mail(ALICE, &[KIM], &twice).await.assert_says("550 5.7.1", BOB);

    let alias = Letter::new("Plans").from("A.Archer@Corp.Example").to(KIM).octets();
    client.mail("a.archer@corp.example", &[KIM], &alias).await.assert(250);
    client.quit().await;
    assert_eq!(house.close().await.len(), 1);
}
