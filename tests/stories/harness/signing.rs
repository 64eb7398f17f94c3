//! Keys that sign mail, and a verifier to whom they are published.

use std::fs;
use std::time::Duration;

use postern::base::address::Domain;
use postern::config::{Dkim, Settings};
use postern::daemon::signing;
use rcgen::{KeyPair, PKCS_ED25519, PKCS_RSA_SHA256};

use crate::harness::hop::Hop;
use crate::harness::house::House;
use crate::harness::verifier::Verifier;

/// The house with an RSA key and an Ed25519 key, and who verifies what they sign.
pub async fn open_with_keys(change: impl FnOnce(&mut Settings)) -> (House, Verifier) {
    open_with_keys_before(Hop::start().await, change).await
}

/// The same with this next hop.
pub async fn open_with_keys_before(hop: Hop, change: impl FnOnce(&mut Settings)) -> (House, Verifier) {
    let mut records = Vec::new();
    let house = House::open_before(hop, |settings| {
        // The verifier knows the world's time only: a hundred years hold on any day.
        settings.relay.give_up_after = Duration::from_hours(100 * 365 * 24);
        let folder = settings.server.key.parent().unwrap().to_owned();
        for (selector, algorithm) in [("rsa", &PKCS_RSA_SHA256), ("ed", &PKCS_ED25519)] {
            let key_file = folder.join(format!("{selector}.pem"));
            fs::write(&key_file, KeyPair::generate_for(algorithm).unwrap().serialize_pem()).unwrap();
            let domain = |text| Domain::parse(text).unwrap();
            let section = Dkim { domain: domain("corp.example"), selector: domain(selector), key_file };
            let key = signing::key(&section).unwrap();
            records.push((key.record_name(), key.record().unwrap()));
            settings.dkim.push(section);
        }
        change(settings);
    })
    .await;
    (house, Verifier::new(&records))
}
