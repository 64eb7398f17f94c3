//! `postern check`: what would keep the gateway from working, all at once and each with its key.

use std::fs;
use std::net::TcpListener;

use crate::harness::command::postern;
use crate::harness::house::{House, PORTAL};

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_a_sound_house_sound() {
    let mut house = House::open().await;
    let config = house.config();
    let running = postern(&config, &["check"], "").await;
    assert!(running.succeeded && running.out.contains("ok     the service runs"), "{running:?}");

    house.begin_to_stop().await.unwrap();
    let stopped = postern(&config, &["check"], "").await;
    assert!(stopped.succeeded, "{stopped:?}");
    assert!(stopped.out.lines().all(|line| line.starts_with("ok     ")), "{stopped:?}");
    house.start().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_every_fault_at_once() {
    let house = House::open().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("address = \"{}\"", taken.local_addr().unwrap());
    // A port that nobody listens on: it was free a moment ago.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let faulty = fs::read_to_string(house.config())
        .unwrap()
        .replacen("address = \"127.0.0.1:0\"", &address, 1)
        .replace("/key.pem", "/certificate.pem")
        .replace("/state\"", "/postern.toml/state\"")
        .replace(&format!("port = {}", house.hop.address().port()), &format!("port = {nobody}"));
    let config = house.config().with_file_name("faulty.toml");
    fs::write(&config, faulty).unwrap();
    fs::create_dir_all(house.templates().join("page")).unwrap();
    fs::write(house.templates().join("page/used.html"), "{{ nobody_knows_this }}").unwrap();

    let said = postern(&config, &["check"], "").await;
    let keys: Vec<&str> = said
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("FAULT  "))
        .filter_map(|fault| fault.split_once(": ").map(|(key, _)| key))
        .collect();
    let expected = [
        "server.certificate",
        "storage.directory",
        "templates.directory",
        "listener.address",
        "relay.smarthost",
    ];
    assert_eq!(keys, expected, "{said:?}");
    assert!(!said.succeeded && said.err.contains("5 faults"), "{said:?}");
    drop(taken);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_a_certificate_for_another_name() {
    let house = House::open().await;
    let text =
        fs::read_to_string(house.config()).unwrap().replace(PORTAL, "https://portal.corp.example:8443");
    let config = house.config().with_file_name("portal.toml");
    fs::write(&config, text).unwrap();
    let said = postern(&config, &["check"], "").await;
    assert!(!said.succeeded, "{said:?}");
    assert!(
        said.out.contains("certificate.pem: it is not for portal.corp.example. Have one made"),
        "{said:?}"
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_leaves_nothing_behind() {
    let house = House::open().await;
    let elsewhere = house.config().with_file_name("elsewhere");
    let text = fs::read_to_string(house.config()).unwrap().replace("/state\"", "/elsewhere/state\"");
    let config = house.config().with_file_name("new.toml");
    fs::write(&config, text).unwrap();
    let said = postern(&config, &["check"], "").await;
    assert!(said.succeeded, "{said:?}");
    assert!(!elsewhere.exists());
    house.close().await;
}
