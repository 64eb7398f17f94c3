//! So many invitations an hour, a day, and to one person: then a temporary no that says until when, which a restart
//! does not forget.

use std::time::Duration;

use postern::config::Rates;

use crate::harness::house::{ALICE, House, INVITE};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";
const HOUR: Duration = Duration::from_hours(1);

fn octets() -> Vec<u8> {
    Letter::new("Plans").to(KIM).cc(INVITE).octets()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_survives_a_restart_and_ends_when_it_said() {
    let mut house = House::open_with(|settings| settings.invite.rates = Rates::default()).await;
    for _ in 0..5 {
        house.send(&[KIM, INVITE], &octets()).await.assert(250);
    }
    let says = "you may invite kim@partner.example 5 times a day, and this message would go beyond. Please send it \
                again after 25 November 2026, ";
    house.send(&[KIM, INVITE], &octets()).await.assert_says("450 4.7.1", says);
    house.settled().await;
    house.restart().await;
    house.send(&["Kim@Partner.Example", INVITE], &octets()).await.assert_says("450 4.7.1", "5 times a day");
    // Whom it does not concern can be invited; and mail without a link is never counted.
    house.send(&["lee@partner.example", INVITE], &octets()).await.assert(250);
    house.send(&[KIM], &octets()).await.assert(250);
    house.clock.advance(HOUR * 24);
    house.send(&[KIM, INVITE], &octets()).await.assert(250);
    assert_eq!(house.close().await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_through_beside_others() {
    let house = House::open_with(|settings| settings.invite.rates.per_hour = Some(3)).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(house.client_of(ALICE).await);
    }
    let sent = clients.into_iter().enumerate().map(|(number, mut client)| {
        tokio::spawn(async move {
            let invitee = format!("kim{number}@partner.example");
            let answer = client.mail(ALICE, &[&invitee, INVITE], &octets()).await;
            client.quit().await;
            answer
        })
    });
    let mut taken = 0;
    for sent in sent.collect::<Vec<_>>() {
        let answer = sent.await.unwrap();
        if answer.code == 250 {
            taken += 1;
        } else {
            answer.assert_says("450 4.7.1", "you may invite 3 people an hour");
        }
    }
    assert_eq!(taken, 3);
    house.clock.advance(HOUR);
    house.send(&[KIM, INVITE], &octets()).await.assert(250);
    assert_eq!(house.close().await.len(), 4);
}
