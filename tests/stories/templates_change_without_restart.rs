//! The admin's texts are live as soon as they are saved; a broken one never stops a mail.

use std::fs;
use std::time::Duration;

use crate::harness::house::House;
use crate::harness::reading::Arrived;

#[tokio::test(flavor = "multi_thread")]
async fn templates_change_without_restart() {
    let house = House::open().await;
    house.invite("kim@partner.example").await;
    let folder = house.templates().join("mail/invitation");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("bottom.txt"), "Come through the back gate:\r\n\r\n{{ link }}\r\n").unwrap();
    invite_until(&house, "Come through the back gate:").await;

    // A half-written one: the last good text stays.
    fs::write(folder.join("bottom.txt"), "Half a gate: {{ link").unwrap();
    fs::write(folder.join("top.txt"), "Dear {{ invitee.name or invitee.address }},\r\n").unwrap();
    let words = invite_until(&house, "Dear ").await;
    assert!(words.contains("Come through the back gate:"), "{words}");

    // One that would lose the link, and with it the invitation.
    fs::write(folder.join("bottom.txt"), "There is no gate.\r\n").unwrap();
    fs::write(folder.join("top.txt"), "Hello {{ invitee.name or invitee.address }},\r\n").unwrap();
    let words = invite_until(&house, "Hello ").await;
    assert!(words.contains("Come through the back gate:"), "{words}");

    // Without the files, the built-in ones are back.
    fs::remove_file(folder.join("bottom.txt")).unwrap();
    fs::remove_file(folder.join("top.txt")).unwrap();
    invite_until(&house, "invited").await;
    house.close().await;
}

/// Invites people until an invitation has these words. Every one of them arrives, and has its link.
async fn invite_until(house: &House, words: &str) -> String {
    let search = async {
        loop {
            house.hop.take();
            house.invite("kim@partner.example").await;
            let text = Arrived::new(&house.hop.deliveries()[0].octets).texts("text/plain").remove(0);
            if text.contains(words) {
                return text;
            }
        }
    };
    let search = house.while_time_passes(Duration::from_secs(1), search);
    tokio::time::timeout(Duration::from_secs(30), search).await.expect(words)
}
