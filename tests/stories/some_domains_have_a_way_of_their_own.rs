//! Mail for a domain with a route leaves by that and by no other, invitations and ordinary mail alike.

use postern::base::address::Domain;
use postern::config::{DomainRoute, HopTls, Smarthost};

use crate::harness::hop::{Delivery, Hop};
use crate::harness::house::{House, INVITE};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@supplier.example";
const MO: &str = "mo@eu.supplier.example";

fn recipients(deliveries: Vec<Delivery>) -> Vec<String> {
    let mut all: Vec<_> = deliveries.into_iter().flat_map(|delivery| delivery.recipients).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn some_domains_have_a_way_of_their_own() {
    let second = Hop::start().await;
    let address = second.address();
    let house = House::open_with(|settings| {
        let host = Smarthost {
            host: address.ip().to_string(),
            port: address.port(),
            tls: HopTls::None,
            login: None,
        };
        settings.relay.routes =
            vec![DomainRoute { domains: vec![Domain::parse("supplier.example").unwrap()], host }];
    })
    .await;
    house.send(&[KIM, LEE, MO], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    house.send(&[KIM, LEE, INVITE], &Letter::new("Invited").to(KIM).octets()).await.assert(250);
    house.settled().await;
    assert_eq!(recipients(second.take()), [LEE, LEE, MO]);
    assert_eq!(recipients(house.hop.take()), [KIM, KIM]);
    house.close().await;
    assert_eq!(second.faults(), [""; 0]);
}
