//! Many mails need few connections to the next hop.

use crate::harness::house::{ALICE, House};
use crate::harness::letter::Letter;

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@partner.example").octets();
    let mut client = house.client_of(ALICE).await;
    for count in 1..=50 {
        client.mail(ALICE, &["kim@partner.example"], &letter).await.assert(250);
        house.hop.wait_for(count).await;
    }
    client.quit().await;
    assert!(house.hop.connections() <= 5, "{} connections for 50 mails", house.hop.connections());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_hop_has_closed_costs_no_time() {
    let house = House::open().await;
    let letter = Letter::new("Plans").to("kim@partner.example").octets();
    let mut client = house.client_of(ALICE).await;
    for round in 1..=5 {
        // Several at once, so that several connections are kept.
        for _ in 0..10 {
            client.mail(ALICE, &["kim@partner.example"], &letter).await.assert(250);
        }
        // The clock stands still: nothing may wait for its next try.
        assert_eq!(house.hop.wait_for(10 * round).await.len(), 10 * round, "each once");
        house.hop.hang_up();
    }
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mail_to_many_people_goes_once() {
    let house = House::open().await;
    let people: Vec<String> = (0..20).map(|number| format!("kim{number}@partner.example")).collect();
    let recipients: Vec<&str> = people.iter().map(String::as_str).collect();
    house.send(&recipients, &Letter::new("Plans").to("everybody@partner.example").octets()).await.assert(250);
    let deliveries = house.close().await;
    assert_eq!(deliveries.len(), 1, "recipients of ordinary mail are grouped");
    assert_eq!(deliveries[0].recipients.len(), 20);
}
