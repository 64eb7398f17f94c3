//! A smarthost with the wrong certificate gets no mail; with the right one it gets it in secret, after signing in.

use std::time::Duration;

use postern::base::secret::Secret;
use postern::config::{HopTls, Route, Settings, Smarthost};

use crate::harness::authority::Authority;
use crate::harness::hop::{Hop, Manners};
use crate::harness::house::House;
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_next_hop_must_prove_its_name() {
    let authority = Authority::new();
    let impostor = Manners {
        starttls: Some(authority.credential(&["other.partner.example"]).server()),
        ..Manners::default()
    };
    let house = House::open_before(Hop::with(impostor).await, |settings| {
        trust(settings, &authority, HopTls::StartTls, None);
    })
    .await;
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    house.while_time_passes(MINUTE, house.hop.wait_for_connections(3)).await;
    assert_eq!(house.close_with_mail_waiting().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_without_the_tls_that_was_asked_for_gets_nothing() {
    let authority = Authority::new();
    let house = House::open_before(Hop::start().await, |settings| {
        trust(settings, &authority, HopTls::StartTls, None);
    })
    .await;
    house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
    house.while_time_passes(MINUTE, house.hop.wait_for_connections(3)).await;
    assert_eq!(house.close_with_mail_waiting().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smarthost_that_asks_for_a_password_gets_it_inside_tls_only() {
    for mode in [HopTls::StartTls, HopTls::Implicit] {
        let authority = Authority::new();
        let server = Some(authority.credential(&["localhost"]).server());
        let login = Some(("gateway", "a long password for machines"));
        let manners = match mode {
            HopTls::Implicit => Manners { implicit_tls: server, login, ..Manners::default() },
            _ => Manners { starttls: server, login, ..Manners::default() },
        };
        let house = House::open_before(Hop::with(manners).await, |settings| {
            trust(settings, &authority, mode, login);
        })
        .await;
        house.send(&[KIM], &Letter::new("Plans").to(KIM).octets()).await.assert(250);
        let delivery = house.hop.wait_for_mail_to(KIM).await;
        assert_eq!((delivery.encrypted, delivery.user.as_deref()), (true, Some("gateway")));
        house.close().await;
    }
}

/// The smarthost as `localhost`, its certificate checked against this authority.
fn trust(settings: &mut Settings, authority: &Authority, tls: HopTls, login: Option<(&str, &str)>) {
    let file = settings.storage.directory.with_file_name("hop-authority.pem");
    std::fs::write(&file, authority.certificate()).unwrap();
    settings.relay.trust = Some(file);
    let Route::Smarthosts(hosts) = &mut settings.relay.route else { panic!("a smarthost") };
    let port = hosts[0].port;
    let login = login.map(|(name, password)| (name.to_owned(), Secret::new(password)));
    *hosts = vec![Smarthost { host: "localhost".to_owned(), port, tls, login }];
}
