//! What is no invitation leaves as it came, apart from trace fields in front.

use crate::harness::client::stuffed;
use crate::harness::house::{ALICE, House};
use crate::harness::letter::{Letter, noise};
use crate::harness::reading::{fields, halves};

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_mail_arrives_byte_for_byte() {
    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;
    for (name, message) in shapes() {
        house.hop.take();
        client.mail(ALICE, &["kim@partner.example"], &message).await.assert(250);
        let delivery = house.hop.wait_for(1).await.remove(0);
        let trace = delivery.octets.strip_suffix(message.as_slice());
        let trace = trace.unwrap_or_else(|| panic!("{name} has changed"));
        for field in fields(trace) {
            assert!(field.starts_with(b"Received: "), "{name}: {}", field.escape_ascii());
        }
    }
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_without_date_and_message_id_gets_them_and_keeps_the_rest() {
    let house = House::open().await;
    let message = b"From: alice@corp.example\r\nSubject: bare\r\n\r\nHello.\r\n";
    house.send(&["kim@partner.example"], message).await.assert(250);
    let delivery = house.close().await.remove(0);
    let (header, body) = halves(&delivery.octets);
    assert_eq!(body, b"Hello.\r\n");
    // RFC 6409 §8.2 and §8.3.
    for name in ["date", "message-id", "from", "subject"] {
        let of_that_name =
            |field: &&[u8]| field.to_ascii_lowercase().starts_with(format!("{name}:").as_bytes());
        assert_eq!(fields(header).iter().filter(|field| of_that_name(field)).count(), 1, "{name}");
    }
}

fn shapes() -> Vec<(&'static str, Vec<u8>)> {
    let letter = Letter::new("Plans").to("kim@partner.example");
    let header = "From: alice@corp.example\r\nDate: Tue, 24 Nov 2026 13:37:00 +0100\r\n\
                  Message-ID: <a@corp.example>\r\n";
    let with = |rest: &[u8]| [header.as_bytes(), rest].concat();
    let shapes = vec![
        ("five mebibytes", letter.clone().attach("plan.bin", &noise(5 << 20)).octets()),
        ("dots", with(b"Subject: dots\r\n\r\n.\r\n..\r\n...two\r\n.end\r\n")),
        ("long lines", with(format!("Subject: long\r\n\r\n{}\r\n", "x".repeat(998)).as_bytes())),
        ("eight bits", with("Subject: acht\r\n\r\nGrüße aus dem Ostflügel\r\n".as_bytes())),
        ("no body", with(b"Subject: nothing\r\n\r\n")),
        ("odd folding", with(b"subject:odd\r\n folding\r\n\t here\r\nX-Tabs:\ta\tb\r\n\r\nx\r\n")),
        ("trailing white space", with(b"Subject: white  \r\nX-Empty:\r\n\r\n  \t\r\n\r\n\r\n")),
        ("a broken multipart", with(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nno end")),
        ("a foreign signature", with(b"DKIM-Signature: v=1; a=rsa-sha256; b=\r\n\tAbC=\r\n\r\nsigned\r\n")),
        ("html", letter.html("<p>Plans</p>").octets()),
    ];
    // What goes over the wire ends with CRLF, whatever the program wrote.
    shapes
        .into_iter()
        .map(|(name, mut message)| {
            assert!(stuffed(&message).ends_with(b"\r\n.\r\n"));
            if !message.ends_with(b"\r\n") {
                message.extend_from_slice(b"\r\n");
            }
            (name, message)
        })
        .collect()
}
